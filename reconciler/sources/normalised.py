"""The normalised invoice: one form for every distributor, written as YAML, JSON, JSON Lines or CSV.

An invoice has `invoice`, `period {from, to}`, `currency`, `customer {tenant, name, domain}` and `lines`, and may have
`issued`, `kind`, `semantics` and `total` (what the document itself states before tax, checked against its lines). A
line's days are inclusive and its quantity is signed as it counts. Every name that is not known is an error, for a
misspelt `quantity` would otherwise be billed as none.

A line whose `customer` is its own belongs to that customer; this is how one invoice can hold many.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from reconciler.domain.days import Span
from reconciler.domain.invoice import (
    Charge,
    CustomerRef,
    Document,
    Invoice,
    InvoiceLine,
    Kind,
    Motion,
    Scheduled,
    Semantics,
)
from reconciler.domain.money import ZERO
from reconciler.sources.checks import total_findings
from reconciler.sources.fields import Fields, Report
from reconciler.sources.tree import Items, Members, Node, Spot
from reconciler.sources.values import Unreadable, currency, shown

INVOICE = (
    "invoice",
    "issued",
    "period",
    "currency",
    "kind",
    "semantics",
    "total",
    "customer",
    "lines",
)
PERIOD = ("from", "to")
CUSTOMER = ("tenant", "name", "domain")
LINE = (
    "line",
    "customer",
    "motion",
    "subscription",
    "sku",
    "description",
    "charge",
    "quantity",
    "from",
    "to",
    "unit_cost",
    "unit_price",
    "amount",
    "term",
    "billing",
    "term_end",
    "returnable_until",
    "reference",
    "resource_group",
    "meter",
    "scheduled",
)
SCHEDULED = ("quantity", "from")
TERMS = ("P1M", "P1Y", "P3Y")
BILLINGS = ("monthly", "annual", "one-time")


def read_invoices(node: Node, document: Document, report: Report) -> list[Invoice]:
    """The invoices of one tree: one invoice, or a list of them. What cannot be read is reported and left out."""
    listed = zip(node, node.spots, strict=True) if isinstance(node, Items) else [(node, None)]
    invoices = []
    for item, spot in listed:
        if not isinstance(item, Members):
            message = "an invoice is a mapping with 'invoice', 'period', 'currency' and 'lines'"
            report.error("unreadable-value", message, spot)
        elif invoice := _invoice(item, document, report):
            invoices.append(invoice)
    return invoices


def _invoice(members: Members, document: Document, report: Report) -> Invoice | None:
    number = members.get("invoice")
    what = f"invoice {number}" if isinstance(number, str) and number else "the invoice"
    customer = _customer(members, what, report)
    if customer is None and members.get("customer") is not None:
        return None
    report = report.about(customer.tenant if customer else None)
    fields = Fields(members, what, INVOICE, report)
    name = fields.text("invoice")
    if name is None:
        fields.missing("invoice", "give the invoice's number")
    issued = fields.day("issued")
    period = _period(fields, report)
    money = fields.read("currency", currency)
    if "currency" not in members or fields.text("currency") is None:
        fields.missing("currency", "give a three-letter code such as AUD")
    kind = fields.choice("kind", Kind) or Kind.INVOICE
    semantics = fields.choice("semantics", Semantics) or Semantics.SIGNED
    total = fields.number("total")
    listed = members.get("lines")
    if not isinstance(listed, Items) or not listed:
        fields.missing("lines", "an invoice is a list of lines")
    if not fields.sound or name is None or period is None or money is None or not isinstance(listed, Items):
        return None
    lines = _lines(listed, customer, semantics, report)
    invoice = Invoice(name, issued, period, money, kind, document, lines, customer, semantics, total)
    if len(lines) == len(listed):
        report.findings.extend(total_findings(invoice))
    return invoice


def _customer(members: Members, what: str, report: Report) -> CustomerRef | None:
    """The customer of an invoice or line; None where it names none. A tenant counts in lower case."""
    inner = members.get("customer")
    if inner is None:
        return None
    if not isinstance(inner, Members):
        report.error("unreadable-value", f"'customer' of {what} is a mapping", members.spots.get("customer"))
        return None
    given = inner.get("tenant")
    known = given.strip().lower() if isinstance(given, str) and given.strip() else None
    fields = Fields(inner, f"the customer of {what}", CUSTOMER, report.about(known))
    tenant = fields.text("tenant")
    if tenant is None:
        fields.missing("tenant", "give the customer's tenant id; without it nobody can be billed")
        return None
    return CustomerRef(tenant.lower(), fields.text("name") or "", (fields.text("domain") or "").lower())


def _period(fields: Fields, report: Report) -> Span | None:
    inner = fields.mapping("period")
    if inner is None:
        fields.missing("period", "write period: {from: 2026-09-01, to: 2026-09-30}")
        return None
    days = Fields(inner, f"the period of {fields.what}", PERIOD, report)
    first, last = days.day("from"), days.day("to")
    for name in PERIOD:
        if days.text(name) is None:
            days.missing(name)
    span = _span(days, first, last)
    fields.sound = fields.sound and days.sound
    return span


def _span(fields: Fields, first: date | None, last: date | None) -> Span | None:
    if first is None or last is None:
        return None
    if last < first:
        fields.wrong("to", f"the end {last} lies before the start {first}", code="end-before-start")
        return None
    return Span(first, last)


def _lines(
    listed: Items, customer: CustomerRef | None, semantics: Semantics, report: Report
) -> tuple[InvoiceLine, ...]:
    lines: list[InvoiceLine] = []
    numbers: dict[int, Spot] = {}
    for count, (item, spot) in enumerate(zip(listed, listed.spots, strict=True), start=1):
        if not isinstance(item, Members):
            report.error("unreadable-value", f"line {count} is not a mapping", spot)
            continue
        line = _line(item, count, customer, report)
        if line is None:
            continue
        if line.number in numbers:
            report.about(line.customer.tenant, line.subscription).error(
                "line-twice",
                f"line {line.number} stands here twice; the first is in row {numbers[line.number][0]}",
                spot,
            )
            continue
        numbers[line.number] = spot
        lines.append(line)
    if semantics is Semantics.SIGNED:
        _check_signs(lines, report)
    return tuple(lines)


def _line(members: Members, count: int, of_invoice: CustomerRef | None, report: Report) -> InvoiceLine | None:
    given = members.get("line")
    what = f"line {given if isinstance(given, str) else count}"
    customer = _customer(members, what, report) or (of_invoice if members.get("customer") is None else None)
    subscription = members.get("subscription")
    known = customer or of_invoice
    report = report.about(known.tenant if known else None, subscription if isinstance(subscription, str) else None)
    fields = Fields(members, what, LINE, report)
    number = fields.read("line", _ordinal)
    motion, charge = fields.choice("motion", Motion), fields.choice("charge", Charge)
    quantity = fields.number("quantity")
    first, last = fields.day("from"), fields.day("to")
    span = _span(fields, first, last)
    if customer is None and members.get("customer") is None:
        fields.missing("customer", "give the customer's tenant on the line or on the invoice")
    _check_presence(fields, charge)
    scheduled = _scheduled(fields, report)
    line = InvoiceLine(
        number=count if number is None else number,
        place=report.place(members.at),
        customer=customer or CustomerRef(""),
        motion=motion or Motion.ONE_TIME,
        subscription=fields.text("subscription") or "",
        sku=fields.text("sku") or "",
        description=fields.text("description") or "",
        charge=charge or Charge.UNKNOWN,
        quantity=ZERO if quantity is None else quantity,
        span=span if span or first is None or last is not None else Span(first, first),
        unit_cost=fields.number("unit_cost"),
        unit_price=fields.number("unit_price"),
        amount=fields.number("amount"),
        term=fields.read("term", _one_of(TERMS)),
        billing=fields.read("billing", _one_of(BILLINGS)),
        term_end=fields.day("term_end"),
        scheduled=scheduled,
        reference=fields.text("reference"),
        resource_group=fields.text("resource_group"),
        meter=fields.text("meter"),
        returnable_until=fields.day("returnable_until"),
        raw=members,
    )
    return line if fields.sound and customer else None


def _check_presence(fields: Fields, charge: Charge | None) -> None:
    """What a line must have: whatever bills needs a motion, a SKU and a charge; seats need a subscription and days."""
    names = ["motion", "sku", "charge"]
    if charge not in (Charge.USAGE, Charge.CREDIT):
        names.append("quantity")
    if charge is not None and charge.counts_seats:
        names += ["subscription", "from", "to"]
    for name in names:
        if fields.text(name) is None:
            fields.missing(name)


def _scheduled(fields: Fields, report: Report) -> Scheduled | None:
    inner = fields.mapping("scheduled")
    if inner is None:
        return None
    booked = Fields(inner, f"the scheduled change of {fields.what}", SCHEDULED, report)
    quantity, first = booked.number("quantity"), booked.day("from")
    for name in SCHEDULED:
        if booked.text(name) is None:
            booked.missing(name)
    if quantity is not None and quantity < 0:
        booked.wrong("quantity", f"{shown(str(quantity))} seats cannot be booked; it is the new level, not a change")
    fields.sound = fields.sound and booked.sound
    return Scheduled(quantity, first) if quantity is not None and first is not None else None


def _ordinal(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Unreadable(f"{shown(text)} is not a line number")
    return int(text)


class _OneOf:
    def __init__(self, values: tuple[str, ...]) -> None:
        self.values = values

    def __call__(self, text: str) -> str:
        if text not in self.values:
            raise Unreadable(f"{shown(text)} is not one of {', '.join(self.values)}")
        return text


def _one_of(values: tuple[str, ...]) -> _OneOf:
    return _OneOf(values)


def _check_signs(lines: list[InvoiceLine], report: Report) -> None:
    """A removal that adds seats is a sign error, unless it is the new count beside a refund (interface §6.12)."""
    refunds: Mapping[tuple[str, str, str, date | None], Decimal] = {
        _event(line): line.quantity for line in lines if line.quantity < 0
    }
    for line in lines:
        removal = line.charge in (Charge.REMOVE_QUANTITY, Charge.CANCEL)
        if removal and line.quantity > 0 and _event(line) not in refunds:
            message = f"line {line.number} is a {line.charge} of {line.quantity}, which would add seats"
            report.about(line.customer.tenant, line.subscription).error(
                "sign", message, (line.place.line or 1, line.place.column), f"write its quantity as -{line.quantity}"
            )


def _event(line: InvoiceLine) -> tuple[str, str, str, date | None]:
    return line.customer.tenant, line.subscription, line.sku, line.span.first if line.span else None
