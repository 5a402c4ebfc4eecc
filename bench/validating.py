"""How long `reconciler validate` takes on mappings of 1,000 and of 10,000 customers, three links each.

Beside it: PyYAML's C parser telling its events of the same file, with nothing made of them.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.alone import Failed, alone
from bench.figures import seconds, spread
from bench.generate_mapping import write_mapping
from bench.table import Row

GOALS = {1_000: 0.5, 10_000: 4.0}
_RUNS, _SMALL_RUNS = 7, 1
_SMALL = 50


def run(*, small: bool) -> list[Row]:
    """A row for each size; the whole process is measured, start included."""
    return [_row(_SMALL if small else customers, goal, small) for customers, goal in GOALS.items()]


def events(path: str) -> dict[str, float]:
    """How long the bare parser takes, for `bench.alone`."""
    import yaml  # noqa: PLC0415 -- in the process of its own alone

    text = Path(path).read_text(encoding="utf-8")
    started = time.perf_counter()
    count = sum(1 for _ in yaml.parse(text, Loader=yaml.CSafeLoader))
    return {"seconds": time.perf_counter() - started, "events": count}


def _row(customers: int, goal: float, small: bool) -> Row:
    script = Path(sys.executable).with_name("reconciler")
    with tempfile.TemporaryDirectory() as folder:
        path = write_mapping(Path(folder), customers)
        ours: list[float] = []
        bare: list[float] = []
        for _ in range(_SMALL_RUNS if small else _RUNS):
            ours.append(_validated([str(script), "--file", str(path), "validate"], customers))
            bare.append(alone("bench.validating:events", str(path))["seconds"])
    taken = median(ours)
    return Row(
        f"validate of {customers:,} customers, {3 * customers:,} links",
        seconds(taken),
        f"{seconds(median(bare))} (yaml events)",
        taken / median(bare),
        f"≤ {goal:g} s",
        None if small else taken <= goal,
        spread(ours),
    )


def _validated(command: list[str], customers: int) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - started
    if f"{customers} customers" not in done.stdout:
        raise Failed(f"validate said: {(done.stderr or done.stdout).strip()[:200]}")
    return taken
