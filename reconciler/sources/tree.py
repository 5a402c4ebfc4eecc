"""YAML, JSON and JSON Lines as one kind of tree: every scalar is text as it was written, every member knows its line.

No YAML scalar is resolved (`NO` stays text, `12.10` keeps its zero, no binary float arises), and what could make a
document mean more than it shows is refused: repeated names, tags, anchors and aliases, deep nesting.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, TypeAlias, Union

MOST_DEPTH = 40

_BLANK = re.compile(r"[ \t\r\n]*")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})

Spot: TypeAlias = tuple[int, int | None]
Node: TypeAlias = Union["Members", "Items", str, None]


class Members(dict[str, Node]):
    """A mapping: values by name, where it begins, and where each member's name stands (line, column from 1)."""

    __slots__ = ("at", "spots")

    def __init__(self, at: Spot) -> None:
        super().__init__()
        self.at = at
        self.spots: dict[str, Spot] = {}


class Items(list[Node]):
    """A list, where it begins, and where each item stands."""

    __slots__ = ("at", "spots")

    def __init__(self, at: Spot) -> None:
        super().__init__()
        self.at = at
        self.spots: list[Spot] = []


class Malformed(ValueError):
    """A text that is no document of its kind: what is wrong, and where (line, column from 1)."""

    def __init__(self, message: str, at: Spot) -> None:
        super().__init__(message)
        self.at = at


def yaml_documents(text: str) -> list[Node]:
    """The documents of a YAML text (several where `---` divides them). Raises Malformed."""
    import yaml  # noqa: PLC0415 -- a tenth of a second that CSV files need not pay

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return list(_YamlBuilder(yaml.parse(text, Loader=loader)).documents())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = (mark.line + 1, mark.column + 1) if mark else (1, None)
        raise Malformed(f"this is not YAML: {error.problem or error.context}", at) from None
    except yaml.YAMLError as error:
        reason = getattr(error, "reason", "it cannot be read")
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise Malformed(f"this is not YAML: {reason}", (line, None)) from None


