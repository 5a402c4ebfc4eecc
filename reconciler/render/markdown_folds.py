"""The folds of a Markdown plan: one for each customer, one for the product catalogue, each a table of records."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.domain.money import plain, printed
from reconciler.domain.plan import Change, Plan
from reconciler.render.breakdown import margin_change, step_rows
from reconciler.render.grouping import (
    AgreementGroup,
    CustomerGroup,
    SubscriptionGroup,
    addition_values,
    catalogue_changes,
    product_values,
    short_ids,
    shown_months,
    subscriptions_of,
)
from reconciler.render.markdown_text import code, html_code, prose
from reconciler.render.wording import (
    SIGNS,
    VERBS,
    counted,
    moved_fields,
    price_text,
    proof,
    reasons,
    signed,
    span_text,
    unit_of,
)

# Room for the sentence that says how many rows of a fold were left out.
_NOTE = 120


@dataclass(frozen=True, slots=True)
class Fold:
    """A folded table: lines that open it, its rows, lines that close it."""

    opening: tuple[str, ...]
    rows: tuple[str, ...]
    closing: tuple[str, ...] = ("", "</details>")

    @property
    def length(self) -> int:
        """How many lines the whole fold has."""
        return len(self.opening) + len(self.rows) + len(self.closing)

    def whole_within(self, room: int) -> list[str]:
        """All lines of the fold, if they fit in a number of characters; else none."""
        lines = [*self.opening, *self.rows, *self.closing]
        return lines if _characters(lines) <= room else []

    def part_within(self, room: int) -> list[str]:
        """The first rows, as many as fit in a number of characters, and a note on the rest; none if no row fits."""
        used, kept = _characters(self.opening) + _characters(self.closing) + _NOTE, 0
        for line in self.rows:
            used += len(line) + 1
            if used > room:
                break
            kept += 1
        # A note takes the place of at least two rows, so that a shortened fold has fewer lines than the whole one.
        if kept < 1 or kept > len(self.rows) - 2:
            return []
        note = f"_Left out for length: {counted(len(self.rows) - kept, 'further row')} of this table._"
        return [*self.opening, *self.rows[:kept], "", note, *self.closing]


def folds_of(customers: Sequence[CustomerGroup], plan: Plan) -> Iterator[Fold]:
    """A fold for each customer, in the order given, and one for the catalogue where it changes."""
    months = shown_months(plan)
    ids = short_ids(subscriptions_of(plan))
    for customer in customers:
        yield _customer(customer, plan, months, ids)
    if catalogue_changes(plan):
        yield _catalogue(plan)


def row(cells: Iterable[str]) -> str:
    """A row of a table. Cells are Markdown and hold no bare `|`."""
    return f"| {' | '.join(cells)} |"


def table(heading: Sequence[str], money_from: int, money_to: int | None = None) -> Iterator[str]:
    """The heading of a table after an empty line; the columns from `money_from` to before `money_to` align right."""
    money = range(len(heading))[money_from:money_to]
    yield ""
    yield row(heading)
    yield row("---:" if number in money else "---" for number in range(len(heading)))


def _characters(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _customer(customer: CustomerGroup, plan: Plan, months: Sequence[str], ids: Mapping[str, str]) -> Fold:
    moved = "; ".join(
        f"{month} {', '.join(f'{signed(m.amount, m.currency)} {m.currency}' for m in customer.moved(month))}"
        for month in months
        if customer.moved(month)
    )
    bills = (bill for a in customer.agreements for month in plan.planned_months if (bill := a.bill(month)))
    verdicts = dict.fromkeys(bill.verdict.value for bill in bills)
    summary = ", ".join(filter(None, (counted(len(customer.changes), "change"), *verdicts)))
    heading = ("", "Record", *months, "Why")
    opening = (
        "",
        f"<details><summary>{html_code(customer.name)}: {prose(moved) or 'no bill known'} ({summary})</summary>",
        *table(heading, money_from=2, money_to=2 + len(months)),
    )
    rows = tuple(line for a in customer.agreements for line in _agreement(a, plan.planned_months, months, ids))
    return Fold(opening, rows)


def _agreement(
    agreement: AgreementGroup, planned: Sequence[str], months: Sequence[str], ids: Mapping[str, str]
) -> Iterator[str]:
    name = f"{code(agreement.name)} ({code(agreement.address)})" if agreement.name else code(agreement.address)
    currency = f", in {code(agreement.currency)}" if agreement.currency else ""
    before = {bill.month: printed(bill.before, bill.currency) for bill in agreement.bills}
    after = {bill.month: f"**{printed(bill.after, bill.currency)}**" for bill in agreement.bills}
    yield row(("", f"**{name}**<br>bills before{currency}", *(before.get(m, "") for m in months), ""))
    for subscription in agreement.subscriptions:
        for change in subscription.changes:
            yield _record(change, subscription, months, ids)
    yield row(("", f"**bills after{currency}**", *(after.get(m, "") for m in months), _evidence(agreement, planned)))
    yield from _steps(agreement, months)


def _steps(agreement: AgreementGroup, months: Sequence[str]) -> Iterator[str]:
    """From the distributor's charge to the bill: the amounts of these rows sum to those above."""
    for step in step_rows([agreement.bill(month) for month in months]):
        rule = f" ({code(step.rule)})" if step.rule else ""
        yield row(("", f"_of which_ {step.words}{rule}", *step.amounts, ""))


