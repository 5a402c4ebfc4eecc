"""A preflight's check list as people read it, and as JSON."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from reconciler.domain.check_list import Check, Group, Standing
from reconciler.render.safe_text import safe
from reconciler.render.terminal import Paint, Style, hanging, left, painter
from reconciler.render.wording import counted

_WORDS = {
    Standing.OK: ("ok", Style.GOOD),
    Standing.WARN: ("warn", Style.CAREFUL),
    Standing.FAIL: ("FAIL", Style.BAD),
    Standing.SKIPPED: ("skipped", Style.QUIET),
}
_TITLES = {
    Group.MAPPING: "Mapping",
    Group.SOURCE: "Source",
    Group.PSA: "PSA",
    Group.PRODUCTS: "Products",
    Group.CUSTOMER: "Customers",
}
_COLUMN = max(len(word) for word, _ in _WORDS.values()) + 4


def check_lines(checks: Iterable[Check], month: str, *, width: int, colour: bool) -> Iterator[str]:
    """The check list by group, no line wider than `width` cells (at least 60), and what it comes to.

    What is well of a customer's agreement stands in one line; everything else has its own, with what to do.
    """
    paint, width, listed = painter(colour=colour), max(width, 60), list(checks)
    yield paint(f"Preconditions of a plan for {safe(month)}", Style.STRONG)
    for title, own in _groups(listed):
        yield ""
        for line in hanging(safe(title), width, ""):
            yield paint(line, Style.STRONG)
        for _, about in groupby(own, key=lambda check: (check.subject, check.motion)):
            yield from _about(list(about), width, paint)
    yield ""
    for line in hanging(summary(listed), width, ""):
        yield paint(line, Style.STRONG)


def summary(checks: Iterable[Check]) -> str:
    """`Nothing failed: 12 checks are ok, 1 warning. Nothing was written.`"""
    numbers = counts(checks)
    failed, warned, skipped = (numbers[one.value] for one in (Standing.FAIL, Standing.WARN, Standing.SKIPPED))
    parts = [f"{counted(numbers['ok'], 'check')} {'is' if numbers['ok'] == 1 else 'are'} ok"]
    parts += [counted(warned, "warning")] if warned else []
    parts += [f"{skipped} skipped"] if skipped else []
    first = f"{counted(failed, 'check')} failed" if failed else "Nothing failed"
    return f"{first}: {', '.join(parts)}. Nothing was written."


def counts(checks: Iterable[Check]) -> dict[str, int]:
    """How many checks ended in each way."""
    standings = [check.standing for check in checks]
    return {standing.value: standings.count(standing) for standing in Standing}


def check_json(check: Check) -> dict[str, Any]:
    """A check as JSON values; what it does not have is left out."""
    members = {
        "group": check.group.value,
        "subject": check.subject,
        "motion": check.motion.value if check.motion else None,
        "name": check.name,
        "standing": check.standing.value,
        "code": check.code,
        "message": check.message,
        "hint": check.hint,
        "menu": check.menu,
        "where": str(check.where) if check.where else None,
        "also": check.also or None,
    }
    return {name: value for name, value in members.items() if value is not None}


def _groups(checks: list[Check]) -> Iterator[tuple[str, list[Check]]]:
    """The checks by what they are about, each with its title; customers stand together."""
    for group in Group:
        own = [check for check in checks if check.group is group]
        if group in (Group.MAPPING, Group.CUSTOMER):
            subjects: dict[str, list[Check]] = {"": own} if own else {}
        else:
            subjects = {check.subject: [] for check in own}
            for check in own:
                subjects[check.subject].append(check)
        for subject, about in subjects.items():
            yield f"{_TITLES[group]}{f': {subject}' if subject else ''}", about


def _about(checks: list[Check], width: int, paint: Paint) -> Iterator[str]:
    """The checks of one source, target, program, or customer's motion."""
    first = checks[0]
    prefix = _prefix(first)
    well = [check for check in checks if check.standing is Standing.OK]
    if first.group is Group.CUSTOMER and well:
        message = ", ".join(f"{check.message}{_code(check)}" for check in well)
        yield from _line(Standing.OK, f"{prefix}{message}", width, paint)
        checks = [check for check in checks if check.standing is not Standing.OK]
    for check in checks:
        yield from _check(check, prefix, width, paint)


def _prefix(check: Check) -> str:
    """What a line begins with where the title does not say it."""
    if check.group is not Group.CUSTOMER or not check.subject:
        return ""
    return f"{check.subject}{f', {check.motion}' if check.motion else ''}: "


def _check(check: Check, prefix: str, width: int, paint: Paint) -> Iterator[str]:
    code = _code(check)
    more = f" (and {check.also} more of this kind)" if check.also else ""
    yield from _line(check.standing, f"{prefix}{check.message}{more}{code}", width, paint)
    if check.standing is Standing.OK:
        return
    for word, told in (("do", check.hint), ("at", str(check.where) if check.where else None), ("menu", check.menu)):
        if told:
            indent = " " * _COLUMN
            for line in hanging(safe(told), width, f"{indent}{word + ':':<6}"):
                yield paint(line, Style.QUIET) if word == "at" else line


def _code(check: Check) -> str:
    """The rule in brackets; a word that is none says nothing beside a check that is well."""
    if not check.code or (check.standing is Standing.OK and not any(c.isdigit() for c in check.code)):
        return ""
    return f" [{check.code}]"


def _line(standing: Standing, text: str, width: int, paint: Paint) -> Iterator[str]:
    word, style = _WORDS[standing]
    lines = hanging(safe(text), width, " " * _COLUMN)
    first = next(lines, "")
    yield f"  {paint(left(word, _COLUMN - 2), style)}{first[_COLUMN:]}"
    yield from lines
