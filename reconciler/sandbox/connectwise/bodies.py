"""What a client sends, turned into a record: JSON types, dates, references, patches."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from reconciler.sandbox import exact_json
from reconciler.sandbox.connectwise.errors import FieldError, Refusal, bad_request
from reconciler.sandbox.connectwise.tables import Entity, Field, Kind, Version
from reconciler.sandbox.connectwise.world import World
from reconciler.sandbox.store import Record

LARGEST_NUMBER = Decimal("1e12")
"""Beyond it, products of two numbers would not fit the arithmetic's 28 digits."""

_REFERENCE_NAMES = frozenset({"id", "name", "identifier", "_info"})
_TEXT_FOLDS = str.maketrans({"\r": " ", "\n": " ", "\f": "", "\b": "", "\t": "    "})


@dataclass(frozen=True, slots=True)
class Missing:
    """A reference to a record that is not there."""

    label: str


class TypeMismatch(Exception):
    """A value of the wrong JSON type, or a word that the enumeration does not have."""


def read_json(body: bytes) -> Any:
    """The body's JSON value; raises Refusal (400) for text that is none."""
    try:
        return exact_json.loads(body)
    except (ValueError, RecursionError):
        raise bad_request("The request body is not valid JSON.") from None


def read_object(world: World, entity: Entity, sent: Any) -> Record:
    """The members of a POST or PUT body as they are stored; unset ones are left out.

    Raises Refusal for an unknown member, a wrong type, or a body that is no object.
    """
    if not isinstance(sent, dict):
        raise bad_request(f"Cannot deserialize the current JSON value into type '{entity.type_name}'.")
    record: Record = {}
    for name, value in sent.items():
        if name == "_info":
            continue
        field = entity.fields.get(name)
        if field is None:
            raise bad_request(
                f"Could not find member '{name}' on object of type '{entity.type_name}'. Path '{name}'. "
                "Check the version in your Accept header."
            )
        stored = _read(world, field, value)
        if not field.computed:
            record[name] = stored
    return record


def patched(world: World, entity: Entity, record: Record, operations: Any) -> Record:
    """A copy of the record with the operations of a PATCH body done.

    A path below a member (`company/identifier`) changes nothing, silently, as the vendor's guide warns. Paths
    are case-sensitive; one slash in front is accepted.
    """
    if not isinstance(operations, list) or not operations:
        raise bad_request("Cannot deserialize the current JSON value: a PATCH body is an array of operations.")
    changed = dict(record)
    for operation in operations:
        field, nested, value = _operation(entity, operation)
        if nested:
            continue
        stored = _read(world, field, value)
        if not field.computed:
            changed[field.name] = stored
    return changed


def _operation(entity: Entity, operation: Any) -> tuple[Field, bool, Any]:
    if not isinstance(operation, dict) or not isinstance(operation.get("path"), str):
        raise bad_request("A PATCH operation is an object with op, path and value.")
    op = operation.get("op")
    if op not in ("add", "replace", "remove"):
        raise bad_request(f"'{op}' is not a PATCH operation; add, replace and remove are.")
    path = operation["path"].removeprefix("/")
    name, _, below = path.partition("/")
    field = entity.fields.get(name)
    if field is None:
        raise bad_request(f"Could not find member '{path}' on object of type '{entity.type_name}'.")
    return field, bool(below), None if op == "remove" else operation.get("value")


def with_defaults(entity: Entity, record: Record) -> Record:
    """The record with every unset member that has a default set to it."""
    for field in entity.fields.values():
        if field.default is not None and record.get(field.name) is None:
            record[field.name] = field.default
    return record


def field_errors(world: World, entity: Entity, record: Record, version: Version) -> list[FieldError]:
    """Everything that is wrong with the fields of a record: missing, too long, pointing nowhere."""
    errors: list[FieldError] = []
    for field in entity.fields.values():
        value = record.get(field.name)
        if value is None or value == "":
            if field.required:
                errors.append(FieldError("MissingRequiredField", f"The {field.name} field is required.", field.name))
        elif field.kind is Kind.TEXT:
            errors += _length_errors(field, value, version)
        elif field.kind is Kind.REFERENCE:
            errors += _reference_errors(world, field, value)
        elif field.kind is Kind.REFERENCES:
            errors += [error for each in value for error in _reference_errors(world, field, each)]
    return errors


