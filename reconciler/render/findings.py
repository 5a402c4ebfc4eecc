"""Findings as people read them, with the line of the file and a caret under what is meant; and for tools: JSON, GitHub
annotations, SARIF.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.domain.finding import Finding, Place, Severity
from reconciler.domain.money import printed
from reconciler.render.safe_text import safe
from reconciler.render.terminal import Style, cells, hanging, painter

_WIDTH = 80
_MARGIN = "    "
_STYLES = {Severity.ERROR: Style.BAD, Severity.WARNING: Style.CAREFUL, Severity.INFO: Style.NEW_HOLD}
_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_SARIF = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def finding_lines(finding: Finding, *, colour: bool, width: int | None = None) -> Iterator[str]:
    """A finding as text: `mappings.yaml:31:5: error[code]: message`, the excerpt with a caret, money, hint.

    Sentences are wrapped to `width`, where there is one; painted is what stands at their head.
    """
    paint = painter(colour=colour)
    place = f"{safe(str(finding.where))}: " if finding.where else ""
    label = f"{finding.severity.value}[{safe(finding.code)}]"
    painted = paint(label, _STYLES[finding.severity])
    subscription = (finding.subscription or "").strip()
    about = f" (subscription {safe(subscription)})" if subscription else ""
    for line in _wrapped(f"{place}{label}: {safe(finding.message)}{about}", width, ""):
        yield line.replace(label, painted, 1)
    if finding.excerpt and finding.where:
        line, caret = _pointed(finding.excerpt, finding.where.column)
        yield _MARGIN + line
        if caret is not None:
            yield _MARGIN + " " * caret + paint("^", Style.GOOD)
    if finding.amount:
        yield f"{_MARGIN}money: {safe(str(finding.amount))}"
    if finding.hint:
        hint, *later = _wrapped(f"hint: {safe(finding.hint)}", width, _MARGIN)
        yield hint.replace("hint:", paint("hint:", Style.STRONG), 1)
        yield from later


def _wrapped(text: str, width: int | None, indent: str) -> Iterator[str]:
    if width is None or cells(indent + text) <= width:
        return iter((indent + text,))
    return hanging(text, width, indent, indent + "  ")


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding as JSON values: the members of a plan file's findings, the place also in parts, and the excerpt."""
    where, amount = finding.where, finding.amount
    members = {
        "severity": finding.severity.value,
        "code": finding.code,
        "message": finding.message,
        "customer": finding.customer,
        "subscription": finding.subscription,
        "where": str(where) if where else None,
        "file": where.file if where else None,
        "line": where.line if where else None,
        "column": where.column if where else None,
        "hint": finding.hint,
        "amount": {"amount": printed(amount.amount, amount.currency), "currency": amount.currency} if amount else None,
        "excerpt": finding.excerpt,
    }
    return {name: value for name, value in members.items() if value is not None}


def counted(findings: Iterable[Finding]) -> str:
    """`2 errors, 1 warning`; what there is none of is left out, but for the errors where there is nothing else."""
    severities = [finding.severity for finding in findings]
    parts = [
        f"{number} {noun if number == 1 else nouns}"
        for severity, noun, nouns in (
            (Severity.ERROR, "error", "errors"),
            (Severity.WARNING, "warning", "warnings"),
            (Severity.INFO, "note", "notes"),
        )
        if (number := severities.count(severity))
    ]
    return ", ".join(parts) or "0 errors"


def github_line(finding: Finding) -> str:
    """A finding as a workflow command, which GitHub shows at its line of the pull request."""
    where = finding.where
    places = {"file": where.file, "line": where.line, "col": where.column} if where else {}
    properties = {name: value for name, value in places.items() if value is not None} | {"title": finding.code}
    written = ",".join(f"{name}={_github_property(safe(str(value)))}" for name, value in properties.items())
    text = finding.message if not finding.hint else f"{finding.message} (hint: {finding.hint})"
    return f"::{_GITHUB[finding.severity]} {written}::{_github_text(safe(text))}"


def sarif(findings: Iterable[Finding], version: str) -> dict[str, Any]:
    """Findings as a SARIF 2.1.0 log, for code scanning."""
    found = tuple(findings)
    rules = sorted({finding.code for finding in found})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "reconciler", "version": version, "rules": [{"id": rule} for rule in rules]}
                },
                "columnKind": "unicodeCodePoints",
                "results": [_sarif_result(finding, rules) for finding in found],
            }
        ],
    }


def _sarif_result(finding: Finding, rules: list[str]) -> dict[str, Any]:
    text = safe(finding.message if not finding.hint else f"{finding.message} (hint: {finding.hint})")
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rules.index(finding.code),
        "level": _SARIF[finding.severity],
        "message": {"text": text},
    }
    return result | ({"locations": [_sarif_location(finding.where)]} if finding.where else {})


def _sarif_location(where: Place) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(where.file)}}
    if where.line is not None:
        column = {"startColumn": where.column} if where.column is not None else {}
        location["region"] = {"startLine": where.line} | column
    return {"physicalLocation": location}


def _uri(file: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415 -- only SARIF needs it

    return quote(file.replace("\\", "/"))


def _github_text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _github_property(text: str) -> str:
    return _github_text(text).replace(":", "%3A").replace(",", "%2C")


def _pointed(excerpt: str, column: int | None) -> tuple[str, int | None]:
    """The part of a line that fits around a column, made safe, and how many cells in the caret stands."""
    room = _WIDTH - len(_MARGIN)
    start = min((column or 1) - 1, len(excerpt))
    cut = max(0, start - room // 2) if len(excerpt) > room else 0
    head, tail = ("…" if cut else ""), excerpt[start:]
    before = head + safe(excerpt[cut:start])
    line = _fitted(before + safe(tail), room)
    return line.rstrip(), None if column is None else cells(before)


def _fitted(line: str, room: int) -> str:
    if cells(line) <= room:
        return line
    while cells(line) >= room:
        line = line[:-1]
    return line + "…"
