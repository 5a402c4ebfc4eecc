"""The generated data is the same for the same seed, and every benchmark runs and checks its own result."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bench.__main__ import BENCHMARKS, main
from bench.alone import Failed, alone
from bench.generate import SEED, Fate, Tenant, changed_of, offers, sizes, sizes_of_customers, tenants
from bench.generate_documents import invoices, reconciliation_rows
from bench.generate_psa import observation, sandbox_seed
from bench.planning import check_plan, differing, measured_input, planned
from bench.table import Row, table


def _held(subscriptions: int = 400, seed: int = SEED) -> tuple[Tenant, ...]:
    return tuple(tenants(sizes(subscriptions), seed=seed))


def _row(met: bool | None) -> Row:
    return Row("planning", "9.00 s", "1.00 s (sums)", 9.0, "≤ 10 s", met, "median of 3 runs")


def test_the_same_seed_makes_the_same_data() -> None:
    one, other = _held(), _held()
    assert one == other
    assert list(invoices(one)) == list(invoices(other))
    assert list(reconciliation_rows(one)) == list(reconciliation_rows(other))
    assert observation(one) == observation(other)
    assert sandbox_seed(one) == sandbox_seed(other)


def test_each_line_has_its_own_row_of_the_kept_text() -> None:
    made = list(invoices(tuple(tenants(sizes(4_000)))))
    assert len(made) > 200
    for line in (line for invoice in made for line in invoice.lines):
        row = (line.raw["subscription"], line.raw["customer"], line.raw["amount"])
        assert row == (line.subscription, line.customer.tenant, str(line.amount))


def test_another_seed_makes_other_data() -> None:
    assert _held() != _held(seed=7)


@pytest.mark.parametrize("subscriptions", [1, 399, 400])
def test_there_are_exactly_as_many_subscriptions_as_asked_for(subscriptions: int) -> None:
    assert sum(len(tenant.subscriptions) for tenant in _held(subscriptions)) == subscriptions


def test_five_in_a_hundred_subscriptions_changed_and_in_every_way() -> None:
    held = _held(4_000)
    assert changed_of(held) == 200
    assert {s.fate for tenant in held for s in tenant.subscriptions} == set(Fate)


def test_customers_are_skewed() -> None:
    drawn = sorted(sizes_of_customers(1_000))
    assert drawn[500] < sum(drawn) / len(drawn) < drawn[-1] / 5


def test_no_two_products_share_a_key() -> None:
    keys = [offer.key for offer in offers()]
    assert len(set(keys)) == len(keys)


def test_the_plan_changes_exactly_what_was_changed() -> None:
    gathered, changed = measured_input(600)
    check_plan(planned(gathered), 600, changed)
    assert changed == 30


def test_a_plan_with_a_change_too_few_is_no_measurement() -> None:
    gathered, changed = measured_input(600)
    plan = planned(gathered)
    one = plan.changes[-1].subscription
    less = replace(plan, changes=tuple(change for change in plan.changes if change.subscription != one))
    with pytest.raises(Failed, match="29 subscriptions change"):
        check_plan(less, 600, changed)


def test_the_alternative_finds_the_same_changes() -> None:
    gathered, changed = measured_input(600)
    found = [differing(each.invoices, gathered.observation) for each in gathered.documents.values()]
    assert found == [changed]


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
def test_the_file_holds_what_its_writer_says(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    written = alone("bench.reading:write", 500, str(file))
    read = alone("bench.reading:measure", 500, str(file))
    assert {name: read[name] for name in written} == written
    assert written["subscriptions"] < 500


def test_a_file_with_a_torn_row_is_no_measurement(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    alone("bench.reading:write", 500, str(file))
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(Failed):
        alone("bench.reading:measure", 500, str(file))


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_every_benchmark_runs_on_little_data(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--small"]) == 0
    printed = capsys.readouterr()
    # What another program stands beside is left out where that is missing, and says so.
    assert "| not judged |" in printed.out or "is not installed here" in printed.err
    assert "| NO " not in printed.out


def test_a_missed_goal_ends_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    def slow(*, small: bool) -> list[Row]:
        return [_row(True), _row(None if small else False)]

    assert main(["slow"], {"slow": slow}) == 1
    assert "| NO " in capsys.readouterr().out
    assert main(["slow", "--small"], {"slow": slow}) == 0


def test_a_measurement_that_fails_ends_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*, small: bool) -> list[Row]:
        raise Failed(f"nothing came back (small: {small})")

    assert main([], {"broken": broken}) == 2
    assert "nothing came back" in capsys.readouterr().err


def test_the_columns_of_the_table_align() -> None:
    lines = [line for line in table([_row(True), _row(None)]).splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines}) == 1


def test_nothing_changed_is_left_out_of_the_share() -> None:
    assert changed_of(tenants(sizes(200), changed=Decimal(0))) == 0
