"""A scenario file is read as it is written, or refused with file, line and key; the documentation's example runs."""

import re
from pathlib import Path

import pytest
from scenario_files import FOLDER, ScenarioError, load_scenario, parse_scenario
from scenario_world import lines_of_months

GOOD = """\
story: Ten seats all month, as in the PSA.
before:
  additions:
    - {quantity: 10}
invoices:
  - lines:
      - {quantity: 10}
expect:
  - month: 2026-09
    changes: {}
"""


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        ("    - {quantity: 10}\n", "    - {quantty: 10}\n", r"case.yaml:4: before.additions.0: .*'quantity'"),
        (
            "    changes: {}",
            "    chnages: {}",
            r"case.yaml:10: expect.0: unknown key 'chnages'; did you mean 'changes'",
        ),
        (
            "    changes: {}",
            "    changes: {creates: 1}",
            r"case.yaml:10: .*unknown key 'creates'; did you mean 'create'",
        ),
        ("      - {quantity: 10}", "      - {qty: 10}", r"case.yaml:7: .*unknown key 'qty'; known are: .*quantity"),
        ("before:", "befor:", r"case.yaml:2: the file: unknown key 'befor'; did you mean 'before'"),
        ("  - month: 2026-09", "  - month: 2026-13", r"case.yaml:9: expect.0.month: '2026-13' does not match"),
        ("    changes: {}", "    blocked: perhaps", r"case.yaml:10: expect.0.blocked: 'perhaps' is not of type"),
        ("    changes: {}\n", "", r"case.yaml: the step for 2026-09 expects nothing"),
        ("    changes: {}", "    changes: {}\n    changes: {}", r"case.yaml:9: the key 'changes' stands twice"),
        ("story: Ten", "story: [Ten", r"case.yaml:\d+: "),
    ],
)
def test_a_file_that_is_no_scenario_is_refused_with_file_line_and_key(good: str, bad: str, told: str) -> None:
    text = GOOD.replace(good, bad, 1)
    assert text != GOOD
    with pytest.raises(ScenarioError) as refused:
        parse_scenario(text, "case.yaml")
    assert re.search(told, str(refused.value)), str(refused.value)


def test_a_line_says_only_what_is_not_standard() -> None:
    lines = lines_of_months(parse_scenario(GOOD, "case.yaml"), 1)
    assert [(line["charge"], str(line["amount"]), line["to"]) for line in lines] == [("cycle", "160.00", "2026-09-30")]


def test_a_pending_file_is_a_scenario_too_and_says_what_should_happen() -> None:
    for path in sorted((FOLDER / "pending").glob("*.yaml")):
        load_scenario(path)
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        assert first.startswith("# "), path
        assert "should" in first, path


def test_the_example_of_the_documentation_is_the_first_scenario() -> None:
    page = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text(encoding="utf-8")
    shown = parse_scenario(page.partition("```yaml\n")[2].partition("```")[0], "docs/scenarios.md")
    played = load_scenario(FOLDER / "Ex01-changes-in-a-month.yaml")
    assert (shown.before, shown.invoices) == (played.before, played.invoices)
    step, full = shown.steps[0], played.steps[0]
    same = ("month", "impact", "seat_days", "verdict", "billed")
    assert {name: step[name] for name in same} == {name: full[name] for name in same}
    assert [row["quantity"] for row in step["records"]] == [row["quantity"] for row in full["records"]]
