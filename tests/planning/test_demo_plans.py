"""The demo's plan, made anew and compared with the files under review in `plans/`.

`pytest tests/planning --snapshot-update` writes them.
"""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.config.loading import load
from reconciler.domain.days import Month
from reconciler.domain.plan import Plan
from reconciler.planning.gathered import Request
from reconciler.planning.making import make_plan, month_of, one_target, read_sources
from reconciler.planning.plan_file import read_plan, write_plan
from reconciler.render.plan_html import plan_html
from reconciler.render.plan_markdown import plan_markdown
from reconciler.sandbox.server import RunningSandbox
from reconciler.targets.opening import open_target

ROOT = Path(__file__).parents[2]
PLANS = ROOT / "plans"


@pytest.fixture(scope="module")
def plan() -> Plan:
    loaded = load(ROOT / "mappings.yaml", {})
    assert loaded.mappings, loaded.findings
    with RunningSandbox() as psa:
        psa.seed(ROOT / "examples" / "sandbox.yaml")
        secrets = {
            "client_id": psa.credentials["CONNECTWISE_CLIENT_ID"],
            "public_key": psa.credentials["CONNECTWISE_PUBLIC_KEY"],
            "private_key": psa.credentials["CONNECTWISE_PRIVATE_KEY"],
        }

        async def made() -> Plan:
            assert loaded.mappings
            name = one_target(loaded.mappings)
            documents = read_sources(loaded.mappings)
            month = month_of(documents, None)
            assert month == Month(2026, 9)
            request = Request(month, frozenset(), "2026-10-03T09:00:00Z", "0.1.0")
            target = await open_target(replace(loaded.mappings.targets[name], url=psa.url), secrets)
            try:
                return await make_plan(loaded.mappings, documents, request, name, target)
            finally:
                await target.close()

        return asyncio.run(made())


def _compare(name: str, text: str, request: pytest.FixtureRequest) -> None:
    path = PLANS / name
    if request.config.getoption("update_snapshots"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{path} is stale: pytest tests/planning --snapshot-update"


def test_the_demos_plan_is_the_one_under_review(plan: Plan, request: pytest.FixtureRequest) -> None:
    _compare("2026-09.plan.json", write_plan(plan), request)


def test_the_demos_comment_for_a_pull_request_is_the_one_under_review(
    plan: Plan, request: pytest.FixtureRequest
) -> None:
    _compare("2026-09.md", plan_markdown(plan), request)


def test_the_demos_page_for_a_browser_is_the_one_under_review(plan: Plan, request: pytest.FixtureRequest) -> None:
    _compare("2026-09.html", plan_html(plan), request)


def test_a_plan_file_reads_back_as_the_plan_that_was_written(plan: Plan) -> None:
    text = write_plan(plan)
    assert write_plan(read_plan(text, "plan.json")) == text
