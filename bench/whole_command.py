"""How long `reconciler plan` takes as people run it: a new process, its mapping, a reconciliation file, a price list,
and the PSA over HTTP.

Beside it stands a process of its own too, which divides the same file by `csv.reader` and sends the same requests by a
bare client, and makes nothing of either. The other benchmarks measure parts; what only the whole does, they cannot see.
"""

import asyncio
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

from bench.alone import Failed, alone
from bench.figures import MIB, seconds, spread
from bench.generate import CURRENCY, MONTH, Tenant, offers, sizes_of_customers, tenants
from bench.generate_documents import write_reconciliation
from bench.generate_psa import TARGET, mappings, sandbox_seed
from bench.noop_plan import NAMES, bare, seed_text, serving
from bench.table import Row
from reconciler.sandbox import control_client
from reconciler.targets.connectwise.client import ACCEPT, Keys

_CUSTOMERS, _RUNS, _LONGEST = 1000, 3, 10.0
_SMALL_CUSTOMERS, _SMALL_RUNS = 12, 1
_FILE, _PRICES, _MAPPING, _PLAN = "reconciliation.csv", "prices.csv", "mappings.yaml", "plan.json"
_COMPANY = "training"


def run(*, small: bool) -> list[Row]:
    """One row: a thousand customers, nothing changed."""
    customers, turns = (_SMALL_CUSTOMERS, _SMALL_RUNS) if small else (_CUSTOMERS, _RUNS)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        written = alone("bench.whole_command:write", customers, folder)
        with serving(Path(folder) / "seed.yaml") as (url, keys):
            measured = alone("bench.whole_command:measure", turns, folder, url, json.dumps(keys))
    if measured["unchanged"] != written["subscriptions"]:
        raise Failed(f"{measured['unchanged']} of {written['subscriptions']} subscriptions are told as unchanged")
    ours, theirs = measured["ours"], measured["bare"]
    note = f"{written['subscriptions']:,} subscriptions, {measured['requests']} requests; the most memory that one held"
    return [
        Row(
            f"reconciler plan of {customers:,} customers, from their file and over HTTP",
            seconds(median(ours)),
            f"{seconds(median(theirs))} (csv.reader, bare httpx)",
            median(ours) / median(theirs),
            f"≤ {_LONGEST:g} s",
            None if small else median(ours) <= _LONGEST,
            spread(ours, f"{note} {measured['peak'] / MIB:.0f} MiB"),
        )
    ]


def write(customers: int, folder: str) -> dict[str, int]:
    """Writes the month's file, the price list and the sandbox's seed; returns how many subscriptions there are."""
    held = tuple(tenants(sizes_of_customers(customers), changed=Decimal(0)))
    write_reconciliation(held, Path(folder) / _FILE)
    with (Path(folder) / _PRICES).open("w", encoding="utf-8", newline="") as file:
        prices = csv.writer(file)
        prices.writerow(["sku", "name", "unit_cost", "unit_price", "currency", "term", "billing", "from", "to"])
        for offer in offers():
            term = (CURRENCY, offer.term, "monthly", MONTH.first, "")
            prices.writerow((offer.number, offer.name, offer.cost, offer.price, *term))
    (Path(folder) / "seed.yaml").write_text(seed_text(sandbox_seed(held)), encoding="utf-8")
    (Path(folder) / "customers.json").write_text(json.dumps(list(_customers(held))), encoding="utf-8")
    return {"subscriptions": sum(len(tenant.subscriptions) for tenant in held)}


def _customers(held: tuple[Tenant, ...]) -> Iterator[dict[str, Any]]:
    for customer in mappings(held).customers:
        ((motion, ref),) = customer.agreements.items()
        named = {"name": customer.name, "tenant": customer.tenant, "company": ref.company}
        yield named | {"agreements": {motion.value: ref.name}}


def _mapping(folder: Path, url: str) -> str:
    """The mapping as JSON, which YAML takes."""
    target = {"type": "connectwise", "url": url, "company": _COMPANY}
    target |= {name: f"${{{variable}}}" for name, variable in NAMES.items()}
    limits = {"requests_per_minute": 1_000_000, "concurrency": 8}
    return json.dumps(
        {
            "version": 1,
            "sources": {"distributor": {"type": "files", "invoices": [_FILE], "price_list": _PRICES}},
            "targets": {TARGET: {**target, "limits": limits}},
            "programs": {"csp": {"source": "distributor", "target": TARGET, "motions": ["seat-monthly"]}},
            "customers": json.loads((folder / "customers.json").read_text(encoding="utf-8")),
        },
        indent=1,
    )


def measure(turns: int, folder: str, url: str, keys: str) -> dict[str, Any]:
    """The seconds of both processes' runs, in turns. Raises Failed where the command does not end with 0."""
    announced: dict[str, str] = json.loads(keys)
    place = Path(folder)
    (place / _MAPPING).write_text(_mapping(place, url), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("reconciler")), "--file", str(place / _MAPPING), "plan"]
    ours = [*command, "--month", str(MONTH), "--out", str(place / _PLAN)]
    control_client.reset_running(url)
    _run(ours, place, announced)
    asked = control_client.get(url, "requests")["requests"]
    targets = [f"{url}{r['path']}" + (f"?{r['query']}" if r["query"] else "") for r in asked]
    (place / "targets.json").write_text(json.dumps(targets), encoding="utf-8")
    theirs = [sys.executable, "-m", "bench.alone", "bench.whole_command:measure_bare", folder, keys]
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    for turn in range(turns):
        works = [("ours", ours), ("bare", theirs)]
        for name, work in works if turn % 2 == 0 else reversed(works):
            started = time.perf_counter()
            _run(work, Path.cwd(), announced)
            times[name].append(time.perf_counter() - started)
    summary = json.loads((place / _PLAN).read_text(encoding="utf-8"))["summary"]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {**times, "unchanged": summary["unchanged"], "requests": len(targets), "peak": peak}


def measure_bare(folder: str, keys: str) -> dict[str, int]:
    """What is beside it: the file divided into cells, and the same requests answered."""
    place, announced = Path(folder), json.loads(keys)
    with (place / _FILE).open(encoding="utf-8-sig", newline="") as file:
        rows = sum(1 for _ in csv.reader(file))
    credentials = Keys(**{name: announced[variable] for name, variable in NAMES.items()})
    targets = json.loads((place / "targets.json").read_text(encoding="utf-8"))
    asyncio.run(bare(targets, {"Accept": ACCEPT, **credentials.headers(_COMPANY)}))
    return {"rows": rows}


def _run(command: list[str], folder: Path, variables: dict[str, str]) -> None:
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env={**os.environ, **variables}
    )
    if run.returncode:
        raise Failed(f"{Path(command[0]).name} ended with {run.returncode}: {run.stderr.strip() or run.stdout.strip()}")
