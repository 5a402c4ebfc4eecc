"""The plan file as a model, for `schemas/plan.schema.json`: what other tools may rely on when they read a plan.

`planning.plan_file` writes and reads the file; a test holds every written plan against this form.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from reconciler.domain.breakdown import Part
from reconciler.domain.finding import Severity
from reconciler.domain.handover import Fate
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Rounding
from reconciler.domain.open_items import Complete
from reconciler.domain.plan import Action, Resource, Verdict

DecimalText = Annotated[str, WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"})]
DayText = Annotated[str, WithJsonSchema({"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"})]
MonthText = Annotated[str, WithJsonSchema({"type": "string", "pattern": r"^[0-9]{4}-(0[1-9]|1[0-2])$"})]
Digest = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"})]


class PlanPart(BaseModel):
    """A part of the plan file. It holds nothing that it does not name: a plan is reviewed whole."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PlanDocument(PlanPart):
    """A document that the plan rests on."""

    source: str = Field(description="The source's name in mappings.yaml.")
    path: str = Field(description="Where it was read.")
    invoice: str = Field(description="The invoice's number.")
    sha256: str = Field(description="The hash of its bytes.")
    lines: int = Field(description="How many of its lines were read.")


class PlanInputs(PlanPart):
    """What the plan was made from."""

    mappings: Digest = Field(description="The hash of the mapping files.")
    documents: list[PlanDocument] = Field(description="The invoices and price lists.")
    decisions: Digest | None = Field(
        default=None, description="The hash of the reviewed decisions, where there are any."
    )


class PlanAddition(PlanPart):
    """The fields of an addition that a plan writes. Days are inclusive."""

    agreement: str = Field(description="The agreement's id in the PSA.")
    product: str = Field(description="The address of its product in plans.")
    product_id: str | None = Field(
        default=None, description="The product's id in the PSA; null while it is still to be created."
    )
    serial_number: str | None = Field(default=None, description="The subscription id.")
    quantity: DecimalText = Field(description="The quantity; negative for a credit.")
    unit_price: DecimalText = Field(description="The price of one unit for one full period.")
    unit_cost: DecimalText = Field(description="The cost of one unit for one full period.")
    effective: DayText = Field(description="The first billed day.")
    cancelled: DayText | None = Field(default=None, description="The last billed day; null while it is open.")
    description: str = Field(description="What stands on the customer's invoice.")


class PlanProduct(PlanPart):
    """The fields of a catalogue item that a plan writes."""

    vendor_sku: str = Field(description="The distributor's SKU: what links the item to its price list.")
    identifier: str = Field(description="The product id in the PSA.")
    description: str = Field(description="The description in the PSA, at most 60 characters.")
    name: str = Field(description="The full name.")
    price: DecimalText = Field(description="The retail price.")
    cost: DecimalText = Field(description="The cost.")
    taxable: bool | None = Field(default=None, description="Whether it is taxable; left out, the PSA decides.")
    category: str = Field(description="The product category.")
    subcategory: str = Field(description="The product subcategory.")
    type: str = Field(description="The product type.")
    unit_of_measure: str = Field(description="The unit of measure.")


class PlanReason(PlanPart):
    """One reason for a change."""

    rule: str = Field(description="The rule's number.", examples=["P46"])
    text: str = Field(description="The reason as a sentence.")
    invoice: str | None = Field(default=None, description="The invoice that gives the reason.")
    line: int | None = Field(default=None, description="The line of that invoice.")


class PlanChange(PlanPart):
    """One write to the PSA."""

    address: str = Field(description="The change's name, unique in the plan.")
    resource: Resource = Field(description="What kind of record is written.")
    action: Action = Field(description="What is done to it.")
    before: PlanAddition | PlanProduct | None = Field(description="What stands there now; null for a create.")
    after: PlanAddition | PlanProduct | None = Field(description="What will stand there; null for a delete.")
    record: str | None = Field(default=None, description="The record's id in the PSA; left out for a create.")
    customer: str | None = Field(default=None, description="The customer's name in mappings.yaml.")
    motion: Motion | None = Field(default=None, description="How the charge is sold.")
    subscription: str | None = Field(default=None, description="The subscription id.")
    agreement: str | None = Field(default=None, description="The agreement's address.")
    needs: list[str] = Field(description="Addresses of changes that are written first.")
    because: list[PlanReason] = Field(description="The reasons.")
    impact: dict[MonthText, DecimalText] = Field(description="By month, what the change does to the customer's bill.")


class PlanMoney(PlanPart):
    """An amount in a currency."""

    amount: DecimalText = Field(description="The amount.")
    currency: str = Field(description="The three-letter code.")


class PlanFinding(PlanPart):
    """What a person must know of."""

    severity: Severity = Field(description="An error keeps its customer out of the plan.")
    code: str = Field(description="The rule's number or a stable word.")
    message: str = Field(description="What is wrong, as a sentence.")
    customer: str | None = Field(default=None, description="The customer concerned.")
    subscription: str | None = Field(default=None, description="The subscription concerned.")
    where: str | None = Field(default=None, description="The place: file:line:column, or a row.")
    hint: str | None = Field(default=None, description="What to do.")
    amount: PlanMoney | None = Field(default=None, description="The money it stands for.")


