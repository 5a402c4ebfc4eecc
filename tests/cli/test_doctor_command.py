"""`doctor`: each precondition is broken by itself, and told by itself, with what to do; nothing is ever written."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import stamina
from click.testing import CliRunner, Result
from syrupy.assertion import SnapshotAssertion

from reconciler.cli.main import main
from reconciler.sandbox.server import RunningSandbox

SKU = "CFQ7TTC0LH18:0001"
TENANTS = {"Contoso": "8a7c0000-0000-4000-8000-000000000001", "Fabrikam": "2b9d0000-0000-4000-8000-000000000002"}
SEED: dict[str, Any] = {
    "psa": "connectwise",
    "today": "2026-10-03",
    "companies": [{"id": 250, "identifier": "Contoso"}, {"id": 260, "identifier": "Fabrikam"}],
    "products": [{"id": 4120, "identifier": "M365-BB", "vendorSku": SKU, "price": 20, "cost": 16}],
    "agreements": [
        {
            "id": number,
            "name": f"{company} CSP",
            "company": company_id,
            "prorateFlag": True,
            "startDate": "2026-01-01",
            "billStartDate": "2026-01-01",
            "nextInvoiceDate": "2026-09-01",
        }
        for number, company, company_id in ((55, "Contoso", 250), (56, "Fabrikam", 260))
    ],
}
MAPPING = f"""\
version: 1
sources:
  distributor: {{type: files, invoices: "invoices/*"}}
targets:
  psa:
    type: connectwise
    url: URL
    company: training
    client_id: ${{CONNECTWISE_CLIENT_ID}}
    public_key: ${{CONNECTWISE_PUBLIC_KEY}}
    private_key: ${{CONNECTWISE_PRIVATE_KEY}}
    limits: {{requests_per_minute: 60000}}
programs:
  csp: {{source: distributor, target: psa, motions: [seat-monthly]}}
customers:
  - {{name: Contoso, tenant: {TENANTS["Contoso"]}, company: Contoso, agreements: {{seat-monthly: Contoso CSP}}}}
  - {{name: Fabrikam, tenant: {TENANTS["Fabrikam"]}, company: Fabrikam, agreements: {{seat-monthly: Fabrikam CSP}}}}
"""
COLUMNS = (
    "invoice,issued,period.from,period.to,currency,kind,customer.tenant,line,motion,subscription,sku,description,"
    "charge,quantity,from,to,unit_cost,unit_price,amount,term,billing"
)
PRICES = "sku,name,unit_cost,unit_price,currency,term,billing,from,to"

Seed = dict[str, Any]
Told = list[dict[str, Any]]


def invoice(customer: str, *, motion: str = "seat-monthly", prices: str = "16.00,20.00", extra: str = "") -> str:
    """A customer's September invoice with one line of 13 seats."""
    tenant = TENANTS[customer]
    row = (
        f"INV-{customer},2026-10-01,2026-09-01,2026-09-30,AUD,invoice,{tenant},1,{motion},{tenant[:8]}-sub,{SKU},"
        f"Business Basic,cycle,13,2026-09-01,2026-09-30,{prices},208.00,P1M,monthly"
    )
    return f"{COLUMNS}\n{row}\n{extra}"


@pytest.fixture(scope="module")
def psa() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


