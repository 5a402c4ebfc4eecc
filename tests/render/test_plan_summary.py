"""`show --summary`: totals and counts from the end of a plan file, whatever stands before it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from plans_of_examples import example_1, many_customers, no_changes, troubled

from reconciler.cli.main import main
from reconciler.domain.plan import Action, Plan
from reconciler.planning.plan_file import PlanFileError, read_plan, sealed, write_plan
from reconciler.planning.plan_summary import read_summary

PLANS = {"few": example_1, "many": many_customers, "none": no_changes, "troubled": troubled}


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, [str(argument) for argument in arguments])


def written(plan: Plan, folder: Path) -> Path:
    file = folder / "plan.json"
    file.write_text(write_plan(plan), encoding="utf-8")
    return file


@pytest.mark.parametrize("name", PLANS)
def test_the_summary_is_that_of_the_whole_plan(name: str, tmp_path: Path) -> None:
    file = written(PLANS[name](), tmp_path)
    plan, summary = read_plan(file.read_text(encoding="utf-8"), file.name), read_summary(file)
    assert summary.counts == {action: plan.count(action) for action in Action}
    assert (summary.errors, summary.warnings) == (len(plan.errors), len(plan.warnings))
    assert summary.lines == sum(used.lines for used in plan.documents)
    assert summary.documents == len(plan.documents)
    for member in ("month", "planned_months", "period", "target", "created", "version", "digest", "undoes"):
        assert getattr(summary, member) == getattr(plan, member), member
    for member in ("unchanged", "refused_by"):
        assert getattr(summary, member) == getattr(plan, member), member
    bills = [(row.agreement, row.month, row.before, row.after) for row in plan.impact]
    assert [(row.agreement, row.month, row.before, row.after) for row in summary.impact] == bills


def test_an_undo_of_several_months_is_summed_up_as_one(tmp_path: Path) -> None:
    plan = replace(example_1(), undoes=7, months=("2026-08", "2026-09"))
    shown = run("show", written(plan, tmp_path), "--summary").stdout
    assert shown.startswith("Undo of run 7 (2026-08 to 2026-09)")


def test_the_changes_are_not_read(tmp_path: Path) -> None:
    file = written(example_1(), tmp_path)
    text = file.read_text(encoding="utf-8")
    assert text.count('"action": "create"') == 3
    file.write_text(text.replace('"action": "create"', '"action": torn'), encoding="utf-8")
    assert read_summary(file).counts[Action.CREATE] == 3


def test_the_summary_says_that_the_digest_was_not_checked(tmp_path: Path) -> None:
    file = written(sealed(example_1()), tmp_path)
    file.write_text(file.read_text(encoding="utf-8").replace('"38.00"', '"3800.00"'), encoding="utf-8")
    shown = run("show", file, "--summary")
    assert shown.exit_code == 0
    assert "Not checked" in shown.stdout
    assert run("show", file).exit_code == 1


def test_the_summary_has_the_totals_and_fits_a_terminal(tmp_path: Path) -> None:
    file = written(example_1(), tmp_path)
    shown, whole = run("show", file, "--summary").stdout, run("show", file).stdout
    assert max(map(len, shown.splitlines())) <= 80
    totals = [line for line in whole.splitlines() if line.startswith(("  bill before, in", "  bill after, in"))][-2:]
    assert totals
    assert set(totals) <= set(shown.splitlines())
    assert "Changes: 3 to create, 1 to end." in shown


def test_a_guard_that_refuses_the_plan_is_named(tmp_path: Path) -> None:
    plan = replace(example_1(), refused_by=("max_changes: 4 changes, at most 3",))
    assert "Refused by guard max_changes" in run("show", written(plan, tmp_path), "--summary").stdout


@pytest.mark.parametrize("content", ["", "hello", "{}\n", '{\n  "created": "x",\n  "format": "other/1"\n}\n'])
def test_a_file_that_is_no_plan_has_no_summary(content: str, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(PlanFileError, match="cannot be found"):
        read_summary(file)
    refused = run("show", file, "--summary")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "hint: " in refused.stderr


def test_a_plan_in_another_layout_is_read_whole_instead(tmp_path: Path) -> None:
    file = written(example_1(), tmp_path)
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8"))), encoding="utf-8")
    assert "reads all of it" in run("show", file, "--summary").stderr
    assert run("show", file).exit_code == 0


def test_a_summary_is_text_alone(tmp_path: Path) -> None:
    refused = run("show", written(example_1(), tmp_path), "--summary", "--format", "html")
    assert refused.exit_code == 2
    assert "--summary is text" in refused.stderr
