"""Which standing record bills which invoice line already (rulebook C27, interface §6.16: the PSA alone tells).

A record that copies a line names invoice, line and days at the end of its description. In this order a line is known
again by a record

1. of the same invoice, days, quantity and amount: the line number may be another, for a file may be written anew in
   another order;
2. of another invoice, with the same days, quantity and amount: the charge was issued again under a new number;
3. without a mark, on the very days of the copy, with its quantity and amount: somebody rewrote the description;
4. of the same invoice and days, or line, with another quantity or amount: the invoice was issued again with other
   content, or somebody edited the record. It is the line's, and is to be put right.

What cannot be known again: a record whose description, days and amount were all rewritten. It is taken for one of the
other alignment, which stops the subscription, so that nothing is billed twice.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from reconciler.domain.line_mark import LineMark, mark_in
from reconciler.domain.money import rounded
from reconciler.domain.records import Addition
from reconciler.rules.line_copies import LineCopy


class Known(IntEnum):
    """How a record was known again, the surest first."""

    BY_CONTENT = 1
    BY_ANOTHER_INVOICE = 2
    BY_ITS_DAYS = 3
    BY_ITS_PLACE = 4


@dataclass(frozen=True, slots=True)
class Recognised:
    """Lines with their records, lines without, and records without; each in its own order."""

    matches: tuple[tuple[LineCopy, Addition, Known], ...]
    unbilled: tuple[LineCopy, ...]
    free: tuple[Addition, ...]


def recognise(copies: Iterable[LineCopy], standing: Sequence[Addition], currency: str) -> Recognised:
    """Pairs the copies of one subscription and product with its records, one to one."""
    left = list(copies)
    marked = [(addition, mark_in(addition.description)) for addition in standing if addition.quantity]
    matches: list[tuple[LineCopy, Addition, Known]] = []
    for known, fits in _WAYS:
        for copy in list(left):
            pair = next(((a, mark) for a, mark in marked if fits(copy, a, mark, currency)), None)
            if pair:
                matches.append((copy, pair[0], known))
                marked.remove(pair)
                left.remove(copy)
    return Recognised(tuple(matches), tuple(left), tuple(addition for addition, _ in marked))


def same_money(copy: LineCopy, addition: Addition, currency: str) -> bool:
    """Whether a record bills what the copy would, with the same quantity."""
    amount = rounded(addition.quantity * addition.unit_price, currency)
    return addition.quantity == copy.quantity and amount == copy.amount


_Fits = Callable[[LineCopy, Addition, LineMark | None, str], bool]


def _by_its_mark(copy: LineCopy, addition: Addition, mark: LineMark | None, currency: str) -> bool:
    return mark == copy.mark and same_money(copy, addition, currency)


def _by_content(copy: LineCopy, addition: Addition, mark: LineMark | None, currency: str) -> bool:
    if mark is None or (mark.invoice, mark.span) != (copy.mark.invoice, copy.mark.span):
        return False
    return same_money(copy, addition, currency)


def _by_another_invoice(copy: LineCopy, addition: Addition, mark: LineMark | None, currency: str) -> bool:
    return mark is not None and mark.span == copy.mark.span and same_money(copy, addition, currency)


def _by_its_days(copy: LineCopy, addition: Addition, mark: LineMark | None, currency: str) -> bool:
    days = (addition.effective, addition.cancelled) == (copy.days.first, copy.days.last)
    return mark is None and days and same_money(copy, addition, currency)


def _by_its_place(copy: LineCopy, addition: Addition, mark: LineMark | None, currency: str) -> bool:
    if mark is None or mark.invoice != copy.mark.invoice:
        return False
    same_side = (addition.quantity < 0) == (copy.quantity < 0)
    return same_side and (mark.line == copy.mark.line or mark.span == copy.mark.span)


_WAYS: tuple[tuple[Known, _Fits], ...] = (
    # Of several that would do, the record that names this very line.
    (Known.BY_CONTENT, _by_its_mark),
    (Known.BY_CONTENT, _by_content),
    (Known.BY_ANOTHER_INVOICE, _by_another_invoice),
    (Known.BY_ITS_DAYS, _by_its_days),
    (Known.BY_ITS_PLACE, _by_its_place),
)
