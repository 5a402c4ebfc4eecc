"""From invoice lines to seats by day: signed intervals added up, per tenant, subscription and SKU.

Worked by Microsoft's own table: 10 from 5 March, refund of 10 and charge of 15 from 7 March, and so on to 4 April: the
levels are 10, 15, 25, 23, 20, 30 (sources §1.6). Credits, usage and one-off charges are left out, and so are credit
notes and adjustments, which nobody has allocated (interface §6.14).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from reconciler.domain.bulk import without_collections
from reconciler.domain.days import Span, morrow
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Charge, Invoice, InvoiceLine, Kind, Semantics
from reconciler.domain.money import ZERO, plain
from reconciler.domain.timeline import Timeline

_ROWS_NAMED = 6
_SEATLESS = tuple(charge for charge in Charge if not charge.counts_seats)


class SubscriptionKey(NamedTuple):
    """What a level of seats belongs to: tenant (lower case), subscription id, SKU."""

    tenant: str
    subscription: str
    sku: str


def key_of(line: InvoiceLine) -> SubscriptionKey:
    """The subscription and product that a line is about."""
    return SubscriptionKey(line.customer.tenant, line.subscription, line.sku)


def seat_lines(invoices: Iterable[Invoice]) -> Iterator[tuple[Semantics, InvoiceLine, Span]]:
    """The lines that say how many seats are in force, with the meaning of their quantities and their days."""
    for invoice in invoices:
        if invoice.kind is Kind.INVOICE:
            for line in invoice.lines:
                if line.span is not None and line.charge not in _SEATLESS:
                    yield invoice.semantics, line, line.span


def seat_timelines(invoices: Iterable[Invoice]) -> dict[SubscriptionKey, Timeline]:
    """Seats by day of every subscription and SKU, over all days of all invoices given; ordered by key."""
    with without_collections():
        return _timelines(seat_lines(invoices))


_Interval = tuple[date, date, Decimal]


def _timelines(lines: Iterable[tuple[Semantics, InvoiceLine, Span]]) -> dict[SubscriptionKey, Timeline]:
    signed: dict[SubscriptionKey, tuple[_Interval, ...]] = {}
    levels: dict[SubscriptionKey, list[InvoiceLine]] = {}
    same: dict[tuple[_Interval, ...], tuple[_Interval, ...]] = {}
    for semantics, line, span in lines:
        key = SubscriptionKey(line.customer.tenant, line.subscription, line.sku)
        intervals = signed.get(key, ())
        if semantics is Semantics.LEVEL:
            levels.setdefault(key, []).append(line)
        else:
            intervals += ((span.first, span.last, line.quantity),)
            intervals = same.setdefault(intervals, intervals)
        signed[key] = intervals
    # Most subscriptions have one row, and very many the same seats on the same days: these share one timeline.
    of_intervals = {intervals: Timeline.of_intervals(intervals) for intervals in set(signed.values())}
    timelines = {key: of_intervals[signed[key]] for key in sorted(signed)}
    for key, of_key in levels.items():
        timelines[key] += _levelled(of_key)
    return timelines


def _levelled(lines: list[InvoiceLine]) -> Timeline:
    """Rows that state levels: on each day the row that begins last holds, then the higher line number (inferred)."""
    spans = [(line.span, line.number, line.quantity) for line in lines if line.span is not None]
    days = sorted({day for span, _, _ in spans for day in (span.first, morrow(span.last))})
    steps: dict[date, Decimal] = {}
    before = ZERO
    for day in days:
        covering = [(span.first, number, quantity) for span, number, quantity in spans if day in span]
        level = max(covering)[2] if covering else ZERO
        steps[day] = level - before
        before = level
    return Timeline.of_moves(steps)


def negative_levels(invoices: Sequence[Invoice]) -> tuple[Finding, ...]:
    """An error for each subscription that would have fewer than no seats on some day, with the rows that say so.

    Mostly the earlier invoice is missing that holds the count which a refund takes back (sources §1.6, §0.8).
    """
    # Without a negative quantity no sum turns negative: most subscriptions need no second look.
    suspects = {key_of(line) for _, line, _ in seat_lines(invoices) if line.quantity < 0}
    rows: dict[SubscriptionKey, list[tuple[Semantics, InvoiceLine, Span]]] = {}
    for entry in seat_lines(invoices) if suspects else ():
        if (key := key_of(entry[1])) in suspects:
            rows.setdefault(key, []).append(entry)
    findings = []
    for key, timeline in _timelines(entry for entries in rows.values() for entry in entries).items():
        if any(level < 0 for _, level in timeline.steps):
            findings.append(_shortage(key, timeline, [line for _, line, _ in rows[key]]))
    return tuple(findings)


def _shortage(key: SubscriptionKey, timeline: Timeline, lines: list[InvoiceLine]) -> Finding:
    first, level = next((day, level) for day, level in timeline.steps if level < 0)
    last = next((day for day, value in timeline.steps if day > first and value >= 0), None)
    days = Span(first, date.fromordinal(last.toordinal() - 1)) if last else None
    covering = [line for line in lines if line.span is not None and first in line.span] or lines
    named = ("the rows " if len(covering) > 1 else "the row ") + ", ".join(
        str(line.place) for line in covering[:_ROWS_NAMED]
    )
    more = f" and {len(covering) - _ROWS_NAMED} more" if len(covering) > _ROWS_NAMED else ""
    when = f"from {days}" if days and days.days > 1 else f"on {first}"
    return Finding(
        Severity.ERROR,
        "negative-seats",
        f"{key.sku} would have {plain(level)} seats {when}, by {named}{more}",
        customer=key.tenant,
        subscription=key.subscription,
        where=covering[0].place,
        hint="add the earlier invoice that charged these seats, or ask the distributor what was refunded",
    )
