"""The normalised invoice as a model, for `schemas/invoice.schema.json`: what an editor offers while one is written.

It describes the form; `sources.normalised` reads it.
"""

from typing import Annotated, Literal

from pydantic import Field, RootModel, WithJsonSchema

from reconciler.config.part import Part
from reconciler.domain.invoice import Charge, Kind, Motion, Semantics

Amount = Annotated[
    str,
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?[0-9]{1,20}(\.[0-9]{1,40})?$"}]}),
]
Name = Annotated[str, WithJsonSchema({"type": ["string", "number"]})]
LineNumber = Annotated[
    str, WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^[0-9]{1,9}$"}]})
]
CalendarDay = Annotated[str, WithJsonSchema({"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?$"})]
Currency = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[A-Za-z]{3}$"})]
Term = Literal["P1M", "P1Y", "P3Y"]
Billing = Literal["monthly", "annual", "one-time"]


class Period(Part):
    """Days, both inclusive."""

    first: CalendarDay = Field(alias="from", description="The first day.", examples=["2026-09-01"])
    last: CalendarDay = Field(alias="to", description="The last day.", examples=["2026-09-30"])


class InvoiceCustomer(Part):
    """A customer as the distributor knows it."""

    tenant: Name = Field(
        description="The tenant id, as under customers in mappings.yaml.",
        examples=["8a7c0f3e-1111-4222-8333-944455566677"],
    )
    name: Name | None = Field(default=None, description="The customer's name, for messages.", examples=["Contoso"])
    domain: Name | None = Field(
        default=None, description="The customer's domain, for messages.", examples=["contoso.onmicrosoft.com"]
    )


class ScheduledChange(Part):
    """A quantity already booked for the renewal."""

    quantity: Amount = Field(description="The new quantity, not the difference.", examples=[11])
    first: CalendarDay = Field(
        alias="from", description="The first day on which it is in force.", examples=["2026-10-12"]
    )


class NormalisedLine(Part):
    """One charge: a signed interval. The quantity in force on a day is the sum of the lines that cover the day."""

    line: LineNumber | None = Field(default=None, description="The line's number on the invoice.", examples=[1])
    customer: InvoiceCustomer | None = Field(
        default=None, description="The customer of this line, where it is not the invoice's."
    )
    motion: Motion = Field(description="How the charge is sold, and so which agreement it is billed on.")
    subscription: Name | None = Field(
        default=None,
        description="The subscription id: the record's serial number in the PSA. Seats need one.",
        examples=["5f1b2c3d-1111-4222-8333-944455566677"],
    )
    sku: Name = Field(description="The distributor's SKU.", examples=["CFQ7TTC0LH18:0001"])
    description: Name | None = Field(
        default=None, description="What is sold.", examples=["Microsoft 365 Business Basic"]
    )
    charge: Charge = Field(description="What kind of charge it is; credit, usage and one-time lines count no seats.")
    quantity: Amount | None = Field(
        default=None,
        description="The quantity, signed as it counts: a removal is negative. Usage and credit may leave it out.",
        examples=[10, -2],
    )
    first: CalendarDay | None = Field(
        default=None, alias="from", description="The first day charged. Seats need one.", examples=["2026-09-01"]
    )
    last: CalendarDay | None = Field(
        default=None, alias="to", description="The last day charged, inclusive.", examples=["2026-09-30"]
    )
    unit_cost: Amount | None = Field(
        default=None, description="What one seat costs you for one full cycle, before tax.", examples=[16]
    )
    unit_price: Amount | None = Field(
        default=None, description="The retail price (RRP) of one seat for one full cycle.", examples=[20]
    )
    amount: Amount | None = Field(
        default=None, description="What the distributor charged for the line; never recomputed.", examples=[160]
    )
    term: Term | None = Field(default=None, description="The commitment.", examples=["P1Y"])
    billing: Billing | None = Field(default=None, description="How often it is charged.", examples=["monthly"])
    term_end: CalendarDay | None = Field(default=None, description="The last day of the term.", examples=["2027-03-14"])
    returnable_until: CalendarDay | None = Field(
        default=None,
        description="The last day on which the line's seats may be given back, as the distributor states it.",
        examples=["2026-09-22"],
    )
    reference: Name | None = Field(
        default=None,
        description="The distributor's own reference; on a credit, the invoice or the charge that it takes back.",
    )
    resource_group: Name | None = Field(
        default=None, description="The Azure resource group of usage.", examples=["rg-web"]
    )
    meter: Name | None = Field(
        default=None, description="The Azure meter of usage.", examples=["Tables - LRS Data Stored (GB/Month)"]
    )
    scheduled: ScheduledChange | None = Field(
        default=None, description="A change of quantity already booked for the renewal."
    )


class NormalisedInvoice(Part):
    """One invoice of a distributor, in the form that is the same for all of them."""

    invoice: Name = Field(description="The invoice's number.", examples=["INV-2026-10-0001"])
    issued: CalendarDay | None = Field(default=None, description="The day it was issued.", examples=["2026-10-01"])
    period: Period = Field(
        description="The usage that it bills.", examples=[{"from": "2026-09-01", "to": "2026-09-30"}]
    )
    currency: Currency = Field(description="The currency of every amount: a three-letter code.", examples=["AUD"])
    kind: Kind = Field(
        default=Kind.INVOICE, description="Only an invoice is billed; credit notes and adjustments are listed."
    )
    semantics: Semantics = Field(
        default=Semantics.SIGNED,
        description="`signed` (default): quantities add up; `level`: each line states the quantity in force.",
    )
    total: Amount | None = Field(
        default=None, description="The document's own total before tax, checked against its lines.", examples=[160]
    )
    customer: InvoiceCustomer | None = Field(default=None, description="The customer of all lines that name none.")
    lines: list[NormalisedLine] = Field(description="The charges.", min_length=1)


class InvoiceDocument(RootModel[NormalisedInvoice | list[NormalisedInvoice]]):
    """A document of one normalised invoice, or of several."""
