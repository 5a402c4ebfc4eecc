"""`reconcile` end to end on a sandbox: what was charged beside what the PSA bills as it stands."""

import csv
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from syrupy.assertion import SnapshotAssertion
from world import CONTOSO, MAPPING, SEED, A, B, contoso, csv_text, fabrikam, line

from reconciler.cli.main import main
from reconciler.sandbox.server import RunningSandbox

STRANGER = "9c9c0000-0000-4000-8000-000000000009"


@pytest.fixture(scope="module")
def psa() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


class Office:
    """A mapping repository with two customers, ten seats each in the PSA, and invoices for September."""

    def __init__(self, folder: Path, psa: RunningSandbox) -> None:
        self.folder, self.psa = folder, psa
        (folder / "invoices").mkdir()
        (folder / "mappings.yaml").write_text(MAPPING.replace("http://127.0.0.1:8765", psa.url))
        self.seeded()

    def seeded(self, **quantities: int) -> None:
        seed = json.loads(json.dumps(SEED))
        for addition in seed["additions"]:
            addition["quantity"] = quantities.get(f"r{addition['id']}", 10)
        self.psa.seed(seed)

    def invoices(self, *texts: str) -> None:
        for number, text in enumerate(texts):
            (self.folder / "invoices" / f"{number}.csv").write_text(text)

    def run(self, *words: str) -> Result:
        files = ("-f", str(self.folder / "mappings.yaml"))
        runner = CliRunner(env={**self.psa.credentials, "COLUMNS": "80"})
        return runner.invoke(main, [*files, "reconcile", "--month", "2026-09", *words])

    def json(self, *words: str) -> Any:
        return json.loads(self.run("--format", "json", *words).stdout)


@pytest.fixture
def office(tmp_path: Path, psa: RunningSandbox) -> Office:
    return Office(tmp_path, psa)


def ten(text: str) -> str:
    return text.replace(",13,", ",10,").replace("208.00", "160.00")


def test_a_month_that_bills_what_was_charged_is_reconciled(office: Office) -> None:
    office.invoices(ten(contoso()), ten(fabrikam()))
    result = office.run("--detailed-exitcode")
    assert result.exit_code == 0, result.output
    assert "300 of 300" in result.stdout
    assert "2 agreements: 2 reconciled." in result.stdout
    (first, _) = office.json()["agreements"]
    assert (first["charged"], first["billed"], first["difference"]) == ("200.00", "200.00", "0.00")
    assert (first["cost"], first["margin"], first["verdict"]) == ("160.00", "40.00", "reconciled")


def test_no_line_is_wider_than_the_terminal(office: Office) -> None:
    office.invoices(contoso(), ten(fabrikam()))
    assert max(map(len, office.run().stdout.splitlines())) <= 80


def test_seats_that_a_plan_would_add_make_the_month_differ_and_nothing_is_written(office: Office) -> None:
    office.invoices(contoso(), ten(fabrikam()))
    found = office.json()
    differing, same = found["agreements"]
    assert (differing["verdict"], differing["difference"], same["verdict"]) == ("differs", "-60.00", "reconciled")
    (row,) = differing["subscriptions"]
    assert (row["charged_seat_days"], row["billed_seat_days"]) == ("390", "300")
    assert found["summary"] == {"differs": 1, "not reconcilable": 0, "reconciled": 1}
    assert office.run().exit_code == 0
    assert office.run("--detailed-exitcode").exit_code == 2
    assert not [request for request in office.psa.requests() if request["method"] != "GET"]


def test_a_record_that_a_person_edited_is_seen(office: Office) -> None:
    office.invoices(ten(contoso()), ten(fabrikam()))
    office.seeded(r8802=8)
    found = office.json("--customer", "Fabrikam")
    (agreement,) = found["agreements"]
    assert (agreement["customer"], agreement["verdict"], agreement["difference"]) == ("Fabrikam", "differs", "-40.00")


def test_a_customer_of_whom_no_document_speaks_is_never_clean(office: Office) -> None:
    office.invoices(ten(contoso()))
    _, silent = office.json()["agreements"]
    assert silent["verdict"] == "not reconcilable"
    assert "no document of 2026-09 speaks of Fabrikam" in silent["reason"]
    assert office.run("--detailed-exitcode").exit_code == 2


def test_an_error_keeps_a_customer_out_and_is_told_on_standard_error(office: Office) -> None:
    office.invoices(ten(contoso()).replace("2026-09-30,16", "2026-09-31,16"), ten(fabrikam()))
    result = office.run()
    assert result.exit_code == 1
    assert "2026-09-31" in result.stderr
    verdicts = {row["customer"]: row["verdict"] for row in office.json()["agreements"]}
    assert verdicts == {"Contoso": "not reconcilable", "Fabrikam": "reconciled"}


