"""When old records hand over to ours, and the proof that no charged day is billed by both or by neither.

A ConnectWise record ends on a month's last day alone (P44), and what is invoiced stays as it is. So the hand-over is
the first of a month that the old record's agreement has not invoiced yet: the old record's last day is the eve of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reconciler.domain.days import Month, Span
from reconciler.domain.money import plain
from reconciler.domain.records import Addition
from reconciler.domain.timeline import Timeline
from reconciler.rules.charged import Charged


def earliest(month: Month, open_from: date) -> date:
    """The first day of a month, not before the planned one, from which on nothing is invoiced."""
    if open_from <= month.first:
        return month.first
    opening = Month.of(open_from)
    return open_from if open_from == opening.first else opening.following.first


def set_by_hand(records: Iterable[Addition], month: Month) -> date | None:
    """The first day after the latest end that a person has given an old record, where that end is a month's last day
    and not after the planned month: then the hand-over has been chosen already. Later ends are another tool's habit of
    writing the subscription's own end.
    """
    ends = [
        a.cancelled
        for a in records
        if a.cancelled and month.first <= a.cancelled <= month.last and a.cancelled == Month.of(a.cancelled).last
    ]
    return Month.of(max(ends)).following.first if ends else None


@dataclass(frozen=True, slots=True)
class Flaw:
    """Days (inclusive) on which a subscription would be billed twice (`overlap`) or not at all (`gap`)."""

    overlap: bool
    days: Span
    charged: Decimal
    old: Decimal
    ours: Decimal

    def __str__(self) -> str:
        told = f"{plain(self.charged)} charged, the old records bill {plain(self.old)} and ours {plain(self.ours)}"
        return f"from {self.days}: {told}"


def proved(charged: Charged, old: Sequence[Addition], ours: Sequence[Addition], month: Month, last: date) -> list[Flaw]:
    """The days from the first that is known to `last` on which old and new records do not join.

    Days of the month are compared with what was charged on them, later ones with what goes on. An overlap is a day that
    both bill beyond the charge; a gap is a charged day on which less is billed. Where a later month's invoice is read,
    later days are that month's to prove.
    """
    last = month.last if charged.next_opening is not None else last
    wanted = _charge(charged, month, last)
    before, after = _timeline(old), _timeline(ours)
    flaws: list[Flaw] = []
    for piece, level in wanted.pieces(Span(max(charged.known_from, month.first), last)):
        for days, missing in (wanted - before - after).pieces(piece):
            flaws += _flaws(days, level, missing, before)
    return flaws


def _flaws(days: Span, level: Decimal, missing: Decimal, before: Timeline) -> Iterator[Flaw]:
    for part, old in before.pieces(days):
        ours = level - missing - old
        if missing > 0 and level > 0:
            yield Flaw(False, part, level, old, ours)
        elif missing < 0 and old > 0 and ours > 0:
            yield Flaw(True, part, level, old, ours)


def _charge(charged: Charged, month: Month, last: date) -> Timeline:
    """The charged level by day: the month's, and from then on what goes on."""
    after = month.following.first
    goes_on = Timeline.of_intervals([(after, last, charged.carry)]) if last >= after else Timeline()
    return charged.level.within(month.span) + goes_on


def _timeline(records: Iterable[Addition]) -> Timeline:
    rows = (a for a in records if a.cancelled is None or a.cancelled >= a.effective)
    return Timeline.of_intervals((a.effective, a.cancelled, a.quantity - a.included) for a in rows if a.bills)
