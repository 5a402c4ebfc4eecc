"""The plan: a frozen value that says what would be written to the PSA, why, and what the customer's invoice will say.

Built once by `planning`, then only read: rendered, explained, applied. `planning.plan_file` writes and reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Self

from reconciler.domain.breakdown import Step, cost_of
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.handover import HandOver
from reconciler.domain.invoice import Motion
from reconciler.domain.money import Money
from reconciler.domain.open_items import NOTHING_OPEN, OpenItems
from reconciler.domain.records import Addition


class Action(StrEnum):
    """What is done to a record (interface §3)."""

    CREATE = "create"
    UPDATE = "update"
    CANCEL = "cancel"
    ADOPT = "adopt"
    DELETE = "delete"


class Resource(StrEnum):
    """What kind of record is written."""

    ADDITION = "addition"
    PRODUCT = "product"


class Verdict(StrEnum):
    """What can be said of an agreement's month after the plan."""

    RECONCILED = "reconciled"
    DIFFERS = "differs"
    NOT_RECONCILABLE = "not reconcilable"


@dataclass(frozen=True, slots=True)
class AdditionValues:
    """The fields of an addition that are ours to write. Days inclusive; `cancelled` None: open.

    `product_id` is None while the product is still to be created; `product` is its plan address.
    """

    agreement_id: str
    product: str
    product_id: str | None
    serial_number: str | None
    quantity: Decimal
    unit_price: Decimal
    unit_cost: Decimal
    effective: date
    cancelled: date | None
    description: str = ""

    @classmethod
    def of(cls, record: Addition, product: str) -> Self:
        """A record as it stands, in all fields that are ours; `product` is its plan address."""
        return cls(
            agreement_id=record.agreement_id,
            product=product,
            product_id=record.product_id,
            serial_number=record.serial_number,
            quantity=record.quantity,
            unit_price=record.unit_price,
            unit_cost=record.unit_cost,
            effective=record.effective,
            cancelled=record.cancelled,
            description=record.description,
        )


@dataclass(frozen=True, slots=True)
class ProductValues:
    """The fields of a catalogue item that are ours to write. `identifier` and `description` are at most 60 characters.

    `name` is the full name, printed for the customer. `taxable` None leaves it to the PSA. The defaults are names.
    """

    vendor_sku: str
    identifier: str
    description: str
    name: str
    price: Decimal
    cost: Decimal
    taxable: bool | None = None
    category: str = "Miscellaneous"
    subcategory: str = "Miscellaneous"
    type: str = "Miscellaneous"
    unit_of_measure: str = "Each"


Values = AdditionValues | ProductValues


