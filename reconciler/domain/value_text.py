"""Values of the domain as plain JSON and back, by their declared types: for what is kept and read by another version.

A dataclass becomes a list of its fields' values; which fields, in which order, is said once for all (`Fields`). Coming
back, a field that the text does not have gets its default, and one that the class has no more is left out. Decimals
are text with every digit they have.
"""

import dataclasses
import typing
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any

Fields = Mapping[str, list[str]]
"""The names of the fields of each dataclass, by its name."""

_AS_THEY_ARE = (str, int, bool, NoneType)


@cache
def writer(kind: Any) -> Callable[[Any], Any]:
    """What turns a value of a type into JSON. Raises TypeError for a type without a plain form."""
    if kind in _AS_THEY_ARE:
        return _same
    if kind is Decimal:
        return str
    if kind in (date, datetime):
        return _day
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _word
    if dataclasses.is_dataclass(kind):
        return _members_writer(kind)
    return _collection_writer(kind)


def _members_writer(kind: Any) -> Callable[[Any], Any]:
    parts = [(name, writer(of)) for name, of in _fields(kind).items()]
    return lambda value: [write(getattr(value, name)) for name, write in parts]


def _collection_writer(kind: Any) -> Callable[[Any], Any]:
    origin, of = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, UnionType):
        inner = writer(_only(kind, of))
        return lambda value: None if value is None else inner(value)
    if origin is tuple and of[1:] == (Ellipsis,):
        each = writer(of[0])
        return lambda value: [each(item) for item in value]
    if origin is frozenset:
        each = writer(of[0])
        return lambda value: sorted(each(item) for item in value)
    if origin in (dict, Mapping):
        key, item = writer(of[0]), writer(of[1])
        return lambda value: [[key(name), item(held)] for name, held in value.items()]
    raise TypeError(f"{kind} has no plain form")


@cache
def fields_of(kind: Any) -> dict[str, list[str]]:
    """The fields of a dataclass and of all that stand in it, by the names of their classes."""
    found: dict[str, list[str]] = {}
    _collect(kind, found)
    return found


def _collect(kind: Any, found: dict[str, list[str]]) -> None:
    if not dataclasses.is_dataclass(kind):
        for inner in typing.get_args(kind):
            _collect(inner, found)
        return
    name = kind.__name__ if isinstance(kind, type) else ""
    if name not in found:
        found[name] = list(_fields(kind))
        for inner in _fields(kind).values():
            _collect(inner, found)


def reader(kind: Any, fields: Fields) -> Callable[[Any], Any]:
    """What turns the JSON of a value of a type back into it. `fields` is what stood beside it.

    It raises ValueError, TypeError, KeyError or ArithmeticError where the text is something else.
    """
    if kind in _AS_THEY_ARE:
        return _same
    if kind is Decimal:
        return Decimal
    if kind in (date, datetime):
        return typing.cast(Callable[[Any], Any], kind.fromisoformat)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if dataclasses.is_dataclass(kind):
        return _members_reader(kind, fields)
    return _collection_reader(kind, fields)


def _members_reader(kind: Any, fields: Fields) -> Callable[[Any], Any]:
    known = _fields(kind)
    parts = [(name, reader(known[name], fields) if name in known else None) for name in fields[kind.__name__]]

    def read(members: Any) -> Any:
        values = {name: read(held) for (name, read), held in zip(parts, members, strict=True) if read is not None}
        return kind(**values)

    return read


def _collection_reader(kind: Any, fields: Fields) -> Callable[[Any], Any]:
    origin, of = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, UnionType):
        inner = reader(_only(kind, of), fields)
        return lambda held: None if held is None else inner(held)
    if origin in (tuple, frozenset):
        each = reader(of[0], fields)
        return lambda held: origin(each(item) for item in held)
    if origin in (dict, Mapping):
        key, item = reader(of[0], fields), reader(of[1], fields)
        return lambda held: {key(name): item(value) for name, value in held}
    raise TypeError(f"{kind} has no plain form")


def _fields(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _only(kind: Any, of: tuple[Any, ...]) -> Any:
    """The type that may also be None."""
    rest = [each for each in of if each is not NoneType]
    if len(rest) != 1:
        raise TypeError(f"{kind} has no plain form")
    return rest[0]


def _same(value: Any) -> Any:
    return value


def _day(value: Any) -> str:
    return str(value.isoformat())


def _word(value: Any) -> Any:
    return value.value
