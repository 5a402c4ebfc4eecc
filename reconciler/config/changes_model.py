"""What mappings.yaml may say of how a change is written, and of who owns a field."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from reconciler.config.fields import expected
from reconciler.config.part import Part, one_of
from reconciler.domain.mapping import (
    Align,
    AzureDetail,
    BillingTime,
    Carry,
    Decrease,
    Owner,
    PriceChange,
    Representation,
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
    one_of((Align.CHARGE_CYCLE.value,), (), "each annual charge is billed once, with its own day"),
    AfterValidator(Align),
    WithJsonSchema({"enum": [Align.CHARGE_CYCLE.value]}),
]
UsageAlign = Annotated[
    Align,
    one_of((Align.CALENDAR.value,), (), "a month's usage is billed as one record of the month"),
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
