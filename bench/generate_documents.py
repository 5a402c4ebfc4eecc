"""What a distributor would send for generated customers: normalised invoices, and the reconciliation file of the new
commerce as Partner Center writes it.

An invoice line carries its record as it was read, as lines of a table do: without that, memory would look too small.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path

from bench.generate import CURRENCY, MONTH, Fate, Subscription, Tenant, cycle_from
from reconciler.domain.days import Month, Span
from reconciler.domain.finding import Place
from reconciler.domain.invoice import Charge, CustomerRef, Document, Invoice, InvoiceLine, Kind, Motion
from reconciler.sources.packed_text import BLOCK, PackedText
from reconciler.sources.tables import RawRow, Table

_CENT = Decimal("0.01")
# The places of EffectiveUnitPrice in Microsoft's own examples.
_PLACES = Decimal("0.000000000000000001")


# -- normalised invoices


def invoices(tenants: Iterable[Tenant]) -> Iterator[Invoice]:
    """One invoice per customer for the month; and for the month before the lines that reach into it. All are rows of
    one table.
    """
    kept = _Kept()
    for tenant in tenants:
        before = [s for s in tenant.subscriptions if s.cycle_day > 1 and s.fate is not Fate.BOUGHT]
        for month, held in ((MONTH.preceding, before), (MONTH, tenant.subscriptions)):
            charges = [charge for s in held for charge in _charges(s, month)]
            if charges:
                yield _invoice(tenant, month, charges, kept)
    kept.pack()


_Charged = tuple[Subscription, Charge, Span, int]


def _charges(subscription: Subscription, month: Month) -> Iterator[_Charged]:
    s, cycle = subscription, cycle_from(month, subscription.cycle_day)
    if month != MONTH:
        yield s, Charge.CYCLE, cycle, s.seats
    elif s.fate is Fate.BOUGHT:
        yield s, Charge.NEW, Span(s.change_day, cycle.last), s.seats
    elif s.fate is not Fate.ENDED:
        yield s, Charge.CYCLE, cycle, s.seats
        if s.fate is not Fate.SAME:
            charge = Charge.ADD_QUANTITY if s.fate is Fate.RAISED else Charge.REMOVE_QUANTITY
            yield s, charge, Span(s.change_day, cycle.last), s.seats_after - s.seats


def _invoice(tenant: Tenant, month: Month, charges: list[_Charged], kept: "_Kept") -> Invoice:
    number = f"INV-{month}-{tenant.number:05d}"
    path = f"invoices/{month}-{tenant.number:05d}.yaml"
    customer = CustomerRef(tenant.id, tenant.name, tenant.domain)
    lines = tuple(_line(count, path, customer, charge, kept) for count, charge in enumerate(charges, start=1))
    return Invoice(
        number,
        month.following.first,
        month.span,
        CURRENCY,
        Kind.INVOICE,
        Document("distributor", path, "normalized", f"{tenant.number:064x}"),
        lines,
        customer,
        total=sum((line.amount or Decimal(0) for line in lines), Decimal(0)),
    )


def _line(number: int, path: str, customer: CustomerRef, charged: _Charged, kept: "_Kept") -> InvoiceLine:
    subscription, charge, span, quantity = charged
    offer = subscription.offer
    days = subscription.cycle.days
    amount = (quantity * offer.cost * min(span.days, days) / days).quantize(_CENT)
    return InvoiceLine(
        number=number,
        place=Place(path, 8 + 15 * number),
        customer=customer,
        motion=Motion.SEAT_MONTHLY,
        subscription=subscription.id,
        sku=offer.number,
        description=offer.name,
        charge=charge,
        quantity=Decimal(quantity),
        span=span,
        unit_cost=offer.cost,
        unit_price=offer.price,
        amount=amount,
        term=offer.term,
        billing="monthly",
        term_end=_term_end(subscription),
        raw=kept.add(_as_written(number, customer, charged, amount)),
    )


class _Kept:
    """The rows' text as a reader of tables keeps it: packed block by block, divided anew when a row is looked at."""

    def __init__(self) -> None:
        self._text = PackedText()
        self._waiting = StringIO(newline="")
        self._written = csv.writer(self._waiting, lineterminator="\n")
        self._rows = 0
        self._table: Table | None = None

    def add(self, texts: dict[str, object]) -> RawRow:
        """Takes in one row, by its columns' names."""
        if self._table is None:
            self._table = Table(tuple(texts), ",", self._text)
            self._written.writerow(texts)
        self._written.writerow(texts.values())
        self._rows += 1
        if self._waiting.tell() > BLOCK:
            self.pack()
        return RawRow(self._table, 1 + self._rows)

    def pack(self) -> None:
        """Adds the rows that wait for it to the text."""
        if self._waiting.tell():
            self._text.add(self._waiting.getvalue())
            self._waiting.seek(0)
            self._waiting.truncate()


def _as_written(number: int, customer: CustomerRef, charged: _Charged, amount: Decimal) -> dict[str, object]:
    """The cells of a line's row."""
    subscription, charge, span, quantity = charged
    offer = subscription.offer
    return {
        "line": number,
        "customer": customer.tenant,
        "customer_name": customer.name,
        "motion": Motion.SEAT_MONTHLY,
        "subscription": subscription.id,
        "sku": offer.number,
        "description": offer.name,
        "charge": charge,
        "quantity": quantity,
        "from": span.first,
        "to": span.last,
        "unit_cost": offer.cost,
        "unit_price": offer.price,
        "amount": amount,
        "term": offer.term,
        "billing": "monthly",
    }


