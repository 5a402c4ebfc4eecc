"""A quantity through time, as a step function over days.

A timeline says how many seats are in force on each day: a level holds from its day until the next step. Everything the
engine decides is a comparison of two timelines: what the invoice charged and what the PSA's records add up to.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reconciler.domain.days import Span, morrow
from reconciler.domain.money import ZERO


@dataclass(frozen=True, slots=True)
class Timeline:
    """Levels by day: `steps` are (day, level from that day on), ascending, no two neighbours of one level, none before
    the first step (level zero).
    """

    steps: tuple[tuple[date, Decimal], ...] = ()

    @classmethod
    def of_intervals(cls, intervals: Iterable[tuple[date, date | None, Decimal]]) -> "Timeline":
        """The sum of signed intervals (first day, last day or None for open, quantity), both ends inclusive.

        This is how Microsoft's reconciliation lines and a PSA's additions alike become seats by day (sources §1.6).
        """
        moves: dict[date, Decimal] = {}
        for first, last, quantity in intervals:
            moves[first] = moves.get(first, ZERO) + quantity
            if last is not None:
                after = morrow(last)
                moves[after] = moves.get(after, ZERO) - quantity
        return cls.of_moves(moves)

    @classmethod
    def of_moves(cls, moves: dict[date, Decimal]) -> "Timeline":
        """The timeline whose level rises by `moves[day]` on each day."""
        steps: list[tuple[date, Decimal]] = []
        level = ZERO
        for day in sorted(moves):
            if moves[day]:
                level += moves[day]
                steps.append((day, level))
        return cls(tuple(steps))

    def on(self, day: date) -> Decimal:
        """The level on a day."""
        level = ZERO
        for start, value in self.steps:
            if start > day:
                break
            level = value
        return level

    def moves(self) -> Iterator[tuple[date, Decimal]]:
        """Each change: the day, and by how much the level rises (negative: falls) on it."""
        before = ZERO
        for day, level in self.steps:
            yield day, level - before
            before = level

    def within(self, span: Span) -> "Timeline":
        """The same levels on the days of a span, and zero outside."""
        moves: dict[date, Decimal] = {}
        for piece, level in self.pieces(span):
            moves[piece.first] = moves.get(piece.first, ZERO) + level
            after = morrow(piece.last)
            moves[after] = moves.get(after, ZERO) - level
        return Timeline.of_moves(moves)

    def pieces(self, span: Span) -> Iterator[tuple[Span, Decimal]]:
        """The span cut into runs of days of one level, in order; together they cover it."""
        start, level = span.first, self.on(span.first)
        for day, value in self.steps:
            if day <= span.first:
                continue
            if day > span.last:
                break
            yield Span(start, date.fromordinal(day.toordinal() - 1)), level
            start, level = day, value
        yield Span(start, span.last), level

    def __sub__(self, other: "Timeline") -> "Timeline":
        moves: dict[date, Decimal] = dict(self.moves())
        for day, rise in other.moves():
            moves[day] = moves.get(day, ZERO) - rise
        return Timeline.of_moves(moves)

    def __add__(self, other: "Timeline") -> "Timeline":
        moves: dict[date, Decimal] = dict(self.moves())
        for day, rise in other.moves():
            moves[day] = moves.get(day, ZERO) + rise
        return Timeline.of_moves(moves)

    def seat_days(self, span: Span) -> Decimal:
        """Sum of the levels over the days of a span."""
        if len(self.steps) == 2 and self.steps[0][0] == span.first and self.steps[1] == (morrow(span.last), ZERO):
            return self.steps[0][1] * span.days
        return sum((level * piece.days for piece, level in self.pieces(span)), ZERO)
