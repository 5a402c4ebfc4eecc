"""A plan as Markdown for a pull-request comment: the money first, then what is wrong, then a fold for each customer.

A comment has a limit. What does not fit is left out, the customers with the smallest change of their bill first, and
the comment says what is missing and how to see it.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.money import ZERO, printed, summed
from reconciler.domain.plan import Plan
from reconciler.render.breakdown import KeptPrice, kept_price_sentences, kept_prices
from reconciler.render.cutover import cutover_markdown
from reconciler.render.grouping import (
    CustomerGroup,
    amount_in,
    by_customer,
    catalogue_changes,
    quiet_agreements,
    shown_months,
    total_after,
    total_before,
    total_cost,
)
from reconciler.render.markdown_folds import folds_of, row, table
from reconciler.render.markdown_text import code, prose
from reconciler.render.open_items_markdown import open_markdown
from reconciler.render.wording import amounts_text, counted, margin_text, signed, summary_sentence

# Room that is kept for the note on what was left out, and for the end of a fold.
_NOTE = 700
_SEE_ALL = "see everything with `reconciler show PLAN`"


def plan_markdown(plan: Plan, limit: int = 60_000) -> str:
    """The plan as one Markdown text of at most `limit` characters (at least 4,000). The same plan gives the same text.

    Text of others stands in code or is escaped: no mention, link, image, tag or table column comes from it.
    """
    limit = max(limit, 4_000)
    room = _Room(limit)
    head = list(_fitted(_head(plan), limit // 4, "the totals of further currencies"))
    waiting = list(_fitted(open_markdown(plan.left_open), limit // 6, "further lines that wait, and entries to paste"))
    tail = [*waiting, *_fitted(_tail(plan), limit // 6, "further documents")]
    room.take(head + tail)
    problems = [*_kept_prices(plan, limit // 12), *_problems(plan, limit // 3)]
    problems += _fitted(cutover_markdown(plan), limit // 4, "further records of the cut-over")
    room.take(problems)
    body = list(_body(plan, room))
    return "\n".join([*head, *problems, *body, *tail]) + "\n"


class _Room:
    """How many characters may still be written."""

    def __init__(self, limit: int) -> None:
        self.left = limit

    def take(self, lines: Iterable[str]) -> None:
        """Counts lines that will be written, with their line ends."""
        self.left -= sum(len(line) + 1 for line in lines)


def _fitted(lines: Iterable[str], room: int, rest: str) -> Iterator[str]:
    """The lines that fit, and a note where some were left out."""
    room -= 120
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            yield ""
            yield f"_Left out for length: {rest}; {_SEE_ALL}._"
            return
        yield line


# -- the money first


def _head(plan: Plan) -> Iterator[str]:
    subject = f"Undo of run {plan.undoes}" if plan.undoes else "Billing plan"
    yield f"### {subject} for {prose(plan.period)}, to be written to {code(plan.target)}"
    yield ""
    yield f"**{summary_sentence(plan)}** {_counts(plan)}"
    months = shown_months(plan)
    yield from table(("All agreements together", *months), money_from=1)
    before = {month: total_before(plan, month) for month in months}
    after = {month: total_after(plan, month) for month in months}
    for currency in sorted({money.currency for month in months for money in after[month]}):
        old = [amount_in(before[month], currency) for month in months]
        new = [amount_in(after[month], currency) for month in months]
        yield row([f"bill before, in {code(currency)}", *(printed(a, currency) for a in old)])
        yield row(["change", *(signed(b - a, currency) for a, b in zip(old, new, strict=True))])
        yield row([f"**bill after, in {code(currency)}**", *(f"**{printed(a, currency)}**" for a in new)])
    for month in () if plan.undoes else plan.planned_months:
        for money in total_cost(plan, month):
            billed = amount_in(after[month], money.currency)
            yield ""
            yield f"{prose(month)}: {prose(margin_text(billed, money.amount, money.currency))}."


def _counts(plan: Plan) -> str:
    parts = [f"{counted(plan.unchanged, 'subscription')} unchanged"]
    parts += [counted(len(plan.errors), "error")] if plan.errors else []
    parts += [counted(len(plan.warnings), "warning")] if plan.warnings else []
    quiet = quiet_agreements(plan)
    parts += [f"{counted(quiet, 'agreement')} reconciled without a change"] if quiet else []
    return f"{', '.join(parts)}."


# -- what is wrong


def _problems(plan: Plan, room: int) -> Iterator[str]:
    if plan.refused_by:
        yield ""
        refused = [f"- **Refused by guard** {prose(guard)}" for guard in plan.refused_by]
        yield from _fitted(refused, room // 4, "further guards")
    for severity, heading in ((Severity.ERROR, "Errors"), (Severity.WARNING, "Warnings"), (Severity.INFO, "Notes")):
        chosen = [finding for finding in plan.findings if finding.severity is severity]
        if chosen:
            yield ""
            yield f"#### {heading}"
            yield from table(("What", "Customer", "Where", "Amount"), money_from=3)
            yield from _fitted(map(_finding, chosen), room // 4, f"some of {counted(len(chosen), severity.value)}")


def _kept_prices(plan: Plan, room: int) -> Iterator[str]:
    """What price changes that are not passed on come to; the sums first, for they are never left out."""
    kept = list(kept_prices(plan))
    if not kept:
        return
    yield ""
    yield " ".join(f"**{prose(sentence)}**" for sentence in kept_price_sentences(plan))
    yield from table(("Prices not passed on", "Policy", "This month", "Every month after"), money_from=2)
    yield from _fitted(map(_kept_price, kept), room, f"some of {counted(len(kept), 'customer')}")


def _kept_price(kept: KeptPrice) -> str:
    who = f"{code(kept.customer)}, {kept.direction}"
    return row((who, code(kept.policy), prose(str(kept.now)), prose(str(kept.after))))


def _finding(finding: Finding) -> str:
    what = f"{code(finding.code)} {prose(finding.message)}"
    if finding.subscription:
        what += f"<br>subscription {code(finding.subscription)}"
    if finding.hint:
        what += f"<br>_hint:_ {prose(finding.hint)}"
    return row(
        (
            what,
            code(finding.customer) if finding.customer else "",
            code(str(finding.where)) if finding.where else "",
            prose(str(finding.amount)) if finding.amount else "",
        )
    )


# -- who is billed what


def _body(plan: Plan, room: _Room) -> Iterator[str]:
    """The folds, largest change of the bill first, until the room is used; then the note on the rest."""
    months = shown_months(plan)
    customers = sorted(by_customer(plan), key=lambda c: (-_size(c, months), c.name.casefold(), c.name))
    folds = list(folds_of(customers, plan))
    for position, fold in enumerate(folds):
        # Only the first is worth showing in part: it is the one that no comment has room for.
        lines = fold.whole_within(room.left - _NOTE) or (fold.part_within(room.left - _NOTE) if not position else [])
        room.take(lines)
        yield from lines
        if len(lines) < fold.length:
            missing = customers[position + 1 :] if lines else customers[position:]
            yield from _left_out(missing, plan)
            return


def _size(customer: CustomerGroup, months: Sequence[str]) -> Decimal:
    """How much the customer's bills move, whatever the currency: only the order of the folds comes from it."""
    return sum((abs(money.amount) for month in months for money in customer.moved(month)), ZERO)


