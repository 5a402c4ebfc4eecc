"""A run with a canary in every secret field: searched in everything that was shown or written, in every form of it."""

import base64
import html
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from torture_figures import Tally

from reconciler.sandbox.server import RunningSandbox

# What a header can carry, with all that one encoding or another writes otherwise.
AWKWARD = "\"\\/+&%=<'>"
CANARIES = {
    "CONNECTWISE_CLIENT_ID": f"c1ientc4n4ry{AWKWARD}1f0a",
    "CONNECTWISE_PUBLIC_KEY": f"pub1icc4n4ry{AWKWARD}2e1b",
    "CONNECTWISE_PRIVATE_KEY": f"priv4tec4n4ry{AWKWARD}3d2c",
    "RECONCILER_PLAN_KEY": f"sign1ngc4n4ry{AWKWARD}4c3d-0123456789abcdef",
    "BILLING_ALERT_URL": "json://us3rc4n4ry:p4sswordc4n4ry@127.0.0.1:9/t0kenc4n4ry",
}
PIECES = (*CANARIES.values(), "us3rc4n4ry", "p4sswordc4n4ry", "t0kenc4n4ry")
PAIR = f"training+{CANARIES['CONNECTWISE_PUBLIC_KEY']}:{CANARIES['CONNECTWISE_PRIVATE_KEY']}"
SEED = {
    "psa": "connectwise",
    "today": "2026-10-03",
    "companies": [{"id": 300, "identifier": "CUST", "name": "Customer"}],
    "products": [
        {"id": 5101, "identifier": "M365-BB", "vendorSku": "CFQ7TTC0LH18:0001", "price": 20, "cost": 16},
    ],
    "agreements": [
        {
            "id": 400,
            "name": "Microsoft CSP",
            "company": 300,
            "prorateFlag": True,
            "startDate": "2026-01-01",
            "billStartDate": "2026-01-01",
            "nextInvoiceDate": "2026-09-01",
        }
    ],
}
MAPPING = """\
version: 1
sources:
  distributor: {{type: files, invoices: invoices/*, format: normalized}}
targets:
  psa:
    type: connectwise
    url: {url}
    company: training
    client_id: ${{CONNECTWISE_CLIENT_ID}}
    public_key: ${{CONNECTWISE_PUBLIC_KEY}}
    private_key: ${{CONNECTWISE_PRIVATE_KEY}}
    limits: {{requests_per_minute: 6000, settle_seconds: 1}}
    approval: {{signed: true, signing_keys: {{ci: "${{RECONCILER_PLAN_KEY}}"}}}}
programs:
  csp:
    source: distributor
    target: psa
    motions: [seat-monthly]
    notify: [{{on: [error, warning, price-change], to: "${{BILLING_ALERT_URL}}"}}]
customers:
  - {{name: Customer, tenant: t-1, company: CUST, agreements: {{seat-monthly: Microsoft CSP}}}}
"""
INVOICE = """\
invoice: INV-1
issued: 2026-10-01
period: {from: 2026-09-01, to: 2026-09-30}
currency: AUD
customer: {tenant: t-1, name: Customer}
lines:
  - {line: 1, motion: seat-monthly, subscription: s-1, sku: "CFQ7TTC0LH18:0001", charge: cycle, quantity: 10,
     from: 2026-09-01, to: 2026-09-30, unit_cost: 16, unit_price: 20, amount: 160.00}
"""
COMMANDS = (
    "validate",
    "validate --format json",
    "validate --format sarif",
    "doctor",
    "doctor --format json",
    "plan --out plan.json",
    "plan --format json",
    "plan --format markdown",
    "show plan.json",
    "sign plan.json",
    "apply plan.json",
    "apply plan.json",
    "apply --auto-approve",
    "history",
    "history 2",
    "history --format json",
    "status",
    "drift",
    "reconcile --csv reconcile.csv",
    "undo 2 --out undo.json",
    "resume",
    "suggest",
    "prices --sku CFQ7TTC0LH18:0001",
    "notify list",
    "notify test",
    "notify send",
    "state export",
)
RUN = "from reconciler.cli.main import run; run()"
# A bug in the middle of a run, in a frame whose variables hold the credentials.
BUG = (
    "import reconciler.targets.connectwise.opening as opening\n"
    "def broken(http, site):\n"
    "    import os; held = dict(os.environ)\n"
    "    raise RuntimeError('a bug')\n"
    "opening.discovered = broken\n" + RUN
)


