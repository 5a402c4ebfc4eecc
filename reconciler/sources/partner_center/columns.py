"""The columns of the reconciliation file: found once by name, then taken from each row by position.

Names are matched without regard to case, blanks, underscores and a byte order mark, for the same data is written
`BillableQuantity`, `billableQuantity` and, in tables, `Billable Quantity` (sources §0.1). Others stay in `raw`.
"""

from collections.abc import Callable
from operator import itemgetter
from typing import NamedTuple

from reconciler.sources.values import spelled


class Record(NamedTuple):
    """The texts of one row that are computed with, by Microsoft's names; empty where the row does not say.

    What rows repeat stands together: of the product and how it is charged (`offer_texts`), of days (`period_texts`), of
    the customer (`customer_texts`); the rest is a row's own.
    """

    invoice_number: str
    product_id: str
    sku_id: str
    sku_name: str
    product_name: str
    charge_type: str
    unit_price: str
    currency: str
    exchange_rate: str
    subscription_description: str
    billing_frequency: str
    meter_description: str
    term_and_billing_cycle: str
    charge_start_date: str
    charge_end_date: str
    subscription_start_date: str
    subscription_end_date: str
    order_date: str
    customer_id: str
    customer_name: str
    customer_domain_name: str
    order_id: str
    effective_unit_price: str
    billable_quantity: str
    subtotal: str
    subscription_id: str
    reference_id: str


def _texts(first: str, last: str) -> Callable[[Record], tuple[str, ...]]:
    return itemgetter(slice(Record._fields.index(first), Record._fields.index(last) + 1))


offer_texts = _texts("invoice_number", "term_and_billing_cycle")
period_texts = _texts("term_and_billing_cycle", "order_date")
customer_texts = _texts("customer_id", "customer_domain_name")


# Where the file's name is not the field's own. Of several, the first that is there is taken: `Quantity` is no seat
# count where BillableQuantity exists, and an excerpt without tax states Total or Amount alone.
_OTHER_NAMES = {
    "billable_quantity": ("billablequantity", "quantity"),
    "subtotal": ("subtotal", "amount", "total", "totalforcustomer"),
    "exchange_rate": ("pctobcexchangerate",),
}
_WANTED = tuple(_OTHER_NAMES.get(name, (spelled(name),)) for name in Record._fields)

# Documented columns that are not computed with; anything beyond is reported once (sources §1.2).
_DOCUMENTED = """
    PartnerId PartnerName CustomerCountry MpnId ResellerMpnId Tier2MpnId AvailabilityId Quantity TaxTotal
    PriceAdjustmentDescription PublisherName PublisherId ProviderName ProviderId UnitType AlternateId PricingCurrency
    PCToBCExchangeRateDate ReservationOrderId CreditReasonCode ProductQualifiers PromotionId ProductCategory
    PublisherDiscount DiscountDetails InvoiceLineItemType BillingProvider QuoteId Attributes
"""
KNOWN = frozenset(spelled(name) for name in _DOCUMENTED.split()) | {name for names in _WANTED for name in names}

# What a row cannot be billed without, as columns of the file.
NEEDED = (
    ("customer_id", "CustomerId"),
    ("subscription_id", "SubscriptionId"),
    ("product_id", "ProductId"),
    ("charge_type", "ChargeType"),
    ("billable_quantity", "BillableQuantity"),
    ("subtotal", "Subtotal"),
    ("charge_start_date", "ChargeStartDate"),
)


def positions(names: tuple[str, ...]) -> dict[str, int]:
    """Where each field of a record stands among a header's spelled names; fields without a column are left out."""
    found: dict[str, int] = {}
    for field, candidates in zip(Record._fields, _WANTED, strict=True):
        for candidate in candidates:
            # A total beside a tax holds that tax, and what is billed here is before it.
            if candidate.startswith("total") and "taxtotal" in names:
                break
            if candidate in names:
                found[field] = names.index(candidate)
                break
    return found


def selector(names: tuple[str, ...]) -> Callable[[list[str]], Record]:
    """A function from a row's cells, with one empty cell put behind them, to the record."""
    found = positions(names)
    pick = itemgetter(*(found.get(field, len(names)) for field in Record._fields))
    make = Record._make

    def select(cells: list[str]) -> Record:
        return make(pick(cells))

    return select


def missing_columns(names: tuple[str, ...]) -> list[str]:
    """The columns that a header lacks and nothing can be read without."""
    found = positions(names)
    return [name for field, name in NEEDED if field not in found]


def unknown_columns(header: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of a header that the documentation does not name, as they are written."""
    return tuple(name for name in header if spelled(name) not in KNOWN)
