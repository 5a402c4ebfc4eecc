"""A backtest as people read it: per month the customers whose bill differs, and the sums."""

from collections.abc import Iterator

from reconciler.domain.backtest import Backtest, BacktestMonth, Billed, Held
from reconciler.domain.money import printed
from reconciler.render.safe_text import safe
from reconciler.render.terminal import Paint, Style, clipped, hanging, left, painter, right

_AMOUNT = 13
_AMOUNTS = 3 * (_AMOUNT + 1) + 4


def backtest_lines(result: Backtest, *, width: int, colour: bool) -> Iterator[str]:
    """The whole, no line wider than `width` cells (at least 72)."""
    paint, width = painter(colour=colour), max(width, 72)
    tried = ", ".join(result.settings) or "no setting: what is tried are the rules as they were"
    yield from (paint(line, Style.STRONG) for line in hanging(safe(f"Tried: {tried}"), width, ""))
    for month in result.months:
        yield ""
        yield from _month(month, width, paint)
    for missing in result.missing:
        yield ""
        text = f"{missing}: no run for all customers was kept, so it is not computed; the month after it begins anew"
        yield from hanging(text, width, "")
    yield ""
    yield paint(_cells("All months", "then", "tried", "difference", "", width), Style.STRONG)
    for row in result.totals():
        yield _row("total", row, width, paint)


def _month(month: BacktestMonth, width: int, paint: Paint) -> Iterator[str]:
    yield paint(_cells(month.month, "then", "tried", "difference", "", width), Style.STRONG)
    differing = [row for row in month.rows if row.difference]
    for row in differing:
        yield _row(row.customer, row, width, paint)
    same = len({row.customer for row in month.rows} - {row.customer for row in differing})
    if same:
        yield paint(f"  {same} customer{'s' if same > 1 else ''} billed the same", Style.QUIET)
    for row in month.totals():
        yield _row("total", row, width, paint)
    if month.begins:
        text = f"begins with what the PSA held at run {month.first_run}; documents of run {month.run}"
        yield from (paint(line, Style.QUIET) for line in hanging(text, width, "  "))
    yield from _held(month, width, paint)


def _held(month: BacktestMonth, width: int, paint: Paint) -> Iterator[str]:
    if month.then == month.tried:
        yield from _held_by("", month.then, width, paint)
        return
    yield from _held_by("by the rules as they were, ", month.then, width, paint)
    yield from _held_by("by the rules tried, ", month.tried, width, paint)


def _held_by(which: str, held: Held, width: int, paint: Paint) -> Iterator[str]:
    if held.customers:
        text = f"{which}errors keep out: {', '.join(held.customers)}"
        yield from (paint(line, Style.BAD) for line in hanging(safe(text), width, "  ! ", "    "))
    for guard in held.guards:
        text = f"{which}a guard refuses the plan (counted as approved): {guard}"
        yield from (paint(line, Style.CAREFUL) for line in hanging(safe(text), width, "  ! ", "    "))


def _row(name: str, row: Billed, width: int, paint: Paint) -> str:
    amounts = (printed(row.then, row.currency), printed(row.tried, row.currency))
    difference = f"{'+' if row.difference > 0 else ''}{printed(row.difference, row.currency)}"
    style = Style.PLAIN if not row.difference else Style.GOOD if row.difference > 0 else Style.BAD
    return paint(_cells(f"  {safe(name)}", *amounts, difference, safe(row.currency), width), style)


def _cells(name: str, then: str, tried: str, difference: str, currency: str, width: int) -> str:
    room = width - _AMOUNTS
    amounts = " ".join(right(text, _AMOUNT) for text in (then, tried, difference))
    return f"{left(clipped(name, room), room)} {amounts} {currency}".rstrip()
