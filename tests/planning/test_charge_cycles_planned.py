"""Charge cycles from documents to the plan: Partner Center's rows, shared agreements, and the customer's own choice."""

import csv
import io
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

from world import CONTOSO, FABRIKAM, MAPPING, SEED, SKU, A, B, contoso, csv_text, fabrikam, line, plan_with

from reconciler.domain.days import Month, Months
from reconciler.domain.plan import AdditionValues, Plan, Verdict
from reconciler.sandbox.server import RunningSandbox

CYCLES = MAPPING.replace("csp: {source", "csp: {changes: {align: charge-cycle}, source")
CYCLE = {"from": "2026-09-15", "to": "2026-10-14", "amount": "208.00"}
HEADER = """CustomerId CustomerName CustomerDomainName InvoiceNumber OrderId OrderDate ProductId SkuId SkuName
ChargeType UnitPrice Subtotal TaxTotal Total Currency SubscriptionId ChargeStartDate ChargeEndDate TermAndBillingCycle
EffectiveUnitPrice BillableQuantity BillingFrequency PricingCurrency PCToBCExchangeRate ReferenceId"""
COLUMNS = tuple(HEADER.split())


def seed() -> dict[str, Any]:
    """The two customers, on agreements that do not prorate and hold nothing."""
    world = deepcopy(SEED)
    agreements = [agreement | {"prorateFlag": False} for agreement in world["agreements"]]
    return world | {"additions": [], "agreements": agreements}


def row(charge: str, quantity: str, effective: str, subtotal: str, **members: str) -> dict[str, str]:
    usual = {
        "CustomerId": CONTOSO,
        "CustomerName": "Contoso",
        "InvoiceNumber": "G016907411",
        "OrderDate": members.get("ChargeStartDate", "9/5/2026"),
        "ProductId": "CFQ7TTC0LH18",
        "SkuId": "0001",
        "SkuName": "Business Basic",
        "ChargeType": charge,
        "UnitPrice": "12",
        "Subtotal": subtotal,
        "TaxTotal": "0",
        "Total": subtotal,
        "Currency": "AUD",
        "SubscriptionId": A,
        "ChargeStartDate": "9/5/2026",
        "ChargeEndDate": "10/4/2026",
        "TermAndBillingCycle": "One-Month commitment for monthly billing",
        "EffectiveUnitPrice": effective,
        "BillableQuantity": quantity,
        "BillingFrequency": "Monthly",
        "PricingCurrency": "USD",
        "PCToBCExchangeRate": "1.5",
        "ReferenceId": "r-" + members.get("ChargeStartDate", "cycle"),
    }
    return {name: {**usual, **members}.get(name, "") for name in COLUMNS}


