"""`drift` end to end: a real apply on the sandbox, an edit by hand through its API, and what is said of it."""

import base64
import json
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reconciler.cli.main import main
from reconciler.sandbox.server import RunningSandbox

SUBSCRIPTION = "aaaa0000-0000-4000-8000-00000000000a"
OTHER = "bbbb0000-0000-4000-8000-00000000000b"
SEED: dict[str, Any] = {
    "psa": "connectwise",
    "today": "2026-10-03",
    "companies": [
        {"id": 250, "identifier": "Contoso", "name": "Contoso Ltd"},
        {"id": 260, "identifier": "Fabrikam", "name": "Fabrikam Inc"},
    ],
    "products": [
        {"id": 4120, "identifier": "M365-BB", "vendorSku": "CFQ7TTC0LH18:0001", "price": 20, "cost": 16},
        {"id": 4121, "identifier": "HOURS", "vendorSku": "HOURS", "price": 90, "cost": 50},
    ],
    "agreements": [
        {
            "id": number,
            "name": f"{company} CSP",
            "company": owner,
            "prorateFlag": True,
            "startDate": "2026-01-01",
            "billStartDate": "2026-01-01",
            "nextInvoiceDate": "2026-09-01",
        }
        for number, company, owner in ((55, "Contoso", 250), (56, "Fabrikam", 260))
    ],
    "additions": [
        {
            "id": 8801,
            "agreement": 55,
            "product": 4120,
            "quantity": 10,
            "unitPrice": 20,
            "unitCost": 16,
            "effectiveDate": "2026-08-01",
            "serialNumber": SUBSCRIPTION,
        },
        {
            "id": 8810,
            "agreement": 55,
            "product": 4121,
            "quantity": 5,
            "unitPrice": 90,
            "unitCost": 50,
            "effectiveDate": "2026-10-01",
            "serialNumber": "CONTRACT-7",
        },
    ],
}
MAPPING = """\
version: 1
sources:
  distributor: {{type: files, invoices: "invoices/*"}}
targets:
  psa:
    type: connectwise
    url: {url}
    company: training
    client_id: ${{CONNECTWISE_CLIENT_ID}}
    public_key: ${{CONNECTWISE_PUBLIC_KEY}}
    private_key: ${{CONNECTWISE_PRIVATE_KEY}}
    limits: {{requests_per_minute: 6000, settle_seconds: 2}}
programs:
  csp: {{source: distributor, target: psa, motions: [seat-monthly], guards: {{max_decrease_percent: none}}}}
customers:
  - {{name: Contoso, tenant: contoso, company: Contoso, agreements: {{seat-monthly: Contoso CSP}}}}
  - {{name: Fabrikam, tenant: fabrikam, company: Fabrikam, agreements: {{seat-monthly: Fabrikam CSP}}}}
"""
INVOICE = """\
invoice: INV-{tenant}
issued: 2026-10-01
period: {{from: 2026-09-01, to: 2026-09-30}}
currency: AUD
customer: {{tenant: {tenant}}}
lines:
  - {{line: 1, motion: seat-monthly, subscription: {subscription}, sku: "CFQ7TTC0LH18:0001", charge: cycle,
     quantity: {quantity}, from: 2026-09-01, to: 2026-09-30, unit_cost: 16, unit_price: 20, amount: {amount}}}
"""
OVERRIDE = """\
version: 1
overrides:
  - {{record: {record}, keep: {keep}, reason: two seats are a gift, by: Jo Doe, until: {until}}}
"""


