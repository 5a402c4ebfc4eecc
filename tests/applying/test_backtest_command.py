"""`backtest`: months that were planned and applied for real, planned again by other rules, to the cent."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from real_world import SEED, TENANTS, Office

from reconciler.sandbox.server import RunningSandbox

LAST = {9: 30, 10: 31, 11: 30, 12: 31}
INVOICE = """\
invoice: INV-{month}
issued: 2026-{month:02}-28
period: {{from: 2026-{month:02}-01, to: 2026-{month:02}-{last}}}
currency: AUD
kind: invoice
lines:
"""
LINE = """\
  - {{line: {number}, motion: seat-monthly, subscription: {tenant}-0000-4000-8000-000000000001,
     customer: {{tenant: {tenant}-0000-4000-9000-000000000000, name: Customer}}, sku: "CFQ7TTC0LH18:0001",
     charge: {charge}, quantity: {quantity}, from: 2026-{month:02}-{first:02}, to: 2026-{month:02}-{last},
     unit_cost: 16, unit_price: 20, amount: {amount:.2f}}}
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def office(sandbox: RunningSandbox, tmp_path: Path) -> Office:
    sandbox.seed(SEED)
    sandbox.faults([])
    office = Office(tmp_path, sandbox)
    for file in (tmp_path / "invoices").iterdir():
        file.unlink()
    return office


def invoice(office: Office, month: int, quantity: int, change: int = 0, first: int = 1) -> None:
    """The month's invoice: every customer has so many seats; Customer 0's count changes on a day."""
    last, text = LAST[month], INVOICE.format(month=month, last=LAST[month])
    rows: list[tuple[str, str, int, int]] = []
    for n, tenant in enumerate(TENANTS):
        rows.append((tenant, "cycle", quantity if n == 0 else 10, 1))
        if n == 0 and change:
            rows.append((tenant, "add-quantity" if change > 0 else "remove-quantity", change, first))
    for number, (tenant, charge, count, day) in enumerate(rows, 1):
        amount = count * 16 * (last - day + 1) / last
        members = {"number": number, "tenant": tenant, "charge": charge, "quantity": count, "first": day}
        text += LINE.format(month=month, last=last, amount=amount, **members)
    (office.folder / "invoices" / f"{month:02}.yaml").write_text(text, encoding="utf-8")


def billed_for_real(office: Office) -> list[tuple[int, Result]]:
    """Three months: ten seats and three more from 16 September; five fewer from 11 October; eight in November."""
    told = []
    for month, seats, change, first in ((9, 10, 3, 16), (10, 13, -5, 11), (11, 8, 0, 1)):
        invoice(office, month, seats, change, first)
        planned = office.invoke("plan", "--out", str(office.folder / "plan.json"))
        assert planned.exit_code == 0, planned.output
        applied = office.invoke("apply", str(office.folder / "plan.json"))
        assert applied.exit_code == 0, applied.output
        # Planned once more upon what was written: what the backtest must not begin with.
        assert office.invoke("plan", "--detailed-exitcode").exit_code == 0
        told.append((month, applied))
    return told


def backtest(office: Office, *words: str) -> dict[str, Any]:
    done = office.invoke("backtest", "--format", "json", *words)
    assert done.exit_code == 0, done.output
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def amounts(result: dict[str, Any], customer: str) -> list[tuple[str, str, str]]:
    rows = [(m["month"], row) for m in result["months"] for row in m["customers"] if row["customer"] == customer]
    return [(month, row["then"], row["tried"]) for month, row in rows]


def test_suppressed_credits_are_what_the_backtest_says_month_by_month(office: Office) -> None:
    billed_for_real(office)
    requests = len(office.psa.requests())
    result = backtest(office, "--set", "changes.decrease=none")
    # 13 seats at 20 in October; five of them end with 10 October: 5 x 20 x 21/31 = 67.74 are not credited.
    assert amounts(result, "Customer 0") == [
        ("2026-09", "230", "230"),
        ("2026-10", "192.26", "260"),
        ("2026-11", "160", "160"),
    ]
    assert amounts(result, "Customer 1") == [(f"2026-{n:02}", "200", "200") for n in (9, 10, 11)]
    assert result["totals"] == [{"currency": "AUD", "then": "1782.26", "tried": "1850", "difference": "67.74"}]
    assert [(month["run"], month["first_run"], month["begins"]) for month in result["months"]] == [
        (3, 1, True),
        (6, 4, False),
        (8, 7, False),
    ]
    assert len(office.psa.requests()) == requests


