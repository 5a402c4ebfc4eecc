"""What a subscription bills whose one record stands as it was charged: most of a month, and counted the short way.

Nothing is written for it, its record covers the month and goes on, and its seats are those that were charged. So before
is after, this month's bill is the next one's, and no timeline is needed to say why the bill is what it is. The long way
(`bridging`) comes to the same amounts; `tests/rules/test_unchanged_the_short_way.py` holds both to it.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from reconciler.domain.breakdown import Part
from reconciler.domain.days import Month
from reconciler.domain.invoice import InvoiceLine, Motion
from reconciler.domain.mapping import Align
from reconciler.domain.money import ZERO, rounded
from reconciler.domain.records import Addition
from reconciler.planning.bridging import Bridge, cost_in, price_policy
from reconciler.planning.one_customer import CustomerMonth, Decided
from reconciler.rules.billing import billed
from reconciler.rules.charged import ChargedLine
from reconciler.rules.drafts import AS_CHARGED

_NOTHING: Mapping[Part, Decimal] = {}


class Figures(NamedTuple):
    """What one decision bills in a month before and after the plan, what it cost, and its seat-days."""

    before: Decimal
    after: Decimal
    cost: Decimal
    charged_days: Decimal
    seat_days: Decimal


class Unchanged(NamedTuple):
    """The figures of the planned month and of the one after it, and the part by which the planned month's record bills
    otherwise than is due: the lines' own prices may differ from the rate in force, as a refund's at an old price.
    """

    now: Figures
    then: Figures
    not_passed_on: Mapping[Part, Decimal]


def stands_as_charged(decided: Decided, customer: CustomerMonth) -> bool:
    """Whether the short way may be taken."""
    return (
        decided.decision is AS_CHARGED
        and len(decided.standing) == 1
        and customer.motion is Motion.SEAT_MONTHLY
        and customer.take_over is None
        and decided.align is Align.CALENDAR
    )


def count_unchanged(decided: Decided, customer: CustomerMonth, planned: Month, now: Bridge, then: Bridge) -> Unchanged:
    """The figures, with the steps added to the bridges of both months. To be asked where `stands_as_charged`."""
    record, lines, span = decided.standing[0], decided.lines, planned.span
    if len(lines) == 1 and lines[0].line.span == span and record.bills and not record.included:
        return _count_plain(decided, lines[0], customer, planned, now, then)
    return _count(decided, customer, planned, now, then)


def _count_plain(
    decided: Decided, charged: ChargedLine, customer: CustomerMonth, planned: Month, now: Bridge, then: Bridge
) -> Unchanged:
    """Most lines are of just the month, and most records bill all of their units: all of both is cost and worth."""
    record, line, rate = decided.standing[0], charged.line, charged.rate
    quantity, cost = record.quantity, line.amount or ZERO
    monthly, expected = quantity * record.unit_price, quantity * record.unit_cost
    now.add(now.first, cost)
    now.add(Part.MARGIN, monthly - cost, rate.rule)
    then.add(Part.EXPECTED, expected)
    then.add(Part.MARGIN, monthly - expected, rate.rule)
    amount = rounded(monthly, customer.currency)
    return Unchanged(
        Figures(amount, amount, cost, decided.charged_days, quantity * planned.days),
        Figures(amount, amount, ZERO, ZERO, quantity * planned.following.days),
        _NOTHING,
    )


def _count(decided: Decided, customer: CustomerMonth, planned: Month, now: Bridge, then: Bridge) -> Unchanged:
    assert customer.agreement  # noqa: S101 -- decisions are made on an agreement
    following, record = planned.following, decided.standing[0]
    quantity, price = record.quantity, record.unit_price
    monthly, expected = quantity * price, quantity * record.unit_cost
    cost = later = worth = ZERO
    rule = ""
    for charged in decided.lines:
        line, rule = charged.line, charged.rate.rule
        charge, own = cost_in(line, planned, planned, decided), _worth(line, charged.rate.unit_price, planned)
        now.add(now.first, charge)
        now.add(Part.MARGIN, own - charge, rule)
        cost += charge
        worth += own
        if line.span and line.span.last > planned.last:
            later += cost_in(line, following, planned, decided)
    then.add(Part.EXPECTED, expected)
    then.add(Part.MARGIN, monthly - expected, rule)
    if not record.bills or record.included:
        free = _free(record)
        now.add(Part.NOT_BILLABLE, free)
        then.add(Part.NOT_BILLABLE, free)
    gap = monthly - worth
    not_passed_on = {Part.INCREASE if gap < 0 else Part.DECREASE: gap} if gap else _NOTHING
    for part in not_passed_on:
        now.add(part, gap, price_policy(customer))
    amount = billed(
        record,
        planned,
        prorates=customer.agreement.prorates,
        currency=customer.currency,
        rounding=customer.rounding,
    )
    return Unchanged(
        Figures(amount, amount, cost, decided.charged_days, quantity * planned.days),
        Figures(amount, amount, later, ZERO, quantity * following.days),
        not_passed_on,
    )


def _worth(line: InvoiceLine, price: Decimal, month: Month) -> Decimal:
    """A line's seats on the month's days, at the own price."""
    span, days = line.span, month.span
    if span is None:
        return ZERO
    worth = line.quantity * price
    here, all_days = span.shared(days), month.days
    return worth if here == all_days else worth * here / all_days


def _free(record: Addition) -> Decimal:
    """The worth of units that the PSA does not bill, as an amount below nothing."""
    billable = record.quantity - record.included if record.bills else ZERO
    return (billable - record.quantity) * record.unit_price
