"""Creating, replacing, patching and deleting records, with validation of the whole record and the audit trail."""

from typing import Any

from reconciler.sandbox import exact_json
from reconciler.sandbox.connectwise import additions, bodies, entities
from reconciler.sandbox.connectwise.errors import FieldError, in_use, invalid_object
from reconciler.sandbox.connectwise.tables import Entity, Kind, Version
from reconciler.sandbox.connectwise.world import ACTOR, World
from reconciler.sandbox.store import Record


def create(world: World, entity: Entity, owner: Record, sent: Any, version: Version) -> Record:
    """A new record from a POST body; `owner` are the members that its place gives it. Durable on return."""
    record = bodies.with_defaults(entity, bodies.read_object(world, entity, sent) | owner)
    with world.store.writing():
        _check(world, entity, record, None, version)
        record["id"] = world.store.new_id(entity.kind, entity.first_id)
        return _save(world, entity, record, None)


def replace(world: World, entity: Entity, before: Record, sent: Any, version: Version) -> Record:
    """The record made anew from a PUT body: what is left out falls back to its default or is unset."""
    record = bodies.with_defaults(entity, bodies.read_object(world, entity, sent) | _kept(entity, before))
    with world.store.writing():
        _check(world, entity, record, before, version)
        return _save(world, entity, record, before)


def patch(world: World, entity: Entity, before: Record, operations: Any, version: Version) -> Record:
    """The record after a PATCH body; the whole of it is validated again."""
    record = bodies.with_defaults(entity, bodies.patched(world, entity, before, operations))
    with world.store.writing():
        _check(world, entity, record, before, version)
        return _save(world, entity, record, before)


def delete(world: World, entity: Entity, record: Record) -> None:
    """Removes a record that nothing rests on; raises Refusal when something does."""
    obstacle = _obstacle(world, entity, record)
    if obstacle and world.switches.delete_invoiced == "409":
        raise in_use(obstacle)
    if obstacle:
        raise invalid_object(entity.resource, [FieldError("InvalidField", obstacle, "id")])
    with world.store.writing():
        for kind, row in _dependants(world, entity, record):
            world.store.delete(kind, row)
        world.store.delete(entity.kind, record["id"])
        _note(world, entity, record["id"], "The record has been deleted.", world.stamp())


def _dependants(world: World, entity: Entity, record: Record) -> list[tuple[str, int]]:
    """What goes with a record: an agreement's additions, a company's contacts."""
    if entity.kind == "agreement":
        return [("addition", row["id"]) for row in world.store.under("addition", record["id"])]
    if entity.kind == "company":
        return [("contact", row["id"]) for row in world.store.all("contact") if row.get("company") == record["id"]]
    return []


def _kept(entity: Entity, before: Record) -> Record:
    """What a PUT cannot reset: the id, and the members that the sandbox keeps for itself."""
    kept = {name: value for name, value in before.items() if name not in entity.fields}
    return kept | {name: before[name] for name in ("id", "agreementId") if name in before}


def _check(world: World, entity: Entity, record: Record, before: Record | None, version: Version) -> None:
    complete = entities.COMPLETERS.get(entity.kind)
    if complete:
        complete(world, record, before)
    errors = bodies.field_errors(world, entity, record, version)
    rule = entities.RULES.get(entity.kind)
    if rule:
        errors += rule(world, record, before)
    if errors:
        raise invalid_object(entity.resource, errors)


def _save(world: World, entity: Entity, record: Record, before: Record | None) -> Record:
    now = world.stamp()
    entered = (before or {}).get("_info") or {"dateEntered": now, "enteredBy": ACTOR}
    stored = {name: value for name, value in record.items() if value is not None}
    stored["_info"] = {**entered, "lastUpdated": now, "updatedBy": ACTOR}
    world.store.put(entity.kind, stored)
    _audit(world, entity, stored, before, now)
    return stored


def _audit(world: World, entity: Entity, record: Record, before: Record | None, now: str) -> None:
    if before is None:
        _note(world, entity, record["id"], "The record has been created.", now)
        return
    for name, field in entity.fields.items():
        old, new = before.get(name), record.get(name)
        if field.computed or old == new:
            continue
        _note(world, entity, record["id"], f"{name} has been changed from {_told(old)} to {_told(new)}.", now)


def _told(value: Any) -> str:
    return "nothing" if value is None else f'"{value}"' if isinstance(value, str) else exact_json.dumps(value)


def _note(world: World, entity: Entity, ident: int, text: str, now: str) -> None:
    if entity.audit is None:
        return
    entry = {
        "id": world.store.new_id("audit", 1),
        "of": entity.audit,
        "record": ident,
        "text": text,
        "enteredDate": now,
        "enteredBy": ACTOR,
        "auditType": entity.audit,
        "auditSubType": "Record",
        "auditSource": "API",
    }
    world.store.put("audit", entry)


def _obstacle(world: World, entity: Entity, record: Record) -> str | None:
    if entity.kind == "addition":
        return "The addition has been invoiced." if additions.ledger(world, record["id"]) else None
    if entity.kind == "agreement":
        rows = world.store.under("addition", record["id"])
        if any(additions.ledger(world, row["id"]) for row in rows):
            return "The agreement has been invoiced."
    user = _user(world, entity, record["id"])
    return f"The record is in use by {user}." if user else None


def _user(world: World, entity: Entity, ident: int) -> str | None:
    """The first record that refers to this one."""
    for other in entities.ENTITIES.values():
        names = [f.name for f in other.fields.values() if f.kind is Kind.REFERENCE and f.target == entity.kind]
        if not names or other.kind == "contact":
            continue
        for row in world.store.all(other.kind):
            if any(row.get(name) == ident for name in names):
                return f"{other.resource} {row['id']}"
    return None
