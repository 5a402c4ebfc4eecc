"""Drift: where the PSA is no longer as the last apply left it, record by record and field by field (rulebook P41)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from reconciler.domain.decision import FieldValue, Override, RecordField
from reconciler.domain.money import plain
from reconciler.domain.plan import AdditionValues
from reconciler.domain.records import Addition


@dataclass(frozen=True, slots=True)
class AppliedRecord:
    """A billing record as the last apply left it. `values` None: it was deleted by us.

    `written` tells whether it is ours by writing; else a plan that was applied saw it so and left it. `at` is when it
    was confirmed or seen (UTC), `run` the number of that run in the history, where it is known.
    """

    record: str
    agreement_id: str
    customer: str | None
    values: AdditionValues | None
    written: bool
    at: datetime
    run: int | None


class DriftKind(StrEnum):
    """How a record differs from what was last applied."""

    CHANGED = "changed"
    GONE = "gone"
    CAME_IN = "came in"


@dataclass(frozen=True, slots=True)
class Drift:
    """One field of one record, or a whole record that is gone or came in (`field` None; then `applied` and `now` are
    its quantities). `effective` is the record's first day now, or as it was applied where it is gone.
    """

    kind: DriftKind
    agreement_id: str
    record: str
    customer: str | None
    subscription: str | None
    effective: date
    field: RecordField | None
    applied: FieldValue
    now: FieldValue
    at: datetime | None = None
    run: int | None = None

    @property
    def informs(self) -> bool:
        """Whether it is told for information only: it contradicts nothing that was applied, or bills nothing."""
        return self.kind is DriftKind.CAME_IN or self.field is RecordField.DESCRIPTION


@dataclass(frozen=True, slots=True)
class Trace:
    """An entry of the PSA's audit trail: who changed a record, when (as the PSA writes it), and in which words.

    `about` are the fields that the words name, or that the record came in or is gone; empty where they do not tell.
    """

    who: str | None
    at: str | None
    text: str
    about: frozenset[RecordField | DriftKind] = frozenset()


@dataclass(frozen=True, slots=True)
class ThreeWay:
    """A drift beside what is wanted now, who made it, and the decision that keeps it, where there is one.

    `wanted` is what the record's field comes to by the plan made now, and only means something where `wanted_known`;
    `planned` are the addresses of the plan's changes of the subscription.
    """

    drift: Drift
    agreement: str
    wanted: FieldValue
    wanted_known: bool
    planned: tuple[str, ...]
    trace: Trace | None
    kept: Override | None

    @property
    def stands(self) -> bool:
        """Whether somebody has to decide: to keep it, or to have it reverted."""
        return self.kept is None and not self.drift.informs


@dataclass(frozen=True, slots=True)
class DriftReport:
    """All drift of a target. `known` is false where the state holds no apply: then nothing can be said.

    `unread` are sentences for agreements that could not be compared; `month` is the one that the plan was made for.
    """

    target: str
    month: str | None
    known: bool
    rows: tuple[ThreeWay, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def stands(self) -> tuple[ThreeWay, ...]:
        """The drift that is neither kept nor told for information."""
        return tuple(row for row in self.rows if row.stands)


def differing(values: AdditionValues, now: Addition) -> Iterator[tuple[RecordField, FieldValue, FieldValue]]:
    """The fields in which a record is not as the values say: the field, the values', the record's.

    A description that the values leave empty is the PSA's to write, and never differs.
    """
    pairs: list[tuple[RecordField, FieldValue, FieldValue]] = [
        (RecordField.QUANTITY, values.quantity, now.quantity),
        (RecordField.UNIT_PRICE, values.unit_price, now.unit_price),
        (RecordField.UNIT_COST, values.unit_cost, now.unit_cost),
        (RecordField.EFFECTIVE, values.effective, now.effective),
        (RecordField.CANCELLED, values.cancelled, now.cancelled),
    ]
    if _serial(values.serial_number) != _serial(now.serial_number):
        pairs.append((RecordField.SERIAL_NUMBER, values.serial_number, now.serial_number))
    if values.product_id is not None:
        pairs.append((RecordField.PRODUCT, values.product_id, now.product_id))
    if values.description and _words(values.description) != _words(now.description):
        pairs.append((RecordField.DESCRIPTION, values.description, now.description))
    return ((field, applied, found) for field, applied, found in pairs if applied != found)


def _serial(serial_number: str | None) -> str:
    return (serial_number or "").strip().lower()


def _words(text: str) -> str:
    # A PSA turns line breaks and tabs into spaces.
    return " ".join(text.split())


def named(field: RecordField) -> str:
    """A field's name for people: `unit price`, `first day`."""
    words = {RecordField.EFFECTIVE: "first day", RecordField.CANCELLED: "last day"}
    return words.get(field, field.value.replace("_", " "))


def shown(value: FieldValue, field: RecordField | None) -> str:
    """A field's value for people: `10`, `open` for no last day, `none`."""
    if isinstance(value, Decimal):
        return plain(value)
    if value is None or value == "":
        return "open" if field is RecordField.CANCELLED else "none"
    return str(value)
