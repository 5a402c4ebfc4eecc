"""What an agreement bills before and after the plan, and whether that is what the invoice charged."""

from collections.abc import Iterable
from decimal import Decimal

from reconciler.domain.days import Month, Span
from reconciler.domain.invoice import InvoiceLine
from reconciler.domain.money import ZERO, printed, rounded
from reconciler.domain.plan import Impact, Verdict
from reconciler.domain.records import Addition
from reconciler.domain.timeline import Timeline
from reconciler.planning.changes import agreement_address, records_after
from reconciler.planning.one_customer import CustomerMonth, Decided
from reconciler.rules.billing import bill
from reconciler.rules.charged import Charged

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
        rows += [_row(target, group, month), _next_row(target, group, month)]
    return tuple(rows)


def _row(target: str, group: list[CustomerMonth], month: Month) -> Impact:
    decided = [d for customer in group for d in customer.decided]
    after = _records(group)
    charged_days = sum((d.charged.level.seat_days(month.span) for d in decided), ZERO)
    billed_days = _seat_days(after, month.span)
    verdict, reason = _verdict(group, month)
    return _impact(target, group, month, after, charged_days, billed_days, verdict, reason)


def _next_row(target: str, group: list[CustomerMonth], month: Month) -> Impact:
    after = _records(group)
    days = _seat_days(after, month.following.span)
    reason = f"no invoice of {month.following} was read for this plan"
    return _impact(target, group, month.following, after, ZERO, days, Verdict.NOT_RECONCILABLE, reason)


def _impact(
    target: str,
    group: list[CustomerMonth],
    month: Month,
    after: list[Addition],
    charged_days: Decimal,
    billed_days: Decimal,
    verdict: Verdict,
    reason: str | None,
) -> Impact:
    agreement = group[0].agreement
    assert agreement  # noqa: S101 -- grouped by agreement
    currency = group[0].currency
    before = [a for customer in group for d in customer.decided for a in d.standing]
    cost = sum((_cost(c.line, month) for g in group for d in g.decided for c in d.charged.lines), ZERO)
    return Impact(
        agreement=agreement_address(target, agreement.id),
        agreement_name=agreement.name,
        customer=group[0].customer.name,
        month=str(month),
        currency=currency,
        before=bill(before, month, prorates=agreement.prorates, currency=currency),
        after=bill(after, month, prorates=agreement.prorates, currency=currency),
        invoiced_cost=rounded(cost, currency),
        charged_seat_days=charged_days,
        seat_days=billed_days,
        verdict=verdict,
        reason=reason,
    )


def _records(group: list[CustomerMonth]) -> list[Addition]:
    """The records as the plan leaves them: untouched where nothing is written for the customer."""
    rows: list[Addition] = []
    for customer in group:
        assert customer.agreement  # noqa: S101 -- grouped by agreement
        idle = customer.blocked or customer.withheld
        for decided in customer.decided:
            rows += decided.standing if idle else records_after(decided, customer.agreement.id)
    return rows


def _seat_days(records: Iterable[Addition], span: Span) -> Decimal:
    return Timeline.of_intervals((a.effective, a.cancelled, a.quantity) for a in records).seat_days(span)


def _cost(line: InvoiceLine, month: Month) -> Decimal:
    """The part of a line's amount that falls on the month's days: a charge cycle may run into the next month."""
    if line.amount is None or line.span is None:
        return ZERO
    here = line.span.meet(month.span)
    return line.amount * here.days / line.span.days if here else ZERO


def _verdict(group: list[CustomerMonth], month: Month) -> tuple[Verdict, str | None]:
    """What can be said of the agreement's month after the plan."""
    for customer in group:
        if customer.blocked or customer.withheld:
            return Verdict.NOT_RECONCILABLE, f"nothing is written for {customer.customer.name}: see its findings"
        for decided in customer.decided:
            if decided.decision.assumed_from:
                return Verdict.NOT_RECONCILABLE, (
                    f"no document speaks of the days before {decided.decision.assumed_from} of "
                    f"subscription {decided.charged.subscription}"
                )
    reasons = [r for c in group for d in c.decided for r in [_difference(d, c, month)] if r]
    if reasons:
        return Verdict.DIFFERS, "; ".join(reasons)
    return Verdict.RECONCILED, None


def _difference(decided: Decided, customer: CustomerMonth, month: Month) -> str | None:
    """How the records of a subscription bill otherwise than it was charged, beyond rounding."""
    agreement, charged = customer.agreement, decided.charged
    assert agreement  # noqa: S101 -- grouped by agreement
    after = records_after(decided, agreement.id)
    if suppressed := decided.decision.suppressed:
        kept = printed(suppressed.amount, customer.currency)
        return f"{kept} {customer.currency} of credit is kept back by the policy for {charged.subscription}"
    if _seat_days(after, month.span) != charged.level.seat_days(month.span):
        return f"the seat-days of {charged.subscription} differ"
    in_force = [a for a in after if a.effective <= month.last and (a.cancelled is None or a.cancelled >= month.first)]
    tolerance = sum((_HALF_CENT * abs(a.quantity) + _HALF_CENT for a in in_force), ZERO)
    due = _due(charged, month)
    billed = bill(after, month, prorates=agreement.prorates, currency=customer.currency)
    if abs(billed - due) > tolerance:
        gap = printed(billed - due, customer.currency)
        return f"{charged.subscription} bills {gap} {customer.currency} off the invoice's prices (see W1, W2)"
    return None


def _due(charged: Charged, month: Month) -> Decimal:
    """The charged seats of the month at the rates of their lines."""
    due = ZERO
    for line in charged.lines:
        here = line.line.span.meet(month.span) if line.line.span else None
        if here:
            due += line.line.quantity * line.rate.unit_price * here.days / month.days
    return due
