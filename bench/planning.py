"""How long the pure part of a plan takes, and how much memory: documents and the PSA's records are in memory already.

Beside it stands the least that any script does to find what changed: it adds seats up in two dictionaries, one of the
invoices' last day and one of the open records, and compares them. It knows no days, no money and no reasons.
"""

import gc
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

from bench.alone import Failed, alone, peak_memory
from bench.figures import MIB, seconds, spread
from bench.generate import CHANGED, MONTH, changed_of, sizes, tenants
from bench.generate_documents import invoices
from bench.generate_psa import SOURCE, TARGET, mappings, observation
from bench.table import Row
from reconciler.domain.invoice import Invoice
from reconciler.domain.plan import Plan
from reconciler.domain.price_list import PriceList, product_key
from reconciler.domain.records import Observation
from reconciler.planning.assembling import assemble
from reconciler.planning.gathered import Documents, Gathered, Request
from reconciler.planning.ledger import keep_ledger

MOST_GROWTH = 1.15
EACH_UNCHANGED = 15e-6


@dataclass(frozen=True, slots=True)
class _Size:
    """So many subscriptions, planned so often; the most seconds and bytes that it may take."""

    many: int
    runs: int
    longest: float
    most_memory: int


_FEW, _MANY, _MILLION = 10_000, _Size(100_000, 3, 4, 1024 * MIB), _Size(1_000_000, 1, 45, 4096 * MIB)
_MEMORY_OF_A_MILLION = 12 * 1024 * MIB
_SMALL_FEW, _SMALL_MANY = 200, _Size(2_000, 1, 4, 1024 * MIB)


def run_million(*, small: bool) -> list[Row]:
    """The rows of a million subscriptions, which take minutes to make and gigabytes to hold; none on a machine that
    has less.
    """
    few, size = (_SMALL_FEW, _SMALL_MANY) if small else (_FEW, _MILLION)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if not small and memory < _MEMORY_OF_A_MILLION:
        print(f"this machine has {memory / MIB:,.0f} MiB of memory, too little for a million", file=sys.stderr)
        return []
    of_few = [alone("bench.planning:measure", few) for _ in range(3)]
    of_million = [alone("bench.planning:measure", size.many) for _ in range(size.runs)]
    return [
        _time(size, of_million, small),
        _memory(size, of_million, small),
        _growth((size.many, of_million), (few, of_few), small),
    ]


def run(*, small: bool) -> list[Row]:
    """The rows for time (also of nothing changed), memory and growth. Few and many take turns, each run in a process
    of its own.
    """
    size, few = (_SMALL_MANY, _SMALL_FEW) if small else (_MANY, _FEW)
    of_many: list[dict[str, Any]] = []
    of_few: list[dict[str, Any]] = []
    of_same: list[dict[str, Any]] = []
    for _ in range(size.runs):
        # A small run is over in a second: three of them to one large one, for a like share of luck.
        of_few += [alone("bench.planning:measure", few) for _ in range(3)]
        of_many.append(alone("bench.planning:measure", size.many))
        of_same.append(alone("bench.planning:measure_unchanged", size.many))
    return [
        _time(size, of_many, small),
        _unchanged(size.many, of_same, small),
        _memory(size, of_many, small),
        _growth((size.many, of_many), (few, of_few), small),
    ]


def _time(size: _Size, runs: list[dict[str, Any]], small: bool) -> Row:
    ours, sums = [run["seconds"] for run in runs], median(run["sums_seconds"] for run in runs)
    return Row(
        f"planning {size.many:,} subscriptions, 5 % changed",
        seconds(median(ours)),
        f"{seconds(sums)} (sums in dictionaries)",
        median(ours) / sums,
        f"≤ {size.longest:g} s",
        None if small else median(ours) <= size.longest,
        spread(ours, f"processor time {seconds(median(run['processor_seconds'] for run in runs))}"),
    )


def _unchanged(many: int, runs: list[dict[str, Any]], small: bool) -> Row:
    each = [run["processor_seconds"] / many for run in runs]
    sums = median(run["sums_seconds"] for run in runs) / many
    return Row(
        f"processor time for each of {many:,} subscriptions, nothing changed",
        f"{median(each) * 1e6:.0f} µs",
        f"{sums * 1e6:.1f} µs (sums in dictionaries)",
        median(each) / sums,
        f"≤ {EACH_UNCHANGED * 1e6:.0f} µs",
        None if small else median(each) <= EACH_UNCHANGED,
        f"median of {len(runs)} runs, {min(each) * 1e6:.0f} to {max(each) * 1e6:.0f} µs",
    )


