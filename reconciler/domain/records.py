"""What the PSA holds: companies, agreements, additions and products, in words that fit every PSA."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from reconciler.domain.finding import Finding
from reconciler.domain.money import ZERO


@dataclass(frozen=True, slots=True)
class Agreement:
    """A customer's contract in the PSA, with what decides how its additions are billed. Days are the PSA's, inclusive.

    `next_invoice`: every day before it is invoiced (interface §6.1); for a child agreement it is the parent's.
    `prorates`: a start in mid-period bills in part (rulebook P37). `calendar_months`: periods run from the 1st (P38);
    `cycle` says what they are where they do not: `contract year`, or the billing cycle by its name.
    """

    id: str
    name: str
    company_id: str
    company: str
    active: bool
    status: str
    prorates: bool
    calendar_months: bool
    one_time: bool
    start: date | None
    end: date | None
    billing_start: date | None
    next_invoice: date | None
    currency: str | None = None
    parent: str | None = None
    cycle: str = ""


@dataclass(frozen=True, slots=True)
class Product:
    """A catalogue item. `vendor_sku` is what links it to the distributor's product (rulebook P27)."""

    id: str
    identifier: str
    vendor_sku: str | None
    description: str
    price: Decimal
    cost: Decimal
    active: bool = True
    taxable: bool | None = None


@dataclass(frozen=True, slots=True)
class Addition:
    """A billing record on an agreement: `quantity` units of a product at `unit_price` a month, from its first billed
    day to its last (both inclusive; None: open). `serial_number` is the subscription id (rulebook P42). It bills
    nothing where `bills` is False, and `included` units less than its quantity.
    """

    id: str
    agreement_id: str
    product_id: str
    quantity: Decimal
    unit_price: Decimal
    unit_cost: Decimal
    effective: date
    cancelled: date | None
    serial_number: str | None = None
    description: str = ""
    bills: bool = True
    included: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class ProductDefaults:
    """What a created product gets (rulebook P28): names of category, subcategory, type and unit of measure."""

    category: str = "Miscellaneous"
    subcategory: str = "Miscellaneous"
    type: str = "Miscellaneous"
    unit_of_measure: str = "Each"


@dataclass(frozen=True, slots=True)
class AgreementRef:
    """An agreement as a mapping names it: by id, or by name within a company (by id or identifier)."""

    company_id: str | None = None
    company: str | None = None
    id: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        return (
            f"agreement {self.id}"
            if self.id
            else f"agreement '{self.name}' of company {self.company or self.company_id}"
        )


class Reach(StrEnum):
    """How far a look at the PSA goes: the mapped agreements alone, or all active ones of their companies (cut-over)."""

    AGREEMENTS = "agreements"
    COMPANIES = "companies"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a plan needs to see of a PSA: the mapped agreements, the products by Vendor SKU and by product id (links),
    and whether products may have to be created with these defaults.
    """

    agreements: frozenset[AgreementRef]
    vendor_skus: frozenset[str]
    identifiers: frozenset[str] = frozenset()
    defaults: ProductDefaults | None = None
    reach: Reach = Reach.AGREEMENTS


@dataclass(frozen=True, slots=True)
class Observation:
    """What the PSA held when it was read. `agreements` by what was asked for (absent: not found, see `findings`);
    `additions` by agreement id; `products` are all that match a wanted SKU or identifier or stand on an addition read.
    `defaults_found` is false, with a finding, where a created product could not get its defaults. `others` are active
    agreements of the same companies that were not asked for by name, where the reach was theirs.
    """

    agreements: dict[AgreementRef, Agreement] = field(default_factory=dict)
    additions: dict[str, tuple[Addition, ...]] = field(default_factory=dict)
    products: tuple[Product, ...] = ()
    problems: dict[AgreementRef, tuple[Finding, ...]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    defaults_found: bool = True
    others: tuple[Agreement, ...] = ()
