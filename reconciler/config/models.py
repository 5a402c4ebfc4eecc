"""What mappings.yaml may say as a whole. `schemas/mappings.schema.json` is made from this model and those of its parts.

Descriptions and examples are written for somebody who edits the file: an editor shows them while completing.
"""

from pydantic import Field

from reconciler.config.catalogue_model import PriceRule, Product
from reconciler.config.customer_model import Customer
from reconciler.config.fields import Globs
from reconciler.config.part import Part, Version
from reconciler.config.program_model import Program
from reconciler.config.source_model import Source
from reconciler.config.target_model import Target


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
