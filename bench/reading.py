"""How long a reconciliation file takes from disk to seats by day, beside csv.reader alone on the same file."""

import csv
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from bench.alone import Failed, alone, peak_memory
from bench.figures import MIB, seconds, spread
from bench.generate import Fate, Subscription, Tenant, sizes, tenants
from bench.generate_documents import write_reconciliation
from bench.table import Row
from reconciler.sources.documents import read_files
from reconciler.sources.seats import seat_timelines

LONGEST = 6.0
_ROWS, _RUNS = 100_000, 5
_SMALL_ROWS, _SMALL_RUNS = 1_000, 1
_ROWS_OF = {Fate.SAME: 1, Fate.BOUGHT: 1, Fate.ENDED: 0, Fate.RAISED: 3, Fate.LOWERED: 3}


def run(*, small: bool) -> list[Row]:
    """The row. Each run reads the file twice in a process of its own, first with one reader, then with the other."""
    rows, turns = (_SMALL_ROWS, _SMALL_RUNS) if small else (_ROWS, _RUNS)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder) / "2026-09-partner-center.csv"
        written = alone("bench.reading:write", rows, str(file))
        size = file.stat().st_size
        runs = [alone("bench.reading:measure", rows, str(file)) for _ in range(turns)]
    for run in runs:
        if (found := {name: run[name] for name in written}) != written:
            raise Failed(f"the file holds {written}, and what was read is {found}")
    ours, plain = [run["seconds"] for run in runs], median(run["csv_seconds"] for run in runs)
    processor = seconds(median(run["processor_seconds"] for run in runs))
    peak = median(run["peak"] for run in runs) / MIB
    return [
        Row(
            f"reading a reconciliation of {rows:,} rows ({size / MIB:.0f} MiB)",
            seconds(median(ours)),
            f"{seconds(plain)} (csv.reader)",
            median(ours) / plain,
            f"≤ {LONGEST:.0f} s",
            None if small else median(ours) <= LONGEST,
            spread(ours, f"processor time {processor}; memory of the process {peak:.0f} MiB at most"),
        )
    ]


def write(rows: int, path: str) -> dict[str, int]:
    """Writes the file; returns what it holds: subscriptions, and seats at the end of their cycles."""
    held: list[Tenant] = []
    left = rows
    for tenant in tenants(sizes(rows + rows // 10)):
        kept: list[Subscription] = []
        for subscription in tenant.subscriptions:
            # A change is written whole or not at all: half of one would be another number of seats.
            if _ROWS_OF[subscription.fate] <= left:
                kept.append(subscription)
                left -= _ROWS_OF[subscription.fate]
        held.append(replace(tenant, subscriptions=tuple(kept)))
    if left:
        raise Failed(f"the customers do not fill a file of {rows} rows: {left} are left")
    write_reconciliation(held, Path(path))
    charged = [s for tenant in held for s in tenant.subscriptions if s.fate is not Fate.ENDED]
    return {"subscriptions": len(charged), "seats": sum(s.seats_after for s in charged)}


def measure(rows: int, path: str) -> dict[str, Any]:
    """One run: seconds of both readers, and what was read. Raises Failed where a row was not taken as it is."""
    file = Path(path)
    started, processor = time.perf_counter(), time.process_time()
    reading = read_files([file])
    timelines = seat_timelines(reading.invoices)
    ours, processor = time.perf_counter() - started, time.process_time() - processor
    peak = peak_memory()
    lines = sum(len(invoice.lines) for invoice in reading.invoices)
    if reading.findings or lines != rows:
        said = reading.findings[0].message if reading.findings else "nothing is said about it"
        raise Failed(f"of {rows} rows {lines} were read, with {len(reading.findings)} findings: {said}")
    started = time.perf_counter()
    with file.open(encoding="utf-8-sig", newline="") as text:
        counted = sum(1 for _ in csv.reader(text))
    plain = time.perf_counter() - started
    if counted != rows + 1:
        raise Failed(f"csv.reader found {counted} rows and not {rows} with a header")
    closing = sum(timeline.steps[-2][1] for timeline in timelines.values())
    return {
        "seconds": ours,
        "processor_seconds": processor,
        "csv_seconds": plain,
        "peak": peak,
        "subscriptions": len(timelines),
        "seats": int(closing),
    }
