"""What a scenario starts from: the PSA's seed and the mapping repository, with everything that a file may leave out."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import yaml
from scenario_files import Row, Scenario, as_day, months_of

from reconciler.domain.days import Month

SUBSCRIPTION = "5f1b0c9e-0001-4222-8333-944455566677"
SKU = "CFQ7TTC0LH18:0001"
TENANT = "8a7c0f3e-1111-4222-8333-944455566677"

PROGRAM = "microsoft-csp"
COMPANY: Row = {"id": 250, "identifier": "Contoso", "name": "Contoso Ltd"}
PRODUCT: Row = {
    "id": 4120,
    "identifier": "M365-BB",
    "description": "Microsoft 365 Business Basic",
    "vendorSku": SKU,
    "price": 20,
    "cost": 16,
}
AGREEMENT: Row = {
    "prorateFlag": True,
    "startDate": "2026-01-01",
    "billStartDate": "2026-01-01",
    "invoicingCycle": "CalendarYear",
}
NAMED_AGREEMENT: Row = {"id": 55, "name": "Contoso Microsoft CSP", "company": 250}
CUSTOMER: Row = {"agreements": {"seat-monthly": "Contoso Microsoft CSP"}, "company": "Contoso", "tenant": TENANT}
# Stories are about rules: the guards are out of the way unless a story is about them.
GUARDS: Row = {"max_decrease_percent": "none", "max_changes": "none"}
PRICE_COLUMNS = ("sku", "name", "unit_cost", "unit_price", "currency", "term", "billing", "from", "to")


def first_month(scenario: Scenario) -> Month:
    """The first month that a scenario plans."""
    return months_of(scenario.steps[0]).first


# -- the PSA


def seed(scenario: Scenario) -> Row:
    """The sandbox's seed: the standard company, product and agreement, with what the file says instead."""
    before = scenario.before
    products = _rows(before, "products", PRODUCT)
    return {
        "today": scenario.today or str(Month.parse(scenario.steps[-1]["month"]).following.first + timedelta(days=2)),
        "companies": _rows(before, "companies", COMPANY),
        "products": products,
        "agreements": [_agreement(row, scenario) for row in before.get("agreements") or [{}]],
        "additions": [_addition(row, products) for row in before.get("additions") or []],
        "switches": before.get("switches") or {},
        **{name: before[name] for name in ("categories", "subcategories", "types", "units") if name in before},
    }


def _rows(before: Row, name: str, standard: Row) -> list[Row]:
    """The rows of a list; one without an id is the standard one with other members."""
    return [row if "id" in row else {**standard, **row} for row in before.get(name) or [{}]]


def _agreement(row: Row, scenario: Scenario) -> Row:
    named = {} if "id" in row else NAMED_AGREEMENT
    return {**AGREEMENT, "nextInvoiceDate": str(first_month(scenario).first), **named, **row}


def _addition(row: Row, products: Iterable[Row]) -> Row:
    row = {"agreement": 55, "product": 4120, "effectiveDate": "2026-08-01", "serialNumber": SUBSCRIPTION, **row}
    product = next((p for p in products if row["product"] in (p.get("id"), p["identifier"])), {})
    return {"unitPrice": product.get("price", 0), "unitCost": product.get("cost", 0), **row}


# -- the mapping repository


class _Dumper(yaml.CSafeDumper):
    """Decimals as numbers, written with their own digits."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _number(dumper: yaml.CSafeDumper, value: Decimal) -> yaml.ScalarNode:
    text = format(value, "f")
    return dumper.represent_scalar(f"tag:yaml.org,2002:{'float' if '.' in text else 'int'}", text)


_Dumper.add_representer(Decimal, _number)


def _dump(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def write_repository(scenario: Scenario, representation: str, url: str, folder: Path) -> Path:
    """Writes mappings.yaml, the price list and decisions; returns the mapping file. Invoices come step by step."""
    if "price_list" in scenario.mapping:
        (folder / "price-list.csv").write_text(_price_list(scenario.mapping["price_list"]), encoding="utf-8")
    if scenario.decisions:
        (folder / "decisions").mkdir(exist_ok=True)
        decisions = _dump({"version": 1, **scenario.decisions})
        (folder / "decisions" / "decisions.yaml").write_text(decisions, encoding="utf-8")
    file = folder / "mappings.yaml"
    file.write_text(_dump(_mappings(scenario, representation, url)), encoding="utf-8")
    return file


def write_invoices(scenario: Scenario, step: int, folder: Path) -> None:
    """Writes the invoices that have arrived by a step (from 1)."""
    for program in (PROGRAM, *(scenario.mapping.get("programs") or {})):
        (folder / _folder_of(program)).mkdir(exist_ok=True)
    arrived = [row for row in scenario.invoices if row.get("arrives", 1) <= step]
    for number, (row, invoice) in enumerate(zip(arrived, invoices(scenario, step), strict=True), start=1):
        file = folder / _folder_of(row.get("program", PROGRAM)) / f"{number:02d}.yaml"
        file.write_text(_dump(invoice), encoding="utf-8")


def _folder_of(program: str) -> str:
    """Where a program's source has its invoices."""
    return "invoices" if program == PROGRAM else f"invoices-{program}"


