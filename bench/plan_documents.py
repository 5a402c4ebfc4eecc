"""How long a plan's document takes: writing it, reading it with its digest checked, showing it in each format; and the
whole process of `show --summary`.

Beside writing and reading stand the standard library's json on the same members, beside each format one line for each
change, which is the least that any list of them is; beside the process, an interpreter that imports click and ends.
"""

import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

from bench.alone import Failed, alone
from bench.figures import MIB, seconds, spread
from bench.generate import MONTH, sizes, tenants
from bench.generate_documents import invoices
from bench.generate_psa import SOURCE, TARGET, mappings, observation
from bench.planning import planned
from bench.table import Row
from reconciler.domain.plan import Plan
from reconciler.domain.price_list import PriceList
from reconciler.planning.gathered import Documents, Gathered, Request
from reconciler.planning.plan_file import read_plan, sealed, write_plan
from reconciler.render.plan_html import plan_html
from reconciler.render.plan_markdown import plan_markdown
from reconciler.render.plan_text import plan_lines

LONGEST, LONGEST_SUMMARY = 5.0, 0.5
_CHANGES, _RUNS, _STARTS = 50_000, 3, 9
_SMALL_CHANGES, _SMALL_RUNS, _SMALL_STARTS = 500, 1, 1
_LABELS = {
    "written": ("written as JSON, with its digest", "json.dumps"),
    "read": ("read, its digest checked", "json.loads"),
    "text": ("shown as text", "a line for each change"),
    "markdown": ("shown as Markdown", "a line for each change"),
    "html": ("shown as HTML", "a line for each change"),
}


def run(*, small: bool) -> list[Row]:
    """A row for each way, and one for the summary. The plan is made once, in the process that measures."""
    changes, turns, starts = (_SMALL_CHANGES, _SMALL_RUNS, _SMALL_STARTS) if small else (_CHANGES, _RUNS, _STARTS)
    script = Path(sys.executable).with_name("reconciler")
    if not script.exists():
        raise Failed(f"{script} is not there; install the project into this environment first")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder) / "large.plan.json"
        measured = alone("bench.plan_documents:measure", changes, turns, str(file))
        summary = _starts([str(script), "show", str(file), "--summary"], starts)
        bare = _starts([sys.executable, "-c", "import click"], starts)
    rows = [_row(name, changes, measured, small) for name in _LABELS]
    return [*rows, _summary_row(changes, summary, bare, small)]


def _row(name: str, changes: int, measured: dict[str, Any], small: bool) -> Row:
    label, alternative = _LABELS[name]
    ours, others = measured[name], median(measured[alternative])
    return Row(
        f"a plan of {changes:,} changes {label}",
        seconds(median(ours)),
        f"{seconds(others)} ({alternative})",
        median(ours) / others,
        f"≤ {LONGEST:.0f} s",
        None if small else median(ours) <= LONGEST,
        spread(ours, f"the file has {measured['bytes'] / MIB:.0f} MiB" if name == "written" else ""),
    )


def _summary_row(changes: int, ours: list[float], bare: list[float], small: bool) -> Row:
    return Row(
        f"show --summary of a plan of {changes:,} changes",
        seconds(median(ours)),
        f"{seconds(median(bare))} (import click)",
        median(ours) / median(bare),
        f"≤ {LONGEST_SUMMARY} s",
        None if small else median(ours) <= LONGEST_SUMMARY,
        spread(ours),
    )


def _starts(command: list[str], runs: int) -> list[float]:
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - started)
    return times


def measure(changes: int, turns: int, file: str) -> dict[str, Any]:
    """The seconds of each way in each turn, and the plan's document in the file. Raises Failed where what was read is
    not what was written.
    """
    plan = large_plan(changes)
    text = write_plan(plan)
    Path(file).write_text(text, encoding="utf-8")
    document = json.loads(text)
    works: dict[str, Callable[[], object]] = {
        "written": lambda: write_plan(plan),
        "json.dumps": lambda: json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False),
        "read": lambda: read_plan(text, file),
        "json.loads": lambda: json.loads(text),
        "text": lambda: "\n".join(plan_lines(plan, width=80, colour=False)),
        "markdown": lambda: plan_markdown(plan),
        "html": lambda: plan_html(plan),
        "a line for each change": lambda: "\n".join(_lines(plan)),
    }
    if read_plan(text, file) != plan:
        raise Failed("the plan that was read is not the one that was written")
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(turns):
        for name, work in works.items():
            gc.collect()
            started = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - started)
    return {**times, "bytes": len(text.encode())}


def large_plan(changes: int) -> Plan:
    """A sealed plan of exactly so many changes: the first ones of a month in which every subscription changed."""
    held = tuple(tenants(sizes(changes // 2 + 40), changed=Decimal(1)))
    gathered = Gathered(
        Request(MONTH, frozenset(), "2026-10-03T08:00:00Z", "bench"),
        mappings(held),
        {SOURCE: Documents(tuple(invoices(held)), PriceList(), False, (), ())},
        {},
        TARGET,
        observation(held),
    )
    plan = planned(gathered)
    if len(plan.changes) < changes or plan.findings:
        raise Failed(f"the plan has {len(plan.changes)} changes and {len(plan.findings)} findings")
    return sealed(replace(plan, changes=plan.changes[:changes]))


def _lines(plan: Plan) -> Iterator[str]:
    for change in plan.changes:
        yield f"{change.action.value} {change.address} {change.customer} {change.after or change.before}"
