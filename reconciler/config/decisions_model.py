"""What the files in `decisions/` may say: one model per part. `schemas/decisions.schema.json` is made from these."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from reconciler.config.customer_model import RecordRef
from reconciler.config.fields import (
    Boolean,
    Counted,
    Day,
    Identifier,
    MonthText,
    NumberOrNone,
    Positive,
    Price,
    Text,
    expected,
    listed,
)
from reconciler.config.part import Part, Version
from reconciler.domain.plan import Verdict

_VERDICTS = tuple(verdict.value for verdict in Verdict)


def _counted(value: Decimal | None) -> Decimal:
    if value is None:
        raise expected("a number such as 8")
    return value


def _last_day(value: Any) -> date | None:
    if value == "open":
        return None
    # Other ways to write a day in ISO 8601 are nothing that an editor would mark.
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise expected("a day that is in the calendar") from None
    raise expected("a day written as 2026-09-30, or open")


def _verdict(value: Any) -> Verdict:
    if value not in _VERDICTS:
        raise expected(listed(_VERDICTS), code="choice", known=_VERDICTS)
    return Verdict(value)


Quantity = Annotated[
    NumberOrNone,
    AfterValidator(_counted),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[+-]?[0-9]+(\.[0-9]+)?$"}]}),
]
LastDay = Annotated[
    date | None,
    PlainValidator(_last_day),
    WithJsonSchema({"type": "string", "pattern": r"^(open|[0-9]{4}-[0-9]{2}-[0-9]{2})$"}),
]
VerdictWord = Annotated[Verdict, PlainValidator(_verdict), WithJsonSchema({"enum": list(_VERDICTS)})]


class Keep(Part):
    """What the record holds in the PSA and is to keep; the override holds while the PSA has just that."""

    quantity: Quantity | None = Field(default=None, description="The quantity in the PSA.", examples=[8])
    unit_price: Positive | None = Field(default=None, description="The unit price in the PSA.", examples=[18])
    unit_cost: Positive | None = Field(default=None, description="The unit cost in the PSA.", examples=[16])
    effective: Day | None = Field(
        default=None, description="The first day in the PSA; name the record by its id then.", examples=["2026-08-15"]
    )
    cancelled: LastDay = Field(
        default=None, description="The last day in the PSA, or open.", examples=["2026-11-30", "open"]
    )
    product: Identifier | None = Field(
        default=None, description="The product's number in the PSA, as `reconciler drift` shows it.", examples=[4121]
    )
    gone: Boolean | None = Field(
        default=None,
        description="true: the record was deleted in the PSA and is to stay away; nothing else is kept then.",
        examples=[True],
    )


class Override(Part):
    """An edit that a person made in the PSA and that is kept: nothing is written for its subscription meanwhile."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "oneOf": [{"required": ["record"]}, {"required": ["customer", "subscription", "effective"]}],
        },
    )

    record: Identifier | None = Field(
        default=None, description="The record's number in the PSA, as `reconciler drift` shows it.", examples=[8801]
    )
    customer: Text | None = Field(
        default=None, description="The customer, as under customers in mappings.yaml.", examples=["Contoso"]
    )
    subscription: Text | None = Field(
        default=None,
        description="In place of `record`: the subscription id, which is the record's serial number.",
        examples=["5f1b2c3d-1111-4222-8333-944455566677"],
    )
    effective: Day | None = Field(
        default=None,
        description="In place of `record`: the first day that the record has in the PSA.",
        examples=["2026-08-01"],
    )
    keep: Keep = Field(description="What the record holds in the PSA and is to keep.", examples=[{"quantity": 8}])
    reason: Text = Field(description="Why it is kept.", examples=["Two seats are given until the dispute is settled"])
    by: Text = Field(description="Who decided it.", examples=["billing@example.com"])
    until: MonthText = Field(description="The last month in which it is kept.", examples=["2026-12"])


class Credit(Part):
    """A line of a credit note or an adjustment, or a one-off charge, that is billed to a customer."""

    invoice: Text = Field(description="The document's number.", examples=["CN-1"])
    line: Counted = Field(description="The line's number on it.", examples=[2])
    customer: Text = Field(description="The customer, as under customers in mappings.yaml.", examples=["Contoso"])
    agreement: RecordRef = Field(
        description="One of the customer's agreements in mappings.yaml: its name, or {id: 55}.",
        examples=["Contoso Microsoft CSP", {"id": 55}],
    )
    amount: Quantity | None = Field(
        default=None,
        description="What the customer is billed for the line, with its sign; 0 keeps a credit back.",
        examples=[-180],
    )
    price: Price | None = Field(
        default=None,
        description="In place of `amount`: cost, retail, `cost + 10%` or `fixed 180.00`, for the line as a whole. With "
        "neither, it bills as the charge that it takes back did, else by the customer's price rules.",
        examples=["cost", "retail - 5%"],
    )
    reason: Text = Field(description="Why it is given.", examples=["Refund of the outage in August"])
    by: Text | None = Field(default=None, description="Who decided it.", examples=["billing@example.com"])


class ReviewedVerdict(Part):
    """What a person says of an agreement's month after looking into it."""

    month: MonthText = Field(description="The usage month.", examples=["2026-09"])
    customer: Text = Field(description="The customer, as under customers in mappings.yaml.", examples=["Contoso"])
    agreement: RecordRef = Field(
        description="One of the customer's agreements in mappings.yaml: its name, or {id: 55}.",
        examples=["Contoso Microsoft CSP", {"id": 55}],
    )
    verdict: VerdictWord = Field(description="The verdict.", examples=["reconciled"])
    reason: Text = Field(description="What was found.", examples=["The distributor confirmed the refund by mail"])
    by: Text | None = Field(default=None, description="Who decided it.", examples=["billing@example.com"])


class DecisionFile(Part):
    """Reviewed decisions: edits in the PSA that are kept, credits that are given, verdicts on a month."""

    version: Version = Field(description="The form of this file.", examples=[1])
    overrides: list[Override] = Field(default_factory=list, description="Edits in the PSA that are kept.")
    credits: list[Credit] = Field(
        default_factory=list, description="Credits, adjustments and one-off charges that are billed."
    )
    verdicts: list[ReviewedVerdict] = Field(default_factory=list, description="Verdicts on an agreement's month.")