class Practice:
    """A mapping repository beside a PSA, and the command on both."""

    def __init__(self, folder: Path, psa: RunningSandbox) -> None:
        self.folder, self.psa = folder, psa
        self.seed, self.mapping = deepcopy(SEED), MAPPING
        self.environment = dict(psa.credentials)
        (folder / "invoices").mkdir()
        self.write("invoices/contoso.csv", invoice("Contoso"))
        self.write("invoices/fabrikam.csv", invoice("Fabrikam"))

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def put(self) -> None:
        """The mapping on disk, and the seed in the PSA."""
        self.write("mappings.yaml", self.mapping.replace("URL", self.psa.url))
        self.psa.seed(self.seed)

    def doctor(self, *words: str) -> Result:
        self.put()
        unset = dict.fromkeys(self.psa.credentials)
        runner = CliRunner(env={**unset, **self.environment, "COLUMNS": "80"})
        return runner.invoke(main, ["doctor", *words])

    def told(self, *words: str) -> tuple[int, Told]:
        """The exit status and the checks."""
        done = self.doctor("--format", "json", *words)
        # Whoever waits for a host that is not there is told once why.
        assert done.stderr in ("", "a read of the PSA failed (All connection attempts failed); it is tried again\n")
        return done.exit_code, json.loads(done.stdout)["checks"]


@pytest.fixture
def practice(tmp_path: Path, psa: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Practice]:
    monkeypatch.chdir(tmp_path)
    psa.faults([])
    # Retries without their pauses.
    with stamina.set_testing(True, attempts=2):
        yield Practice(tmp_path, psa)


def failures(checks: Told) -> set[tuple[str, str]]:
    """What failed: about whom, and by which code (the check's name where there is none, or P15, which is several)."""
    failed = [check for check in checks if check["standing"] == "fail"]
    codes = [check.get("code", check["name"]) for check in failed]
    return {(c["subject"], c["name"] if code == "P15" else code) for c, code in zip(failed, codes, strict=True)}


def only(checks: Told, **members: str) -> dict[str, Any]:
    """The one check with these members."""
    (found,) = [check for check in checks if all(check.get(name) == value for name, value in members.items())]
    return found


def test_where_everything_is_in_place_nothing_fails_and_nothing_is_written(
    practice: Practice, snapshot: SnapshotAssertion
) -> None:
    done = practice.doctor()
    assert done.stderr == ""
    assert done.exit_code == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stdout == snapshot
    assert {request["method"] for request in practice.psa.requests()} == {"GET"}
    # Its log is kept, and no state is made.
    assert [path.name for path in (practice.folder / ".reconciler").iterdir()] == ["logs"]


def test_several_failures_are_told_in_one_go(practice: Practice, snapshot: SnapshotAssertion) -> None:
    contoso, fabrikam = practice.seed["agreements"]
    contoso |= {"prorateFlag": False, "invoicingCycle": "ContractYear", "billStartDate": "2026-09-10"}
    fabrikam |= {"noEndingDateFlag": False, "endDate": "2026-08-01"}
    practice.seed["products"].append({**practice.seed["products"][0], "id": 4121, "identifier": "M365-BB-2"})
    practice.mapping = practice.mapping.replace(TENANTS["Fabrikam"], "fabrikam.example")
    done = practice.doctor()
    assert done.exit_code == 1
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stdout == snapshot


AGREEMENTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "it does not prorate": ({"prorateFlag": False}, "P37", "tick Prorate under Finance > Agreements"),
    "it does not prorate and is invoiced": (
        {"prorateFlag": False, "nextInvoiceDate": "2026-10-01"},
        "E7",
        "Prorate under Finance > Agreements",
    ),
    "it goes by contract year": ({"invoicingCycle": "ContractYear"}, "P38", "Calendar Year under Finance > Agreements"),
    "it is invoiced by the quarter": ({"billingCycle": "Quarterly"}, "P38", "billing cycle to Monthly under Finance"),
    "it starts after the usage": ({"startDate": "2026-09-02"}, "P36", "Date Start under Finance > Agreements"),
    "it bills from after the usage": ({"billStartDate": "2026-09-02"}, "P36", "the Billing Start Date under Finance"),
    "it has ended since": ({"noEndingDateFlag": False, "endDate": "2026-09-15"}, "P40", "Date End"),
    "it bills one time": ({"billOneTimeFlag": True}, "P54", "recurring agreement"),
    "it is cancelled": ({"cancelledFlag": True}, "P35", "Finance > Agreements > the agreement"),
    "it has ended": (
        {"noEndingDateFlag": False, "endDate": "2026-08-31"},
        "P40",
        "Finance > Agreements > the agreement",
    ),
    "it bills in another currency": ({"currency": "USD"}, "currency", "Finance > Agreements > the agreement"),
}