def test_without_a_setting_nothing_differs_and_the_months_are_as_they_were_billed(office: Office) -> None:
    billed_for_real(office)
    result = backtest(office)
    assert [row["difference"] for row in result["totals"]] == ["0"]
    for month, row in zip(result["months"], result["months"], strict=True):
        first = office.invoke("plan", "--as-of", str(month["first_run"]), "--format", "json")
        impact = json.loads(first.stdout)["impact"]
        was = sum(float(r["after"]) for r in impact if r["month"] == month["month"])
        assert float(row["totals"][0]["then"]) == pytest.approx(was)


def test_a_price_rule_and_a_guard_are_tried(office: Office) -> None:
    rule = "prices:\n  - {name: list price, when: {customer: Customer 1}, price: retail}\n"
    mapping = office.folder / "mappings.yaml"
    mapping.write_text(mapping.read_text(encoding="utf-8") + rule, encoding="utf-8")
    billed_for_real(office)
    words = ("--set", "prices.list price.price=fixed 30", "--set", "changes.price_change=next-period")
    result = backtest(office, *words, "--customer", "Customer 1")
    assert amounts(result, "Customer 1")[1:] == [("2026-10", "200", "300"), ("2026-11", "200", "300")]
    assert amounts(result, "Customer 0") == []
    guarded = backtest(office, "--set", "programs.microsoft-csp.guards.max_changes=0", "--months", "3")
    assert guarded["months"][0]["guards"]["tried"][0].startswith("max_changes of program microsoft-csp")
    assert guarded["months"][0]["guards"]["then"] == []
    assert {row["difference"] for row in guarded["totals"]} == {"0"}


def test_a_month_that_was_not_kept_is_named_and_the_next_one_begins_anew(office: Office) -> None:
    for month, seats in ((9, 10), (11, 8)):
        invoice(office, month, seats)
        assert office.invoke("plan").exit_code == 0
    result = backtest(office, "--set", "changes.decrease=none")
    assert result["missing"] == ["2026-10"]
    assert [month["begins"] for month in result["months"]] == [True, True]
    text = office.invoke("backtest", "--set", "changes.decrease=none").stdout
    assert "2026-10: no run for all customers was kept" in text
    assert max(map(len, text.splitlines())) <= 80
    assert len(backtest(office, "--months", "1")["months"]) == 1


@pytest.mark.parametrize(
    ("setting", "said", "hint"),
    [
        ("changes.decreas=none", "'decreas' is not a key of changes of program 'microsoft-csp'", "mean 'decrease'"),
        ("changes.decrease=non", "expects", "mean 'none'"),
        ("guards.max_changes=many", "'guards.max_changes' of program 'microsoft-csp' expects", ""),
        ("program.microsoft-csp.changes.decrease=none", "'program' is nothing that can be set", "mean 'programs'"),
        ("programs.microsoft.changes.decrease=none", "there is no 'microsoft' under 'programs'", "microsoft-csp"),
        ("programs.microsoft-csp.target=other", "'target' is nothing that can be set of microsoft-csp", "changes"),
        ("prices.promo.price=retail", "there is no 'promo' under 'prices'", "what can be set"),
    ],
)
def test_a_setting_that_is_none_is_refused_as_in_the_file(office: Office, setting: str, said: str, hint: str) -> None:
    invoice(office, 9, 10)
    office.invoke("plan")
    refused = office.invoke("backtest", "--set", setting)
    assert refused.exit_code == 1, refused.output
    assert said in refused.stderr
    assert hint in refused.stderr
    assert f"--set {setting}" in refused.stderr


def test_what_cannot_be_computed_is_a_sentence(office: Office) -> None:
    assert "there is no state database" in office.invoke("backtest").stderr
    invoice(office, 9, 10)
    office.invoke("plan", "--customer", "Customer 0")
    assert "no run for all customers was kept" in office.invoke("backtest").stderr
    office.invoke("plan")
    assert (
        "no customer of the mapping of run 2 is called 'Nobody'"
        in office.invoke("backtest", "--customer", "Nobody").stderr
    )
    assert office.invoke("backtest", "--set", "decrease").exit_code == 2


def test_a_customer_of_its_own_mind_is_pointed_out(office: Office) -> None:
    mapping = office.folder / "mappings.yaml"
    text = mapping.read_text(encoding="utf-8").replace(
        "    company: CUST0\n", "    company: CUST0\n    changes: {decrease: credit}\n"
    )
    mapping.write_text(text, encoding="utf-8")
    billed_for_real(office)
    done = office.invoke("backtest", "--set", "changes.decrease=none")
    assert "1 customer has a 'changes.decrease' of its own" in done.stderr
    assert "+67.74" not in done.stdout
    own = office.invoke("backtest", "--set", "customers.Customer 0.changes.decrease=none")
    assert "+67.74 AUD" in own.stdout
