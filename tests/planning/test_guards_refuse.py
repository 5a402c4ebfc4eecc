"""Every guard refuses a plan that is beyond it: `plan` says which, and exits 5 (interface §6.4)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from world import MAPPING, SEED, contoso, csv_text, fabrikam, line

from reconciler.cli.main import main
from reconciler.sandbox.server import RunningSandbox

STRANGER = csv_text(line("9c9c", "cccc", invoice="INV-S", quantity="3", amount="48.00"))


@pytest.fixture(scope="module")
def psa() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


def plan(folder: Path, psa: RunningSandbox, guards: str, *invoices: str) -> Result:
    psa.seed(SEED)
    (folder / "invoices").mkdir()
    for number, text in enumerate(invoices):
        (folder / "invoices" / f"{number}.csv").write_text(text)
    mapping = MAPPING.replace("http://127.0.0.1:8765", psa.url).replace("max_decrease_percent: 100", guards)
    (folder / "mappings.yaml").write_text(mapping)
    runner = CliRunner(env=dict(psa.credentials))
    return runner.invoke(main, ["-f", str(folder / "mappings.yaml"), "plan", "--month", "2026-09"])


@pytest.mark.parametrize(
    ("guards", "invoices"),
    [
        ("max_changes: 1", (contoso(), fabrikam())),
        ("max_decrease_percent: 10", (contoso(quantity="2", amount="32.00"), fabrikam())),
        ("min_margin_percent: 30", (contoso(), fabrikam())),
        ("max_unmapped_amount: 40", (contoso(), fabrikam(), STRANGER)),
    ],
    ids=["max_changes", "max_decrease_percent", "min_margin_percent", "max_unmapped_amount"],
)
def test_a_plan_beyond_a_guard_exits_5_and_names_it(
    guards: str, invoices: tuple[str, ...], tmp_path: Path, psa: RunningSandbox
) -> None:
    result = plan(tmp_path, psa, guards, *invoices)
    assert result.exit_code == 5, result.output
    assert f"Refused by guard {guards.split(':', maxsplit=1)[0]}" in " ".join(result.stdout.split())


def test_the_margin_guard_names_each_record_with_its_price_cost_and_margin(tmp_path: Path, psa: RunningSandbox) -> None:
    result = plan(tmp_path, psa, "min_margin_percent: 30", contoso(), fabrikam())
    told = " ".join(result.stdout.split())
    assert "below the floor of 30 %" in told
    assert "at 20.00 for a cost of 16.00 (margin 20.0 %)" in told


def test_a_plan_within_its_guards_exits_0(tmp_path: Path, psa: RunningSandbox) -> None:
    within = "max_changes: 9, max_decrease_percent: 10, min_margin_percent: 20, max_unmapped_amount: 48"
    assert plan(tmp_path, psa, within, contoso(), fabrikam(), STRANGER).exit_code == 0
