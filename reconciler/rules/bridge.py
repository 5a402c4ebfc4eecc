"""From what was due to what is billed: each part of the difference under the name of what made it.

In words: what the distributor charged for a month's days, plus the partner's margin by its price rules, is what is due.
What the records bill otherwise has causes that can be counted one by one: a credit that the policy keeps back, a price
that stands at its old level, seats that nobody was charged for, days that the PSA bills whole, units that it does not
bill at all. Nothing is left but rounding.

In numbers (rulebook Ex 10, `warn`): ten seats at 16.00 rise to 17.00 on 15 September, retail 20.00 to 21.00. Charged
are 165.33, the margin is 40.00, so 205.33 are due; the record bills 200.00, as 10 × 1.00 × 16/30 are not passed on.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reconciler.domain.breakdown import Part
from reconciler.domain.days import Month, Span, eve
from reconciler.domain.money import ZERO
from reconciler.domain.records import Addition
from reconciler.domain.timeline import Timeline
from reconciler.rules.billing import billed_days
from reconciler.rules.charged import Rate

Rates = tuple[tuple[date, Rate], ...]


@dataclass(frozen=True, slots=True)
class Due:
    """What ought to be billed for a month: the seats by day, the rate from each day on (ascending; none where nothing
    was charged), its worth, unrounded, how much a policy bills beyond the charge (`kept_back`), and how much of the
    worth an old record on another agreement bills still (`handed_over`, cut-over).
    """

    level: Timeline
    rates: Rates
    worth: Decimal
    kept_back: Decimal = ZERO
    handed_over: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Counted:
    """What records bill for a month's days, unrounded: `exact` in all, of it `whole` for days on which they are not in
    force, and `free` (negative) for units in force that the PSA does not bill.
    """

    exact: Decimal
    whole: Decimal
    free: Decimal


def counted(records: Iterable[Addition], month: Month, *, prorates: bool) -> Counted:
    """What records bill for a month before anything is rounded."""
    exact = whole = free = ZERO
    for record in records:
        days = billed_days(record, month, prorates=prorates)
        if not days:
            continue
        billable = record.quantity - record.included if record.bills else ZERO
        in_force = _days_in_force(record, month)
        exact += billable * record.unit_price * days / month.days
        if days != in_force:
            whole += billable * record.unit_price * (days - in_force) / month.days
        if billable != record.quantity:
            free += (billable - record.quantity) * record.unit_price * in_force / month.days
    return Counted(exact, whole, free)


def differences(due: Due, records: Sequence[Addition], month: Month, *, prorates: bool) -> dict[Part, Decimal]:
    """Why records bill otherwise than is due, unrounded; the amounts sum to what they bill less what is due."""
    bills = counted(records, month, prorates=prorates)
    parts = {
        Part.WHOLE_PERIOD: bills.whole,
        Part.NOT_BILLABLE: bills.free,
        Part.SUPPRESSED_CREDIT: due.kept_back,
        Part.HANDED_OVER: -due.handed_over,
    }
    gap = bills.exact - due.worth - sum(parts.values(), ZERO)
    if not due.rates:
        return parts | {Part.SEATS: gap}
    standing = Timeline.of_intervals((a.effective, a.cancelled, a.quantity) for a in records)
    seats = _worth(standing - due.level, due.rates, month) - due.kept_back + due.handed_over
    price = gap - seats
    return parts | {Part.SEATS: seats, Part.INCREASE if price < 0 else Part.DECREASE: price}


def _days_in_force(record: Addition, month: Month) -> int:
    first = max(record.effective, month.first)
    last = month.last if record.cancelled is None else min(record.cancelled, month.last)
    return max((last - first).days + 1, 0)


def _worth(level: Timeline, rates: Rates, month: Month) -> Decimal:
    """Seats by day at the rate of each day."""
    return sum(
        (
            seats * piece.days * rate.unit_price / month.days
            for span, rate in _spans(rates, month)
            for piece, seats in level.pieces(span)
        ),
        ZERO,
    )


def _spans(rates: Rates, month: Month) -> Iterator[tuple[Span, Rate]]:
    """The month cut by its rates; the first one holds for the days before it too."""
    ends = [eve(day) for day, _ in rates[1:]] + [month.last]
    first = month.first
    for (_, rate), end in zip(rates, ends, strict=True):
        last = min(end, month.last)
        if first <= last:
            yield Span(first, last), rate
            first = last + (month.following.first - month.last)
