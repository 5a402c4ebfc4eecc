"""Drift: last applied, in the PSA now, and wanted; and which of it a reviewed decision keeps (rulebook P41, C8).

All of it is pure. What is kept rests on the decision and on the PSA alone, never on the state: a state that is lost
loses the knowledge of drift, and changes nothing of what is planned (interface §6.16).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reconciler.domain.days import Month
from reconciler.domain.decision import FieldValue, Override, RecordField
from reconciler.domain.drift import AppliedRecord, Drift, DriftKind
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.money import ZERO, plain
from reconciler.domain.plan import AdditionValues, Change, Plan
from reconciler.domain.records import Addition

Standing = Mapping[str, tuple[Addition, ...]]
"""The additions that stand in the PSA, by the id of their agreement; an agreement that was not read is left out."""


def drift(applied: Mapping[str, AppliedRecord], standing: Standing) -> tuple[Drift, ...]:
    """What is not as the last apply left it, by agreement, record and field. Only agreements that were read count.

    Nothing applied: nothing can be said, and the result is empty.
    """
    now = {addition.id: addition for additions in standing.values() for addition in additions}
    found: list[Drift] = []
    for record in applied.values():
        if record.agreement_id not in standing or record.values is None:
            continue
        if record.record in now:
            found += _changed(record, record.values, now[record.record])
        else:
            found.append(_gone(record, record.values))
    found += _came_in(applied, now.values())
    return tuple(sorted(found, key=_order))


def _changed(record: AppliedRecord, values: AdditionValues, now: Addition) -> Iterator[Drift]:
    for field, applied, found in _pairs(values, now):
        if applied != found:
            yield Drift(
                DriftKind.CHANGED,
                record.agreement_id,
                record.record,
                record.customer,
                values.serial_number,
                now.effective,
                field,
                applied,
                found,
                record.at,
                record.run,
            )


def _pairs(values: AdditionValues, now: Addition) -> Iterator[tuple[RecordField, FieldValue, FieldValue]]:
    yield RecordField.QUANTITY, values.quantity, now.quantity
    yield RecordField.UNIT_PRICE, values.unit_price, now.unit_price
    yield RecordField.UNIT_COST, values.unit_cost, now.unit_cost
    yield RecordField.EFFECTIVE, values.effective, now.effective
    yield RecordField.CANCELLED, values.cancelled, now.cancelled
    if _subscription(values.serial_number) != _subscription(now.serial_number):
        yield RecordField.SERIAL_NUMBER, values.serial_number, now.serial_number
    if values.product_id is not None:
        yield RecordField.PRODUCT, values.product_id, now.product_id
    if values.description and _words(values.description) != _words(now.description):
        yield RecordField.DESCRIPTION, values.description, now.description


def _gone(record: AppliedRecord, values: AdditionValues) -> Drift:
    return Drift(
        DriftKind.GONE,
        record.agreement_id,
        record.record,
        record.customer,
        values.serial_number,
        values.effective,
        None,
        values.quantity,
        None,
        record.at,
        record.run,
    )


def _came_in(applied: Mapping[str, AppliedRecord], now: Iterable[Addition]) -> Iterator[Drift]:
    """Records of our subscriptions that no apply wrote or saw, or that it deleted."""
    ours = {
        (record.agreement_id, _subscription(record.values.serial_number)): record.customer
        for record in applied.values()
        if record.values is not None and record.values.serial_number
    }
    for addition in now:
        name = (addition.agreement_id, _subscription(addition.serial_number))
        known = applied.get(addition.id)
        if name in ours and (known is None or known.values is None):
            yield Drift(
                DriftKind.CAME_IN,
                addition.agreement_id,
                addition.id,
                ours[name],
                addition.serial_number,
                addition.effective,
                None,
                None,
                addition.quantity,
            )


_FIELDS = tuple(RecordField)


def _order(found: Drift) -> tuple[str, str, str, date, str, int]:
    return (
        found.customer or "",
        found.agreement_id,
        _subscription(found.subscription),
        found.effective,
        found.record,
        _FIELDS.index(found.field) if found.field else -1,
    )


def _subscription(serial_number: str | None) -> str:
    return (serial_number or "").strip().lower()


def _words(text: str) -> str:
    # A PSA turns line breaks and tabs into spaces.
    return " ".join(text.split())


# -- wanted


def planned_changes(found: Drift, plan: Plan) -> tuple[Change, ...]:
    """The plan's changes of a drifted record's subscription on its agreement."""
    return tuple(
        change
        for change in plan.changes
        if (change.agreement or "").endswith(f"/agreement/{found.agreement_id}")
        and _subscription(change.subscription) == _subscription(found.subscription)
    )


def wanted(found: Drift, plan: Plan, additions: Iterable[Addition]) -> FieldValue:
    """What a drifted field comes to by a plan. `additions` are those of its agreement, as the plan found them.

    A quantity is made up beside the record (C8), so it is counted over the subscription's records of that product, on
    the first day of the month on which the record holds: eight in the PSA and two to be added make ten wanted. Any
    other field is what the plan writes on the record, else what stands there.
    """
    changes = planned_changes(found, plan)
    standing = [a for a in additions if _subscription(a.serial_number) == _subscription(found.subscription)]
    record = next((a for a in standing if a.id == found.record), None)
    if found.field in (None, RecordField.QUANTITY):
        effective = record.effective if record else found.effective
        return _wanted_quantity(found, record, changes, standing, max(effective, Month.parse(plan.month).first))
    own = next((change for change in changes if change.record == found.record), None)
    if own is not None and own.after is None:
        return None
    if own is not None and isinstance(own.after, AdditionValues):
        return _value(own.after, found.field)
    return found.now


def _wanted_quantity(
    found: Drift, record: Addition | None, changes: Iterable[Change], standing: Iterable[Addition], day: date
) -> FieldValue:
    now = record.quantity if record else ZERO
    if record is not None and not _holds(record.effective, record.cancelled, day):
        return now
    moved = ZERO
    for change in changes:
        for values, sign in ((change.after, 1), (change.before, -1)):
            if isinstance(values, AdditionValues) and _holds(values.effective, values.cancelled, day):
                same = record is None or values.product_id == record.product_id
                moved += sign * values.quantity if same else ZERO
    return now + moved


def _holds(effective: date, cancelled: date | None, day: date) -> bool:
    return effective <= day and (cancelled is None or cancelled >= day)


def _value(values: AdditionValues, field: RecordField | None) -> FieldValue:
    return {
        RecordField.UNIT_PRICE: values.unit_price,
        RecordField.UNIT_COST: values.unit_cost,
        RecordField.EFFECTIVE: values.effective,
        RecordField.CANCELLED: values.cancelled,
        RecordField.SERIAL_NUMBER: values.serial_number,
        RecordField.PRODUCT: values.product_id,
        RecordField.DESCRIPTION: values.description,
    }.get(field or RecordField.QUANTITY, values.quantity)


# -- kept


@dataclass(frozen=True, slots=True)
class Kept:
    """What reviewed overrides keep in a month: the subscriptions of which nothing is written (ids in lower case), the
    override of each record by its id, and of records that are gone by subscription and first day.

    `findings` tell every override that holds, has run out, or does not fit what the PSA has.
    """

    subscriptions: frozenset[str]
    by_record: Mapping[str, Override]
    gone: Mapping[tuple[str, date], Override]
    findings: tuple[Finding, ...]

    def of(self, found: Drift) -> Override | None:
        """The override that keeps a drift."""
        if found.kind is DriftKind.GONE:
            return self.gone.get((_subscription(found.subscription), found.effective))
        override = self.by_record.get(found.record)
        return override if override and (found.field or RecordField.QUANTITY) in override.keep else None


def kept(overrides: Iterable[Override], standing: Standing, month: Month) -> Kept:
    """What overrides keep in a month, judged by what the PSA has now.

    An override that names nothing of what was read keeps nothing and is not told here: see `unfounded`.
    """
    subscriptions: set[str] = set()
    by_record: dict[str, Override] = {}
    gone: dict[tuple[str, date], Override] = {}
    findings: list[Finding] = []
    for override in overrides:
        records = _meant(override, standing)
        if override.gone:
            fits = not records
        elif records:
            fits = all(_as_kept(override, record) for record in records)
        else:
            continue
        findings.append(_told(override, records, month, fits=fits))
        if not fits or override.until < month:
            continue
        if override.subscription is not None and override.effective is not None and override.gone:
            gone[_subscription(override.subscription), override.effective] = override
            subscriptions.add(_subscription(override.subscription))
        by_record |= dict.fromkeys((record.id for record in records), override)
        subscriptions |= {_subscription(record.serial_number) for record in records if record.serial_number}
    return Kept(frozenset(subscriptions), by_record, gone, tuple(findings))


def unfounded(overrides: Iterable[Override], standing: Standing) -> tuple[Finding, ...]:
    """A warning for each override whose record is on none of the agreements. To be asked only where all were read."""
    return tuple(
        _finding(
            override,
            Severity.WARNING,
            "decision-unfounded",
            f"the override names {override}, and no such record is on the agreements that were read",
            "take it out, or name the record as `reconciler drift` does",
        )
        for override in overrides
        if not override.gone and not _meant(override, standing)
    )


def _meant(override: Override, standing: Standing) -> list[Addition]:
    additions = [addition for additions in standing.values() for addition in additions]
    if override.record is not None:
        return [addition for addition in additions if addition.id == override.record]
    return [
        addition
        for addition in additions
        if _subscription(addition.serial_number) == _subscription(override.subscription)
        and addition.effective == override.effective
    ]


def _as_kept(override: Override, record: Addition) -> bool:
    return all(_field(record, field) == value for field, value in override.keep.items())


def _field(record: Addition, field: RecordField) -> FieldValue:
    return {
        RecordField.QUANTITY: record.quantity,
        RecordField.UNIT_PRICE: record.unit_price,
        RecordField.UNIT_COST: record.unit_cost,
        RecordField.EFFECTIVE: record.effective,
        RecordField.CANCELLED: record.cancelled,
    }[field]


def _told(override: Override, records: list[Addition], month: Month, *, fits: bool) -> Finding:
    if not fits:
        found = "it is there" if override.gone else "; ".join(_described(override, record) for record in records)
        return _finding(
            override,
            Severity.WARNING,
            "override-differs",
            f"the override keeps {override} with {_keeps(override)}, but in the PSA {found}: it does not hold",
            "write what the PSA has now, or take the override out",
        )
    if override.until < month:
        return _finding(
            override,
            Severity.WARNING,
            "override-expired",
            f"the override of {override} held until {override.until}: {_keeps(override)} is no longer kept",
            "review it again and write a new `until`, or take it out",
        )
    return _finding(
        override,
        Severity.INFO,
        "override",
        f"{override} is kept with {_keeps(override)} until {override.until}, says {override.by}: {override.reason}; "
        "nothing is written for its subscription",
        None,
    )


def _keeps(override: Override) -> str:
    if override.gone:
        return "no record"
    return ", ".join(f"{named(field)} {shown(value, field)}" for field, value in override.keep.items())


def _described(override: Override, record: Addition) -> str:
    return ", ".join(f"{named(field)} is {shown(_field(record, field), field)}" for field in override.keep)


def _finding(override: Override, severity: Severity, code: str, message: str, hint: str | None) -> Finding:
    return Finding(severity, code, message, override.customer, override.subscription, override.place, hint)


# -- told


def drift_findings(found: Iterable[Drift], keeping: Kept) -> tuple[Finding, ...]:
    """What a plan says of drift: a warning by rule C8 for each that no override keeps, a note for what only informs."""
    return tuple(_drift_finding(each) for each in found if keeping.of(each) is None)


def _drift_finding(found: Drift) -> Finding:
    when = f"applied {found.at:%Y-%m-%d}" if found.at else "applied"
    about = f"record {found.record} from {found.effective}"
    if found.kind is DriftKind.CAME_IN:
        message = f"{about} with {shown(found.now, None)} came in without us"
    elif found.kind is DriftKind.GONE:
        message = f"drift: PSA nothing ≠ last applied {shown(found.applied, None)} ({about}, {when}, is gone)"
    else:
        field = "" if found.field is RecordField.QUANTITY or found.field is None else f"{named(found.field)} "
        now, applied = shown(found.now, found.field), shown(found.applied, found.field)
        message = f"drift: PSA {field}{now} ≠ last applied {applied} ({about}, {when})"
    return Finding(
        Severity.INFO if found.informs else Severity.WARNING,
        "C8",
        message,
        customer=found.customer,
        subscription=found.subscription,
        hint=None if found.informs else "who and when: reconciler drift; to keep it: an override in decisions/",
    )


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
