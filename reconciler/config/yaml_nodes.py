"""YAML as nodes that remember their place: the one reader of every mapping file.

It takes PyYAML's stream of events (libyaml's where it is there) and builds nodes itself, for three reasons. Every value
keeps its line and column. Every scalar stays text: `NO`, `12:30`, `0123` and `1e3` are what was written, and the models
decide what a field takes. And what makes YAML dangerous or surprising is refused as it is met, before anything grows:
tags, merge keys, duplicate keys, deep nesting, aliases that expand beyond a bound.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import yaml

from reconciler.config.source_text import SourceText, names_a_secret
from reconciler.config.yaml_problems import syntax_problem
from reconciler.domain.finding import Finding


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a mapping repository may hold: `bytes` in all files together, `nodes` (keys, values, lists, mappings) in
    one file, `expanded` nodes that the aliases of one file repeat, and `files`.
    """

    bytes: int = 16 * 1024 * 1024
    nodes: int = 1_000_000
    depth: int = 40
    expanded: int = 10_000
    files: int = 1_000


# Nodes are made by the hundred thousand, and a frozen dataclass takes four times as long to make: these are not.
@dataclass(slots=True, eq=False)
class Scalar:
    """One value: its text as written (None: left empty, `~` or `null`) and its place; lines and columns from 1."""

    source: SourceText
    line: int
    column: int
    last_line: int
    text: str | None


@dataclass(slots=True, eq=False)
class Sequence:
    """A list of nodes."""

    source: SourceText
    line: int
    column: int
    last_line: int
    items: "list[Node]" = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Mapping:
    """Keys in the order of the file, each with its own node and its value's."""

    source: SourceText
    line: int
    column: int
    last_line: int
    members: "dict[str, tuple[Scalar, Node]]" = field(default_factory=dict)

    def get(self, name: str) -> "Node | None":
        """The value of a key, or None."""
        member = self.members.get(name)
        return member[1] if member else None


Node = Scalar | Sequence | Mapping

_NULLS = ("", "~", "null", "Null", "NULL")
_TAB = re.compile(r"^[^#'\"\n\t]*\t", re.MULTILINE)
_TABS_TOLD = 20
_TEXT_OF_ONE = 64
# What YAML calls unprintable; further line separators, by which editors and parsers count lines differently; and the
# controls that reorder text, with which a line reads differently from what it says.
_REFUSED = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Stop(Exception):
    """The rest of the file cannot be read; carries the finding that says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """What a file holds: its root (None where it is empty or cannot be read), what is wrong with its YAML, and its keys
    that stand twice, each with the first of them. Findings carry no excerpt yet, and doubles are no findings yet: what
    may be shown of a file is known only when all of it is read.
    """

    root: Node | None
    findings: tuple[Finding, ...] = ()
    doubles: tuple[tuple[Scalar, Scalar], ...] = ()


def read_nodes(source: SourceText, bounds: Bounds) -> Document:
    """Reads a file's text as YAML."""
    document = _read(source, bounds)
    source.is_read = document.root is not None
    return document


def _read(source: SourceText, bounds: Bounds) -> Document:
    findings = tuple(_characters(source))
    if findings:
        return Document(None, findings)
    builder = _Builder(source, bounds)
    try:
        builder.read(_events(source.text))
    except _Stop as stop:
        return Document(None, (*builder.findings, stop.finding))
    except yaml.YAMLError as error:
        return Document(None, (*builder.findings, syntax_problem(source, error)))
    return Document(builder.document, tuple(builder.findings), tuple(builder.doubles))


def position(text: str, index: int) -> tuple[int, int]:
    """The line and column (from 1) of a character of a text."""
    line = text.count("\n", 0, index) + 1
    return line, index - (text.rfind("\n", 0, index) + 1) + 1


def _characters(source: SourceText) -> Iterator[Finding]:
    for found in _REFUSED.finditer(source.text):
        line, column = position(source.text, found.start())
        yield source.problem(
            "character",
            f"the character U+{ord(found[0]):04X} stands here; it is invisible and does not belong in a mapping file",
            line,
            column,
            'delete it; where it is meant, write it escaped in double quotes, as in "\\u2028"',
        )
        return
    if "\t" in source.text:
        for found in islice(_TAB.finditer(source.text), _TABS_TOLD):
            line, column = position(source.text, found.end() - 1)
            yield source.problem("tab", "a tab stands here; YAML is laid out with spaces", line, column, "use spaces")


def _events(text: str) -> Callable[[], Any]:
    if yaml.__with_libyaml__:
        from yaml import CSafeLoader  # noqa: PLC0415 -- it is there only where libyaml is

        parser: Any = CSafeLoader(text)
    else:
        parser = yaml.SafeLoader(text)
    # Only events are taken from it: nothing of the loader's own constructs anything.
    next_event: Callable[[], Any] = parser.get_event
    return next_event


@dataclass(slots=True, eq=False)
class _Open:
    """A list or mapping being read: how many nodes it holds so far, and the key that waits for its value."""

    node: Sequence | Mapping
    anchor: str | None
    flow: bool
    size: int = 1
    key: Scalar | None = None


