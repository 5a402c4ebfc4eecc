"""Two customers on a sandbox, and a mapping repository in a folder: what planning tests start from."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.config.loading import load
from reconciler.domain.days import Month, Months
from reconciler.domain.plan import Plan
from reconciler.planning.gathered import Request
from reconciler.planning.making import make_plan, month_of, read_sources
from reconciler.sandbox.server import RunningSandbox
from reconciler.targets.opening import open_target

CONTOSO, FABRIKAM = "8a7c0000-0000-4000-8000-000000000001", "2b9d0000-0000-4000-8000-000000000002"
A, B = "aaaa0000-0000-4000-8000-00000000000a", "bbbb0000-0000-4000-8000-00000000000b"
SKU = "CFQ7TTC0LH18:0001"

SEPTEMBER = Months(Month(2026, 9), Month(2026, 9))

SEED: dict[str, Any] = {
    "psa": "connectwise",
    "today": "2026-10-03",
    "companies": [
        {"id": 250, "identifier": "Contoso", "name": "Contoso Ltd"},
        {"id": 260, "identifier": "Fabrikam", "name": "Fabrikam Inc"},
    ],
    "products": [
        {
            "id": 4120,
            "identifier": "M365-BB",
            "description": "Business Basic",
            "vendorSku": SKU,
            "price": 20,
            "cost": 16,
        }
    ],
    "agreements": [
        {
            "id": number,
            "name": name,
            "company": company,
            "prorateFlag": True,
            "startDate": "2026-01-01",
            "billStartDate": "2026-01-01",
            "nextInvoiceDate": "2026-09-01",
        }
        for number, name, company in ((55, "Contoso CSP", 250), (56, "Fabrikam CSP", 260))
    ],
    "additions": [
        {
            "id": number,
            "agreement": agreement,
            "product": 4120,
            "quantity": 10,
            "unitPrice": 20,
            "unitCost": 16,
            "effectiveDate": "2026-08-01",
            "serialNumber": serial,
        }
        for number, agreement, serial in ((8801, 55, A), (8802, 56, B))
    ],
}

MAPPING = f"""
version: 1
sources:
  distributor: {{type: files, invoices: "invoices/*"}}
targets:
  psa:
    type: connectwise
    url: http://127.0.0.1:8765
    company: training
    client_id: ${{CONNECTWISE_CLIENT_ID}}
    public_key: ${{CONNECTWISE_PUBLIC_KEY}}
    private_key: ${{CONNECTWISE_PRIVATE_KEY}}
    limits: {{requests_per_minute: 60000}}
programs:
  csp: {{source: distributor, target: psa, motions: [seat-monthly], guards: {{max_decrease_percent: 100}}}}
customers:
  - {{name: Contoso, tenant: {CONTOSO}, company: Contoso, agreements: {{seat-monthly: Contoso CSP}}}}
  - {{name: Fabrikam, tenant: {FABRIKAM}, company: Fabrikam, agreements: {{seat-monthly: Fabrikam CSP}}}}
"""


def line(tenant: str, subscription: str, **members: Any) -> dict[str, Any]:
    """A line of a normalised CSV row: 13 seats all September, unless said otherwise."""
    row = {
        "invoice": f"INV-{tenant[:4]}",
        "issued": "2026-10-01",
        "period.from": "2026-09-01",
        "period.to": "2026-09-30",
        "currency": "AUD",
        "kind": "invoice",
        "customer.tenant": tenant,
        "line": "1",
        "motion": "seat-monthly",
        "subscription": subscription,
        "sku": SKU,
        "description": "Business Basic",
        "charge": "cycle",
        "quantity": "13",
        "from": "2026-09-01",
        "to": "2026-09-30",
        "unit_cost": "16.00",
        "unit_price": "20.00",
        "amount": "208.00",
        "term": "P1M",
        "billing": "monthly",
    }
    return row | members


def csv_text(*rows: Mapping[str, Any]) -> str:
    """Rows as normalised CSV."""
    return "\n".join([",".join(rows[0]), *(",".join(str(value) for value in row.values()) for row in rows)]) + "\n"


def contoso(**members: Any) -> str:
    """Contoso's invoice with one line."""
    return csv_text(line(CONTOSO, A, **members))


def fabrikam(**members: Any) -> str:
    """Fabrikam's invoice with one line."""
    return csv_text(line(FABRIKAM, B, **members))


def plan_with(
    folder: Path,
    psa: RunningSandbox,
    invoices: Mapping[str, str | bytes],
    *,
    mapping: str = MAPPING,
    seed: Mapping[str, Any] = SEED,
    months: Months = SEPTEMBER,
) -> Plan:
    """The plan for some documents, on a freshly seeded sandbox."""
    psa.seed(json.loads(json.dumps(seed)))
    (folder / "invoices").mkdir(exist_ok=True)
    for name, text in invoices.items():
        data = text if isinstance(text, bytes) else text.encode()
        (folder / "invoices" / name).write_bytes(data)
    (folder / "mappings.yaml").write_text(mapping)
    loaded = load(folder / "mappings.yaml", {})
    assert loaded.mappings, loaded.findings
    mappings = loaded.mappings

    async def made() -> Plan:
        documents = read_sources(mappings)
        since = None if months.first == months.last else months.first
        newest = month_of(documents, months.last)
        request = Request(newest, frozenset(), "2026-10-03T09:00:00Z", "0.1.0", since=since)
        settings = replace(mappings.targets["psa"], url=psa.url)
        secrets = {"client_id": "sandbox", "public_key": "sandbox", "private_key": "sandbox"}
        target = await open_target(settings, secrets)
        try:
            return await make_plan(mappings, documents, request, "psa", target)
        finally:
            await target.close()

    return asyncio.run(made())