def _left_out(missing: Sequence[CustomerGroup], plan: Plan) -> Iterator[str]:
    products = len(catalogue_changes(plan))
    left_out = []
    if missing:
        changes = sum(len(customer.changes) for customer in missing)
        moved = summed(
            money for customer in missing for month in plan.planned_months for money in customer.moved(month)
        )
        money = ", ".join(f"{signed(m.amount, m.currency)} {m.currency}" for m in moved) or "nothing"
        text = f"{counted(len(missing), 'customer')} with {counted(changes, 'change')} ({money} in {plan.period})"
        left_out.append(text)
    if products:
        left_out.append(f"{counted(products, 'change')} of the product catalogue")
    if left_out:
        yield ""
        yield f"_Left out for length: {prose(' and '.join(left_out))}; {_SEE_ALL}._"


# -- what the plan rests on


def _tail(plan: Plan) -> Iterator[str]:
    if plan.coverage:
        yield from table(("Where the invoice lines went", "Rule", "Lines", "Amount"), money_from=2)
        for part in plan.coverage:
            yield row((prose(part.outcome), prose(part.rule), str(part.lines), prose(amounts_text(part.amounts))))
    yield ""
    yield f"Digest {code(plan.digest)}"
    if plan.documents:
        yield from table(("Documents that the plan rests on", "File", "Lines", "sha256"), money_from=2)
        for used in plan.documents:
            yield row((code(used.invoice), code(used.path), str(used.lines), code(used.sha256[:12])))
