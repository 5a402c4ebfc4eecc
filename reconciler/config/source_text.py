"""The text of one mapping file, and how a line of it may be shown.

A finding shows the line that it speaks of. A line may hold a secret that somebody wrote where a reference belongs, so
every excerpt passes `SourceText.excerpt`, which blots out what was marked as secret and whatever looks like one.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from difflib import get_close_matches
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
_NAMED_VALUE = re.compile(r"""(?<![\w-])(?P<name>[A-Za-z][\w-]{0,60})["']?[ \t]*:(?=\s|$|["'\[{|>&*!@%`$])[ \t]*""")
_ONLY_REFERENCE = re.compile(rf"{_REFERENCE}\s*(?=[,}}\]#]|$)")
# What a target's secrets are called, to know a misspelt one in a file that is too broken to be read.
_SECRET_NAMES = ("client_id", "public_key", "private_key", "password", "secret", "token")
_USER_IN_URL = re.compile(r"(?<=://)[^/\s]*@")
_URL_QUERY = re.compile(r"(://[^\s?#]*[?#])\S+")
_ALERT_URL = re.compile(r"""(?<=\bto:)(\s*["']?)\w+://\S*""")


@lru_cache(maxsize=4096)
def names_a_secret(field_name: str) -> bool:
    """Whether a field of this name holds a secret: `client_id`, `privateKey`, `api-token`, `password` …"""
    lower = field_name.lower()
    squashed = lower.replace("_", "").replace("-", "")
    return squashed.endswith(_SECRET_ENDINGS) or _SECRET_WORD.search(lower) is not None


@dataclass(eq=False)
class SourceText:
    """A file's text under the name that the user gave it. What is secret in it becomes known while it is read; findings
    are shown after. `hidden` has, by line, the first column (from 1) from which on the line is not shown; it is
    complete only where the text is YAML, and `is_read` true.
    """

    name: str
    text: str
    hidden: dict[int, int] = field(default_factory=dict)
    is_read: bool = False

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        return _BREAK.split(self.text)

    def mask(self, line: int, column: int, last_line: int) -> None:
        """Marks text as secret, from a place to the end of a line."""
        first = self.hidden.get(line)
        if first is not None and first <= column and self.hidden.get(last_line) == (first if last_line == line else 1):
            return
        self.hidden[line] = min(column, first or column)
        for following in range(line + 1, last_line + 1):
            self.hidden[following] = 1

    def hides(self, line: int, column: int) -> bool:
        """Whether the text at a place is secret."""
        return column >= self.hidden.get(line, column + 1)

    def excerpt(self, number: int) -> str | None:
        """A line (from 1) as it may be shown: secrets blotted out, unprintable characters replaced one for one, so that
        columns still hold. None for a line that is empty or too long to show.
        """
        if not 0 < number <= len(self.lines):
            return None
        line = self.lines[number - 1]
        if len(line) > _LONGEST_EXCERPT or not line.strip():
            return None
        if number in self.hidden:
            line = _blot(line, max(self.hidden[number] - 1, _indent(line)))
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


def shows_no_secret(source: SourceText, number: int) -> bool:
    """Whether a line of a file that cannot be read as YAML may be shown. Not where any line of the file names a secret
    without a plain reference behind it, for where that secret ends is unknown; nor near a key much like a secret's.
    """
    near = source.lines[max(0, number - 4) : number]
    return not any(map(_literal, source.lines)) and not any(map(_much_like_a_secret, near))


def _much_like_a_secret(line: str) -> bool:
    return any(
        get_close_matches(found["name"].lower(), _SECRET_NAMES, n=1, cutoff=0.75)
        and not _ONLY_REFERENCE.match(line, found.end())
        for found in _NAMED_VALUE.finditer(line)
    )


def _literal(line: str) -> re.Match[str] | None:
    """The first key of a line that names a secret and has no plain reference behind it."""
    if ":" not in line:
        return None
    return next(
        (
            found
            for found in _NAMED_VALUE.finditer(line)
            if names_a_secret(found["name"]) and not _ONLY_REFERENCE.match(line, found.end())
        ),
        None,
    )


def _without_secrets(line: str) -> str:
    found = _literal(line)
    return _ALERT_URL.sub(rf"\1{BLOT}", redacted(_blot(line, found.end()) if found else line))


def _blot(line: str, start: int) -> str:
    return line if not line[start:].strip() else line[:start] + BLOT


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _visible(character: str) -> str:
    if character == "\t":
        return "→"
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") else character
