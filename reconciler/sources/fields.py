"""Members of one mapping taken by name: what is missing, unknown or unreadable becomes a finding with its place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from reconciler.domain.finding import Finding, Place, Severity
from reconciler.sources.tree import Items, Members, Node, Spot
from reconciler.sources.values import Unreadable, iso_day, number, shown

_LONGEST_EXCERPT = 160
Value = TypeVar("Value")
Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(slots=True)
class Report:
    """Collects the findings of one file. `customer` (tenant) and `subscription` are whom the current part is about;
    `lines` are the file's, where findings should show the one that they mean.
    """

    file: str
    customer: str | None = None
    subscription: str | None = None
    findings: list[Finding] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def about(self, customer: str | None, subscription: str | None = None) -> "Report":
        """The same report, for findings about a customer and a subscription."""
        return replace(self, customer=customer, subscription=subscription)

    def place(self, at: Spot | None) -> Place:
        """A spot of this file."""
        return Place(self.file, *at) if at else Place(self.file)

    def add(self, severity: Severity, code: str, message: str, at: Spot | None = None, hint: str | None = None) -> None:
        """Adds a finding about the current customer and subscription."""
        about = (self.customer, self.subscription, self.place(at))
        self.findings.append(Finding(severity, code, message, *about, hint=hint, excerpt=self._excerpt(at)))

    def _excerpt(self, at: Spot | None) -> str | None:
        """The line that a finding with a column is about, unless it is too long to be shown."""
        if at is None or at[1] is None or not 0 < at[0] <= len(self.lines):
            return None
        line = self.lines[at[0] - 1].rstrip()
        return line if 0 < len(line) <= _LONGEST_EXCERPT else None

    def error(self, code: str, message: str, at: Spot | None = None, hint: str | None = None) -> None:
        """Adds an error."""
        self.add(Severity.ERROR, code, message, at, hint)

    def warning(self, code: str, message: str, at: Spot | None = None, hint: str | None = None) -> None:
        """Adds a warning."""
        self.add(Severity.WARNING, code, message, at, hint)


def similar(word: str, known: "Mapping[str, object] | list[str]") -> str | None:
    """The hint `did you mean …`, where a known word is near."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else None


class Fields:
    """One mapping's members. `sound` turns False when a value is missing or unreadable, and the mapping is then not to
    be used; an unknown member is an error too, but what is known beside it can still be shown.
    """

    def __init__(self, members: Members, what: str, known: tuple[str, ...], report: Report) -> None:
        self.members = members
        self.what = what
        self.report = report
        self.sound = True
        for name in members:
            if name not in known:
                hint = similar(name, list(known)) or f"known here: {', '.join(known)}"
                report.error("unknown-member", f"{what} has no member '{name}'", self.spot(name), hint)

    def _fail(self, code: str, message: str, at: Spot | None, hint: str | None = None) -> None:
        self.sound = False
        self.report.error(code, message, at or self.members.at, hint)

    def spot(self, name: str) -> Spot:
        """Where a member stands, or the mapping where there is no such member."""
        return self.members.spots.get(name, self.members.at)

    def missing(self, name: str, hint: str | None = None) -> None:
        """Reports a member that must be there."""
        self._fail("missing-member", f"{self.what} has no '{name}'", self.members.at, hint)

    def wrong(self, name: str, message: str, hint: str | None = None, code: str = "unreadable-value") -> None:
        """Reports what is wrong with a member."""
        self._fail(code, f"'{name}' of {self.what}: {message}", self.spot(name), hint)

    def text(self, name: str) -> str | None:
        """A member as text; None where it is absent or empty."""
        value: Node = self.members.get(name)
        if isinstance(value, Members | Items):
            self.wrong(name, "a plain value is expected, not a list or mapping")
            return None
        return (value or "").strip() or None

    def read(self, name: str, reader: Callable[[str], Value]) -> Value | None:
        """A member read by a function that raises Unreadable; None where it is absent or unreadable."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return reader(text)
        except Unreadable as error:
            self.wrong(name, str(error))
            return None

    def number(self, name: str) -> Decimal | None:
        """A member as an exact decimal."""
        return self.read(name, number)

    def day(self, name: str) -> date | None:
        """A member as an ISO day."""
        return self.read(name, iso_day)

    def choice(self, name: str, kind: type[Choice]) -> Choice | None:
        """A member as one of an enumeration's values."""
        text = self.text(name)
        if text is None:
            return None
        values = {member.value: member for member in kind}
        if text not in values:
            hint = similar(text, list(values)) or f"one of: {', '.join(values)}"
            self.wrong(name, f"{shown(text)} is not known here", hint, "unknown-value")
        return values.get(text)

    def mapping(self, name: str) -> Members | None:
        """A member that is a mapping itself; None where it is absent."""
        value: Node = self.members.get(name)
        if value is None or isinstance(value, Members):
            return value
        self.wrong(name, "a mapping is expected")
        return None
