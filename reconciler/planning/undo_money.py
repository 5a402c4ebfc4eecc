"""The money of an undo: what each step moves, what the touched agreements bill before and after, and the guards."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

from reconciler.domain.days import Month
from reconciler.domain.money import ZERO, rounded
from reconciler.domain.plan import AdditionValues, Change, Impact, Verdict
from reconciler.domain.records import Addition, Agreement
from reconciler.planning.changes import agreement_address
from reconciler.planning.undo_subject import Undo
from reconciler.rules.billing import bill
from reconciler.rules.guards import beyond_changes, beyond_decrease, open_value
from reconciler.rules.undoing import Step

# What a reopened or a new record bills is told for so many months at most.
_MONTHS_TOLD = 24


def _as_addition(values: object, record: str = "") -> Addition | None:
    if not isinstance(values, AdditionValues):
        return None
    price, cost = values.unit_price, values.unit_cost
    return Addition(
        record,
        values.agreement_id,
        values.product_id or "",
        values.quantity,
        price,
        cost,
        values.effective,
        values.cancelled,
    )


def moved_by(step: Step, undo: Undo) -> dict[str, Decimal]:
    """What a step does to each month's bill, where it does anything."""
    before, after = _as_addition(step.before), _as_addition(step.after)
    values = step.after or step.before
    assert values is not None  # noqa: S101 -- a step is about a record
    agreement = undo.standing.agreements[values.agreement_id]
    moved = {}
    for month in _months(undo, agreement, values):
        total = _bills([after] if after else [], undo, agreement, month)
        total -= _bills([before] if before else [], undo, agreement, month)
        if total:
            moved[str(month)] = total
    return moved


def _months(undo: Undo, agreement: Agreement, values: AdditionValues) -> list[Month]:
    """The months whose bill may move: from the record's first, or the run's, to the one after the next invoice's."""
    planned = Month.parse(undo.plan.month)
    last = max(planned.following, Month.of(agreement.next_invoice) if agreement.next_invoice else planned)
    month = min(planned, Month.of(values.effective))
    months = [month]
    while month < last:
        month = month.following
        months.append(month)
    return months[-_MONTHS_TOLD:]


def _bills(records: Iterable[Addition], undo: Undo, agreement: Agreement, month: Month) -> Decimal:
    """What records bill for a month; on an agreement that bills once, they do so on the run's month."""
    currency = _currency(undo, agreement)
    if not agreement.one_time:
        return bill(records, month, prorates=agreement.prorates, currency=currency)
    if month != Month.parse(undo.plan.month):
        return ZERO
    return sum((rounded(a.quantity * a.unit_price, currency) for a in records), ZERO)


def _currency(undo: Undo, agreement: Agreement) -> str:
    address = agreement_address(undo.plan.target, agreement.id)
    told = next((row.currency for row in undo.plan.impact if row.agreement == address), None)
    return told or agreement.currency or ""


def undo_impact(undo: Undo, changes: list[Change]) -> tuple[Impact, ...]:
    """What each touched agreement bills before and after, in the run's months, the next, and the one invoiced next."""
    rows: list[Impact] = []
    planned = Month.parse(undo.plan.month)
    for address in sorted({c.agreement for c in changes if c.agreement}):
        number = address.rsplit("/", 1)[-1]
        agreement, standing = undo.standing.agreements[number], undo.standing.additions[number]
        own = [c for c in changes if c.agreement == address]
        touched = {c.record for c in own}
        after = [a for a in standing if a.id not in touched]
        after += [a for a in (_written(c, undo) for c in own) if a]
        months = {*map(Month.parse, undo.plan.planned_months), planned.following}
        if agreement.next_invoice:
            months.add(max(planned, Month.of(agreement.next_invoice)))
        for month in sorted(months):
            rows += [
                Impact(
                    agreement=address,
                    agreement_name=agreement.name,
                    customer=own[0].customer or "",
                    month=str(month),
                    currency=_currency(undo, agreement),
                    before=_bills(standing, undo, agreement, month),
                    after=_bills(after, undo, agreement, month),
                    invoiced_cost=ZERO,
                    charged_seat_days=ZERO,
                    seat_days=ZERO,
                    verdict=Verdict.NOT_RECONCILABLE,
                    reason=f"it takes run {undo.number} back, whatever was invoiced",
                )
            ]
    return tuple(rows)


def _written(change: Change, undo: Undo) -> Addition | None:
    """The record as a change leaves it, with what the PSA has of it beside our fields."""
    after = _as_addition(change.after, change.record or "")
    if after is None or change.record is None:
        return after
    now = undo.standing.addition(after.agreement_id, change.record)
    return replace(after, bills=now.bills, included=now.included) if now else after


def refusals(undo: Undo, changes: list[Change]) -> Iterator[str]:
    """The guards of each program, for what the undo does to its customers."""
    programs = {customer.name: customer.program for customer in undo.mappings.customers}
    for name, program in sorted(undo.mappings.programs.items()):
        own = [c for c in changes if programs.get(c.customer or "") == name]
        before = [a for a in (_as_addition(c.before) for c in own) if a]
        after = [a for a in (_as_addition(c.after) for c in own) if a]
        for refusal in (
            beyond_changes(program.guards, len(own), name),
            beyond_decrease(
                program.guards, _rest(undo, own) + open_value(before), _rest(undo, own) + open_value(after), name
            ),
        ):
            if refusal:
                yield refusal


def _rest(undo: Undo, changes: list[Change]) -> Decimal:
    """The open monthly value of the touched agreements without the touched records."""
    touched = {c.record for c in changes}
    agreements = {c.agreement.rsplit("/", 1)[-1] for c in changes if c.agreement}
    return open_value(a for number in agreements for a in undo.standing.additions[number] if a.id not in touched)
