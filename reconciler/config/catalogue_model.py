"""What mappings.yaml may say of products and their prices."""

from pydantic import Field

from reconciler.config.fields import Day, Price, Text
from reconciler.config.part import Part


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
