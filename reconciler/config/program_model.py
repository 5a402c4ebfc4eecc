"""What mappings.yaml may say of a program: what it syncs, by which policy, within which guards, who is told."""

from decimal import Decimal
from typing import Annotated

from pydantic import (
    AfterValidator,
    Field,
    WithJsonSchema,
)

from reconciler.config.changes_model import Changes, Fields
from reconciler.config.fields import (
    Boolean,
    NumberOrNone,
    Text,
    WholeOrNone,
)
from reconciler.config.part import Part, one_of, some
from reconciler.domain.alert import Occasion
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import (
    Policy,
    ProductMode,
)

PolicyWord = Annotated[
    Policy,
    one_of((Policy.TRUE_UP.value,), (Policy.LIFECYCLE.value,)),
    AfterValidator(Policy),
    WithJsonSchema({"enum": [Policy.TRUE_UP.value]}),
]
NotifyOn = Annotated[
    Occasion,
    one_of(tuple(occasion.value for occasion in Occasion), ()),
    AfterValidator(Occasion),
    WithJsonSchema({"enum": [occasion.value for occasion in Occasion]}),
]


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

    on: Annotated[list[NotifyOn], AfterValidator(some)] = Field(
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
    motions: Annotated[list[Motion], AfterValidator(some)] = Field(
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
