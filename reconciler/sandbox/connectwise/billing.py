"""What the PSA bills for an addition, month by month. Pure arithmetic on decimals and days.

The public example, a unit price of 22.00 effective 15 March 2019 on an agreement billed on the 1st in advance:
the April invoice has one line of 34.06, which is 22.00 × 17/31 = 12.06 for 15 to 31 March, the first day counted,
and 22.00 for April. From it and from the rules that vendors of sync tools describe:

* an addition that starts inside a month bills the days to the month's end, if the agreement prorates;
* an end inside a month bills the whole month, unless `cancellation_credit` is on (inferred either way);
* a part month that was not yet billed is caught up on the next invoice, in the same line;
* what was billed stays billed; it is corrected downwards only with `cancellation_credit`.

Months are calendar months; agreements whose periods run from the start date are not modelled.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
ONCE = "once"
"""The ledger's entry for an addition of an agreement that bills one time."""

Ledger = Mapping[str, Decimal]
"""What was billed for an addition, by month (`2026-09`) or under `once`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How the PSA computes where sources are silent; see the switches of the same names."""

    cancellation_credit: bool
    cancelled_is_billed: bool
    rounding: Literal["line", "unit"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What an agreement says about the billing of its additions. `last_day` is its last day, inclusive."""

    prorate: bool
    one_time: bool
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """An addition as billing sees it.

    `quantity` is what is billed, units covered by the base fee left out. `first_open` is the first day of the
    month that was to be invoiced next when the addition was created: earlier months are caught up only under
    proration.
    """

    quantity: Decimal
    unit_price: Decimal
    effective: date
    cancelled: date | None
    treatment: Literal["Billable", "NoCharge", "DoNotBill"]
    first_open: date


@dataclass(frozen=True, slots=True)
class Portion:
    """A line's share for one month; `days` of `month_days` are billed. `month` is None for a one-time charge."""

    month: date | None
    days: int
    month_days: int
    amount: Decimal


def month_start(day: date) -> date:
    """The first day of the day's month."""
    return day.replace(day=1)


def month_end(day: date) -> date:
    """The last day of the day's month."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def next_month(day: date) -> date:
    """The first day of the month after the day's."""
    return month_end(day) + timedelta(days=1)


def cents(amount: Decimal) -> Decimal:
    """Rounded to cents, halves away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def prorated_unit(price: Decimal, effective: date) -> Decimal:
    """A unit's price, or cost, for the days from `effective` to its month's end, both counted; in cents."""
    days = (month_end(effective) - effective).days + 1
    return cents(price * days / month_end(effective).day)


def extended(quantity: Decimal, price: Decimal, days: int, month_days: int, policy: Policy) -> Decimal:
    """Quantity × price for so many days of a month, in cents, rounded as the policy says."""
    if days == month_days:
        return cents(quantity * price)
    if policy.rounding == "unit":
        return cents(quantity * cents(price * days / month_days))
    return cents(quantity * price * days / month_days)


def due(charge: Charge, month: date, terms: Terms, policy: Policy) -> Portion | None:
    """What the addition costs for the month that begins on `month`; None when it is not in force in it."""
    last = _last_billed(charge, terms, policy)
    end = month_end(month)
    if charge.effective > end or (last is not None and (last < month or last < charge.effective)):
        return None
    days = _billed_days(charge.effective, last, month, terms, policy)
    amount = (
        ZERO if charge.treatment == "NoCharge" else extended(charge.quantity, charge.unit_price, days, end.day, policy)
    )
    return Portion(month, days, end.day, amount)


def _last_billed(charge: Charge, terms: Terms, policy: Policy) -> date | None:
    cancelled = charge.cancelled
    if cancelled is not None and not policy.cancelled_is_billed:
        cancelled -= timedelta(days=1)
    ends = [day for day in (cancelled, terms.last_day) if day is not None]
    return min(ends, default=None)


def _billed_days(effective: date, last: date | None, month: date, terms: Terms, policy: Policy) -> int:
    end = month_end(month)
    if not terms.prorate:
        return end.day
    until = min(last, end) if last is not None and policy.cancellation_credit else end
    return (until - max(effective, month)).days + 1


def portions(charge: Charge, ledger: Ledger, month: date, terms: Terms, policy: Policy) -> tuple[Portion, ...]:
    """What an invoice for `month` adds for the addition: months not billed yet, and corrections.

    Empty when there is nothing to bill, or when the addition is not to be billed at all.
    """
    if charge.treatment == "DoNotBill":
        return ()
    if terms.one_time:
        return _one_time(charge, ledger, month)
    found = (_difference(charge, ledger, each, terms, policy) for each in _months(charge, ledger, month, terms))
    return tuple(portion for portion in found if portion is not None)


def _one_time(charge: Charge, ledger: Ledger, month: date) -> tuple[Portion, ...]:
    if ONCE in ledger or charge.effective > month_end(month):
        return ()
    price = ZERO if charge.treatment == "NoCharge" else charge.unit_price
    return (Portion(None, 1, 1, cents(charge.quantity * price)),)


def _months(charge: Charge, ledger: Ledger, month: date, terms: Terms) -> Iterator[date]:
    """The months to look at: from the first in force or billed, up to the invoice's."""
    first = month_start(charge.effective)
    if not terms.prorate:
        first = max(first, month_start(charge.first_open))
    billed = [date.fromisoformat(f"{name}-01") for name in ledger if name != ONCE]
    each = min([first, *billed])
    while each <= month:
        if each >= first or f"{each:%Y-%m}" in ledger:
            yield each
        each = next_month(each)


def _difference(charge: Charge, ledger: Ledger, month: date, terms: Terms, policy: Policy) -> Portion | None:
    wanted = due(charge, month, terms, policy)
    billed = ledger.get(f"{month:%Y-%m}")
    if billed is None:
        return wanted
    amount = (wanted.amount if wanted else ZERO) - billed
    if amount == 0 or (amount < 0 and not policy.cancellation_credit):
        return None
    return Portion(month, wanted.days if wanted else 0, month_end(month).day, amount)


def billed_before(charge: Charge, month: date, terms: Terms, policy: Policy) -> dict[str, Decimal]:
    """The ledger of an addition that was billed in full for every month before `month`."""
    if charge.treatment == "DoNotBill":
        return {}
    if terms.one_time:
        return {ONCE: _one_time(charge, {}, month)[0].amount} if charge.effective < month else {}
    ledger = {}
    each = month_start(charge.effective)
    while each < month:
        portion = due(charge, each, terms, policy)
        if portion is not None:
            ledger[f"{each:%Y-%m}"] = portion.amount
        each = next_month(each)
    return ledger
