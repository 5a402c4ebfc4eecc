"""How long `--help`, `--version` and `validate` of the demo take, beside an interpreter that imports click and ends."""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from bench.alone import Failed
from bench.figures import seconds, spread
from bench.table import Row

GOAL_ABOVE = 0.030
"""Seconds above the bare interpreter."""
_ROOT = Path(__file__).parents[1]
_RUNS, _SMALL_RUNS = 21, 3


def run(*, small: bool) -> list[Row]:
    """A row for each. The commands take turns, so that a busy moment strikes each of them."""
    script = Path(sys.executable).with_name("reconciler")
    if not script.exists():
        raise Failed(f"{script} is not there; install the project into this environment first")
    commands = {
        "click": [sys.executable, "-c", "import click"],
        "--help": [str(script), "--help"],
        "--version": [str(script), "--version"],
        "validate": [str(script), "--file", str(_ROOT / "mappings.yaml"), "validate"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    names = list(commands)
    for command in commands.values():
        _timed(command)
    for turn in range(_SMALL_RUNS if small else _RUNS):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            times[name].append(_timed(commands[name]))
    return [_row(option, times[option], times["click"], small) for option in names[1:]]


def _timed(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def _row(option: str, ours: list[float], click: list[float], small: bool) -> Row:
    ratio, above = median(ours) / median(click), median(ours) - median(click)
    return Row(
        f"reconciler {option}",
        seconds(median(ours)),
        f"{seconds(median(click))} (import click)",
        ratio,
        f"≤ {seconds(GOAL_ABOVE)} more",
        None if small else above <= GOAL_ABOVE,
        spread(ours, f"{seconds(above)} more"),
    )