def written_as(secret: str) -> dict[str, tuple[str, ...]]:
    """By encoding, how a secret may stand in a text; `as it is` also as HTML and Python write it."""
    return {
        "as it is": (secret, html.escape(secret), repr(secret)[1:-1]),
        "in a URL": (quote(secret, safe=""), quote(secret), quote_plus(secret)),
        "in JSON": (json.dumps(secret)[1:-1], json.dumps(json.dumps(secret))[3:-3]),
        # Base64 of a longer text holds the secret at one of three alignments; what touches its neighbours is cut off.
        "in base64": tuple(
            base64.b64encode((before + secret).encode()).decode()[4 if before else 0 : len(before + secret) // 3 * 4]
            for before in ("", "x", "xx")
        ),
        "in hex": (secret.encode().hex(),),
    }


def forms(secret: str) -> Iterator[str]:
    """All of them."""
    for written in written_as(secret).values():
        yield from written


FORMS = frozenset(form for secret in (*PIECES, PAIR) for form in forms(secret))
FIGURE = "R13 canaries in every secret field"
# So many texts and files were searched by each test, and so often was a canary found.
searches: list[dict[str, int]] = []


@pytest.fixture(autouse=True)
def searched(request: pytest.FixtureRequest) -> dict[str, int]:
    """What a test searched, in the table of figures; one that plants what it finds counts nothing there."""
    counts = dict.fromkeys(("outputs searched", "hits"), 0)
    if request.node.get_closest_marker("security"):
        counts = Tally(request.node.user_properties).counting(FIGURE, counts)
    searches.append(counts)
    return counts


def found_in(text: str) -> list[str]:
    hits = sorted(form for form in FORMS if form in text)
    searches[-1]["outputs searched"] += 1
    searches[-1]["hits"] += len(hits)
    return hits


def in_files(folder: Path) -> dict[str, list[str]]:
    """By file, what of the canaries its bytes hold."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    hits = {str(path): found_in(path.read_bytes().decode("latin-1")) for path in files}
    return {name: found for name, found in hits.items() if found}


@pytest.fixture(scope="module")
def psa() -> Iterator[RunningSandbox]:
    with RunningSandbox(environment=CANARIES) as running:
        yield running


@pytest.fixture
def folder(psa: RunningSandbox, tmp_path: Path) -> Path:
    psa.seed(SEED)
    psa.faults([])
    (tmp_path / "invoices").mkdir()
    (tmp_path / "invoices" / "1.yaml").write_text(INVOICE)
    (tmp_path / "mappings.yaml").write_text(MAPPING.format(url=psa.url))
    return tmp_path


def told(folder: Path, *words: str, program: str = RUN, environ: Mapping[str, str] = CANARIES) -> tuple[int, str]:
    """A command with logs as loud as they get: its exit status, and all that it said."""
    done = subprocess.run(
        [sys.executable, "-c", program, "-vv", *words],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), "COLUMNS": "400", **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.security(3)
def test_no_command_shows_or_writes_a_secret(folder: Path, searched: dict[str, int]) -> None:
    # What is searched for is told once, by this test; the others search for the same.
    searched |= {"secret fields": len(CANARIES), "encodings": len(written_as("x")), "forms of them": len(FORMS)}
    statuses = {}
    for command in COMMANDS:
        statuses[command], text = told(folder, *command.split())
        assert found_in(text) == [], command
    assert statuses["plan --out plan.json"] == statuses["sign plan.json"] == statuses["apply plan.json"] == 0, statuses
    assert in_files(folder) == {}


@pytest.mark.security(3, 4)
@pytest.mark.parametrize("kind", ["500-after", "html", "redirect"])
def test_no_error_of_the_psa_brings_a_secret_out(kind: str, folder: Path, psa: RunningSandbox) -> None:
    told(folder, "plan", "--out", "plan.json")
    told(folder, "sign", "plan.json")
    psa.faults([{"match": {"method": "POST"}, "kind": kind, "times": 3, "seconds": 1}])
    status, text = told(folder, "apply", "plan.json")
    assert status in (0, 6), text
    assert found_in(text) == []
    assert in_files(folder) == {}


@pytest.mark.security(3, 4)
def test_wrong_credentials_and_a_psa_out_of_reach_are_told_without_them(folder: Path) -> None:
    wrong = CANARIES | {"CONNECTWISE_PRIVATE_KEY": CANARIES["CONNECTWISE_PRIVATE_KEY"] + "x"}
    status, text = told(folder, "plan", environ=wrong)
    assert status == 1
    assert found_in(text) == []
    (folder / "mappings.yaml").write_text(MAPPING.format(url="http://127.0.0.1:9"))
    status, text = told(folder, "doctor")
    assert status == 1
    assert found_in(text) == []
    assert in_files(folder) == {}


@pytest.mark.security(3, 35)
def test_a_bug_leaves_a_report_for_its_owner_alone_without_the_values_of_variables(folder: Path) -> None:
    status, text = told(folder, "plan", program=BUG)
    assert status == 1
    assert "this is a bug in reconciler" in text
    assert "Traceback" not in text
    (report,) = (folder / ".reconciler" / "logs").glob("bug-*.txt")
    assert "RuntimeError: a bug" in report.read_text()
    assert report.stat().st_mode & 0o777 == 0o600
    assert found_in(text) == []
    assert in_files(folder) == {}


def test_the_search_finds_each_canary_in_each_form() -> None:
    for secret in (*PIECES, PAIR):
        for form in forms(secret):
            assert found_in(f"… {form} …")
    header = base64.b64encode(PAIR.encode()).decode()
    assert found_in(f"Authorization: Basic {header}")
