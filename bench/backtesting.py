"""How long a backtest of a year takes, by how much the state grows in that year, and how long keeping a plan takes.

A year of months is planned one after the other, each upon what the plan before left, and kept as `plan` keeps it.
Beside the backtest stands the time for the year's plans themselves; beside the state, the year's documents, each
compressed by gzip; beside the keeping of one large plan, the reading of its document and the planning.
"""

import csv
import gzip
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from bench.alone import Failed, alone, peak_memory
from bench.figures import MIB, seconds, spread
from bench.generate import CURRENCY, SEED, Offer, Tenant, sizes, tenants
from bench.generate_psa import TARGET, observation
from bench.table import Row
from reconciler.config.loading import load
from reconciler.config.overriding import Setting
from reconciler.domain.days import Month
from reconciler.domain.plan import Plan
from reconciler.planning.assembling import assemble
from reconciler.planning.backtesting import Trial, backtest, months_kept
from reconciler.planning.gathered import Gathered, Request
from reconciler.planning.keeping import files_read, to_keep
from reconciler.planning.making import gather, read_sources
from reconciler.planning.replaying import Reader
from reconciler.planning.simulating import Chain, found_by, left_by
from reconciler.store.database import Store, open_store
from reconciler.store.history import plan_record, record_run
from reconciler.store.kept import Contents, keep, kept_requests, kept_run

LONGEST, MOST_GROWTH = 60.0, 1.2
_YEAR, _SMALL_YEAR, _MANY, _SMALL_MANY = 10_000, 200, 100_000, 1_000
_MONTHS, _SMALL_MONTHS = 12, 3
_FIRST = Month(2026, 5)
_CHANGED = 0.05
_NOW = datetime(2026, 10, 3, 8, tzinfo=UTC)
_COLUMNS = tuple(
    """
    invoice issued period.from period.to currency kind customer.tenant customer.name line motion subscription sku
    description charge quantity from to unit_cost unit_price amount term billing
    """.split()  # noqa: SIM905 -- 22 names read better as they stand in a header
)
_MAPPING = """\
version: 1
sources: {distributor: {type: files, invoices: invoices/*, format: normalized}}
targets:
  psa:
    type: connectwise
    url: http://127.0.0.1:8765
    company: training
    client_id: ${CONNECTWISE_CLIENT_ID}
    public_key: ${CONNECTWISE_PUBLIC_KEY}
    private_key: ${CONNECTWISE_PRIVATE_KEY}
programs:
  microsoft-csp:
    source: distributor
    target: psa
    motions: [seat-monthly]
    guards: {max_changes: none, max_decrease_percent: none}
customers:
"""
_CUSTOMER = """\
  - {{name: {name}, tenant: {id}, company: Customer{number:05d}, agreements: {{seat-monthly: {name} Microsoft CSP}}}}
"""


def run(*, small: bool) -> list[Row]:
    """The rows. Each measurement runs in a process of its own."""
    year, many = (_SMALL_YEAR, _SMALL_MANY) if small else (_YEAR, _MANY)
    months = _SMALL_MONTHS if small else _MONTHS
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        kept = alone("bench.backtesting:keep_year", year, months, str(folder))
        runs = [alone("bench.backtesting:measure", months, str(folder)) for _ in range(1 if small else 3)]
        large = alone("bench.backtesting:keep_large", many, str(folder / "large"))
    finally:
        shutil.rmtree(folder)
    ours = [run["seconds"] for run in runs]
    processor = seconds(median(run["processor_seconds"] for run in runs))
    peak = max(run["peak"] for run in runs) / MIB
    overhead = large["keeping"] / (large["reading"] + large["planning"])
    grown = kept["state"] / kept["documents"]
    return [
        Row(
            f"backtest of {months} months, {year:,} subscriptions, one rule changed",
            seconds(median(ours)),
            f"{seconds(kept['planning'])} (the {months} plans once)",
            median(ours) / kept["planning"],
            f"≤ {LONGEST:.0f} s",
            None if small else median(ours) <= LONGEST,
            spread(ours, f"processor time {processor}; memory of the process {peak:.0f} MiB at most"),
        ),
        Row(
            f"the state after {months} kept months of {year:,} subscriptions",
            f"{kept['state'] / MIB:.2f} MiB",
            f"{kept['documents'] / MIB:.2f} MiB (the documents, gzip -6)",
            grown,
            f"≤ {MOST_GROWTH} ×",
            None if small else grown <= MOST_GROWTH,
            f"one run; after the first month {kept['first'] / kept['first_documents']:.2f} ×; "
            f"a plan that finds nothing new adds {kept['again'] / 1024:.0f} KiB",
        ),
        Row(
            f"keeping the first plan of {many:,} subscriptions",
            seconds(large["keeping"]),
            f"{seconds(large['reading'] + large['planning'])} (reading and planning it)",
            overhead,
            "≤ 0.5 ×",
            None if small else overhead <= 0.5,
            f"one run; keeping the same plan again {seconds(large['again'])}",
        ),
    ]


