"""How long applying 1,000 changes takes over HTTP, journal included, and how much of a budget of requests it uses.

Beside the unlimited apply stands a bare client: the requests of a first apply, as they were sent, sent again by one
httpx.AsyncClient with as many tasks as the apply may have requests under way. It keeps no journal, looks at no answer
and waits for nothing. The sandbox is a process of its own and goes back to its seed before each run.
"""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from bench.alone import Failed, alone
from bench.figures import seconds, spread
from bench.generate import MONTH, Tenant, sizes, tenants
from bench.generate_documents import invoices
from bench.generate_psa import LIMITS, SOURCE, TARGET, mappings, sandbox_seed
from bench.noop_plan import NAMES, seed_text, serving
from bench.table import Row
from reconciler.applying.apply import apply_plan
from reconciler.applying.clock import SystemClock
from reconciler.applying.report import Ending
from reconciler.applying.surroundings import Surroundings
from reconciler.domain.mapping import Limits, Mappings
from reconciler.domain.plan import Plan
from reconciler.domain.price_list import PriceList
from reconciler.planning.gathered import Documents, Request
from reconciler.planning.making import make_plan
from reconciler.planning.plan_file import sealed
from reconciler.sandbox import control_client
from reconciler.store.database import locked_store
from reconciler.targets.opening import open_target

LONGEST, LEAST_USED = 1.5, 0.9
_CHANGES, _RUNS = 1_000, 3
_SMALL_CHANGES, _SMALL_RUNS = 20, 1
# So much a minute that the budget binds from the second minute on: its first minute's requests go out at once.
_PER_MINUTE, _SMALL_PER_MINUTE = 600, 100_000
_REQUEST = Request(MONTH, frozenset(), "2026-10-03T08:00:00Z", "bench")


