"""One invoice in the four spellings of the normalised form, for tests: September, 10 seats, 13 from the 12th, 11 from
the 20th, an Azure total, and a change booked for the renewal.
"""

import json
from typing import Any

INVOICE: dict[str, Any] = {
    "invoice": "INV-2026-10-0001",
    "issued": "2026-10-01",
    "period": {"from": "2026-09-01", "to": "2026-09-30"},
    "currency": "AUD",
    "kind": "invoice",
    "total": "591.04",
    "customer": {"tenant": "8A7C-0001", "name": "Contoso", "domain": "contoso.onmicrosoft.com"},
}
SEATS = {
    "motion": "seat-monthly",
    "subscription": "5f1b",
    "sku": "CFQ7TTC0LH18:0001",
    "description": 'Microsoft 365 Business Basic, "no Teams"',
    "to": "2026-09-30",
    "unit_cost": "16.00",
    "unit_price": "20.00",
    "term": "P1M",
    "billing": "monthly",
}
LINES: list[dict[str, Any]] = [
    {
        "line": "1",
        **SEATS,
        "charge": "cycle",
        "quantity": "10",
        "from": "2026-09-01",
        "amount": "160.00",
        "scheduled": {"quantity": "11", "from": "2026-10-12"},
    },
    {"line": "2", **SEATS, "charge": "add-quantity", "quantity": "3", "from": "2026-09-12", "amount": "30.40"},
    {"line": "3", **SEATS, "charge": "remove-quantity", "quantity": "-2", "from": "2026-09-20", "amount": "-11.73"},
    {"line": "4", "motion": "azure", "sku": "DZH318Z0BPS6:0001", "charge": "usage", "amount": "412.37"},
]
COLUMNS = (
    *("invoice", "issued", "period.from", "period.to", "currency", "kind", "total"),
    *("customer.tenant", "customer.name", "customer.domain", "line", "motion", "subscription", "sku", "description"),
    *("charge", "quantity", "from", "to", "unit_cost", "unit_price", "amount", "term", "billing"),
    *("scheduled.quantity", "scheduled.from"),
)


def tree() -> dict[str, Any]:
    """The invoice with its lines."""
    return {**INVOICE, "lines": LINES}


def as_json() -> str:
    """Indented JSON, numbers as numbers."""
    text = json.dumps(tree(), indent=2)
    for number in ("591.04", "160.00", "16.00", "20.00", "30.40", "-11.73", "412.37"):
        text = text.replace(f'"{number}"', number)
    return text


def as_json_lines() -> str:
    """One invoice a line."""
    return json.dumps(tree()) + "\n"


def as_yaml() -> str:
    """Block style, scalars plain."""
    lines = ["# September", *(f"{name}: {_flow(value)}" for name, value in INVOICE.items()), "lines:"]
    for line in LINES:
        first, *rest = (f"{name}: {_flow(value)}" for name, value in line.items())
        lines += [f"  - {first}", *(f"    {member}" for member in rest)]
    return "\n".join(lines) + "\n"


def _flow(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_flow(inner)}" for name, inner in value.items()) + "}"
    text = str(value)
    return "'" + text + "'" if any(sign in text for sign in ':",#') else text


def as_csv(separator: str = ".", delimiter: str = ",") -> str:
    """One row per line, the invoice's columns repeated, names joined by `separator`."""
    rows = [delimiter.join(name.replace(".", separator) for name in COLUMNS)]
    for line in LINES:
        cells = []
        for name in COLUMNS:
            outer, _, inner = name.partition(".")
            value = {**INVOICE, **line}.get(outer, "")
            cell = value.get(inner, "") if isinstance(value, dict) else value
            cells.append('"' + str(cell).replace('"', '""') + '"')
        rows.append(delimiter.join(cells))
    return "\r\n".join(rows) + "\r\n"
