"""The canonical layout of a mapping or decisions file: keys in order, two spaces a level, comments and quotes kept.

What a file says is never changed: the new text is read again, and unless it holds the same values, comments, anchors
and aliases, the file is left as it is and a finding says so. The result is a fixed point: laid out again, it stays.
"""

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.resolver import VersionedResolver

from reconciler.config.reordering import in_order
from reconciler.config.source_text import SourceText
from reconciler.config.yaml_nodes import Bounds, Mapping, Node, Scalar, read_nodes
from reconciler.domain.finding import Finding, Place, Severity

_MOST_ROUNDS = 5
_NO_WIDTH = 1_000_000
_NULLS = ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A file's canonical text; `text` is None where there is none, and `findings` say why."""

    text: str | None
    findings: tuple[Finding, ...] = ()


def laid_out(source: SourceText, kind: Any, bounds: Bounds | None = None) -> LaidOut:
    """The canonical text of a file whose root is of a kind (a model of `models` or `decisions_model`)."""
    document = read_nodes(source, bounds or Bounds())
    if document.findings or document.doubles:
        return LaidOut(None, (*document.findings, *map(_double, document.doubles)))
    root = document.root
    if not isinstance(root, Mapping) or not root.members:
        return LaidOut(source.text)
    before = _meaning(source.text, root)
    # An alias may not stand above its anchor: where order would bring it there, keys stay as they are.
    for arranged in (lambda text: _ordered(text, kind), str):
        text = _settled(source.text, arranged)
        if text is None or _meaning_of(text) != before:
            continue
        if arranged is str and text != source.text:
            # What kept the keys from their order may be gone by now: `|+` on a text without blank lines, say.
            return laid_out(SourceText(source.name, text), kind, bounds)
        return LaidOut(text)
    return LaidOut(None, (_unsafe(source),))


def _ordered(text: str, kind: Any) -> str:
    root = _root(text)
    return text if root is None else in_order(SourceText("", text), root, kind)


def _settled(text: str, arranged: Callable[[str], str]) -> str | None:
    """The text laid out until it stays as it is; None where it cannot be, or never does."""
    for _ in range(_MOST_ROUNDS):
        try:
            spread = _once(arranged(text))
        except YAMLError:
            return None
        if spread is None or spread == text:
            return spread
        text = spread
    return None


def _once(text: str) -> str | None:
    root = _root(text)
    if root is None:
        return None
    sides = _comment_sides(text, root)
    written = _round_trip(text)
    again = _root(written)
    if again is None:
        return None
    return _aligned(written, again, sides)


def _root(text: str) -> Mapping | None:
    root = read_nodes(SourceText("", text), Bounds()).root
    return root if isinstance(root, Mapping) and root.members else None


class _AsWritten(VersionedResolver):
    """Takes every plain value as the text that it is: 0123, 1e3 and NO stay what was written."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        """The tag of a value: null, or text."""
        if kind.__name__ == "ScalarNode" and implicit and implicit[0]:
            return self._tag("null" if value in _NULLS else "str")
        return super().resolve(kind, value, implicit)

    @staticmethod
    def _tag(name: str) -> Any:
        from ruamel.yaml.tag import Tag  # noqa: PLC0415 -- its place differs between versions of ruamel

        return Tag(suffix=f"tag:yaml.org,2002:{name}")


def round_tripper() -> YAML:
    """ruamel's reader and writer with the canonical layout: comments and quotes kept, lines never folded."""
    tripper = YAML(typ="rt")
    tripper.Resolver = _AsWritten
    tripper.preserve_quotes = True
    tripper.width = _NO_WIDTH
    tripper.indent(mapping=2, sequence=4, offset=2)
    return tripper


def _round_trip(text: str) -> str:
    tripper = round_tripper()
    written = io.StringIO()
    tripper.dump(tripper.load(text), written)
    return written.getvalue()


# -- comments that fill a line


def _comment_sides(text: str, root: Node) -> list[str]:
    """For each comment that fills a line: whether it goes with what stands below it, or is a part of what stands above
    it (it is indented further than what follows).
    """
    lines = text.splitlines()
    held = _inside_values(root, lines)
    return [_side(lines, number) for number in _comment_lines(lines, held)]


