"""What a plan file's own summary says, for readers who do not need each change."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.domain.plan import Action, Impact


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """A plan without its changes and findings, as its file states it.

    `digest` is the one that the file names: whether the content matches it was **not** checked. `impact` holds the bill
    of every agreement and month; `counts` the changes by action; `unchanged` counts subscriptions.
    """

    month: str
    target: str
    created: str
    version: str
    digest: str
    counts: Mapping[Action, int]
    unchanged: int
    errors: int
    warnings: int
    impact: tuple[Impact, ...]
    refused_by: tuple[str, ...]
    documents: int
    lines: int
    months: tuple[str, ...] = ()
    undoes: int | None = None

    @property
    def planned_months(self) -> tuple[str, ...]:
        """The months that are planned, ascending; the newest of them is `month`."""
        return self.months or (self.month,)

    @property
    def period(self) -> str:
        """The planned months in words: `2026-09`, or `2026-07 to 2026-09`."""
        months = self.planned_months
        return months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"
