"""Invoices over the wire: lines, catch-up, children, one-time agreements, and taking an invoice back."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sandbox_api import addition, failing

from reconciler.sandbox.control_client import SandboxError
from reconciler.sandbox.server import RunningSandbox

ADDITIONS = "/finance/agreements/55/additions"


def amounts(invoices: list[dict[str, Any]]) -> dict[tuple[str, int], Decimal]:
    return {(invoice["month"], line["addition"]): line["amount"] for invoice in invoices for line in invoice["lines"]}


def agreement(**members: Any) -> dict[str, Any]:
    return {"id": 55, "company": 250, "startDate": "2026-01-01", "nextInvoiceDate": "2026-10-01", **members}


def row(ident: int, **members: Any) -> dict[str, Any]:
    return {
        "id": ident,
        "agreement": 55,
        "product": 4120,
        "quantity": 1,
        "unitPrice": 20,
        "effectiveDate": "2026-10-01",
        **members,
    }


def test_the_api_makes_the_next_invoice_and_moves_on(api: httpx.Client, psa: RunningSandbox) -> None:
    answer = api.post("/finance/agreements/55/invoice")
    assert answer.status_code == 201
    ident = answer.json()
    assert isinstance(ident, int)
    assert api.get("/finance/agreements/55").json()["nextInvoiceDate"] == "2026-11-01T00:00:00Z"
    invoice = api.get(f"/finance/invoices/{ident}").json()
    assert (invoice["date"], invoice["total"], invoice["applyToId"]) == ("2026-10-01T00:00:00Z", 200, 55)
    assert invoice["agreement"] == {
        "id": 55,
        "name": "Contoso CSP",
        "type": "Managed Services",
        "_info": {"agreement_href": f"{psa.url}/v4_6_release/apis/3.0/finance/agreements/55"},
    }
    query = {"conditions": 'applyToType="Agreement" and applyToId=55', "orderBy": "date desc", "pageSize": 1}
    assert [found["id"] for found in api.get("/finance/invoices", params=query).json()] == [ident]
    recap = api.get("/finance/agreementrecap/55").json()
    assert (recap["lastInvoiceNumber"], recap["nextInvoiceDate"]) == (str(ident), "2026-11-01T00:00:00Z")


def test_a_line_says_what_it_bills_and_for_which_days(psa: RunningSandbox, api: httpx.Client) -> None:
    api.post(ADDITIONS, json=addition(quantity=3, unitPrice=20, effectiveDate="2026-09-12T00:00:00Z"))
    (invoice,) = psa.bill("2026-10")
    (old, new) = invoice["lines"]
    assert old == {
        "agreement": 55,
        "agreementName": "Contoso CSP",
        "company": "Contoso",
        "addition": 8801,
        "serialNumber": "sub-1",
        "product": "M365-BB",
        "description": "Business Basic",
        "quantity": 10,
        "unitPrice": 20,
        "amount": 200,
        "months": [{"month": "2026-10", "days": 31, "monthDays": 31, "amount": 200}],
    }
    assert new["months"] == [
        {"month": "2026-09", "days": 19, "monthDays": 30, "amount": 38},
        {"month": "2026-10", "days": 31, "monthDays": 31, "amount": 60},
    ]
    assert (new["amount"], invoice["total"]) == (98, 298)


def test_changes_in_an_invoiced_month_reach_the_next_invoice_as_deltas(psa: RunningSandbox, api: httpx.Client) -> None:
    """Ten seats billed through October; three more from 12 September, two fewer from the 20th, eleven from October."""
    psa.bill("2026-10")
    for quantity, first, last in (
        (3, "2026-09-12", "2026-09-30"),
        (-2, "2026-09-20", "2026-09-30"),
        (1, "2026-10-01", None),
    ):
        cancelled = f"{last}T00:00:00Z" if last else None
        body = addition(quantity=quantity, unitPrice=20, effectiveDate=f"{first}T00:00:00Z", cancelledDate=cancelled)
        assert api.post(ADDITIONS, json=body).status_code == 201
    (invoice,) = psa.bill("2026-11")
    assert [line["amount"] for line in invoice["lines"]] == [200, 38, Decimal("-14.67"), 40]
    assert invoice["total"] == Decimal("263.33")


@pytest.mark.parametrize(("rounding", "wanted"), [("line", "24.13"), ("unit", "24.12")])
def test_rounding_follows_the_switch(
    psa: RunningSandbox, reseeded: Callable[..., None], rounding: str, wanted: str
) -> None:
    rows = [row(1, quantity=2, unitPrice=22, effectiveDate="2026-10-15")]
    reseeded(additions=rows, switches={"rounding": rounding})
    assert amounts(psa.bill("2026-10")) == {("2026-10", 1): Decimal(wanted)}


def test_a_mid_month_end_bills_the_month_and_credits_only_by_switch(
    psa: RunningSandbox, api: httpx.Client, reseeded: Callable[..., None]
) -> None:
    for switches, october, november in (({}, "200.00", None), ({"cancellation_credit": True}, "200.00", "-135.48")):
        reseeded(switches=switches)
        assert amounts(psa.bill("2026-10")) == {("2026-10", 8801): Decimal(october)}
        body = [{"op": "replace", "path": "cancelledDate", "value": "2026-10-10T00:00:00Z"}]
        assert api.patch(f"{ADDITIONS}/8801", json=body).status_code == 200
        wanted = {("2026-11", 8801): Decimal(november)} if november else {}
        assert amounts(psa.bill("2026-11")) == wanted
        assert amounts(psa.bill("2026-12")) == {}


@pytest.mark.parametrize(("meaning", "billed"), [("last-billed", 200), ("first-unbilled", None)])
def test_an_end_on_the_first_of_a_month_follows_the_switch(
    psa: RunningSandbox, reseeded: Callable[..., None], meaning: str, billed: int | None
) -> None:
    rows = [row(1, quantity=10, effectiveDate="2026-01-01", cancelledDate="2026-10-01")]
    reseeded(additions=rows, switches={"cancelled_day": meaning})
    assert amounts(psa.bill("2026-10")) == ({("2026-10", 1): billed} if billed else {})


def test_children_bill_on_their_parents_invoice(
    psa: RunningSandbox, api: httpx.Client, reseeded: Callable[..., None]
) -> None:
    reseeded(
        agreements=[agreement(id=50, name="Parent"), agreement(name="Child", company=260, parentAgreement=50)],
        additions=[row(1, agreement=50), row(2)],
    )
    answer = api.post("/finance/agreements/55/invoice")
    assert failing(answer) == {"parentAgreement": "InvalidField"}
    (invoice,) = psa.bill("2026-10")
    assert invoice["agreement"] == 50
    assert [(line["agreement"], line["company"]) for line in invoice["lines"]] == [(50, "Contoso"), (55, "Fabrikam")]
    assert [found["nextInvoiceDate"] for found in psa.state()["agreements"]] == ["2026-11-01", "2026-11-01"]


def test_a_one_time_agreement_bills_everything_once(
    psa: RunningSandbox, api: httpx.Client, reseeded: Callable[..., None]
) -> None:
    reseeded(agreements=[agreement(billOneTimeFlag=True, prorateFlag=False)], additions=[])
    body = addition(quantity=2, unitPrice=240, effectiveDate="2026-09-12T00:00:00Z")
    api.post(ADDITIONS, json=body)
    (invoice,) = psa.bill("2026-10")
    assert [line["amount"] for line in invoice["lines"]] == [480]
    assert invoice["lines"][0]["months"][0]["month"] == "once"
    assert psa.bill("2026-12") == []


def test_billing_goes_month_by_month_and_stops(psa: RunningSandbox) -> None:
    assert [invoice["month"] for invoice in psa.bill("2026-12")] == ["2026-10", "2026-11", "2026-12"]
    assert psa.bill("2026-12") == []
    assert psa.bill("2026-09") == []


def test_the_base_fee_stands_beside_the_additions(psa: RunningSandbox, reseeded: Callable[..., None]) -> None:
    reseeded(agreements=[agreement(billAmount=99.5)])
    (invoice,) = psa.bill("2026-10")
    assert (invoice["agreementAmount"], invoice["productTotal"], invoice["total"]) == (
        Decimal("99.5"),
        Decimal("200.00"),
        Decimal("299.50"),
    )


def test_an_agreement_that_ended_is_not_invoiced_any_more(psa: RunningSandbox, reseeded: Callable[..., None]) -> None:
    reseeded(agreements=[agreement(endDate="2026-10-31")])
    assert [invoice["month"] for invoice in psa.bill("2026-12")] == ["2026-10"]
    reseeded(agreements=[agreement(cancelledFlag=True)])
    assert psa.bill("2026-12") == []


def test_a_cycle_that_is_not_modelled_is_refused_and_nothing_is_made(
    psa: RunningSandbox, reseeded: Callable[..., None]
) -> None:
    reseeded(agreements=[agreement(id=54), agreement(billingCycle="Quarterly")])
    with pytest.raises(SandboxError, match="Agreement 55 bills Quarterly"):
        psa.bill("2026-10")
    assert psa.invoices() == []


def test_deleting_the_latest_invoice_returns_its_period(psa: RunningSandbox, api: httpx.Client) -> None:
    first, second = psa.bill("2026-11")
    assert api.delete(f"/finance/invoices/{first['id']}").status_code == 409
    assert api.delete(f"/finance/invoices/{second['id']}").status_code == 204
    assert api.get("/finance/agreements/55").json()["nextInvoiceDate"] == "2026-11-01T00:00:00Z"
    (again,) = psa.bill("2026-11")
    assert again["lines"] == second["lines"]
    assert again["id"] != second["id"]


def test_an_addition_is_free_again_when_its_only_invoice_is_deleted(psa: RunningSandbox, api: httpx.Client) -> None:
    made = api.post(ADDITIONS, json=addition()).json()["id"]
    (invoice,) = psa.bill("2026-10")
    assert api.delete(f"{ADDITIONS}/{made}").status_code == 409
    api.delete(f"/finance/invoices/{invoice['id']}")
    assert api.delete(f"{ADDITIONS}/{made}").status_code == 204


def test_no_charge_and_do_not_bill(psa: RunningSandbox, reseeded: Callable[..., None]) -> None:
    reseeded(
        additions=[
            row(1, billCustomer="NoCharge"),
            row(2, billCustomer="DoNotBill"),
            row(3, lessIncluded=1, quantity=3),
        ]
    )
    assert amounts(psa.bill("2026-10")) == {("2026-10", 1): 0, ("2026-10", 3): 40}