@pytest.mark.parametrize(("members", "code", "where_to"), AGREEMENTS.values(), ids=AGREEMENTS.keys())
def test_a_broken_agreement_fails_by_its_rule_and_says_where_to_put_it_right(
    practice: Practice, members: dict[str, Any], code: str, where_to: str
) -> None:
    practice.seed["agreements"][0] |= members
    status, checks = practice.told()
    assert status == 1
    assert failures(checks) == {("Contoso", code)}
    failed = only(checks, subject="Contoso", standing="fail")
    assert where_to in f"{failed['hint']} {failed.get('menu', '')}"
    assert failed["where"] == "mappings.yaml:16:112"
    assert failed["motion"] == "seat-monthly"


def test_what_is_well_names_its_rule_too(practice: Practice) -> None:
    _, checks = practice.told()
    well = {(check["name"], check.get("code")) for check in checks if check["standing"] == "ok"}
    assert {
        ("active", "P35"),
        ("dates", "P36"),
        ("prorates", "P37"),
        ("calendar cycle", "P38"),
        ("recurring", "P54"),
        ("keys", "P15"),
        ("permission", "P15"),
        ("defaults", "P28"),
        ("products", "P27"),
    } <= well


def rename(seed: Seed) -> None:
    seed["agreements"][0]["name"] = "Contoso Cloud"


def twice(seed: Seed) -> None:
    seed["agreements"].append({**seed["agreements"][0], "id": 57})


def no_company(seed: Seed) -> None:
    seed["agreements"] = [seed["agreements"][1]]
    seed["companies"] = [seed["companies"][1]]


@pytest.mark.parametrize(
    ("change", "code"),
    [(rename, "agreement-not-found"), (twice, "agreement-ambiguous"), (no_company, "company-not-found")],
)
def test_an_agreement_that_is_not_there_fails_and_the_rest_of_it_is_skipped(
    practice: Practice, change: Callable[[Seed], None], code: str
) -> None:
    change(practice.seed)
    status, checks = practice.told()
    assert status == 1
    assert failures(checks) == {("Contoso", code)}
    assert only(checks, subject="Contoso", standing="skipped")["group"] == "customer"
    others = [check["standing"] for check in checks if check["subject"] == "Fabrikam"]
    assert others == ["ok"] * 7


def test_annual_seats_need_an_agreement_that_bills_one_time(practice: Practice) -> None:
    practice.mapping = practice.mapping.replace("motions: [seat-monthly]", "motions: [seat-monthly, seat-annual]")
    practice.mapping = practice.mapping.replace("{seat-monthly: Contoso CSP}", "{seat-annual: Contoso CSP}")
    practice.write("invoices/contoso.csv", invoice("Contoso", motion="seat-annual"))
    status, checks = practice.told()
    assert (status, failures(checks)) == (1, {("Contoso", "P54")})
    practice.seed["agreements"][0] |= {"billOneTimeFlag": True, "prorateFlag": False}
    status, checks = practice.told()
    assert (status, failures(checks)) == (0, set())


def test_usage_needs_no_proration_while_the_month_is_open(practice: Practice) -> None:
    practice.mapping = practice.mapping.replace("seat-monthly", "azure")
    practice.seed["agreements"][0]["prorateFlag"] = False
    for customer in TENANTS:
        practice.write(f"invoices/{customer.lower()}.csv", invoice(customer, motion="azure"))
    assert failures(practice.told()[1]) == set()
    practice.seed["agreements"][0]["nextInvoiceDate"] = "2026-10-01"
    assert failures(practice.told()[1]) == {("Contoso", "E7")}


