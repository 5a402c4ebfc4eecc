"""How long a reconciliation file takes from disk to seats by day, beside csv.reader and polars on the same file.

Both only divide it into cells: polars into columns of texts on all cores, with nothing checked, dated or added up.
"""

import csv
import gzip
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, TextIO

from bench.alone import Failed, alone, peak_memory
from bench.figures import MIB, seconds, spread
from bench.generate import Fate, Subscription, Tenant, sizes, tenants
from bench.generate_documents import write_reconciliation
from bench.table import Row
from reconciler.sources.documents import read_files
from reconciler.sources.seats import seat_timelines

MOST_MEMORY = 1536 * MIB
_PLAIN, _PACKED = "csv", "csv.gz"


@dataclass(frozen=True, slots=True)
class _Size:
    """A file to read: so many rows, in each of the forms, so many times; and the most seconds that it may take."""

    rows: int
    forms: tuple[str, ...]
    runs: int
    longest: float


_SIZES = (_Size(100_000, (_PLAIN,), 5, 2.5), _Size(1_000_000, (_PLAIN, _PACKED), 1, 25.0))
_SMALL_SIZES = (_Size(1_000, (_PLAIN, _PACKED), 1, 25.0),)
_ROWS_OF = {Fate.SAME: 1, Fate.BOUGHT: 1, Fate.ENDED: 0, Fate.RAISED: 3, Fate.LOWERED: 3}


def run(*, small: bool) -> list[Row]:
    """A row for each file. Each run reads it in a process of its own, first with one reader, then with the other."""
    return [row for size in (_SMALL_SIZES if small else _SIZES) for row in _rows(size, small=small)]


def _rows(size: _Size, *, small: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for form in size.forms:
            file = Path(folder) / f"2026-09-partner-center.{form}"
            written = alone("bench.reading:write", size.rows, str(file))
            runs = [alone("bench.reading:measure", size.rows, str(file)) for _ in range(size.runs)]
            for run in runs:
                if (found := {name: run[name] for name in written}) != written:
                    raise Failed(f"the file holds {written}, and what was read is {found}")
            yield _row(size, file, runs, small=small)
            if find_spec("polars"):
                others = [alone("bench.reading:by_polars", size.rows, str(file)) for _ in range(size.runs)]
                yield _beside_polars(size, file, runs, others)
            else:
                print("polars is not installed here, so nothing is read with it (make bench does)", file=sys.stderr)
            file.unlink()


def _row(size: _Size, file: Path, runs: list[dict[str, Any]], *, small: bool) -> Row:
    ours, plain = [run["seconds"] for run in runs], median(run["csv_seconds"] for run in runs)
    processor = seconds(median(run["processor_seconds"] for run in runs))
    peak = max(run["peak"] for run in runs)
    form = "gzip, " if file.suffix == ".gz" else ""
    return Row(
        f"reading a reconciliation of {size.rows:,} rows ({form}{file.stat().st_size / MIB:.0f} MiB)",
        seconds(median(ours)),
        f"{seconds(plain)} (csv.reader)",
        median(ours) / plain,
        f"≤ {size.longest:g} s",
        None if small else median(ours) <= size.longest and peak <= MOST_MEMORY,
        spread(ours, f"processor time {processor}; memory of the process {peak / MIB:.0f} MiB, and 1536 are allowed"),
    )


def _beside_polars(size: _Size, file: Path, runs: list[dict[str, Any]], others: list[dict[str, Any]]) -> Row:
    ours, theirs = median(run["seconds"] for run in runs), [run["seconds"] for run in others]
    processor = seconds(median(run["processor_seconds"] for run in others))
    peak = max(run["peak"] for run in others)
    return Row(
        f"reading {size.rows:,} rows{' (gzip)' if file.suffix == '.gz' else ''}, beside polars",
        seconds(ours),
        f"{seconds(median(theirs))} (polars)",
        ours / median(theirs),
        "none",
        None,
        spread(theirs, f"of polars; processor time {processor}; memory of the process {peak / MIB:.0f} MiB"),
    )


def write(rows: int, path: str) -> dict[str, int]:
    """Writes the file, packed where its name ends in `.gz`; returns what it holds: subscriptions, and seats at the end
    of their cycles.
    """
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
    file = Path(path)
    written = file.with_suffix("") if file.suffix == ".gz" else file
    write_reconciliation(held, written)
    if written != file:
        file.write_bytes(gzip.compress(written.read_bytes(), 6))
        written.unlink()
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
    with _text(file) as text:
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


def by_polars(rows: int, path: str) -> dict[str, Any]:
    """One run of polars on the same file, every column as text. Raises Failed where it finds other rows."""
    import polars  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 -- in a process of its own, if at all

    started, processor = time.perf_counter(), time.process_time()
    frame = polars.read_csv(path, infer_schema=False)
    taken, processor = time.perf_counter() - started, time.process_time() - processor
    if frame.height != rows:
        raise Failed(f"polars found {frame.height} rows and not {rows}")
    return {"seconds": taken, "processor_seconds": processor, "peak": peak_memory()}


def _text(file: Path) -> TextIO:
    """The file as text, unpacked where it is packed."""
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8-sig", newline="")
    return file.open(encoding="utf-8-sig", newline="")
