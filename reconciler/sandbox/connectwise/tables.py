"""What a record of the API is made of: fields, their types and limits, and what they refer to."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

Version = tuple[int, int]
"""An API version, `(2026, 4)`."""

CURRENT: Version = (2026, 4)


class Kind(Enum):
    """How a field is stored and sent."""

    INTEGER = auto()
    NUMBER = auto()
    TEXT = auto()
    FLAG = auto()
    WORD = auto()
    DAY = auto()
    """A calendar date: kept as `2026-10-01`, sent as midnight UTC."""
    REFERENCE = auto()
    REFERENCES = auto()
    LIST = auto()
    """An array that is kept as it came: custom fields, tags, ids."""


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a record.

    `limits` are maximum lengths, each from an API version on. `target` is the kind of record that a reference
    points to, None when the sandbox does not keep those: then the id is taken on trust. `members` are what a
    reference shows; `link` names its `_info` member. A `computed` field is an answer: what a client sends
    for it is read and dropped.
    """

    name: str
    kind: Kind
    required: bool = False
    limits: tuple[tuple[Version, int], ...] = ()
    words: tuple[str, ...] = ()
    target: str | None = None
    members: tuple[str, ...] = ("id", "name")
    link: str = ""
    computed: bool = False
    default: Any = None

    def limit(self, version: Version) -> int | None:
        """The longest text, in characters, that this API version takes; None without a limit."""
        return next((size for since, size in reversed(self.limits) if version >= since), None)


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of record: where it is found, how it is called in errors, what it is made of."""

    kind: str
    """The name it is stored under."""
    resource: str
    """Its name in error bodies, `addition`."""
    type_name: str
    """Its name in the API description, `Addition`."""
    path: str
    """The collection's path below `/apis/3.0/`; `{parent}` stands for the parent's id."""
    fields: Mapping[str, Field]
    by_name: Mapping[str, str]
    """The fields by their name in lower case: conditions are read without regard to case (inferred)."""
    first_id: int = 1
    methods: frozenset[str] = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
    audit: str | None = None
    """Its name in the audit trail, None when changes are not recorded."""


def entity(
    kind: str,
    resource: str,
    type_name: str,
    path: str,
    fields: tuple[Field, ...],
    first_id: int = 1,
    methods: str = "GET POST PUT PATCH DELETE",
    audit: str | None = None,
) -> Entity:
    """An entity with `id` as its first field."""
    everything = (Field("id", Kind.INTEGER, computed=True), *fields)
    return Entity(
        kind=kind,
        resource=resource,
        type_name=type_name,
        path=path,
        fields=MappingProxyType({field.name: field for field in everything}),
        first_id=first_id,
        methods=frozenset(methods.split()),
        audit=audit,
        by_name=MappingProxyType({field.name.lower(): field.name for field in everything}),
    )


def text(
    name: str, limit: int | None = None, *, required: bool = False, older: tuple[tuple[Version, int], ...] = ()
) -> Field:
    """A text of at most `limit` characters; `older` are the limits of API versions, oldest first."""
    newest = ((((0, 0), limit)),) if limit is not None else ()
    return Field(name, Kind.TEXT, required=required, limits=older or newest)


def number(name: str, default: Any = None) -> Field:
    """Money or a quantity, kept as a decimal."""
    return Field(name, Kind.NUMBER, default=default)


def integer(name: str) -> Field:
    """A whole number."""
    return Field(name, Kind.INTEGER)


def flag(name: str, *, default: bool = False) -> Field:
    """True or false, never unset."""
    return Field(name, Kind.FLAG, default=default)


def flags(names: str) -> tuple[Field, ...]:
    """Several flags that are false unless said otherwise."""
    return tuple(flag(name) for name in names.split())


def word(name: str, words: str, default: str | None = None, *, required: bool = False) -> Field:
    """One word of a list."""
    return Field(name, Kind.WORD, words=tuple(words.split()), default=default, required=required)


def day(name: str) -> Field:
    """A calendar date."""
    return Field(name, Kind.DAY)


def ref(
    name: str,
    target: str | None = None,
    members: str = "id name",
    link: str = "",
    *,
    required: bool = False,
) -> Field:
    """A reference to another record."""
    return Field(name, Kind.REFERENCE, target=target, members=tuple(members.split()), link=link, required=required)


def unkept(names: str) -> tuple[Field, ...]:
    """References to records that the sandbox does not keep."""
    return tuple(ref(name) for name in names.split())


def computed(field: Field) -> Field:
    """The same field, as an answer only."""
    return Field(
        field.name,
        field.kind,
        limits=field.limits,
        words=field.words,
        target=field.target,
        members=field.members,
        link=field.link,
        computed=True,
    )


def listed(name: str) -> Field:
    """An array that is kept as it came."""
    return Field(name, Kind.LIST)


COMPANY_MEMBERS = "id identifier name"
CURRENCY_MEMBERS = "id symbol currencyCode decimalSeparator numberOfDecimals currencyIdentifier name"
CUSTOM = listed("customFields")
EDGE_WORDS = "Billable DoNotBill NoCharge NoDefault"
YEAR_WORDS = "ContractYear CalendarYear"
ALLOWANCE_WORDS = (
    "Contract2Weeks Contract4Weeks ContractYear CalendarMonth CalendarQuarter CalendarWeek ContractQuarter CalendarYear"
)
STATUS_WORDS = "Active Cancelled Expired Inactive"
