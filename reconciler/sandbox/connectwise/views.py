"""A record as the API shows it: references spelled out, dates at midnight UTC, unset members left out."""

from collections.abc import Mapping
from typing import Any

from reconciler.sandbox.connectwise.errors import bad_request
from reconciler.sandbox.connectwise.tables import Entity, Field, Kind
from reconciler.sandbox.connectwise.world import World
from reconciler.sandbox.store import Record

Chosen = Mapping[str, frozenset[str] | None]
"""The members that `fields` asks for; under a reference's name the members of it, None for all of them."""


def read_fields(text: str | None, entity: Entity, world: World) -> Chosen | None:
    """The members that a `fields` parameter asks for; None when everything is wanted."""
    if not text or not text.strip():
        return None
    chosen: dict[str, frozenset[str] | None] = {}
    for part in text.split(","):
        name, _, below = part.strip().partition("/")
        known = entity.by_name.get(name.lower(), name)
        if known not in entity.fields and known != "_info":
            if world.switches.unknown_fields == "refuse":
                raise bad_request(f"{part.strip()} is not a recognized name.")
            continue
        if below:
            earlier = chosen.get(known, frozenset())
            chosen[known] = None if earlier is None else earlier | {below}
        else:
            chosen[known] = None
    return chosen


def shown(world: World, entity: Entity, record: Record, base: str, chosen: Chosen | None = None) -> Record:
    """The record as it goes out. `base` is the API's address up to `/apis/3.0`."""
    computed = world.computed(entity, record)
    view: Record = {}
    for name, field in entity.fields.items():
        if chosen is not None and name not in chosen:
            continue
        stored = computed.get(name) if field.computed and name != "id" else record.get(name)
        value = _value(world, field, stored, base)
        if chosen and isinstance(value, dict) and (members := chosen[name]) is not None:
            value = {member: found for member, found in value.items() if member in members}
        if value is not None or world.switches.explicit_nulls:
            view[name] = value
    if record.get("_info") and (chosen is None or "_info" in chosen):
        view["_info"] = record["_info"]
    return view


def _value(world: World, field: Field, value: Any, base: str) -> Any:
    if value is None:
        return None
    if field.kind is Kind.DAY:
        return f"{value}T00:00:00Z"
    if field.kind is Kind.REFERENCE:
        return _reference(world, field, value, base)
    if field.kind is Kind.REFERENCES:
        return [_reference(world, field, each, base) for each in value]
    return value


_PATHS = {
    "agreement": "finance/agreements",
    "agreement_type": "finance/agreements/types",
    "billing_cycle": "finance/billingCycles",
    "billing_status": "finance/billingStatuses",
    "company": "company/companies",
    "company_status": "company/companies/statuses",
    "company_type": "company/companies/types",
    "contact": "company/contacts",
    "category": "procurement/categories",
    "currency": "finance/currencies",
    "manufacturer": "procurement/manufacturers",
    "product": "procurement/catalog",
    "product_type": "procurement/types",
    "subcategory": "procurement/subcategories",
    "unit": "procurement/unitOfMeasures",
}


def _reference(world: World, field: Field, value: Any, base: str) -> Record:
    members = dict(world.reference(field, value))
    if field.link and field.target:
        members["_info"] = {f"{field.link}_href": f"{base}/{_PATHS[field.target]}/{members['id']}"}
    return members
