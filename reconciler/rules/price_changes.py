"""What is said when a price moves: warnings W1 and W2, word for word as users search for them (P51, C11, C12)."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

from reconciler.domain.days import Month
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.mapping import PriceChange
from reconciler.domain.money import printed
from reconciler.domain.records import Addition
from reconciler.rules.charged import Charged, Rate

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_KEPT = {
    PriceChange.WARN: "standing records keep the old one; policy 'next-period' or 'prorate' passes it on",
    PriceChange.NEXT_PERIOD: "records go on at the new one from the next month (policy 'next-period')",
    PriceChange.PRORATE: "records change to the new one on that day (policy 'prorate')",
    PriceChange.UNTIL_RENEWAL: "records keep the old one until the term ends (policy 'until-renewal')",
}


def price_findings(
    charged: Charged, standing: Sequence[Addition], month: Month, policy: PriceChange
) -> tuple[Finding, ...]:
    """W1 for each change of the cost and W2 for each change of the retail price that touches the month."""
    findings = []
    for day, old, new in _changes(charged, standing, month):
        for code, word, before, after in (
            ("W1", "cost", old.unit_cost, new.unit_cost),
            ("W2", "retail", old.unit_price, new.unit_price),
        ):
            if before != after:
                findings.append(_warning(code, word, before, after, day, charged.subscription, policy))
    return tuple(findings)


def _changes(charged: Charged, standing: Iterable[Addition], month: Month) -> Iterable[tuple[date, Rate, Rate]]:
    if not charged.lines:
        return
    rates = [(max(day, month.first), rate) for day, rate in charged.rates]
    opening = rates[0][1]
    for record in standing:
        in_force = record.effective <= month.first and (record.cancelled is None or record.cancelled >= month.first)
        rate = Rate(record.unit_price, record.unit_cost)
        if in_force and record.quantity > 0 and rate != opening:
            yield month.first, rate, opening
    for (_, old), (day, new) in pairwise(rates):
        yield day, old, new


def _warning(
    code: str, word: str, before: Decimal, after: Decimal, day: date, subscription: str, policy: PriceChange
) -> Finding:
    when = f"{day.day:02d} {_MONTHS[day.month - 1]} {day.year}"
    return Finding(
        Severity.WARNING,
        code,
        f"Subscription {word} unit price changed from {printed(before)} to {printed(after)} on {when}",
        subscription=subscription,
        hint=_KEPT[policy],
    )