def _length_errors(field: Field, value: str, version: Version) -> list[FieldError]:
    limit = field.limit(version)
    if limit is None or len(value) <= limit:
        return []
    text = f"The field {field.name} must be a string with a maximum length of {limit}."
    return [FieldError("MaxLengthField", text, field.name)]


def _reference_errors(world: World, field: Field, value: Any) -> list[FieldError]:
    if isinstance(value, Missing):
        return [FieldError("NotFound", f"{field.name} {value.label} not found", f"{field.name}/id")]
    if isinstance(value, int) and field.target and world.store.get(field.target, value) is None:
        return [FieldError("NotFound", f"{field.name} {value} not found", f"{field.name}/id")]
    return []


def _read(world: World, field: Field, value: Any) -> Any:
    try:
        return stored_value(world, field, value)
    except TypeMismatch as mismatch:
        status = int(world.switches.wrong_type_status)
        message = f"Error converting value {exact_json.dumps(value)} to type '{mismatch}'. Path '{field.name}'."
        raise Refusal(status, "ConnectWiseApi", message) from None


def stored_value(world: World, field: Field, value: Any) -> Any:
    """A JSON value as the field keeps it; raises TypeMismatch when it is of another type."""
    if value is None:
        return None
    if field.kind is Kind.REFERENCE:
        return _reference(world, field, value)
    if field.kind is Kind.REFERENCES:
        if not isinstance(value, list):
            raise TypeMismatch("List")
        return [_reference(world, field, each) for each in value]
    return _SCALARS[field.kind](field, value)


def _integer(_: Field, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**31:
        raise TypeMismatch("System.Int32")
    return value


def _number(_: Field, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeMismatch("System.Double")
    number = Decimal(value)
    if abs(number) >= LARGEST_NUMBER:
        raise TypeMismatch("System.Decimal")
    return number


def _text(_: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeMismatch("System.String")
    return clean_text(value)


def clean_text(value: str) -> str:
    """Text as the PSA keeps it: line ends become spaces, a tab four of them, form feed and backspace vanish."""
    whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\r\n", "\n").translate(_TEXT_FOLDS)


def _flag(_: Field, value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeMismatch("System.Boolean")
    return value


def _word(field: Field, value: Any) -> str:
    if value not in field.words:
        raise TypeMismatch(field.name)
    return str(value)


def _day(_: Field, value: Any) -> str:
    """The day in UTC: a moment with an offset is shifted first, which is how a day can be lost."""
    if not isinstance(value, str):
        raise TypeMismatch("System.DateTime")
    try:
        moment = datetime.fromisoformat(value)
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date().isoformat()
    except (ValueError, OverflowError):
        raise TypeMismatch("System.DateTime") from None


def _list(field: Field, value: Any) -> list[Any]:
    objects = field.name == "customFields"
    if not isinstance(value, list) or (objects and not all(isinstance(each, dict) for each in value)):
        raise TypeMismatch("List")
    return value


_SCALARS = {
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.TEXT: _text,
    Kind.FLAG: _flag,
    Kind.WORD: _word,
    Kind.DAY: _day,
    Kind.LIST: _list,
}


def _reference(world: World, field: Field, value: Any) -> Any:
    """The id that a reference stands for; by identifier or name too (unconfirmed, accepted here)."""
    if not isinstance(value, dict):
        raise TypeMismatch(field.name)
    unknown = [name for name in value if name not in _REFERENCE_NAMES and name not in field.members]
    if unknown:
        raise bad_request(f"Could not find member '{unknown[0]}' on object of type '{field.name}'.")
    ident = value.get("id")
    if ident is not None:
        _integer(field, ident)
        return ident if field.target else _on_trust(field, value)
    if field.target is None:
        return Missing(exact_json.dumps(value))
    return _by_name(world, field.target, value)


def _on_trust(field: Field, value: Mapping[str, Any]) -> Record:
    return {"id": value["id"], "name": str(value.get("name") or f"{field.name} {value['id']}")}


def _by_name(world: World, target: str, value: Mapping[str, Any]) -> Any:
    for member in ("identifier", "name"):
        wanted = value.get(member)
        if isinstance(wanted, str):
            found = [row for row in world.store.all(target) if row.get(member) == wanted]
            return found[0]["id"] if found else Missing(f"'{wanted}'")
    return Missing("without an id")
