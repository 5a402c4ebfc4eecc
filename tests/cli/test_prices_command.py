"""`prices`: which rule wins and why, by the same rules and arithmetic as a plan."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from syrupy.assertion import SnapshotAssertion

from reconciler.cli.main import main

SKU = "CFQ7TTC0LH18:0001"
MAPPING = f"""\
version: 1
sources:
  distributor: {{type: files, invoices: "invoices/*", price_list: prices.csv}}
  other: {{type: files, invoices: "invoices/*"}}
targets:
  psa:
    {{type: connectwise, url: "https://a.eu", company: me, client_id: "${{A}}", public_key: "${{B}}",
      private_key: "${{C}}"}}
programs:
  csp: {{source: distributor, target: psa, motions: [seat-monthly, seat-annual, azure]}}
  own: {{source: other, target: psa, motions: [seat-monthly]}}
customers:
  - {{name: Contoso, program: csp, tenant: t1, company: C, agreements: {{seat-monthly: A, azure: B}}}}
  - {{name: Fabrikam, program: csp, tenant: t2, company: F, agreements: {{seat-monthly: A}}}}
  - {{name: Northwind, program: own, tenant: t3, company: N, agreements: {{seat-monthly: A}}}}
prices:
  - {{name: Summer, price: retail - 20%, from: 2026-06-01, to: 2026-08-31}}
  - {{name: From next year, price: retail - 10%, from: 2027-01-01}}
  - {{name: Fabrikam's own, when: {{customer: Fabrikam}}, price: fixed 12.50}}
  - {{name: Another product, when: {{sku: "CFQ7TTC0LF8R:0001", program: own}}, price: cost + 1.20}}
  - {{name: Contoso promotion, when: {{customer: Contoso, sku: "{SKU}"}}, price: retail - 5%}}
  - {{name: Everybody at csp, when: {{program: csp}}, price: cost + 10%}}
  - {{name: What stands, when: {{program: own}}, price: psa}}
"""
PRICES = f"""\
sku,name,unit_cost,unit_price,currency,term,billing,from,to
{SKU},Business Basic,16.00,20.00,AUD,P1M,monthly,2026-01-01,
{SKU},Business Basic,12.00,15.00,USD,P1M,monthly,2026-01-01,2026-12-31
CFQ7TTC0LF8R:0001,E3,40.00,,AUD,P1Y,annual,2026-01-01,
"""
INVOICE = """\
invoice: INV-1
issued: 2026-10-01
period: {from: 2026-09-01, to: 2026-09-30}
currency: AUD
kind: invoice
lines:
  - {line: 1, customer: {tenant: t1}, motion: seat-monthly, subscription: s1, sku: "CFQ7TTC0LH18:0001", charge: cycle,
     quantity: 10, from: 2026-09-01, to: 2026-09-30, unit_cost: 16, unit_price: 20, amount: 160.00}
  - {line: 2, customer: {tenant: t2}, motion: seat-monthly, subscription: s2, sku: "CFQ7TTC0LH18:0001", charge: cycle,
     quantity: 1, from: 2026-09-01, to: 2026-09-30, unit_cost: 16, unit_price: 20, amount: 16.00}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mappings.yaml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "prices.csv").write_text(PRICES, encoding="utf-8")
    (tmp_path / "invoices").mkdir()
    (tmp_path / "invoices" / "1.yaml").write_text(INVOICE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, ["prices", *words])


def tried(*words: str) -> str:
    """What is told of the product on a September day."""
    done = run("--sku", SKU, "--on", "2026-09-15", *words)
    assert done.exit_code == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    return done.stdout


@pytest.mark.usefixtures("folder")
def test_every_rule_is_told_with_what_speaks_against_it(snapshot: SnapshotAssertion) -> None:
    assert tried("--customer", "Contoso") == snapshot


@pytest.mark.usefixtures("folder")
def test_without_a_customer_all_stand_in_one_table(snapshot: SnapshotAssertion) -> None:
    assert tried() == snapshot


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "price"),
    [
        (("--customer", "Contoso", "--cost", "16.00", "--retail", "20.00"), "19.00, by retail - 5%"),
        (("--customer", "Contoso", "--retail", "19.99"), "18.9905 AUD, by retail - 5%"),
        (("--customer", "Fabrikam"), "12.50 AUD, by fixed 12.50"),
        (("--customer", "Contoso", "--on", "2026-07-01"), "16.00 AUD, by retail - 20%"),
        (("--customer", "Contoso", "--on", "2026-08-31"), "16.00 AUD, by retail - 20%"),
        (("--customer", "Contoso", "--on", "2027-01-01"), "18.00 AUD, by retail - 10%"),
        (("--customer", "Contoso", "--sku", "P1Y:A:CFQ7TTC0LF8R:0001"), "44.00 AUD, by cost + 10%"),
    ],
)
def test_the_price_is_the_one_that_a_plan_would_bill(words: tuple[str, ...], price: str) -> None:
    assert f"price       {price}\n" in tried(*words)