def test_a_customer_that_is_left_out_is_skipped_with_the_reason(practice: Practice) -> None:
    practice.mapping = practice.mapping.replace("{name: Contoso,", "{name: Contoso, sync: false,")
    practice.mapping = practice.mapping.replace("{name: Fabrikam,", "{name: Fabrikam, start: 2026-10,")
    status, checks = practice.told()
    assert status == 0
    assert "P11 sync is off" in only(checks, subject="Contoso")["message"]
    assert "P5 before the customer's start" in only(checks, subject="Fabrikam")["message"]


def test_charge_cycles_fail_on_an_agreement_that_prorates_and_hold_on_one_that_does_not(practice: Practice) -> None:
    practice.mapping = practice.mapping.replace("{name: Contoso,", "{name: Contoso, changes: {align: charge-cycle},")
    status, checks = practice.told()
    assert status == 1
    assert ("Contoso", "C27") in failures(checks)
    practice.seed["agreements"][0]["prorateFlag"] = False
    status, checks = practice.told()
    assert status == 0
    assert "final amounts" in only(checks, subject="Contoso", name="does not prorate")["message"]


# Products


@pytest.mark.parametrize(
    ("section", "code", "menu"),
    [
        ("categories", "P28", "System > Setup Tables > Category"),
        ("subcategories", "E2", "System > Setup Tables > Category, then Subcategory"),
        ("types", "E3", "System > Setup Tables > Product Type"),
        ("units", "E4", "System > Setup Tables > Unit of Measure"),
    ],
)
def test_inactive_defaults_fail_where_a_product_must_be_created_and_warn_where_none(
    practice: Practice, section: str, code: str, menu: str
) -> None:
    name = "Each" if section == "units" else "Miscellaneous"
    parent = {"category": 1} if section == "subcategories" else {}
    practice.seed[section] = [{"name": name, "inactiveFlag": True, **parent}]
    status, checks = practice.told()
    warned = only(checks, group="products", code=code, standing="warn")
    assert (status, warned["menu"]) == (0, menu)
    practice.seed["products"] = []
    status, checks = practice.told()
    failed = only(checks, group="products", code=code, standing="fail")
    assert (status, failed["menu"]) == (1, menu)


def test_two_catalogue_items_with_one_vendor_sku_fail_as_e1(practice: Practice) -> None:
    practice.seed["products"].append({**practice.seed["products"][0], "id": 4121, "identifier": "M365-BB-2"})
    status, checks = practice.told()
    assert (status, failures(checks)) == (1, {("csp", "E1")})
    assert "M365-BB, M365-BB-2" in only(checks, code="E1")["hint"]


def test_an_inactive_catalogue_item_is_a_warning(practice: Practice) -> None:
    practice.seed["products"][0]["inactiveFlag"] = True
    status, checks = practice.told()
    warned = only(checks, code="P34")
    assert (status, warned["standing"]) == (0, "warn")
    assert warned["menu"] == "Procurement > Product Catalog > the product (Inactive)"


def test_a_link_to_a_product_that_is_not_there_fails_even_where_nobody_was_charged_for_it(practice: Practice) -> None:
    practice.mapping += 'products:\n  - {sku: "CFQ7TTC0AAAA:0001", product: NOT-THERE}\n'
    status, checks = practice.told()
    assert (status, failures(checks)) == (1, {("csp", "P27")})
    practice.seed["products"].append({"id": 4122, "identifier": "NOT-THERE"})
    assert failures(practice.told()[1]) == set()


# The source


def test_without_invoices_the_psa_is_looked_at_for_the_month_before_today(practice: Practice) -> None:
    for file in (practice.folder / "invoices").iterdir():
        file.unlink()
    status, checks = practice.told()
    assert status == 1
    assert failures(checks) == {("distributor", "missing-file")}
    assert {check["name"] for check in checks if check["group"] == "source" and check["standing"] == "skipped"} == {
        "month",
        "tenants",
        "prices",
    }
    assert only(checks, subject="Contoso", name="prorates")["standing"] == "ok"


