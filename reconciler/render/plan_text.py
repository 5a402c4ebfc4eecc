"""A plan as text for a terminal or a pipe: who is billed what, why, and by which records.

Two columns of money run down the right side, one per month: what an agreement bills before the plan, by how much each
record changes that, what it bills after. They add up. What is left of them says the same in words.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.domain.money import plain, printed
from reconciler.domain.plan import Action, Change, Impact, Plan, Verdict
from reconciler.render.breakdown import margin_change, step_rows
from reconciler.render.cutover import cutover_lines
from reconciler.render.grouping import (
    AgreementGroup,
    SubscriptionGroup,
    addition_values,
    by_customer,
    catalogue_changes,
    product_values,
    short_ids,
    shown_months,
    subscriptions_of,
)
from reconciler.render.plan_closing import closing_lines
from reconciler.render.safe_text import safe
from reconciler.render.terminal import Paint, Style, broken, cells, hanging, left, painter, right, wrapped
from reconciler.render.wording import (
    SIGNS,
    VERBS,
    Reason,
    moved_fields,
    percent_of,
    price_text,
    proof,
    reasons,
    signed,
    span_text,
    subject_of,
    unit_of,
)

NARROWEST = 60
_ROOM_FOR_RECORDS = 40
_STYLES = {
    Action.CREATE: Style.GOOD,
    Action.UPDATE: Style.CAREFUL,
    Action.CANCEL: Style.BAD,
    Action.ADOPT: Style.NEW_HOLD,
    Action.DELETE: Style.BAD,
}
VERDICT_STYLES = {
    Verdict.RECONCILED: Style.GOOD,
    Verdict.DIFFERS: Style.BAD,
    Verdict.NOT_RECONCILABLE: Style.CAREFUL,
}


def plan_lines(plan: Plan, *, width: int, colour: bool) -> Iterator[str]:
    """The whole plan, line by line, no line wider than `width` cells (at least 60), without line ends.

    Colours are ANSI sequences, written only with `colour`; all text of others is shown by `safe_text.safe`.
    """
    sheet = _sheet(plan, max(width, NARROWEST), painter(colour=colour))
    yield from _title(plan, sheet)
    for customer in by_customer(plan):
        yield ""
        yield from (sheet.paint(line, Style.STRONG) for line in wrapped(safe(customer.name), sheet.width))
        for agreement in customer.agreements:
            yield from _agreement(agreement, sheet)
    yield from _catalogue(plan, sheet)
    yield from cutover_lines(plan, width=sheet.width, paint=sheet.paint)
    yield from closing_lines(plan, width=sheet.width, paint=sheet.paint)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What all lines share: the planned months, the width, the colours, the shown months with their column widths, and
    short subscription ids.
    """

    planned: tuple[str, ...]
    width: int
    paint: Paint
    months: tuple[str, ...]
    columns: tuple[int, ...]
    quantity: int
    price: int
    ids: Mapping[str, str]
    undo: bool = False

    @property
    def room(self) -> int:
        """The width that is left of the money."""
        return self.width - sum(self.columns)

    def with_amounts(self, text: str, amounts: Mapping[str, str], style: Style = Style.PLAIN) -> Iterator[str]:
        """A text with an amount per month on its first line; a longer one goes on below, two spaces further in."""
        indent = " " * (len(text) - len(text.lstrip(" ")))
        first, *more = list(hanging(text.strip(), self.room - 1, indent, indent + "  ")) or [""]
        yield self.line(first, amounts, style)
        yield from (self.paint(line, style) for line in more)

    def rule(self) -> str:
        """The stroke under columns that are summed."""
        return " " * self.room + "".join("  " + "─" * (column - 2) for column in self.columns)

    def line(self, text: str, amounts: Mapping[str, str], style: Style) -> str:
        """A text that fits, and the columns of money; an amount that is missing leaves its column empty."""
        columns = zip(self.months, self.columns, strict=True)
        money = "".join(self._amount(amounts.get(month, ""), column) for month, column in columns).rstrip()
        return self.paint(left(text, self.room), style) + money if money else self.paint(text, style)

    def _amount(self, text: str, column: int) -> str:
        if text.startswith("+"):
            style = Style.GOOD
        elif text.startswith("-"):
            style = Style.BAD
        else:
            style = Style.QUIET if not text.strip("0.") else Style.STRONG
        return self.paint(right(text, column), style)


