"""Bad documents: each is a finding with file and row, its customer is left out, the other one proceeds."""

import gzip
from pathlib import Path

import pytest
from world import CONTOSO, FABRIKAM, MAPPING, SKU, A, B, contoso, csv_text, fabrikam, line, plan_with

from reconciler.domain.plan import Plan
from reconciler.sandbox.server import RunningSandbox


def customers(plan: Plan) -> set[str | None]:
    return {change.customer for change in plan.changes if change.customer}


def test_without_a_fault_both_customers_have_their_changes(tmp_path: Path, psa: RunningSandbox) -> None:
    plan = plan_with(tmp_path, psa, {"c.csv": contoso(), "f.csv": fabrikam()})
    assert customers(plan) == {"Contoso", "Fabrikam"}
    assert not plan.errors


BAD_ROWS = {
    "a quantity of ten": ({"quantity": "ten"}, 2),
    "an end before a start": ({"from": "2026-09-20", "to": "2026-09-02"}, 2),
    "a negative seat level": ({"quantity": "-4", "amount": "-64.00"}, 2),
    "an unknown charge": ({"charge": "surprise"}, 2),
    "an amount that is no number": ({"amount": "NaN"}, 2),
    "a quantity beyond all measure": ({"quantity": "9" * 40}, 2),
}


@pytest.mark.parametrize(("members", "row"), BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_a_bad_row_names_its_file_and_row_and_leaves_its_customer_out(
    tmp_path: Path, psa: RunningSandbox, members: dict[str, str], row: int
) -> None:
    plan = plan_with(tmp_path, psa, {"c.csv": contoso(**members), "f.csv": fabrikam()})
    assert customers(plan) == {"Fabrikam"}
    about = [f for f in plan.errors if f.customer == "Contoso"]
    assert about
    assert any(f.where and f.where.file == "invoices/c.csv" and f.where.line == row for f in about)


def test_a_row_without_a_tenant_ends_nobodys_subscription(tmp_path: Path, psa: RunningSandbox) -> None:
    """Contoso's only row lost its tenant: it may not be taken for a customer that was charged nothing."""
    rows = csv_text(line(FABRIKAM, B, invoice="INV-1"), line("", A, invoice="INV-1", line="2"))
    plan = plan_with(tmp_path, psa, {"all.csv": rows})
    assert "Contoso" not in customers(plan)
    assert customers(plan) == {"Fabrikam"}
    assert any(f.where and f.where.line == 3 for f in plan.errors)


def test_a_truncated_file_leaves_the_customers_in_it_out(tmp_path: Path, psa: RunningSandbox) -> None:
    cut = contoso()[:-40]
    plan = plan_with(tmp_path, psa, {"c.csv": cut, "f.csv": fabrikam()})
    assert customers(plan) == {"Fabrikam"}
    assert any(f.where and f.where.file == "invoices/c.csv" for f in plan.errors)


def test_a_truncated_gzip_leaves_the_customers_in_it_out(tmp_path: Path, psa: RunningSandbox) -> None:
    cut = gzip.compress(contoso().encode())[:-12]
    plan = plan_with(tmp_path, psa, {"c.csv.gz": cut, "f.csv": fabrikam()})
    assert customers(plan) == {"Fabrikam"}
    assert any(f.where and f.where.file == "invoices/c.csv.gz" for f in plan.errors)


def test_a_missing_file_is_named_and_ends_nothing(tmp_path: Path, psa: RunningSandbox) -> None:
    mapping = MAPPING.replace('"invoices/*"', '["invoices/f.csv", "invoices/c.csv"]')
    plan = plan_with(tmp_path, psa, {"f.csv": fabrikam()}, mapping=mapping)
    assert customers(plan) == {"Fabrikam"}
    assert any(f.where and f.where.file == "invoices/c.csv" for f in plan.errors)


def test_an_invoice_that_does_not_add_up_to_its_total_is_an_error(tmp_path: Path, psa: RunningSandbox) -> None:
    plan = plan_with(tmp_path, psa, {"c.csv": contoso(total="300.00"), "f.csv": fabrikam()})
    assert customers(plan) == {"Fabrikam"}
    assert any(f.customer == "Contoso" and "300.00" in f.message for f in plan.errors)


def test_two_currencies_on_an_agreement_are_an_error(tmp_path: Path, psa: RunningSandbox) -> None:
    more = csv_text(line(CONTOSO, "cccc", currency="NZD", invoice="INV-NZ"))
    plan = plan_with(tmp_path, psa, {"c.csv": contoso(), "nz.csv": more, "f.csv": fabrikam()})
    assert customers(plan) == {"Fabrikam"}
    assert [f.code for f in plan.errors] == ["currency"]


def test_an_unknown_customer_is_a_warning_with_its_money_and_row(tmp_path: Path, psa: RunningSandbox) -> None:
    stranger = csv_text(line("dddd", "eeee"))
    plan = plan_with(tmp_path, psa, {"c.csv": contoso(), "f.csv": fabrikam(), "x.csv": stranger})
    assert customers(plan) == {"Contoso", "Fabrikam"}
    (finding,) = [f for f in plan.warnings if f.code == "unmapped-customer"]
    assert str(finding.amount) == "208.00 AUD"
    assert str(finding.where).startswith("invoices/x.csv:2")


def test_an_unknown_sku_is_a_warning_with_its_money_and_leaves_its_customer_out(
    tmp_path: Path, psa: RunningSandbox
) -> None:
    (tmp_path / "prices.csv").write_text(
        "sku,name,unit_cost,unit_price,currency,term,billing,from,to\n" + f"{SKU},Basic,16,20,AUD,P1M,monthly,,\n"
    )
    mapping = MAPPING.replace('invoices: "invoices/*"', 'invoices: "invoices/*", price_list: prices.csv')
    rows = csv_text(line(CONTOSO, A), line(CONTOSO, "ffff", sku="CFQ7XXXX:0009", line="2"))
    plan = plan_with(tmp_path, psa, {"c.csv": rows, "f.csv": fabrikam()}, mapping=mapping)
    assert customers(plan) == {"Fabrikam"}
    (finding,) = [f for f in plan.warnings if f.code == "E10"]
    assert str(finding.amount) == "208.00 AUD"
    assert str(finding.where).startswith("invoices/c.csv:3")
    assert finding.customer == "Contoso"


def test_the_same_invoice_with_other_content_is_an_error(tmp_path: Path, psa: RunningSandbox) -> None:
    files = {"c1.csv": contoso(), "c2.csv": contoso(quantity="14", amount="224.00"), "f.csv": fabrikam()}
    plan = plan_with(tmp_path, psa, files)
    assert customers(plan) == {"Fabrikam"}
    assert any(f.customer == "Contoso" for f in plan.errors)


def test_the_same_document_twice_counts_once(tmp_path: Path, psa: RunningSandbox) -> None:
    once = plan_with(tmp_path, psa, {"c1.csv": contoso(), "f.csv": fabrikam()})
    twice = plan_with(tmp_path, psa, {"c2.csv": contoso()})
    assert [c.after for c in twice.changes] == [c.after for c in once.changes]
    assert twice.warnings


def test_planning_writes_nothing_to_the_psa(tmp_path: Path, psa: RunningSandbox) -> None:
    plan_with(tmp_path, psa, {"c.csv": contoso(), "f.csv": fabrikam()})
    assert {entry["method"] for entry in psa.requests() if "/apis/3.0" in entry["path"]} == {"GET"}
