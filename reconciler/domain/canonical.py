"""One canonical JSON for everything that is hashed, stored or compared: sorted keys, no floats, UTF-8."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

from reconciler.domain.money import plain

# The usual kind first: whether a value is of an abstract one is slow to tell, and so is a union made for each value.
_MAPPINGS, _LISTS = (dict, Mapping), (list, tuple)


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, date):
        return value.isoformat()
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
    """The value as compact canonical JSON. Raises TypeError for floats and for what JSON does not know."""
    _refuse_floats(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_text)


def readable(value: Any) -> str:
    """The value as indented canonical JSON with one trailing newline: the form of files under review."""
    return _indented(value, "\n") + "\n"


def _indented(value: object, line: str) -> str:
    """What `json.dumps` writes with an indent of two and sorted keys, for which it leaves its fast half; `line` is a
    line's end with the spaces that the value's last line begins with.
    """
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None:
        return "null"
    if isinstance(value, _MAPPINGS):
        inner = line + "  "
        members = [f"{inner}{encode_basestring(name)}: {_indented(value[name], inner)}" for name in sorted(value)]
        return f"{{{','.join(members)}{line}}}" if members else "{}"
    if isinstance(value, _LISTS):
        inner = line + "  "
        members = [inner + _indented(member, inner) for member in value]
        return f"[{','.join(members)}{line}]" if members else "[]"
    if type(value) is int:
        return str(value)
    _refuse_floats(value)
    return json.dumps(value, ensure_ascii=False, default=_text)


def digest(value: Any) -> str:
    """`sha256:` and the hexadecimal hash of the canonical JSON."""
    return "sha256:" + hashlib.sha256(canonical(value).encode()).hexdigest()
