"""What a plan does with what earlier applies and reviews left: drift is told, an override is kept."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from world import A, contoso, fabrikam, plan_with

from reconciler.config.loading import load
from reconciler.domain.days import Month
from reconciler.domain.decision import Decisions, Override, RecordField
from reconciler.domain.drift import AppliedRecord
from reconciler.domain.finding import Place
from reconciler.domain.plan import AdditionValues, Plan
from reconciler.planning.gathered import Background, Request
from reconciler.planning.making import make_plan, read_sources
from reconciler.planning.plan_file import read_plan, write_plan
from reconciler.sandbox.server import RunningSandbox
from reconciler.targets.opening import open_target

DOCUMENTS = {"c.csv": contoso(), "f.csv": fabrikam()}
KEEP = Override(
    record="8801",
    subscription=None,
    effective=None,
    customer=None,
    keep={RecordField.QUANTITY: Decimal(10)},
    gone=False,
    reason="a gift until the dispute is settled",
    by="billing@example.com",
    until=Month(2026, 12),
    place=Place("decisions/2026-09.yaml", 3, 5),
)


def planned(folder: Path, psa: RunningSandbox, background: Background) -> Plan:
    loaded = load(folder / "mappings.yaml", {})
    assert loaded.mappings
    mappings = loaded.mappings

    async def made() -> Plan:
        request = Request(Month(2026, 9), frozenset(), "2026-10-03T09:00:00Z", "0.1.0")
        keys = {"client_id": "sandbox", "public_key": "sandbox", "private_key": "sandbox"}
        target = await open_target(replace(mappings.targets["psa"], url=psa.url), keys)
        try:
            return await make_plan(mappings, read_sources(mappings), request, "psa", target, background)
        finally:
            await target.close()

    return asyncio.run(made())


def test_what_a_reviewed_override_keeps_is_not_written_and_its_lines_are_accounted_for(
    tmp_path: Path, psa: RunningSandbox
) -> None:
    free = plan_with(tmp_path, psa, DOCUMENTS)
    assert A in {change.subscription for change in free.changes}
    plan = planned(tmp_path, psa, Background(decisions=Decisions(overrides=(KEEP,), sha256="sha256:0f")))
    assert A not in {change.subscription for change in plan.changes}
    assert "override" in {finding.code for finding in plan.findings}
    assert "P41 kept by a reviewed override" in {row.rule for row in plan.coverage}
    assert plan.digest != free.digest
    assert read_plan(write_plan(plan), "plan.json").decisions == "sha256:0f"


def test_an_override_that_has_run_out_keeps_nothing(tmp_path: Path, psa: RunningSandbox) -> None:
    plan_with(tmp_path, psa, DOCUMENTS)
    over = replace(KEEP, until=Month(2026, 8))
    plan = planned(tmp_path, psa, Background(decisions=Decisions(overrides=(over,))))
    assert A in {change.subscription for change in plan.changes}
    assert "override-expired" in {finding.code for finding in plan.findings}


def test_what_a_person_changed_since_the_last_apply_is_told_as_drift(tmp_path: Path, psa: RunningSandbox) -> None:
    plan_with(tmp_path, psa, DOCUMENTS)
    price, cost = Decimal(20), Decimal(16)
    values = AdditionValues("55", "psa/product/x", "4120", A, Decimal(12), price, cost, date(2026, 8, 1), None)
    applied = AppliedRecord("8801", "55", "Contoso", values, True, datetime(2026, 9, 3, tzinfo=UTC), 1)
    plan = planned(tmp_path, psa, Background(applied={"8801": applied}))
    (finding,) = [f for f in plan.findings if f.code == "C8"]
    assert finding.message.startswith("drift: PSA 10 ≠ last applied 12")
    assert finding.customer == "Contoso"
