"""What a model refuses, in the user's words and at the key or value that is meant."""

import re
from collections.abc import Iterator
from collections.abc import Sequence as Items
from difflib import get_close_matches
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from reconciler.config.fields import listed
from reconciler.config.part import Part
from reconciler.config.source_text import redacted
from reconciler.config.yaml_nodes import Mapping, Node, Scalar, Sequence
from reconciler.domain.finding import Finding

_LONGEST_SHOWN = 60
_MANY = 200
_CHOICES = re.compile(r"'([^']*)'")
_BUILT_IN = {
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def did_you_mean(word: str, known: Items[str]) -> str | None:
    """The hint for a word that is not known: the closest one that is, or all of them where they are few."""
    return near_word(word, known) or (f"known: {', '.join(sorted(known))}" if 0 < len(known) <= 12 else None)


def near_word(word: str, known: Items[str]) -> str | None:
    """The hint for a word whose choices the message already lists."""
    if len(known) > _MANY:
        # Comparing with thousands of names takes longer than the hint is worth: those that begin alike will do.
        known = [name for name in known if name[:2].lower() == word[:2].lower()][:_MANY]
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(word.lower()[:80], list(by_lower), n=1, cutoff=0.6)
    return f"did you mean '{by_lower[near[0]]}'?" if near else None


def model_findings(error: ValidationError, model: type[Part], node: Node, what: str) -> Iterator[Finding]:
    """The findings for one entry that its model refused. `what` names the entry in the messages."""
    errors = error.errors(include_url=False, include_input=False)
    not_available = {
        row["loc"][:-1] for row in errors if row["type"] == "not-available" and row["loc"][-1:] == ("type",)
    }
    for row in errors:
        # Of a type that this version does not read, the other fields are not judged: they are another model's.
        if row["loc"][:-1] in not_available and row["type"] != "not-available":
            continue
        yield _finding(row, model, node, what)


def shown(node: Node | None) -> str:
    """A node's value for a message: as it was written, never what a variable held, and never a secret."""
    if isinstance(node, Mapping):
        return "a mapping" if node.members else "an empty mapping"
    if isinstance(node, Sequence):
        return "a list" if node.items else "an empty list"
    if node is None or node.text is None:
        return "nothing"
    if node.source.hides(node.line, node.column):
        return "a value that is not shown"
    return f"'{_short(redacted(node.text))}'" if node.text.strip() else "an empty text"


def _finding(row: Any, model: type[Part], node: Node, what: str) -> Finding:
    loc: tuple[str | int, ...] = row["loc"]
    kind: str = row["type"]
    context: dict[str, Any] = row.get("ctx", {})
    if loc and loc[-1] == "[key]":
        return _unknown_word(loc[:-1], node, what, _CHOICES.findall(context.get("expected", "")))
    if kind == "extra_forbidden":
        return _unknown_key(loc, model, node, what)
    if kind == "missing":
        return _missing(loc, model, node, what)
    return _unfit(loc, kind, context, node, what)


def _unknown_key(loc: tuple[str | int, ...], model: type[Part], node: Node, what: str) -> Finding:
    name = str(loc[-1])
    part = _part(model, loc[:-1])
    key, _ = _key_and_value(node, loc)
    hint = did_you_mean(name, part.key_names())
    where = what if len(loc) == 1 else f"{_path(loc[:-1])} of {what}"
    return key.source.problem("unknown-key", f"'{_short(name)}' is not a key of {where}", key.line, key.column, hint)


def _unknown_word(loc: tuple[str | int, ...], node: Node, what: str, known: list[str]) -> Finding:
    name = str(loc[-1])
    key, _ = _key_and_value(node, loc)
    message = f"'{_short(name)}' is not one of the {_path(loc[:-1])} that {what} can have"
    return key.source.problem("unknown-key", message, key.line, key.column, did_you_mean(name, known))


def _missing(loc: tuple[str | int, ...], model: type[Part], node: Node, what: str) -> Finding:
    name = str(loc[-1])
    holder = _reached(node, loc[:-1])
    where = what if len(loc) == 1 else f"{_path(loc[:-1])} of {what}"
    return holder.source.problem(
        "missing-key", f"{where} has no '{name}'", holder.line, holder.column, _example(_part(model, loc[:-1]), name)
    )


def _unfit(loc: tuple[str | int, ...], kind: str, context: dict[str, Any], node: Node, what: str) -> Finding:
    value, loc = _walked(node, loc)
    choices = _CHOICES.findall(context.get("expected", "")) if kind == "enum" else context.get("known", [])
    wanted = context.get("what") or _BUILT_IN.get(kind) or listed(choices) or "something else"
    hint = context.get("hint") or None
    if choices and isinstance(value, Scalar) and value.text:
        hint = near_word(value.text, choices) or hint
    place = _path(loc)
    subject = f"'{place}' of {what}" if place else what
    not_what = "" if kind in ("not-available", "literal-secret") else _but(value)
    code = {"enum": "choice"}.get(kind, kind if kind in ("choice", "not-available", "literal-secret") else "type")
    return value.source.problem(code, f"{subject} expects {wanted}{not_what}", value.line, value.column, hint)


def _but(value: Node) -> str:
    empty = isinstance(value, Scalar) and value.text is None
    return ", and has no value" if empty else f", not {shown(value)}"


def _example(part: type[Part], name: str) -> str | None:
    field = part.model_fields.get(name)
    example = field.examples[0] if field and field.examples else None
    return f"for example: {name}: {example}" if isinstance(example, str | int) else None


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}…"


def _path(loc: tuple[str | int, ...]) -> str:
    """`changes.decrease`, `motions[2]` as people count."""
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _reached(node: Node, loc: tuple[str | int, ...]) -> Node:
    return _walked(node, loc)[0]


def _walked(node: Node, loc: tuple[str | int, ...]) -> tuple[Node, tuple[str | int, ...]]:
    """The node at a path, or the last one on the way to it, and the part of the path that leads there."""
    for depth, part in enumerate(loc):
        inner = _step(node, part)
        if inner is None:
            return node, loc[:depth]
        node = inner
    return node, loc


def _step(node: Node, part: str | int) -> Node | None:
    if isinstance(node, Mapping):
        return node.get(str(part))
    if isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
        return node.items[part]
    return None


def _key_and_value(node: Node, loc: tuple[str | int, ...]) -> tuple[Scalar, Node]:
    holder = _reached(node, loc[:-1])
    if not isinstance(holder, Mapping):
        raise TypeError("a key was refused where there is no mapping")
    return holder.members[str(loc[-1])]


def _part(model: type[Part], loc: tuple[str | int, ...]) -> type[Part]:
    """The model that describes the place a path leads to."""
    annotation: Any = model
    for part in loc:
        if isinstance(annotation, type) and issubclass(annotation, Part):
            annotation = annotation.field_type(str(part))
        elif get_origin(annotation) in (list, tuple, dict):
            annotation = get_args(annotation)[-1]
        annotation = _bare(annotation)
    return annotation if isinstance(annotation, type) and issubclass(annotation, Part) else model


def _bare(annotation: Any) -> Any:
    """The type inside Annotated and beside None."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    kinds = [_bare(kind) if get_origin(kind) is Annotated else kind for kind in get_args(annotation)]
    inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    is_union = get_origin(annotation) not in (None, list, tuple, dict)
    return inner[0] if is_union and inner else annotation
