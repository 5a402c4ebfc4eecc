"""What an agreement bills before and after the plan, and whether that is what the invoice charged."""

from collections.abc import Iterable
from decimal import Decimal

from reconciler.domain.days import Month, Span
from reconciler.domain.invoice import InvoiceLine, Motion
from reconciler.domain.money import ZERO, printed, rounded
from reconciler.domain.plan import Impact, Verdict
from reconciler.domain.records import Addition
from reconciler.domain.timeline import Timeline
from reconciler.planning.changes import agreement_address, bill_of, records_after
from reconciler.planning.one_customer import CustomerMonth, Decided

# A record's amount is rounded once: half a cent for each unit and for the line is no difference (rulebook §1F).
_HALF_CENT = Decimal("0.005")


def impact_rows(target: str, customers: Iterable[CustomerMonth], month: Month) -> tuple[Impact, ...]:
    """Two rows per agreement, for the month and the one after it, in order of agreement."""
    by_agreement: dict[str, list[CustomerMonth]] = {}
    for customer in customers:
        if customer.agreement:
            by_agreement.setdefault(customer.agreement.id, []).append(customer)
    rows = []
    for group in by_agreement.values():
        if not any(customer.decided or not customer.writes for customer in group):
            continue
        verdict, reason = _verdict(group, month)
        rows.append(_row(target, group, month, month, verdict, reason))
        reason = f"no invoice of {month.following} was read for this plan"
        rows.append(_row(target, group, month, month.following, Verdict.NOT_RECONCILABLE, reason))
    return tuple(rows)


def _row(
    target: str, group: list[CustomerMonth], planned: Month, month: Month, verdict: Verdict, reason: str | None
) -> Impact:
    agreement, currency = group[0].agreement, group[0].currency
    assert agreement  # noqa: S101 -- grouped by agreement
    before = after = cost = charged_days = seat_days = ZERO
    for customer in group:
        for decided in customer.decided:
            records = _records(customer, decided)
            before += bill_of(decided.standing, decided, customer, month, planned)
            after += bill_of(records, decided, customer, month, planned)
            cost += sum((_cost(c.line, month, planned, decided) for c in decided.lines), ZERO)
            if customer.motion is Motion.SEAT_MONTHLY:
                seat_days += _seat_days(records, month.span)
                charged_days += decided.charged_days if month == planned else ZERO
    return Impact(
        agreement=agreement_address(target, agreement.id),
        agreement_name=agreement.name,
        customer=group[0].customer.name,
        month=str(month),
        currency=currency,
        before=before,
        after=after,
        invoiced_cost=rounded(cost, currency),
        charged_seat_days=charged_days,
        seat_days=seat_days,
        verdict=verdict,
        reason=reason,
    )


def _records(customer: CustomerMonth, decided: Decided) -> list[Addition]:
    """The records as the plan leaves them: untouched where nothing is written for the customer."""
    assert customer.agreement  # noqa: S101 -- decisions are made on an agreement
    return records_after(decided, customer.agreement.id) if customer.writes else list(decided.standing)


def _seat_days(records: Iterable[Addition], span: Span) -> Decimal:
    return Timeline.of_intervals((a.effective, a.cancelled, a.quantity) for a in records).seat_days(span)


def _cost(line: InvoiceLine, month: Month, planned: Month, decided: Decided) -> Decimal:
    """The part of a line's amount that falls on the month's days: a charge cycle may run into the next month. What is
    charged once costs its month all of it.
    """
    if line.amount is None:
        return ZERO
    if decided.once or line.motion is Motion.AZURE or line.span is None:
        return line.amount if month == planned else ZERO
    here = line.span.meet(month.span)
    return line.amount * here.days / line.span.days if here else ZERO


def _verdict(group: list[CustomerMonth], month: Month) -> tuple[Verdict, str | None]:
    """What can be said of the agreement's month after the plan."""
    for customer in group:
        if not customer.writes:
            return Verdict.NOT_RECONCILABLE, f"nothing is written for {customer.customer.name}: see its findings"
        for decided in customer.decided:
            if decided.decision.assumed_from:
                return Verdict.NOT_RECONCILABLE, (
                    f"no document speaks of the days before {decided.decision.assumed_from} of "
                    f"subscription {decided.subscription}"
                )
    reasons = [r for c in group for d in c.decided for r in [_difference(d, c, month)] if r]
    if reasons:
        return Verdict.DIFFERS, "; ".join(reasons)
    return Verdict.RECONCILED, None


def _difference(decided: Decided, customer: CustomerMonth, month: Month) -> str | None:
    """How the records of a subscription bill otherwise than it was charged, beyond rounding."""
    after = _records(customer, decided)
    if suppressed := decided.decision.suppressed:
        kept = printed(suppressed.amount, customer.currency)
        return f"{kept} {customer.currency} of credit is kept back by the policy for {decided.subscription}"
    if customer.motion is Motion.SEAT_MONTHLY and _seat_days(after, month.span) != decided.charged_days:
        return f"the seat-days of {decided.subscription} differ"
    in_force = [a for a in after if a.effective <= month.last and (a.cancelled is None or a.cancelled >= month.first)]
    tolerance = sum((_HALF_CENT * abs(a.quantity) + _HALF_CENT for a in in_force), _HALF_CENT)
    gap = bill_of(after, decided, customer, month, month) - decided.due
    if abs(gap) > tolerance:
        off = printed(gap, customer.currency)
        return f"{decided.subscription} bills {off} {customer.currency} off the invoice's prices (see W1, W2)"
    return None