def _sheet(plan: Plan, width: int, paint: Paint) -> _Sheet:
    columns = _columns(plan, width)
    additions = [addition_values(c) for customer in by_customer(plan) for c in customer.changes]
    return _Sheet(
        planned=plan.planned_months,
        width=width,
        paint=paint,
        months=tuple(columns),
        columns=tuple(columns.values()),
        quantity=max((len(plain(values.quantity)) for values in additions), default=1),
        price=max((len(price_text(values.unit_price)) for values in additions), default=1),
        ids=short_ids(subscriptions_of(plan)),
        undo=plan.undoes is not None,
    )


def _columns(plan: Plan, width: int) -> Mapping[str, int]:
    """The months that get a column, with its width: the newest, as many as leave room for the records."""
    columns: dict[str, int] = {}
    for month in reversed(shown_months(plan)):
        column = _column(plan, month)
        if len(columns) > 1 and sum(columns.values()) + column > width - _ROOM_FOR_RECORDS:
            break
        columns[month] = column
    return dict(reversed(columns.items()))


def _column(plan: Plan, month: str) -> int:
    texts = [month]
    for row in plan.impact:
        if row.month == month:
            texts += [printed(row.before, row.currency), printed(row.after, row.currency)]
            texts += [signed(step.amount, row.currency) for step in row.breakdown]
    texts += [signed(change.impact[month]) for change in plan.changes if month in change.impact]
    return max(map(len, texts)) + 2


def _title(plan: Plan, sheet: _Sheet) -> Iterator[str]:
    title = f"{subject_of(plan)}: what would be written to {safe(plan.target)}"
    yield from (sheet.paint(line, Style.STRONG) for line in wrapped(title, sheet.width))
    used = [action for action in Action if plan.count(action)]
    if used:
        yield sheet.paint("   ".join(f"{SIGNS[action]} {VERBS[action]}" for action in used), Style.QUIET)
        yield sheet.paint("Each record's columns: what it adds to the month's bill.", Style.QUIET)


def _agreement(agreement: AgreementGroup, sheet: _Sheet) -> Iterator[str]:
    currency = safe(agreement.currency)
    name = f"{safe(agreement.name)} ({safe(agreement.address)})" if agreement.name else safe(agreement.address)
    yield ""
    heading = {month: month for month in sheet.months}
    yield from sheet.with_amounts(f"  {name}", heading)
    before = {row.month: printed(row.before, row.currency) for row in agreement.bills}
    yield from sheet.with_amounts(f"  bills before, in {currency}" if currency else "  bills before", before)
    for subscription in agreement.subscriptions:
        yield from _subscription(subscription, sheet)
    after = {row.month: printed(row.after, row.currency) for row in agreement.bills}
    if agreement.subscriptions:
        yield sheet.rule()
    yield from sheet.with_amounts(f"  bills after, in {currency}" if currency else "  bills after", after, Style.STRONG)
    for row in agreement.bills:
        if row.month not in sheet.months:
            bills = f"{row.month}: {before[row.month]} before, {after[row.month]} after"
            yield from hanging(safe(bills), sheet.width, "  ")
    if not sheet.undo:
        yield from _steps(agreement, sheet)
    for month in () if sheet.undo else sheet.planned:
        bill = agreement.bill(month)
        if bill:
            yield from _evidence(bill, sheet)


def _steps(agreement: AgreementGroup, sheet: _Sheet) -> Iterator[str]:
    """From the distributor's charge to the bill, a line for each step; they sum to the bill above."""
    rows = step_rows([agreement.bill(month) for month in sheet.months])
    if rows:
        yield "  of which"
    for row in rows:
        amounts = dict(zip(sheet.months, row.amounts, strict=True))
        yield from sheet.with_amounts(f"    {row.words}{f' ({safe(row.rule)})' if row.rule else ''}", amounts)


def _evidence(bill: Impact, sheet: _Sheet) -> Iterator[str]:
    """Why the month can be trusted: seat-days, what the distributor charged, and the verdict."""
    facts = []
    if bill.charged_seat_days or bill.seat_days:
        facts.append(proof(bill.charged_seat_days, bill.seat_days))
    facts.append(safe(margin_change(bill)))
    verdict = bill.verdict.value if bill.reason is None else f"{bill.verdict.value}: {safe(bill.reason)}"
    of_month = f"{safe(bill.month)}: " if len(sheet.planned) > 1 else ""
    for fact in facts:
        yield from hanging(of_month + fact, sheet.width, "  ", "    ")
    for line in hanging(f"{safe(bill.month)}: {verdict}", sheet.width, "  "):
        yield sheet.paint(line, VERDICT_STYLES[bill.verdict])
    if bill.reviewed:
        yield from hanging(f"accepted as {bill.reviewed.value} by {safe(bill.review or '')}", sheet.width, "  ")


