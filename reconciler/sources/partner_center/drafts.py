"""One row of the reconciliation, read but not yet settled: what its neighbours decide is still open."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Generic, TypeVar

from reconciler.domain.days import Span
from reconciler.domain.invoice import Charge, CustomerRef
from reconciler.domain.money import ZERO
from reconciler.sources.partner_center.charges import (
    OPENS_CYCLE,
    charge_of,
    is_prepaid_resource,
    stated_billing,
    term_of,
)
from reconciler.sources.partner_center.columns import Record, customer_texts, offer_texts, period_texts
from reconciler.sources.seats import SubscriptionKey
from reconciler.sources.values import Unreadable, currency, day, number, spelled

ONE = Decimal(1)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Offer:
    """What rows say of a product and how it is charged; one value for all rows that say the same.

    `charge` and `seats` (whether it counts as seats) hold unless the row's days say otherwise; `listed` is the unit
    price in the pricing currency, `rate` leads from it to the billing currency, `cost` is both.
    """

    record: Record
    sku: str
    description: str
    meter: str | None
    charge: Charge
    seats: bool
    azure_credit: bool
    listed: Decimal | None
    rate: Decimal
    cost: Decimal | None
    currency: str
    billing: str | None
    prepaid: bool


@dataclass(frozen=True, slots=True)
class Period:
    """What rows say of days, and of the term; one value for all rows that say the same. `said` are the texts of the
    first and the last day.
    """

    said: tuple[str, ...]
    span: Span | None
    ordered: date | None
    term: str | None
    term_span: Span | None


@dataclass(slots=True)
class Draft:
    """A row's values. `sign` is how its quantity counts (0: not yet known), `magnitude` the quantity without sign,
    `seats` whether it counts as seats; `effective` is the unit price in the pricing currency.
    """

    row: int
    raw: object
    offer: Offer
    period: Period
    customer: CustomerRef
    key: SubscriptionKey
    charge: Charge
    seats: bool
    sign: int
    magnitude: Decimal
    quantity: str
    span: Span | None
    amount: Decimal
    effective: Decimal | None
    billing: str | None
    reference: str
    order: str
    telco: bool = False
    note: str = ""
    unit_cost: Decimal | None = None
    counted: bool = True

    @property
    def opens_cycle(self) -> bool:
        """Whether its days are those of a whole cycle."""
        return self.charge in OPENS_CYCLE

    @property
    def listed(self) -> Decimal | None:
        """The listed unit price in the pricing currency."""
        return self.offer.listed

    @property
    def rate(self) -> Decimal:
        """What leads from the pricing currency to the billing currency."""
        return self.offer.rate


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

    def problem(self, text: str) -> Unreadable | None:
        """What is wrong with a text; None where it can be read."""
        try:
            self[text]
        except Unreadable as error:
            return error
        return None


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
    """Reads rows of one file. Texts repeat from row to row, so every number, product, day and customer is read once.

    `currency` stands in where the file has no column for it.
    """

    currency: str = ""
    numbers: "_Cells[Decimal]" = field(default_factory=lambda: _Cells(number))
    magnitudes: "_Cells[Decimal]" = field(default_factory=lambda: _Cells(lambda text: abs(number(text))))
    days: "_Cells[date]" = field(default_factory=lambda: _Cells(_day))
    offers: dict[tuple[str, ...], Offer] = field(default_factory=dict)
    periods: dict[tuple[str, ...], Period] = field(default_factory=dict)
    customers: dict[tuple[str, ...], CustomerRef] = field(default_factory=dict)

    def draft(self, row: int, record: Record, raw: object) -> Draft:
        """The row's values. Raises Unreadable for a row that cannot be read; `fault` tells why."""
        customer = self.customers.get(customer_texts(record)) or self._customer(record)
        offer = self.offers.get(offer_texts(record)) or self._offer(record)
        charge, seats = offer.charge, offer.seats
        if seats and not record.charge_end_date.strip():
            charge, seats = _without_end(record)
        subscription = record.subscription_id.strip()
        if seats and not (subscription and record.product_id.strip()):
            raise BadRow("the row has no SubscriptionId or no ProductId, so its seats belong to nothing", "missing-id")
        period = self.periods.get(period_texts(record)) or self._period(record)
        if period.span is None and seats:
            raise BadRow("the row has no ChargeStartDate", "missing-days")
        amount = self.numbers[record.subtotal]
        effective = self.numbers[record.effective_unit_price]
        quantity = self.numbers[record.billable_quantity]
        if amount is None:
            raise BadRow("the row has no Subtotal", "missing-amount")
        if quantity is None and seats:
            raise BadRow("the row has no BillableQuantity", "missing-quantity")
        return Draft(
            row=row,
            raw=raw,
            offer=offer,
            period=period,
            customer=customer,
            key=SubscriptionKey(customer.tenant, subscription, offer.sku),
            charge=charge,
            seats=seats,
            # The sign of a row is that of its Subtotal, then of its price (sources §0.5); a quantity written negative
            # tells as much where both are zero.
            sign=_sign(amount) or _sign(effective) or min(_sign(quantity), 0),
            magnitude=self.magnitudes[record.billable_quantity] or ZERO,
            quantity=record.billable_quantity,
            span=period.span,
            amount=amount,
            effective=effective,
            billing=offer.billing,
            reference=_reference(record.reference_id),
            order=record.order_id,
        )

    def fault(self, record: Record, error: Unreadable) -> BadRow:
        """What is wrong with a row that raised an error: its first cell that cannot be read, where it is about one. The
        last to be looked at is the currency.
        """
        if isinstance(error, BadRow):
            return error
        for columns, readable in ((_DAYS, self.days), (_NUMBERS, self.numbers)):
            for name, written in columns.items():
                if found := readable.problem(getattr(record, name)):
                    return BadRow(f"{written}: {found}")
        return BadRow(f"Currency: {error}")

    def _customer(self, record: Record) -> CustomerRef:
        """The customer: tenant in lower case, without the prefix `org:` that v1 writes."""
        tenant = tenant_of(record.customer_id)
        if tenant is None:
            raise BadRow("the row has no CustomerId; without it nobody can be billed", "missing-tenant")
        name, domain = record.customer_name.strip(), record.customer_domain_name.strip().lower()
        customer = self.customers[customer_texts(record)] = CustomerRef(tenant, name, domain)
        return customer

    def _offer(self, record: Record) -> Offer:
        meter = record.meter_description.strip()
        charge = charge_of(record.charge_type, meter, record.subscription_description)
        listed, rate = self.numbers[record.unit_price], self.numbers[record.exchange_rate] or ONE
        azure = bool(meter) or spelled(record.subscription_description) == "azureplan"
        offer = self.offers[offer_texts(record)] = Offer(
            record=record,
            sku=_sku(record),
            description=_description(record, charge),
            meter=meter or None,
            charge=charge,
            seats=charge.counts_seats,
            azure_credit=charge is Charge.CREDIT and azure,
            listed=listed,
            rate=rate,
            cost=None if listed is None else listed * rate,
            currency=currency(record.currency) if record.currency else self._stand_in(),
            billing=stated_billing(record.billing_frequency) if record.billing_frequency else None,
            prepaid=is_prepaid_resource(record.term_and_billing_cycle),
        )
        return offer

    def _stand_in(self) -> str:
        return self.currency or currency("")

    def _period(self, record: Record) -> Period:
        first, last = self.days[record.charge_start_date], self.days[record.charge_end_date]
        if first is not None and last is not None and last < first:
            raise BadRow(f"the end {last} lies before the start {first}", "end-before-start")
        begun, ends = self.days[record.subscription_start_date], self.days[record.subscription_end_date]
        period = self.periods[period_texts(record)] = Period(
            said=(record.charge_start_date, record.charge_end_date),
            span=None if first is None else Span(first, last or first),
            ordered=self.days[record.order_date],
            term=term_of(begun, ends, record.term_and_billing_cycle),
            term_span=Span(begun, ends) if begun and ends and begun <= ends else None,
        )
        return period


def _sku(record: Record) -> str:
    """Product and SKU as one; a SkuId that lost its leading zeros to a spreadsheet gets them back."""
    product, sku = record.product_id.strip(), record.sku_id.strip().removeprefix("'")
    return f"{product}:{sku.zfill(4)}" if sku else product


def _description(record: Record, charge: Charge) -> str:
    name = record.sku_name.strip() or record.product_name.strip() or record.subscription_description.strip()
    meter = record.meter_description.strip()
    if charge is Charge.USAGE and meter:
        return f"{name}: {meter}" if name else meter
    return name


def _reference(text: str) -> str:
    """The event that a row belongs to; of the JSON form `{"osId": …, "id": …}` its `id` (sources §1.2)."""
    stripped = text.strip()
    if not stripped.startswith("{"):
        return stripped
    try:
        inner = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        return stripped
    return str(inner.get("id") or stripped)


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
