"""How long a plan over HTTP takes that changes nothing, beside the same requests sent by a bare client.

The bare client is one httpx.AsyncClient with as many tasks as the plan may have requests under way; it sends what the
sandbox logged of the plan, in that order and with the plan's headers, and reads each answer's JSON with exact decimals.
It waits for nothing: that a plan cannot ask for an agreement's additions before it knows the agreement counts as ours.
"""

import asyncio
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from bench.alone import Failed, alone
from bench.figures import seconds, spread
from bench.generate import MONTH, Tenant, sizes_of_customers, tenants
from bench.generate_documents import invoices
from bench.generate_psa import LIMITS, SOURCE, TARGET, mappings, observation, sandbox_seed
from bench.planning import check_plan, planned
from bench.table import Row
from reconciler.cli.running import finished
from reconciler.domain.mapping import Mappings
from reconciler.domain.plan import Plan
from reconciler.domain.price_list import PriceList
from reconciler.planning.gathered import Documents, Gathered, Request
from reconciler.planning.making import make_plan
from reconciler.sandbox import control_client, exact_json
from reconciler.targets.connectwise.client import ACCEPT, Keys
from reconciler.targets.opening import open_target

GOAL, CLOSER_GOAL = 1.5, 1.25
FEW, MANY = 3.0, 8.0
"""Subscriptions of a middling customer: of a small one, and the figure that the other benchmarks assume."""
_AGREEMENTS, _RUNS = 500, 7
_OTHERS = (1, 100, 1000)
"""Agreements of the further rows, of small customers: what a plan costs by itself, and how it grows."""
_SMALL_AGREEMENTS, _SMALL_RUNS = 12, 2
NAMES = {
    "client_id": "CONNECTWISE_CLIENT_ID",
    "public_key": "CONNECTWISE_PUBLIC_KEY",
    "private_key": "CONNECTWISE_PRIVATE_KEY",
}
_REQUEST = Request(MONTH, frozenset(), "2026-10-03T08:00:00Z", "bench")


def run(*, small: bool) -> list[Row]:
    """Two rows: for small customers, as most are, and for large ones, where planning itself weighs more; then small
    customers, fewer and more of them. The sandbox is one process, both clients in turn are another.
    """
    if small:
        return [_row(_SMALL_AGREEMENTS, size, _SMALL_RUNS, GOAL, small) for size in (FEW, MANY)]
    rows = [_row(_AGREEMENTS, FEW, _RUNS, GOAL, small), _row(_AGREEMENTS, MANY, _RUNS, None, small)]
    return rows + [_row(agreements, FEW, _RUNS, CLOSER_GOAL, small) for agreements in _OTHERS]


def _row(agreements: int, median_size: float, turns: int, goal: float | None, small: bool) -> Row:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        seed = Path(folder) / "seed.yaml"
        seed.write_text(seed_text(sandbox_seed(tuple(_tenants(agreements, median_size)))), encoding="utf-8")
        with serving(seed) as (url, keys):
            measured = alone("bench.noop_plan:measure", agreements, median_size, turns, url, json.dumps(keys))
    ours, bare = measured["ours"], measured["bare"]
    ratio = median(ours) / median(bare)
    pure = (
        f"the pure part by itself, of {measured['subscriptions']:,} subscriptions, {seconds(median(measured['pure']))}"
    )
    return Row(
        f"plan without changes, {agreements:,} agreements of about {median_size:.0f} over HTTP",
        seconds(median(ours)),
        f"{seconds(median(bare))} (bare httpx)",
        ratio,
        f"≤ {goal} ×" if goal else "none",
        ratio <= goal if goal and not small else None,
        spread(ours, f"{pure}; {measured['requests']} requests, {LIMITS.concurrency} at once"),
    )


def _tenants(agreements: int, median_size: float) -> Iterator[Tenant]:
    return tenants(sizes_of_customers(agreements, median_size), changed=Decimal(0))


# -- the sandbox