def _subscription(group: SubscriptionGroup, sheet: _Sheet) -> Iterator[str]:
    yield ""
    product = safe(group.product_name)
    if group.product != group.product_name:
        product += f" ({safe(group.product)})"
    known = sheet.ids.get(group.subscription or "")
    subscription = f"subscription {safe(known)}" if known else "no subscription id"
    both = f"{product}, {subscription}"
    if cells(both) + 4 <= sheet.width:
        yield f"    {both}"
    else:
        yield from hanging(product, sheet.width, "    ")
        yield from hanging(subscription, sheet.width, "    ")
    for change in group.changes:
        yield from _record(change, sheet)


def _record(change: Change, sheet: _Sheet) -> Iterator[str]:
    values = addition_values(change)
    text = (
        f"    {SIGNS[change.action]} {plain(values.quantity):>{sheet.quantity}} "
        f"{unit_of(change, values.quantity):<5}  {span_text(values.effective, values.cancelled):<24}  "
        f"at {price_text(values.unit_price):>{sheet.price}}"
    )
    amounts = {month: signed(amount) for month, amount in change.impact.items()}
    yield from _record_line(text, amounts, change, sheet)
    for month in sorted(set(change.impact) - set(sheet.months)):
        yield from hanging(f"{safe(month)}: {signed(change.impact[month])}", sheet.width, "        ")
    yield from _details(change, sheet)


def _record_line(text: str, amounts: Mapping[str, str], change: Change, sheet: _Sheet) -> Iterator[str]:
    """The record as aligned columns, or as a wrapped sentence where the width has no room for them."""
    if cells(text) < sheet.room:
        yield sheet.line(text, amounts, _STYLES[change.action])
    else:
        yield from sheet.with_amounts(text, amounts, _STYLES[change.action])


def _details(change: Change, sheet: _Sheet) -> Iterator[str]:
    for moved in moved_fields(change):
        yield from hanging(f"{moved.field}: {safe(moved.old)} → {safe(moved.new)}", sheet.width, "        ")
    for reason in reasons(change):
        yield from _reason(reason, sheet)
    for need in change.needs:
        yield from hanging(f"needs {safe(need)}", sheet.width, "        ")
    # Less far in than the rest: an address is copied from here, and most fit on one line of 80 so.
    for piece in broken(safe(change.address), sheet.width - 6):
        yield sheet.paint(f"      {piece}", Style.QUIET)


def _reason(reason: Reason, sheet: _Sheet) -> Iterator[str]:
    """The sentence, and the invoice lines behind it on the same line if they fit, else on the next."""
    *full, last = list(hanging(f"{safe(reason.rule)}: {safe(reason.text)}", sheet.width, " " * 8, " " * 10))
    lines = f"({safe(reason.lines)})" if reason.lines else ""
    together = f"{last} {lines}".rstrip()
    yield from full
    if cells(together) <= sheet.width:
        yield together
    else:
        yield last
        yield from hanging(lines, sheet.width, " " * 10)


def _catalogue(plan: Plan, sheet: _Sheet) -> Iterator[str]:
    changes = catalogue_changes(plan)
    if not changes:
        return
    yield ""
    yield sheet.paint("Product catalogue", Style.STRONG)
    yield "  prices and costs of one unit and month, in the PSA's own currency"
    for change in changes:
        values = product_values(change)
        yield ""
        text = f"  {SIGNS[change.action]} {safe(values.name)}"
        yield from (sheet.paint(line, _STYLES[change.action]) for line in _hung(text, sheet.width))
        priced = f"price {price_text(values.price)}, cost {price_text(values.cost)}"
        share = percent_of(values.price - values.cost, values.price)
        margin = f", margin {price_text(values.price - values.cost)} ({share})" if share else ""
        yield from hanging(
            f"product id {safe(values.identifier)}, Vendor SKU {safe(values.vendor_sku)}", sheet.width, "        "
        )
        yield from hanging(f"{priced}{margin}", sheet.width, "        ")
        yield from _details(change, sheet)


def _hung(text: str, width: int) -> Iterator[str]:
    indent = " " * (len(text) - len(text.lstrip(" ")))
    return hanging(text.strip(), width, indent, indent + "  ")
