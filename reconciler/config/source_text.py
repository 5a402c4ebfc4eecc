"""The text of one mapping file, and how a line of it may be shown.

A finding shows the line that it speaks of. A line may hold a secret that somebody wrote where a reference belongs, so
every excerpt passes `SourceText.excerpt`, which blots out what was marked as secret and whatever looks like one.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from reconciler.domain.finding import Finding, Place, Severity

BLOT = "********"
# A line longer than this is not written by hand, and tells nobody anything in a terminal.
_LONGEST_EXCERPT = 1000
_BREAK = re.compile(r"\r\n|\r|\n")
_REFERENCE = r"""["']?\$\{[A-Za-z_][A-Za-z0-9_]*\}["']?"""
_SECRET_ENDINGS = (
    "secret",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "token",
    "clientid",
    "apikey",
    "publickey",
    "privatekey",
    "accesskey",
    "credential",
    "credentials",
    "integrationcode",
)
_SECRET_WORD = re.compile(r"(?:^|[_-])(?:key|auth|pat|secrets?|tokens?|passwords?)$")
_NAMED_VALUE = re.compile(r"""(?P<name>[A-Za-z][\w-]*)["']?[ \t]*:(?=\s|$|["'\[{|>&*!@%`$])[ \t]*(?P<value>\S.*)""")
_ONLY_REFERENCE = re.compile(rf"{_REFERENCE}\s*(?:[,}}\]#].*)?")
_USER_IN_URL = re.compile(r"(?<=://)[^/\s]*@")
_URL_QUERY = re.compile(r"(://[^\s?#]*[?#])\S+")
_ALERT_URL = re.compile(r"""(?<=\bto:)(\s*["']?)\w+://\S*""")


@lru_cache(maxsize=4096)
def names_a_secret(field_name: str) -> bool:
    """Whether a field of this name holds a secret: `client_id`, `privateKey`, `api-token`, `password` …"""
    lower = field_name.lower()
    squashed = lower.replace("_", "").replace("-", "")
    return squashed.endswith(_SECRET_ENDINGS) or _SECRET_WORD.search(lower) is not None


@dataclass(slots=True, eq=False)
class Mask:
    """Text that is never shown: from a line and column (from 1) to the end of `last_line`."""

    line: int
    column: int
    last_line: int


@dataclass(eq=False)
class SourceText:
    """A file's text under the name that the user gave it. `masks` grow while it is read; findings are shown after."""

    name: str
    text: str
    masks: list[Mask] = field(default_factory=list)

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        return _BREAK.split(self.text)

    def mask(self, line: int, column: int, last_line: int) -> None:
        """Marks text as secret, from a place to the end of a line."""
        self.masks.append(Mask(line, column, last_line))

    def hides(self, line: int, column: int) -> bool:
        """Whether the text at a place is secret."""
        return any(_covers(mask, line, column) for mask in self.masks)

    def excerpt(self, number: int) -> str | None:
        """A line (from 1) as it may be shown: secrets blotted out, unprintable characters replaced one for one, so that
        columns still hold. None for a line that is empty or too long to show.
        """
        if not 0 < number <= len(self.lines):
            return None
        line = self.lines[number - 1]
        if len(line) > _LONGEST_EXCERPT or not line.strip():
            return None
        for mask in self.masks:
            if mask.line <= number <= mask.last_line:
                line = _blot(line, mask.column - 1 if number == mask.line else _indent(line))
        return "".join(map(_visible, _without_secrets(line)))

    def problem(
        self,
        code: str,
        message: str,
        line: int,
        column: int,
        hint: str | None = None,
        severity: Severity = Severity.ERROR,
    ) -> Finding:
        """A finding at a place of this file, still without its excerpt."""
        return Finding(severity, code, message, where=Place(self.name, line, column), hint=hint)


def redacted(text: str) -> str:
    """A text without the user and password of an address in it, and without its query, which may hold a token."""
    return _URL_QUERY.sub(rf"\1{BLOT}", _USER_IN_URL.sub(f"{BLOT}@", text))


def holds_literal_secret(text: str) -> bool:
    """Whether any line of a text seems to give a secret by value; for text that is too broken to be read."""
    return any(
        names_a_secret(found["name"]) and not _ONLY_REFERENCE.fullmatch(found["value"])
        for line in _BREAK.split(text)
        for found in _NAMED_VALUE.finditer(line)
    )


def _without_secrets(line: str) -> str:
    for found in _NAMED_VALUE.finditer(line):
        if names_a_secret(found["name"]) and not _ONLY_REFERENCE.fullmatch(found["value"]):
            line = _blot(line, found.start("value"))
            break
    return _ALERT_URL.sub(rf"\1{BLOT}", redacted(line))


def _blot(line: str, start: int) -> str:
    return line if not line[start:].strip() else line[:start] + BLOT


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _covers(mask: Mask, line: int, column: int) -> bool:
    return mask.line <= line <= mask.last_line and (line > mask.line or column >= mask.column)


def _visible(character: str) -> str:
    if character == "\t":
        return "→"
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") else character