def nce(*rows: dict[str, str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def records(plan: Plan) -> list[tuple[str, str, Decimal]]:
    """Quantity, unit price and amount of each record that a plan writes, in its order."""
    values = [change.after for change in plan.changes if isinstance(change.after, AdditionValues)]
    return [(str(v.quantity), str(v.unit_price), v.quantity * v.unit_price) for v in values]


def test_partner_centers_refund_and_charge_bill_the_same_part_of_the_list_price(
    tmp_path: Path, psa: RunningSandbox
) -> None:
    # 12.00 USD are 18.00 AUD a cycle; 23 of 30 days from the 12th are 13.80. Retail stands on the price list at 27.00.
    change = {"ChargeStartDate": "9/12/2026"}
    rows = (
        row("cycleCharge", "10", "12", "180.00"),
        row("addQuantity", "10", "-9.2", "-138.00", **change),
        row("addQuantity", "15", "9.2", "207.00", **change),
    )
    (tmp_path / "prices.csv").write_text(
        "sku,name,unit_cost,unit_price,currency,term,billing\n" + f"{SKU},Business Basic,18.00,27.00,AUD,P1M,monthly\n"
    )
    mapping = CYCLES.replace('invoices: "invoices/*"', 'invoices: "invoices/*", price_list: prices.csv')
    plan = plan_with(tmp_path, psa, {"recon.csv": nce(*rows)}, mapping=mapping, seed=seed())
    # 13.80 of 18.00 is 23/30 of the cycle: 27.00 × 23/30 = 20.70.
    assert records(plan) == [
        ("10", "27.00", Decimal("270.00")),
        ("-10", "20.70", Decimal("-207.00")),
        ("15", "20.70", Decimal("310.50")),
    ]
    now = next(r for r in plan.impact if r.month == "2026-09")
    assert (now.invoiced_cost, now.after, now.verdict) == (Decimal("249.00"), Decimal("373.50"), Verdict.RECONCILED)
    assert (now.charged_seat_days, now.seat_days) == (0, 0)


def test_a_rule_that_leaves_the_price_to_the_psa_takes_the_catalogues_and_not_that_of_a_part(
    tmp_path: Path, psa: RunningSandbox
) -> None:
    world = seed()
    world["products"][0]["price"] = 30
    world["additions"] = [
        {
            "id": 8801, "agreement": 55, "product": 4120, "quantity": 10, "unitPrice": 7, "unitCost": 5,
            "effectiveDate": "2026-08-20", "cancelledDate": "2026-08-31", "serialNumber": A,
            "invoiceDescription": "Business Basic (INV-8 line 1, 20 Aug 2026 to 31 Aug 2026)",
        }
    ]  # fmt: skip
    mapping = CYCLES + "prices:\n  - {name: as in the catalogue, price: psa}\n"
    plan = plan_with(tmp_path, psa, {"a.csv": contoso(**CYCLE)}, mapping=mapping, seed=world)
    assert records(plan) == [("13", "30.00", Decimal("390.00"))]


def test_a_customer_chooses_for_itself(tmp_path: Path, psa: RunningSandbox) -> None:
    mapping = MAPPING.replace("{name: Contoso,", "{name: Contoso, changes: {align: {seat-monthly: charge-cycle}},")
    world = seed()
    world["agreements"][1]["prorateFlag"] = True
    both = {"a.csv": contoso(**CYCLE), "b.csv": fabrikam(**CYCLE)}
    plan = plan_with(tmp_path, psa, both, mapping=mapping, seed=world)
    ends = {c.customer: c.after.cancelled for c in plan.changes if isinstance(c.after, AdditionValues)}
    assert {name: str(end) for name, end in ends.items()} == {"Contoso": "2026-09-30", "Fabrikam": "None"}
    assert {row.rule for row in plan.coverage} == {"C27 line by line", "true-up"}


def test_two_customers_share_an_agreement_and_neither_sees_the_others_records(
    tmp_path: Path, psa: RunningSandbox
) -> None:
    world = seed()
    mapping = CYCLES.replace(
        "company: Fabrikam, agreements: {seat-monthly: Fabrikam CSP}", "agreements: {seat-monthly: {id: 55}}"
    )
    late = {"from": "2026-08-15", "to": "2026-08-31", "amount": "104.00", "charge": "add-quantity"}
    lines = csv_text(line(CONTOSO, A, **CYCLE)), csv_text(line(FABRIKAM, B, **late))
    plan = plan_with(tmp_path, psa, {"a.csv": lines[0], "b.csv": lines[1]}, mapping=mapping, seed=world)
    assert [f for f in plan.findings if f.blocks] == []
    assert [(c.customer, c.action.value) for c in plan.changes] == [("Contoso", "create"), ("Fabrikam", "create")]


def test_a_record_whose_line_may_stand_on_an_unreadable_row_is_not_deleted(tmp_path: Path, psa: RunningSandbox) -> None:
    world = seed()
    world["additions"] = [
        {
            "id": 8801, "agreement": 55, "product": 4120, "quantity": 3, "unitPrice": 16, "unitCost": 13,
            "effectiveDate": "2026-09-20", "cancelledDate": "2026-09-30", "serialNumber": A,
            "invoiceDescription": "Business Basic (INV-8a7c line 2, 20 Sep 2026 to 14 Oct 2026)",
        }
    ]  # fmt: skip
    whole = contoso(**CYCLE)
    plan = plan_with(tmp_path, psa, {"a.csv": whole}, mapping=CYCLES, seed=world)
    assert sorted(c.action.value for c in plan.changes) == ["create", "delete"]
    broken = csv_text(line(CONTOSO, A, **CYCLE), line("", B, line="9", **{"customer.tenant": ""}))
    plan = plan_with(tmp_path, psa, {"a.csv": broken}, mapping=CYCLES, seed=world)
    assert "delete" not in [c.action.value for c in plan.changes]
    assert [f.code for f in plan.findings if f.blocks] != []


def test_two_months_in_one_plan_bill_each_cycle_once(tmp_path: Path, psa: RunningSandbox) -> None:
    later = {
        "invoice": "INV-OCT",
        "period.from": "2026-10-01",
        "period.to": "2026-10-31",
        "from": "2026-10-15",
        "to": "2026-11-14",
        "amount": "208.00",
    }
    documents = {"a.csv": contoso(**CYCLE), "b.csv": contoso(**later)}
    both = Months(Month(2026, 9), Month(2026, 10))
    plan = plan_with(tmp_path, psa, documents, mapping=CYCLES, seed=seed(), months=both)
    spans = [(c.after.effective, c.after.cancelled) for c in plan.changes if isinstance(c.after, AdditionValues)]
    assert [(str(first), str(last)) for first, last in spans] == [
        ("2026-09-15", "2026-09-30"),
        ("2026-10-15", "2026-10-31"),
    ]
    assert [f for f in plan.findings if f.code == "C27"] == []
    bills = {row.month: row.after for row in plan.impact if "Contoso" in row.agreement_name}
    assert (bills["2026-09"], bills["2026-10"]) == (Decimal("260.00"), Decimal("260.00"))
