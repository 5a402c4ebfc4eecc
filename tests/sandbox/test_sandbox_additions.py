"""An addition's dates, its computed members, and what stays fixed once it was invoiced."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sandbox_api import addition, failing

ADDITIONS = "/finance/agreements/55/additions"
PERIOD_INVOICED = "Since this period has already been invoiced"


def agreement(**members: Any) -> dict[str, Any]:
    return {
        "id": 55,
        "name": "Contoso CSP",
        "company": 250,
        "startDate": "2026-01-01",
        "nextInvoiceDate": "2026-10-01",
        **members,
    }


def replace(name: str, value: object) -> list[dict[str, object]]:
    return [{"op": "replace", "path": name, "value": value}]


def test_the_public_examples_part_month_is_twelve_six(api: httpx.Client) -> None:
    body = addition(quantity=2, unitPrice=22, unitCost=17.6, effectiveDate="2026-03-15T00:00:00Z")
    record = api.post(ADDITIONS, json=body).json()
    assert (record["proratePrice"], record["prorateCost"]) == (12.06, 9.65)
    assert (record["extPrice"], record["extCost"], record["margin"]) == (44, 35.2, 8.8)
    assert record["billedQuantity"] == 2


@pytest.mark.parametrize(("rounding", "extended"), [("line", 24.13), ("unit", 24.12)])
def test_the_extended_part_month_follows_the_rounding_switch(
    api: httpx.Client, reseeded: Callable[..., None], rounding: str, extended: float
) -> None:
    reseeded(switches={"rounding": rounding})
    body = addition(quantity=2, unitPrice=22, effectiveDate="2026-03-15T00:00:00Z")
    assert api.post(ADDITIONS, json=body).json()["extendedProratePrice"] == extended


def test_from_the_first_of_a_month_the_prorated_price_is_the_full_one(api: httpx.Client) -> None:
    record = api.post(ADDITIONS, json=addition(unitPrice=22, effectiveDate="2026-03-01T00:00:00Z")).json()
    assert record["proratePrice"] == 22


def test_without_proration_there_are_no_prorated_prices(api: httpx.Client, reseeded: Callable[..., None]) -> None:
    reseeded(agreements=[agreement(prorateFlag=False)])
    assert "proratePrice" not in api.get(f"{ADDITIONS}/8801").json()


def test_prices_come_from_the_catalogue_when_left_out(api: httpx.Client) -> None:
    record = api.post(ADDITIONS, json=addition(unitPrice=None, unitCost=None)).json()
    assert (record["unitPrice"], record["unitCost"]) == (22, 17.6)


def test_nothing_begins_before_the_agreement_bills(api: httpx.Client, reseeded: Callable[..., None]) -> None:
    reseeded(agreements=[agreement(billStartDate="2026-06-15")])
    answer = api.post(ADDITIONS, json=addition(effectiveDate="2026-06-14T00:00:00Z"))
    assert failing(answer) == {"effectiveDate": "InvalidField"}
    assert answer.json()["errors"][0]["message"].startswith("effectiveDate cannot be less than the agreement")
    assert api.post(ADDITIONS, json=addition(effectiveDate="2026-06-15T00:00:00Z")).status_code == 201


def test_without_proration_an_invoiced_period_takes_no_more_rows(
    api: httpx.Client, reseeded: Callable[..., None]
) -> None:
    reseeded(agreements=[agreement(prorateFlag=False)])
    answer = api.post(ADDITIONS, json=addition(effectiveDate="2026-09-30T00:00:00Z"))
    assert failing(answer) == {"effectiveDate": "InvalidField"}
    assert answer.json()["errors"][0]["message"].startswith(PERIOD_INVOICED)
    made = api.post(ADDITIONS, json=addition(effectiveDate="2026-10-01T00:00:00Z"))
    assert made.status_code == 201
    moved = api.patch(f"{ADDITIONS}/{made.json()['id']}", json=replace("effectiveDate", "2026-09-12T00:00:00Z"))
    assert failing(moved) == {"effectiveDate": "InvalidField"}
    assert api.patch(f"{ADDITIONS}/8801", json=replace("serialNumber", "x")).status_code == 200


def test_a_childs_period_is_invoiced_when_its_parents_is(api: httpx.Client, reseeded: Callable[..., None]) -> None:
    reseeded(
        agreements=[
            agreement(id=50, name="Parent", nextInvoiceDate="2026-11-01"),
            agreement(prorateFlag=False, parentAgreement=50, nextInvoiceDate="2026-09-01"),
        ],
        additions=[],
    )
    answer = api.post(ADDITIONS, json=addition(effectiveDate="2026-10-31T00:00:00Z"))
    assert failing(answer) == {"effectiveDate": "InvalidField"}
    assert api.post(ADDITIONS, json=addition(effectiveDate="2026-11-01T00:00:00Z")).status_code == 201


def test_one_time_agreements_have_no_invoiced_periods(api: httpx.Client, reseeded: Callable[..., None]) -> None:
    reseeded(agreements=[agreement(billOneTimeFlag=True)])
    assert api.post(ADDITIONS, json=addition(effectiveDate="2026-09-12T00:00:00Z")).status_code == 201


def test_nothing_ends_before_it_begins(api: httpx.Client) -> None:
    answer = api.post(ADDITIONS, json=addition(cancelledDate="2026-10-04T00:00:00Z"))
    assert failing(answer) == {"cancelledDate": "InvalidField"}
    assert api.post(ADDITIONS, json=addition(cancelledDate="2026-10-05T00:00:00Z")).status_code == 201


@pytest.mark.parametrize(
    ("name", "value"),
    [("quantity", 11), ("unitPrice", 21), ("unitCost", 15), ("effectiveDate", "2026-08-02T00:00:00Z")],
)
def test_what_was_invoiced_stays_fixed_unless_the_switch_allows(
    api: httpx.Client, reseeded: Callable[..., None], name: str, value: object
) -> None:
    assert failing(api.patch(f"{ADDITIONS}/8801", json=replace(name, value))) == {name: "InvalidField"}
    reseeded(switches={"update_invoiced": "allow"})
    assert api.patch(f"{ADDITIONS}/8801", json=replace(name, value)).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cancelledDate", "2026-10-31T00:00:00Z"),
        ("serialNumber", "sub-1 P1M"),
        ("invoiceDescription", "text"),
        ("quantity", 10.0),
    ],
)
def test_the_rest_can_always_be_changed(api: httpx.Client, name: str, value: object) -> None:
    assert api.patch(f"{ADDITIONS}/8801", json=replace(name, value)).json()[name] == value


def test_what_was_not_invoiced_can_be_changed_and_deleted(api: httpx.Client) -> None:
    made = api.post(ADDITIONS, json=addition()).json()["id"]
    assert api.patch(f"{ADDITIONS}/{made}", json=replace("quantity", 9)).json()["quantity"] == 9
    assert api.delete(f"{ADDITIONS}/{made}").status_code == 204


def test_an_invoiced_addition_is_not_deleted(api: httpx.Client, reseeded: Callable[..., None]) -> None:
    assert api.delete(f"{ADDITIONS}/8801").status_code == 409
    reseeded(switches={"delete_invoiced": "InvalidObject"})
    assert failing(api.delete(f"{ADDITIONS}/8801")) == {"id": "InvalidField"}


def test_a_negative_quantity_is_taken_or_refused_by_switch(api: httpx.Client, reseeded: Callable[..., None]) -> None:
    record = api.post(ADDITIONS, json=addition(quantity=-2, unitPrice=22)).json()
    assert record["extPrice"] == -44
    reseeded(switches={"negative_quantity": False})
    assert failing(api.post(ADDITIONS, json=addition(quantity=-2))) == {"quantity": "OutOfRange"}


def test_the_status_of_the_agreement_shows(api: httpx.Client, reseeded: Callable[..., None]) -> None:
    reseeded(agreements=[agreement(endDate="2026-10-02")])
    assert api.get(f"{ADDITIONS}/8801").json()["agreementStatus"] == "Expired"
    reseeded(agreements=[agreement(cancelledFlag=True)])
    assert api.get("/finance/agreements/55").json()["agreementStatus"] == "Cancelled"