@dataclass(frozen=True, slots=True)
class _World:
    folder: Path
    held: tuple[Tenant, ...]

    @property
    def mapping(self) -> Path:
        return self.folder / "mappings.yaml"


def keep_year(subscriptions: int, months: int, folder: str) -> dict[str, Any]:
    """Plans and keeps a year; the seconds of planning, and the bytes of the state and of the documents."""
    world = _world(subscriptions, Path(folder))
    store = _store(world)
    empty = _bytes(store)
    chain, seen, month = Chain(), observation(world.held), _FIRST
    seats = {s.id: s.seats for tenant in world.held for s in tenant.subscriptions}
    planning, grown, documents = 0.0, [], [0]
    for number in range(months):
        file = _write_month(world, seats, month, Random(SEED + number))
        documents.append(documents[-1] + len(gzip.compress(file.read_bytes(), 6)))
        started = time.perf_counter()
        gathered = _gathered(world, month)
        gathered = replace(gathered, observation=found_by(chain, _invoiced(seen, month)))
        plan = assemble(gathered)
        planning += time.perf_counter() - started
        if plan.errors or not plan.changes:
            raise Failed(f"the plan of {month} is none: {plan.errors[:1]}, {len(plan.changes)} changes")
        chain = left_by(chain, gathered, plan)
        _keep(store, world, gathered, plan)
        grown.append(_bytes(store) - empty)
        month = month.following
    _keep(store, world, gathered, plan)
    again = _bytes(store) - empty - grown[-1]
    store.close()
    return {
        "planning": planning,
        "state": grown[-1],
        "documents": documents[-1],
        "first": grown[0],
        "first_documents": documents[1],
        "again": again,
    }


def measure(months: int, folder: str) -> dict[str, Any]:
    """One backtest over everything that was kept. Raises Failed where it is not what it must be."""
    started, processor = time.perf_counter(), time.process_time()
    store = open_store(f"sqlite:///{folder}/state.db", _NOW)
    reader = Reader(Contents(store), {})
    requests = {run: reader.request(run, members) for run, members in kept_requests(store).items()}

    def loaded(run: int) -> Any:
        return kept_run(store, run)

    trial = Trial((Setting("changes.decrease", "none"),), frozenset())
    result = backtest(months_kept(requests, months), trial, reader, loaded)
    elapsed, processor = time.perf_counter() - started, time.process_time() - processor
    store.close()
    totals = result.totals()
    if len(result.months) != months or len(totals) != 1 or totals[0].difference <= 0:
        raise Failed(f"{len(result.months)} months, and credits that are not given make a difference of {totals}")
    return {"seconds": elapsed, "processor_seconds": processor, "peak": peak_memory()}