class _YamlBuilder:
    """Builds trees from the parser's events, which is several times faster than the library's own nodes."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events

    def documents(self) -> Iterator[Node]:
        for event in self._events:
            if type(event).__name__ == "DocumentStartEvent":
                yield self._node(next(self._events), 0)

    def _node(self, event: Any, depth: int) -> Node:
        mark = event.start_mark
        at = (mark.line + 1, mark.column + 1)
        kind = type(event).__name__
        if kind == "AliasEvent" or getattr(event, "anchor", None):
            raise Malformed("anchors and aliases are not read here; write the value out", at)
        if getattr(event, "tag", None):
            raise Malformed(f"the tag {event.tag} is not read here; write the plain value", at)
        if depth > MOST_DEPTH:
            raise Malformed(f"the document is nested deeper than {MOST_DEPTH} levels", at)
        if kind == "MappingStartEvent":
            return self._mapping(at, depth)
        if kind == "SequenceStartEvent":
            return self._sequence(at, depth)
        text: str = event.value
        return None if event.implicit[0] and text in _NULLS else text

    def _mapping(self, at: Spot, depth: int) -> Members:
        members = Members(at)
        while True:
            event = next(self._events)
            if type(event).__name__ == "MappingEndEvent":
                return members
            mark = event.start_mark
            spot = (mark.line + 1, mark.column + 1)
            name = self._node(event, depth + 1)
            if not isinstance(name, str):
                raise Malformed("a member's name must be a plain text", spot)
            if name in members:
                raise Malformed(f"'{name}' stands here twice; the first is in line {members.spots[name][0]}", spot)
            members.spots[name] = spot
            members[name] = self._node(next(self._events), depth + 1)

    def _sequence(self, at: Spot, depth: int) -> Items:
        items = Items(at)
        while True:
            event = next(self._events)
            if type(event).__name__ == "SequenceEndEvent":
                return items
            mark = event.start_mark
            items.spots.append((mark.line + 1, mark.column + 1))
            items.append(self._node(event, depth + 1))


def json_document(text: str) -> Node:
    """The one document of a JSON text. Raises Malformed."""
    return _JsonWalker(text).document()


def json_lines(text: str) -> Iterator[tuple[int, Node | Malformed]]:
    """The documents of a JSON Lines text, one a line, with their lines; what is malformed stands in its place."""
    for count, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield count, _JsonWalker(line, count).document()
            except Malformed as error:
                yield count, error


def _no_constant(name: str) -> str:
    raise Malformed(f"{name} is not a number that JSON knows", (1, None))


_SCALARS = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_no_constant)


class _JsonWalker:
    """Walks a JSON text and remembers where things stand, which the standard decoder does not tell."""

    def __init__(self, text: str, first_line: int = 1) -> None:
        self._text = text
        self._first_line = first_line
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def document(self) -> Node:
        node, end = self._node(self._skip(0), 0)
        end = self._skip(end)
        if end != len(self._text):
            raise Malformed("something follows after the end of the document", self._spot(end))
        return node

    def _spot(self, position: int) -> Spot:
        line = bisect_right(self._starts, position)
        return self._first_line + line - 1, position - self._starts[line - 1] + 1

    def _skip(self, position: int) -> int:
        found = _BLANK.match(self._text, position)
        return found.end() if found else position

    def _node(self, position: int, depth: int) -> tuple[Node, int]:
        sign = self._text[position : position + 1]
        if depth > MOST_DEPTH:
            raise Malformed(f"the document is nested deeper than {MOST_DEPTH} levels", self._spot(position))
        if sign == "{":
            return self._mapping(position, depth)
        if sign == "[":
            return self._sequence(position, depth)
        return self._scalar(position)

    def _scalar(self, position: int) -> tuple[str | None, int]:
        try:
            value, end = _SCALARS.raw_decode(self._text, position)
        except Malformed as error:
            raise Malformed(str(error), self._spot(position)) from None
        except json.JSONDecodeError as error:
            raise Malformed(f"this is not JSON: {error.msg}", self._spot(error.pos)) from None
        if isinstance(value, bool):
            return ("true" if value else "false"), end
        return value, end

    def _mapping(self, position: int, depth: int) -> tuple[Members, int]:
        members = Members(self._spot(position))
        position = self._skip(position + 1)
        while self._text[position : position + 1] != "}":
            spot = self._spot(position)
            if self._text[position : position + 1] != '"':
                raise Malformed("this is not JSON: a member's name in quotation marks is missing", spot)
            name, end = self._scalar(position)
            assert name is not None  # noqa: S101 -- it began with a quotation mark
            if name in members:
                raise Malformed(f"'{name}' stands here twice; the first is in line {members.spots[name][0]}", spot)
            position = self._skip(end)
            if self._text[position : position + 1] != ":":
                raise Malformed("this is not JSON: a colon is missing", self._spot(position))
            members.spots[name] = spot
            members[name], end = self._node(self._skip(position + 1), depth + 1)
            position = self._next(end, "}")
        return members, position + 1

    def _sequence(self, position: int, depth: int) -> tuple[Items, int]:
        items = Items(self._spot(position))
        position = self._skip(position + 1)
        while self._text[position : position + 1] != "]":
            items.spots.append(self._spot(position))
            item, end = self._node(position, depth + 1)
            items.append(item)
            position = self._next(end, "]")
        return items, position + 1

    def _next(self, position: int, closing: str) -> int:
        """The position of the next member or item, or of the closing bracket."""
        position = self._skip(position)
        sign = self._text[position : position + 1]
        if sign == closing:
            return position
        if sign != ",":
            what = "the text ends too early" if not sign else f"a comma or '{closing}' is missing"
            raise Malformed(f"this is not JSON: {what}", self._spot(position))
        following = self._skip(position + 1)
        if self._text[following : following + 1] in (closing, ""):
            raise Malformed("this is not JSON: a comma stands before the end", self._spot(position))
        return following