@pytest.mark.usefixtures("folder")
def test_each_currency_of_the_price_list_has_its_price() -> None:
    told = tried("--customer", "Contoso")
    assert "price       19.00 AUD" in told
    assert "price       14.25 USD" in told
    assert "USD" not in tried("--customer", "Contoso", "--on", "2027-01-01")


@pytest.mark.usefixtures("folder")
def test_a_price_below_cost_is_said_to_be() -> None:
    told = tried("--customer", "Contoso", "--cost", "25", "--retail", "20")
    assert "margin      -6.00 (-31.6 %), below cost" in told
    assert "cost        25.00 (as given)" in told


@pytest.mark.usefixtures("folder")
def test_a_rule_that_leaves_the_price_to_the_psa_says_so() -> None:
    told = tried("--customer", "Northwind", "--cost", "16", "--retail", "20")
    assert "*  7. What stands: psa" in told
    assert "price       the PSA keeps the price that stands" in told


@pytest.mark.usefixtures("folder")
def test_usage_has_no_unit_for_a_rule_with_an_amount() -> None:
    """As in a plan: `fixed 12.50` speaks of a seat."""
    told = tried("--customer", "Fabrikam", "--motion", "azure", "--cost", "100", "--retail", "120")
    assert "usage has no unit price" in " ".join(told.split())
    assert "price       110.00" not in told


def test_without_any_rule_the_retail_price_is_billed(folder: Path) -> None:
    (folder / "mappings.yaml").write_text(MAPPING[: MAPPING.index("prices:\n")], encoding="utf-8")
    told = tried("--customer", "Contoso")
    assert "At Retail Price (no rule matches)" in told
    assert "price       20.00 AUD, by the retail price" in told


@pytest.mark.usefixtures("folder")
def test_rules_that_decide_nothing_in_the_invoices_are_pointed_out() -> None:
    warned = run("--sku", SKU, "--customer", "Contoso", "--on", "2026-09-15").stderr
    named = [line.split("'")[1] for line in warned.replace("Fabrikam's", "Fabrikams").splitlines() if "[price" in line]
    assert named == ["Summer", "From next year", "Another product", "Everybody at csp", "What stands"]
    assert "mappings.yaml:17:5: warning[price-rule-idle]: price rule 'Summer'" in warned
    everybody = next(line for line in warned.splitlines() if "Everybody" in line)
    assert everybody.endswith("rules before it always hold as well")


def test_where_nothing_was_charged_no_rule_is_called_idle(folder: Path) -> None:
    (folder / "invoices" / "1.yaml").unlink()
    done = run("--sku", SKU, "--on", "2026-09-15")
    assert done.exit_code == 0
    assert "price-rule-idle" not in done.stderr
    assert "error[missing-file]" in done.stderr


@pytest.mark.usefixtures("folder")
def test_an_unknown_sku_is_a_warning_that_names_what_may_be_meant() -> None:
    done = run("--sku", "CFQ7TTC0LF8R:0001", "--on", "2026-09-15", "--customer", "Contoso")
    assert done.exit_code == 0
    assert "warning: no price list has a price of CFQ7TTC0LF8R:0001\n" in done.stderr
    assert "did you mean P1Y:A:CFQ7TTC0LF8R:0001?" in done.stderr
    assert "no cost is known" in done.stdout


@pytest.mark.usefixtures("folder")
def test_an_unknown_customer_is_an_error_that_names_who_may_be_meant() -> None:
    done = run("--sku", SKU, "--customer", "Contosso")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "did you mean 'Contoso'?" in done.stderr


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "words",
    [("--cost", "-1"), ("--cost", "NaN"), ("--retail", "ten"), ("--on", "2026-13-01"), ("--motion", "one-time")],
)
def test_what_is_no_price_or_day_is_a_usage_error(words: tuple[str, str]) -> None:
    assert run("--sku", SKU, *words).exit_code == 2


def test_the_installed_command_needs_no_credentials(folder: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "reconciler", "prices", "--sku", SKU, "--on", "2026-09-15"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "Contoso promotion" in done.stdout


def test_help_ends_with_an_example() -> None:
    assert "Example:\n    reconciler prices --sku" in CliRunner().invoke(main, ["prices", "--help"]).stdout
