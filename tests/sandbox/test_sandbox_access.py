"""Who may call, under which address, and what every other address answers."""

import base64
from collections.abc import Callable

import httpx
import pytest
from sandbox_api import client_of

from reconciler.sandbox.server import RunningSandbox

AGREEMENTS = "/finance/agreements"


def basic(text: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def test_discovery_needs_no_keys(psa: RunningSandbox, reseeded: Callable[..., None]) -> None:
    with httpx.Client(base_url=psa.url, trust_env=False) as client:
        assert client.get("/login/companyinfo/training").json() == {
            "CompanyName": "training",
            "Codebase": "v2026_4/",
            "VersionCode": "v2026.4",
            "VersionNumber": "v4.6.105333",
            "CompanyID": "training",
            "IsCloud": True,
        }
        unknown = client.get("/login/companyinfo/nobody")
        assert (unknown.status_code, unknown.text) == (200, "null")
        reseeded(switches={"hosting": "on-premise"})
        assert client.get("/login/companyinfo/training/").json()["Codebase"] == "v4_6_release/"


@pytest.mark.parametrize("codebase", ["v4_6_release", "v2026_4", "v2025_1"])
def test_any_codebase_leads_to_the_same_records(psa: RunningSandbox, api: httpx.Client, codebase: str) -> None:
    answer = api.get(f"{psa.url}/{codebase}/apis/3.0{AGREEMENTS}/55")
    assert answer.json()["company"]["_info"]["company_href"].startswith(f"{psa.url}/{codebase}/apis/3.0/company/")


def test_a_codebase_that_is_none_cannot_be_routed(psa: RunningSandbox, api: httpx.Client) -> None:
    answer = api.get(f"{psa.url}/latest/apis/3.0{AGREEMENTS}")
    assert answer.status_code == 400
    assert answer.json()["message"] == "Cannot route. Codebase/company is invalid"


@pytest.mark.parametrize("path", ["/company/companies/", "/finance/agreements/55/", "/procurement/subcategories/"])
def test_a_slash_at_the_end_makes_no_difference(api: httpx.Client, path: str) -> None:
    assert api.get(path).status_code == 200
    assert api.get(path).json() == api.get(path.rstrip("/")).json()


def test_missing_keys_are_401(api: httpx.Client) -> None:
    del api.headers["clientId"]
    api.auth = None
    answer = api.get(AGREEMENTS)
    assert (answer.status_code, answer.json()["message"]) == (401, "UserNotAuthenticated")


@pytest.mark.parametrize(("hosting", "status"), [("cloud", 404), ("on-premise", 401)])
@pytest.mark.parametrize("keys", ["training+sandbox:wrong", "other+sandbox:sandbox", "training+sandbox", "é:é"])
def test_wrong_keys_are_answered_as_the_hosting_does(
    api: httpx.Client, reseeded: Callable[..., None], hosting: str, status: int, keys: str
) -> None:
    reseeded(switches={"hosting": hosting})
    api.auth = None
    assert api.get(AGREEMENTS, headers=basic(keys)).status_code == status
    assert api.get(AGREEMENTS, headers={"authorization": "Basic ???"}).status_code == status


def test_a_missing_or_unknown_client_id_is_403(psa: RunningSandbox) -> None:
    for name in ("", "other"):
        with client_of(psa, clientId=name) as client:
            answer = client.get(AGREEMENTS)
        assert (answer.status_code, answer.json()["code"]) == (403, "Security")


def test_credentials_of_the_environment_are_accepted_too() -> None:
    environment = {
        "CONNECTWISE_CLIENT_ID": "mine",
        "CONNECTWISE_PUBLIC_KEY": "public",
        "CONNECTWISE_PRIVATE_KEY": "private",
    }
    with RunningSandbox(environment=environment) as psa, client_of(psa) as client:
        assert client.get(AGREEMENTS).status_code == 200
        client.auth = ("training+public", "private")
        assert client.get(AGREEMENTS, headers={"clientId": "mine"}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/finance/noSuchThing", "/finance", "", "/finance/agreements/x", "/finance/agreements/55/nothing"]
)
def test_an_unknown_route_is_no_endpoint(api: httpx.Client, path: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.json()["message"]) == (404, "The endpoint does not exist.")


def test_an_unknown_record_is_named(api: httpx.Client) -> None:
    answer = api.get("/finance/agreements/99")
    assert (answer.status_code, answer.json()) == (404, {"code": "NotFound", "message": "Agreement 99 not found"})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/finance/invoices"),
        ("PATCH", "/company/contacts/901"),
        ("DELETE", "/finance/agreements"),
        ("GET", "/finance/agreements/55/invoice"),
        ("POST", "/finance/agreements/count"),
        ("POST", "/system/info"),
        ("OPTIONS", "/finance/agreements"),
    ],
)
def test_a_method_that_a_route_does_not_have_is_405(api: httpx.Client, method: str, path: str) -> None:
    assert api.request(method, path, json={}).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/procurement/types",
        "/procurement/categories",
        "/procurement/categories/1/subcategories",
        "/procurement/unitOfMeasures",
        "/procurement/manufacturers",
        "/finance/agreements/types",
        "/finance/billingCycles",
        "/finance/billingStatuses",
        "/finance/invoices",
        "/company/companies/statuses",
        "/company/companies/types",
        "/company/contacts",
        "/system/callbacks",
    ],
)
def test_every_list_has_its_count_and_its_records(api: httpx.Client, path: str) -> None:
    records = api.get(path).json()
    assert api.get(f"{path}/count").json() == {"count": len(records)}
    assert all(api.get(f"{path}/{record['id']}").json() == record for record in records)


def test_system_information_tells_the_hosting(api: httpx.Client, reseeded: Callable[..., None]) -> None:
    assert api.get("/system/info").json()["isCloud"] is True
    reseeded(switches={"hosting": "on-premise"})
    assert api.get("/system/info").json()["isCloud"] is False


def test_answers_name_the_version(api: httpx.Client) -> None:
    answer = api.get("/system/info")
    assert answer.headers["api-current-version"] == "2026.4"
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
