"""Seeds, what they may say and how they fail; state that outlives its server."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from sandbox_api import addition, client_of

from reconciler.sandbox import control_client
from reconciler.sandbox.control_client import SandboxError
from reconciler.sandbox.server import RunningSandbox

ADDITIONS = "/finance/agreements/55/additions"


def test_a_restart_on_the_same_file_shows_the_same_state(tmp_path: Path, seed: dict[str, Any]) -> None:
    file = tmp_path / "psa.db"
    with RunningSandbox(data=file) as psa, client_of(psa) as api:
        psa.seed(seed)
        made = api.post(ADDITIONS, json=addition(unitPrice=12.06)).json()
        gone = api.post(ADDITIONS, json=addition()).json()
        api.delete(f"{ADDITIONS}/{gone['id']}")
        psa.bill("2026-10")
        before = psa.state()
    with RunningSandbox(data=file) as psa, client_of(psa) as api:
        assert psa.state() == before
        assert api.get(f"{ADDITIONS}/{made['id']}").json()["unitPrice"] == 12.06
        assert api.post(ADDITIONS, json=addition()).json()["id"] == gone["id"] + 1


def test_a_refused_seed_and_a_refused_write_leave_no_trace_in_the_file(tmp_path: Path, seed: dict[str, Any]) -> None:
    file = tmp_path / "psa.db"
    with RunningSandbox(data=file) as psa, client_of(psa) as api:
        psa.seed(seed)
        before = psa.state()
        with pytest.raises(SandboxError):
            psa.seed({"companies": [{"identifier": "New"}], "agreements": [{"company": "Missing"}]})
        assert api.post(ADDITIONS, json=addition(product={"id": 1})).status_code == 400
        assert psa.state() == before
    with RunningSandbox(data=file) as psa:
        assert psa.state() == before


def test_a_data_file_serves_one_sandbox_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "psa.db"
    with (
        RunningSandbox(data=file),
        pytest.raises(SandboxError, match="not usable as the sandbox's data file"),
        RunningSandbox(data=file),
    ):
        pass


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, and long enough to be read as one " * 50)
    with pytest.raises(SandboxError, match=r"notes.txt: not usable"), RunningSandbox(data=file):
        pass


def test_a_seed_takes_the_place_of_everything(psa: RunningSandbox, api: httpx.Client) -> None:
    assert psa.seed({"companies": [{"identifier": "Only"}]}) == {"companies": 1}
    assert [row["identifier"] for row in api.get("/company/companies").json()] == ["Only"]
    assert api.get("/finance/agreements").json() == []


def test_a_reset_goes_back_to_the_last_seed(psa: RunningSandbox, api: httpx.Client) -> None:
    before = psa.state()
    api.post(ADDITIONS, json=addition())
    psa.bill("2026-11")
    assert psa.state() != before
    psa.reset()
    assert psa.state() == before


def test_what_a_seed_leaves_out_has_defaults(psa: RunningSandbox, api: httpx.Client) -> None:
    psa.seed(
        {
            "companies": [{"identifier": "A"}],
            "products": [{"identifier": "P", "price": 20}],
            "agreements": [{"company": "A"}, {"company": "A", "name": "Once", "billOneTimeFlag": True}],
            "additions": [{"agreement": "A agreement", "product": "P"}],
        }
    )
    monthly, once = api.get("/finance/agreements").json()
    assert monthly["name"] == "A agreement"
    assert monthly["prorateFlag"] is True
    assert monthly["billingCycle"]["name"] == "Monthly"
    assert monthly["nextInvoiceDate"] == "2026-10-01T00:00:00Z"
    assert monthly["contact"]["name"] == "Accounts Payable"
    assert once["billingCycle"]["name"] == "One-Time"
    (row,) = api.get(f"/finance/agreements/{monthly['id']}/additions").json()
    assert (row["quantity"], row["unitPrice"], row["effectiveDate"]) == (1, 20, "2026-01-01T00:00:00Z")
    product = api.get("/procurement/catalog").json()[0]
    assert product["customerDescription"] == product["description"] == "P"
    assert [product[name]["name"] for name in ("category", "subcategory", "type")] == ["Miscellaneous"] * 3


def test_yaml_numbers_and_days_keep_their_form(psa: RunningSandbox, tmp_path: Path) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text(
        """
