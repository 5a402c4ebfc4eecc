"""What mappings.yaml may say: one model per part. `schemas/mappings.schema.json` is made from these.

Descriptions and examples are written for somebody who edits the file: an editor shows them while completing.
"""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from reconciler.config.fields import (
    Boolean,
    Counted,
    Day,
    Globs,
    Identifier,
    MonthText,
    NamedOrId,
    NumberOrNone,
    Positive,
    Price,
    SecretName,
    SyncSetting,
    Text,
    Url,
    WholeOrNone,
    expected,
    listed,
)
from reconciler.domain.alert import Occasion
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import (
    Align,
    AzureDetail,
    BillingTime,
    Carry,
    Decrease,
    Owner,
    Policy,
    PriceChange,
    ProductMode,
    Representation,
    Rounding,
    Sync,
)

SOURCE_TYPES = ("files",)
LATER_SOURCE_TYPES = ("cloud-iq", "prism", "streamone-ion", "partner-center")
TARGET_TYPES = ("connectwise",)
LATER_TARGET_TYPES = ("autotask", "syncro")
FORMATS = ("auto", "normalized", "partner-center-nce")
LATER_FORMATS = ("partner-center-azure", "partner-center-legacy", "cloud-iq", "streamone-ion", "rhipe", "focus")


def _one_of(available: tuple[str, ...], later: tuple[str, ...], why: str | None = None) -> PlainValidator:
    """Takes the words that this version reads; a word of a later one is refused as such. `why` there are no others."""

    def read(value: Any) -> str:
        if value in later:
            raise expected(
                f"{listed(available)}; '{value}' is not available in this version",
                "take this entry out until a version has it",
                code="not-available",
            )
        if value not in available:
            raise expected(listed(available), why, code="choice", known=(*available, *later))
        return str(value)

    return PlainValidator(read)


SourceType = Annotated[str, _one_of(SOURCE_TYPES, LATER_SOURCE_TYPES), WithJsonSchema({"enum": list(SOURCE_TYPES)})]
TargetType = Annotated[str, _one_of(TARGET_TYPES, LATER_TARGET_TYPES), WithJsonSchema({"enum": list(TARGET_TYPES)})]
Format = Annotated[str, _one_of(FORMATS, LATER_FORMATS), WithJsonSchema({"enum": list(FORMATS)})]


PolicyWord = Annotated[
    Policy,
    _one_of((Policy.TRUE_UP.value,), (Policy.LIFECYCLE.value,)),
    AfterValidator(Policy),
    WithJsonSchema({"enum": [Policy.TRUE_UP.value]}),
]
Version = Annotated[str, _one_of(("1",), ()), WithJsonSchema({"enum": [1, "1"]})]
NotifyOn = Annotated[
    Occasion,
    _one_of(tuple(occasion.value for occasion in Occasion), ()),
    AfterValidator(Occasion),
    WithJsonSchema({"enum": [occasion.value for occasion in Occasion]}),
]


def _some(values: list[Any]) -> list[Any]:
    if not values:
        raise expected("at least one")
    return values


class Part(BaseModel):
    """A part of the mapping file; a key that it does not name is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def key_names(cls) -> tuple[str, ...]:
        """The keys of this part, as they are written in the file."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())

    @classmethod
    def field_type(cls, key: str) -> Any:
        """The type of a key's value; None for an unknown key."""
        return next((f.annotation for name, f in cls.model_fields.items() if key == (f.alias or name)), None)


class Source(Part):
    """Where invoices and price lists come from."""

    type: SourceType = Field(description="Where the invoices come from: `files` reads documents from the repository.")
    invoices: Globs = Field(
        description="The invoices: a path with wildcards, or several, relative to the folder of mappings.yaml.",
        examples=["invoices/*", ["invoices/*.yaml", "invoices/*.csv"]],
    )
    format: Format = Field(
        default="auto", description="How the documents are written; `auto` finds out from each document."
    )
    price_list: Globs = Field(
        default=(),
        description="Price lists with cost and retail price, as for `invoices`.",
        examples=["price-lists/*.csv"],
    )


