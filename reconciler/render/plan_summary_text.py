"""The summary of a plan file as text: what all customers are billed, how many records change, what refuses the plan."""

from collections.abc import Iterator

from reconciler.domain.plan_summary import PlanSummary
from reconciler.render.page import Page
from reconciler.render.plan_totals import totals_lines
from reconciler.render.safe_text import safe
from reconciler.render.terminal import Style, broken, painter, wrapped
from reconciler.render.wording import VERBS, counted, subject_of


def summary_lines(summary: PlanSummary, *, width: int, colour: bool) -> Iterator[str]:
    """The summary, line by line, no line wider than `width` cells, without line ends. It ends by saying that the digest
    was not checked.
    """
    page = Page(width, painter(colour=colour))
    title = f"{subject_of(summary)}: what would be written to {safe(summary.target)}"
    yield from (page.paint(line, Style.STRONG) for line in wrapped(safe(title), width))
    yield from totals_lines(summary, page)
    yield ""
    for guard in summary.refused_by:
        yield from (page.paint(line, Style.BAD) for line in wrapped(f"Refused by guard {safe(guard)}.", width))
    yield from (page.paint(line, Style.STRONG) for line in wrapped(_changes(summary), width))
    told = [f"{counted(summary.unchanged, 'subscription')} unchanged"]
    told += [counted(number, "error") for number in (summary.errors,) if number]
    told += [counted(number, "warning") for number in (summary.warnings,) if number]
    yield from wrapped(f"{', '.join(told)}.", width)
    rests = f"{counted(summary.documents, 'document')} with {counted(summary.lines, 'line')}"
    yield from wrapped(f"From {rests}; made {safe(summary.created)} by reconciler {safe(summary.version)}.", width)
    for piece in broken(f"digest {safe(summary.digest)}", width):
        yield page.paint(piece, Style.QUIET)
    unchecked = "Not checked: whether the content matches this digest. `show` without --summary checks it."
    yield from (page.paint(line, Style.CAREFUL) for line in wrapped(unchecked, width))


def _changes(summary: PlanSummary) -> str:
    counts = ", ".join(f"{number} to {VERBS[action]}" for action, number in summary.counts.items() if number)
    return f"Changes: {counts}." if counts else "Changes: none."
