"""`diff`, as a user runs it on two saved plans."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from syrupy.assertion import SnapshotAssertion

from reconciler.cli.main import main
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.plan import AdditionValues, Plan
from reconciler.planning.plan_file import read_plan, sealed, write_plan

SAVED = Path(__file__).parents[2] / "plans" / "2026-09.plan.json"


def the_plan() -> Plan:
    return read_plan(SAVED.read_text(encoding="utf-8"), "plan")


def a_later_one() -> Plan:
    """One write less, and another seat in the next one."""
    plan = the_plan()
    additions = [change for change in plan.changes if isinstance(change.after, AdditionValues)]
    gone, moved = additions[0], additions[1]
    assert isinstance(moved.after, AdditionValues)
    more = replace(moved, after=replace(moved.after, quantity=moved.after.quantity + Decimal(1)))
    changes = tuple(more if change is moved else change for change in plan.changes if change is not gone)
    noted = Finding(Severity.WARNING, "E10", "somebody should look", customer="Contoso")
    return sealed(replace(plan, changes=changes, findings=(*plan.findings, noted), created="2027-01-01T00:00:00Z"))


@pytest.fixture
def plans(tmp_path: Path) -> tuple[Path, Path]:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(write_plan(the_plan()), encoding="utf-8")
    new.write_text(write_plan(a_later_one()), encoding="utf-8")
    return old, new


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, ["diff", *map(str, arguments)])


def test_a_plan_and_itself_say_the_same(plans: tuple[Path, Path]) -> None:
    done = run(plans[0], plans[0], "--detailed-exitcode")
    assert (done.exit_code, done.stdout) == (0, "The plans say the same.\n")


def test_the_time_at_which_a_plan_was_made_is_no_difference(plans: tuple[Path, Path]) -> None:
    plans[1].write_text(write_plan(sealed(replace(the_plan(), created="2030-01-01T00:00:00Z"))), encoding="utf-8")
    done = run(*plans, "--format", "json", "--detailed-exitcode")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["same"] is True


def test_plans_that_differ_exit_two_when_it_is_asked_for(plans: tuple[Path, Path]) -> None:
    assert run(*plans).exit_code == 0
    assert run(*plans, "--detailed-exitcode").exit_code == 2
    assert run(*plans, "--detailed-exitcode", "--format", "json").exit_code == 2


def test_the_text_says_what_came_went_and_moved(plans: tuple[Path, Path], snapshot: SnapshotAssertion) -> None:
    text = run(*plans).stdout
    assert max(map(len, text.splitlines())) <= 80
    assert text == snapshot


def test_json_has_the_members_that_differ_old_and_new(plans: tuple[Path, Path]) -> None:
    told = json.loads(run(*plans, "--format", "json").stdout)
    gone, moved = [change for change in the_plan().changes if isinstance(change.after, AdditionValues)][:2]
    assert isinstance(moved.after, AdditionValues)
    assert told["same"] is False
    assert told["added"] == []
    assert [change["address"] for change in told["removed"]] == [gone.address]
    (changed,) = told["changed"]
    quantity = moved.after.quantity
    assert changed == {
        "address": moved.address,
        "fields": {"after.quantity": {"old": str(quantity), "new": str(quantity + 1)}},
    }
    assert [finding["message"] for finding in told["findings"]["added"]] == ["somebody should look"]
    assert told["findings"]["removed"] == []
    assert told["impact"] == {"added": [], "removed": [], "changed": []}
    assert told["old"]["digest"] == the_plan().digest != told["new"]["digest"]


def test_the_other_way_round_is_the_opposite(plans: tuple[Path, Path]) -> None:
    forth = json.loads(run(*plans, "--format", "json").stdout)
    back = json.loads(run(*reversed(plans), "--format", "json").stdout)
    assert (back["added"], back["removed"]) == (forth["removed"], forth["added"])
    assert back["findings"]["removed"] == forth["findings"]["added"]


def test_a_file_that_is_no_plan_is_refused_in_a_sentence(plans: tuple[Path, Path]) -> None:
    plans[1].write_text("{}", encoding="utf-8")
    done = run(*plans, "--detailed-exitcode")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "new.json is not a plan" in done.stderr