class Limits(Part):
    """How much a PSA may be asked, and how long an unanswered write may take to appear."""

    requests_per_minute: Counted = Field(default=600, description="Requests a minute, at most.", examples=[600])
    concurrency: Counted = Field(default=8, description="Requests at once, at most.", examples=[8])
    settle_seconds: Positive = Field(
        default=Decimal(120),
        description="Seconds in which a write that was not answered may still appear in the PSA.",
        examples=[120],
    )


class ApprovalPart(Part):
    """What a saved plan must show before it is applied to this PSA."""

    signed: Boolean = Field(
        default=False,
        description="true: only a plan that was signed with one of `signing_keys` is applied (`reconciler sign`).",
    )
    expires_hours: Counted | None = Field(
        default=None, description="Hours after which a plan is no longer applied; left out, it does not expire."
    )
    signing_keys: dict[str, SecretName] = Field(
        default_factory=dict,
        description="By a name of yours, each accepted signing key as a reference to an environment variable that "
        "holds at least 32 bytes. The first one signs; the others are still accepted, for a change of keys.",
        examples=[{"ci-2026": "${RECONCILER_PLAN_KEY}"}],
    )


class Target(Part):
    """A PSA to write to. Credentials are references to environment variables, never values."""

    type: TargetType = Field(description="The PSA's kind.")
    url: Url = Field(
        description="The PSA's address: https, but for a PSA on this machine (the sandbox).",
        examples=["https://api-na.myconnectwise.net", "http://127.0.0.1:8765"],
    )
    company: Text = Field(description="The company id with which one signs in to the PSA.", examples=["training"])
    client_id: SecretName = Field(
        description="The client id registered with the PSA's vendor, as a reference to an environment variable.",
        examples=["${CONNECTWISE_CLIENT_ID}"],
    )
    public_key: SecretName = Field(
        description="The API member's public key, as a reference to an environment variable.",
        examples=["${CONNECTWISE_PUBLIC_KEY}"],
    )
    private_key: SecretName = Field(
        description="The API member's private key, as a reference to an environment variable.",
        examples=["${CONNECTWISE_PRIVATE_KEY}"],
    )
    limits: Limits = Field(default_factory=Limits, description="How much the PSA may be asked.")
    rounding: Rounding = Field(
        default=Rounding.LINE,
        description="Where the PSA rounds a part of a month: `line` (default) the whole line, `unit` the price of one.",
    )
    approval: ApprovalPart = Field(
        default_factory=ApprovalPart, description="What a saved plan must show before it is applied."
    )


class ProductDefaults(Part):
    """What a created product gets, by name; each must be active in the PSA."""

    category: Text = Field(default="Miscellaneous", description="The product category.")
    subcategory: Text = Field(default="Miscellaneous", description="The product subcategory.")
    type: Text = Field(default="Miscellaneous", description="The product type.")
    unit_of_measure: Text = Field(default="Each", description="The unit of measure.")


class ProgramProducts(Part):
    """Which products are kept in step with the price list, and how new ones are created."""

    mode: ProductMode = Field(
        default=ProductMode.IN_USE,
        description="`in-use`: products that stand on invoices of synced customers; `all`: the whole price list.",
    )
    taxable: Boolean | None = Field(
        default=None, description="Whether created products are taxable; left out, the PSA decides."
    )
    defaults: ProductDefaults = Field(
        default_factory=ProductDefaults, description="Category and the like of created products."
    )


def _for_monthly_seats(value: Any) -> Any:
    """A plain word speaks of monthly seats: the other motions have one way each."""
    if isinstance(value, str):
        return {"seat-monthly": value}
    if value is not None and not isinstance(value, dict):
        raise expected("calendar, charge-cycle, or one of them per motion", "for example: align: charge-cycle")
    return value


