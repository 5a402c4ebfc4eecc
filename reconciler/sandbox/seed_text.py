"""The text of a seed file, read with the place of every value, and messages that say where and what to do.

YAML is read with its numbers as decimals, digit for digit, and its dates as days. JSON is YAML here.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

Path = tuple[str | int, ...]


class SeedError(Exception):
    """A seed that cannot be used; the message names the place and what to do."""


@dataclass(frozen=True, slots=True)
class SeedText:
    """A seed's content, the name it goes by in messages, and the line of each value by its path."""

    value: Any
    name: str = "seed"
    lines: Mapping[Path, int] = field(default_factory=dict)

    def error(self, path: Path, message: str) -> SeedError:
        """The error at a place: `seed.yaml:12: agreements[0].company: …`."""
        line = next((self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), None)
        where = self.name if line is None else f"{self.name}:{line}"
        member = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
        return SeedError(f"{where}: {member}: {message}" if member else f"{where}: {message}")

    def unknown(self, path: Path, name: str, known: Iterable[str]) -> SeedError:
        """The error for a name that nothing has."""
        names = sorted(known)
        near = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(names)}."
        return self.error((*path, name), f"unknown key; {hint}")


def read_seed(text: str, name: str = "seed") -> SeedText:
    """Reads YAML or JSON text; raises SeedError for text that is neither, with its line."""
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise SeedError(f"{where}: not valid YAML: {problem}") from None
    lines: dict[Path, int] = {}
    value = _value(node, (), lines, SeedText(None, name, lines)) if node else {}
    return SeedText(value, name, lines)


def _value(node: yaml.Node, path: Path, lines: dict[Path, int], text: SeedText) -> Any:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines, text)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, n), lines, text) for n, item in enumerate(node.value)]
    return _scalar(node, path, text)


def _mapping(node: yaml.MappingNode, path: Path, lines: dict[Path, int], text: SeedText) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        name = str(key.value)
        if name in found:
            lines[(*path, name)] = key.start_mark.line + 1
            raise text.error((*path, name), "the key stands twice; keep one.")
        found[name] = _value(value, (*path, name), lines, text)
        lines[(*path, name)] = key.start_mark.line + 1
    return found


def _scalar(node: yaml.Node, path: Path, text: SeedText) -> Any:
    raw, tag = str(node.value), node.tag.rpartition(":")[2]
    try:
        if tag == "int":
            return int(raw.replace("_", ""), 0 if raw.lower().startswith(("0x", "0o")) else 10)
        if tag == "float":
            return Decimal(raw.replace("_", ""))
        if tag == "timestamp":
            return date.fromisoformat(raw[:10])
    except (ValueError, InvalidOperation):
        raise text.error(path, f"{raw!r} cannot be read as a {tag}; write it in quotes if it is text.") from None
    if tag == "bool":
        return raw.lower() in ("true", "yes", "on")
    return None if tag == "null" else raw
