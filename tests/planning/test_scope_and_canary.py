"""Plans that are about a part: the catalogue alone, every product of the price list, a few new customers."""

import asyncio
import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

from world import MAPPING, SEED, SKU, A, B, contoso, fabrikam, plan_with

from reconciler.config.loading import load
from reconciler.domain.days import Month
from reconciler.domain.plan import Action, Plan, Resource
from reconciler.planning.gathered import Request, Scope
from reconciler.planning.making import make_plan, read_sources
from reconciler.sandbox.server import RunningSandbox
from reconciler.targets.opening import open_target

PRICES = "sku,name,unit_cost,unit_price,currency,term,billing,from,to\n"
ROW = "{sku},{name},12,15,AUD,P1M,monthly,{first},\n"
LISTED = MAPPING.replace('invoices: "invoices/*"', 'invoices: "invoices/*", price_list: prices.csv')


def narrowed(folder: Path, psa: RunningSandbox, **narrowing: object) -> Plan:
    """Plans the folder again, on the sandbox as it stands."""
    loaded = load(folder / "mappings.yaml", {})
    assert loaded.mappings
    mappings = loaded.mappings

    async def made() -> Plan:
        request = Request(Month(2026, 9), frozenset(), "2026-10-03T09:00:00Z", "0.1.0", **narrowing)  # type: ignore[arg-type]
        keys = {"client_id": "sandbox", "public_key": "sandbox", "private_key": "sandbox"}
        target = await open_target(replace(mappings.targets["psa"], url=psa.url), keys)
        try:
            return await make_plan(mappings, read_sources(mappings), request, "psa", target)
        finally:
            await target.close()

    return asyncio.run(made())


def test_the_catalogue_alone_is_planned_as_the_product_preview(tmp_path: Path, psa: RunningSandbox) -> None:
    (tmp_path / "prices.csv").write_text(PRICES + ROW.format(sku=SKU, name="Basic", first=""))
    plan_with(tmp_path, psa, {"c.csv": contoso(), "f.csv": fabrikam()}, mapping=LISTED)
    plan = narrowed(tmp_path, psa, scope=Scope.PRODUCTS)
    assert [(c.resource, c.action) for c in plan.changes] == [(Resource.PRODUCT, Action.UPDATE)]
    assert plan.observed == {}


def test_mode_all_creates_every_product_of_the_current_price_list_and_no_other(
    tmp_path: Path, psa: RunningSandbox
) -> None:
    rows = [ROW.format(sku=SKU, name="Basic", first=""), ROW.format(sku="NEW:0001", name="New", first="2026-09-01")]
    later = ROW.format(sku="LATER:0001", name="Later", first="2026-10-01")
    (tmp_path / "prices.csv").write_text(PRICES + "".join(rows) + later)
    files = {"c.csv": contoso(), "f.csv": fabrikam()}
    in_use = plan_with(tmp_path, psa, files, mapping=LISTED)
    every = plan_with(
        tmp_path, psa, files, mapping=LISTED.replace("motions: [seat", "products: {mode: all}, motions: [seat")
    )
    assert [c.address for c in in_use.changes if c.action is Action.CREATE and c.resource is Resource.PRODUCT] == []
    created = [c.address for c in every.changes if c.action is Action.CREATE and c.resource is Resource.PRODUCT]
    assert created == ["psa/product/NEW:0001"]


def test_only_so_many_customers_are_planned_of_whom_nothing_stands_yet(tmp_path: Path, psa: RunningSandbox) -> None:
    world = deepcopy(SEED)
    world["additions"] = [json.loads(json.dumps(world["additions"][0]))]
    plan_with(tmp_path, psa, {"c.csv": contoso(), "f.csv": fabrikam()}, seed=world)
    assert {c.subscription for c in narrowed(tmp_path, psa).changes} == {A, B}
    assert {c.subscription for c in narrowed(tmp_path, psa, only_new=3).changes} == {B}
    assert {c.subscription for c in narrowed(tmp_path, psa, only_new=1).changes} == {B}
