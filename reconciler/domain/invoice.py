"""What a distributor charged: documents, invoices and their lines, in one form for all sources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from reconciler.domain.days import Span
from reconciler.domain.finding import Place


class Motion(StrEnum):
    """How a charge is sold, and so which agreement it belongs on (rulebook P23, P24)."""

    SEAT_MONTHLY = "seat-monthly"
    SEAT_ANNUAL = "seat-annual"
    AZURE = "azure"
    ONE_TIME = "one-time"


class Charge(StrEnum):
    """What kind of charge a line is; `unknown` is counted by its sign and dates, never dropped (sources §0.2)."""

    NEW = "new"
    RENEW = "renew"
    CYCLE = "cycle"
    ADD_QUANTITY = "add-quantity"
    REMOVE_QUANTITY = "remove-quantity"
    CANCEL = "cancel"
    CONVERT = "convert"
    MOVE_QUANTITY = "move-quantity"
    CHANGE_PLAN = "change-plan"
    EXTEND_TERM = "extend-term"
    USAGE = "usage"
    CREDIT = "credit"
    ONE_TIME = "one-time"
    UNKNOWN = "unknown"

    @property
    def counts_seats(self) -> bool:
        """Whether the line's quantity is in force on its days; credits, usage and one-off charges are left out."""
        return self not in _SEATLESS


_SEATLESS = frozenset({Charge.USAGE, Charge.CREDIT, Charge.ONE_TIME})


class Kind(StrEnum):
    """What a document is."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit-note"
    ADJUSTMENT = "adjustment"


class Semantics(StrEnum):
    """What a line's quantity means: a signed interval that adds up, or the level over the interval (rhipe)."""

    SIGNED = "signed"
    LEVEL = "level"


@dataclass(frozen=True, slots=True)
class CustomerRef:
    """A customer as the source knows it: tenant id (lower case), and for display a name and a domain."""

    tenant: str
    name: str = ""
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A quantity already booked for a renewal: in force from its day on (rulebook Ex 11)."""

    quantity: Decimal
    first: date


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One charge. Quantities are signed as they count (a removal is negative); `span` days are inclusive, in the
    source's calendar (UTC for Microsoft); money is in the invoice's currency and excludes tax.

    `unit_cost` and `unit_price` are for one seat and one full cycle: what the distributor charges, and the retail price
    (RRP) where the document states one. `amount` is what the distributor charged for the line, signed, as stated.
    `resource_group` and `meter` are of usage, where the document tells them.
    `returnable_until` is the last day on which the source lets the line's seats be given back (rulebook C26). `span` is
    None where the document gives no days. `raw` is the record as it was read, by the source's own names.
    """

    number: int
    place: Place
    customer: CustomerRef
    motion: Motion
    subscription: str
    sku: str
    description: str
    charge: Charge
    quantity: Decimal
    span: Span | None
    unit_cost: Decimal | None
    unit_price: Decimal | None
    amount: Decimal | None
    term: str | None = None
    billing: str | None = None
    term_end: date | None = None
    scheduled: Scheduled | None = None
    reference: str | None = None
    resource_group: str | None = None
    meter: str | None = None
    returnable_until: date | None = None
    raw: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Document:
    """One file or fetched thing, as it was read: its path as the user named it, format, and sha256 of its bytes."""

    source: str
    path: str
    format: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice (or the part of a document that carries one invoice number).

    `period` is the usage it bills, inclusive; `customer` is None where lines of many customers stand on it; `total` is
    the document's own total before tax, where it states one.
    """

    number: str
    issued: date | None
    period: Span
    currency: str
    kind: Kind
    document: Document
    lines: tuple[InvoiceLine, ...]
    customer: CustomerRef | None = None
    semantics: Semantics = Semantics.SIGNED
    total: Decimal | None = None