def test_a_month_without_an_invoice_fails(practice: Practice) -> None:
    status, checks = practice.told("--month", "2026-11")
    assert (status, failures(checks)) == (1, {("distributor", "month")})
    assert "the newest is of 2026-09" in only(checks, standing="fail")["message"]


def test_a_tenant_that_no_invoice_names_is_a_warning_at_its_line(practice: Practice) -> None:
    practice.mapping = practice.mapping.replace(TENANTS["Contoso"], "contoso.example")
    status, checks = practice.told()
    warned = only(checks, group="source", standing="warn")
    assert status == 0
    assert (warned["name"], warned["where"]) == ("tenants", "mappings.yaml:16:5")
    assert "contoso.example" in warned["message"]


def test_bad_rows_are_told_once_for_each_kind(practice: Practice) -> None:
    bad = invoice("Contoso").splitlines()[1].replace(",13,", ",ten,")
    practice.write("invoices/contoso.csv", invoice("Contoso", extra=f"{bad}\n{bad}\n"))
    status, checks = practice.told()
    failed = only(checks, group="source", standing="fail")
    assert status == 1
    assert failed["where"].startswith("invoices/contoso.csv:3")
    assert failed["also"] == 1


def test_a_sku_that_the_price_list_lacks_is_a_warning(practice: Practice) -> None:
    practice.mapping = practice.mapping.replace('"invoices/*"}', '"invoices/*", price_list: prices.csv}')
    practice.write("prices.csv", f"{PRICES}\nOTHER,Other,1.00,2.00,AUD,P1M,monthly,2026-01-01,\n")
    status, checks = practice.told()
    warned = only(checks, name="prices")
    assert (status, warned["standing"]) == (0, "warn")
    assert SKU in warned["message"]
    practice.write("prices.csv", f"{PRICES}\n{SKU},Basic,16.00,20.00,AUD,P1M,monthly,2026-01-01,\n")
    assert only(practice.told()[1], name="prices")["standing"] == "ok"


def test_a_seat_without_any_price_fails(practice: Practice) -> None:
    practice.write("invoices/contoso.csv", invoice("Contoso", prices="16.00,"))
    status, checks = practice.told()
    assert (status, failures(checks)) == (1, {("distributor", "price-missing")})


# The PSA's door


def test_missing_credentials_are_named_and_host_and_company_are_still_looked_at(practice: Practice) -> None:
    practice.environment = {"CONNECTWISE_CLIENT_ID": "sandbox", "CONNECTWISE_PUBLIC_KEY": ""}
    status, checks = practice.told()
    assert status == 1
    failed = [check for check in checks if check["standing"] == "fail"]
    assert [check["code"] for check in failed] == ["credential", "credential"]
    assert "CONNECTWISE_PRIVATE_KEY" in failed[0]["message"]
    assert only(checks, name="company")["standing"] == "ok"
    assert only(checks, name="prices")["standing"] == "ok"
    assert {check["standing"] for check in checks if check["group"] in ("products", "customer")} == {"skipped"}


@pytest.mark.parametrize("name", ["CONNECTWISE_PRIVATE_KEY", "CONNECTWISE_PUBLIC_KEY", "CONNECTWISE_CLIENT_ID"])
def test_a_wrong_key_fails_without_being_shown(practice: Practice, name: str) -> None:
    practice.environment[name] = "a-secret-that-is-wrong"
    status, checks = practice.told()
    assert (status, failures(checks)) == (1, {("psa", "keys")})
    assert only(checks, name="keys")["hint"]
    assert only(checks, group="customer")["standing"] == "skipped"
    assert "a-secret-that-is-wrong" not in json.dumps(checks)
    assert "a-secret-that-is-wrong" not in practice.doctor().stdout


