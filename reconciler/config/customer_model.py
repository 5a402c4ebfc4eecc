"""What mappings.yaml may say of a customer: which tenant is billed on which agreements."""

from typing import Annotated

from pydantic import Field, WithJsonSchema, model_validator

from reconciler.config.changes_model import Changes, Fields
from reconciler.config.fields import Identifier, MonthText, NamedOrId, SyncSetting, Text, expected
from reconciler.config.part import Part
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Sync


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
