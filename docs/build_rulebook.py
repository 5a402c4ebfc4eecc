"""Writes docs/rulebook.md: each rule of the catalogue, how it stands, where it is decided, which scenarios show it.

    .venv/bin/python docs/build_rulebook.py           writes the page
    .venv/bin/python docs/build_rulebook.py --check   exits 1 where the page is not what would be written

A scenario shows the rules that its file name begins with (`Ex03-C9-…`). A rule that is kept and that no file is named
after is shown by the scenarios whose story names it.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from reconciler.domain.rule_catalogue import CATALOGUE, CHAPTERS, Rule, Standing

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "rulebook.md"
SCENARIOS = ROOT / "tests" / "scenarios"

_IN_NAME = re.compile(r"[A-Z]\d{1,3}|Ex\d{1,2}|\d[A-Z]")
_IN_STORY = re.compile(r"\b(?:[PWECT]\d{1,3}|Ex \d{1,2}|1G)\b")
_OF_STANDING = {
    Standing.KEPT: "as the sync tools do that partners come from",
    Standing.EXTENDED: "as they do, and more",
    Standing.DIFFERENT: "otherwise on purpose, and why",
    Standing.LATER: "not in this version",
}
_HEAD = """\
# The rules

<!-- Written by docs/build_rulebook.py from reconciler/domain/rule_catalogue and tests/scenarios: edit those. -->

Every rule by which an invoice becomes records, by the number that plans, findings and tests name it with.
[How an invoice becomes records](rules.md) tells them as a story. Each scenario is run by `make test` against the
sandbox: planned, applied, invoiced, compared to the cent.
"""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario file and the rules that its name and its story name, in their order."""

    path: Path
    named: tuple[str, ...]
    told: tuple[str, ...]


def scenarios_in(folder: Path) -> tuple[Scenario, ...]:
    """The scenarios of a folder, by file name."""
    return tuple(_scenario(path) for path in sorted(folder.glob("*.yaml")))


def _scenario(path: Path) -> Scenario:
    story = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["story"]
    return Scenario(path, tuple(_named(path.stem)), tuple(dict.fromkeys(_IN_STORY.findall(story))))


def _named(stem: str) -> Iterator[str]:
    for word in stem.split("-"):
        if not _IN_NAME.fullmatch(word):
            return
        yield f"Ex {int(word[2:])}" if word.startswith("Ex") else word


def unknown_rules(scenarios: Iterable[Scenario]) -> list[str]:
    """Rules that a scenario names and the catalogue does not have, each with the scenario's file."""
    return [f"{s.path.name}: {rule}" for s in scenarios for rule in (*s.named, *s.told) if rule not in CATALOGUE]


def showing(rule: Rule, scenarios: Iterable[Scenario]) -> tuple[Scenario, ...]:
    """The scenarios that show a rule: those named after it, else, where it holds as it reads, those whose story names
    it.
    """
    scenarios = tuple(scenarios)
    named = tuple(s for s in scenarios if rule.number in s.named)
    if named or rule.standing not in (Standing.KEPT, Standing.EXTENDED):
        return named
    return tuple(s for s in scenarios if rule.number in s.told)


def page(scenarios: tuple[Scenario, ...], pending: tuple[Scenario, ...]) -> str:
    """The whole page. `pending` are scenarios that say what must hold and does not yet."""
    parts = [_HEAD, *_standings()]
    for title, rules in CHAPTERS:
        parts += [
            "",
            f"## {title}",
            "",
            "| rule | says | stands | decided in | shown by |",
            "| --- | --- | --- | --- | --- |",
        ]
        parts += [_row(rule, scenarios, pending) for rule in rules]
    parts += _rest("Scenarios of what has no number", "", [s for s in scenarios if not s.named])
    told = "What these say is right and does not hold yet; they are not run by `make test`.\n"
    parts += _rest("Not right yet", told, pending)
    return "\n".join(parts) + "\n"


def _standings() -> Iterator[str]:
    yield "| stands | means | rules |"
    yield "| --- | --- | --- |"
    for standing, meaning in _OF_STANDING.items():
        count = sum(rule.standing is standing for rule in CATALOGUE.values())
        yield f"| {standing} | {meaning} | {count} |"


def _row(rule: Rule, scenarios: tuple[Scenario, ...], pending: tuple[Scenario, ...]) -> str:
    says = [rule.says, *([f"`{rule.message}`"] if rule.message else []), *([rule.note] if rule.note else [])]
    code = [f"[{module}](../reconciler/{module})" for module in rule.decided_in]
    cells = (f'<a id="{anchor(rule.number)}"></a>{rule.number}', "<br>".join(says), rule.standing)
    shown = [*_shown(rule, scenarios), *(f"not yet: {_link(s)}" for s in pending if rule.number in s.named)]
    return f"| {' | '.join((*cells, '<br>'.join(code), '<br>'.join(shown)))} |"


def _shown(rule: Rule, scenarios: tuple[Scenario, ...]) -> Iterator[str]:
    yield from (_link(s) for s in showing(rule, scenarios))
    if rule.shown_with:
        yield "as " + ", ".join(f"[{number}](#{anchor(number)})" for number in rule.shown_with)
    if rule.not_shown:
        yield f"not shown: {rule.not_shown}"


def anchor(number: str) -> str:
    """What a link to a rule of the page ends with."""
    return number.replace(" ", "").lower()


def _link(scenario: Scenario) -> str:
    return f"[{scenario.path.stem}](../{scenario.path.relative_to(ROOT).as_posix()})"


def _rest(title: str, told: str, scenarios: Iterable[Scenario]) -> list[str]:
    lines = [f"- {_link(s)}" for s in scenarios]
    return ["", f"## {title}", "", *([told] if told else []), *lines] if lines else []


def current_page() -> str:
    """The page for what lies in the repository now. Raises ValueError where a scenario names an unknown rule."""
    scenarios, pending = scenarios_in(SCENARIOS), scenarios_in(SCENARIOS / "pending")
    unknown = unknown_rules((*scenarios, *pending))
    if unknown:
        raise ValueError("not in the catalogue: " + "; ".join(unknown))
    return page(scenarios, pending)


def main(arguments: list[str]) -> int:
    """Writes or checks the page; returns the exit status."""
    text = current_page()
    if arguments == ["--check"]:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
            return 0
        sys.stderr.write("docs/rulebook.md is stale: .venv/bin/python docs/build_rulebook.py\n")
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
