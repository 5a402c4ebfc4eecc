"""New entries for a mapping file's lists, written behind those that stand there; nothing else of the file is touched.

Everything before and after the new lines stays byte for byte as it was, so comments, order and layout are kept by not
being touched. The result is read again: it must hold what it held, and the new entries behind it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.config.source_text import SourceText
from reconciler.config.yaml_nodes import Bounds, Node, Scalar, read_nodes
from reconciler.config.yaml_nodes import Mapping as Members
from reconciler.config.yaml_nodes import Sequence as Items

SECTIONS = ("customers", "products", "prices")
# What YAML takes for the text that it is, at the start of a value and inside of it, on one line.
_PLAIN = re.compile(r"[A-Za-z0-9][\w.()/'&+-]*( [\w.()/'&+-]+)*")
_NOT_TEXT = re.compile(r"(?!\d{4}-\d\d$)(null|true|false|yes|no|on|off|y|n|[0-9.+_ex-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stub:
    """An entry: the lines of the comment above it, and its members; a mapping among them stands below its key.

    `beside` are comments at the end of members, by their keys (of an inner mapping: `agreements.azure`); `below` are
    comment lines behind the members.
    """

    comment: tuple[str, ...]
    members: Mapping[str, Any]
    beside: Mapping[str, str] = field(default_factory=dict)
    below: tuple[str, ...] = ()


class NoPlace(Exception):
    """The entries cannot be added to this text; the message says why."""


def with_entries(text: str, section: str, stubs: Sequence[Stub]) -> str:
    """The text with the entries at the end of a section, which is begun where there is none. Raises NoPlace."""
    document = read_nodes(SourceText("", text), Bounds())
    root = document.root
    if document.findings or document.doubles or (root is not None and not isinstance(root, Members)):
        raise NoPlace("the file cannot be read as it is")
    standing = root.get(section) if isinstance(root, Members) else None
    written = _inserted(text, section, standing, root, stubs)
    if "\r\n" in text:
        written = written.replace("\n", "\r\n")
    before = _values(root) if isinstance(root, Members) else {}
    after = read_nodes(SourceText("", written), Bounds())
    wanted = {**before, section: [*(before.get(section) or []), *(_texts(stub.members) for stub in stubs)]}
    if after.findings or after.doubles or after.root is None or _values(after.root) != wanted:
        raise NoPlace(f"'{section}' is written in a way that nothing can be added to")
    return written


def _inserted(text: str, section: str, standing: Node | None, root: Node | None, stubs: Sequence[Stub]) -> str:
    lines = text.splitlines()
    if isinstance(standing, Items) and standing.items:
        indent = _indent_of_items(lines, standing)
        at = _last_line(standing, lines)
        return _joined([*lines[:at], *_entries(stubs, indent), *lines[at:]])
    if standing is None:
        at = _place(section, root, lines)
        above = [""] if at and lines[at - 1].strip() else []
        below = [""] if at < len(lines) else []
        return _joined([*lines[:at], *above, f"{section}:", *_entries(stubs, 2)[1:], *below, *lines[at:]])
    key = root.members[section][0] if isinstance(root, Members) else None
    at = key.line if key else 0
    rest = lines[at - 1].partition(f"{section}:")[2].strip()
    if rest and not re.fullmatch(r"(\[\s*\]|~|null)?\s*(#.*)?", rest):
        raise NoPlace(f"'{section}' is written in a way that nothing can be added to")
    comment = rest[rest.index("#") :] if "#" in rest else ""
    return _joined([*lines[: at - 1], f"{section}: {comment}".rstrip(), *_entries(stubs, 2)[1:], *lines[at:]])


def _place(section: str, root: Node | None, lines: Sequence[str]) -> int:
    """Behind which line a new section begins: above the first of those that come after it in order."""
    members = root.members if isinstance(root, Members) else {}
    later = SECTIONS[SECTIONS.index(section) + 1 :]
    at = min((members[name][0].line - 1 for name in later if name in members), default=len(lines))
    while 0 < at < len(lines) and lines[at - 1].startswith("#"):
        at -= 1
    return at


def _indent_of_items(lines: Sequence[str], items: Items) -> int:
    first = items.items[0]
    for number in range(first.line, items.line - 1, -1):
        line = lines[number - 1]
        if line.lstrip().startswith("-"):
            return len(line) - len(line.lstrip())
    raise NoPlace(
        "a list in brackets takes no new entries; write it with one '- ' a line (reconciler fmt keeps brackets)"
    )


def _last_line(items: Items, lines: Sequence[str]) -> int:
    """The last line of a list. An alias among its entries stands further up, and so does not count."""
    last = max(items.last_line, items.line)
    while last > items.line and not lines[last - 1].strip():
        last -= 1
    return last


def _entries(stubs: Iterable[Stub], indent: int) -> list[str]:
    """The lines of entries, a blank line before each."""
    margin = " " * indent
    lines: list[str] = []
    for stub in stubs:
        lines.append("")
        lines += [f"{margin}# {line}" for line in stub.comment]
        members = list(_member_lines(stub.members, stub.beside, ""))
        lines.append(f"{margin}- {members[0]}")
        lines += [f"{margin}  {line}" for line in members[1:]]
        lines += [f"{margin}  # {line}" for line in stub.below]
    return lines


def _member_lines(members: Mapping[str, Any], beside: Mapping[str, str], path: str) -> Iterable[str]:
    for name, value in members.items():
        comment = beside.get(f"{path}{name}")
        end = f"  # {comment}" if comment else ""
        if isinstance(value, Mapping) and not _is_reference(value):
            yield f"{name}:{end}"
            yield from (f"  {line}" for line in _member_lines(value, beside, f"{path}{name}."))
        else:
            written = f"{{id: {value['id']}}}" if isinstance(value, Mapping) else yaml_text(value)
            yield f"{name}: {written}{end}"


def _is_reference(value: Mapping[str, Any]) -> bool:
    return list(value) == ["id"]


def yaml_text(value: str) -> str:
    """A text as YAML that reads as just that text; `${` is doubled, for it begins a reference."""
    escaped = value.replace("${", "$${")
    if _PLAIN.fullmatch(escaped) and not _NOT_TEXT.fullmatch(escaped):
        return escaped
    return f'"{"".join(map(_quoted, escaped))}"'


def _quoted(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08X}"


def _texts(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _texts(inner) for name, inner in value.items()}
    return str(value).replace("${", "$${")


def _values(node: Node) -> Any:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Members):
        return {name: _values(value) for name, (_, value) in node.members.items()}
    return [_values(item) for item in node.items]


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"
