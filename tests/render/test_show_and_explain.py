"""The commands `show` and `explain` on real plan files."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from plans_of_examples import example_1, many_customers

from reconciler.cli.main import main
from reconciler.planning.plan_file import write_plan


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    file = tmp_path / "2026-09.plan.json"
    file.write_text(write_plan(example_1()), encoding="utf-8")
    return file


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, [str(argument) for argument in arguments])


def test_show_prints_the_plan_without_colours_to_a_pipe(plan_file: Path) -> None:
    shown = run("show", plan_file)
    assert shown.exit_code == 0
    assert "Plan: 3 to create, 1 to end." in shown.stdout
    assert "\x1b" not in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80


def test_show_as_json_prints_the_file_as_it_is(plan_file: Path) -> None:
    assert run("show", plan_file, "--format", "json").stdout == plan_file.read_text(encoding="utf-8")


def test_show_as_markdown_fits_a_comment(tmp_path: Path) -> None:
    file = tmp_path / "large.json"
    file.write_text(write_plan(many_customers()), encoding="utf-8")
    shown = run("show", file, "--format", "markdown")
    assert shown.exit_code == 0
    assert shown.stdout.startswith("### Billing plan for 2026-09")
    assert len(shown.stdout) <= 60_000


@pytest.mark.parametrize("command", [["show"], ["explain", "psa/product/x"]])
def test_a_plan_that_was_changed_by_hand_is_refused(plan_file: Path, command: list[str]) -> None:
    plan_file.write_text(plan_file.read_text(encoding="utf-8").replace('"38.00"', '"3800.00"'), encoding="utf-8")
    refused = run(command[0], plan_file, *command[1:])
    assert refused.exit_code == 1
    assert "does not match its digest" in refused.stderr
    assert "hint: make the plan again" in refused.stderr
    assert refused.stdout == ""


@pytest.mark.parametrize("content", [b"\xff\xfe", b"hello", b"{}", b""])
def test_a_file_that_is_no_plan_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "other.json"
    file.write_bytes(content)
    refused = run("show", file)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("error: ")
    assert refused.stdout == ""


def test_explain_prints_the_sum_behind_a_record(plan_file: Path) -> None:
    explained = run("explain", plan_file, "2026-09-12")
    assert explained.exit_code == 0
    assert "= 3 seats × 20.00 AUD × 19/30 days" in explained.stdout


def test_explain_of_an_unknown_address_offers_those_that_may_be_meant(plan_file: Path) -> None:
    refused = run("explain", plan_file, "2026-09")
    assert refused.exit_code == 1
    assert "the plan has no change 2026-09" in refused.stderr
    assert "did you mean\n    psa/Contoso/seat-monthly/" in refused.stderr
    assert refused.stdout == ""


@pytest.mark.parametrize("command", ["show", "explain"])
def test_help_ends_with_an_example(command: str) -> None:
    assert f"Example:\n    reconciler {command} plans/" in run(command, "--help").stdout
