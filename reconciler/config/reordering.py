"""Puts the keys of a file's block mappings in order, line by line: what a line says is not touched.

A comment belongs to the key below it. What stands at the head of the file up to the first blank line (or right below a
line that speaks to an editor) stays at the head; what follows the last value stays at the end. Mappings in braces stay
as they are.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from reconciler.config.key_order import keys_in_order, kind_of_items, kind_of_member
from reconciler.config.source_text import SourceText
from reconciler.config.yaml_nodes import Mapping, Node, Scalar
from reconciler.config.yaml_nodes import Sequence as Items

_BEFORE_A_KEY = re.compile(r" *(- +)*")
_TO_THE_EDITOR = re.compile(r"#\s*(yaml-language-server|vim?|-\*-)\s*[:$]")


@dataclass(frozen=True, slots=True)
class _Part:
    """A key with its value: the comments and blank lines above it, and its own lines."""

    name: str
    above: list[str]
    lines: list[str]


def in_order(source: SourceText, root: Mapping, kind: Any) -> str:
    """The text with the keys of its mappings in the order of their kinds, and one blank line between its sections."""
    lines = [line.rstrip() for line in source.text.splitlines()]
    if _is_flow(root, lines):
        return source.text
    ordering = _Ordering(lines)
    first = next(iter(root.members.values()))[0].line
    head, above = _head(lines[: first - 1])
    end = max(ordering.last(key, value) for key, value in root.members.values())
    parts = ordering.parts(root, kind, end)
    if parts is None:
        return source.text
    parts[0].above[:] = above
    body = _spaced(_sorted(parts, kind))
    return "\n".join([*head, *body, *lines[end:]]).strip("\n") + "\n"


@dataclass(frozen=True, slots=True)
class _Ordering:
    lines: list[str]

    def parts(self, node: Mapping, kind: Any, end: int) -> list[_Part] | None:
        """The parts of a block mapping as they stand, down to the line `end`; None where its keys do not each begin a
        line.
        """
        members = sorted(node.members.values(), key=lambda member: member[0].line)
        if not _each_begins_a_line([key for key, _ in members], self.lines):
            return None
        ends = [*(self.last(key, value) for key, value in members[:-1]), end]
        starts = [members[0][0].line, *(end + 1 for end in ends[:-1])]
        return [
            _Part(
                key.text or "",
                self.lines[start - 1 : key.line - 1],
                self._member(key, value, end, kind_of_member(kind, key.text or "")),
            )
            for (key, value), start, end in zip(members, starts, ends, strict=True)
        ]

    def last(self, key: Scalar, value: Node) -> int:
        """The last line of a member, with the comments below it that are indented further than its key.

        An alias's value stands further up: only its key counts.
        """
        end = max(key.last_line, value.last_line) if value.line >= key.line else key.last_line
        while end > key.line and not self.lines[end - 1]:
            end -= 1
        last = end
        for number, line in enumerate(self.lines[end:], end + 1):
            if (line and not line.startswith(" " * key.column)) or line.lstrip()[:1] not in ("", "#"):
                break
            last = number if line else last
        return last

    def _member(self, key: Scalar, value: Node, end: int, kind: Any) -> list[str]:
        if value.line <= key.line:
            return self.lines[key.line - 1 : end]
        return [*self.lines[key.line - 1 : value.line - 1], *self._value(value, end, kind)]

    def _value(self, node: Node, end: int, kind: Any) -> list[str]:
        """The lines of a value from its own first line to `end`."""
        if isinstance(node, Scalar) or _is_flow(node, self.lines):
            return self.lines[node.line - 1 : end]
        if isinstance(node, Mapping):
            return self._mapping(node, end, kind)
        return self._items(node, end, kind)

    def _items(self, node: Items, end: int, kind: Any) -> list[str]:
        lines: list[str] = []
        standing = node.line
        for item in node.items:
            if item.line < standing:
                return self.lines[node.line - 1 : end]
            lines += self.lines[standing - 1 : item.line - 1]
            lines += self._value(item, item.last_line, kind_of_items(kind))
            standing = item.last_line + 1
        return [*lines, *self.lines[standing - 1 : end]]

    def _mapping(self, node: Mapping, end: int, kind: Any) -> list[str]:
        parts = self.parts(node, kind, end) if node.members else None
        if parts is None:
            return self.lines[node.line - 1 : end]
        before = _BEFORE_A_KEY.match(parts[0].lines[0])
        # The dash of a list's item belongs to whichever key comes first.
        dash = before[0] if before else ""
        indent = " " * len(dash)
        parts[0].lines[0] = indent + parts[0].lines[0][len(dash) :]
        ordered = _sorted(parts, kind)
        ordered[0].lines[0] = dash + ordered[0].lines[0][len(dash) :]
        above = [line for line in ordered[0].above if line]
        return [*above, *ordered[0].lines, *(line for part in ordered[1:] for line in (*part.above, *part.lines))]


def _sorted(parts: Iterable[_Part], kind: Any) -> list[_Part]:
    order = {name: number for number, name in enumerate(keys_in_order(kind))}
    # Keys that no model knows are mistakes; they stand at the end as they were written.
    return sorted(parts, key=lambda part: order.get(part.name, len(order)))


def _each_begins_a_line(keys: Sequence[Scalar], lines: Sequence[str]) -> bool:
    first, *others = keys
    return (
        bool(_BEFORE_A_KEY.fullmatch(lines[first.line - 1][: first.column - 1]))
        and all(not lines[key.line - 1][: key.column - 1].strip() for key in others)
        and all(one.line < other.line for one, other in pairwise(keys))
    )


def _is_flow(node: Node, lines: Sequence[str]) -> bool:
    return lines[node.line - 1][node.column - 1 : node.column] in ("{", "[")


def _head(lines: list[str]) -> tuple[list[str], list[str]]:
    """What stays at the head of the file, and what belongs to its first key."""
    if lines and _TO_THE_EDITOR.match(lines[0]):
        return lines, []
    cut = max((number for number, line in enumerate(lines, 1) if not line), default=0)
    return lines[:cut], lines[cut:]


def _spaced(parts: Sequence[_Part]) -> list[str]:
    """Sections one behind the other, with a blank line between them wherever one of the two is longer than a line."""
    lines: list[str] = []
    for number, part in enumerate(parts):
        above = list(part.above)
        had_blank = bool(above) and not above[0]
        while above and not above[0]:
            above.pop(0)
        long = len(part.lines) > 1 or (number and len(parts[number - 1].lines) > 1)
        if number and (had_blank or long):
            lines.append("")
        lines += [*above, *part.lines]
    return lines