class Office:
    """A mapping repository whose September has been applied: ten seats became thirteen for Contoso, four for Fabrikam
    are new.
    """

    def __init__(self, folder: Path, psa: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.psa = folder, psa
        for name, value in psa.credentials.items():
            monkeypatch.setenv(name, value)
        psa.seed(json.loads(json.dumps(SEED)))
        (folder / "mappings.yaml").write_text(MAPPING.format(url=psa.url))
        (folder / "invoices").mkdir()
        self.invoice("contoso", SUBSCRIPTION, 13)
        self.invoice("fabrikam", OTHER, 4)
        done = self.run("apply", "--auto-approve")
        assert done.exit_code == 0, done.output

    def invoice(self, tenant: str, subscription: str, quantity: int) -> None:
        text = INVOICE.format(tenant=tenant, subscription=subscription, quantity=quantity, amount=quantity * 16)
        (self.folder / "invoices" / f"{tenant}.yaml").write_text(text)

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["-f", str(self.folder / "mappings.yaml"), *words])

    def drift(self, *words: str) -> dict[str, Any]:
        done = self.run("drift", "--format", "json", *words)
        assert done.exit_code == 0, done.output
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def decide(self, record: str, keep: str, until: str = "2026-12") -> None:
        (self.folder / "decisions").mkdir(exist_ok=True)
        text = OVERRIDE.format(record=record, keep=keep, until=until)
        (self.folder / "decisions" / "2026-09.yaml").write_text(text)

    def forget(self) -> None:
        """The state is lost."""
        for file in (self.folder / ".reconciler").glob("state.db*"):
            file.unlink()

    def carried(self) -> str:
        """The id of Contoso's record that goes on from October: our own."""
        rows = self.psa.state()["additions"]
        return next(str(r["id"]) for r in rows if r["serialNumber"] == SUBSCRIPTION and "cancelledDate" not in r)

    def edit(self, record: str, agreement: int = 55, **members: Any) -> None:
        """A person's edit in the PSA."""
        patch = [{"op": "replace", "path": name, "value": value} for name, value in members.items()]
        self.call("PATCH", f"{agreement}/additions/{record}", patch)

    def call(self, method: str, path: str, body: object = None) -> None:
        keys = base64.b64encode(b"training+sandbox:sandbox").decode()
        request = urllib.request.Request(
            f"{self.psa.url}/v4_6_release/apis/3.0/finance/agreements/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Basic {keys}", "clientId": "sandbox", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status in (200, 201, 204)


@pytest.fixture(scope="module")
def psa() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def office(tmp_path: Path, psa: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Office:
    psa.faults([])
    return Office(tmp_path, psa, monkeypatch)


def test_the_product_of_a_record_is_compared_also_where_the_apply_created_it(office: Office) -> None:
    new = INVOICE.format(tenant="contoso", subscription=OTHER, quantity=2, amount=32).replace("LH18:0001", "LF8R:0002")
    (office.folder / "invoices" / "more.yaml").write_text(new.replace("INV-contoso", "INV-more"))
    assert office.run("apply", "--auto-approve").exit_code == 0
    assert office.drift()["drift"] == []
    row = next(r for r in office.psa.state()["additions"] if r["serialNumber"] == OTHER and r["product"] != 4120)
    office.edit(str(row["id"]), product={"id": 4120})
    (found,) = office.drift()["drift"]
    assert (found["field"], found["last_applied"], found["psa"]) == ("product", str(row["product"]), "4120")
    assert found["changed"]["text"].startswith("product has been changed")


def test_a_record_that_a_plan_saw_and_left_is_compared_with_what_was_seen(office: Office) -> None:
    """Three seats for a week: the ten stay one open record, which no apply ever wrote."""
    seed = json.loads(json.dumps(SEED))
    seed["additions"][0]["effectiveDate"] = "2026-09-01"
    office.psa.seed(seed)
    office.forget()
    path = office.folder / "invoices" / "contoso.yaml"
    lines = INVOICE.format(tenant="contoso", subscription=SUBSCRIPTION, quantity=10, amount=160)
    line = lines.splitlines(keepends=True)[-2:]
    for number, quantity, day in ((2, 3, 12), (3, -3, 20)):
        change = "".join(line).replace("line: 1", f"line: {number}").replace("quantity: 10", f"quantity: {quantity}")
        lines += change.replace("from: 2026-09-01", f"from: 2026-09-{day}").replace("amount: 160", "amount: 0")
    path.write_text(lines)
    assert office.run("apply", "--auto-approve").exit_code == 0
    base = next(row for row in office.psa.state()["additions"] if row["id"] == 8801)
    assert (base["quantity"], base.get("cancelledDate")) == (10, None)
    assert office.drift()["drift"] == []
    office.edit("8801", quantity=8)
    (row,) = office.drift()["drift"]
    assert (row["record"], row["last_applied"], row["psa"], row["wanted"]) == ("8801", "10", "8", "10")
    assert row["run"] is None
    assert "as a plan saw it and left it" in " ".join(office.run("drift").stdout.split())


def test_an_apply_that_is_not_finished_is_said_to_look_like_drift(office: Office) -> None:
    with closing(sqlite3.connect(office.folder / ".reconciler" / "state.db")) as state, state:
        state.execute("UPDATE op SET state = 'UNKNOWN', deadline = '2026-10-03' WHERE seq = 0")
    assert "an interrupted apply has left 1 open, which may look like drift" in office.run("drift").stderr


def test_without_the_audit_trail_nobody_is_named_and_the_drift_is_told(office: Office) -> None:
    office.edit(office.carried(), quantity=9)
    office.psa.faults([{"match": {"path": "audittrail"}, "kind": "html", "status": 403, "times": 99}])
    done = office.run("drift", "--detailed-exitcode")
    assert done.exit_code == 2
    assert "the audit trail cannot be read, so nobody is named" in done.stderr
    assert "quantity: the audit trail does not tell who" in done.stdout


def test_right_after_an_apply_there_is_none(office: Office) -> None:
    done = office.run("drift", "--detailed-exitcode")
    assert (done.exit_code, done.stdout) == (0, "No drift: the PSA is as the last apply left it.\n")


def test_an_edited_quantity_is_told_three_ways_with_who_and_when(office: Office) -> None:
    record = office.carried()
    office.edit(record, quantity=9)
    (row,) = office.drift()["drift"]
    assert (row["kind"], row["customer"], row["agreement"]) == ("changed", "Contoso", "psa/agreement/55")
    assert (row["record"], row["subscription"], row["field"]) == (record, SUBSCRIPTION, "quantity")
    assert (row["last_applied"], row["psa"], row["wanted"]) == ("13", "9", "13")
    assert row["changed"]["by"] == "sandbox-api"
    assert row["changed"]["at"].startswith("2026-10-03T")
    assert row["changed"]["text"] == "quantity has been changed from 13.0 to 9.0."
    assert office.run("history", str(row["run"])).stdout.startswith(f"Run {row['run']}: apply 2026-09, Success")
    assert row["planned"]


def test_the_exit_status_tells_of_drift_only_when_asked(office: Office) -> None:
    office.edit(office.carried(), quantity=9)
    assert office.run("drift").exit_code == 0
    assert office.run("drift", "--detailed-exitcode").exit_code == 2


def test_drift_writes_nothing(office: Office) -> None:
    office.edit(office.carried(), quantity=9)
    before = office.psa.state()["additions"]
    office.run("drift")
    assert office.psa.state()["additions"] == before


def test_each_field_is_a_row_of_its_own_and_the_last_entry_of_the_trail_counts(office: Office) -> None:
    record = office.carried()
    office.edit(record, unitPrice=21, unitCost=15)
    office.edit(record, unitPrice=22.5)
    rows = {row["field"]: row for row in office.drift()["drift"]}
    assert set(rows) == {"unit_price", "unit_cost"}
    assert (rows["unit_price"]["last_applied"], rows["unit_price"]["psa"]) == ("20", "22.5")
    assert rows["unit_price"]["changed"]["text"] == "unitPrice has been changed from 21.0 to 22.5."
    assert (rows["unit_cost"]["last_applied"], rows["unit_cost"]["psa"]) == ("16", "15")


def test_dates_and_the_serial_number_are_compared(office: Office) -> None:
    record = office.carried()
    office.edit(
        record, effectiveDate="2026-10-05T00:00:00Z", cancelledDate="2026-12-31T00:00:00Z", serialNumber="renamed"
    )
    rows = {row["field"]: row for row in office.drift()["drift"]}
    assert set(rows) == {"effective", "cancelled", "serial_number"}
    assert (rows["effective"]["last_applied"], rows["effective"]["psa"]) == ("2026-10-01", "2026-10-05")
    assert (rows["cancelled"]["last_applied"], rows["cancelled"]["psa"]) == (None, "2026-12-31")
    assert (rows["serial_number"]["last_applied"], rows["serial_number"]["psa"]) == (SUBSCRIPTION, "renamed")


def test_a_record_that_we_ended_and_somebody_opened_again_is_drift(office: Office) -> None:
    office.call("PATCH", "55/additions/8801", [{"op": "remove", "path": "cancelledDate"}])
    rows = [row for row in office.drift()["drift"] if row["record"] == "8801"]
    assert [(r["field"], r["last_applied"], r["psa"]) for r in rows] == [("cancelled", "2026-09-30", None)]


def test_a_record_that_is_gone_is_told_with_who_deleted_it(office: Office) -> None:
    record = office.carried()
    office.call("DELETE", f"55/additions/{record}")
    (row,) = office.drift()["drift"]
    assert (row["kind"], row["record"], row["last_applied"], row["psa"]) == ("gone", record, "13", None)
    assert row["wanted"] == "13"
    assert row["changed"]["text"] == "The record has been deleted."
    assert office.run("drift", "--detailed-exitcode").exit_code == 2


def test_a_record_that_came_in_is_told_for_information_only(office: Office) -> None:
    office.call(
        "POST",
        "55/additions",
        {
            "product": {"id": 4120},
            "quantity": 1,
            "unitPrice": 20,
            "unitCost": 16,
            "effectiveDate": "2026-10-01T00:00:00Z",
            "serialNumber": SUBSCRIPTION.upper(),
            "billCustomer": "Billable",
        },
    )
    (row,) = office.drift()["drift"]
    assert (row["kind"], row["psa"], row["last_applied"], row["information"]) == ("came in", "1", None, True)
    assert office.run("drift", "--detailed-exitcode").exit_code == 0


def test_somebody_elses_record_on_the_same_agreement_is_none_of_ours(office: Office) -> None:
    office.edit("8810", quantity=50, unitPrice=1)
    assert office.drift()["drift"] == []


def test_one_customer_alone_can_be_asked_for(office: Office) -> None:
    office.edit(office.carried(), quantity=9)
    assert office.drift("--customer", "Fabrikam")["drift"] == []
    assert len(office.drift("--customer", "Contoso")["drift"]) == 1
    unknown = office.run("drift", "--customer", "Nobody")
    assert (unknown.exit_code, "no customer of the mapping is called 'Nobody'" in unknown.output) == (1, True)
    assert "did you mean 'Contoso'?" in office.run("drift", "--customer", "Contso").output


def test_without_a_state_drift_is_not_known_and_says_so(office: Office) -> None:
    office.edit(office.carried(), quantity=9)
    office.forget()
    done = office.run("drift", "--detailed-exitcode")
    assert done.exit_code == 0
    assert done.stdout.startswith("Drift is not known: the state holds no apply to psa.")
    assert office.drift()["known"] is False


@pytest.mark.parametrize(
    ("member", "value", "field", "applied", "now"),
    [
        ("unitPrice", 22.5, "unit_price", "20", "22.5"),
        ("unitCost", 15, "unit_cost", "16", "15"),
        ("cancelledDate", "2026-10-31T00:00:00Z", "cancelled", None, "2026-10-31"),
        ("effectiveDate", "2026-10-10T00:00:00Z", "effective", "2026-10-01", "2026-10-10"),
        ("serialNumber", "OTHER-1", "serial_number", SUBSCRIPTION, "OTHER-1"),
        ("serialNumber", "", "serial_number", SUBSCRIPTION, None),
    ],
)
def test_an_edit_that_no_invoice_speaks_of_is_told_and_taken_back(
    office: Office, member: str, value: object, field: str, applied: str | None, now: str | None
) -> None:
    record = office.carried()
    office.edit(record, **{member: value})
    (row,) = office.drift()["drift"]
    assert (row["field"], row["last_applied"], row["psa"], row["wanted"]) == (field, applied, now, applied)
    done = office.run("apply", "--auto-approve")
    assert done.exit_code == 0, done.output
    assert "C8: " in done.output
    assert office.drift()["drift"] == []
    assert "No changes." in office.run("plan").output


def test_an_edit_that_an_override_keeps_is_not_taken_back(office: Office) -> None:
    record = office.carried()
    office.edit(record, unitPrice=22.5)
    office.decide(record, "{unit_price: 22.50}")
    assert "No changes." in office.run("plan").output


def test_a_quantity_that_an_apply_makes_up_for_is_settled(office: Office) -> None:
    office.edit(office.carried(), quantity=9)
    assert office.run("apply", "--auto-approve").exit_code == 0
    assert office.drift()["drift"] == []


def test_an_edit_that_is_put_right_is_no_drift_any_more(office: Office) -> None:
    record = office.carried()
    office.edit(record, quantity=9)
    office.edit(record, quantity=13)
    assert office.drift()["drift"] == []


def test_an_edit_that_an_override_keeps_is_shown_apart_and_no_drift(office: Office) -> None:
    record = office.carried()
    office.edit(record, quantity=9)
    office.decide(record, "{quantity: 9}")
    report = office.drift()
    assert report["summary"] == {"drift": 0, "kept": 1, "information": 0}
    assert report["drift"][0]["kept"]["by"] == "Jo Doe"
    done = office.run("drift", "--detailed-exitcode")
    assert done.exit_code == 0
    assert "Kept by a reviewed decision" in done.stdout
    assert "kept until 2026-12, says Jo Doe: two seats are a gift" in " ".join(done.stdout.split())


def test_an_override_keeps_only_what_it_names(office: Office) -> None:
    record = office.carried()
    office.edit(record, quantity=9, unitPrice=22)
    office.decide(record, "{quantity: 9}")
    assert {row["field"]: bool(row["kept"]) for row in office.drift()["drift"]} == {
        "quantity": True,
        "unit_price": False,
    }


def test_an_override_that_has_run_out_keeps_nothing_and_is_named(office: Office) -> None:
    record = office.carried()
    office.edit(record, quantity=9)
    office.decide(record, "{quantity: 9}", until="2026-08")
    done = office.run("drift", "--detailed-exitcode")
    assert done.exit_code == 2
    assert "warning[override-expired]" in done.stderr
    assert "decisions/2026-09.yaml:3:5" in done.stderr


def test_an_override_of_another_value_keeps_nothing_and_is_named(office: Office) -> None:
    record = office.carried()
    office.edit(record, quantity=9)
    office.decide(record, "{quantity: 8}")
    done = office.run("drift", "--detailed-exitcode")
    assert done.exit_code == 2
    assert "keeps record" in done.stderr
    assert "in the PSA quantity is 9: it does not hold" in done.stderr


def test_an_override_that_names_no_record_is_named(office: Office) -> None:
    office.decide("99999", "{quantity: 8}")
    assert "warning[decision-unfounded]: the override names record 99999" in office.run("drift").stderr


def test_decisions_with_errors_stop_the_command(office: Office) -> None:
    office.decide("8801", "{seats: 8}")
    done = office.run("drift")
    assert done.exit_code == 1
    assert "'seats' is not a key of keep of override 1" in done.stderr


def test_an_agreement_that_cannot_be_read_is_named_and_fails(office: Office) -> None:
    office.edit(office.carried(), quantity=9)
    mapping = (office.folder / "mappings.yaml").read_text()
    (office.folder / "mappings.yaml").write_text(mapping.replace("Fabrikam CSP", "Fabrikam Other"))
    office.call("DELETE", "56")
    done = office.run("drift")
    assert done.exit_code == 1
    assert "not compared: agreement 56: ConnectWise has no agreement 56 any more" in done.stdout
    assert "quantity" in done.stdout


@pytest.mark.parametrize("spoilt", ["no invoice", "an error"])
def test_what_is_wanted_is_not_known_of_a_customer_that_is_not_planned(office: Office, spoilt: str) -> None:
    office.edit(office.carried(), quantity=9)
    path = office.folder / "invoices" / "contoso.yaml"
    if spoilt == "no invoice":
        path.unlink()
    else:
        path.write_text(path.read_text().replace("from: 2026-09-01, to: 2026-09-30, unit", "from: 2026-09-31, unit"))
    (row,) = office.drift()["drift"]
    assert "wanted" not in row
    assert "not known" in office.run("drift").stdout


def test_the_text_says_it_in_one_table_for_each_record(office: Office) -> None:
    record = office.carried()
    office.edit(record, quantity=9, unitPrice=22)
    lines = office.run("drift").stdout.splitlines()
    assert lines[0] == "Changed in the PSA since the last apply (wanted: the plan for 2026-09)"
    assert f"  Contoso, psa/agreement/55, record {record}" in lines
    assert "                     last applied  PSA now  wanted" in lines
    assert "    quantity                   13        9      13" in lines
    assert "    unit price                 20       22      20" in lines
    assert lines[-2:] == [
        "Drift: 2 differences in 1 record. An override in decisions/ keeps one; where",
        "wanted differs, the next apply writes it.",
    ]


def test_a_value_that_has_no_room_in_the_table_stands_in_lines_of_its_own(office: Office) -> None:
    office.edit(office.carried(), serialNumber="OTHER-1")
    shown = office.run("drift").stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert f"    serial number\n      last applied: {SUBSCRIPTION}\n      PSA now: OTHER-1\n" in shown


@pytest.mark.security(27)
def test_text_from_the_psa_cannot_steer_a_terminal(office: Office) -> None:
    office.edit(office.carried(), serialNumber="\u202eevil")
    stdout = office.run("drift").stdout
    assert "\u202e" not in stdout
    assert "\\u202eevil" in stdout