def _term_end(subscription: Subscription) -> date | None:
    if subscription.offer.term == "P1M":
        return None
    # Terms end in other months than the one at hand: renewals are no part of these measurements.
    return cycle_from(Month(2027, 3 + subscription.seats % 4), subscription.cycle_day).last


# -- the reconciliation file of the new commerce

_COLUMNS = tuple(
    """
    PartnerId CustomerId CustomerName CustomerDomainName CustomerCountry InvoiceNumber MpnId OrderId OrderDate ProductId
    SkuId AvailabilityId SkuName ProductName ChargeType UnitPrice Quantity Subtotal TaxTotal Total Currency
    PublisherName SubscriptionId ChargeStartDate ChargeEndDate TermAndBillingCycle EffectiveUnitPrice UnitType
    BillableQuantity BillingFrequency PricingCurrency PCToBCExchangeRate PCToBCExchangeRateDate SubscriptionStartDate
    SubscriptionEndDate ReferenceId
    """.split()  # noqa: SIM905 -- 36 names read better as they stand in a header
)
_TERMS = {
    "P1M": "One-Month commitment for monthly billing",
    "P1Y": "One-Year commitment for monthly/yearly billing",
}


def write_reconciliation(tenants: Iterable[Tenant], path: Path) -> None:
    """Writes the month's file, with a byte order mark and CRLF as the portal does."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        writer.writerows(reconciliation_rows(tenants))


def reconciliation_rows(tenants: Iterable[Tenant]) -> Iterator[list[str]]:
    """The rows for the month. A change of seats is two rows, a refund of the old count and a charge of the new one."""
    for tenant in tenants:
        for s in tenant.subscriptions:
            rest = Span(s.change_day, s.cycle.last)
            if s.fate is Fate.BOUGHT:
                yield _row(tenant, s, "new", Span(s.change_day, cycle_from(MONTH, s.change_day.day).last), s.seats)
            elif s.fate is not Fate.ENDED:
                yield _row(tenant, s, "cycleCharge", s.cycle, s.seats)
                if s.fate is not Fate.SAME:
                    charge = "addQuantity" if s.fate is Fate.RAISED else "removeQuantity"
                    yield _row(tenant, s, charge, rest, -s.seats)
                    yield _row(tenant, s, charge, rest, s.seats_after)


def _row(tenant: Tenant, s: Subscription, charge: str, span: Span, quantity: int) -> list[str]:
    days = s.cycle.days if s.fate is not Fate.BOUGHT else span.days
    effective = (s.offer.cost * span.days / days).quantize(_PLACES) * (1 if quantity > 0 else -1)
    amount = (effective * abs(quantity)).quantize(_CENT)
    starts, ends = _term(s, span)
    values = {
        "PartnerId": "0e195b37-4574-4539-bc42-0e539b9684c0",
        "CustomerId": tenant.id,
        "CustomerName": tenant.name,
        "CustomerDomainName": tenant.domain,
        "CustomerCountry": "AU",
        "InvoiceNumber": "G016907411",
        "MpnId": "6034453",
        "OrderId": s.id.replace("-", ""),
        "OrderDate": _american(span.first),
        "ProductId": s.offer.product,
        "SkuId": s.offer.sku,
        "AvailabilityId": "CFQ7TTC0GZQJ",
        "SkuName": s.offer.name,
        "ProductName": s.offer.name,
        "ChargeType": charge,
        "UnitPrice": str(s.offer.cost),
        "Quantity": str(abs(quantity)),
        "Subtotal": str(amount),
        "TaxTotal": "0E-20",
        "Total": str(amount),
        "Currency": CURRENCY,
        "PublisherName": "Microsoft",
        "SubscriptionId": s.id,
        "ChargeStartDate": _american(span.first),
        "ChargeEndDate": _american(span.last),
        "TermAndBillingCycle": _TERMS[s.offer.term],
        "EffectiveUnitPrice": str(effective),
        "UnitType": "Licenses",
        "BillableQuantity": str(abs(quantity)),
        "BillingFrequency": "Monthly",
        "PricingCurrency": CURRENCY,
        "PCToBCExchangeRate": "1",
        "PCToBCExchangeRateDate": _american(MONTH.last),
        "SubscriptionStartDate": _american(starts),
        "SubscriptionEndDate": _american(ends),
        "ReferenceId": f"{s.id[:8]}-{span.first:%m%d}-{'c' if quantity > 0 else 'r'}",
    }
    return [values[name] for name in _COLUMNS]


def _term(s: Subscription, span: Span) -> tuple[date, date]:
    """The term's first and last day: of a month's commitment the cycle, of a year's the year that began in March."""
    cycle = span if s.fate is Fate.BOUGHT else s.cycle
    if s.offer.term == "P1M":
        return cycle.first, cycle.last
    if s.fate is Fate.BOUGHT:
        return cycle.first, cycle_from(Month(MONTH.year + 1, MONTH.number - 1), cycle.first.day).last
    return date(2026, 3, s.cycle_day), cycle_from(Month(2027, 2), s.cycle_day).last


def _american(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"
