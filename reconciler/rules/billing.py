"""What an addition bills for a month, by the PSA's own rule (connectwise §5).

On an agreement that prorates, a record that begins inside the month bills the days from its first to the month's end,
both counted; one that ends inside the month bills the whole month, as no credit is documented. How a part of a month is
rounded is the PSA's: the line, quantity times price times share, once, half up (−2 × 20.00 × 11/30 is −14.67); or the
price of one unit first (−2 × 7.33 is −14.66). Which of the two a target does is declared with it (rulebook §1F).
"""

from collections.abc import Iterable
from decimal import Decimal

from reconciler.domain.days import Month
from reconciler.domain.mapping import Rounding
from reconciler.domain.money import ZERO, rounded
from reconciler.domain.records import Addition


def billed(
    addition: Addition,
    month: Month,
    *,
    prorates: bool,
    currency: str | None = None,
    rounding: Rounding = Rounding.LINE,
) -> Decimal:
    """The amount that an addition bills for a month, in the agreement's currency, rounded to its digits."""
    days = billed_days(addition, month, prorates=prorates)
    if not days or not addition.bills:
        return ZERO
    quantity = addition.quantity - addition.included
    if days == month.days:
        return rounded(quantity * addition.unit_price, currency)
    if rounding is Rounding.UNIT:
        return rounded(quantity * rounded(addition.unit_price * days / month.days, currency), currency)
    return rounded(quantity * addition.unit_price * days / month.days, currency)


def billed_days(addition: Addition, month: Month, *, prorates: bool) -> int:
    """The days of a month that an addition is billed for: none, all of them, or those from its first."""
    days, effective = month.span, addition.effective
    if effective > days.last or (addition.cancelled and addition.cancelled < days.first):
        return 0
    if prorates and effective > days.first:
        return (days.last - effective).days + 1
    return days.last.day


def bill(
    additions: Iterable[Addition],
    month: Month,
    *,
    prorates: bool,
    currency: str | None = None,
    rounding: Rounding = Rounding.LINE,
) -> Decimal:
    """The sum of what additions bill for a month, each rounded by itself."""
    return sum((billed(a, month, prorates=prorates, currency=currency, rounding=rounding) for a in additions), ZERO)
