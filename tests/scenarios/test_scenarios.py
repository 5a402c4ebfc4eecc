"""Every billing rule as a story, end to end: seed, plan, apply, look at the records, let the PSA invoice, plan again.

`docs/scenarios.md` says how a scenario file is written. Each runs under both representations, unless it fixes one: what
is billed must be the same.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import scenario_checks as checks
from scenario_files import FOLDER, Row, Scenario, chosen, load_scenario, months_of
from scenario_running import ByCommands, ByFunctions, Runner
from scenario_world import lines_of_months, seed, write_invoices, write_repository

from reconciler.domain.days import Months
from reconciler.domain.finding import Severity
from reconciler.domain.plan import Impact, Plan
from reconciler.planning.gathered import Scope
from reconciler.sandbox.server import RunningSandbox
from reconciler.store.history import plan_record

BY_COMMANDS = (
    "Ex01-changes-in-a-month",
    "P2-three-months-in-one-plan",
    "P39-adopted-and-changed",
    "P29-C15-product-is-created",
    "P37-C17-agreement-does-not-prorate",
)
WRITES = ("POST", "PATCH", "PUT", "DELETE")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every scenario of this folder, or those asked for, under each of its representations."""
    if "representation" not in metafunc.fixturenames:
        return
    files = metafunc.config.getoption("--scenario", default=[]) or sorted(FOLDER.glob("*.yaml"))
    runs = [
        pytest.param(scenario, representation, id=f"{scenario.name}-{representation}")
        for scenario in map(load_scenario, files)
        for representation in scenario.representations
    ]
    metafunc.parametrize(("scenario", "representation"), runs)


@pytest.fixture(scope="session")
def psa() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


def test_scenario(scenario: Scenario, representation: str, psa: RunningSandbox, tmp_path: Path) -> None:
    psa.seed(seed(scenario))
    file = write_repository(scenario, representation, psa.url, tmp_path)
    _play(scenario, representation, psa, ByFunctions(file, dict(psa.credentials)))


@pytest.mark.parametrize("name", BY_COMMANDS)
def test_scenario_by_commands(name: str, psa: RunningSandbox, tmp_path: Path) -> None:
    scenario = load_scenario(FOLDER / f"{name}.yaml")
    psa.seed(seed(scenario))
    file = write_repository(scenario, "compact", psa.url, tmp_path)
    _play(scenario, "compact", psa, ByCommands(file, dict(psa.credentials)))


def _play(scenario: Scenario, representation: str, psa: RunningSandbox, runner: Runner) -> None:
    for number, step in enumerate(scenario.steps, start=1):
        months = months_of(step)
        write_invoices(scenario, number, runner.file.parent)
        for edit in step.get("meanwhile", ()):
            _edit(psa, edit)
        if "undo" in step:
            assert isinstance(runner, ByFunctions), "a run is taken back by functions"
            _take_back(scenario, number, representation, psa, runner)
            runner.step_ends(number)
            continue
        writes = _writes(psa)
        plan = runner.plan(months, _scope(step))
        _check_plan(scenario, number, representation, plan)
        assert _writes(psa) == writes, "a plan wrote to the PSA"
        refused = bool(step.get("refused_by")) or step.get("applied") is False
        if "fails" in step:
            assert step["fails"] in runner.apply(plan)
        elif plan.changes and not refused:
            assert runner.apply(plan) == ""
            assert _writes(psa) == writes + len(plan.changes), "each change is one write"
            for scope in {_scope(step), Scope.PRODUCTS if "products_only" in step else Scope.ALL}:
                _check_nothing_left(runner, months, "after the apply", scope)
        _bill(psa, step)
        state = psa.state()
        _check_records(state, step, representation)
        if "billed" in step and not refused and "fails" not in step:
            _check_prediction(scenario, state, plan, step)
            _check_nothing_left(runner, months, "after the PSA's invoices")
        runner.step_ends(number)


def _take_back(scenario: Scenario, number: int, representation: str, psa: RunningSandbox, runner: ByFunctions) -> None:
    """A step that takes an earlier one back; taking it back again changes nothing."""
    step = scenario.steps[number - 1]
    run = runner.run_of[step["undo"]]
    writes = _writes(psa)
    plan = runner.undo(run)
    _check_plan(scenario, number, representation, plan)
    assert _writes(psa) == writes, "the plan of an undo wrote to the PSA"
    if plan.changes:
        assert runner.apply(plan) == ""
        assert _writes(psa) == writes + len(plan.changes), "each change is one write"
        assert checks.change_lines([], runner.undo(run).changes)[1] == [], "it is taken back twice"
    _bill(psa, step)
    _check_records(psa.state(), step, representation)


def _scope(step: Row) -> Scope:
    return Scope.CUTOVER if "cutover" in step else Scope.PRODUCTS if "products_only" in step else Scope.ALL


def _writes(psa: RunningSandbox) -> int:
    return sum(request["method"] in WRITES for request in psa.requests())