def _mappings(scenario: Scenario, representation: str, url: str) -> Row:
    mapping = scenario.mapping
    source: Row = {"type": "files", "invoices": "invoices/*", "format": "normalized"}
    if "price_list" in mapping:
        source["price_list"] = "price-list.csv"
    program: Row = {
        "source": "distributor",
        "target": "psa",
        "motions": ["seat-monthly"],
        **(mapping.get("program") or {}),
        "changes": {"representation": representation, **(mapping.get("changes") or {})},
        "guards": {**GUARDS, **(mapping.get("guards") or {})},
    }
    further = mapping.get("programs") or {}
    return {
        "version": 1,
        "sources": {"distributor": source, **{name: _source_of(name) for name in further}},
        "targets": {
            "psa": {
                "type": "connectwise",
                "url": url,
                "company": "training",
                "client_id": "${CONNECTWISE_CLIENT_ID}",
                "public_key": "${CONNECTWISE_PUBLIC_KEY}",
                "private_key": "${CONNECTWISE_PRIVATE_KEY}",
                **(mapping.get("target") or {}),
            }
        },
        "programs": {PROGRAM: program, **{name: program | {"source": name} | row for name, row in further.items()}},
        "customers": [_customer(row, further) for row in mapping.get("customers") or [{}]],
        "products": mapping.get("products") or [],
        "prices": mapping.get("prices") or [],
    }


def _source_of(program: str) -> Row:
    return {"type": "files", "invoices": f"{_folder_of(program)}/*", "format": "normalized"}


def _customer(row: Row, further: Row) -> Row:
    program = {"program": PROGRAM} if further else {}
    return program | (row if "name" in row else {"name": "Contoso", **CUSTOMER, **row})


def _price_list(rows: Iterable[Row]) -> str:
    lines = [",".join(PRICE_COLUMNS)]
    for row in rows:
        full = {"sku": SKU, "currency": "AUD", "term": "P1M", "billing": "monthly", **row}
        lines.append(",".join(f'"{full.get(column, "")}"' for column in PRICE_COLUMNS))
    return "\n".join(lines) + "\n"


# -- the invoices


def invoices(scenario: Scenario, step: int) -> list[Row]:
    """The invoices that have arrived by a step, in full."""
    numbered = enumerate(scenario.invoices, start=1)
    return [_invoice(row, number, scenario) for number, row in numbered if row.get("arrives", 1) <= step]


def _invoice(row: Row, number: int, scenario: Scenario) -> Row:
    row = {name: value for name, value in row.items() if name not in ("arrives", "program")}
    month = Month.parse(row.pop("month", str(first_month(scenario))))
    period = row.get("period") or {"from": str(month.first), "to": str(month.last)}
    invoice: Row = {
        "invoice": f"INV-{month}-{number:04d}",
        "issued": str(month.following.first),
        "period": period,
        "currency": "AUD",
        "customer": {"tenant": TENANT, "name": "Contoso"},
        **row,
        "lines": [_line(line, at, period) for at, line in enumerate(row["lines"], start=1)],
    }
    return {name: value for name, value in invoice.items() if name != "customer" or value is not None}


def _line(row: Row, number: int, period: Mapping[str, str]) -> Row:
    line: Row = {
        "line": number,
        "motion": "seat-monthly",
        "subscription": SUBSCRIPTION,
        "sku": SKU,
        "description": "Microsoft 365 Business Basic",
        "charge": "cycle",
        "quantity": 1,
        "from": period["from"],
        "to": period["to"],
        "unit_cost": 16,
        "unit_price": 20,
        "term": "P1M",
        "billing": "monthly",
        **row,
    }
    if "charge" not in row and line["from"] != period["from"]:
        line["charge"] = "add-quantity" if line["quantity"] > 0 else "remove-quantity"
    if "amount" not in row and line["unit_cost"] is not None:
        line["amount"] = _amount(line)
    return {name: value for name, value in line.items() if value is not None}


def _amount(line: Row) -> Decimal:
    """What the distributor charges for the line: its days of the month in which it begins."""
    first, last = as_day(line["from"]), as_day(line["to"])
    month = Month.of(first)
    whole = first == month.first and last == month.last
    days = month.days if whole else (last - first).days + 1
    amount = Decimal(line["quantity"]) * Decimal(line["unit_cost"]) * days / month.days
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def lines_of_months(scenario: Scenario, step: int) -> list[Row]:
    """The lines of a step's months: those on the invoices that have arrived and whose period begins in one of them. An
    invoice that lies there twice counts once.
    """
    months = list(months_of(scenario.steps[step - 1]))
    by_number: dict[str, Row] = {}
    for invoice in invoices(scenario, step):
        by_number.setdefault(invoice["invoice"], invoice)
    return [
        line
        for invoice in by_number.values()
        if Month.of(as_day(invoice["period"]["from"])) in months
        for line in invoice["lines"]
    ]
