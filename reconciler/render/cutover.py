"""The cut-over of a plan: each old record, what becomes of it, what goes on instead, and what the next invoices say."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.domain.handover import Fate, HandOver, Successor
from reconciler.domain.money import plain, printed
from reconciler.domain.plan import Impact, Plan
from reconciler.render.grouping import short_ids, subscriptions_of
from reconciler.render.markdown_folds import row, table
from reconciler.render.markdown_text import code, prose
from reconciler.render.safe_text import safe
from reconciler.render.terminal import Paint, Style, hanging, wrapped
from reconciler.render.wording import price_text, signed, span_text

_HEADING = "Cut-over: records of other tools, and what becomes of them"
_STYLES = {Fate.ADOPTED: Style.NEW_HOLD, Fate.REPLACED: Style.CAREFUL, Fate.ENDED: Style.BAD, Fate.LEFT: Style.QUIET}


def cutover_lines(plan: Plan, *, width: int, paint: Paint) -> Iterator[str]:
    """The section of the plan as text; nothing where no cut-over was asked, or nothing of others stands there."""
    if not plan.cutover:
        return
    yield ""
    yield from (paint(line, Style.STRONG) for line in wrapped(_HEADING, width))
    ids = short_ids(filter(None, [*subscriptions_of(plan), *_named(plan)]))
    for customer in dict.fromkeys(each.customer for each in plan.cutover):
        rows = [each for each in plan.cutover if each.customer == customer]
        yield ""
        yield from (paint(line, Style.STRONG) for line in hanging(safe(customer), width, "  "))
        for each in rows:
            yield from (paint(line, _STYLES[each.fate]) for line in hanging(_old(each), width, "    ", "      "))
            yield from hanging(_fate(each), width, "      ", "        ")
            for successor in each.successors:
                yield from hanging(_new(successor, ids), width, "      → ", "        ")
        for bill in _next_invoices(plan, rows):
            yield from hanging(_bill(bill), width, "    ", "      ")


def cutover_markdown(plan: Plan) -> Iterator[str]:
    """The section of the plan as Markdown; nothing where `cutover_lines` has nothing."""
    if not plan.cutover:
        return
    yield ""
    yield "#### Cut-over"
    yield from table(("Customer", "Old record", "Becomes", "New record"), money_from=4)
    for each in plan.cutover:
        new = "<br>".join(prose(_new(successor, {})) for successor in each.successors)
        yield row((code(each.customer), prose(_old(each)), prose(_fate(each)), new))
    yield from table(("Agreement", "Month", "Bill before", "Bill after"), money_from=2)
    for bill in _next_invoices(plan, plan.cutover):
        before, after = printed(bill.before, bill.currency), printed(bill.after, bill.currency)
        yield row((prose(bill.agreement_name), prose(bill.month), before, f"{after} {prose(bill.currency)}"))


@dataclass(frozen=True, slots=True)
class CutoverRow:
    """One old record in words: what it is, what becomes of it, and what goes on instead."""

    customer: str
    old: str
    fate: str
    successors: tuple[str, ...]


def cutover_rows(plan: Plan) -> Iterator[CutoverRow]:
    """The old records of a cut-over, in the plan's order; none where no cut-over was asked."""
    for each in plan.cutover:
        yield CutoverRow(each.customer, _old(each), _fate(each), tuple(_new(new, {}) for new in each.successors))


def _old(each: HandOver) -> str:
    mark = f"marked {safe(each.serial_number)}" if each.serial_number else "no serial number"
    span = span_text(each.effective, None)
    return (
        f"record {safe(each.record)} on {safe(each.agreement_name)}: {_seats(each)} of "
        f"{safe(each.product_name)} at {price_text(each.unit_price)}, {span}, {mark}"
    )


def _seats(each: HandOver) -> str:
    return f"{plain(each.quantity)} seat" + ("" if each.quantity == 1 else "s")


def _fate(each: HandOver) -> str:
    ends = f"ends {each.last}" if each.last else "goes on"
    if each.fate is Fate.ADOPTED:
        return f"adopted: {safe(each.why)}" + (f"; {ends}" if each.last else "")
    if each.fate is Fate.LEFT:
        return f"left as it is: {safe(each.why)}"
    day = f", hand-over on {each.day}" if each.day else ""
    return f"{each.fate.value}: {ends}{day}; {safe(each.why)}"


def _named(plan: Plan) -> Iterator[str]:
    return (successor.subscription for each in plan.cutover for successor in each.successors)


def _new(successor: Successor, ids: Mapping[str, str]) -> str:
    there = "" if successor.address else ", which stands already"
    return (
        f"{plain(successor.quantity)} at {price_text(successor.unit_price)} from {successor.effective}, "
        f"subscription {safe(ids.get(successor.subscription, successor.subscription))}{there}"
    )


def _next_invoices(plan: Plan, rows: Iterable[HandOver]) -> Iterator[Impact]:
    """The bills that the cut-over moves: of the old records' agreements and of those where their successors stand."""
    by_address = {change.address: change.agreement for change in plan.changes}
    rows = list(rows)
    concerned = {each.agreement for each in rows}
    concerned |= {by_address.get(s.address or "") or "" for each in rows for s in each.successors}
    yield from (bill for bill in plan.impact if bill.agreement in concerned)


def _bill(bill: Impact) -> str:
    before, after = printed(bill.before, bill.currency), printed(bill.after, bill.currency)
    moved = signed(bill.after - bill.before, bill.currency)
    return f"{safe(bill.agreement_name)} bills for {bill.month}: {before} → {after} {safe(bill.currency)} ({moved})"
