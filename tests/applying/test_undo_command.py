"""A run is taken back: by the command, on a PSA, compared with what stood there before, field by field."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from real_world import SEED, TENANTS, Office

from reconciler.sandbox.server import RunningSandbox

OURS = (
    "id",
    "agreementId",
    "product",
    "quantity",
    "lessIncluded",
    "unitPrice",
    "unitCost",
    "billCustomer",
    "effectiveDate",
    "cancelledDate",
    "serialNumber",
    "invoiceDescription",
)
BASE = f"{TENANTS[0]}-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def office(sandbox: RunningSandbox, tmp_path: Path) -> Office:
    sandbox.seed(SEED)
    sandbox.faults([])
    return Office(tmp_path, sandbox)


def seeded(office: Office, addition: Mapping[str, Any]) -> None:
    """The same world with other members of its first addition."""
    seed = json.loads(json.dumps(SEED))
    seed["additions"][0] |= addition
    office.psa.seed(seed)


def records(office: Office, *, with_ids: bool = True) -> list[dict[str, Any]]:
    """The PSA's additions in the fields that anybody could see changed."""
    fields = OURS if with_ids else OURS[1:]
    rows = [{name: row.get(name) for name in fields} for row in office.psa.state()["additions"]]
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True, default=str))


def applied(office: Office, plan: str) -> None:
    result = office.invoke("apply", str(office.folder / plan))
    assert result.exit_code == 0, result.output


def planned_and_applied(office: Office) -> None:
    """Runs 1 and 2: a plan, and its apply."""
    office.saved_plan()
    applied(office, "plan.json")


def undone(office: Office, run: int, *, exits: int = 0) -> Result:
    """The undo of a run, planned, and applied where it may be."""
    out = f"undo-{run}.json"
    result = office.invoke("undo", str(run), "--out", str(office.folder / out))
    assert result.exit_code == exits, result.output
    if exits == 0 and plan_in(office, out)["changes"]:
        applied(office, out)
    return result


def plan_in(office: Office, name: str) -> dict[str, Any]:
    return dict(json.loads((office.folder / name).read_text(encoding="utf-8")))


def edited(office: Office, record: int, **members: Any) -> None:
    """Somebody changes an addition by hand, through the PSA's own API."""
    row = next(row for row in office.psa.state()["additions"] if row["id"] == record)
    keys = office.psa.credentials
    operations = [{"op": "replace", "path": name, "value": value} for name, value in members.items()]
    answer = httpx.patch(
        f"{office.psa.url}/v4_6_release/apis/3.0/finance/agreements/{row['agreementId']}/additions/{record}",
        json=operations,
        auth=(f"training+{keys['CONNECTWISE_PUBLIC_KEY']}", keys["CONNECTWISE_PRIVATE_KEY"]),
        headers={"clientId": keys["CONNECTWISE_CLIENT_ID"]},
    )
    assert answer.status_code == 200, answer.text


def billed_by_month(office: Office) -> Mapping[str, Decimal]:
    """What the PSA billed for each month's days, on whichever invoice."""
    sums: dict[str, Decimal] = {}
    for ledger in office.psa.state()["ledgers"]:
        for entry in ledger["entries"]:
            sums[entry["month"]] = sums.get(entry["month"], Decimal(0)) + entry["amount"]
    return sums


def record_of(office: Office, serial: str, effective: str) -> int:
    rows = office.psa.state()["additions"]
    return int(next(r["id"] for r in rows if (r["serialNumber"], r["effectiveDate"]) == (serial, effective)))


def test_what_is_not_invoiced_is_as_it_was_and_the_plan_wants_it_again(office: Office) -> None:
    before = records(office)
    planned_and_applied(office)
    assert records(office) != before
    told = undone(office, 2).stdout
    assert records(office) == before
    assert "Undo of run 2: 3 to update, 9 to delete." in told
    assert "change the mapping first, then see: reconciler plan --month 2026-09" in " ".join(told.split())
    assert "the catalogue item CFQ7TTC0LF8R:0001 that run 2 created stays" in " ".join(told.split())
    again = office.invoke("plan", "--detailed-exitcode")
    assert again.exit_code == 2
    assert "Plan: 9 to create, 3 to end." in again.stdout