def _comment_lines(lines: Sequence[str], held: set[int]) -> Iterator[int]:
    return (n for n, line in enumerate(lines, 1) if line.lstrip().startswith("#") and n not in held)


def _side(lines: Sequence[str], number: int) -> str:
    following = _content(lines[number:])
    own = _indent(lines[number - 1])
    if following is None:
        return "below" if own == 0 else "above"
    return "above" if own > _indent(following) and _content(lines[number - 2 :: -1] if number > 1 else []) else "below"


def _aligned(text: str, root: Node, sides: Sequence[str]) -> str:
    """The text with its full-line comments at the column of what they belong to, and single blank lines."""
    lines = [line.rstrip() for line in text.splitlines()]
    held = _inside_values(root, lines)
    numbers = list(_comment_lines(lines, held))
    if len(numbers) == len(sides):
        for number, side in zip(numbers, sides, strict=True):
            lines[number - 1] = " " * _column(lines, number, side) + lines[number - 1].lstrip()
    original = text.splitlines()
    kept = [
        original[n - 1] if n in held else line
        for n, line in enumerate(lines, 1)
        if line or n in held or (n > 1 and lines[n - 2])
    ]
    return "\n".join(kept).rstrip("\n") + "\n"


def _column(lines: Sequence[str], number: int, side: str) -> int:
    following = _content(lines[number:])
    if side == "below":
        return 0 if following is None else _indent(following)
    previous = _content(lines[number - 2 :: -1])
    return 0 if previous is None else _key_column(previous)


def _content(lines: Sequence[str]) -> str | None:
    return next((line for line in lines if line.strip() and not line.lstrip().startswith("#")), None)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _key_column(line: str) -> int:
    found = re.match(r" *(- +)*", line)
    return len(found[0]) if found else 0


def _inside_values(node: Node, lines: Sequence[str]) -> set[int]:
    """The lines that continue a value of several lines: nothing in them is a comment."""
    if isinstance(node, Scalar):
        return set(range(node.line + 1, _last_line(node, lines) + 1))
    inner = (value for _, value in node.members.values()) if isinstance(node, Mapping) else node.items
    return {line for value in inner for line in _inside_values(value, lines)}


def _last_line(node: Scalar, lines: Sequence[str]) -> int:
    """The last line of a value: blank lines behind a block of text are counted in, and mean nothing unless kept."""
    last = min(node.last_line, len(lines))
    while last > node.line and not lines[last - 1].strip() and not (node.text or "").endswith("\n\n"):
        last -= 1
    return last


# -- what must stay


def _meaning_of(text: str) -> Any:
    root = _root(text)
    return None if root is None else _meaning(text, root)


def _meaning(text: str, root: Node) -> tuple[Any, Counter[str]]:
    """What must be the same after as before: the values, and the comments, anchors and aliases, however they stand."""
    return _values(root), Counter(_marks(text))


def _values(node: Node) -> Any:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Mapping):
        return {name: _values(value) for name, (_, value) in node.members.items()}
    return [_values(item) for item in node.items]


def _marks(text: str) -> Iterator[str]:
    position = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        yield from _comments(text[position : token.start_mark.index])
        position = max(position, token.end_mark.index)
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken):
            yield f"{type(token).__name__} {token.value}"
    yield from _comments(text[position:])


def _comments(gap: str) -> Iterator[str]:
    return (line[line.index("#") :].rstrip() for line in gap.splitlines() if "#" in line)


def _double(double: tuple[Scalar, Scalar]) -> Finding:
    first, second = double
    return second.source.problem(
        "duplicate-key",
        f"a key stands here a second time; the first is in line {first.line}",
        second.line,
        second.column,
        "keep one of the two",
    )


def _unsafe(source: SourceText) -> Finding:
    return Finding(
        Severity.ERROR,
        "layout",
        "the file cannot be laid out without losing a comment or changing what it says; it is left as it is",
        where=Place(source.name),
        hint="write comments on lines of their own, and lists and mappings on lines of their own or in one line",
    )