def _edit(psa: RunningSandbox, edit: Row) -> None:
    """Somebody changes one addition by hand, through the PSA's own API."""
    found = [row for row in psa.state()["additions"] if all(row.get(k) == v for k, v in edit["of"].items())]
    assert len(found) == 1, f"{edit['of']} fits {len(found)} additions of {psa.state()['additions']}"
    keys = psa.credentials
    member = f"training+{keys['CONNECTWISE_PUBLIC_KEY']}"
    operations = [{"op": "replace", "path": name, "value": _plain(value)} for name, value in edit["set"].items()]
    path = f"/v4_6_release/apis/3.0/finance/agreements/{found[0]['agreementId']}/additions/{found[0]['id']}"
    answer = httpx.patch(
        psa.url + path,
        json=operations,
        auth=(member, keys["CONNECTWISE_PRIVATE_KEY"]),
        headers={"clientId": keys["CONNECTWISE_CLIENT_ID"]},
    )
    assert answer.status_code == 200, answer.text


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _check_plan(scenario: Scenario, number: int, representation: str, plan: Plan) -> None:
    there: Any
    step = scenario.steps[number - 1]
    wanted, there = checks.finding_lines(step.get("findings", ()), plan.findings)
    assert there == wanted, "findings"
    if "changes" in step:
        wanted = chosen(step["changes"], representation)
        there = checks.change_counts(plan.changes)
        if isinstance(wanted, list):
            wanted, there = checks.change_lines(wanted, plan.changes)
        assert there == wanted, "changes"
    if "impact" in step:
        wanted, there = checks.impact_lines(step["impact"], plan.impact)
        assert there == wanted, "impact"
    if "cutover" in step:
        wanted, there = checks.cutover_lines(step["cutover"], plan.cutover)
        assert there == wanted, "cut-over"
    planned = {str(month) for month in months_of(step)}
    rows = [row for row in plan.impact if row.month in planned]
    _check_money(step, rows, plan)
    if "seat_days" in step:
        assert sum(row.seat_days for row in rows) == step["seat_days"], "seat-days"
    if "verdict" in step:
        assert [row.verdict.value for row in rows] == [step["verdict"]] * (len(rows) or 1), "verdict"
    wanted, there = checks.left_open_lines(step, rows, plan.left_open)
    assert there == wanted, "what is left open"
    if "status" in step:
        moment = datetime(2026, 11, 22, tzinfo=UTC)
        assert plan_record(plan, moment, moment, "scenario").status == step["status"], "status"
    guards = [refusal.split(" ", 1)[0] for refusal in plan.refused_by]
    assert guards == step.get("refused_by", []), "guards"
    if step.get("blocked"):
        assert plan.changes == (), "a blocked customer has changes"
        assert any(f.severity is Severity.ERROR for f in plan.findings), "blocked without an error"
    if plan.undoes is None:
        _check_coverage(scenario, number, plan)


def _check_money(step: Row, rows: list[Impact], plan: Plan) -> None:
    """Every bill is told from the distributor's charge on, and nothing of the difference is left without a name."""
    if "breakdown" in step:
        assert checks.breakdown_line(step["breakdown"], step["month"], plan.impact) == step["breakdown"], "breakdown"
    if "not_passed_on" in step:
        assert checks.not_passed_on(step["not_passed_on"], plan) == step["not_passed_on"], "not passed on"
    if "margin" in step:
        margins = [sum(row.before - row.cost for row in rows), sum(row.after - row.cost for row in rows)]
        assert margins == step["margin"], "margin"
    # What takes a run back is no comparison with an invoice.
    rows = [] if plan.undoes else list(plan.impact)
    assert [told for row in rows if (told := checks.untold(row))] == [], "breakdown"


def _check_coverage(scenario: Scenario, number: int, plan: Plan) -> None:
    """Nothing is silent: every line of the month's invoices is billed, excluded or blocking, with its money."""
    step = scenario.steps[number - 1]
    lines = lines_of_months(scenario, number)
    assert sum(row.lines for row in plan.coverage) == len(lines), "lines accounted for"
    sums: dict[str, Decimal] = {}
    for row in plan.coverage:
        for money in row.amounts:
            sums[row.outcome] = sums.get(row.outcome, Decimal(0)) + money.amount
    assert sum(sums.values(), Decimal(0)) == sum((Decimal(x.get("amount", 0)) for x in lines), Decimal(0)), "money"
    if "coverage" in step:
        assert {k: v for k, v in sums.items() if v} == step["coverage"], "coverage"


def _check_nothing_left(runner: Runner, months: Months, when: str, scope: Scope = Scope.ALL) -> None:
    again = runner.plan(months, scope)
    assert checks.change_lines([], again.changes)[1] == [], f"changes are planned again {when}"


def _bill(psa: RunningSandbox, step: Row) -> None:
    for month, expected in step.get("billed", {}).items():
        wanted, there = checks.billed_lines(month, expected, psa.bill(month))
        assert there == wanted, "billed"


def _check_records(state: Row, step: Row, representation: str) -> None:
    if "records" in step:
        rows = chosen(step["records"], representation)
        wanted, there = checks.record_lines(rows, state, step["month"])
        assert there == wanted, "records"
    if "catalogue" in step:
        wanted, there = checks.catalogue_lines(step["catalogue"], state)
        assert there == wanted, "catalogue"


def _check_prediction(scenario: Scenario, state: Row, plan: Plan, step: Row) -> None:
    """What the plan said the month would bill is what the PSA billed for its days."""
    if step.get("blocked"):
        return
    plays = scenario.before.get("switches", {}).get("rounding", "line")
    declared = scenario.mapping.get("target", {}).get("rounding", "line")
    tolerance = 0 if plays == declared else checks.tolerance(state)
    for month in months_of(step):
        actual = checks.billed_for(state, month)
        for agreement, amount in checks.predicted(plan, month).items():
            gap = abs(actual.get(agreement, Decimal(0)) - amount)
            assert gap <= tolerance, f"agreement {agreement} bills {actual} for {month}, the plan says {amount}"
