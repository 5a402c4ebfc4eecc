"""A condition's tree turned into a test of records.

As in SQL, a comparison with an unset member holds neither way round but for `= null` and `!= null`, and text
compares without regard to letter case (both inferred).
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from reconciler.sandbox.connectwise.conditions import Comparison, Expression, Joined, Moment, Value
from reconciler.sandbox.connectwise.errors import bad_condition
from reconciler.sandbox.connectwise.tables import Entity, Kind
from reconciler.sandbox.connectwise.world import World
from reconciler.sandbox.store import Record

Test = Callable[[Record], bool]
Getter = Callable[[Record], Any]

_COMPARERS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda found, wanted: found == wanted,
    "!=": lambda found, wanted: found != wanted,
    "<": lambda found, wanted: found < wanted,
    "<=": lambda found, wanted: found <= wanted,
    ">": lambda found, wanted: found > wanted,
    ">=": lambda found, wanted: found >= wanted,
}


def record_test(tree: Expression, entity: Entity, world: World) -> Test:
    """The test that a condition stands for; raises Refusal for a name or value the entity does not have."""
    if isinstance(tree, Joined):
        parts = [record_test(part, entity, world) for part in tree.parts]
        together = all if tree.word == "and" else any
        return lambda record: together(part(record) for part in parts)
    getter, kind, words = resolve(tree.path, entity, world)
    return _value_test(tree, getter, kind, words, world)


def element_test(tree: Expression, entity: Entity, world: World, array: str | None = None) -> Test:
    """A test of records by the elements of an array: it holds when one element fulfils the whole condition.

    `array` is the member that holds them (`customFields`); None takes it from the first name of the paths.
    """
    written = array or _first_name(tree)
    name = entity.by_name.get(written.lower())
    field = entity.fields[name] if name else None
    if field is None or field.kind not in (Kind.LIST, Kind.REFERENCES):
        raise bad_condition(f"{written} is not a recognized name.")
    skip = 0 if array else 1

    def holds(record: Record) -> bool:
        elements = record.get(field.name) or ()
        if field.kind is Kind.REFERENCES:
            elements = [world.reference(field, element) for element in elements]
        return any(isinstance(element, dict) and _element_holds(tree, element, skip) for element in elements)

    return holds


def resolve(path: tuple[str, ...], entity: Entity, world: World) -> tuple[Getter, Kind, tuple[str, ...]]:
    """How to read the member that a path names, its kind, and its words if it is an enumeration."""
    first = path[0].lower()
    if first in ("_info", "lastupdated"):
        return _info_getter(path), Kind.TEXT, ()
    name = entity.by_name.get(first)
    if name is None:
        raise _not_recognized(path)
    field = entity.fields[name]
    if field.kind in (Kind.LIST, Kind.REFERENCES):
        raise bad_condition(f"{'/'.join(path)} is a list; use childConditions or customFieldConditions.")
    if field.kind is Kind.REFERENCE:
        return _reference_getter(path, name, entity, world)
    if len(path) > 1:
        raise _not_recognized(path)
    if field.computed and name != "id":
        return (lambda record: world.computed(entity, record).get(name)), field.kind, field.words
    return (lambda record: record.get(name)), field.kind, field.words


def _not_recognized(path: tuple[str, ...]) -> Exception:
    return bad_condition(f"{'/'.join(path)} is not a recognized name.")


def _info_getter(path: tuple[str, ...]) -> Getter:
    member = {"lastupdated": "lastUpdated", "updatedby": "updatedBy", "dateentered": "dateEntered"}.get(
        path[-1].lower()
    )
    if member is None or len(path) > 2:
        raise _not_recognized(path)
    return lambda record: (record.get("_info") or {}).get(member)


def _reference_getter(
    path: tuple[str, ...], name: str, entity: Entity, world: World
) -> tuple[Getter, Kind, tuple[str, ...]]:
    field = entity.fields[name]
    if len(path) == 1:
        return (lambda record: record.get(name)), Kind.REFERENCE, ()
    members = {member.lower(): member for member in field.members}
    member = members.get(path[1].lower())
    if member is None or len(path) > 2:
        raise _not_recognized(path)
    kind = Kind.INTEGER if member == "id" else Kind.FLAG if member.startswith("is") else Kind.TEXT
    return (lambda record: world.reference(field, record.get(name)).get(member)), kind, ()


def _value_test(tree: Comparison, getter: Getter, kind: Kind, words: tuple[str, ...], world: World) -> Test:
    operator = tree.operator
    if tree.values == (None,) and operator in ("=", "!="):
        return lambda record: (getter(record) is None) == (operator == "=")
    if operator in ("contains", "like"):
        return _pattern_test(tree, getter, kind)
    wanted = [_comparable(value, kind, words, tree) for value in tree.values]
    if operator == "in":
        return lambda record: _among(_found(getter(record), kind), wanted, negated=tree.negated)
    if operator == ">=" and _is_today(tree.values[0], kind, world) and world.switches.today_comparison == "exclusive":
        return lambda _: False
    compare = _COMPARERS[operator]

    def holds(record: Record) -> bool:
        found = _found(getter(record), kind)
        return found is not None and compare(found, wanted[0])

    return holds


def _is_today(value: Value, kind: Kind, world: World) -> bool:
    return kind is Kind.DAY and isinstance(value, Moment) and value.text.startswith(world.today.isoformat())


def _among(found: Any, wanted: list[Any], *, negated: bool) -> bool:
    return found is not None and (found in wanted) != negated


def _found(value: Any, kind: Kind) -> Any:
    """A stored value in the form in which it compares."""
    if value is None or isinstance(value, bool):
        return value
    if kind is Kind.DAY:
        return f"{value}T00:00:00Z"
    if isinstance(value, str):
        return value.casefold()
    return value


def _comparable(value: Value, kind: Kind, words: tuple[str, ...], tree: Comparison) -> Any:
    """A condition's value in the form in which the member compares; refused when it is of another type."""
    path = "/".join(tree.path)
    if kind is Kind.REFERENCE:
        raise bad_condition(f"{path} is a reference; compare {path}/id.")
    if kind in (Kind.INTEGER, Kind.NUMBER) and isinstance(value, Decimal):
        return value
    if kind is Kind.FLAG and isinstance(value, bool):
        return value
    if isinstance(value, Moment) and kind in (Kind.DAY, Kind.TEXT):
        return value.text if kind is Kind.DAY else value.text.casefold()
    if kind is Kind.WORD and isinstance(value, str):
        if value.casefold() not in {word.casefold() for word in words}:
            raise bad_condition("Enum value supplied was invalid")
        return value.casefold()
    if kind is Kind.TEXT and isinstance(value, str):
        return value.casefold()
    raise bad_condition(f"The value does not fit {path}.")


