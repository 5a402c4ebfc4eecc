"""A mapping repository on disk, a PSA on loopback, and the command itself as a process that can really be killed."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from forked import Forked

from reconciler.cli.main import main
from reconciler.sandbox.server import RunningSandbox

TENANTS = ("aaaa0001", "aaaa0002", "aaaa0003")
SEED: dict[str, Any] = {
    "psa": "connectwise",
    "today": "2026-10-03",
    "companies": [{"id": 300 + n, "identifier": f"CUST{n}", "name": f"Customer {n}"} for n in range(3)],
    "products": [
        {"id": 5101, "identifier": "M365-BB", "vendorSku": "CFQ7TTC0LH18:0001", "price": 20, "cost": 16},
    ],
    "agreements": [
        {
            "id": 400 + n,
            "name": "Microsoft CSP",
            "company": 300 + n,
            "prorateFlag": True,
            "startDate": "2026-01-01",
            "billStartDate": "2026-01-01",
            "nextInvoiceDate": "2026-09-01",
            "invoicingCycle": "CalendarYear",
        }
        for n in range(3)
    ],
    "additions": [
        {
            "id": 8000 + n,
            "agreement": 400 + n,
            "product": 5101,
            "quantity": 10,
            "unitPrice": 20,
            "unitCost": 16,
            "effectiveDate": "2026-08-01",
            "serialNumber": f"{TENANTS[n]}-0000-4000-8000-000000000001",
        }
        for n in range(3)
    ],
}
_MAPPINGS = """\
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
    limits: {{requests_per_minute: 6000, concurrency: 4, settle_seconds: {settle}}}
programs:
  microsoft-csp:
    source: distributor
    target: psa
    motions: [seat-monthly]
    guards: {{max_decrease_percent: {decrease}}}
customers:
"""
_CUSTOMER = """\
  - name: Customer {n}
    tenant: {tenant}-0000-4000-9000-000000000000
    company: CUST{n}
    agreements: {{seat-monthly: Microsoft CSP}}
"""
_INVOICE = """\
invoice: INV-{n}
issued: 2026-10-01
period: {{from: 2026-09-01, to: 2026-09-30}}
currency: AUD
kind: invoice
customer: {{tenant: {tenant}-0000-4000-9000-000000000000, name: Customer {n}}}
lines:
  - {{line: 1, motion: seat-monthly, subscription: {tenant}-0000-4000-8000-000000000001, sku: "CFQ7TTC0LH18:0001",
     charge: cycle, quantity: 10, from: 2026-09-01, to: 2026-09-30, unit_cost: 16, unit_price: 20, amount: 160.00}}
  - {{line: 2, motion: seat-monthly, subscription: {tenant}-0000-4000-8000-000000000001, sku: "CFQ7TTC0LH18:0001",
     charge: add-quantity, quantity: 3, from: 2026-09-16, to: 2026-09-30, unit_cost: 16, unit_price: 20, amount: 24.00}}
  - {{line: 3, motion: seat-monthly, subscription: {tenant}-0000-4000-8000-000000000002, sku: "CFQ7TTC0LF8R:0001",
     charge: new, quantity: 2, from: 2026-09-10, to: 2026-09-30, unit_cost: 40, unit_price: 50, amount: 56.00,
     description: Microsoft 365 E3}}
"""


class Office:
    """A partner's machine: its folder, its credentials, and the command."""

    def __init__(
        self,
        folder: Path,
        psa: RunningSandbox,
        decrease: int = 100,
        state: str = "",
        settle: int = 2,
        url: str = "",
    ) -> None:
        self.folder = folder
        self.psa = psa
        self._state = ("--state", state) if state else ()
        mapping = _MAPPINGS.format(url=url or psa.url, decrease=decrease, settle=settle)
        mapping += "".join(_CUSTOMER.format(n=n, tenant=tenant) for n, tenant in enumerate(TENANTS))
        (folder / "mappings.yaml").write_text(mapping, encoding="utf-8")
        (folder / "invoices").mkdir()
        for n, tenant in enumerate(TENANTS):
            text = _INVOICE.format(n=n, tenant=tenant)
            (folder / "invoices" / f"{n}.yaml").write_text(text, encoding="utf-8")

    @property
    def environment(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RECONCILER")}
        return {**kept, **self.psa.credentials, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-c", "from reconciler.cli.main import run; run()", *self._state, *words]

    def run(self, *words: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
        """The command, to its end."""
        return subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env=self.environment,
            input=typed or "",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def fork(self, *words: str) -> Forked:
        """The command, going on, and begun so fast that hundreds of them can be killed."""
        return Forked(self.folder, self.environment, [*self._state, *words])

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The command, going on."""
        return subprocess.Popen(
            self.command(*words),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def saved_plan(self) -> str:
        """A plan of what stands in the PSA now, in a file; returns its name."""
        planned = self.invoke("plan", "--out", str(self.folder / "plan.json"))
        assert planned.exit_code == 0, planned.output
        return "plan.json"

    def invoke(self, *words: str, typed: str | None = None) -> Result:
        """The command within this process."""
        before = {name: os.environ.get(name) for name in self.psa.credentials}
        os.environ.update(self.psa.credentials)
        try:
            return CliRunner().invoke(
                main, ["-f", str(self.folder / "mappings.yaml"), *self._state, *words], input=typed
            )
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value

    def billed(self) -> list[tuple[Any, ...]]:
        """What the PSA bills, by business identity."""
        rows = self.psa.state()["additions"]
        return sorted(
            (
                row["serialNumber"],
                row["effectiveDate"][:10],
                (row.get("cancelledDate") or "")[:10],
                int(row["quantity"]),
            )
            for row in rows
        )

    def writes(self) -> int:
        """How many writes reached the PSA."""
        return sum(request["method"] not in ("GET", "HEAD") for request in self.psa.requests())


def wanted() -> list[tuple[Any, ...]]:
    """What the PSA must bill once the plan is applied: no record twice, none missing."""
    rows: list[tuple[Any, ...]] = []
    for tenant in TENANTS:
        base, new = (f"{tenant}-0000-4000-8000-00000000000{n}" for n in (1, 2))
        rows += [
            (base, "2026-08-01", "2026-09-30", 10),
            (base, "2026-09-16", "2026-09-30", 3),
            (base, "2026-10-01", "", 13),
            (new, "2026-09-10", "", 2),
        ]
    return sorted(rows)
