"""What all customers' invoices say together, before and after a plan, as the end of its text tells it."""

from collections.abc import Iterator

from reconciler.domain.money import printed
from reconciler.domain.plan import Plan
from reconciler.domain.plan_summary import PlanSummary
from reconciler.render.grouping import amount_in, shown_months, total_after, total_before, total_cost
from reconciler.render.page import Page
from reconciler.render.safe_text import safe
from reconciler.render.terminal import Style, hanging
from reconciler.render.wording import margin_text, signed

_MONTHS_ABREAST = 4


def totals_lines(plan: Plan | PlanSummary, page: Page) -> Iterator[str]:
    """What all customers' invoices say together, one block per currency."""
    if not plan.impact:
        return
    months = shown_months(plan)
    before = {month: total_before(plan, month) for month in months}
    after = {month: total_after(plan, month) for month in months}
    currencies = sorted({money.currency for month in months for money in after[month]})
    yield from page.heading("All agreements together")
    for currency in currencies:
        old = [amount_in(before[month], currency) for month in months]
        new = [amount_in(after[month], currency) for month in months]
        moves = [b - a for a, b in zip(old, new, strict=True)]
        rows = [
            ("", months),
            (f"bill before, in {safe(currency)}", tuple(printed(a, currency) for a in old)),
            ("change", tuple(signed(a, currency) for a in moves)),
            (f"bill after, in {safe(currency)}", tuple(printed(a, currency) for a in new)),
        ]
        # Turned, a line for each month, where so many columns have no room.
        turned = len(months) > _MONTHS_ABREAST
        yield from page.ledger(_turned(rows) if turned else rows, Style.STRONG)
        for month in () if plan.undoes else plan.planned_months:
            cost = amount_in(total_cost(plan, month), currency)
            text = margin_text(amount_in(after.get(month, ()), currency), cost, currency)
            yield from hanging(safe(f"{month}: {text}"), page.width, "  ")


def _turned(rows: list[tuple[str, tuple[str, ...]]]) -> list[tuple[str, tuple[str, ...]]]:
    """The table with rows for columns."""
    heads = tuple(head for head, _ in rows[1:])
    return [("", heads), *((month, tuple(f[n] for _, f in rows[1:])) for n, month in enumerate(rows[0][1]))]
