"""The table that is printed: what was measured, beside what it is compared to."""

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

_HEADINGS = ("measured", "ours", "alternative", "ratio", "goal", "met")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `ours` and `alternative` with their units; `met` None: too small a run to judge.

    `runs` tells from how many runs the figure is the median, and between which values they lay.
    """

    measured: str
    ours: str
    alternative: str
    ratio: float
    goal: str
    met: bool | None
    runs: str

    def cells(self) -> tuple[str, ...]:
        """The line's texts, in the order of the headings."""
        verdict = {True: "yes", False: "NO", None: "not judged"}[self.met]
        return (self.measured, self.ours, self.alternative, f"{self.ratio:.2f}", self.goal, verdict)


def heading(today: date) -> str:
    """The machine and the day: a figure says nothing without them."""
    load = os.getloadavg()[0]
    return (
        f"{today}; {os.cpu_count()} cores, {_processor()}; {platform.python_implementation()} "
        f"{platform.python_version()}, {platform.system()}; load {load:.1f} at the start"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table with aligned columns, and under it the spread of each figure's runs."""
    texts = [_HEADINGS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    lines = [_aligned(cells, widths) for cells in texts]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join([*lines, "", *_runs(rows)])


def _aligned(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def _runs(rows: Iterable[Row]) -> list[str]:
    return [f"- {row.measured}: {row.runs}" for row in rows]