def run(*, small: bool) -> list[Row]:
    """The rows of the unlimited apply, of one bound by its budget, and of terraform's where it is installed."""
    changes, turns, per_minute = (
        (_SMALL_CHANGES, _SMALL_RUNS, _SMALL_PER_MINUTE) if small else (_CHANGES, _RUNS, _PER_MINUTE)
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        seed = Path(folder) / "seed.yaml"
        seed.write_text(seed_text(sandbox_seed(_held(changes))), encoding="utf-8")
        with serving(seed) as (url, keys):
            measured = alone("bench.applying:measure", changes, turns, per_minute, url, json.dumps(keys), folder)
        made = _terraform(changes, Path(folder))
    rows = [_unlimited(changes, measured, small), _limited(changes, per_minute, measured, small)]
    if made is None:
        print("terraform is not installed; no apply of its own is measured", file=sys.stderr)
        return rows
    return [*rows, _beside_terraform(changes, measured, made)]


def _beside_terraform(changes: int, measured: dict[str, Any], terraform: float) -> Row:
    ours = measured["ours"]
    return Row(
        f"apply of {changes:,} changes over HTTP, beside terraform",
        seconds(median(ours)),
        f"{seconds(terraform)} (terraform apply)",
        median(ours) / terraform,
        "none",
        None,
        spread(ours, "terraform's whole process, one run, of as many resources that do nothing: no service is asked"),
    )


def _unlimited(changes: int, measured: dict[str, Any], small: bool) -> Row:
    ours, bare = measured["ours"], measured["bare"]
    ratio = median(ours) / median(bare)
    note = (
        f"{measured['requests']} requests, {LIMITS.concurrency} at once; processor time "
        f"{seconds(median(measured['processor']))}, bare {seconds(median(measured['bare_processor']))}"
    )
    return Row(
        f"apply of {changes:,} changes over HTTP, journal included",
        seconds(median(ours)),
        f"{seconds(median(bare))} (bare httpx)",
        ratio,
        f"≤ {LONGEST} ×",
        None if small else ratio <= LONGEST,
        spread(ours, note),
    )


def _limited(changes: int, per_minute: int, measured: dict[str, Any], small: bool) -> Row:
    took, requests = measured["limited"], measured["requests"]
    # The least that the budget allows: the first minute's requests at once, then one for each that is a minute old.
    least = 60.0 * ((requests - 1) // per_minute)
    used = least / took if least else 1.0
    return Row(
        f"apply of {changes:,} changes within {per_minute:,} requests a minute",
        seconds(took),
        f"{seconds(least)} (what the budget allows)",
        took / least if least else 0.0,
        f"≥ {LEAST_USED:.0%} used",
        None if small else used >= LEAST_USED,
        f"one run; {requests} requests; {used:.0%} of the budget used",
    )


def _held(changes: int) -> tuple[Tenant, ...]:
    return tuple(tenants(sizes(changes), changed=Decimal(1)))


# -- the clients


def measure(changes: int, turns: int, per_minute: int, url: str, keys: str, folder: str) -> dict[str, Any]:
    """The seconds of both clients' runs, who goes first changing from turn to turn. Raises Failed where an apply leaves
    something undone.
    """
    held = _held(changes)
    announced: dict[str, str] = json.loads(keys)
    credentials = {name: announced[variable] for name, variable in NAMES.items()}
    declared = mappings(held, url)
    plan = _first(asyncio.run(_planned(declared, held, credentials)), changes)
    sent: list[httpx.Request] = []
    _apply(plan, declared, credentials, LIMITS, Path(folder) / "first.db", sent)
    control_client.reset_running(url)
    measured: dict[str, list[float]] = {"ours": [], "bare": [], "processor": [], "bare_processor": []}

    def ours(turn: int) -> None:
        state = Path(folder) / f"{turn}.db"
        _timed(measured["ours"], measured["processor"], lambda: _apply(plan, declared, credentials, LIMITS, state))

    def bare(turn: int) -> None:
        _timed(measured["bare"], measured["bare_processor"], lambda: asyncio.run(_bare(sent)))

    for turn in range(turns):
        for work in (ours, bare) if turn % 2 == 0 else (bare, ours):
            work(turn)
            control_client.reset_running(url)
    limits = replace(LIMITS, requests_per_minute=per_minute)
    started = time.perf_counter()
    _apply(plan, declared, credentials, limits, Path(folder) / "limited.db")
    return {**measured, "limited": time.perf_counter() - started, "requests": len(sent)}


def _first(plan: Plan, changes: int) -> Plan:
    if len(plan.changes) < changes or plan.findings:
        raise Failed(f"the plan has {len(plan.changes)} changes and {len(plan.findings)} findings")
    return sealed(replace(plan, changes=plan.changes[:changes]))


def _timed(times: list[float], processor: list[float], work: Any) -> None:
    started, used = time.perf_counter(), time.process_time()
    work()
    times.append(time.perf_counter() - started)
    processor.append(time.process_time() - used)


async def _planned(declared: Mappings, held: tuple[Tenant, ...], credentials: dict[str, str]) -> Plan:
    documents = {SOURCE: Documents(tuple(invoices(held)), PriceList(), False, (), ())}
    target = await open_target(declared.targets[TARGET], credentials)
    try:
        return await make_plan(declared, documents, _REQUEST, TARGET, target)
    finally:
        await target.close()


class _Noting(httpx.AsyncBaseTransport):
    """The usual transport, with a note of each request."""

    def __init__(self, sent: list[httpx.Request]) -> None:
        self._inner, self._sent = httpx.AsyncHTTPTransport(), sent

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._sent.append(httpx.Request(request.method, request.url, headers=request.headers, content=request.content))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _apply(
    plan: Plan,
    declared: Mappings,
    credentials: dict[str, str],
    limits: Limits,
    state: Path,
    sent: list[httpx.Request] | None = None,
) -> None:
    settings = replace(declared.targets[TARGET], limits=limits)

    async def applied() -> None:
        target = await open_target(settings, credentials, transport=None if sent is None else _Noting(sent))
        try:
            around = Surroundings(target, store, clock, limits)
            report = await apply_plan(plan, around, _nothing_changed)
        finally:
            await target.close()
        if report.ending is not Ending.DONE:
            raise Failed(f"the apply ended as {report.ending.value}")

    clock = SystemClock()
    with locked_store(f"sqlite:///{state}", "bench", datetime.now(UTC)) as store:
        asyncio.run(applied())


async def _nothing_changed() -> tuple[str, ...]:
    """The look before an apply costs what `noop-plan` measures; here it is left out on both sides."""
    return ()


async def _bare(sent: list[httpx.Request]) -> None:
    connections = LIMITS.concurrency
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    waiting: Iterator[httpx.Request] = iter(sent)
    async with httpx.AsyncClient(limits=limits, trust_env=False) as client:

        async def work() -> None:
            for request in waiting:
                answer = await client.send(request)
                answer.raise_for_status()
                answer.json()

        works: list[Coroutine[Any, Any, None]] = [work() for _ in range(connections)]
        await asyncio.gather(*works)


# -- terraform


def _terraform(resources: int, folder: Path) -> float | None:
    """The seconds of `terraform apply` of so many resources that do nothing; None where terraform is missing."""
    terraform = shutil.which("terraform")
    if terraform is None:
        return None
    text = f'resource "terraform_data" "record" {{\n  count = {resources}\n  input = count.index\n}}\n'
    (folder / "main.tf").write_text(text, encoding="utf-8")
    subprocess.run([terraform, "init", "-input=false"], cwd=folder, capture_output=True, check=True)
    started = time.perf_counter()
    command = [terraform, "apply", "-auto-approve", "-input=false"]
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return time.perf_counter() - started