def _memory(size: _Size, runs: list[dict[str, Any]], small: bool) -> Row:
    peak, data = median(run["peak"] for run in runs), median(run["data"] for run in runs)
    least, most = min(run["peak"] for run in runs), max(run["peak"] for run in runs)
    return Row(
        f"memory of planning {size.many:,}, peak of the process",
        f"{peak / MIB:.0f} MiB",
        f"{data / MIB:.0f} MiB (the data alone)",
        peak / data,
        f"≤ {size.most_memory / MIB:.0f} MiB",
        None if small else peak <= size.most_memory,
        f"median of {len(runs)} runs, {least / MIB:.0f} to {most / MIB:.0f} MiB",
    )


def _growth(many: tuple[int, list[dict[str, Any]]], few: tuple[int, list[dict[str, Any]]], small: bool) -> Row:
    of_many, of_few = (median(run["processor_seconds"] for run in runs) / count for count, runs in (many, few))
    growth = of_many / of_few
    return Row(
        f"processor time for each of {many[0]:,} subscriptions",
        f"{of_many * 1e6:.0f} µs",
        f"{of_few * 1e6:.0f} µs (each of {few[0]:,})",
        growth,
        f"< {MOST_GROWTH} ×",
        None if small else growth < MOST_GROWTH,
        f"medians of {len(many[1])} and of {len(few[1])}",
    )


def measure(subscriptions: int) -> dict[str, Any]:
    """One run: seconds, processor seconds, bytes of the data alone and at the peak. Raises Failed for a wrong plan."""
    return _measured(subscriptions, CHANGED)


def measure_unchanged(subscriptions: int) -> dict[str, Any]:
    """As `measure`, where every subscription stands as it was charged."""
    return _measured(subscriptions, Decimal(0))


def _measured(subscriptions: int, share: Decimal) -> dict[str, Any]:
    gathered, changed = measured_input(subscriptions, share)
    data = peak_memory()
    started, processor = time.perf_counter(), time.process_time()
    plan = planned(gathered)
    measured = {
        "seconds": time.perf_counter() - started,
        "processor_seconds": time.process_time() - processor,
        "data": data,
        "peak": peak_memory(),
    }
    check_plan(plan, subscriptions, changed)
    started = time.perf_counter()
    found = differing(gathered.documents[SOURCE].invoices, gathered.observation)
    measured["sums_seconds"] = time.perf_counter() - started
    if found != changed:
        raise Failed(f"the sums found {found} changed subscriptions, and {changed} are")
    return measured


def measured_input(subscriptions: int, share: Decimal = CHANGED) -> tuple[Gathered, int]:
    """Everything in memory, and how many subscriptions changed. As after reading files, which the collector of cycles
    does not watch: it is off meanwhile, and finds everything still to be looked at. `share` of them changed.
    """
    gc.disable()
    held = tuple(tenants(sizes(subscriptions), changed=share))
    gathered = Gathered(
        Request(MONTH, frozenset(), "2026-10-03T08:00:00Z", "bench"),
        mappings(held),
        {SOURCE: Documents(tuple(invoices(held)), PriceList(), False, (), ())},
        {},
        TARGET,
        observation(held),
    )
    changed = changed_of(held)
    gc.enable()
    return gathered, changed


def planned(gathered: Gathered) -> Plan:
    """The plan of what was gathered, its ledgers kept on the way."""
    for name, documents in gathered.documents.items():
        gathered.ledgers[name] = keep_ledger(documents.invoices, gathered.request.month)
    return assemble(gathered)


def check_plan(plan: Plan, subscriptions: int, changed: int) -> None:
    """Raises Failed unless the plan changes exactly the changed subscriptions and finds nothing wrong."""
    touched = {change.subscription for change in plan.changes}
    found = (len(touched), plan.unchanged, len(plan.findings))
    if changed != int(subscriptions * CHANGED) and changed:
        raise Failed(f"{changed} of {subscriptions} subscriptions changed, and {CHANGED} of them should have")
    if found != (changed, subscriptions - changed, 0):
        raise Failed(
            f"the plan is not what the data says: {found[0]} subscriptions change and {found[1]} do not, with "
            f"{found[2]} findings; {changed} of {subscriptions} did change"
        )


def differing(invoices: Iterable[Invoice], seen: Observation) -> int:
    """How many subscriptions have other seats on the month's last day than their open records."""
    keys = {product.id: product.vendor_sku for product in seen.products}
    seats: dict[tuple[str, str], Decimal] = {}
    for invoice in invoices:
        for line in invoice.lines:
            if line.span and line.span.first <= MONTH.last <= line.span.last:
                key = (line.subscription, product_key(line.sku, line.term, line.billing))
                seats[key] = seats.get(key, Decimal(0)) + line.quantity
    for records in seen.additions.values():
        for record in records:
            sku = keys.get(record.product_id)
            if sku and record.serial_number and record.cancelled is None:
                key = (record.serial_number, sku)
                seats[key] = seats.get(key, Decimal(0)) - record.quantity
    return sum(bool(difference) for difference in seats.values())
