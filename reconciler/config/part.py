"""What every part of a file that people write has in common: named keys only, words of a fixed choice, lists."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainValidator, WithJsonSchema

from reconciler.config.fields import expected, listed


def one_of(available: tuple[str, ...], later: tuple[str, ...], why: str | None = None) -> PlainValidator:
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


Version = Annotated[str, one_of(("1",), ()), WithJsonSchema({"enum": [1, "1"]})]


def some(values: list[Any]) -> list[Any]:
    """The list, if it holds something: the check of one that must not be empty."""
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