def seed_text(seed: dict[str, Any]) -> str:
    """The seed as JSON, which YAML takes: days and decimals are written as they are."""
    return exact_json.dumps(_days_as_text(seed))


def _days_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _days_as_text(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_days_as_text(member) for member in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


@contextlib.contextmanager
def serving(seed: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A sandbox of its own process: its address, and the credentials that it announces."""
    command = [str(Path(sys.executable).with_name("reconciler")), "sandbox", "serve"]
    environment = {name: value for name, value in os.environ.items() if name not in NAMES.values()}
    server = subprocess.Popen(
        [*command, "--port", str(_free_port()), "--seed", str(seed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    try:
        yield _announced(server)
    finally:
        server.terminate()
        server.communicate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _announced(server: subprocess.Popen[str]) -> tuple[str, dict[str, str]]:
    keys: dict[str, str] = {}
    said = ""
    for line in server.stdout or ():
        said = line.strip()
        if found := re.fullmatch(r"serving on (http://\S+)", said):
            return found[1], keys
        name, _, value = said.partition("=")
        keys[name] = value
    raise Failed(f"the sandbox did not start: {said or 'no word'}")


# -- the clients


def measure(agreements: int, median_size: float, turns: int, url: str, keys: str) -> dict[str, Any]:
    """The seconds of both clients' runs, who goes first changing from turn to turn, and of the plan's pure part by
    itself; one run of each client before counts for nothing. Raises Failed for a plan with changes or findings.
    """
    held = tuple(_tenants(agreements, float(median_size)))
    announced: dict[str, str] = json.loads(keys)
    credentials = {name: announced[variable] for name, variable in NAMES.items()}
    declared = mappings(held, url)
    documents = {SOURCE: Documents(tuple(invoices(held)), PriceList(), False, (), ())}
    count = sum(len(tenant.subscriptions) for tenant in held)

    def plan() -> None:
        check_plan(finished(_planned(declared, documents, credentials)), count, 0)

    plan()
    asked = control_client.get(url, "requests")["requests"]
    wrong = [request for request in asked if request["method"] != "GET" or request["status"] != 200]
    if wrong or not asked:
        raise Failed(f"a plan only reads, and the sandbox logged {wrong[:1]}")
    targets = [f"{url}{r['path']}" + (f"?{r['query']}" if r["query"] else "") for r in asked]
    company = declared.targets[TARGET].company
    headers = {"Accept": ACCEPT, **Keys(**credentials).headers(company)}

    def sent() -> None:
        asyncio.run(bare(targets, headers))

    seen = Gathered(_REQUEST, declared, documents, {}, TARGET, observation(held))

    def pure() -> None:
        check_plan(planned(seen), count, 0)

    sent()
    times: dict[str, list[float]] = {"ours": [], "bare": [], "pure": []}
    works: Sequence[tuple[str, Callable[[], None]]] = (("ours", plan), ("pure", pure), ("bare", sent))
    for turn in range(turns):
        for name, work in works if turn % 2 == 0 else reversed(works):
            started = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - started)
    return {**times, "requests": len(targets), "subscriptions": count}


async def _planned(mappings: Mappings, documents: dict[str, Documents], credentials: dict[str, str]) -> Plan:
    target = await open_target(mappings.targets[TARGET], credentials)
    try:
        return await make_plan(mappings, documents, _REQUEST, TARGET, target)
    finally:
        await target.close()


async def bare(targets: Sequence[str], headers: dict[str, str]) -> None:
    """Sends GET requests by a bare client, so many at once as a plan does, and reads the JSON of their answers."""
    connections = LIMITS.concurrency
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    waiting = iter(targets)
    answers: list[Any] = []
    async with httpx.AsyncClient(headers=headers, limits=limits, trust_env=False) as client:

        async def work() -> None:
            for target in waiting:
                answer = await client.get(target)
                answer.raise_for_status()
                answers.append(json.loads(answer.content, parse_float=Decimal))

        works: list[Coroutine[Any, Any, None]] = [work() for _ in range(connections)]
        await asyncio.gather(*works)
