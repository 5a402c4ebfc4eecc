"""Creating, replacing, patching and deleting: statuses, bodies, and whole-record validation."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sandbox_api import addition, client_of, failing

from reconciler.sandbox.server import RunningSandbox

ADDITIONS = "/finance/agreements/55/additions"
CATALOG = "/procurement/catalog"


def product(**members: Any) -> dict[str, Any]:
    body = {
        "identifier": "NEW-1",
        "description": "A new product",
        "customerDescription": "A new product",
        "subcategory": {"id": 31},
        "type": {"id": 1},
        "price": 9.9,
        **members,
    }
    return {name: value for name, value in body.items() if value is not None}


@pytest.fixture
def made(api: httpx.Client) -> str:
    """The path of a new addition."""
    answer = api.post(ADDITIONS, json=addition(serialNumber="sub-2", taxableFlag=True))
    assert answer.status_code == 201
    return f"{ADDITIONS}/{answer.json()['id']}"


def test_a_created_record_comes_back_whole_with_its_address(api: httpx.Client, psa: RunningSandbox) -> None:
    answer = api.post(ADDITIONS, json=addition(serialNumber="sub-2"))
    record = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{psa.url}/v4_6_release/apis/3.0{ADDITIONS}/{record['id']}"
    assert record["product"] == {
        "id": 4121,
        "identifier": "M365-BP",
        "_info": {"catalog_href": f"{psa.url}/v4_6_release/apis/3.0/procurement/catalog/4121"},
    }
    assert record["effectiveDate"] == "2026-10-05T00:00:00Z"
    assert record["uom"] == "Each"
    assert "cancelledDate" not in record
    assert api.get(answer.headers["location"]).json() == record


def test_numbers_keep_the_digits_they_were_sent_with(api: httpx.Client) -> None:
    text = (
        '{"product":{"id":4121},"quantity":3,"unitPrice":12.06,"unitCost":0.10,"billCustomer":"Billable",'
        '"effectiveDate":"2026-10-05T00:00:00Z"}'
    )
    answer = api.post(ADDITIONS, content=text, headers={"content-type": "application/json"})
    assert '"quantity":3.0,' in answer.text
    assert '"unitPrice":12.06,' in answer.text
    assert '"unitCost":0.10,' in answer.text
    assert '"extPrice":36.18,' in answer.text


def test_null_members_are_left_out_or_sent_by_switch(api: httpx.Client, reseeded: Callable[..., None]) -> None:
    assert "cancelledDate" not in api.get(f"{ADDITIONS}/8801").json()
    reseeded(switches={"explicit_nulls": True})
    assert api.get(f"{ADDITIONS}/8801").json()["cancelledDate"] is None


def test_every_failing_field_is_named(api: httpx.Client) -> None:
    body = addition(product=None, billCustomer=None, serialNumber="s" * 51, effectiveDate="2025-01-01T00:00:00Z")
    assert failing(api.post(ADDITIONS, json=body)) == {
        "product": "MissingRequiredField",
        "billCustomer": "MissingRequiredField",
        "serialNumber": "MaxLengthField",
        "effectiveDate": "InvalidField",
    }


def test_error_bodies_are_pretty_printed_with_crlf(api: httpx.Client) -> None:
    answer = api.post(ADDITIONS, json=addition(product={"id": 1}))
    assert answer.text.startswith('{\r\n  "code": "InvalidObject",\r\n  "message": "addition object is invalid"')
    assert failing(answer) == {"product/id": "NotFound"}


def test_an_unknown_member_is_refused(api: httpx.Client) -> None:
    answer = api.post(ADDITIONS, json=addition(noSuchMember=1))
    assert answer.status_code == 400
    assert answer.json()["code"] == "ConnectWiseApi"
    assert answer.json()["message"].startswith("Could not find member 'noSuchMember' on object of type 'Addition'")


@pytest.mark.parametrize(
    "members",
    [
        {"quantity": "many"},
        {"quantity": "5"},
        {"taxableFlag": "yes"},
        {"serialNumber": 5},
        {"effectiveDate": "soon"},
        {"product": 4121},
        {"product": {"id": "4121"}},
        {"product": {"id": 2**40}},
        {"billCustomer": "Perhaps"},
        {"quantity": 1e13},
        {"customFields": ["x"]},
    ],
)
def test_a_wrong_type_is_answered_500_or_400_by_switch(
    api: httpx.Client, reseeded: Callable[..., None], members: dict[str, Any]
) -> None:
    assert api.post(ADDITIONS, json=addition(**members)).status_code == 500
    reseeded(switches={"wrong_type_status": "400"})
    answer = api.post(ADDITIONS, json=addition(**members))
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Error converting value")


@pytest.mark.parametrize("text", ['{"product": ', "", "[1]", '"text"', "NaN", '{"quantity": Infinity}', "[" * 100_000])
def test_a_body_that_is_no_object_is_refused(api: httpx.Client, text: str) -> None:
    answer = api.post(ADDITIONS, content=text, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "ConnectWiseApi")


def test_a_body_of_another_media_type_is_refused(api: httpx.Client) -> None:
    answer = api.post(ADDITIONS, content="{}", headers={"content-type": "text/plain"})
    assert answer.status_code == 415


def test_what_the_psa_computes_is_read_and_dropped(api: httpx.Client) -> None:
    record = api.post(ADDITIONS, json=addition(extPrice=1, agreementId=99, id=1, _info={"x": "y"})).json()
    assert (record["extPrice"], record["agreementId"]) == (45, 55)
    assert record["id"] != 1


def test_text_loses_its_line_ends_and_tabs(api: httpx.Client) -> None:
    record = api.post(ADDITIONS, json=addition(invoiceDescription="a\r\nb\tc\fd\u200e")).json()
    assert record["invoiceDescription"] == "a b    cd\u200e"


def test_a_reference_is_found_by_its_identifier_too(api: httpx.Client) -> None:
    assert api.post(ADDITIONS, json=addition(product={"identifier": "M365-BB"})).json()["product"]["id"] == 4120
    assert failing(api.post(ADDITIONS, json=addition(product={"identifier": "NONE"}))) == {"product/id": "NotFound"}


def test_a_moment_with_an_offset_is_the_day_in_utc(api: httpx.Client) -> None:
    record = api.post(ADDITIONS, json=addition(effectiveDate="2026-10-15T00:00:00+02:00")).json()
    assert record["effectiveDate"] == "2026-10-14T00:00:00Z"


def test_patch_adds_replaces_and_removes(api: httpx.Client, made: str) -> None:
    operations = [
        {"op": "replace", "path": "quantity", "value": 5},
        {"op": "add", "path": "/cancelledDate", "value": "2026-10-31T00:00:00Z"},
        {"op": "remove", "path": "serialNumber"},
    ]
    answer = api.patch(made, json=operations)
    assert answer.status_code == 200
    record = answer.json()
    assert (record["quantity"], record["cancelledDate"]) == (5, "2026-10-31T00:00:00Z")
    assert "serialNumber" not in record
    assert "cancelledDate" not in api.patch(made, json=[{"op": "remove", "path": "cancelledDate"}]).json()


def test_a_path_below_a_member_changes_nothing_and_says_so_to_nobody(api: httpx.Client, made: str) -> None:
    answer = api.patch(made, json=[{"op": "replace", "path": "product/id", "value": 4120}])
    assert answer.status_code == 200
    assert answer.json()["product"]["id"] == 4121


def test_a_reference_is_replaced_whole(api: httpx.Client, made: str) -> None:
    answer = api.patch(made, json=[{"op": "replace", "path": "product", "value": {"id": 4120}}])
    assert answer.json()["product"]["identifier"] == "M365-BB"


@pytest.mark.parametrize(
    "body",
    [
        {"op": "replace", "path": "quantity", "value": 1},
        [{"op": "replace", "path": "noSuchMember", "value": 1}],
        [{"op": "replace", "path": "Quantity", "value": 1}],
        [{"op": "Replace", "path": "quantity", "value": 1}],
        [{"op": "replace", "value": 1}],
        ["quantity"],
        [],
    ],
)
def test_a_patch_of_another_form_is_refused(api: httpx.Client, made: str, body: object) -> None:
    before = api.get(made).json()
    assert api.patch(made, json=body).status_code == 400
    assert api.get(made).json() == before


def test_a_refused_patch_changes_nothing(api: httpx.Client, made: str) -> None:
    before = api.get(made).json()
    operations = [
        {"op": "replace", "path": "quantity", "value": 77},
        {"op": "replace", "path": "serialNumber", "value": "s" * 51},
    ]
    assert failing(api.patch(made, json=operations)) == {"serialNumber": "MaxLengthField"}
    assert api.get(made).json() == before


def test_a_patch_of_one_field_fails_on_an_old_bad_value_in_another(
    api: httpx.Client, seed: dict[str, Any], reseeded: Callable[..., None]
) -> None:
    reseeded(products=[*seed["products"], {"id": 9, "identifier": "OLD", "description": "d" * 61}])
    answer = api.patch(f"{CATALOG}/9", json=[{"op": "replace", "path": "price", "value": 5}])
    assert failing(answer) == {"description": "MaxLengthField"}


def test_put_resets_what_is_left_out(api: httpx.Client, made: str) -> None:
    before = api.get(made).json()
    record = api.put(made, json=addition(quantity=3)).json()
    assert record["id"] == before["id"]
    assert record["quantity"] == 3
    assert record["taxableFlag"] is False
    assert "serialNumber" not in record
    assert failing(api.put(made, json={"quantity": 1})) == {
        "product": "MissingRequiredField",
        "billCustomer": "MissingRequiredField",
    }


def test_a_deleted_record_is_gone_and_its_id_is_not_given_again(api: httpx.Client, made: str) -> None:
    assert api.delete(made).status_code == 204
    for answer in (api.get(made), api.delete(made), api.patch(made, json=[{"op": "remove", "path": "quantity"}])):
        assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")
    again = api.post(ADDITIONS, json=addition()).json()
    assert not made.endswith(f"/{again['id']}")


def test_an_addition_is_found_under_its_own_agreement_only(
    api: httpx.Client, seed: dict[str, Any], reseeded: Callable[..., None]
) -> None:
    reseeded(agreements=[*seed["agreements"], {"id": 56, "company": 260}])
    assert api.get("/finance/agreements/56/additions/8801").status_code == 404
    assert api.get("/finance/agreements/56/additions").json() == []
    assert api.get("/finance/agreements/99/additions").status_code == 404


@pytest.mark.parametrize(("version", "longest"), [("2026.4", 75), ("2025.1", 75), ("2022.1", 60)])
def test_the_longest_identifier_depends_on_the_version_asked_for(
    psa: RunningSandbox, version: str, longest: int
) -> None:
    with client_of(psa, accept=f"application/vnd.connectwise.com+json; version={version}") as client:
        assert client.post(CATALOG, json=product(identifier="i" * longest)).status_code == 201
        answer = client.post(CATALOG, json=product(identifier="j" * (longest + 1)))
        assert failing(answer) == {"identifier": "MaxLengthField"}


@pytest.mark.parametrize(("version", "longest"), [("2026.4", 156), ("2025.1", 30), ("2022.1", 25)])
def test_the_longest_company_identifier_depends_on_the_version_too(
    psa: RunningSandbox, version: str, longest: int
) -> None:
    with client_of(psa, accept=f"application/vnd.connectwise.com+json; version={version}") as client:
        body = {"identifier": "i" * (longest + 1), "name": "N"}
        assert failing(client.post("/company/companies", json=body)) == {"identifier": "MaxLengthField"}
        assert client.post("/company/companies", json={**body, "identifier": "i" * longest}).status_code == 201


def test_a_product_takes_its_category_from_its_subcategory(api: httpx.Client) -> None:
    record = api.post(CATALOG, json=product()).json()
    assert record["category"]["name"] == "Miscellaneous"
    assert record["unitOfMeasure"]["name"] == "Each"


def test_a_product_identifier_is_given_once(api: httpx.Client, reseeded: Callable[..., None]) -> None:
    answer = api.post(CATALOG, json=product(identifier="m365-bb"))
    assert failing(answer) == {"identifier": "ObjectExists"}
    reseeded(switches={"duplicate_identifier": "allow"})
    assert api.post(CATALOG, json=product(identifier="M365-BB")).status_code == 201


def test_inactive_lookups_take_no_new_products(api: httpx.Client, reseeded: Callable[..., None]) -> None:
    reseeded(
        subcategories=[{"name": "Miscellaneous", "inactiveFlag": True}],
        units=[{"name": "Each", "inactiveFlag": True}],
        types=[{"name": "Miscellaneous", "inactiveFlag": True}],
    )
    answer = api.post(CATALOG, json=product())
    assert set(failing(answer)) == {"subcategory/id", "type/id", "unitOfMeasure/id"}
    assert api.patch(f"{CATALOG}/4120", json=[{"op": "replace", "path": "price", "value": 1}]).status_code == 200


@pytest.mark.parametrize(
    ("change", "text"), [({"productClass": "Bundle"}, "A bundle"), ({"inactiveFlag": True}, "The product is inactive")]
)
def test_some_products_cannot_be_added_to_an_agreement(
    api: httpx.Client, seed: dict[str, Any], reseeded: Callable[..., None], change: dict[str, Any], text: str
) -> None:
    reseeded(products=[*seed["products"], {"id": 9, "identifier": "P9", **change}])
    answer = api.post(ADDITIONS, json=addition(product={"id": 9}))
    assert failing(answer) == {"product/id": "InvalidField"}
    assert answer.json()["errors"][0]["message"].startswith(text)


@pytest.mark.parametrize("path", [f"{CATALOG}/4120", "/company/companies/250", "/finance/agreements/55"])
def test_a_record_in_use_stays(api: httpx.Client, reseeded: Callable[..., None], path: str) -> None:
    assert api.delete(path).status_code == 409
    reseeded(switches={"delete_invoiced": "InvalidObject"})
    assert failing(api.delete(path)) == {"id": "InvalidField"}


def test_an_agreement_that_was_never_invoiced_goes_with_its_additions(api: httpx.Client, psa: RunningSandbox) -> None:
    body = {"name": "A", "company": {"id": 260}, "type": {"id": 1}, "contact": {"id": 901}}
    agreement = api.post("/finance/agreements", json=body).json()
    assert agreement["nextInvoiceDate"] == "2026-10-01T00:00:00Z"
    assert agreement["billingCycle"]["name"] == "Monthly"
    api.post(f"/finance/agreements/{agreement['id']}/additions", json=addition())
    assert api.delete(f"/finance/agreements/{agreement['id']}").status_code == 204
    assert [row["id"] for row in psa.state()["additions"]] == [8801]


def test_a_matching_callback_is_refused(api: httpx.Client) -> None:
    body = {"url": "https://example.test/hook", "objectId": 1, "type": "company", "level": "owner"}
    assert api.post("/system/callbacks", json=body).status_code == 201
    assert failing(api.post("/system/callbacks", json=body)) == {"url": "ObjectExists"}


def test_every_write_has_a_moment_of_its_own(api: httpx.Client, made: str) -> None:
    moments = [api.get(made).json()["_info"]["lastUpdated"]]
    for quantity in (5, 6):
        record = api.patch(made, json=[{"op": "replace", "path": "quantity", "value": quantity}]).json()
        moments.append(record["_info"]["lastUpdated"])
    assert len(set(moments)) == 3
    assert all(moment.startswith("2026-10-03T") for moment in moments)


def test_the_audit_trail_says_which_member_changed_when(api: httpx.Client, made: str) -> None:
    operations = [
        {"op": "replace", "path": "quantity", "value": 5},
        {"op": "replace", "path": "cancelledDate", "value": "2026-12-31T00:00:00Z"},
    ]
    changed = api.patch(made, json=operations).json()["_info"]["lastUpdated"]
    ident = made.rpartition("/")[2]
    entries = api.get("/system/audittrail", params={"type": "AgreementAddition", "id": ident}).json()
    assert [entry["text"] for entry in entries] == [
        "The record has been created.",
        "quantity has been changed from 2.0 to 5.0.",
        'cancelledDate has been changed from nothing to "2026-12-31".',
    ]
    assert entries[1]["enteredDate"] == changed
    assert api.get("/system/audittrail", params={"type": "Nonsense"}).status_code == 400
