"""What the invoices charged for one subscription and product, as a timeline.

In words: every line is a signed interval; the seats on a day are the sum of the lines that cover it, with credits,
usage and one-off charges left out (sources §1.6). The price on a day is that of the line that put the seats there last.

In numbers (rulebook Ex 1): 10 from the 1st to the 30th, +3 from the 12th, −2 from the 20th are the levels 10, 13, 11.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from reconciler.domain.bulk import maker
from reconciler.domain.days import Month, Span, morrow
from reconciler.domain.invoice import Charge, InvoiceLine
from reconciler.domain.money import ZERO
from reconciler.domain.timeline import Timeline

# A line of these kinds goes on from a cycle that began earlier: where it is the first that is known, the days before it
# belong to an earlier invoice, and nothing can be said about them (sources §0.8).
_GOES_ON = frozenset({Charge.CYCLE, Charge.RENEW, Charge.ADD_QUANTITY, Charge.REMOVE_QUANTITY})


@dataclass(frozen=True, slots=True)
class Rate:
    """What one seat is billed at and costs for a full month, in the invoice's currency. `rule` names the price rule
    that made the price, where one did; two rates are equal whatever made them. `charged_cost` is what the distributor
    charges, where a record has another cost (P56).
    """

    unit_price: Decimal
    unit_cost: Decimal
    rule: str = field(default="", compare=False)
    charged_cost: Decimal | None = field(default=None, compare=False)

    @property
    def cost(self) -> Decimal:
        """What a seat really costs."""
        return self.unit_cost if self.charged_cost is None else self.charged_cost


@dataclass(frozen=True, slots=True)
class ChargedLine:
    """A line with the rate that its seats are billed at, and the invoice it stands on."""

    invoice: str
    line: InvoiceLine
    rate: Rate


@dataclass(frozen=True, slots=True)
class Charged:
    """What was charged for one subscription and product in a month.

    `level` is the seats by day on the month's days (zero outside); `known_from` the first day of the month about which
    the documents speak; `rates` are (day, rate from that day on), ascending; `carry` the quantity from the next month
    on: a quantity scheduled for the renewal, else the closing one (Ex 11). `term_end` is inclusive. Without lines: C6.
    `next_opening` is what an invoice of a later month charges on the first day after the month, where one does.
    """

    subscription: str
    product: str
    level: Timeline
    known_from: date
    rates: tuple[tuple[date, Rate], ...]
    carry: Decimal
    scheduled: bool
    term_end: date | None
    lines: tuple[ChargedLine, ...]
    next_opening: Decimal | None = None

    def rate_on(self, day: date) -> Rate:
        """The rate on a day: the last one that began by then, the first one before that. Needs at least one line."""
        found = self.rates[0][1]
        for start, rate in self.rates:
            if start > day:
                break
            found = rate
        return found

    def lines_moving(self, day: date) -> tuple[ChargedLine, ...]:
        """The lines that begin on a day or ended on its eve: those that moved the level on it."""
        return tuple(
            charged
            for charged in self.lines
            if charged.line.span and day in (charged.line.span.first, morrow(charged.line.span.last))
        )

    def lines_on(self, day: date) -> tuple[ChargedLine, ...]:
        """The lines that cover a day."""
        return tuple(charged for charged in self.lines if charged.line.span and day in charged.line.span)


_made_charged = maker(Charged)


def vanished(
    subscription: str,
    product: str,
    month: Month,
    next_opening: Decimal | None = None,
    goes_on: Decimal | None = None,
) -> Charged:
    """What was charged for a subscription that no line names on the month's days: nothing (C6). It may begin on the
    first of the next month (`goes_on`).
    """
    return Charged(
        subscription=subscription,
        product=product,
        level=Timeline(),
        known_from=month.first,
        rates=(),
        carry=goes_on or ZERO,
        scheduled=False,
        term_end=None,
        lines=(),
        next_opening=next_opening,
    )


def charged_in_month(
    subscription: str,
    product: str,
    lines: Sequence[ChargedLine],
    month: Month,
    scheduled: Sequence[InvoiceLine] = (),
    next_opening: Decimal | None = None,
    goes_on: Decimal | None = None,
) -> Charged:
    """What the lines of one subscription and product charge on a month's days.

    `lines` are all that cover a day of the month, of every invoice read; `scheduled` those that speak of the
    subscription's quantity at its renewal, on whichever line they stand (interface §6.11); `goes_on` is what they
    charge on the first of the next month, where one covers it. Negative levels are the
    reader's finding, not clipped here.
    """
    span = month.span
    if len(lines) == 1 and not scheduled and (only := lines[0].line.span) and _covers(lines[0].line, only, span):
        return _one_line_all_month(subscription, product, lines[0], only, month, next_opening, goes_on)
    seats = tuple(c for c in lines if c.line.span and c.line.charge.counts_seats and c.line.span.meet(span))
    if not seats:
        return vanished(subscription, product, month, next_opening, goes_on)
    level = _level(seats, span)
    closing = level.on(span.last) if goes_on is None else goes_on
    booked = _scheduled_quantity(scheduled, month)
    ends = [c.line.term_end for c in seats if c.line.term_end]
    return _made_charged(
        subscription=subscription,
        product=product,
        level=level,
        known_from=_known_from(seats, span),
        rates=_rates(seats),
        carry=closing if booked is None else booked,
        scheduled=booked is not None and booked != closing,
        term_end=max(ends, default=None),
        lines=seats,
        next_opening=next_opening,
    )


def _covers(line: InvoiceLine, charged: Span, month: Span) -> bool:
    """Whether a line puts seats on every day of a month."""
    return (
        charged.first <= month.first and charged.last >= month.last and line.charge.counts_seats and line.quantity != 0
    )


def _one_line_all_month(
    subscription: str,
    product: str,
    charged: ChargedLine,
    span: Span,
    month: Month,
    next_opening: Decimal | None,
    goes_on: Decimal | None,
) -> Charged:
    """Most of a month is this: one line that covers it. The same as the long way says, without its sums."""
    line, quantity = charged.line, charged.line.quantity
    return Charged(
        subscription=subscription,
        product=product,
        level=Timeline(((month.first, quantity), (month.following.first, ZERO))),
        known_from=month.first,
        rates=((span.first, charged.rate),),
        carry=quantity if goes_on is None else goes_on,
        scheduled=False,
        term_end=line.term_end or None,
        lines=(charged,),
        next_opening=next_opening,
    )


def _level(seats: Sequence[ChargedLine], span: Span) -> Timeline:
    intervals = [(c.line.span.first, c.line.span.last, c.line.quantity) for c in seats if c.line.span]
    if len(intervals) == 1 and intervals[0][2]:
        first, last, quantity = intervals[0]
        # One line is the rule: its days in the month, without the detour over sums.
        return Timeline(((max(first, span.first), quantity), (morrow(min(last, span.last)), ZERO)))
    return Timeline.of_intervals(intervals).within(span)


def _scheduled_quantity(lines: Iterable[InvoiceLine], month: Month) -> Decimal | None:
    """The quantity booked for a day not after the first of the next month; the latest wins (interface §6.11)."""
    booked = [
        line.scheduled
        for line in lines
        if line.scheduled and month.first < line.scheduled.first <= month.following.first
    ]
    return max(booked, key=lambda s: s.first).quantity if booked else None


def _known_from(seats: Sequence[ChargedLine], span: Span) -> date:
    opening = min((c for c in seats if c.line.span), key=lambda c: c.line.span.first if c.line.span else span.last)
    begins = opening.line.span.first if opening.line.span else span.first
    if begins <= span.first or opening.line.charge not in _GOES_ON:
        return span.first
    return begins


def _rates(seats: Sequence[ChargedLine]) -> tuple[tuple[date, Rate], ...]:
    """The rate from day to day: that of the charge, not the refund, that began last."""
    if len(seats) == 1 and seats[0].line.span:
        return ((seats[0].line.span.first, seats[0].rate),)
    charges = [c for c in seats if c.line.quantity > 0] or list(seats)
    rates: list[tuple[date, Rate]] = []
    for charged in sorted(charges, key=lambda c: c.line.span.first if c.line.span else date.min):
        begins = charged.line.span.first if charged.line.span else date.min
        if rates and rates[-1][0] == begins:
            rates[-1] = (begins, charged.rate)
        elif not rates or rates[-1][1] != charged.rate:
            rates.append((begins, charged.rate))
    return tuple(rates)
