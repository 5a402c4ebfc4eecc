"""`history` and `status`: per subscription and program, what was answered, and CSV that a spreadsheet takes as text."""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_world import SEED, Office

from reconciler.sandbox.server import RunningSandbox

ROGUE = '=HYPERLINK("http://evil.example";"pay")'


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def office(sandbox: RunningSandbox, tmp_path: Path) -> Office:
    sandbox.seed(SEED)
    sandbox.faults([])
    return Office(tmp_path, sandbox)


def told(office: Office, *words: str) -> str:
    """What a command prints, its lines put together again where the width of the page broke them."""
    return " ".join(office.invoke(*words).stdout.split())


def applied(office: Office) -> None:
    plan = str(office.folder / office.saved_plan())
    done = office.invoke("apply", plan)
    assert done.exit_code in (0, 6), done.output


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_answers_of_the_psa_are_in_the_journal_with_their_http_status(office: Office) -> None:
    applied(office)
    run = json.loads(office.invoke("history", "2", "--format", "json").stdout)
    answers = {(step["to"], step["http_status"]) for step in run["sent"]}
    assert answers == {("PLANNED", None), ("INTENT", None), ("CONFIRMED", 200), ("CONFIRMED", 201)}
    text = told(office, "history", "2")
    assert re.search(r"INTENT -> CONFIRMED: the PSA answered with record \d+ \(HTTP 201\)", text)


def test_a_refusal_is_kept_with_its_status_for_the_subscription_concerned(office: Office) -> None:
    plan = str(office.folder / office.saved_plan())
    office.psa.seed({**SEED, "products": [{**SEED["products"][0], "inactiveFlag": True}]})
    office.invoke("apply", plan)
    run = json.loads(office.invoke("history", "2", "--format", "json").stdout)
    refused = [step for step in run["sent"] if step["to"] == "REJECTED"]
    assert refused
    assert {step["http_status"] for step in refused} == {400}
    statuses = [status for customer in run["subscriptions"].values() for status in customer.values()]
    assert statuses.count("Error") >= 1
    assert "Success" in statuses
    assert "Error" in run["customers"].values()


def test_a_run_tells_its_documents_and_each_subscription(office: Office) -> None:
    applied(office)
    planned = json.loads(office.invoke("history", "1", "--format", "json").stdout)
    documents = [file["name"] for file in planned["files"] if file["role"] == "document"]
    assert documents == ["invoices/0.yaml", "invoices/1.yaml", "invoices/2.yaml"]
    assert planned["digest"].startswith("sha256:")
    assert planned["subscriptions"]["Customer 1"] == {
        "aaaa0002-0000-4000-8000-000000000001": "Success",
        "aaaa0002-0000-4000-8000-000000000002": "Success",
    }
    text = told(office, "history", "1")
    assert "document invoices/0.yaml sha256 " in text
    assert "aaaa0002-0000-4000-8000-000000000001: Success" in text


@pytest.mark.security(17)
def test_no_text_of_the_history_becomes_a_formula(office: Office) -> None:
    mapping = office.folder / "mappings.yaml"
    text = mapping.read_text(encoding="utf-8").replace("name: Customer 0", f"name: '{ROGUE}'")
    mapping.write_text(text, encoding="utf-8")
    applied(office)
    for words in (("history",), ("history", "1"), ("history", "2")):
        table = office.invoke(*words, "--format", "csv").stdout
        cells = [cell for row in rows(table) for cell in row.values()]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))]
    found = [row for row in rows(office.invoke("history", "1", "--format", "csv").stdout) if row["row"] == "customer"]
    assert f"'{ROGUE}" in [row["customer"] for row in found]
    kept = json.loads(office.invoke("history", "1", "--format", "json").stdout)
    assert ROGUE in kept["customers"]


def test_csv_goes_to_a_file_and_amounts_are_numbers(office: Office) -> None:
    extra = (office.folder / "invoices" / "0.yaml").read_text(encoding="utf-8")
    unmapped = extra.replace("aaaa0001", "bbbb0009").replace("INV-0", "INV-9").replace("Customer 0", "Nobody's")
    (office.folder / "invoices" / "9.yaml").write_text(unmapped, encoding="utf-8")
    office.invoke("plan")
    file = office.folder / "out" / "run.csv"
    assert office.invoke("history", "1", "--csv", str(file)).stdout == ""
    found = [row for row in rows(file.read_text(encoding="utf-8")) if row["name"].startswith("unmapped")]
    assert [(row["amount"], row["currency"]) for row in found] == [("240", "AUD")]
    assert b"\r" not in file.read_bytes()
    office.invoke("history", "--csv", str(file))
    assert [row["run"] for row in rows(file.read_text(encoding="utf-8"))] == ["1"]
    (office.folder / "taken").write_text("", encoding="utf-8")
    refused = office.invoke("history", "--csv", str(office.folder / "taken" / "run.csv"))
    assert refused.exit_code == 1
    assert "cannot be written" in refused.stderr
    status = told(office, "status")
    assert "unmapped: 1 (240.00 AUD)" in status


def test_status_tells_for_each_program_when_it_was_good_last(office: Office) -> None:
    office.invoke("plan", "--customer", "Customer 0")
    assert "Program" not in office.invoke("status").stdout
    plan = str(office.folder / office.saved_plan())
    status = told(office, "status")
    assert "Program microsoft-csp: Success; 3 customers, 12 changes to make, 0 failed (run 2)" in status
    assert "no good run yet" in status
    office.invoke("apply", plan)
    assert "last good run: apply 2026-09, Success" in told(office, "status")
    mapping = office.folder / "mappings.yaml"
    text = mapping.read_text(encoding="utf-8").replace("company: CUST1", "company: CUST9")
    mapping.write_text(text, encoding="utf-8")
    office.invoke("plan")
    status = told(office, "status")
    assert "Program microsoft-csp: Error; 3 customers, 0 changes to make, 1 failed (run 4)" in status
    assert "last good run: apply 2026-09, Success" in status
    assert "failed: 1 customer (240.00 AUD)" in status
