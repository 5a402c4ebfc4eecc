"""What an addition bills for a month, by the PSA's own rule (connectwise §5).

On an agreement that prorates, a record that begins inside the month bills the days from its first to the month's end,
both counted; one that ends inside the month bills the whole month, as no credit is documented. The line, quantity times
price times share, is rounded once, half up: −2 × 20.00 × 11/30 is −14.67.
"""

from collections.abc import Iterable
from decimal import Decimal

from reconciler.domain.days import Month
from reconciler.domain.money import ZERO, rounded
from reconciler.domain.records import Addition


def billed(addition: Addition, month: Month, *, prorates: bool, currency: str | None = None) -> Decimal:
    """The amount that an addition bills for a month, in the agreement's currency, rounded to its digits."""
    first, last = month.first, month.last
    if not addition.bills or addition.effective > last or (addition.cancelled and addition.cancelled < first):
        return ZERO
    amount = (addition.quantity - addition.included) * addition.unit_price
    if prorates and addition.effective > first:
        amount = amount * ((last - addition.effective).days + 1) / month.days
    return rounded(amount, currency)


def bill(additions: Iterable[Addition], month: Month, *, prorates: bool, currency: str | None = None) -> Decimal:
    """The sum of what additions bill for a month, each rounded by itself."""
    return sum((billed(a, month, prorates=prorates, currency=currency) for a in additions), ZERO)