@dataclass(eq=False)
class _Builder:
    source: SourceText
    bounds: Bounds
    document: Node | None = None
    findings: list[Finding] = field(default_factory=list)
    _stack: list[_Open] = field(default_factory=list)
    _anchors: dict[str, tuple[Node, int]] = field(default_factory=dict)
    doubles: list[tuple[Scalar, Scalar]] = field(default_factory=list)
    _nodes: int = 0
    _expanded: int = 0
    _documents: int = 0

    def read(self, next_event: Callable[[], Any]) -> None:
        """Builds the document from events. Raises _Stop or yaml.YAMLError."""
        steps: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._open_mapping,
            yaml.SequenceStartEvent: self._open_sequence,
            yaml.MappingEndEvent: self._close,
            yaml.SequenceEndEvent: self._close,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }
        while (event := next_event()) is not None:
            step = steps.get(type(event))
            if step:
                step(event)

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise self._stop(
                "documents", "a second document begins here", event, "keep one document a file; use include"
            )

    def _scalar(self, event: Any) -> None:
        if event.tag is not None:
            self._refuse_tag(event)
        start, end, text = event.start_mark, event.end_mark, event.value
        # A plain scalar that spells null, and only that, is nothing; in quotes it is the text.
        value = None if event.implicit[0] and text in _NULLS else text
        last_line = end.line + 1 if end.column or end.line == start.line else end.line
        node = Scalar(self.source, start.line + 1, start.column + 1, last_line, value)
        if event.anchor is not None:
            # A long text that is repeated takes its time too: it counts as several.
            self._anchors[event.anchor] = (node, 1 + len(text) // _TEXT_OF_ONE)
        self._count(event)
        self._add(node, 1)

    def _open_mapping(self, event: Any) -> None:
        self._open(event, Mapping(self.source, *_start(event)))

    def _open_sequence(self, event: Any) -> None:
        self._open(event, Sequence(self.source, *_start(event)))

    def _open(self, event: Any, node: Sequence | Mapping) -> None:
        if event.tag is not None:
            self._refuse_tag(event)
        self._count(event)
        if len(self._stack) >= self.bounds.depth:
            raise self._stop(
                "depth", f"more than {self.bounds.depth} levels deep", event, "no mapping needs that: look for a slip"
            )
        if event.anchor is not None:
            # An alias inside its own anchor would never end: until the anchor is whole, its name stands for nothing.
            self._anchors.pop(event.anchor, None)
        self._stack.append(_Open(node, event.anchor, bool(event.flow_style)))

    def _close(self, event: Any) -> None:
        done = self._stack.pop()
        node = done.node
        if done.flow:
            node.last_line = event.end_mark.line + 1
        if done.anchor is not None:
            self._anchors[done.anchor] = (node, done.size)
        self._add(node, done.size)

    def _alias(self, event: Any) -> None:
        known = self._anchors.get(event.anchor)
        line, column, _ = _start(event)
        if known is None:
            # The name is not repeated: a secret that begins with a star reads as an alias.
            self._problem(
                "alias",
                "this alias names no anchor above it",
                event,
                "a text that begins with * needs quotes; an anchor is written &name, before its alias",
            )
            known = Scalar(self.source, line, column, line, None), 1
        node, size = known
        self._expanded += size
        if self._expanded > self.bounds.expanded:
            raise self._stop(
                "alias-bound",
                f"aliases repeat more than {self.bounds.expanded} values by this line",
                event,
                "write the values out, or split the file with include",
            )
        top = self._stack[-1] if self._stack else None
        if top and top.key and names_a_secret(top.key.text or ""):
            self.source.mask(line, column, line)
        self._add(node, size)

    def _add(self, node: Node, size: int) -> None:
        if not self._stack:
            self.document = node
            return
        top = self._stack[-1]
        top.size += size
        holder = top.node
        holder.last_line = max(holder.last_line, node.last_line)
        if isinstance(holder, Sequence):
            holder.items.append(node)
        elif top.key is None:
            top.key = self._key(node)
        else:
            self._pair(holder, top.key, node)
            top.key = None

    def _key(self, node: Node) -> Scalar:
        if isinstance(node, Scalar) and node.text is not None:
            if node.text == "<<":
                self._at(node, "merge-key", "merge keys (<<) are not read", "write the members out")
            return node
        found = "nothing" if isinstance(node, Scalar) else "a list or a mapping"
        self._at(node, "key", f"a key is text; this one is {found}", "put a name before the colon")
        return Scalar(node.source, node.line, node.column, node.last_line, None)

    def _pair(self, holder: Mapping, key: Scalar, value: Node) -> None:
        name = key.text
        if name is None or name == "<<":
            return
        if names_a_secret(name):
            value.source.mask(value.line, value.column, value.last_line)
        first = holder.members.get(name)
        if first is None:
            holder.members[name] = key, value
        else:
            self.doubles.append((first[0], key))

    def _count(self, event: Any) -> None:
        self._nodes += 1
        if self._nodes > self.bounds.nodes:
            raise self._stop(
                "size", f"the file holds more than {self.bounds.nodes:,} values", event, "split it with include"
            )

    def _refuse_tag(self, event: Any) -> None:
        self._problem(
            "tag", "tags (!) are not read", event, "leave the tag out; a text that begins with ! needs quotes"
        )

    def _problem(self, code: str, message: str, event: Any, hint: str) -> None:
        line, column, _ = _start(event)
        self.findings.append(self.source.problem(code, message, line, column, hint))

    def _at(self, node: Node, code: str, message: str, hint: str) -> None:
        self.findings.append(self.source.problem(code, message, node.line, node.column, hint))

    def _stop(self, code: str, message: str, event: Any, hint: str) -> _Stop:
        line, column, _ = _start(event)
        return _Stop(self.source.problem(code, message, line, column, hint))


def _start(event: Any) -> tuple[int, int, int]:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1, mark.line + 1