def _evidence(agreement: AgreementGroup, planned: Sequence[str]) -> str:
    facts = []
    for bill in filter(None, map(agreement.bill, planned)):
        month = f"{bill.month}: " if len(planned) > 1 else ""
        facts.append(f"{month}**{bill.verdict.value}**{f': {prose(bill.reason)}' if bill.reason else ''}")
        facts += [f"accepted as {bill.reviewed.value} by {prose(bill.review or '')}"] if bill.reviewed else []
        if bill.charged_seat_days or bill.seat_days:
            facts.append(proof(bill.charged_seat_days, bill.seat_days))
        facts.append(prose(margin_change(bill)))
    return "<br>".join(facts)


def _record(change: Change, group: SubscriptionGroup, months: Sequence[str], ids: Mapping[str, str]) -> str:
    values = addition_values(change)
    known = ids.get(group.subscription or "")
    parts = [
        f"{plain(values.quantity)} {unit_of(change, values.quantity)} of {code(group.product_name)}",
        f"{span_text(values.effective, values.cancelled)} at {price_text(values.unit_price)}",
        f"subscription {code(known)}" if known else "no subscription id",
        *_moved(change),
    ]
    amounts = [signed(change.impact[m]) if m in change.impact else "" for m in months]
    why = [*_reasons(change), *(f"{prose(m)}: {signed(change.impact[m])}" for m in change.impact if m not in months)]
    return row((_sign(change), "<br>".join(parts), *amounts, "<br>".join(why)))


def _sign(change: Change) -> str:
    return f"`{SIGNS[change.action]}` {VERBS[change.action]}"


def _moved(change: Change) -> Iterator[str]:
    for moved in moved_fields(change):
        yield f"_{moved.field}_ {code(moved.old)} → {code(moved.new)}"


def _reasons(change: Change) -> Iterator[str]:
    for reason in reasons(change):
        lines = f" ({code(reason.lines)})" if reason.lines else ""
        yield f"{code(reason.rule)} {prose(reason.text)}{lines}"
    for need in change.needs:
        yield f"needs {code(need)}"


def _catalogue(plan: Plan) -> Fold:
    changes = catalogue_changes(plan)
    opening = (
        "",
        f"<details><summary>Product catalogue ({counted(len(changes), 'change')})</summary>",
        *table(("", "Product, priced in the PSA's own currency", "Price", "Cost", "Why"), money_from=2, money_to=4),
    )
    return Fold(opening, tuple(map(_product, changes)))


def _product(change: Change) -> str:
    values = product_values(change)
    parts = [
        code(values.name),
        f"product id {code(values.identifier)}, Vendor SKU {code(values.vendor_sku)}",
        *_moved(change),
    ]
    why = "<br>".join(_reasons(change))
    return row((_sign(change), "<br>".join(parts), price_text(values.price), price_text(values.cost), why))