def _pattern_test(tree: Comparison, getter: Getter, kind: Kind) -> Test:
    wanted = tree.values[0]
    if kind not in (Kind.TEXT, Kind.WORD) or not isinstance(wanted, str):
        raise bad_condition(f"{tree.operator} does not fit {'/'.join(tree.path)}.")
    pattern = _pattern(wanted, tree.operator)

    def holds(record: Record) -> bool:
        found = getter(record)
        return found is not None and (pattern.fullmatch(str(found).casefold()) is None) == tree.negated

    return holds


def _pattern(text: str, operator: str) -> re.Pattern[str]:
    """`*` and `%` stand for anything, `[[]` for a bracket."""
    folded = text.casefold()
    around = folded if operator == "like" else f"*{folded}*"
    pieces = re.split(r"(\[\[\]|[*%])", around)
    made = "".join({"[[]": r"\[", "*": ".*", "%": ".*"}.get(piece) or re.escape(piece) for piece in pieces)
    return re.compile(made, re.DOTALL)


def _first_name(tree: Expression) -> str:
    names = {comparison.path[0] for comparison in _comparisons(tree)}
    if len(names) != 1:
        raise bad_condition("childConditions speak of one list at a time.")
    return names.pop()


def _comparisons(tree: Expression) -> list[Comparison]:
    if isinstance(tree, Comparison):
        return [tree]
    return [comparison for part in tree.parts for comparison in _comparisons(part)]


def _element_holds(tree: Expression, element: dict[str, Any], skip: int) -> bool:
    if isinstance(tree, Joined):
        together = all if tree.word == "and" else any
        return together(_element_holds(part, element, skip) for part in tree.parts)
    found: Any = element
    for name in tree.path[skip:]:
        found = found.get(name) if isinstance(found, dict) else None
    return _loose_test(tree, found)


def _loose_test(tree: Comparison, found: Any) -> bool:
    """An array's elements have no field table: the value's own type decides."""
    wanted = tree.values[0]
    if wanted is None:
        return (found is None) == (tree.operator == "=")
    if found is None:
        return False
    if tree.operator in ("contains", "like"):
        return (_pattern(str(wanted), tree.operator).fullmatch(str(found).casefold()) is None) == tree.negated
    folded = found.casefold() if isinstance(found, str) else found
    values = [value.casefold() if isinstance(value, str) else value for value in tree.values]
    if tree.operator == "in":
        return _among(folded, values, negated=tree.negated)
    comparable = isinstance(folded, str) == isinstance(values[0], str) and not isinstance(values[0], Moment)
    if not comparable and tree.operator not in ("=", "!="):
        return False
    return _COMPARERS[tree.operator](Decimal(folded) if isinstance(folded, int) else folded, values[0])
