"""Calendar days and months as billing counts them: both ends inclusive (rulebook C3, C4)."""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

ONE_DAY = timedelta(days=1)
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Days from `first` to `last`, both inclusive. Raises ValueError where the end lies before the start."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"the end {self.last} lies before the start {self.first}")

    @property
    def days(self) -> int:
        """How many days the span holds."""
        return (self.last - self.first).days + 1

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def meet(self, other: "Span") -> "Span | None":
        """The days that both spans hold, or None."""
        first, last = max(self.first, other.first), min(self.last, other.last)
        return Span(first, last) if first <= last else None

    def shared(self, other: "Span") -> int:
        """How many days both spans hold."""
        first = max(other.first, self.first)
        last = min(other.last, self.last)
        return (last - first).days + 1 if first <= last else 0

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month, the unit in which a PSA invoices and a plan is made."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """The month written `2026-09`. Raises ValueError for anything else."""
        found = _MONTH.fullmatch(text)
        if not found:
            raise ValueError(f"'{text}' is not a month; write it as 2026-09")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, day: date) -> "Month":
        """The month in which a day lies."""
        return cls(day.year, day.month)

    @property
    def first(self) -> date:
        """The first day."""
        return _span(self.year, self.number).first

    @property
    def last(self) -> date:
        """The last day."""
        return _span(self.year, self.number).last

    @property
    def days(self) -> int:
        """How many days the month has."""
        return _span(self.year, self.number).last.day

    @property
    def span(self) -> Span:
        """The month's days."""
        return _span(self.year, self.number)

    @property
    def following(self) -> "Month":
        """The next month."""
        return _following(self.year, self.number)

    @property
    def preceding(self) -> "Month":
        """The month before."""
        return Month(self.year - 1, 12) if self.number == 1 else Month(self.year, self.number - 1)

    def through(self, last: "Month") -> Iterator["Month"]:
        """This month and the following ones up to `last`, inclusive."""
        month = self
        while month <= last:
            yield month
            month = month.following

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"


@dataclass(frozen=True, slots=True)
class Months:
    """Consecutive months from `first` to `last`, both inclusive. Raises ValueError where the last one is the older."""

    first: Month
    last: Month

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"{self.last} comes before {self.first}; write the older month first")

    @classmethod
    def parse(cls, text: str) -> "Months":
        """The months written `2026-09` or `2026-07..2026-09`. Raises ValueError for anything else."""
        first, dots, last = text.partition("..")
        return cls(Month.parse(first), Month.parse(last if dots else first))

    def __iter__(self) -> Iterator[Month]:
        return self.first.through(self.last)

    def __str__(self) -> str:
        return str(self.last) if self.first == self.last else f"{self.first}..{self.last}"


# A plan asks for the bounds of two or three months a million times.
@lru_cache(maxsize=1024)
def _span(year: int, number: int) -> Span:
    return Span(date(year, number, 1), date(year, number, monthrange(year, number)[1]))


@lru_cache(maxsize=1024)
def _following(year: int, number: int) -> Month:
    return Month(year + 1, 1) if number == 12 else Month(year, number + 1)


def eve(day: date) -> date:
    """The day before."""
    return day - ONE_DAY


def morrow(day: date) -> date:
    """The day after."""
    return day + ONE_DAY