AnnualAlign = Annotated[
    Align,
    _one_of((Align.CHARGE_CYCLE.value,), (), "each annual charge is billed once, with its own day"),
    AfterValidator(Align),
    WithJsonSchema({"enum": [Align.CHARGE_CYCLE.value]}),
]
UsageAlign = Annotated[
    Align,
    _one_of((Align.CALENDAR.value,), (), "a month's usage is billed as one record of the month"),
    AfterValidator(Align),
    WithJsonSchema({"enum": [Align.CALENDAR.value]}),
]


class AlignByMotion(Part):
    """Per motion, whether records follow calendar months or the dates of the invoice lines."""

    seat_monthly: Align | None = Field(
        default=None,
        alias="seat-monthly",
        description="`calendar` (default): seats by day in calendar months, on an agreement that prorates; "
        "`charge-cycle`: a record for each invoice line, with its final amount, on one that does not.",
    )
    seat_annual: AnnualAlign | None = Field(
        default=None, alias="seat-annual", description="Always `charge-cycle`: each annual charge is billed once."
    )
    azure: UsageAlign | None = Field(default=None, description="Always `calendar`: one record for a month's usage.")


AlignSetting = Annotated[AlignByMotion, BeforeValidator(_for_monthly_seats)]
_ALIGN_SCHEMA = {
    "anyOf": [
        {"enum": [*(align.value for align in Align), None]},
        {
            "type": "object",
            "properties": {
                field.alias or name: {"enum": list(words), "description": field.description}
                for (name, field), words in zip(
                    AlignByMotion.model_fields.items(),
                    ([align.value for align in Align], [Align.CHARGE_CYCLE.value], [Align.CALENDAR.value]),
                    strict=True,
                )
            },
            "additionalProperties": False,
        },
    ]
}


class Changes(Part):
    """How a change is written. A customer's own setting goes before the program's."""

    representation: Representation | None = Field(
        default=None,
        description="`compact` (default) leaves an open record open where that bills the same; `literal` closes and "
        "re-opens it at each change of quantity.",
    )
    decrease: Decrease | None = Field(
        default=None,
        description="What a fall of the quantity does: `credit` (default) bills less from its day on, `none` from the "
        "next month on, `at-renewal` when the term ends.",
    )
    price_change: PriceChange | None = Field(
        default=None,
        description="What a new unit price does to standing records: `warn` (default), `next-period`, `prorate`, "
        "`until-renewal`.",
    )
    carry: Carry | None = Field(
        default=None, description="When the record for the next month is written: `on-change` (default) or `always`."
    )
    align: Annotated[AlignSetting | None, WithJsonSchema(_ALIGN_SCHEMA)] = Field(
        default=None,
        description="`calendar` (default): records follow calendar months; `charge-cycle`: a record for each invoice "
        "line, with its own dates and final amount. For monthly seats, or per motion.",
        examples=["charge-cycle", {"seat-monthly": "charge-cycle"}],
    )
    billing: BillingTime | None = Field(
        default=None,
        description="Whether the PSA invoices a period before it (`advance`, default) or after it (`arrears`).",
    )
    azure_detail: AzureDetail | None = Field(
        default=None,
        description="By what usage is told in the record's invoice text: `none` (default), `subscription`, "
        "`resource-group`, `meter`.",
    )


class Fields(Part):
    """Who owns a field of what stands in the PSA: `source` writes it, `psa` sets it on new records only."""

    price: Owner | None = Field(
        default=None,
        description="The price: `source` (default), from invoice, price list and price rules; `psa`, as it stands.",
    )
    cost: Owner | None = Field(default=None, description="The cost: `source` (default) or `psa`.")
    description: Owner | None = Field(default=None, description="The text: `source` (default) or `psa`.")


