"""An invoice line as a record that copies it (rulebook C27, H1): on which days it stands, and at which price.

The agreement does not prorate, so the PSA bills such a record whole, once for each calendar month that it touches
(inferred from connectwise §5.1 and §5.4, and played so by the sandbox). The record therefore stands in one month only,
that of the invoice's period: on the line's own days within it, on the whole month where they meet none of it. The
line's own days are in its mark, for the customer and for recognition.

The amount is final. In H1's words, the line's part of a full cycle times the partner's own price:

    amount of the record = quantity × own price × (amount charged ÷ (quantity × cost of a full cycle))

In numbers: 3 seats at a cost of 16.00, charged 22.86 from 20 September to 14 October at an own price of 20.00, are
3 × 20.00 × 22.86 / 48.00 = 28.575, billed 28.58. A discount on the line lowers the own price by the same part; money
does not tell it from proration.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from reconciler.domain.days import Month, Span
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Charge
from reconciler.domain.line_mark import LineMark
from reconciler.domain.money import ZERO, Money, digits, rounded
from reconciler.rules.charged import ChargedLine, Rate

_ONE = Decimal(1)
_CENT = Decimal("0.01")
# Unit prices have at most six places on the way to a PSA.
_PLACES = 6
# Charges of a whole cycle. A first term that was cut short to end with another is charged as `new`, too: its amount
# tells it from a whole one.
_WHOLE = frozenset({Charge.NEW, Charge.RENEW, Charge.CYCLE})


@dataclass(frozen=True, slots=True)
class LineCopy:
    """A line, and the record that bills it: `days` inclusive, `quantity` signed, `rate` for one unit of it, `amount`
    what quantity × unit price comes to. `lines` are the rows that it bills: two where the distributor split the charge
    of one event in two, the first of which counts the seats.
    """

    lines: tuple[ChargedLine, ...]
    mark: LineMark
    days: Span
    quantity: Decimal
    rate: Rate
    amount: Decimal

    @property
    def line(self) -> ChargedLine:
        """The row that counts the seats."""
        return self.lines[0]


def joined(lines: Iterable[ChargedLine]) -> list[tuple[ChargedLine, ...]]:
    """Lines of one subscription and product, each with the rows that count no seats but add to its charge: those of
    the same invoice, days and sign (the second half of a product with calling, sources §1.4).
    """
    rows = list(lines)
    groups = [[row] for row in rows if row.line.quantity]
    for row in rows:
        if row.line.quantity:
            continue
        home = next((group for group in groups if _belongs(row, group[0])), None)
        if home is None:
            groups.append([row])
        else:
            home.append(row)
    return [tuple(group) for group in groups]


def _belongs(row: ChargedLine, seats: ChargedLine) -> bool:
    same = (row.invoice, row.line.span, row.line.reference) == (seats.invoice, seats.line.span, seats.line.reference)
    return same and ((row.line.amount or ZERO) < 0) == (seats.line.quantity < 0)


def copy_of(lines: Sequence[ChargedLine], period: Span, month: Month, currency: str) -> LineCopy | Finding:
    """The record for a line (and the rows that `joined` put to it), or why its final amount cannot be told.

    The rates of the lines are for a full cycle. `period` is the invoice's, for a line without days.
    """
    first = lines[0]
    line, cycle = first.line, first.rate
    span = line.span or period
    charged = _charged(lines)
    share = _share(first, charged)
    if share is None:
        return _unknown(first, charged, currency)
    amount = rounded(line.quantity * cycle.unit_price * share, currency)
    quantity, price = _priced(amount, line.quantity, currency)
    cost = line.quantity * cycle.unit_cost * share if charged is None else charged
    mark = LineMark.of(first.invoice, line.number, span)
    days = span.meet(month.span) or month.span
    return LineCopy(tuple(lines), mark, days, quantity, Rate(price, _unit(cost, quantity, currency)), amount)


def _charged(lines: Sequence[ChargedLine]) -> Decimal | None:
    amounts = [row.line.amount for row in lines if row.line.amount is not None]
    return sum(amounts, ZERO) if amounts else None


def _share(first: ChargedLine, charged: Decimal | None) -> Decimal | None:
    """The part of a full cycle that was charged, of either sign; None where the line does not tell."""
    line, cycle = first.line, first.rate
    whole = line.charge in _WHOLE
    full = line.quantity * cycle.unit_cost
    if not charged and (not line.quantity or not cycle.unit_price):
        return ZERO
    if charged is None or not full:
        return _ONE if whole and line.quantity and not charged else None
    # The cents of a rounded amount are no proration: a whole cycle bills the own price itself.
    near = abs(charged - full) <= _CENT * max(_ONE, abs(line.quantity))
    return _ONE if whole and near else charged / full


def _priced(amount: Decimal, quantity: Decimal, currency: str) -> tuple[Decimal, Decimal]:
    """Quantity and unit price whose product is the amount to the cent, by the price of the fewest places.

    Where a price of six places cannot do it (some ten thousand seats), one unit at the whole amount does.
    """
    price = _unit(amount, quantity, currency)
    if rounded(quantity * price, currency) == amount:
        return quantity, price
    sign = _ONE.copy_sign(quantity or amount)
    return sign, amount * sign


def _unit(amount: Decimal, quantity: Decimal, currency: str) -> Decimal:
    """A unit's part of an amount, with as few places as give the amount back to the cent, else with six."""
    if not quantity:
        return ZERO
    unit = ZERO
    for places in range(digits(currency), _PLACES + 1):
        unit = (amount / quantity).quantize(_ONE.scaleb(-places), ROUND_HALF_UP)
        if rounded(unit * quantity, currency) == rounded(amount, currency):
            return unit
    return unit


def _unknown(first: ChargedLine, charged: Decimal | None, currency: str) -> Finding:
    line = first.line
    if charged is None:
        why, what = "states no amount", "let the document state what the line charges"
    elif not line.quantity:
        why, what = "charges an amount for no seats", "bill it by hand"
    else:
        why, what = "charges a part of a cycle that costs nothing", "write a `prices:` rule that bills it at fixed 0"
    return Finding(
        Severity.ERROR,
        "C27",
        f"line {line.number} of {first.invoice} {why}: what part of the own price it stands for cannot be told",
        subscription=line.subscription,
        where=line.place,
        hint=f"{what}, or use `align: calendar`",
        amount=Money(charged, currency) if charged is not None else None,
    )
