"""The sum behind an amount of the plan: quantity × price × days/days. Told only where it gives that amount.

Nothing is decided here. The plan states what a change does to a month's bill; this tries the ways in which a PSA bills
a record (the share of the days, the whole month, once) and tells the one that explains the number, or none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from reconciler.domain.days import Month
from reconciler.domain.money import ZERO, plain, rounded
from reconciler.domain.plan import AdditionValues, Change
from reconciler.render.wording import copies_a_line, price_text, unit_of


@dataclass(frozen=True, slots=True)
class Bill:
    """What a record bills for a month, to the cent, and the multiplication as text."""

    amount: Decimal
    text: str


def told(change: Change, month: str, currency: str) -> str | None:
    """`= 3 seats × 20.00 AUD × 19/30 days`, with what the record billed before; None where no sum gives the amount."""
    stated = change.impact.get(month, ZERO)
    for bills in (_once,) if copies_a_line(change) else (_by_days, _whole_month, _once):
        after = _bill(change, change.after, Month.parse(month), currency, bills)
        before = _bill(change, change.before, Month.parse(month), currency, bills)
        if after.amount - before.amount == stated:
            return _both(before, after)
    return None


# The share of a month's price that is billed, as a fraction (exact, unlike a quotient), and in words.
_Share = tuple[int, int, str]


def _both(before: Bill, after: Bill) -> str | None:
    if before == after:
        return f"{after.text}, as before" if after.text else None
    if not before.text:
        return f"= {after.text}"
    if not after.text:
        return f"no longer billed: {before.text}"
    return f"= {after.text}, less {before.text} before"


def _bill(
    change: Change,
    values: object,
    month: Month,
    currency: str,
    share_of: Callable[[AdditionValues, Month], _Share | None],
) -> Bill:
    if not isinstance(values, AdditionValues):
        return Bill(ZERO, "")
    share = share_of(values, month)
    if share is None:
        return Bill(ZERO, "")
    days, of, told_share = share
    quantity = f"{plain(values.quantity)} {unit_of(change, values.quantity)}"
    text = f"{quantity} × {price_text(values.unit_price)} {currency}".rstrip() + told_share
    return Bill(rounded(values.quantity * values.unit_price * days / of, currency), text)


def _in_force(values: AdditionValues, month: Month) -> bool:
    return values.effective <= month.last and (values.cancelled is None or values.cancelled >= month.first)


def _by_days(values: AdditionValues, month: Month) -> _Share | None:
    """From a start in mid-month its days; an end in mid-month is not prorated (P44)."""
    if not _in_force(values, month):
        return None
    if values.effective <= month.first:
        return 1, 1, ""
    days = (month.last - values.effective).days + 1
    return days, month.days, f" × {days}/{month.days} days"


def _whole_month(values: AdditionValues, month: Month) -> _Share | None:
    return (1, 1, " for the month") if _in_force(values, month) else None


def _once(values: AdditionValues, month: Month) -> _Share | None:
    return (1, 1, ", once") if Month.of(values.effective) == month else None