class Guards(Part):
    """Limits beyond which a plan is refused, unless --allow-beyond-guards is given."""

    max_changes: WholeOrNone = Field(
        default=500, description="Changes in one plan, at most; `none` for no limit.", examples=[500]
    )
    max_decrease_percent: NumberOrNone = Field(
        default=Decimal(30),
        description="By how many percent the open monthly value of touched agreements may fall; `none` for no limit.",
        examples=[30],
    )
    min_margin_percent: NumberOrNone = Field(
        default=None, description="The margin, in percent of the price, that must be left.", examples=[0]
    )
    max_unmapped_amount: NumberOrNone = Field(
        default=None,
        description="The cost of lines that bill on no agreement, at most, in the invoices' currency.",
        examples=[0],
    )


class Notify(Part):
    """Who is told of what."""

    on: Annotated[list[NotifyOn], AfterValidator(_some)] = Field(
        description="What to tell of: errors, warnings, price changes, unmapped or failed subscriptions, the "
        "reconciliation's verdicts, a plan that is ready for review.",
        examples=[["error", "warning", "price-change"]],
        json_schema_extra={"minItems": 1},
    )
    to: Text = Field(
        description="Where to: an Apprise address, as a reference to an environment variable: most hold a token.",
        examples=["${BILLING_ALERT_URL}"],
    )


class Program(Part):
    """One line of business: invoices from a source, billed in a target."""

    source: Text = Field(description="The name of the source its invoices come from.")
    target: Text = Field(description="The name of the PSA it is billed in.")
    sync: Boolean = Field(default=True, description="The whole program on or off.")
    policy: PolicyWord = Field(
        default=Policy.TRUE_UP, description="What decides what is billed: `true-up`, the issued invoices."
    )
    motions: Annotated[list[Motion], AfterValidator(_some)] = Field(
        description="The ways of selling that are synced; what is left out is not billed, and the plan says so.",
        examples=[["seat-monthly", "seat-annual", "azure"]],
        json_schema_extra={"minItems": 1, "uniqueItems": True},
    )
    products: ProgramProducts = Field(default_factory=ProgramProducts, description="How the catalogue is kept.")
    changes: Changes = Field(default_factory=Changes, description="How a change is written.")
    fields: Fields = Field(
        default_factory=Fields,
        description="Which fields of standing records and catalogue items are the PSA's own.",
        examples=[{"price": "psa"}],
    )
    guards: Guards = Field(default_factory=Guards, description="Limits beyond which a plan is refused.")
    notify: list[Notify] = Field(default_factory=list, description="Who is told of what.")


class Reference(Part):
    """A record of the PSA, by its name or by its number."""

    name: Text | None = None
    id: Identifier | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "Reference":
        if (self.name is None) == (self.id is None):
            raise expected("a name, or {id: 250}")
        return self


_REFERENCE_SCHEMA = {
    "anyOf": [
        {"type": ["string", "number"]},
        {
            "type": "object",
            "properties": {
                "id": {
                    "anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^([0-9]{1,20}|.*\$\{.*)$"}],
                    "description": "The record's number in the PSA.",
                    "examples": [250],
                },
                "name": {"type": ["string", "number"], "description": "The record's name in the PSA."},
            },
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
        },
    ]
}
_AGREEMENTS_SCHEMA = {
    "type": "object",
    "properties": {
        motion.value: _REFERENCE_SCHEMA
        | {"description": f"The agreement for {motion.value} charges: its name, or {{id: 55}}.", "title": motion.value}
        for motion in Motion
    },
    "additionalProperties": False,
}
RecordRef = Annotated[Reference, NamedOrId, WithJsonSchema(_REFERENCE_SCHEMA)]