def test_the_history_tells_which_run_was_taken_back(office: Office) -> None:
    planned_and_applied(office)
    undone(office, 2)
    table = office.invoke("history").stdout.splitlines()
    assert "apply, undo of run 2" in table[1]
    assert "plan, undo of run 2" in table[2]
    assert office.invoke("history", "4").stdout.startswith("Run 4: apply, undo of run 2 2026-09, Success")


def test_an_undo_is_taken_back_too(office: Office) -> None:
    planned_and_applied(office)
    after = records(office, with_ids=False)
    undone(office, 2)
    undone(office, 4)
    assert records(office, with_ids=False) == after
    assert office.invoke("plan", "--detailed-exitcode").exit_code == 0
    first = undone(office, 2, exits=1)
    assert "undo run 6 instead" in first.stdout
    undone(office, 6)
    assert "run 4 took back already what run 2 wrote here" in " ".join(undone(office, 2).stdout.split())


def test_a_run_taken_back_twice_changes_nothing_more(office: Office) -> None:
    planned_and_applied(office)
    undone(office, 2)
    writes = office.writes()
    told = " ".join(undone(office, 2).stdout.split())
    assert "run 4 took back already what run 2 wrote here" in told
    assert office.writes() == writes


def test_what_is_invoiced_is_compensated_to_the_cent(office: Office) -> None:
    planned_and_applied(office)
    office.psa.bill("2026-10")
    invoiced = [row for row in records(office) if row["effectiveDate"] >= "2026-09"]
    undone(office, 2)
    assert all(row["id"] in {r["id"] for r in records(office)} for row in invoiced), "an invoiced record is gone"
    office.psa.bill("2026-11")
    # Three customers with ten seats at 20.00, in every month, as if the run had never been.
    assert {m: a for m, a in billed_by_month(office).items() if m >= "2026-09"} == {
        "2026-09": Decimal(600),
        "2026-10": Decimal(600),
        "2026-11": Decimal(600),
    }
    assert office.invoke("plan", "--detailed-exitcode").exit_code == 2


def test_a_compensation_is_taken_back_as_well(office: Office) -> None:
    planned_and_applied(office)
    office.psa.bill("2026-10")
    undone(office, 2)
    office.psa.bill("2026-11")
    undone(office, 4)
    office.psa.bill("2026-12")
    sums = {m: a for m, a in billed_by_month(office).items() if m >= "2026-09"}
    assert sums == {
        "2026-09": Decimal(900),
        "2026-10": Decimal(1080),
        "2026-11": Decimal(1080),
        "2026-12": Decimal(1080),
    }


def test_on_an_agreement_that_stopped_to_prorate_an_invoiced_record_stays_and_is_named(office: Office) -> None:
    planned_and_applied(office)
    office.psa.bill("2026-10")
    keys = office.psa.credentials
    answer = httpx.patch(
        f"{office.psa.url}/v4_6_release/apis/3.0/finance/agreements/400",
        json=[{"op": "replace", "path": "prorateFlag", "value": False}],
        auth=(f"training+{keys['CONNECTWISE_PUBLIC_KEY']}", keys["CONNECTWISE_PRIVATE_KEY"]),
        headers={"clientId": keys["CONNECTWISE_CLIENT_ID"]},
    )
    assert answer.status_code == 200, answer.text
    before = [row for row in records(office) if row["agreementId"] == 400]
    undone(office, 2, exits=1)
    plan = plan_in(office, "undo-2.json")
    assert {change["agreement"] for change in plan["changes"]} == {"psa/agreement/401", "psa/agreement/402"}
    told = [f["message"] for f in plan["findings"] if f["code"] == "E7"]
    assert any("2026-09-16 is invoiced, and the agreement does not prorate" in text for text in told)
    assert [row for row in records(office) if row["agreementId"] == 400] == before


