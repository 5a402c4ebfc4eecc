"""Azure usage, annual seats, and two customers on one agreement, from documents to the plan."""

import json
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

from world import CONTOSO, MAPPING, SEED, A, B, contoso, csv_text, fabrikam, line, plan_with

from reconciler.domain.plan import Action, AdditionValues, Plan, Verdict
from reconciler.sandbox.server import RunningSandbox

AZURE_SKU = "DZH318Z0BPS6:0001"
MOTIONS = MAPPING.replace("[seat-monthly]", "[seat-monthly, azure, seat-annual]").replace(
    "{seat-monthly: Contoso CSP}", "{seat-monthly: Contoso CSP, azure: Contoso CSP, seat-annual: Contoso Annual}"
)


def seed(**additions: Any) -> dict[str, Any]:
    world = deepcopy(SEED)
    world["products"].append({"id": 4130, "identifier": "AZURE", "description": "Azure", "vendorSku": AZURE_SKU})
    world["products"].append(
        {"id": 4140, "identifier": "E3-Y", "description": "E3 annual", "vendorSku": "P1Y:A:CFQ7TTC0LF8R:0001"}
    )
    world["agreements"].append(
        {
            "id": 57,
            "name": "Contoso Annual",
            "company": 250,
            "startDate": "2026-01-01",
            "billStartDate": "2026-01-01",
            "billOneTimeFlag": True,
        }
    )
    world["additions"] += additions.get("more", [])
    for agreement in world["agreements"]:
        agreement["nextInvoiceDate"] = additions.get("next_invoice", "2026-09-01")
    return world


def usage(number: int, cost: str, price: str, **members: Any) -> dict[str, Any]:
    return line(
        CONTOSO,
        "azure-sub",
        line=number,
        motion="azure",
        sku=AZURE_SKU,
        charge="usage",
        quantity="1",
        unit_cost=cost,
        unit_price=price,
        amount=cost,
        term="",
        **members,
    )


def annual(number: int, **members: Any) -> dict[str, Any]:
    return line(
        CONTOSO,
        "annual-sub",
        **(
            {
                "line": number,
                "motion": "seat-annual",
                "sku": "CFQ7TTC0LF8R:0001",
                "charge": "new",
                "quantity": "2",
                "from": "2026-09-10",
                "to": "2027-09-09",
                "unit_cost": "400.00",
                "unit_price": "480.00",
                "amount": "800.00",
                "term": "P1Y",
                "billing": "annual",
            }
            | members
        ),
    )


def after(plan: Plan, motion: str) -> list[AdditionValues]:
    return [c.after for c in plan.changes if c.motion == motion and isinstance(c.after, AdditionValues)]


def standing(values: AdditionValues, number: int, agreement: int, product: int) -> dict[str, Any]:
    return json.loads(
        json.dumps(
            {
                "id": number,
                "agreement": agreement,
                "product": product,
                "quantity": float(values.quantity),
                "unitPrice": float(values.unit_price),
                "unitCost": float(values.unit_cost),
                "effectiveDate": str(values.effective),
                "serialNumber": values.serial_number,
                "invoiceDescription": values.description,
            }
            | ({"cancelledDate": str(values.cancelled)} if values.cancelled else {})
        )
    )


def test_a_months_usage_is_one_record_of_quantity_one_over_the_whole_month(tmp_path: Path, psa: RunningSandbox) -> None:
    rows = csv_text(
        line(CONTOSO, A, quantity="10", amount="160.00"), usage(2, "400.00", "460.00"), usage(3, "12.37", "14.23")
    )
    plan = plan_with(tmp_path, psa, {"c.csv": rows}, mapping=MOTIONS, seed=seed())
    (record,) = after(plan, "azure")
    assert (record.quantity, record.unit_price, record.unit_cost) == (1, Decimal("474.23"), Decimal("412.37"))
    assert (str(record.effective), str(record.cancelled)) == ("2026-09-01", "2026-09-30")
    assert record.serial_number == "azure-sub"
    (row,) = [i for i in plan.impact if i.customer == "Contoso" and i.month == "2026-09"]
    assert (row.before, row.after, row.invoiced_cost) == (Decimal(200), Decimal("674.23"), Decimal("572.37"))
    assert row.verdict is Verdict.RECONCILED


def test_usage_that_stands_already_changes_nothing_and_another_total_corrects_it(
    tmp_path: Path, psa: RunningSandbox
) -> None:
    first = plan_with(tmp_path, psa, {"c.csv": csv_text(usage(1, "400.00", "460.00"))}, mapping=MOTIONS, seed=seed())
    (record,) = after(first, "azure")
    stands = seed(more=[standing(record, 9000, 55, 4130)])
    again = plan_with(tmp_path, psa, {}, mapping=MOTIONS, seed=stands)
    assert after(again, "azure") == []
    corrected = plan_with(
        tmp_path, psa, {"c.csv": csv_text(usage(1, "410.00", "471.50"))}, mapping=MOTIONS, seed=stands
    )
    (change,) = [c for c in corrected.changes if c.motion == "azure"]
    assert change.action is Action.UPDATE
    assert change.record == "9000"
    assert after(corrected, "azure")[0].unit_price == Decimal("471.50")


def test_another_total_of_an_invoiced_month_is_a_difference_beside_the_record(
    tmp_path: Path, psa: RunningSandbox
) -> None:
    first = plan_with(tmp_path, psa, {"c.csv": csv_text(usage(1, "400.00", "460.00"))}, mapping=MOTIONS, seed=seed())
    stands = seed(more=[standing(after(first, "azure")[0], 9000, 55, 4130)], next_invoice="2026-10-01")
    plan = plan_with(tmp_path, psa, {"c.csv": csv_text(usage(1, "410.00", "471.50"))}, mapping=MOTIONS, seed=stands)
    (change,) = [c for c in plan.changes if c.motion == "azure"]
    assert change.action is Action.CREATE
    assert after(plan, "azure")[0].unit_price == Decimal("11.50")