def keep_large(subscriptions: int, folder: str) -> dict[str, Any]:
    """Reads, plans and keeps one large month, twice; the seconds of each."""
    world = _world(subscriptions, Path(folder))
    store = _store(world)
    seats = {s.id: s.seats for tenant in world.held for s in tenant.subscriptions}
    _write_month(world, seats, _FIRST, Random(SEED))
    started = time.perf_counter()
    gathered = _gathered(world, _FIRST)
    read = time.perf_counter()
    gathered = replace(gathered, observation=_invoiced(observation(world.held), _FIRST))
    begun = time.perf_counter()
    plan = assemble(gathered)
    planned = time.perf_counter()
    _keep(store, world, gathered, plan)
    kept = time.perf_counter()
    _keep(store, world, gathered, plan)
    again = time.perf_counter() - kept
    store.close()
    return {"reading": read - started, "planning": planned - begun, "keeping": kept - planned, "again": again}


def _world(subscriptions: int, folder: Path) -> _World:
    world = _World(folder, tuple(tenants(sizes(subscriptions))))
    (folder / "invoices").mkdir(parents=True)
    customers = "".join(_CUSTOMER.format(name=t.name, id=t.id, number=t.number) for t in world.held)
    world.mapping.write_text(_MAPPING + customers, encoding="utf-8")
    return world


def _store(world: _World) -> Store:
    return open_store(f"sqlite:///{world.folder}/state.db", _NOW)


def _gathered(world: _World, month: Month) -> Gathered:
    loaded = load(world.mapping, {})
    if loaded.mappings is None:
        raise Failed(f"the mapping has errors: {loaded.findings[0].message}")
    request = Request(month, frozenset(), "2026-10-03T08:00:00Z", "bench")
    return gather(loaded.mappings, read_sources(loaded.mappings), request, TARGET)


def _invoiced(seen: Any, month: Month) -> Any:
    """The same agreements, of which the month is the next to be invoiced."""
    agreements = {ref: replace(a, next_invoice=month.first) for ref, a in seen.agreements.items()}
    return replace(seen, agreements=agreements)


def _keep(store: Store, world: _World, gathered: Gathered, plan: Plan) -> None:
    run = record_run(store, plan_record(plan, _NOW, _NOW, "bench"))
    files = files_read(world.mapping, gathered)
    keep(store, to_keep(run, world.mapping, files, gathered, _NOW), files)


def _bytes(store: Store) -> int:
    with store.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())


def _write_month(world: _World, seats: dict[str, int], month: Month, random: Random) -> Path:
    """Writes a month's document, and leaves in `seats` what goes on from it."""
    file = world.folder / "invoices" / f"{month}.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        for tenant in world.held:
            writer.writerows(_rows(tenant, seats, month, random))
    return file


def _rows(tenant: Tenant, seats: dict[str, int], month: Month, random: Random) -> Iterator[Sequence[object]]:
    number = 0
    for s in tenant.subscriptions:
        number += 1
        yield _row(tenant, month, number, (s.id, s.offer), "cycle", (seats[s.id], 1))
        if random.random() < _CHANGED:
            step = random.choice((1, 2, 3)) if seats[s.id] < 4 or random.random() < 0.7 else -1
            number += 1
            charge = "add-quantity" if step > 0 else "remove-quantity"
            yield _row(tenant, month, number, (s.id, s.offer), charge, (step, random.randrange(2, 28)))
            seats[s.id] += step


def _row(
    tenant: Tenant, month: Month, number: int, sold: tuple[str, Offer], charge: str, moved: tuple[int, int]
) -> Sequence[object]:
    (subscription, offer), (quantity, day) = sold, moved
    first = month.first.replace(day=day)
    amount = (quantity * offer.cost * ((month.last - first).days + 1) / month.days).quantize(offer.cost)
    return (
        f"{month}-{tenant.number}",
        month.following.first,
        month.first,
        month.last,
        CURRENCY,
        "invoice",
        tenant.id,
        tenant.name,
        number,
        "seat-monthly",
        subscription,
        offer.number,
        offer.name,
        charge,
        quantity,
        first,
        month.last,
        offer.cost,
        offer.price,
        amount,
        offer.term,
        "monthly",
    )
