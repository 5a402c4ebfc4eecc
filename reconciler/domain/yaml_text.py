"""Text as YAML that reads back as the same text: for entries that a person pastes into a mapping or decisions file."""

import re
from collections.abc import Iterable

# What YAML reads as text without quotes, whatever its version: a word or several, none of which is a value by itself.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_VALUES = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})


def scalar(text: str) -> str:
    """A text as a YAML value. `${` is written so that the files' readers see no reference in it."""
    if _PLAIN.fullmatch(text) and text.lower() not in _VALUES:
        return text
    return '"' + "".join(map(_escaped, text.replace("${", "$${"))) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) <= 0xFFFF else f"\\U{ord(character):08x}"


def entry(lines: Iterable[str]) -> str:
    """Lines as one entry of a YAML list, two spaces in: `  - ` before the first, the others below it."""
    first, *others = lines
    return "\n".join([f"  - {first}", *(f"    {line}" for line in others)])
