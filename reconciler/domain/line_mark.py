"""The mark by which a record tells which invoice line it copies (rulebook C27).

`INV-9 line 3, 15 Feb 2026 to 14 Mar 2026` stands in brackets at the end of the record's description, and so on the
customer's invoice: the distributor's invoice and line, and the days that were charged, which may run beyond those on
which the PSA bills the record. The PSA alone tells what was billed before (interface §6.16); the serial number has to
stay the subscription id (P42), so the description is the one free text that lasts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from reconciler.domain.days import Span

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = rf"(\d{{1,2}}) ({'|'.join(_MONTHS)}) (\d{{4}})"
_MARK = re.compile(rf".*\((?P<invoice>[^()]+) line (?P<line>\d+), (?P<days>{_DAY} to {_DAY})\)\s*")
_EACH_DAY = re.compile(_DAY)


@dataclass(frozen=True, slots=True)
class LineMark:
    """An invoice line as a record names it. `span` are the days that the line charges, inclusive. Make it by `of`."""

    invoice: str
    line: int
    span: Span

    @classmethod
    def of(cls, invoice: str, line: int, span: Span) -> "LineMark":
        """The mark of a line. The invoice number is spelt as it comes back from a PSA, which makes one space of any
        white space; brackets would end the mark.
        """
        return cls(" ".join(invoice.split()).translate(_NO_BRACKETS), line, span)

    def __str__(self) -> str:
        return f"{self.invoice} line {self.line}, {_told(self.span.first)} to {_told(self.span.last)}"


_NO_BRACKETS = str.maketrans("()", "[]")


def mark_in(description: str) -> LineMark | None:
    """The mark at the end of a record's description, or None."""
    if not description.rstrip().endswith(")"):
        return None
    found = _MARK.fullmatch(" ".join(description.split()))
    if found is None:
        return None
    days = list(_days(found["days"]))
    if len(days) != 2 or days[1] < days[0]:
        return None
    return LineMark(found["invoice"], int(found["line"]), Span(days[0], days[1]))


def _told(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _days(text: str) -> Iterator[date]:
    for day, month, year in _EACH_DAY.findall(text):
        try:
            yield date(int(year), _MONTHS.index(month) + 1, int(day))
        except ValueError:
            # 31 Feb: somebody wrote it by hand.
            return