class PlanStep(PlanPart):
    """One step from the distributor's charge to the bill; all steps of a breakdown sum to the bill."""

    part: Part = Field(description="What the amount stands for.")
    rule: str | None = Field(default=None, description="The price rule, policy or reason that made it.")
    amount: DecimalText = Field(description="The amount, signed.")


class PlanMargin(PlanPart):
    """What is billed less what it costs."""

    before: DecimalText = Field(description="As the PSA stands.")
    after: DecimalText = Field(description="After the plan.")
    before_percent: DecimalText | None = Field(default=None, description="Of what is billed; null for no bill.")
    after_percent: DecimalText | None = Field(default=None, description="Of what is billed; null for no bill.")


class PlanNotPassedOn(PlanPart):
    """What price changes that were not written come to for a customer, by month; the last month's for all after it."""

    customer: str = Field(description="The customer's name in mappings.yaml.")
    currency: str = Field(description="The currency of the amounts.")
    policy: str = Field(description="The policy under which the records keep their price.")
    increases: dict[MonthText, DecimalText] = Field(description="What is billed less than was charged for.")
    decreases: dict[MonthText, DecimalText] = Field(description="What is billed more than was charged for.")


class PlanImpact(PlanPart):
    """What an agreement's month bills before and after the plan, to the cent."""

    agreement: str = Field(description="The agreement's address.")
    agreement_name: str = Field(description="The agreement's name in the PSA.")
    customer: str = Field(description="The customer's name in mappings.yaml.")
    month: MonthText = Field(description="The month.")
    currency: str = Field(description="The currency of all amounts of this entry.")
    before: DecimalText = Field(description="What the month bills as the PSA stands.")
    after: DecimalText = Field(description="What it bills after the plan.")
    invoiced_cost: DecimalText = Field(description="What the distributor charged for it.")
    charged_seat_days: DecimalText = Field(description="Seat-days that the distributor charged.")
    seat_days: DecimalText = Field(description="Seat-days that the records bill after the plan.")
    verdict: Verdict = Field(description="Whether the two agree.")
    reason: str | None = Field(default=None, description="Why not, where they do not.")
    reviewed: Verdict | None = Field(default=None, description="What a person said of it after looking into it.")
    review: str | None = Field(default=None, description="Who said so, and why.")
    cost: DecimalText = Field(description="What the billed lines cost: charged, or for a later month expected.")
    margin: PlanMargin = Field(description="The bill less the cost, before and after the plan.")
    breakdown: list[PlanStep] = Field(description="From the distributor's charge to the bill after the plan.")


class PlanPlace(PlanPart):
    """A place in a file."""

    file: str = Field(description="The file.")
    line: int | None = Field(description="The line or row, from 1.")
    column: int | None = Field(description="The column, from 1.")


class PlanCoverage(PlanPart):
    """Where invoice lines ended up."""

    outcome: str = Field(description="Billed, excluded or blocking.")
    rule: str = Field(description="The rule that decided.")
    lines: int = Field(description="How many lines.")
    amounts: list[PlanMoney] = Field(description="Their amounts, one per currency.")


class PlanSuccessor(PlanPart):
    """A record that goes on where an old one ends."""

    subscription: str = Field(description="The subscription that it bills.")
    quantity: DecimalText = Field(description="Its quantity.")
    unit_price: DecimalText = Field(description="Its price for one unit and month.")
    effective: DayText = Field(description="Its first billed day.")
    address: str | None = Field(description="The change that writes it; null where it stands there already.")


class PlanHandOver(PlanPart):
    """A record of another tool or a person, and what becomes of it."""

    customer: str = Field(description="The customer's name in mappings.yaml.")
    product: str = Field(description="The key of its product.")
    product_name: str = Field(description="The product's name in the PSA.")
    fate: Fate = Field(description="Adopted, replaced by records of ours, ended, or left as it is.")
    record: str = Field(description="The PSA's id of the old record.")
    agreement: str = Field(description="The address of the agreement that it stands on.")
    agreement_name: str = Field(description="That agreement's name in the PSA.")
    quantity: DecimalText = Field(description="Its quantity now.")
    unit_price: DecimalText = Field(description="Its price now, for one unit and month.")
    effective: DayText = Field(description="Its first billed day.")
    serial_number: str | None = Field(description="What it carries now: nothing, or another tool's mark.")
    last: DayText | None = Field(description="Its last billed day after the plan; null: open.")
    day: DayText | None = Field(description="The hand-over: the first day that the successors bill instead.")
    why: str = Field(description="The reason.")
    successors: list[PlanSuccessor] = Field(description="The records that go on in its place.")