def test_money_of_an_unmapped_customer_is_shown(office: Office) -> None:
    rows = csv_text(line(STRANGER, "cccc", invoice="INV-S", quantity="3", amount="48.00"))
    office.invoices(ten(contoso()), ten(fabrikam()), rows)
    assert "48.00 AUD" in office.run().stdout
    (stranger,) = office.json()["not_billed"]
    assert (stranger["code"], stranger["amount"]) == ("unmapped-customer", "48.00")
    assert office.run("--detailed-exitcode").exit_code == 2


def test_a_persons_verdict_stands_beside_the_computed_one(office: Office) -> None:
    office.invoices(contoso(), ten(fabrikam()))
    (office.folder / "decisions").mkdir()
    (office.folder / "decisions" / "2026-09.yaml").write_text(
        "version: 1\nverdicts:\n  - {month: 2026-09, customer: Contoso, agreement: Contoso CSP, verdict: reconciled,"
        " reason: as agreed, by: Jo}\n"
    )
    differing, _ = office.json()["agreements"]
    assert (differing["verdict"], differing["reviewed"]) == ("differs", "reconciled by Jo: as agreed")


def test_the_table_has_numbers_that_stay_numbers_and_texts_that_are_no_formulas(office: Office) -> None:
    hostile = contoso(description="=HYPERLINK(1)")
    office.invoices(hostile, ten(fabrikam()))
    file = office.folder / "out.csv"
    office.run("--csv", str(file))
    text = file.read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["kind"] for row in rows] == ["subscription", "agreement"] * 2
    assert (rows[0]["product"], rows[0]["difference"]) == ("'=HYPERLINK(1)", "-60")
    assert ",-60," in text
    assert rows[1]["verdict"] == "differs"


def test_the_subscriptions_of_an_agreement_add_up_to_it(office: Office) -> None:
    both = csv_text(line(CONTOSO, A), line(CONTOSO, B, line="2"))
    office.invoices(both, ten(fabrikam()).replace(B, A.replace("a", "d")))
    for agreement in office.json()["agreements"]:
        for name in ("charged", "billed", "cost"):
            parts = sum(Decimal(row[name]) for row in agreement["subscriptions"])
            assert parts == Decimal(agreement[name])


def test_a_file_that_cannot_be_written_is_said(office: Office) -> None:
    office.invoices(ten(contoso()), ten(fabrikam()))
    result = office.run("--csv", str(office.folder / "invoices"))
    assert result.exit_code != 0
    assert "Traceback" not in result.output


def test_every_line_is_in_one_class_and_the_shares_make_a_whole(office: Office) -> None:
    """Contoso's three new seats are not there, Fabrikam's price is not the invoice's, and nobody knows the third."""
    dearer = ten(fabrikam()).replace("160.00", "170.00").replace(",20.00,", ",21.00,").replace(",16.00,", ",17.00,")
    rows = csv_text(line(STRANGER, "cccc", invoice="INV-S", quantity="3", amount="48.00"))
    credit = csv_text(line(CONTOSO, A, invoice="CN-1", kind="credit-note", charge="credit", amount="-16.00"))
    office.invoices(contoso(), dearer, rows, credit)
    found = office.json()
    (contosos,), (fabrikams,) = (agreement["subscriptions"] for agreement in found["agreements"])
    assert (contosos["class"], contosos["audit"]) == ("psa-drift", "undercharge")
    assert (fabrikams["class"], fabrikams["audit"]) == ("cost-only", "undercharge")
    shares = {row["class"]: (row["lines"], row["cost"], row["percent"]) for row in found["coverage"]}
    assert shares == {
        "cost-only": (1, "170.00", "38.5"),
        "psa-drift": (1, "208.00", "47.1"),
        "unmapped": (1, "48.00", "10.9"),
        "excluded": (1, "-16.00", "3.6"),
    }


def test_what_an_error_keeps_out_is_not_compared_and_covers_nothing(office: Office) -> None:
    office.invoices(ten(contoso()).replace("AUD", "USD"), ten(fabrikam()))
    office.psa.seed({**json.loads(json.dumps(SEED)), "agreements": SEED["agreements"][1:], "additions": []})
    shares = {(row["currency"], row["class"]): row["percent"] for row in office.json()["coverage"]}
    assert shares[("USD", "not compared")] == "100.0"
    assert shares[("AUD", "psa-drift")] == "100.0"


def test_a_subscription_id_stays_whole_in_the_text(office: Office, snapshot: SnapshotAssertion) -> None:
    office.invoices(contoso(description="Microsoft 365 Business Premium and much else"), ten(fabrikam()))
    text = office.run().stdout
    assert A in text
    assert text == snapshot