def test_a_record_edited_by_hand_keeps_its_subscription_as_it_is(office: Office) -> None:
    planned_and_applied(office)
    carry = record_of(office, BASE, "2026-10-01")
    edited(office, carry, quantity=15)
    before = [row for row in records(office) if row["serialNumber"] == BASE]
    undone(office, 2, exits=1)
    applied(office, "undo-2.json")
    assert [row for row in records(office) if row["serialNumber"] == BASE] == before
    plan = plan_in(office, "undo-2.json")
    told = next(f for f in plan["findings"] if f["code"] == "undo-changed")
    assert told["message"] == f"record {carry} was changed since: quantity was 13, is 15"
    assert told["subscription"] == BASE
    assert any(f["code"] == "undo-left" and "2 other records" in f["message"] for f in plan["findings"])
    assert len(plan["changes"]) == 9, "the other subscriptions are taken back"


def test_a_record_deleted_by_hand_is_taken_back_already(office: Office) -> None:
    before = records(office)
    planned_and_applied(office)
    carry = record_of(office, BASE, "2026-10-01")
    keys = office.psa.credentials
    answer = httpx.delete(
        f"{office.psa.url}/v4_6_release/apis/3.0/finance/agreements/400/additions/{carry}",
        auth=(f"training+{keys['CONNECTWISE_PUBLIC_KEY']}", keys["CONNECTWISE_PRIVATE_KEY"]),
        headers={"clientId": keys["CONNECTWISE_CLIENT_ID"]},
    )
    assert answer.status_code in (200, 204), answer.text
    undone(office, 2)
    assert records(office) == before


def test_a_later_run_is_to_be_taken_back_first(office: Office) -> None:
    before = records(office)
    planned_and_applied(office)
    invoice = office.folder / "invoices" / "0.yaml"
    text = invoice.read_text(encoding="utf-8").replace("quantity: 3, from: 2026-09-16", "quantity: 4, from: 2026-09-16")
    invoice.write_text(text.replace("amount: 24.00", "amount: 32.00"), encoding="utf-8")
    office.saved_plan()
    applied(office, "plan.json")
    between = records(office)
    undone(office, 2, exits=1)
    told = [f for f in plan_in(office, "undo-2.json")["findings"] if f["code"] == "undo-later-run"]
    assert told[0]["message"].startswith("run 4 wrote for this subscription after run 2")
    assert told[0]["hint"] == "undo run 4 first: reconciler undo 4"
    assert records(office) == between

    undone(office, 4)
    undone(office, 2)
    assert records(office) == before


def test_an_adopted_record_loses_its_serial_number_again(office: Office) -> None:
    seeded(office, {"serialNumber": None, "quantity": 13})
    before = records(office)
    planned_and_applied(office)
    assert any(row["serialNumber"] == BASE for row in records(office))
    undone(office, 2)
    assert records(office) == before


def test_a_record_that_the_run_deleted_is_made_anew(office: Office) -> None:
    planned_and_applied(office)
    for name in ("0.yaml",):
        invoice = office.folder / "invoices" / name
        text = invoice.read_text(encoding="utf-8")
        invoice.write_text(text[: text.index("  - {line: 3")], encoding="utf-8")
    before = records(office, with_ids=False)
    office.saved_plan()
    assert any(change["action"] == "delete" for change in plan_in(office, "plan.json")["changes"])
    applied(office, "plan.json")
    assert records(office, with_ids=False) != before
    undone(office, 4)
    assert records(office, with_ids=False) == before


