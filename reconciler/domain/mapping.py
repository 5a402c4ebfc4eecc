"""What the partner declares, as plain values: which customer bills on which agreement, by which rules."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum

from reconciler.domain.alert import Alert
from reconciler.domain.days import Month
from reconciler.domain.finding import Place
from reconciler.domain.invoice import Motion
from reconciler.domain.records import AgreementRef, ProductDefaults


class Representation(StrEnum):
    """How a timeline is written as records (rulebook C9)."""

    COMPACT = "compact"
    LITERAL = "literal"


class Decrease(StrEnum):
    """What a fall of the quantity does to the month's bill (interface §6.13)."""

    CREDIT = "credit"
    NONE = "none"
    AT_RENEWAL = "at-renewal"


class PriceChange(StrEnum):
    """What a changed unit price does to standing records (rulebook C11)."""

    WARN = "warn"
    NEXT_PERIOD = "next-period"
    PRORATE = "prorate"
    UNTIL_RENEWAL = "until-renewal"


class Carry(StrEnum):
    """When the carry record is written (rulebook C1)."""

    ON_CHANGE = "on-change"
    ALWAYS = "always"


class Rounding(StrEnum):
    """Where the PSA rounds a prorated amount: the line, or the price of one unit before it is multiplied (§1F)."""

    LINE = "line"
    UNIT = "unit"


class Align(StrEnum):
    """Whether records follow calendar months or copy the invoice lines, with their own dates (rulebook C27)."""

    CALENDAR = "calendar"
    CHARGE_CYCLE = "charge-cycle"


class AzureDetail(StrEnum):
    """By what a month's usage is told on the customer's invoice (rulebook P52, T22)."""

    NONE = "none"
    SUBSCRIPTION = "subscription"
    RESOURCE_GROUP = "resource-group"
    METER = "meter"


class BillingTime(StrEnum):
    """Which days the invoice dated `nextInvoiceDate` still covers (interface §6.1)."""

    ADVANCE = "advance"
    ARREARS = "arrears"


class Policy(StrEnum):
    """What decides: issued invoices, or live subscriptions."""

    TRUE_UP = "true-up"
    LIFECYCLE = "lifecycle"


class ProductMode(StrEnum):
    """Which products are synced (rulebook P18)."""

    IN_USE = "in-use"
    ALL = "all"


class PsaField(StrEnum):
    """A field of billing records and catalogue items that may be left to the PSA once a record is there (P56)."""

    PRICE = "price"
    COST = "cost"
    DESCRIPTION = "description"


class Owner(StrEnum):
    """Who owns a field of what stands in the PSA: the invoices, price list and price rules, or the PSA's own people."""

    SOURCE = "source"
    PSA = "psa"


class Sync(StrEnum):
    """Whether a customer is planned and written, planned only, or left alone."""

    ON = "true"
    OFF = "false"
    PREVIEW = "preview"


@dataclass(frozen=True, slots=True)
class Changes:
    """How a change is written; the program's, overridden by the customer's. `align` is that of monthly seats: annual
    charges always have their own dates, and usage the month's.
    """

    representation: Representation = Representation.COMPACT
    decrease: Decrease = Decrease.CREDIT
    price_change: PriceChange = PriceChange.WARN
    carry: Carry = Carry.ON_CHANGE
    align: Align = Align.CALENDAR
    billing: BillingTime = BillingTime.ADVANCE
    azure_detail: AzureDetail = AzureDetail.NONE


@dataclass(frozen=True, slots=True)
class Guards:
    """Limits beyond which a plan is refused (interface §6.4); None: no limit. Money is in the invoices' currency."""

    max_changes: int | None = 500
    max_decrease_percent: Decimal | None = Decimal(30)
    min_margin_percent: Decimal | None = None
    max_unmapped_amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where invoices come from. `invoices` and `price_lists` are globs relative to the folder of the mapping file."""

    name: str
    type: str
    invoices: tuple[str, ...]
    format: str
    price_lists: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Limits:
    """What the PSA may be asked: requests a minute, how many at once, and the seconds in which an unanswered write may
    still appear.
    """

    requests_per_minute: int = 600
    concurrency: int = 8
    settle_seconds: Decimal = Decimal(120)


@dataclass(frozen=True, slots=True)
class Approval:
    """What a saved plan must show before it is applied. `signing_keys` are, by key id, the names of the environment
    variables that hold the keys; the first is the one that plans are signed with. `expires_hours` None: a plan does not
    expire.
    """

    signed: bool = False
    expires_hours: int | None = None
    signing_keys: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """A PSA to write to. Credentials are names of environment variables, never values."""

    name: str
    type: str
    url: str
    company: str
    credentials: dict[str, str] = field(repr=False)
    limits: Limits
    place: Place
    rounding: Rounding = Rounding.LINE
    approval: Approval = field(default_factory=Approval)


@dataclass(frozen=True, slots=True)
class Program:
    """One line of business: a source, a target, the motions synced, how changes are written, who is told of what.
    `psa_fields` of the catalogue items that stand are never written.
    """

    name: str
    source: str
    target: str
    sync: bool
    policy: Policy
    motions: frozenset[Motion]
    product_mode: ProductMode
    taxable: bool | None
    defaults: ProductDefaults
    changes: Changes
    guards: Guards
    place: Place
    notify: tuple[Alert, ...] = ()
    psa_fields: frozenset[PsaField] = frozenset()


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of the source and where it bills, per motion (rulebook P24). `psa_fields` of its standing records are
    never written.
    """

    name: str
    program: str
    tenant: str
    company: str | None
    company_id: str | None
    agreements: dict[Motion, AgreementRef]
    start: Month | None
    sync: Sync
    changes: Changes
    place: Place
    agreement_places: dict[Motion, Place] = field(default_factory=dict)
    psa_fields: frozenset[PsaField] = frozenset()


@dataclass(frozen=True, slots=True)
class ProductLink:
    """A declared product: links an existing catalogue item, or names the one that is created."""

    sku: str
    product: str | None
    name: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class PriceRule:
    """A partner's own price: the first rule whose conditions hold wins. None in a condition: any.

    `basis` is retail, cost, fixed or psa; `amount` is added to it (for fixed: is the price); `percent` likewise, of it.
    """

    name: str
    basis: str
    amount: Decimal
    percent: Decimal
    program: str | None
    customer: str | None
    sku: str | None
    first: date | None
    last: date | None
    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Mappings:
    """A whole declaration. `sha256` is of its content with all included files; `folder` is where globs start; `files`
    are the names of the files that it was read from, within the folder, the main one first.
    """

    folder: str
    sha256: str
    sources: dict[str, Source]
    targets: dict[str, TargetSettings]
    programs: dict[str, Program]
    customers: tuple[Customer, ...]
    products: tuple[ProductLink, ...]
    prices: tuple[PriceRule, ...]
    files: tuple[str, ...] = ()


def not_a_customer(name: str, mappings: Mappings) -> tuple[str, str]:
    """That no customer is called so, and what to do: the name that may be meant."""
    close = get_close_matches(name, [customer.name for customer in mappings.customers], n=1)
    hint = f"did you mean '{close[0]}'?" if close else "names are written as in the mapping"
    return f"no customer of the mapping is called '{name}'", hint
