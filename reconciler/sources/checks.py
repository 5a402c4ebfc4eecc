"""Do a document's figures agree with each other? Nothing is recomputed and called the truth: a difference is a finding.

Microsoft's own examples follow two rounding rules, which may differ by a cent for each unit of the quantity (sources
§1.5); so a line may differ by 0.01 × |quantity|, and at least by 0.01, before anything is said.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from reconciler.domain.days import Span, morrow
from reconciler.domain.finding import Finding, Place, Severity
from reconciler.domain.invoice import Charge, Invoice, InvoiceLine
from reconciler.domain.money import ZERO, Money, digits, plain, printed

ONE = Decimal(1)
_YEAR = (Decimal(365), Decimal(366))


def smallest(currency: str) -> Decimal:
    """The smallest amount of a currency: 0.01 for most."""
    return ONE.scaleb(-digits(currency))


def tolerance(quantity: Decimal, currency: str) -> Decimal:
    """How far a line's amount may lie from quantity × price × share of days before it is worth a word."""
    return smallest(currency) * max(ONE, abs(quantity))


def amount_findings(invoice: Invoice) -> Iterator[Finding]:
    """A warning for each line whose amount no usual way of prorating explains. Credits are not checked."""
    for line in invoice.lines:
        if line.amount is None or line.unit_cost is None or line.charge is Charge.CREDIT or not line.quantity:
            continue
        full = line.quantity * line.unit_cost
        allowed = tolerance(line.quantity, invoice.currency)
        shares = list(_shares(line))
        if any(abs(line.amount - full * share) <= allowed for share in shares):
            continue
        expected = full * shares[0]
        yield Finding(
            Severity.WARNING,
            "amount",
            f"line {line.number} charges {printed(line.amount, invoice.currency)} {invoice.currency}, but "
            f"{plain(line.quantity)} × {plain(line.unit_cost)} for its days is "
            f"{printed(expected, invoice.currency)}; the charged amount counts",
            customer=line.customer.tenant,
            subscription=line.subscription or None,
            where=line.place,
            hint="ask the distributor, if the difference is not a discount",
            amount=Money(line.amount - expected, invoice.currency),
        )


def _shares(line: InvoiceLine) -> Iterator[Decimal]:
    """The shares of a full cycle that the line's days may stand for, the likeliest first."""
    if line.span is None or not line.charge.counts_seats:
        yield ONE
        return
    days = Decimal(line.span.days)
    if line.billing == "one-time" or line.span.days > 366 or _between_last_days(line.span):
        yield ONE
    if line.billing == "annual" or (line.billing is None and line.span.days > 31):
        for year in _YEAR:
            yield days / year
        yield Decimal(_months(line.span)) / 12
        return
    yield days / _cycle_days(line.span)
    yield days / monthrange(line.span.first.year, line.span.first.month)[1]


def _between_last_days(span: Span) -> bool:
    """Whether a span leads from a month's last day to the eve of the next one's: a whole cycle of 28 to 31 days."""
    after = morrow(span.last)
    return morrow(span.first).day == 1 and morrow(after).day == 1 and _months(span) == 1


def _cycle_days(span: Span) -> Decimal:
    """The days of the monthly cycle that ends with a line's last day: it began one month before the day after."""
    after = morrow(span.last)
    year, month = (after.year, after.month - 1) if after.month > 1 else (after.year - 1, 12)
    start = date(year, month, min(after.day, monthrange(year, month)[1]))
    return Decimal((after - start).days)


def _months(span: Span) -> int:
    after = span.last + timedelta(days=1)
    return (after.year - span.first.year) * 12 + after.month - span.first.month


def total_findings(invoice: Invoice) -> Iterator[Finding]:
    """An error for each customer of an invoice whose lines do not add up to the total it states (0.01 a line)."""
    if invoice.total is None or any(line.amount is None for line in invoice.lines):
        return
    added = sum((line.amount or ZERO for line in invoice.lines), ZERO)
    if abs(added - invoice.total) <= smallest(invoice.currency) * max(1, len(invoice.lines)):
        return
    tenants = {line.customer.tenant for line in invoice.lines}
    if invoice.customer:
        tenants.add(invoice.customer.tenant)
    money = invoice.currency
    for tenant in sorted(tenants):
        yield Finding(
            Severity.ERROR,
            "total",
            f"invoice {invoice.number} states {printed(invoice.total, money)} {money}, "
            f"but its lines add up to {printed(added, money)}",
            customer=tenant,
            where=Place(invoice.document.path, invoice.lines[0].place.line if invoice.lines else None),
            hint="fetch the document again; lines are missing, or one was changed",
            amount=Money(added - invoice.total, money),
        )
