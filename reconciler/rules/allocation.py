"""Credits, adjustments and one-off charges: which charge a line takes back, and the record that passes it on (P9).

Such a line says nothing about seats by day, so nothing of it is billed by itself. Once a person has decided, it becomes
one record: quantity 1, or −1 for a credit, at the whole amount that is passed on, over one calendar month that the PSA
has not invoiced. That bills the amount to the cent under every rounding and whether or not the agreement prorates. In
numbers: a credit of 16.00 for a seat that costs 16.00 and bills 20.00 is −1 at 20.00.

The record is known again from the PSA alone: its serial number is `CN-1#2`, line 2 of document CN-1, and its
description says so too. Either of the two is enough, for what was billed once must not be billed again.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reconciler.domain.days import Month
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Charge, Invoice, InvoiceLine, Kind, Motion
from reconciler.domain.money import ZERO, plain, printed
from reconciler.domain.plan import Action, Because
from reconciler.domain.records import Addition
from reconciler.rules.charged import Rate
from reconciler.rules.drafts import Decision, Draft

_SERIAL = re.compile(r".+#\d+")
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Original:
    """A charge that a credit takes back: the line and the invoice it stands on. `by` says what tells it."""

    invoice: Invoice
    line: InvoiceLine
    by: str

    def __str__(self) -> str:
        return f"{self.invoice.number} line {self.line.number}, {plain(self.line.quantity)} {_days(self.line)}".rstrip()


@dataclass(frozen=True, slots=True)
class Passed:
    """What a line is passed on at, as a whole: `price` is billed and `cost` is the distributor's, both signed and
    rounded; `how` says by which rule.
    """

    price: Decimal
    cost: Decimal
    how: str


# -- which lines


def allocatable(invoice: Invoice, line: InvoiceLine) -> bool:
    """Whether a decision alone bills a line: one on a credit note or an adjustment, a credit, or a one-off charge."""
    if invoice.kind is not Kind.INVOICE or line.charge is Charge.CREDIT or line.motion is Motion.ONE_TIME:
        return True
    return line.motion is Motion.SEAT_MONTHLY and not line.charge.counts_seats


def word_of(invoice: Invoice, line: InvoiceLine) -> str:
    """What such a line is called: a credit, an adjustment, or a one-off charge."""
    if invoice.kind is Kind.ADJUSTMENT:
        return "adjustment"
    if invoice.kind is Kind.CREDIT_NOTE or line.charge is Charge.CREDIT:
        return "credit"
    return "one-off charge"


# -- what it takes back


def originals(invoice: Invoice, line: InvoiceLine, invoices: Iterable[Invoice]) -> tuple[Original, ...]:
    """The charges that a line takes back, of all invoices read: by its reference where one fits, else by subscription,
    product and days. None where no charge fits, and for a one-off charge, which takes nothing back.
    """
    if word_of(invoice, line) == "one-off charge":
        return ()
    charges = [
        (other, charge)
        for other in invoices
        if other.kind is Kind.INVOICE and other.currency == invoice.currency
        for charge in other.lines
        if charge.customer.tenant == line.customer.tenant and charge.quantity > 0 and not allocatable(other, charge)
    ]
    named = [(o, c) for o, c in charges if line.reference and line.reference in (o.number, c.reference)]
    by_reference = [(o, c) for o, c in named if _same(line.subscription, c.subscription) and _same(line.sku, c.sku)]
    if by_reference:
        return tuple(Original(o, c, "reference") for o, c in by_reference)
    if not line.subscription:
        return ()
    return tuple(
        Original(o, c, "subscription and days")
        for o, c in charges
        if c.subscription.lower() == line.subscription.lower() and _same(line.sku, c.sku) and _meets(line, c)
    )


def _same(mine: str, other: str) -> bool:
    return not mine or mine.casefold() == other.casefold()


def _meets(line: InvoiceLine, charge: InvoiceLine) -> bool:
    return line.span is not None and charge.span is not None and charge.span.meet(line.span) is not None


# -- how its record is known


def allocation_serial(invoice: Invoice, line: InvoiceLine) -> str:
    """The serial number of the record that passes a line on."""
    return f"{invoice.number}#{line.number}"


def is_allocation(serial_number: str | None, subscriptions: Iterable[str]) -> bool:
    """Whether a serial number is one of a record that passes a line on. `subscriptions` are all ids that documents
    name, in lower case: an id of that form is a subscription's.
    """
    if serial_number is None or "#" not in serial_number:
        return False
    serial = serial_number.strip()
    return _SERIAL.fullmatch(serial) is not None and serial.lower() not in subscriptions


def passes_on(record: Addition, invoice: Invoice, line: InvoiceLine) -> bool:
    """Whether a record passes a line on."""
    if (record.serial_number or "").strip().lower() == allocation_serial(invoice, line).lower():
        return True
    words = re.escape(f"{invoice.number} line {line.number}")
    return re.search(rf"(?<![\w-]){words}(?!\d)", record.description) is not None


# -- the record


def month_of_record(month: Month, open_from: date) -> Month:
    """The month in which the record bills: the planned one, or the first after it that is not invoiced at all."""
    while month.first < open_from:
        month = month.following
    return month


def allocate(
    passed: Passed,
    standing: Sequence[Addition],
    note: str,
    because: tuple[Because, ...],
    month: Month,
    open_from: date,
    *,
    last: date | None,
) -> Decision:
    """The decision for one line: a new record, a correction of one that is not invoiced, or nothing.

    `standing` are the records that pass the line on already, `month` that of a new one, `last` its last day (None on an
    agreement that bills one time).
    """
    billed = sum((a.quantity * a.unit_price for a in standing), ZERO)
    if standing and billed == passed.price:
        return Decision((), ())
    if standing:
        return _corrected(passed, standing[0], because, open_from, billed)
    if not passed.price:
        return Decision((), ())
    sign = _ONE if passed.price > 0 else -_ONE
    new = Draft(Action.CREATE, None, sign, _rate(passed, sign), month.first, last, because, note=note)
    return Decision((new,), ())


def _rate(passed: Passed, sign: Decimal) -> Rate:
    return Rate(passed.price * sign, max(ZERO, passed.cost * sign))


def _corrected(
    passed: Passed, record: Addition, because: tuple[Because, ...], open_from: date, billed: Decimal
) -> Decision:
    if record.effective < open_from:
        told = Finding(
            Severity.WARNING,
            "P9",
            f"record {record.id} has billed {printed(billed)} where the decision now says {printed(passed.price)}: "
            "it is invoiced and stays as it is",
            hint="bill the difference by hand, or write the decision as it was billed",
        )
        return Decision((), (told,))
    if not passed.price:
        rate = Rate(record.unit_price, record.unit_cost)
        gone = Draft(Action.DELETE, record, ZERO, rate, record.effective, record.cancelled, because)
        return Decision((gone,), ())
    sign = _ONE if passed.price > 0 else -_ONE
    rate = _rate(passed, sign)
    return Decision((Draft(Action.UPDATE, record, sign, rate, record.effective, record.cancelled, because),), ())


def note_of(invoice: Invoice, line: InvoiceLine) -> str:
    """What the customer's invoice says of the record, beside the product."""
    return f"{word_of(invoice, line)}, {invoice.number} line {line.number}"


def _days(line: InvoiceLine) -> str:
    return str(line.span) if line.span else ""
