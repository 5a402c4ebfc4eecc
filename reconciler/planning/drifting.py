"""Drift: last applied, in the PSA now, and wanted (rulebook P41, C8). All of it is pure.

A state that is lost loses the knowledge of drift, and changes nothing of what is planned (interface §6.16).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date

from reconciler.domain.days import Month
from reconciler.domain.decision import FieldValue, RecordField
from reconciler.domain.drift import AppliedRecord, Drift, DriftKind, ThreeWay, Trace, differing, named, shown
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.money import ZERO
from reconciler.domain.plan import AdditionValues, Change, Plan
from reconciler.domain.records import Addition
from reconciler.planning.changes import agreement_address
from reconciler.planning.deciding import Kept, Standing, subscription_id


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
    for field, applied, found in differing(values, now):
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
        (record.agreement_id, subscription_id(record.values.serial_number)): record.customer
        for record in applied.values()
        if record.values is not None and record.values.serial_number
    }
    for addition in now:
        name = (addition.agreement_id, subscription_id(addition.serial_number))
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
        subscription_id(found.subscription),
        found.effective,
        found.record,
        _FIELDS.index(found.field) if found.field else -1,
    )


# -- wanted


def planned_changes(found: Drift, plan: Plan) -> tuple[Change, ...]:
    """The plan's changes of a drifted record's subscription on its agreement."""
    return tuple(
        change
        for change in plan.changes
        if (change.agreement or "").endswith(f"/agreement/{found.agreement_id}")
        and subscription_id(change.subscription) == subscription_id(found.subscription)
    )


def wanted(found: Drift, plan: Plan, additions: Iterable[Addition]) -> FieldValue:
    """What a drifted field comes to by a plan. `additions` are those of its agreement, as the plan found them.

    A quantity is made up beside the record (C8), so it is counted over the subscription's records of that product, on
    the first day of the month on which the record holds: eight in the PSA and two to be added make ten wanted. Any
    other field is what the plan writes on the record, else what stands there.
    """
    changes = planned_changes(found, plan)
    standing = [a for a in additions if subscription_id(a.serial_number) == subscription_id(found.subscription)]
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
    members: dict[RecordField, FieldValue] = {
        RecordField.UNIT_PRICE: values.unit_price,
        RecordField.UNIT_COST: values.unit_cost,
        RecordField.EFFECTIVE: values.effective,
        RecordField.CANCELLED: values.cancelled,
        RecordField.SERIAL_NUMBER: values.serial_number,
        RecordField.PRODUCT: values.product_id,
        RecordField.DESCRIPTION: values.description,
    }
    return members.get(field or RecordField.QUANTITY, values.quantity)


def three_way(
    found: Iterable[Drift],
    plan: Plan,
    standing: Standing,
    keeping: Kept,
    traces: Mapping[str, tuple[Trace, ...]],
) -> tuple[ThreeWay, ...]:
    """Each drift beside what is wanted by a plan made now, who made it, and what keeps it. `traces` are by record.

    What is wanted is not known of an agreement that the plan says nothing of (no invoice of the month speaks of its
    customer), nor of a customer whom errors keep out.
    """
    blocked = {finding.customer for finding in plan.findings if finding.blocks or finding.code == "no-invoice"}
    planned = {row.agreement for row in plan.impact if row.month == plan.month}
    return tuple(
        ThreeWay(
            each,
            agreement_address(plan.target, each.agreement_id),
            wanted(each, plan, standing.get(each.agreement_id, ())),
            agreement_address(plan.target, each.agreement_id) in planned and each.customer not in blocked,
            tuple(change.address for change in planned_changes(each, plan)),
            trace_of(each, traces.get(each.record, ())),
            keeping.of(each),
        )
        for each in found
    )


def trace_of(found: Drift, traces: Iterable[Trace]) -> Trace | None:
    """The last entry of an audit trail that speaks of a drift: a field that is not as we left it was last written by
    whoever is named last for it.
    """
    about = found.field or found.kind
    return next((trace for trace in reversed(tuple(traces)) if about in trace.about), None)


# -- told


def drift_findings(found: Iterable[Drift], keeping: Kept) -> tuple[Finding, ...]:
    """What a plan says of drift: a warning by rule C8 for each that no override keeps, a note for a description.

    A record that came in contradicts nothing that was applied, but it bills, and the plan writes so much less.
    """
    return tuple(_drift_finding(each) for each in found if keeping.of(each) is None)


def _drift_finding(found: Drift) -> Finding:
    when = f"applied {found.at:%Y-%m-%d}" if found.at else "applied"
    about = f"record {found.record} from {found.effective}"
    if found.kind is DriftKind.CAME_IN:
        message = f"{about} with {shown(found.now, None)} came in without us; it counts as billing the subscription"
        if found.now:
            hint = "what we write is so much less; delete it in the PSA, or keep it: an override in decisions/"
            return replace(_note(found, message), severity=Severity.WARNING, hint=hint)
    elif found.kind is DriftKind.GONE:
        message = f"drift: PSA nothing ≠ last applied {shown(found.applied, None)} ({about}, {when}, is gone)"
    else:
        field = "" if found.field is RecordField.QUANTITY or found.field is None else f"{named(found.field)} "
        now, applied = shown(found.now, found.field), shown(found.applied, found.field)
        message = f"drift: PSA {field}{now} ≠ last applied {applied} ({about}, {when})"
    if found.informs:
        return _note(found, message)
    hint = "who and when: reconciler drift; to keep it: an override in decisions/"
    return replace(_note(found, message), severity=Severity.WARNING, hint=hint)


def _note(found: Drift, message: str) -> Finding:
    return Finding(Severity.INFO, "C8", message, customer=found.customer, subscription=found.subscription)