def test_only_a_run_that_wrote_can_be_taken_back(office: Office) -> None:
    assert "there is no state yet" in office.invoke("undo", "2").stderr
    planned_and_applied(office)
    assert "run 1 made a plan, and wrote nothing" in office.invoke("undo", "1").stderr
    assert "there is no run 9" in office.invoke("undo", "9").stderr


def test_the_same_undo_has_the_same_bytes_and_a_stale_one_is_refused(office: Office) -> None:
    planned_and_applied(office)
    texts = []
    for name in ("a.json", "b.json"):
        assert office.invoke("undo", "2", "--out", str(office.folder / name)).exit_code == 0
        plan = plan_in(office, name)
        texts.append({k: v for k, v in plan.items() if k != "created"})
        assert plan["undoes"] == 2
        assert {b["rule"] for change in plan["changes"] for b in change["because"]} == {"undo of run 2"}
    assert texts[0] == texts[1]
    edited(office, record_of(office, BASE, "2026-10-01"), quantity=15)
    stale = office.invoke("apply", str(office.folder / "a.json"))
    assert stale.exit_code == 3
    assert "quantity was 13, is now 15" in stale.stderr


def test_a_guard_refuses_an_undo_as_any_plan(sandbox: RunningSandbox, tmp_path: Path) -> None:
    sandbox.seed(SEED)
    office = Office(tmp_path, sandbox, decrease=30)
    planned_and_applied(office)
    result = office.invoke("undo", "2", "--out", str(office.folder / "u.json"))
    assert result.exit_code == 5
    assert "max_decrease_percent of program microsoft-csp" in result.stdout
    refused = office.invoke("apply", str(office.folder / "u.json"))
    assert refused.exit_code == 5


def test_prices_of_the_catalogue_come_back(office: Office) -> None:
    mapping = office.folder / "mappings.yaml"
    text = mapping.read_text(encoding="utf-8")
    source = "{type: files, invoices: invoices/*, format: normalized, price_list: prices.csv}"
    mapping.write_text(
        text.replace("{type: files, invoices: invoices/*, format: normalized}", source), encoding="utf-8"
    )
    (office.folder / "prices.csv").write_text(
        "sku,name,unit_cost,unit_price,currency,term,billing,from,to\n"
        "CFQ7TTC0LH18:0001,Business Basic,17.00,22.00,AUD,P1M,monthly,,\n"
        "CFQ7TTC0LF8R:0001,Microsoft 365 E3,40.00,50.00,AUD,P1M,monthly,,\n",
        encoding="utf-8",
    )

    def prices() -> list[tuple[Any, Any]]:
        return [(row["price"], row["cost"]) for row in office.psa.state()["products"] if row["id"] == 5101]

    assert prices() == [(20, 16)]
    planned_and_applied(office)
    assert prices() == [(22, 17)]
    undone(office, 2)
    assert prices() == [(20, 16)]


def test_an_agreement_that_was_deleted_is_named_and_the_others_are_taken_back(office: Office) -> None:
    planned_and_applied(office)
    state = office.psa.state()
    gone, kept = 400, [row for row in SEED["agreements"] if row["id"] != 400]
    others = [row for row in state["additions"] if row["agreementId"] != gone and row["product"] == 5101]
    additions = [
        {
            "id": row["id"],
            "agreement": row["agreementId"],
            "product": row["product"],
            **{name: row.get(name) for name in ("quantity", "unitPrice", "unitCost", "serialNumber")},
            "effectiveDate": row["effectiveDate"],
            "cancelledDate": row.get("cancelledDate"),
            "invoiceDescription": row.get("invoiceDescription"),
        }
        for row in others
    ]
    office.psa.seed({**SEED, "agreements": kept, "additions": additions})
    result = office.invoke("undo", "2", "--out", str(office.folder / "undo-2.json"))
    assert "agreement 400 is not in the PSA any more" in result.output
    plan = plan_in(office, "undo-2.json")
    agreements = {change["agreement"] for change in plan["changes"]}
    assert agreements
    assert not any(address.endswith("/400") for address in agreements)
