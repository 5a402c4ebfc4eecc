"""What a run of the torture tests has really done: counted by the tests themselves, shown when all have ended.

A test counts under a figure's name while it goes (`Tally.count`). Counts travel with its report, also from another
process; the table adds them up. A figure holds when none of the tests that counted for it failed. A test that counts
nothing is a row of its own, with how often it ran.
"""

import os
import platform
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

_FIGURE, _MISTAKE = "figure", "mistake"


@dataclass(frozen=True, slots=True)
class Tally:
    """Takes what one test has counted."""

    properties: list[tuple[str, object]]

    def count(self, figure: str, **counts: int) -> None:
        """So many of each were tried or seen for a figure (`F2 hostile schedules`). Underscores are shown as spaces."""
        self.properties.append((_FIGURE, [figure, counts]))

    def counting(self, figure: str, counts: dict[str, int]) -> dict[str, int]:
        """The same, for counts that go on rising until the test ends."""
        self.properties.append((_FIGURE, [figure, counts]))
        return counts

    def found(self, mistake: str, schedule: int, seed: int, what: str) -> None:
        """The n-th schedule, that of `seed`, was the first to show a mistake that was put in; `what` it showed."""
        self.properties.append((_MISTAKE, [mistake, schedule, seed, what]))


@dataclass
class Figure:
    """One row: what was counted in all, by how many tests, of which how many failed, and their seconds in sum."""

    counts: Counter[str] = field(default_factory=Counter)
    tests: int = 0
    failed: int = 0
    seconds: float = 0.0

    def size(self) -> str:
        """The counts in words, as the test named them."""
        if not self.counts:
            return f"{self.tests:,} case{'s' if self.tests != 1 else ''}"
        return ", ".join(
            f"{count:,} {name.replace('_', ' ')}" for name, count in self.counts.items() if count or name == "hits"
        )

    def result(self) -> str:
        """Whether every promise held."""
        return "held" if not self.failed else f"FAILED in {self.failed} of {self.tests}"


def figures(reports: Iterable[pytest.TestReport]) -> dict[str, Figure]:
    """The rows in the order of their names."""
    found: dict[str, Figure] = {}
    for report in reports:
        named: dict[str, Counter[str]] = {}
        for figure, counts in (value for name, value in report.user_properties if name == _FIGURE):
            named.setdefault(str(figure), Counter()).update(counts)
        named = named or {_own_name(report): Counter()}
        for name, counts in named.items():
            row = found.setdefault(name, Figure())
            row.counts.update(counts)
            row.tests += 1
            row.failed += not report.passed
            row.seconds += report.duration / len(named)
    return dict(sorted(found.items(), key=lambda pair: _order(pair[0])))


def counted(report: pytest.TestReport) -> bool:
    """Whether a test counted for a figure; so may one that stands elsewhere than among the torture tests."""
    return any(name == _FIGURE for name, _ in report.user_properties)


def _own_name(report: pytest.TestReport) -> str:
    return report.nodeid.split("::")[-1].split("[")[0].removeprefix("test_").replace("_", " ")


def _order(name: str) -> tuple[str, int, str]:
    number = name[1:].partition(" ")[0]
    return (name[0], int(number), name) if name[:1] in "FR" and number.isdigit() else ("Z", 0, name)


def mistakes(reports: Iterable[pytest.TestReport]) -> list[tuple[str, int, int, str]]:
    """The mistakes that were found: name, the how-manieth schedule showed it first, its seed, and what it showed."""
    rows = [value for report in reports for name, value in report.user_properties if name == _MISTAKE]
    return sorted((str(name), int(schedule), int(seed), str(what)) for name, schedule, seed, what in rows)


def page(reports: list[pytest.TestReport], *, release: bool, seconds: float, today: date) -> str:
    """The whole summary in Markdown: the day, the machine, the figures, and the mistakes that were put in."""
    sizes = "the sizes of a release" if release else "the small sizes of a push"
    failed = sum(not report.passed for report in reports)
    lines = [
        "# What the last torture run counted",
        "",
        f"Written by the run itself: {today}, {sizes}, {len(reports):,} tests, {failed} failed,",
        f"{seconds / 60:.1f} minutes on {os.cpu_count()} cores, {platform.machine()}, Python {sys.version.split()[0]}.",
        "",
        "| figure | counted in this run | result | seconds in sum |",
        "| --- | --- | --- | ---: |",
    ]
    lines += [
        f"| {name} | {row.size()} | {row.result()} | {row.seconds:,.1f} |" for name, row in figures(reports).items()
    ]
    caught = mistakes(reports)
    if caught:
        lines += [
            "",
            "## Mistakes that were put in, and the schedule that found each",
            "",
            "| mistake | schedule | seed | what it showed |",
            "| --- | ---: | ---: | --- |",
            *(f"| {name} | {schedule:,} | {seed} | {what} |" for name, schedule, seed, what in caught),
        ]
    return "\n".join(lines) + "\n"


def written(text: str, file: Path | None) -> None:
    """Keeps the summary, where a file is named for it."""
    if file is not None:
        file.write_text(text, encoding="utf-8")
