"""One look at a real ConnectWise on loopback: what is found, what is said of the rest, and in how many requests."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sandbox_target import InstantClock, asked, opened

from reconciler.domain.finding import Severity
from reconciler.domain.records import AgreementRef, Observation, ProductDefaults, Wanted
from reconciler.sandbox.server import RunningSandbox

SKU = "CFQ7TTC0LH18:0001"
CONTOSO = AgreementRef(company="Contoso", name="Contoso CSP")


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with RunningSandbox() as psa:
        yield psa


def agreement(number: int, company: int, name: str, **members: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "company": company,
        "prorateFlag": True,
        "startDate": "2026-01-01",
        "billStartDate": "2026-01-01",
        "nextInvoiceDate": "2026-10-01",
        "invoicingCycle": "CalendarYear",
    } | members


def addition(number: int, on: int, product: int = 4120, **members: Any) -> dict[str, Any]:
    return {
        "id": number,
        "agreement": on,
        "product": product,
        "quantity": 10,
        "unitPrice": Decimal("20.00"),
        "unitCost": Decimal("16.00"),
        "effectiveDate": "2026-08-01",
        "serialNumber": f"sub-{number}",
    } | members


def product(number: int, sku: str, **members: Any) -> dict[str, Any]:
    return {
        "id": number,
        "identifier": f"P-{number}",
        "description": f"Product {number}",
        "vendorSku": sku,
        "price": Decimal("20.00"),
        "cost": Decimal("16.00"),
    } | members


def seed(**lists: Any) -> dict[str, Any]:
    return {
        "psa": "connectwise",
        "today": "2026-10-03",
        "companies": [
            {"id": 250, "identifier": "Contoso", "name": "Contoso Ltd"},
            {"id": 251, "identifier": "Fabrikam", "name": "Fabrikam Inc"},
            {"id": 252, "identifier": "Empty", "name": "Nothing Sold"},
        ],
        "products": [product(4120, SKU), product(4121, "OTHER:1")],
        "agreements": [agreement(55, 250, "Contoso CSP"), agreement(56, 250, "Contoso Support")],
        "additions": [addition(8801, 55), addition(8802, 55, 4121)],
    } | lists


def wanted(*refs: AgreementRef, skus: tuple[str, ...] = (SKU,), **more: Any) -> Wanted:
    return Wanted(frozenset(refs), frozenset(skus), **more)


def observed(server: RunningSandbox, content: Mapping[str, Any], look: Wanted, **options: Any) -> Observation:
    server.seed(content)
    return asked(server.url, lambda target: target.observe(look), **options)


def paths(server: RunningSandbox) -> Counter[str]:
    """How often each path was asked for, discovery aside."""
    return Counter(
        one["path"].partition("/apis/3.0")[2] for one in server.requests() if not one["path"].startswith("/login")
    )


def codes(look: Observation, ref: AgreementRef) -> list[str]:
    return [finding.code for finding in look.problems.get(ref, ())]


# What is found


def test_a_mapped_agreement_comes_with_its_additions_and_all_products_on_them(server: RunningSandbox) -> None:
    look = observed(server, seed(), wanted(CONTOSO))
    assert look.agreements[CONTOSO].id == "55"
    assert [one.id for one in look.additions["55"]] == ["8801", "8802"]
    assert {one.vendor_sku for one in look.products} == {SKU, "OTHER:1"}
    assert look.problems == {}
    assert look.findings == ()


@pytest.mark.parametrize(
    "ref",
    [
        AgreementRef(id="55"),
        AgreementRef(id="55", company="contoso"),
        AgreementRef(company_id="250", name="Contoso CSP"),
        AgreementRef(company="CONTOSO", name="contoso csp"),
        AgreementRef(company="Contoso", name=" Contoso CSP "),
    ],
    ids=str,
)
def test_an_agreement_is_found_by_id_or_by_name_within_its_company(server: RunningSandbox, ref: AgreementRef) -> None:
    look = observed(server, seed(), wanted(ref))
    assert look.agreements[ref].id == "55"
    assert look.problems == {}


def test_the_same_name_on_another_company_is_another_agreement(server: RunningSandbox) -> None:
    both = seed(agreements=[agreement(55, 250, "Cloud"), agreement(57, 251, "Cloud")], additions=[])
    contoso, fabrikam = (AgreementRef(company=name, name="Cloud") for name in ("Contoso", "Fabrikam"))
    look = observed(server, both, wanted(contoso, fabrikam))
    assert (look.agreements[contoso].id, look.agreements[fabrikam].id) == ("55", "57")


def test_a_renewed_agreement_of_the_same_name_is_the_active_one(server: RunningSandbox) -> None:
    renewed = seed(
        agreements=[agreement(55, 250, "Contoso CSP", cancelledFlag=True), agreement(58, 250, "Contoso CSP")],
        additions=[],
    )
    look = observed(server, renewed, wanted(CONTOSO))
    assert look.agreements[CONTOSO].id == "58"


def test_products_are_found_by_vendor_sku_by_product_id_and_inactive_ones_too(server: RunningSandbox) -> None:
    stock = seed(products=[product(1, SKU), product(2, "B", inactiveFlag=True), product(3, "C")], additions=[])
    look = observed(server, stock, wanted(CONTOSO, skus=(SKU, "B"), identifiers=frozenset({"P-3"})))
    assert {one.identifier: one.active for one in look.products} == {"P-1": True, "P-2": False, "P-3": True}


def test_a_child_agreement_has_its_parents_next_invoice(server: RunningSandbox) -> None:
    family = seed(
        agreements=[
            agreement(50, 250, "Master", nextInvoiceDate="2026-12-01"),
            agreement(55, 250, "Contoso CSP", parentAgreement=50),
        ],
        additions=[],
    )
    look = observed(server, family, wanted(CONTOSO))
    assert look.agreements[CONTOSO].parent == "50"
    assert str(look.agreements[CONTOSO].next_invoice) == "2026-12-01"
    assert paths(server)["/finance/agreements"] == 2


def test_a_billing_cycle_with_a_name_of_its_own_is_looked_up(server: RunningSandbox) -> None:
    cycles = [{"id": 90, "identifier": "EINM", "name": "Einmalig", "billingOptions": "NotRecurring"}]
    own = seed(billingCycles=cycles, agreements=[agreement(55, 250, "Contoso CSP", billingCycle=90)], additions=[])
    look = observed(server, own, wanted(CONTOSO))
    assert look.agreements[CONTOSO].one_time
    assert paths(server)["/finance/billingCycles"] == 1


@pytest.mark.parametrize("nulls", [True, False])
def test_old_servers_that_write_nulls_say_the_same(server: RunningSandbox, nulls: bool) -> None:
    look = observed(server, seed(switches={"explicit_nulls": nulls}), wanted(CONTOSO))
    assert look.additions["55"][0].cancelled is None
    assert look.agreements[CONTOSO].parent is None


NAMES = ['AT&T "Cloud"', "O'Neil\\", "50% + more", "a*b[c]d", 'x") or (id > 0', "Zoë ß 日本", "a,b)(c", "#?=/:;"]


@pytest.mark.security(29)
@pytest.mark.parametrize("name", NAMES)
def test_no_name_finds_anything_but_itself(server: RunningSandbox, name: str) -> None:
    odd = seed(
        companies=[{"id": 250, "identifier": "Contoso", "name": "C"}, {"id": 260, "identifier": name, "name": name}],
        agreements=[agreement(55, 250, "Contoso CSP"), agreement(60, 260, name)],
        products=[product(4120, SKU), product(1, name)],
        additions=[addition(1, 60, 1, serialNumber=name), addition(2, 60, 1, serialNumber="other")],
    )
    ref = AgreementRef(company=name, name=name)
    look = observed(server, odd, wanted(ref, skus=(name,)))
    assert [one.id for one in look.agreements.values()] == ["60"]
    assert [one.id for one in look.products] == ["1"]
    by_serial_number = asked(server.url, lambda target: target.read_additions("60", name))
    assert [one.id for one in by_serial_number] == ["1"]


# What is said of the rest


def test_a_wrong_name_is_answered_with_the_right_one(server: RunningSandbox) -> None:
    ref = AgreementRef(company="Contoso", name="Contoso CPS")
    look = observed(server, seed(), wanted(ref))
    (finding,) = look.problems[ref]
    assert (finding.code, finding.severity) == ("agreement-not-found", Severity.ERROR)
    assert finding.message == "ConnectWise has no agreement 'Contoso CPS' of company Contoso"
    assert finding.hint == "did you mean 'Contoso CSP'?"
    assert ref not in look.agreements


def test_a_name_like_no_other_is_answered_with_what_there_is(server: RunningSandbox) -> None:
    ref = AgreementRef(company="Contoso", name="zzz")
    look = observed(server, seed(), wanted(ref))
    assert look.problems[ref][0].hint == "that company has: Contoso CSP, Contoso Support"


def test_a_company_without_agreements_is_told_from_one_that_is_not_there(server: RunningSandbox) -> None:
    empty, unknown, called, numbered = (
        AgreementRef(company="Empty", name="x"),
        AgreementRef(company="Nowhere", name="x"),
        AgreementRef(company="Nothing Sold", name="x"),
        AgreementRef(company_id="999", name="x"),
    )
    look = observed(server, seed(), wanted(empty, unknown, called, numbered))
    assert codes(look, empty) == ["agreement-not-found"]
    assert "has no agreement; create it" in (look.problems[empty][0].hint or "")
    assert codes(look, unknown) == codes(look, called) == codes(look, numbered) == ["company-not-found"]
    assert look.problems[called][0].hint == "'Nothing Sold' is a company's name; its identifier is 'Empty'"
    assert look.problems[numbered][0].message == "ConnectWise has no company with id 999"
    assert paths(server)["/company/companies"] == 1


@pytest.mark.parametrize(
    ("members", "status"),
    [({"cancelledFlag": True}, "cancelled"), ({"endDate": "2026-09-30", "noEndingDateFlag": False}, "expired")],
)
def test_an_ended_agreement_is_p35_and_not_missing(server: RunningSandbox, members: Any, status: str) -> None:
    look = observed(server, seed(agreements=[agreement(55, 250, "Contoso CSP", **members)]), wanted(CONTOSO))
    (finding,) = look.problems[CONTOSO]
    assert finding.code == "P35"
    assert f"is {status}; an agreement must be active" in finding.message
    assert not look.agreements[CONTOSO].active


def test_two_active_agreements_of_one_name_are_not_guessed_between(server: RunningSandbox) -> None:
    twice = seed(agreements=[agreement(55, 250, "Contoso CSP"), agreement(58, 250, "Contoso CSP")], additions=[])
    look = observed(server, twice, wanted(CONTOSO))
    (finding,) = look.problems[CONTOSO]
    assert finding.code == "agreement-ambiguous"
    assert finding.hint == "name the one that is meant by its id: 55, 58"
    assert look.agreements == {}


@pytest.mark.parametrize("number", ["999", "abc", "5 or 1=1"])
def test_an_agreement_id_that_is_not_there_is_told(server: RunningSandbox, number: str) -> None:
    ref = AgreementRef(id=number)
    look = observed(server, seed(), wanted(ref, CONTOSO))
    assert codes(look, ref) == ["agreement-not-found"]
    assert CONTOSO in look.agreements


def test_an_agreement_of_another_company_is_not_billed_by_its_id(server: RunningSandbox) -> None:
    ref = AgreementRef(id="55", company="Fabrikam")
    look = observed(server, seed(), wanted(ref))
    assert codes(look, ref) == ["agreement-of-other-company"]
    assert look.agreements == {}


def test_units_that_the_fee_includes_are_warned_of(server: RunningSandbox) -> None:
    look = observed(server, seed(additions=[addition(8801, 55, lessIncluded=3)]), wanted(CONTOSO))
    (finding,) = look.problems[CONTOSO]
    assert (finding.code, finding.severity) == ("less-included", Severity.WARNING)
    assert "bills 3 units less" in finding.message


def test_what_a_created_product_needs_is_looked_up_only_when_one_is_to_be(server: RunningSandbox) -> None:
    look = observed(server, seed(), wanted(CONTOSO))
    assert look.defaults_found
    assert not any(path.startswith("/procurement/") and "catalog" not in path for path in paths(server))
    look = observed(server, seed(), wanted(CONTOSO, defaults=ProductDefaults()))
    assert look.defaults_found
    assert look.findings == ()
    assert paths(server)["/procurement/subcategories/"] == 1


def test_lacking_defaults_are_told_in_the_words_of_e2_to_e4(server: RunningSandbox) -> None:
    units = [{"id": 77, "name": "Dozen", "inactiveFlag": True}]
    names = ProductDefaults(category="Cloud", subcategory="Seats", type="Licence", unit_of_measure="Dozen")
    look = observed(server, seed(units=units), wanted(CONTOSO, defaults=names))
    assert not look.defaults_found
    assert [(one.code, one.message) for one in look.findings] == [
        ("E2", "Unable to find the default product sub-category of 'Seats' when adding a new product"),
        ("E3", "Unable to find the default product type of 'Licence' when adding a new product"),
        ("E4", "Unable to find the default product unit of measure of 'Dozen' when adding a new product"),
    ]
    assert "in category 'Cloud' does not exist" in (look.findings[0].hint or "")
    assert "'Dozen' is inactive" in (look.findings[2].hint or "")


def test_a_sub_category_of_another_category_does_not_do(server: RunningSandbox) -> None:
    names = ProductDefaults(category="Cloud")
    look = observed(server, seed(categories=[{"id": 40, "name": "Cloud"}]), wanted(CONTOSO, defaults=names))
    assert [one.code for one in look.findings] == ["E2"]


# How many requests


def fleet(count: int) -> tuple[dict[str, Any], list[AgreementRef], tuple[str, ...]]:
    """So many customers, each with an agreement and two additions, the second of a product that nobody asked for."""
    numbers = range(1, count + 1)
    content = {
        "psa": "connectwise",
        "today": "2026-10-03",
        "companies": [{"id": 1000 + n, "identifier": f"Customer{n}", "name": f"Customer {n}"} for n in numbers],
        "products": [product(n, f"CFQ7TTC0LH{n:02d}:0001") for n in range(1, 61)],
        "agreements": [agreement(2000 + n, 1000 + n, "Microsoft CSP") for n in numbers],
        "additions": [
            one
            for n in numbers
            for one in (addition(10_000 + n, 2000 + n, 1 + n % 60), addition(20_000 + n, 2000 + n, 60))
        ],
    }
    refs = [AgreementRef(company=f"Customer{n}", name="Microsoft CSP") for n in numbers]
    return content, refs, tuple(f"CFQ7TTC0LH{n:02d}:0001" for n in range(1, 60))


@pytest.mark.parametrize(("count", "sweeps"), [(1, 1), (5, 1), (100, 2), (1000, 13)])
def test_a_look_costs_one_sweep_and_one_request_for_each_agreement(
    server: RunningSandbox, count: int, sweeps: int
) -> None:
    """A hundred company names do not fit into one URL, a thousand into twelve; nothing else is cut or asked twice."""
    content, refs, skus = fleet(count)
    look = observed(server, content, wanted(*refs, skus=skus))
    assert len(look.agreements) == count
    assert sum(len(additions) for additions in look.additions.values()) == 2 * count
    assert len(look.products) == 60
    found = paths(server)
    assert found.pop("/finance/agreements") == sweeps
    # One for the SKUs, one for the product that only stands on additions.
    assert found.pop("/procurement/catalog") == 2
    assert found == Counter({f"/finance/agreements/{2000 + n}/additions": 1 for n in range(1, count + 1)})
    assert all(len(one["path"]) + len(one["query"]) < 1900 for one in server.requests())


def test_agreements_by_id_fit_into_one_sweep(server: RunningSandbox) -> None:
    content, refs, _ = fleet(100)
    refs = [AgreementRef(id=str(2000 + n)) for n in range(1, 101)]
    look = observed(server, content, wanted(*refs, skus=()))
    assert len(look.agreements) == 100
    assert paths(server)["/finance/agreements"] == 1


def test_more_additions_than_a_page_holds_are_all_read_once(server: RunningSandbox) -> None:
    many = seed(additions=[addition(n, 55) for n in range(1, 2502)])
    look = observed(server, many, wanted(CONTOSO))
    assert [int(one.id) for one in look.additions["55"]] == list(range(1, 2502))
    assert paths(server)["/finance/agreements/55/additions"] == 3


def test_nothing_wanted_is_nothing_asked(server: RunningSandbox) -> None:
    look = observed(server, seed(), Wanted(frozenset(), frozenset()))
    assert look == Observation()
    assert paths(server) == Counter()


class Counting(httpx.AsyncHTTPTransport):
    """The wire, with a count of what is on it, on a clock that only the budget moves."""

    def __init__(self, clock: InstantClock) -> None:
        super().__init__()
        self.clock, self.in_flight, self.most, self.times = clock, 0, 0, list[float]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.times.append(self.clock.monotonic())
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            return await super().handle_async_request(request)
        finally:
            self.in_flight -= 1


def test_a_large_look_stays_within_the_budget_of_requests_and_uses_it(server: RunningSandbox) -> None:
    content, refs, skus = fleet(100)
    server.seed(content)
    clock = InstantClock()
    transport = Counting(clock)

    async def look() -> Observation:
        options: Any = {"requests_per_minute": 30, "concurrency": 4}
        async with opened(server.url, clock, transport, **options) as target:
            return await target.observe(wanted(*refs, skus=skus))

    assert len(asyncio.run(look()).agreements) == 100
    assert transport.most == 4
    times = transport.times
    assert all(later - earlier > 60.0 for earlier, later in zip(times, times[30:], strict=False))
    # 105 requests at 30 a minute: the last goes out in the fourth minute.
    assert times[-1] - times[0] <= 3 * 61.0


def test_a_failure_of_one_request_ends_the_look(server: RunningSandbox) -> None:
    content, refs, skus = fleet(5)
    server.seed(content)
    server.faults([{"match": {"method": "GET", "path": "/2003/additions$"}, "kind": "html", "status": 404}])
    with pytest.raises(Exception, match=r"GET /finance/agreements/2003/additions with HTTP 404"):
        asked(server.url, lambda target: target.observe(wanted(*refs, skus=skus)))