def test_an_annual_charge_is_one_record_on_the_one_time_agreement_and_is_billed_once(
    tmp_path: Path, psa: RunningSandbox
) -> None:
    rows = csv_text(
        annual(1), annual(2, charge="add-quantity", quantity="1", amount="100.00", **{"from": "2026-12-10"})
    )
    plan = plan_with(tmp_path, psa, {"c.csv": rows}, mapping=MOTIONS, seed=seed())
    full, part = after(plan, "seat-annual")
    assert (full.agreement_id, full.quantity, full.unit_price, full.cancelled) == ("57", 2, 480, None)
    assert str(full.effective) == "2026-09-10"
    assert "INV-8a7c" in full.description
    # A quarter of the term costs a quarter of the price (H1).
    assert (part.quantity, part.unit_price, part.unit_cost) == (1, 120, 100)
    stands = seed(more=[standing(full, 9001, 57, 4140), standing(part, 9002, 57, 4140)])
    assert after(plan_with(tmp_path, psa, {}, mapping=MOTIONS, seed=stands), "seat-annual") == []


def test_annual_charges_on_an_agreement_that_bills_every_month_are_refused(tmp_path: Path, psa: RunningSandbox) -> None:
    mapping = MOTIONS.replace("seat-annual: Contoso Annual", "seat-annual: Contoso CSP")
    plan = plan_with(tmp_path, psa, {"c.csv": csv_text(annual(1))}, mapping=mapping, seed=seed())
    assert [f.code for f in plan.errors] == ["P54"]
    assert after(plan, "seat-annual") == []


SHARED = MAPPING.replace("company: Fabrikam, agreements: {seat-monthly: Fabrikam CSP}", "company: Contoso, agreements: {seat-monthly: Contoso CSP}")  # fmt: skip  # noqa: E501


def shared_seed() -> dict[str, Any]:
    world = deepcopy(SEED)
    for addition in world["additions"]:
        addition["agreement"] = 55
    return world


def test_two_customers_on_one_agreement_end_nothing_of_each_others(tmp_path: Path, psa: RunningSandbox) -> None:
    plan = plan_with(tmp_path, psa, {"c.csv": contoso(), "f.csv": fabrikam()}, mapping=SHARED, seed=shared_seed())
    assert not plan.errors
    assert {(c.customer, c.subscription) for c in plan.changes} == {("Contoso", A), ("Fabrikam", B)}
    assert not any(b.rule == "C6" for c in plan.changes for b in c.because)


def test_nothing_is_ended_on_a_shared_agreement_while_a_sharers_invoice_is_missing(
    tmp_path: Path, psa: RunningSandbox
) -> None:
    plan = plan_with(tmp_path, psa, {"c.csv": contoso()}, mapping=SHARED, seed=shared_seed())
    assert {c.subscription for c in plan.changes} == {A}


def test_what_nobody_was_charged_for_is_ended_once_on_a_shared_agreement(tmp_path: Path, psa: RunningSandbox) -> None:
    world = shared_seed()
    world["additions"].append(world["additions"][0] | {"id": 8899, "serialNumber": "gone"})
    plan = plan_with(tmp_path, psa, {"c.csv": contoso(), "f.csv": fabrikam()}, mapping=SHARED, seed=world)
    ended = [c for c in plan.changes if c.subscription == "gone"]
    assert [(c.customer, c.action) for c in ended] == [("Contoso", Action.CANCEL)]


def test_a_customer_whom_a_program_of_another_target_maps_is_not_unmapped(tmp_path: Path, psa: RunningSandbox) -> None:
    """One source, two targets: each plan tells of its own customers, and of those whom nobody maps."""
    second = "  other: {type: connectwise, url: http://127.0.0.1:8765, company: training,"
    second += " client_id: '${CONNECTWISE_CLIENT_ID}', public_key: '${CONNECTWISE_PUBLIC_KEY}',"
    second += " private_key: '${CONNECTWISE_PRIVATE_KEY}'}\n"
    there = "  elsewhere: {source: distributor, target: other, motions: [seat-monthly]}\n"
    mapping = MAPPING.replace("programs:\n", f"{second}programs:\n{there}")
    mapping = mapping.replace("name: Contoso,", "name: Contoso, program: csp,")
    mapping = mapping.replace("name: Fabrikam,", "name: Fabrikam, program: elsewhere,")
    stranger = csv_text(line("9c9c0000-0000-4000-8000-000000000009", "cccc", invoice="INV-S"))
    files = {"c.csv": contoso(), "f.csv": fabrikam(), "s.csv": stranger}
    plan = plan_with(tmp_path, psa, files, mapping=mapping)
    told = [f.message for f in plan.findings if f.code == "unmapped-customer"]
    assert len(told) == 1, told
    assert "9c9c0000" in told[0]
    assert len([stub for stub in plan.left_open.stubs if stub.section == "customers"]) == 1
    assert sum(row.lines for row in plan.coverage) == 2


def test_a_motion_that_charges_nothing_does_not_take_the_currency_from_the_bill(
    tmp_path: Path, psa: RunningSandbox
) -> None:
    plan = plan_with(tmp_path, psa, {"c.csv": csv_text(usage(1, "412.37", "474.23"))}, mapping=MOTIONS, seed=seed())
    assert {row.currency for row in plan.impact if row.agreement == "psa/agreement/55"} == {"AUD"}
