"""The lines of an invoice that put monthly seats on days, as signed intervals, whatever the invoice's rows mean."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from itertools import pairwise

from reconciler.domain.days import Span, eve, morrow
from reconciler.domain.invoice import Invoice, InvoiceLine, Kind, Motion, Semantics


def has_seats(line: InvoiceLine) -> bool:
    """Whether a line speaks of monthly seats in force."""
    return line.motion is Motion.SEAT_MONTHLY and line.charge.counts_seats


def seat_lines(invoice: Invoice) -> Iterator[InvoiceLine]:
    """The lines with seats in force on days. Rows that state levels (`semantics: level`) are cut so that they add up:
    on each day the row that begins last holds, then the higher line number.
    """
    if invoice.kind is not Kind.INVOICE:
        return
    lines = (line for line in invoice.lines if has_seats(line))
    if invoice.semantics is Semantics.SIGNED:
        yield from lines
        return
    groups: dict[tuple[str, str, str], list[InvoiceLine]] = {}
    for line in lines:
        groups.setdefault((line.customer.tenant, line.subscription, line.sku), []).append(line)
    for group in groups.values():
        yield from _cut(group)


def _cut(levels: Iterable[InvoiceLine]) -> Iterator[InvoiceLine]:
    """The rows on the days on which they hold; a row's amount goes with its days."""
    spans = [(line.span, line) for line in levels if line.span]
    bounds = sorted({day for span, _ in spans for day in (span.first, morrow(span.last))})
    for first, after in pairwise(bounds):
        covering = [(span.first, line.number, line) for span, line in spans if first in span]
        if covering:
            yield _piece(max(covering, key=lambda row: row[:2])[2], first, eve(after))


def _piece(line: InvoiceLine, first: date, last: date) -> InvoiceLine:
    piece = Span(first, last)
    whole = line.span.days if line.span else piece.days
    amount = None if line.amount is None else line.amount * piece.days / whole
    return replace(line, span=piece, amount=amount)
