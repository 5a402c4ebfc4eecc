"""What mappings.yaml may say of a source: where invoices and price lists come from."""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from reconciler.config.fields import Globs
from reconciler.config.part import Part, one_of

SOURCE_TYPES = ("files",)
LATER_SOURCE_TYPES = ("cloud-iq", "prism", "streamone-ion", "partner-center")
FORMATS = ("auto", "normalized", "partner-center-nce")
LATER_FORMATS = ("partner-center-azure", "partner-center-legacy", "cloud-iq", "streamone-ion", "rhipe", "focus")


SourceType = Annotated[str, one_of(SOURCE_TYPES, LATER_SOURCE_TYPES), WithJsonSchema({"enum": list(SOURCE_TYPES)})]
Format = Annotated[str, one_of(FORMATS, LATER_FORMATS), WithJsonSchema({"enum": list(FORMATS)})]


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