class PlanUnallocated(PlanPart):
    """A credit, adjustment or one-off charge of which no decision speaks."""

    invoice: str = Field(description="The document's number.")
    line: int = Field(description="The line's number on it.")
    kind: str = Field(description="What it is: a credit, an adjustment or a one-off charge.")
    customer: str = Field(description="The customer's name in mappings.yaml.")
    subscription: str = Field(description="The subscription id; empty where the line names none.")
    description: str = Field(description="What the line says.")
    amount: PlanMoney = Field(description="What the distributor charged, signed.")
    originals: list[str] = Field(description="The charges that it takes back, as text; none where none was read.")
    stub: str = Field(description="An entry for `credits:` in a decisions file, as YAML.")
    where: PlanPlace = Field(description="Where the line stands.")


class PlanKeptBack(PlanPart):
    """A credit that the policy keeps from the customer."""

    customer: str = Field(description="The customer's name in mappings.yaml.")
    subscription: str = Field(description="The subscription id.")
    product: str = Field(description="The product's name.")
    policy: str = Field(description="The decrease policy that keeps it back.")
    amount: PlanMoney = Field(description="What the customer would have been credited in the plan's month.")
    window: str = Field(description="What the source says of the return window; empty where it says nothing.")


class PlanStub(PlanPart):
    """An entry that the mapping lacks."""

    section: str = Field(description="The section that it belongs in.", examples=["customers", "products"])
    yaml: str = Field(description="The entry, as YAML.")
    amounts: list[PlanMoney] = Field(description="The distributor's cost of what waits for it, one per currency.")


class PlanCompleteness(PlanPart):
    """Whether a source's documents of the month are all there, as far as it can be told."""

    source: str = Field(description="The source's name in mappings.yaml.")
    complete: Complete = Field(description="There is no yes: nothing that a distributor sends says that it is all.")
    documents: int = Field(description="How many invoices of the month were read.")
    reason: str = Field(description="What it was told from.")


class PlanSummary(PlanPart):
    """Counts."""

    create: int = Field(description="Records created.")
    update: int = Field(description="Records updated.")
    cancel: int = Field(description="Records given an end date.")
    adopt: int = Field(description="Records that stood there and are taken over.")
    delete: int = Field(description="Records deleted, none of them ever invoiced.")
    unchanged: int = Field(description="Subscriptions that need nothing.")
    warnings: int = Field(description="Findings to read.")
    errors: int = Field(description="Findings that kept a customer out.")


class PlanSignature(PlanPart):
    """Who approved the plan; outside the digest."""

    key: str = Field(description="The key's name under approval: signing_keys: of the target.", examples=["ci-2026"])
    hmac_sha256: str = Field(
        description="HMAC-SHA256, as hexadecimal digits, over the digest, when and by which version the plan was made, "
        "the key's name and the target's type, url and company.",
        pattern=r"^[0-9a-f]{64}$",
    )


class PlanFile(PlanPart):
    """A saved plan: what would be written to the PSA, why, and what it bills."""

    format: Literal["reconciler-plan/1"] = Field(description="The form of this file.")
    reconciler: str = Field(description="The version that made it; outside the digest.")
    created: str = Field(description="When it was made; outside the digest.")
    month: MonthText = Field(description="The usage month; the newest, where several are planned together.")
    months: list[MonthText] | None = Field(
        default=None, description="All months, ascending, where consecutive ones are planned together."
    )
    target: str = Field(description="The target's name in mappings.yaml.")
    undoes: int | None = Field(default=None, description="The number of the run that the plan takes back, if it does.")
    inputs: PlanInputs = Field(description="What it was made from.")
    observed: dict[str, Digest] = Field(description="By agreement, the hash of what was read of it in the PSA.")
    observed_records: dict[str, dict[str, dict[str, str | None]]] = Field(
        description="By agreement and record, the fields that were read: they tell what moved when a plan is stale."
    )
    changes: list[PlanChange] = Field(description="The writes, in a fixed order.")
    findings: list[PlanFinding] = Field(description="What a person must know of.")
    impact: list[PlanImpact] = Field(description="By agreement and month, the bill before and after.")
    coverage: list[PlanCoverage] = Field(description="Where every invoice line ended up.")
    not_passed_on: list[PlanNotPassedOn] = Field(description="Price changes that standing records do not follow.")
    rounding: Rounding = Field(description="Where the target rounds a part of a month: the line, or the unit price.")
    refused_by: list[str] = Field(description="The guards that the plan is beyond.")
    unallocated: list[PlanUnallocated] = Field(
        default_factory=list, description="Lines that wait for a decision; left out where there are none."
    )
    kept_back: list[PlanKeptBack] = Field(
        default_factory=list, description="Credits that a policy keeps back; left out where there are none."
    )
    to_map: list[PlanStub] = Field(
        default_factory=list, description="Entries that the mapping lacks; left out where there are none."
    )
    completeness: list[PlanCompleteness] = Field(
        default_factory=list, description="What can be said of the month's documents, by source."
    )
    summary: PlanSummary = Field(description="Counts of all that.")
    cutover: list[PlanHandOver] | None = Field(
        default=None, description="Records of other tools, where a cut-over was asked."
    )
    digest: Digest = Field(description="The hash of everything but created, reconciler, signature and itself.")
    signature: PlanSignature | None = Field(default=None, description="The approval, where the plan was signed.")
