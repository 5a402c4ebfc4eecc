"""One canonical JSON for everything that is hashed, stored or compared: sorted keys, no floats, UTF-8."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

import orjson

from reconciler.domain.money import plain

# The usual kind first: whether a value is of an abstract one is slow to tell, and so is a union made for each value.
_MAPPINGS, _LISTS = (dict, Mapping), (list, tuple)
_AT_A_TIME = 500
# What orjson would write of its own accord is told by `_told`, or refused.
_COMPACT = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_INDENTED = _COMPACT | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


def _told(value: object) -> str | dict[Any, Any]:
    """What orjson does not write by itself, as what it does."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError("a binary float has no place in a document about money")
    members = value.values() if isinstance(value, _MAPPINGS) else value if isinstance(value, _LISTS) else ()
    for member in members:
        # Texts and nothing are most of what is written: they need no look of their own.
        if type(member) is not str and member is not None:
            _refuse_floats(member)


def canonical(value: Any) -> str:
    """The value as compact canonical JSON.

    Raises TypeError for floats, for whole numbers of more than 64 bits, for half a character, for what is nested some
    hundred deep, and for what JSON does not know.
    """
    return _written(value, _COMPACT).decode()


def readable(value: Any) -> str:
    """The value as indented canonical JSON with one trailing newline: the form of files under review."""
    return _written(value, _INDENTED).decode()


def _written(value: Any, form: int) -> bytes:
    _refuse_floats(value)
    return orjson.dumps(value, default=_told, option=form)


def digest(value: Any) -> str:
    """`sha256:` and the hexadecimal hash of the canonical JSON."""
    return "sha256:" + hashlib.sha256(_written(value, _COMPACT)).hexdigest()


def digest_of(document: Mapping[str, Any]) -> str:
    """The same as `digest`, of a document that is too long to be held as text: the members of its members are hashed a
    few hundred at a time. A list may be an iterator, which makes its members as they are asked for.
    """
    found = hashlib.sha256()
    for number, name in enumerate(sorted(document)):
        found.update((b"," if number else b"{") + orjson.dumps(name) + b":")
        for piece in _pieces(document[name]):
            found.update(piece)
    found.update(b"}" if document else b"{}")
    return "sha256:" + found.hexdigest()


def _pieces(value: object) -> Iterator[bytes]:
    """The canonical form of a value, in pieces."""
    if isinstance(value, _MAPPINGS):
        names = iter(sorted(value))
        yield from _joined(b"{", b"}", ({name: value[name] for name in some} for some in _some(names)))
    elif isinstance(value, (*_LISTS, Iterator)):
        yield from _joined(b"[", b"]", _some(iter(value)))
    else:
        yield _written(value, _COMPACT)


def _some(values: Iterator[Any]) -> Iterator[list[Any]]:
    while some := list(islice(values, _AT_A_TIME)):
        yield some


def _joined(begin: bytes, end: bytes, parts: Iterable[Any]) -> Iterator[bytes]:
    """Mappings or lists as one: the brackets once, around the members of all."""
    before = begin
    for part in parts:
        yield before + _written(part, _COMPACT)[1:-1]
        before = b","
    yield end if before == b"," else begin + end