@dataclass(frozen=True, slots=True)
class Because:
    """One reason: the rule, the invoice and its line where there is one (C6 has none), and the sentence."""

    rule: str
    text: str
    invoice: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One write. `before` is None for a create, `after` for a delete; else both hold all owned fields.

    `address` names it for people and is unique in the plan; `record` is the PSA's id of the record, None for a create;
    `product_name` is for people; `needs` are addresses that must be written first; `impact` is what it does to each
    month's bill, by month.
    """

    address: str
    resource: Resource
    action: Action
    before: Values | None
    after: Values | None
    record: str | None = None
    customer: str | None = None
    motion: Motion | None = None
    subscription: str | None = None
    agreement: str | None = None
    product_name: str | None = None
    needs: tuple[str, ...] = ()
    because: tuple[Because, ...] = ()
    impact: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Impact:
    """What an agreement's month bills before and after the plan, to the cent, by the PSA's own rounding.

    `invoiced_cost` is what the distributor charged for the month's days; `charged_seat_days` what the invoice charged
    and `seat_days` what the records bill after the plan; the verdict compares them. `reason` says why where it is not
    reconciled. `reviewed` is what a person said of the month after looking into it, and `review` who and why: it stands
    beside the verdict and never in its place. The steps of `breakdown` lead from the
    distributor's charge to `after` and sum to it exactly.
    """

    agreement: str
    agreement_name: str
    customer: str
    month: str
    currency: str
    before: Decimal
    after: Decimal
    invoiced_cost: Decimal
    charged_seat_days: Decimal
    seat_days: Decimal
    verdict: Verdict
    reason: str | None = None
    reviewed: Verdict | None = None
    review: str | None = None
    breakdown: tuple[Step, ...] = ()

    @property
    def cost(self) -> Decimal:
        """What the billed lines cost in the month: charged, or for a month without an invoice expected."""
        return cost_of(self.breakdown) if self.breakdown else self.invoiced_cost


@dataclass(frozen=True, slots=True)
class NotPassedOn:
    """What prices that moved and were not written cost or bring a customer's bills, by month (rulebook C11, W2).

    `increases` is what the partner bills less than the prices charged would have, `decreases` what it bills more; both
    positive, in `currency`. The second month's amount holds for every month after, as long as the records stand so.
    """

    customer: str
    currency: str
    policy: str
    increases: Mapping[str, Decimal]
    decreases: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class DocumentUsed:
    """A document that the plan rests on."""

    source: str
    path: str
    invoice: str
    sha256: str
    lines: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Where every invoice line of the month ended up, in lines and money: billed, excluded by a rule, or blocking."""

    outcome: str
    rule: str
    lines: int
    amounts: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """Who approved a plan: the id of the key, and the HMAC-SHA256 as hexadecimal digits (`planning.approving`)."""

    key: str
    hmac_sha256: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole plan. `observed` maps each agreement's address to the hash of what was read of it, and
    `observed_records` keeps what that was, so that a stale plan can say which field of which record moved.
    `refused_by` names the guards that the plan is beyond. `unchanged` counts subscriptions that need nothing.
    `decisions` is the hash of the reviewed decisions, empty where there are none. `undoes` is the number of the run
    that the plan takes back. `cutover` says what becomes of old records, where that was asked. `left_open` is
    what a person has to see to: lines that wait for a decision, credits kept back, what is to be mapped, documents that
    may be missing. `month` is the newest month planned; `months` are all of them, ascending, where consecutive ones are
    planned together, and empty for one. `rounding` is the target's (§1F). `signature` is outside the
    digest, None where nobody signed.
    """

    month: str
    mappings: str
    documents: tuple[DocumentUsed, ...]
    observed: Mapping[str, str]
    observed_records: Mapping[str, Mapping[str, Mapping[str, str | None]]]
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    impact: tuple[Impact, ...]
    coverage: tuple[Coverage, ...]
    refused_by: tuple[str, ...]
    unchanged: int
    target: str
    created: str
    version: str
    digest: str
    decisions: str = ""
    undoes: int | None = None
    cutover: tuple[HandOver, ...] = ()
    left_open: OpenItems = NOTHING_OPEN
    months: tuple[str, ...] = ()
    rounding: str = "line"
    not_passed_on: tuple[NotPassedOn, ...] = ()
    signature: Signature | None = None

    @property
    def planned_months(self) -> tuple[str, ...]:
        """The months that are planned, ascending; the newest of them is `month`."""
        return self.months or (self.month,)

    @property
    def month_range(self) -> str:
        """The planned months as `--month` takes them: `2026-09`, or `2026-07..2026-09`."""
        months = self.planned_months
        return months[0] if len(months) == 1 else f"{months[0]}..{months[-1]}"

    @property
    def period(self) -> str:
        """The planned months in words: `2026-09`, or `2026-07 to 2026-09`."""
        months = self.planned_months
        return months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"

    def count(self, action: Action) -> int:
        """How many changes are of an action."""
        return sum(change.action is action for change in self.changes)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that kept customers out."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that a person should read."""
        return tuple(f for f in self.findings if f.severity is Severity.WARNING)
