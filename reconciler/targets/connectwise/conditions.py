"""The `conditions` parameter: which records are asked for, written so that no value can be taken for anything else.

Values never meet the text of a condition but through `_literal`; field names come from a closed list. Groups are always
bracketed, for no source states what binds closer, `and` or `or`.

What a server makes of a quotation mark inside a text is not confirmed by its vendor (`\\"` is what clients send).
Whoever asks compares what came back with what was asked, so a condition that a server reads otherwise finds less, never
something else.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from urllib.parse import quote

from reconciler.domain.money import plain

# What a query may hold as it is; `& " ' * % +` are among what is not in here (developer guide).
_PLAIN_IN_QUERY = "/(),:=<>!"
# The PSA stores none of these: line ends become a space or vanish, a tab becomes spaces, half a character is none.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_FIELDS = {
    "agreement": frozenset({"id", "name", "company/id", "company/identifier"}),
    "addition": frozenset({"id", "serialNumber", "effectiveDate", "quantity"}),
    "product": frozenset({"id", "identifier", "vendorSku", "inactiveFlag"}),
    "company": frozenset({"id", "identifier", "name"}),
    "subcategory": frozenset({"name", "category/name"}),
    "named": frozenset({"id", "name"}),
}

Value = str | int | Decimal | date


@dataclass(frozen=True, slots=True)
class Condition:
    """A finished condition. Made by `Field`, `all_of` and `any_of` alone."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a resource that may stand in its conditions; a path leads into a reference.

    Raises ValueError for a name that is not on the resource's list.
    """

    resource: str
    name: str

    def __post_init__(self) -> None:
        if self.name not in _FIELDS[self.resource]:
            raise ValueError(f"{self.name} is not a field that conditions on a {self.resource} may name")

    def equals(self, value: Value | None) -> Condition:
        """The member is this value; None: it is not set."""
        return Condition(f"({self.name} = {_literal(value)})")

    def one_of(self, values: Iterable[Value]) -> Condition:
        """The member is one of these values. Raises ValueError for none."""
        literals = ",".join(_literal(value) for value in values)
        if not literals:
            raise ValueError(f"no value of {self.name} is asked for")
        return Condition(f"({self.name} in ({literals}))")


@dataclass(frozen=True, slots=True)
class Wish:
    """One value of a field that is looked for, among others."""

    field: Field
    value: Value


def all_of(conditions: Sequence[Condition]) -> Condition:
    """All of these hold. Raises ValueError for none."""
    return _joined(" and ", conditions)


def any_of(conditions: Sequence[Condition]) -> Condition:
    """At least one of these holds. Raises ValueError for none."""
    return _joined(" or ", conditions)


def in_chunks(wishes: Iterable[Wish], room: int) -> Iterator[Condition]:
    """Conditions that together find everything wished for, each of at most `room` characters in a URL.

    A value that needs more than that by itself gets a condition of its own.
    """
    chunk: dict[Field, list[Value]] = {}
    length = 0
    for wish in dict.fromkeys(wishes):
        cost = _cost(wish, new_field=wish.field not in chunk)
        if chunk and length + cost > room:
            yield _chunk(chunk)
            chunk, length = {}, 0
            cost = _cost(wish, new_field=True)
        chunk.setdefault(wish.field, []).append(wish.value)
        length += cost
    if chunk:
        yield _chunk(chunk)


def encoded(text: str) -> str:
    """A text as it stands in a URL's query."""
    return quote(text, safe=_PLAIN_IN_QUERY)


def _chunk(chunk: dict[Field, list[Value]]) -> Condition:
    return any_of([field.one_of(values) for field, values in chunk.items()])


def _cost(wish: Wish, *, new_field: bool) -> int:
    around = f"({wish.field.name} in ()) or ()" if new_field else ","
    return len(encoded(around)) + len(encoded(_literal(wish.value)))


def _joined(word: str, conditions: Sequence[Condition]) -> Condition:
    if not conditions:
        raise ValueError("nothing is asked for")
    if len(conditions) == 1:
        return conditions[0]
    return Condition(f"({word.join(condition.text for condition in conditions)})")


def _literal(value: Value | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, date):
        return f"[{value.isoformat()}]"
    text = _CONTROL.sub(" ", value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