psa: connectwise
today: 2026-11-02
companies: [{id: 7, identifier: Contoso, name: Contoso Ltd}]
products: [{identifier: P, price: 20.10, cost: 0.07}]
agreements: [{id: 5, company: 7, currency: EUR, type: Cloud, nextInvoiceDate: 2026-11-01}]
additions: [{agreement: 5, product: P, quantity: 10, unitPrice: 20.10, effectiveDate: 2026-08-01}]
switches: {delete_invoiced: 409, rounding: unit}
"""
    )
    psa.seed(file)
    state = psa.state()
    assert (state["today"], state["switches"]["rounding"]) == ("2026-11-02", "unit")
    assert str(state["products"][0]["price"]) == "20.10"
    assert [entry["amount"] for entry in state["ledgers"][0]["entries"]] == [Decimal("201.00")] * 3
    with client_of(psa) as api:
        agreement = api.get("/finance/agreements/5").json()
        assert (agreement["currency"]["currencyCode"], agreement["type"]["name"]) == ("EUR", "Cloud")


GOOD = "companies: [{id: 1, identifier: A}]\nproducts: [{id: 2, identifier: P}]\nagreements: [{id: 3, company: 1}]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("companys: []", "seed.yaml:1: companys: unknown key; did you mean companies?"),
        (
            "companies:\n  - identifer: A",
            "seed.yaml:2: companies[0].identifer: unknown key; did you mean identifier?",
        ),
        (
            "companies:\n  - name: A",
            "seed.yaml:2: companies[0]: identifier is missing; every company needs one.",
        ),
        ("companies:\n  - identifier: A\n    nme: B", "seed.yaml:3: companies[0].nme: unknown key; did you mean name?"),
        (GOOD + "additions: [{product: 2}]", "seed.yaml:4: additions[0]: agreement is missing"),
        (
            GOOD + "additions: [{agreement: 9, product: 2}]",
            "seed.yaml:4: additions[0].agreement: there is no agreement 9",
        ),
        (
            GOOD + "additions: [{agreement: 3, product: Q}]",
            "additions[0].product: there is no product 'Q'; there are: P.",
        ),
        ("agreements: [{company: 4}]", "agreements[0].company: there is no company 4; add the company first."),
        (
            GOOD + "additions: [{agreement: 3, product: 2, quantity: ten}]",
            "additions[0].quantity: 'ten' is not a number.",
        ),
        (
            GOOD + "additions: [{agreement: 3, product: 2, effectiveDate: soon}]",
            "'soon' is no day; write it as 2026-10-03.",
        ),
        (GOOD + "additions: [{agreement: 3, product: 2, billCustomer: Never}]", "is not one of Billable, DoNotBill"),
        (GOOD + "additions: [{agreement: 3, product: 2, serialNumber: 5}]", "5 reads as a number; write it in quotes."),
        (GOOD + "additions: [{agreement: 3, product: 2, extPrice: 5}]", "additions[0].extPrice: unknown key"),
        ("companies: [{id: 1, identifier: A}, {id: 1, identifier: B}]", "companies[1].id: 1 is taken"),
        ("companies: [{identifier: A, identifier: B}]", "the key stands twice; keep one."),
        ("companies: {identifier: A}", "companies: write a list of records."),
        ("companies: [A]", "companies[0]: write the members of a company"),
        ("switches: {rounding: up}", "switches.rounding: rounding is one of line, unit, not 'up'."),
        ("switches: {roundin: line}", "switches.roundin: there is no switch 'roundin'; did you mean 'rounding'?"),
        ("switches: {negative_quantity: 1}", "negative_quantity is true or false, not 1."),
        ("switches: [x]", "switches: write a mapping"),
        ("psa: autotask", "this sandbox is connectwise, the seed is for autotask."),
        ("today: tomorrow", "'tomorrow' is no day"),
        ("today: 5", "5 is no day; write it as 2026-10-03."),
        ("- a", "a seed is a mapping"),
        ("companies: [\n", "seed.yaml:2: not valid YAML"),
    ],
)
def test_a_seed_that_cannot_be_used_says_where_and_what_to_do(
    psa: RunningSandbox, tmp_path: Path, text: str, message: str
) -> None:
    before = psa.state()
    file = tmp_path / "seed.yaml"
    file.write_text(text)
    with pytest.raises(SandboxError) as error:
        psa.seed(file)
    assert message in str(error.value)
    assert psa.state() == before


def test_control_calls_stay_on_this_machine(tmp_path: Path) -> None:
    for url in ("http://10.0.0.1:80", "https://127.0.0.1:1", "http://psa.example", "file:///etc/passwd"):
        with pytest.raises(SandboxError, match="on this machine alone"):
            control_client.reset_running(url)


def test_a_sandbox_that_is_not_there_is_said_to_be_not_there(psa: RunningSandbox, tmp_path: Path) -> None:
    with RunningSandbox() as other:
        url = other.url
    with pytest.raises(SandboxError, match=r"no sandbox answers at .* start one with"):
        control_client.reset_running(url)
    with pytest.raises(SandboxError, match=r"missing.yaml: cannot be read"):
        control_client.seed_running(psa.url, tmp_path / "missing.yaml")


@pytest.mark.parametrize("month", ["2026-13", "September", "", "1999-01"])
def test_a_month_is_written_as_year_and_month(psa: RunningSandbox, month: str) -> None:
    with pytest.raises(SandboxError, match="a month is written as"):
        psa.bill(month)


def test_the_clock_can_be_moved(psa: RunningSandbox, api: httpx.Client) -> None:
    psa.today("2026-12-24")
    assert api.post(ADDITIONS, json=addition(effectiveDate=None)).json()["effectiveDate"] == "2026-12-24T00:00:00Z"
    with pytest.raises(SandboxError, match="a day is written as"):
        psa.today("Christmas")


def test_requests_are_logged_without_their_headers(psa: RunningSandbox, api: httpx.Client) -> None:
    api.get("/finance/agreements", params={"pageSize": 2})
    assert psa.requests() == [
        {"method": "GET", "path": "/v4_6_release/apis/3.0/finance/agreements", "query": "pageSize=2", "status": 200}
    ]


def test_ids_that_a_seed_gives_are_not_given_again(
    psa: RunningSandbox, reseeded: Callable[..., None], seed: dict[str, Any]
) -> None:
    given = {"id": 251, "identifier": "Given"}
    reseeded(companies=[{"identifier": "First"}, *seed["companies"], given, {"identifier": "Last"}])
    assert [company["id"] for company in psa.state()["companies"]] == [250, 251, 260, 261, 262]