def test_a_key_that_no_header_can_carry_fails_without_being_shown(practice: Practice) -> None:
    practice.environment["CONNECTWISE_PRIVATE_KEY"] = "two words"
    status, checks = practice.told()
    assert (status, failures(checks)) == (1, {("psa", "credentials")})
    assert "two words" not in json.dumps(checks)


def test_a_list_that_may_not_be_read_is_a_permission_and_the_others_are_looked_at(practice: Practice) -> None:
    practice.put()
    practice.psa.faults(
        [{"match": {"method": "GET", "path": "/procurement/types"}, "kind": "html", "status": 403, "times": 99}]
    )
    runner = CliRunner(env=practice.environment)
    checks = json.loads(runner.invoke(main, ["doctor", "--format", "json"]).stdout)["checks"]
    assert failures(checks) == {("csp", "defaults")}
    assert only(checks, subject="Contoso", name="active")["standing"] == "ok"
    practice.psa.faults(
        [{"match": {"method": "GET", "path": "/procurement/catalog"}, "kind": "html", "status": 403, "times": 99}]
    )
    checks = json.loads(runner.invoke(main, ["doctor", "--format", "json"]).stdout)["checks"]
    assert failures(checks) == {("psa", "permission")}
    permission = only(checks, name="permission")
    assert permission["message"].startswith("the product catalogue: ")
    assert permission["menu"].startswith("System > Security Roles")
    assert only(checks, name="keys")["standing"] == "ok"
    assert only(checks, name="products")["standing"] == "skipped"


def test_a_company_that_is_not_known_fails(practice: Practice) -> None:
    practice.mapping = practice.mapping.replace("company: training", "company: elsewhere")
    status, checks = practice.told()
    assert (status, failures(checks)) == (1, {("psa", "company")})
    assert only(checks, name="reachable")["standing"] == "ok"


@pytest.mark.parametrize(
    ("url", "name"),
    [("http://127.0.0.1:9", "reachable"), ("https://a/b", "address")],
)
def test_a_host_that_is_not_there_fails_and_what_rests_on_it_is_skipped(
    practice: Practice, url: str, name: str
) -> None:
    practice.mapping = practice.mapping.replace("url: URL", f"url: {url}")
    status, checks = practice.told()
    assert (status, failures(checks)) == (1, {("psa", name)})
    assert only(checks, name="tenants")["standing"] == "ok"
    assert {check["standing"] for check in checks if check["group"] in ("products", "customer")} == {"skipped"}


def test_a_psa_that_breaks_down_in_mid_way_is_a_failure_and_no_error(practice: Practice) -> None:
    practice.put()
    practice.psa.faults([{"match": {"method": "GET", "path": "/additions"}, "kind": "500-before", "times": 99}])
    done = CliRunner(env=practice.environment).invoke(main, ["doctor", "--format", "json"])
    checks = json.loads(done.stdout)["checks"]
    assert done.exit_code == 1
    assert failures(checks) == {("", "agreements")}
    assert only(checks, name="products")["standing"] == "ok"


# The mapping


def test_a_mapping_with_errors_is_told_and_everything_else_skipped(practice: Practice) -> None:
    practice.mapping = practice.mapping.replace("motions:", "motion:")
    status, checks = practice.told()
    assert status == 1
    assert failures(checks) == {("mappings.yaml", "unknown-key"), ("mappings.yaml", "missing-key")}
    assert {check["group"] for check in checks if check["standing"] == "skipped"} == {
        "source",
        "psa",
        "products",
        "customer",
    }


def test_the_installed_command_exits_one_without_credentials(practice: Practice) -> None:
    practice.put()
    done = subprocess.run(
        [Path(sys.executable).parent / "reconciler", "doctor"],
        cwd=practice.folder,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "FAIL     the environment variable CONNECTWISE_CLIENT_ID" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("3 checks failed: ")


def test_help_ends_with_an_example() -> None:
    shown = CliRunner().invoke(main, ["doctor", "--help"]).stdout
    assert "Example:\n    reconciler doctor --month 2026-09" in shown
