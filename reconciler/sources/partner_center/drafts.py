"""One row of the reconciliation, read but not yet settled: what its neighbours decide is still open."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Generic, TypeVar

from reconciler.domain.days import Span
from reconciler.domain.finding import Place
from reconciler.domain.invoice import Charge, CustomerRef
from reconciler.domain.money import ZERO
from reconciler.sources.partner_center.charges import OPENS_CYCLE, charge_of, stated_billing, term_of
from reconciler.sources.partner_center.columns import Record
from reconciler.sources.seats import SubscriptionKey
from reconciler.sources.values import Unreadable, currency, day, number

ONE = Decimal(1)
Value = TypeVar("Value")


@dataclass(slots=True)
class Draft:
    """A row's values. `sign` is how its quantity counts (0: not yet known), `magnitude` the quantity without sign,
    `seats` whether it counts as seats; `listed` and `effective` are the unit prices in the pricing currency, and `rate`
    leads from it to the billing currency.
    """

    row: int
    record: Record
    raw: object
    customer: CustomerRef
    key: SubscriptionKey
    charge: Charge
    seats: bool
    sign: int
    magnitude: Decimal
    span: Span | None
    ordered: date | None
    amount: Decimal
    listed: Decimal | None
    effective: Decimal | None
    rate: Decimal
    currency: str
    term: str | None
    term_span: Span | None
    billing: str | None
    reference: str
    telco: bool = False
    note: str = ""
    unit_cost: Decimal | None = None
    counted: bool = True

    @property
    def opens_cycle(self) -> bool:
        """Whether its days are those of a whole cycle."""
        return self.charge in OPENS_CYCLE


class BadRow(Unreadable):
    """A row that cannot be read; `code` names the kind of fault."""

    def __init__(self, message: str, code: str = "unreadable-value") -> None:
        super().__init__(message)
        self.code = code


class _Cells(dict[str, Value | None], Generic[Value]):
    """Texts to values, each read once; None for blanks. Raises Unreadable for what cannot be read."""

    def __init__(self, read: Callable[[str], Value | None]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> Value | None:
        value = self[text] = self._read(text) if text.strip() else None
        return value

    def reads(self, text: str) -> bool:
        """Whether a text can be read."""
        try:
            self[text]
        except Unreadable:
            return False
        return True


def _day(text: str) -> date | None:
    """A day; None for the year 1, by which v1 says that there is none."""
    value = day(text)
    return None if value.year == 1 else value


# Microsoft's column names of the cells that are days and numbers, for messages.
_DAYS = {
    "charge_start_date": "ChargeStartDate",
    "charge_end_date": "ChargeEndDate",
    "subscription_start_date": "SubscriptionStartDate",
    "subscription_end_date": "SubscriptionEndDate",
    "order_date": "OrderDate",
}
_NUMBERS = {
    "subtotal": "Subtotal",
    "effective_unit_price": "EffectiveUnitPrice",
    "billable_quantity": "BillableQuantity",
    "unit_price": "UnitPrice",
    "exchange_rate": "PCToBCExchangeRate",
}


@dataclass(slots=True)
class Reader:
    """Reads rows of one file. Texts repeat from row to row, so every number, day and customer is read once."""

    file: str
    numbers: "_Cells[Decimal]" = field(default_factory=lambda: _Cells(number))
    days: "_Cells[date]" = field(default_factory=lambda: _Cells(_day))
    spans: dict[tuple[str, str], Span | None] = field(default_factory=dict)
    customers: dict[tuple[str, str, str], CustomerRef] = field(default_factory=dict)
    keys: dict[tuple[str, str, str, str], SubscriptionKey] = field(default_factory=dict)
    charges: dict[tuple[str, str, str], tuple[Charge, bool]] = field(default_factory=dict)
    terms: dict[tuple[str, str, str], tuple[str | None, Span | None]] = field(default_factory=dict)
    currencies: dict[str, str] = field(default_factory=dict)
    billings: dict[str, str | None] = field(default_factory=lambda: {"": None})

    def place(self, row: int) -> Place:
        """Where a row stands."""
        return Place(self.file, row)

    def draft(self, row: int, record: Record, raw: object) -> Draft:
        """The row's values. Raises BadRow with the first thing that is wrong."""
        try:
            return self._draft(row, record, raw)
        except BadRow:
            raise
        except Unreadable as error:
            raise BadRow(f"{self._column(record)}: {error}") from None

    def _column(self, record: Record) -> str:
        """The column of the row's first cell that cannot be read."""
        for columns, readable in ((_DAYS, self.days), (_NUMBERS, self.numbers)):
            for name, written in columns.items():
                if not readable.reads(getattr(record, name)):
                    return written
        return "Currency"

    def _draft(self, row: int, record: Record, raw: object) -> Draft:
        customer = self.customer(record)
        charge, seats = self.charge(record)
        if seats and not record.charge_end_date.strip():
            charge, seats = _without_end(record)
        if seats and not (record.subscription_id.strip() and record.product_id.strip()):
            raise BadRow("the row has no SubscriptionId or no ProductId, so its seats belong to nothing", "missing-id")
        span = self.span(record)
        if span is None and seats:
            raise BadRow("the row has no ChargeStartDate", "missing-days")
        term, term_span = self.term(record)
        amount = self.numbers[record.subtotal]
        effective = self.numbers[record.effective_unit_price]
        quantity = self.numbers[record.billable_quantity]
        if amount is None:
            raise BadRow("the row has no Subtotal", "missing-amount")
        if quantity is None:
            if seats:
                raise BadRow("the row has no BillableQuantity", "missing-quantity")
            quantity = ZERO
        return Draft(
            row=row,
            record=record,
            raw=raw,
            customer=customer,
            key=self.key(customer.tenant, record),
            charge=charge,
            seats=seats,
            # The sign of a row is that of its Subtotal, then of its price (sources §0.5); a quantity written negative
            # tells as much where both are zero.
            sign=_sign(amount) or _sign(effective) or min(_sign(quantity), 0),
            magnitude=abs(quantity),
            span=span,
            ordered=self.days[record.order_date],
            amount=amount,
            listed=self.numbers[record.unit_price],
            effective=effective,
            rate=self.numbers[record.exchange_rate] or ONE,
            currency=self.currency(record.currency),
            term=term,
            term_span=term_span,
            billing=self.billing(record.billing_frequency),
            reference=self.reference(record.reference_id),
        )

    def customer(self, record: Record) -> CustomerRef:
        """The customer: tenant in lower case, without the prefix `org:` that v1 writes."""
        said = (record.customer_id, record.customer_name, record.customer_domain_name)
        known = self.customers.get(said)
        if known is None:
            tenant = tenant_of(record.customer_id)
            if tenant is None:
                raise BadRow("the row has no CustomerId; without it nobody can be billed", "missing-tenant")
            known = self.customers[said] = CustomerRef(tenant, said[1].strip(), said[2].strip().lower())
        return known

    def key(self, tenant: str, record: Record) -> SubscriptionKey:
        """Tenant, subscription and SKU; a SkuId that lost its leading zeros to a spreadsheet gets them back."""
        said = (tenant, record.subscription_id, record.product_id, record.sku_id)
        known = self.keys.get(said)
        if known is None:
            product, sku = record.product_id.strip(), record.sku_id.strip().removeprefix("'")
            name = f"{product}:{sku.zfill(4)}" if sku else product
            known = self.keys[said] = SubscriptionKey(tenant, record.subscription_id.strip(), name)
        return known

    def charge(self, record: Record) -> tuple[Charge, bool]:
        """The kind of charge, and whether it counts seats."""
        said = (record.charge_type, record.meter_description, record.subscription_description)
        known = self.charges.get(said)
        if known is None:
            charge = charge_of(said[0], said[1].strip(), said[2])
            known = self.charges[said] = (charge, charge.counts_seats)
        return known

    def span(self, record: Record) -> Span | None:
        """The days a row covers; only its first where it has no end, as perpetual software."""
        said = (record.charge_start_date, record.charge_end_date)
        if said not in self.spans:
            self.spans[said] = self._span(*said)
        return self.spans[said]

    def _span(self, start: str, end: str) -> Span | None:
        first, last = self.days[start], self.days[end]
        if first is None:
            return None
        if last is not None and last < first:
            raise BadRow(f"the end {last} lies before the start {first}", "end-before-start")
        return Span(first, last or first)

    def term(self, record: Record) -> tuple[str | None, Span | None]:
        """The commitment and its days."""
        said = (record.subscription_start_date, record.subscription_end_date, record.term_and_billing_cycle)
        known = self.terms.get(said)
        if known is None:
            first, last = self.days[said[0]], self.days[said[1]]
            span = Span(first, last) if first and last and first <= last else None
            known = self.terms[said] = (term_of(first, last, said[2]), span)
        return known

    def currency(self, text: str) -> str:
        """The billing currency."""
        known = self.currencies.get(text)
        if known is None:
            known = self.currencies[text] = currency(text)
        return known

    def billing(self, text: str) -> str | None:
        """How the row says that it is billed."""
        if text not in self.billings:
            self.billings[text] = stated_billing(text)
        return self.billings[text]

    def reference(self, text: str) -> str:
        """The event that a row belongs to; of the JSON form `{"osId": …, "id": …}` its `id` (sources §1.2)."""
        if not text.lstrip().startswith("{"):
            return text.strip()
        try:
            inner = json.loads(text, parse_float=Decimal)
        except (ValueError, RecursionError):
            return text.strip()
        return str(inner.get("id") or text.strip())


def tenant_of(customer_id: str) -> str | None:
    """A customer's tenant by its CustomerId; None where there is none."""
    return customer_id.strip().removeprefix("'").lower().removeprefix("org:").strip() or None


def _without_end(record: Record) -> tuple[Charge, bool]:
    """Software for ever has neither end nor term (sources §1.4); a licence without an end cannot be counted by days."""
    if record.term_and_billing_cycle.strip():
        raise BadRow("the row has no ChargeEndDate", "missing-days")
    return Charge.ONE_TIME, False


def _sign(value: Decimal | None) -> int:
    if not value:
        return 0
    return 1 if value > 0 else -1