class Customer(Part):
    """A customer of the source, and the agreements it is billed on."""

    name: Text = Field(description="The customer's name in messages, price rules and --customer.", examples=["Contoso"])
    program: Text | None = Field(
        default=None, description="The program it belongs to; may be left out when there is one program."
    )
    tenant: Text = Field(
        description="The customer's tenant id, or domain, in the source.",
        examples=["8a7c0f3e-1111-4222-8333-944455566677", "contoso.onmicrosoft.com"],
    )
    company: RecordRef | None = Field(
        default=None,
        description="The company's identifier in the PSA, or {id: 250}.",
        examples=["Contoso", {"id": 250}],
    )
    agreements: Annotated[dict[Motion, RecordRef], WithJsonSchema(_AGREEMENTS_SCHEMA)] = Field(
        default_factory=dict,
        description="Per motion, the agreement it bills on: its name, or {id: 55}. A motion left out is not synced.",
        examples=[{"seat-monthly": "Contoso Microsoft CSP", "azure": {"id": 55}}],
    )
    start: MonthText | None = Field(default=None, description="The first usage month to sync.", examples=["2026-09"])
    sync: SyncSetting = Field(
        default=Sync.ON, description="true: planned and written; preview: planned only; false: left alone."
    )
    changes: Changes = Field(default_factory=Changes, description="This customer's own way of writing changes.")
    fields: Fields = Field(
        default_factory=Fields, description="Which fields of this customer's standing records are the PSA's own."
    )


class Product(Part):
    """A product of the source, linked to an item of the PSA's catalogue or named for its creation."""

    sku: Text = Field(
        description="The source's SKU; annual variants begin with P1Y:A: or P1Y:M:.",
        examples=["CFQ7TTC0LH18:0001", "P1Y:M:CFQ7TTC0LH18:0001"],
    )
    product: Text | None = Field(
        default=None,
        description="The product id of a catalogue item to link; its Vendor SKU is set.",
        examples=["M365-BB"],
    )
    name: Text | None = Field(default=None, description="The description it gets where it is created.")


class When(Part):
    """The conditions of a price rule; what is left out holds for any."""

    program: Text | None = Field(default=None, description="The name of a program.")
    customer: Text | None = Field(default=None, description="The name of a customer.")
    sku: Text | None = Field(default=None, description="A SKU, as under products.", examples=["CFQ7TTC0LF8R:0001"])


class PriceRule(Part):
    """A price of the partner's own; the first rule that holds wins."""

    name: Text = Field(description="The rule's name, shown in the plan where it wins.", examples=["Contoso E3 promo"])
    when: When = Field(default_factory=When, description="Its conditions; left out, it always holds.")
    price: Price = Field(
        description="retail, cost, psa (leave the PSA's own), fixed 12.50, or retail or cost plus or minus an amount "
        "or a percentage.",
        examples=["retail - 5%", "cost + 1.20", "fixed 12.50", "retail", "cost", "psa"],
    )
    first: Day | None = Field(
        default=None, alias="from", description="The first day it holds.", examples=["2026-09-01"]
    )
    last: Day | None = Field(default=None, alias="to", description="The last day it holds.", examples=["2027-08-31"])


class Declaration(Part):
    """The declaration: which customer is billed on which agreement, from which invoices, by which rules."""

    version: Version = Field(
        default="1", description="The form of this file; an included file may leave it out.", examples=[1]
    )
    include: Globs = Field(
        default=(),
        description="Further files, with wildcards, relative to this one and within its folder.",
        examples=[["mappings/*.yaml"]],
    )
    sources: dict[str, Source] = Field(
        default_factory=dict, description="Where invoices come from, by a name of yours."
    )
    targets: dict[str, Target] = Field(default_factory=dict, description="The PSAs to write to, by a name of yours.")
    programs: dict[str, Program] = Field(default_factory=dict, description="Lines of business, by a name of yours.")
    customers: list[Customer] = Field(default_factory=list, description="The customers and where they are billed.")
    products: list[Product] = Field(default_factory=list, description="Products linked to the PSA's catalogue.")
    prices: list[PriceRule] = Field(
        default_factory=list, description="Prices of your own; the first rule that holds wins, else retail."
    )
