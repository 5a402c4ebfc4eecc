"""The JSON Schemas, made from the models: for editors, and for tools that read what we write."""

import re
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# What a docstring says to developers by number says nothing in an editor.
_NUMBERS = re.compile(r"\s*\((?:rulebook|interface|sources|apply protocol) [^)]*\)")


def _mappings() -> type[BaseModel]:
    from reconciler.config.models import Declaration  # noqa: PLC0415 -- one schema needs one model

    return Declaration


def _invoice() -> type[BaseModel]:
    from reconciler.config.invoice_model import InvoiceDocument  # noqa: PLC0415 -- as above

    return InvoiceDocument


def _plan() -> type[BaseModel]:
    from reconciler.config.plan_model import PlanFile  # noqa: PLC0415 -- as above

    return PlanFile


def _decisions() -> type[BaseModel]:
    from reconciler.config.decisions_model import DecisionFile  # noqa: PLC0415 -- as above

    return DecisionFile


_MODELS: dict[str, tuple[str, Callable[[], type[BaseModel]]]] = {
    "mappings": ("reconciler: mapping file", _mappings),
    "invoice": ("reconciler: normalised invoice", _invoice),
    "plan": ("reconciler: plan file", _plan),
    "decisions": ("reconciler: decisions file", _decisions),
}
SCHEMAS = tuple(_MODELS)


def json_schema(name: str) -> dict[str, Any]:
    """The schema `mappings`, `invoice`, `plan` or `decisions`, in the dialect 2020-12."""
    title, model = _MODELS[name]
    schema = model().model_json_schema(by_alias=True, mode="validation")
    described: dict[str, Any] = _for_readers(schema)
    return {"$schema": DIALECT} | described | {"title": title}


def _for_readers(value: Any) -> Any:
    if isinstance(value, list):
        return [_for_readers(item) for item in value]
    if not isinstance(value, dict):
        return value
    # A default of nothing is what leaving the key out means already; an editor would write it into the file.
    empty = "default" in value and value["default"] is None and "description" in value
    return {name: _described(name, item) for name, item in value.items() if not (empty and name == "default")}


def _described(name: str, value: Any) -> Any:
    if name == "description" and isinstance(value, str):
        return " ".join(_NUMBERS.sub("", value).split())
    return _for_readers(value)
