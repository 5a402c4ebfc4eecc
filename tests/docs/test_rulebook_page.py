"""The page that lists each rule: it is what the catalogue, the code and the scenarios say."""

import ast
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from reconciler.domain.rule_catalogue import CATALOGUE, CHAPTERS, Rule, Standing

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "reconciler"
HOLDS = (Standing.KEPT, Standing.EXTENDED)
RULES = list(CATALOGUE.values())


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


builder = _loaded(ROOT / "docs" / "build_rulebook.py")
SCENARIOS = builder.scenarios_in(builder.SCENARIOS)
PENDING = builder.scenarios_in(builder.SCENARIOS / "pending")


# -- the page


def test_the_page_is_what_the_catalogue_and_the_scenarios_say_now() -> None:
    there = builder.PAGE.read_text(encoding="utf-8")
    assert there == builder.current_page(), "stale: .venv/bin/python docs/build_rulebook.py writes it anew"


def test_the_page_has_each_rule_once() -> None:
    anchors = re.findall(r'<a id="([^"]+)">', builder.PAGE.read_text(encoding="utf-8"))
    assert anchors == [builder.anchor(rule.number) for _, rules in CHAPTERS for rule in rules]


def test_the_page_links_each_scenario() -> None:
    text = builder.PAGE.read_text(encoding="utf-8")
    assert [s.path.name for s in (*SCENARIOS, *PENDING) if f"/{s.path.name})" not in text] == []


# -- scenarios and rules


def test_no_scenario_names_a_rule_that_the_catalogue_does_not_have() -> None:
    assert builder.unknown_rules((*SCENARIOS, *PENDING)) == []


def test_a_scenario_of_an_unknown_rule_is_found_by_its_name_and_by_its_story(tmp_path: Path) -> None:
    (tmp_path / "P45-P99-seats-change.yaml").write_text("story: ten seats, as Ex 98 has them (W1)\n", encoding="utf-8")
    (tmp_path / "two-invoices.yaml").write_text("story: two of them (P1Y:M is no rule)\n", encoding="utf-8")
    found = builder.unknown_rules(builder.scenarios_in(tmp_path))
    assert found == ["P45-P99-seats-change.yaml: P99", "P45-P99-seats-change.yaml: Ex 98"]


def test_a_rule_is_shown_by_the_files_named_after_it_and_else_by_the_stories_that_name_it(tmp_path: Path) -> None:
    (tmp_path / "Ex03-C9-nets-to-zero.yaml").write_text("story: up and down (P46, P3)\n", encoding="utf-8")
    (tmp_path / "P45-a-change.yaml").write_text("story: like C9\n", encoding="utf-8")
    scenarios = builder.scenarios_in(tmp_path)
    shown = {n: [s.path.stem for s in builder.showing(CATALOGUE[n], scenarios)] for n in ("Ex 3", "C9", "P46", "P3")}
    both = ["Ex03-C9-nets-to-zero"]
    assert shown == {"Ex 3": both, "C9": both, "P46": both, "P3": []}


@pytest.mark.parametrize("rule", [r for r in RULES if r.standing in HOLDS], ids=lambda rule: rule.number)
def test_a_rule_that_holds_is_shown_or_says_why_it_is_not(rule: Rule) -> None:
    shown = bool(builder.showing(rule, SCENARIOS))
    assert [shown, bool(rule.shown_with), bool(rule.not_shown)].count(True) == 1, (
        "a scenario named after it, or `shown_with`, or `not_shown`: one of them"
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.number)
def test_each_rule_has_a_scenario_named_after_it_or_says_why_there_can_be_none(rule: Rule) -> None:
    named = any(rule.number in scenario.named for scenario in SCENARIOS)
    assert named is not bool(rule.not_shown)


def test_a_rule_that_others_show_names_rules_with_scenarios() -> None:
    named = {n for rule in RULES for n in rule.shown_with}
    assert [n for n in named if not builder.showing(CATALOGUE[n], SCENARIOS)] == []


# -- the catalogue


def test_no_rule_is_forgotten_and_none_stands_twice() -> None:
    numbers = [rule.number for _, rules in CHAPTERS for rule in rules]
    wanted = {f"P{n}" for n in range(1, 63)} | {"W1", "W2"} | {f"E{n}" for n in range(1, 11)}
    wanted |= {f"C{n}" for n in range(1, 19)} | {f"Ex {n}" for n in (*range(1, 8), 10, 11, 12)}
    assert wanted - set(numbers) == set()
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.number)
def test_a_rule_says_one_sentence_and_why_where_it_is_not_simply_kept(rule: Rule) -> None:
    assert re.fullmatch(r"[A-Z][^|\n]+\.", rule.says)
    assert ". " not in rule.says
    assert rule.note or rule.standing is Standing.KEPT
    assert "|" not in rule.note + rule.message + rule.not_shown


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.number)
def test_a_rule_names_the_modules_that_decide_it(rule: Rule) -> None:
    assert [name for name in rule.decided_in if not (PACKAGE / name).is_file()] == []
    assert bool(rule.decided_in) is (rule.standing is not Standing.LATER)


def test_every_rule_that_the_code_names_by_its_number_is_in_the_catalogue() -> None:
    named = {
        (node.value, path.name)
        for path in PACKAGE.rglob("*.py")
        if "sandbox" not in path.parts and "rule_catalogue" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch(r"[PWEC]\d{1,2}", node.value)
    }
    assert len(named) > 20
    assert sorted(place for place in named if place[0] not in CATALOGUE) == []


# -- the texts that people search for


@pytest.mark.parametrize("rule", [r for r in RULES if r.message and r.standing in HOLDS], ids=lambda rule: rule.number)
def test_a_message_is_word_for_word_what_the_code_says(rule: Rule) -> None:
    """Its placeholders stand where the code puts a value; the code may go on after it."""
    wanted = rule.message
    templates = [t for name in rule.decided_in for t in _templates(PACKAGE / name)]
    assert any(_fills(t, wanted) or _filled(wanted).match(t) for t in templates)


def _templates(path: Path) -> Iterator[str]:
    """The texts of a module, with `{}` for each value that is put in."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield re.sub(r"\{\w+\}", "{}", node.value)


def _fills(template: str, message: str) -> bool:
    """Whether the message is the template with its values put in; one that says little itself could be any message."""
    fixed = template.split("{}")
    says_enough = sum(map(len, fixed)) * 2 > len(message)
    return says_enough and re.fullmatch(".+".join(map(re.escape, fixed)), message) is not None


def _filled(message: str) -> re.Pattern[str]:
    return re.compile(r"\{\}".join(re.escape(part) for part in re.split(r"\[[^]]*\]", message)))
