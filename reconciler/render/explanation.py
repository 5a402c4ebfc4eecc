"""The whole derivation of one change, in sentences that a partner can send to a customer."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.domain.money import ZERO, plain, printed
from reconciler.domain.plan import Action, AdditionValues, Change, Impact, Plan, ProductValues, Resource
from reconciler.render.arithmetic import told
from reconciler.render.grouping import addition_values, by_customer, product_values, sku_of
from reconciler.render.rules_told import RULES
from reconciler.render.safe_text import safe
from reconciler.render.terminal import Paint, Style, broken, hanging, left, painter, right
from reconciler.render.wording import (
    copies_a_line,
    moved_fields,
    percent_of,
    price_text,
    proof,
    reasons,
    signed,
    span_text,
    unit_of,
)

# What the partner pays is no business of the customer to whom the rest is sent: it stands last, under its own heading.
_COSTS = frozenset({"unit cost", "cost"})


class NotInPlan(LookupError):
    """No change has that address. `nearest` are addresses that may have been meant, best first, at most five."""

    def __init__(self, address: str, nearest: tuple[str, ...]) -> None:
        super().__init__(f"the plan has no change {address}")
        self.nearest = nearest


def find_change(plan: Plan, address: str) -> Change:
    """The change of an address, or the only one whose address contains the text. Raises NotInPlan."""
    exact = [change for change in plan.changes if change.address == address]
    partly = [change for change in plan.changes if address and address.casefold() in change.address.casefold()]
    for found in (exact, partly):
        if len(found) == 1:
            return found[0]
    known = [change.address for change in partly or plan.changes]
    near = known if partly else difflib.get_close_matches(address, known, n=5, cutoff=0.4)
    raise NotInPlan(address, tuple(near[:5]))


def explanation_lines(plan: Plan, address: str, *, width: int = 80, colour: bool = False) -> Iterator[str]:
    """How one change came about: what, why (rule and invoice lines), old and new, what it bills and what it needs.

    No line is wider than `width` cells. Raises NotInPlan, at once.
    """
    change = find_change(plan, address)
    return _lines(plan, change, _Page(max(width, 60), painter(colour=colour)))


@dataclass(frozen=True, slots=True)
class _Page:
    width: int
    paint: Paint

    def heading(self, text: str) -> Iterator[str]:
        yield ""
        yield self.paint(text, Style.STRONG)

    def indented(self, text: str, indent: int = 2) -> Iterator[str]:
        return hanging(text, self.width, " " * indent)


def _lines(plan: Plan, change: Change, page: _Page) -> Iterator[str]:
    for piece in broken(safe(change.address), page.width):
        yield page.paint(piece, Style.STRONG)
    yield ""
    bills = {row.month: row for row in plan.impact if row.agreement == change.agreement}
    currency = next((row.currency for row in bills.values()), "")
    yield from hanging(_sentence(plan, change, currency), page.width, "")
    yield from _why(change, page)
    yield from _moved(change, currency, page)
    if change.resource is Resource.ADDITION:
        yield from _money(change, currency, bills, page)
        yield from _agreement(plan, bills, page)
    yield from _needs(plan, change, page)
    yield from _cost(change, currency, page)


def _sentence(plan: Plan, change: Change, currency: str) -> str:
    if change.resource is Resource.PRODUCT:
        return _product_sentence(change)
    values = addition_values(change)
    agreement = next((row for row in plan.impact if row.agreement == change.agreement), None)
    name = f"'{safe(agreement.agreement_name)}'" if agreement else safe(change.agreement or values.agreement_id)
    what = f"{plain(values.quantity)} {unit_of(change, values.quantity)} of {_product(plan, change)}"
    days = f"{span_text(values.effective, values.cancelled)}{', both days billed' if values.cancelled else ''}"
    each = " each, billed once" if copies_a_line(change) else " each for a full month"
    price = f"at {price_text(values.unit_price)} {safe(currency)}".rstrip() + each
    record = f"record {safe(change.record)}" if change.record else "a record"
    where = f"on agreement {name} of {safe(change.customer or 'a customer that the plan does not name')}"
    last = values.cancelled or "open"
    match change.action:
        case Action.CREATE:
            return f"Creates a record {where}: {what}, {days}, {price}."
        case Action.CANCEL:
            return f"Ends {record} {where}: {what} from {values.effective}, {price}. Its last billed day is {last}."
        case Action.ADOPT:
            return f"Takes over {record} {where}, which stood there already: {what}, {days}, {price}."
        case Action.DELETE:
            return f"Deletes {record} {where}, which was never invoiced: {what}, {days}, {price}."
        case Action.UPDATE:
            return f"Updates {record} {where}, which is then {what}, {days}, {price}."


def _product_sentence(change: Change) -> str:
    values = product_values(change)
    item = f"catalogue item {safe(values.identifier)}, '{safe(values.name)}'"
    verb = {Action.CREATE: "Creates", Action.DELETE: "Deletes"}.get(change.action, "Updates")
    return (
        f"{verb} {item}, Vendor SKU {safe(values.vendor_sku)}, at {price_text(values.price)} in the PSA's own currency."
    )


def _product(plan: Plan, change: Change) -> str:
    groups = (group for c in by_customer(plan) for a in c.agreements for group in a.subscriptions)
    name = next(group.product_name for group in groups if change in group.changes)
    sku = sku_of(addition_values(change).product)
    return safe(sku if name == sku else f"{name} ({sku})")


def _why(change: Change, page: _Page) -> Iterator[str]:
    yield from page.heading("Why")
    if not change.because:
        yield from page.indented("The plan states no reason.")
    for reason in reasons(change):
        yield from hanging(f"{safe(reason.rule)}: {safe(reason.text)}.", page.width, "  ", "      ")
        if reason.rule in RULES:
            yield from page.indented(f"The rule: {RULES[reason.rule]}", 6)
        if reason.lines:
            yield from page.indented(f"Invoiced on {safe(reason.lines)}.", 6)


def _moved(change: Change, currency: str, page: _Page) -> Iterator[str]:
    if change.before is None or change.after is None:
        yield from _all_fields(change, currency, page)
        return
    moved = [field for field in moved_fields(change) if field.field not in _COSTS]
    yield from page.heading("Old → new")
    if not moved:
        yield from page.indented("No field changes.")
    room = max((len(field.field) for field in moved), default=0)
    for field in moved:
        unit = f" {safe(currency)}" if field.money and currency else ""
        yield from hanging(f"{safe(field.old)} → {safe(field.new)}{unit}", page.width, f"  {left(field.field, room)}  ")


def _all_fields(change: Change, currency: str, page: _Page) -> Iterator[str]:
    """The record as it is to be, or, for a delete, as it was: nothing that is written stays unsaid."""
    values = change.after or change.before
    yield from page.heading("The record" if change.after else "The record that goes")
    rows = list(_product_rows(values) if isinstance(values, ProductValues) else _addition_rows(change, currency))
    room = max(len(name) for name, _ in rows)
    for name, text in rows:
        yield from hanging(safe(text), page.width, f"  {left(name, room)}  ")


def _addition_rows(change: Change, currency: str) -> Iterator[tuple[str, str]]:
    values = addition_values(change)
    yield "quantity", f"{plain(values.quantity)} {unit_of(change, values.quantity)}"
    of = "" if copies_a_line(change) else " a month"
    yield "unit price", f"{price_text(values.unit_price)} {currency}".rstrip() + of
    yield "first day", str(values.effective)
    yield "last day", f"{values.cancelled}, billed" if values.cancelled else "open"
    yield "serial number", values.serial_number or "none"
    yield "product", sku_of(values.product)
    if values.description:
        yield "description", values.description


def _product_rows(values: ProductValues) -> Iterator[tuple[str, str]]:
    yield "Vendor SKU", values.vendor_sku
    yield "product id", values.identifier
    yield "description", values.description
    yield "name", values.name
    yield "price", price_text(values.price)
    yield "taxable", {True: "yes", False: "no", None: "as the PSA sets it"}[values.taxable]
    yield "category", f"{values.category} / {values.subcategory} / {values.type}"
    yield "unit of measure", values.unit_of_measure


def _money(change: Change, currency: str, bills: dict[str, Impact], page: _Page) -> Iterator[str]:
    yield from page.heading("What it does to the bill" + (f", in {safe(currency)}" if currency else ""))
    months = sorted({*change.impact, *bills})
    amounts = {month: signed(change.impact.get(month, ZERO), currency) for month in months}
    room = max(map(len, amounts.values()), default=0)
    for month, amount in amounts.items():
        text = told(change, month, currency) or _without_sum(change, month)
        yield from hanging(safe(text), page.width, f"  {safe(month)}  {right(amount, room)}  ")


def _without_sum(change: Change, month: str) -> str:
    """Why there is no sum to tell: the record is not in force, or the PSA bills it in a way of its own."""
    if change.impact.get(month):
        return "as the PSA bills it"
    ends = [values.cancelled for values in (change.before, change.after) if isinstance(values, AdditionValues)]
    values = addition_values(change)
    if all(end and str(end) < month for end in ends):
        return f"the record ended on {values.cancelled}"
    if str(values.effective)[:7] > month:
        return f"the record begins on {values.effective}"
    return "the month bills the same as before"


def _agreement(plan: Plan, bills: dict[str, Impact], page: _Page) -> Iterator[str]:
    if not bills:
        return
    yield from page.heading("The agreement's bill, with every change of the plan")
    for month, row in sorted(bills.items()):
        before, after = printed(row.before, row.currency), printed(row.after, row.currency)
        yield from hanging(f"{before} → {after} {safe(row.currency)}", page.width, f"  {safe(month)}  ")
    for row in filter(None, map(bills.get, plan.planned_months)):
        if row.charged_seat_days or row.seat_days:
            yield from page.indented(proof(row.charged_seat_days, row.seat_days))
        reason = f": {safe(row.reason)}" if row.reason else ""
        yield from page.indented(f"{safe(row.month)}: {row.verdict.value}{reason}")


def _needs(plan: Plan, change: Change, page: _Page) -> Iterator[str]:
    if not change.needs:
        return
    yield from page.heading("What has to be written first")
    for need in change.needs:
        for piece in broken(safe(need), page.width - 2):
            yield f"  {piece}"


def _cost(change: Change, currency: str, page: _Page) -> Iterator[str]:
    values = change.after or change.before
    if isinstance(values, ProductValues):
        price, cost, of = values.price, values.cost, ""
    else:
        addition = addition_values(change)
        price, cost, of = addition.unit_price, addition.unit_cost, f" {safe(currency)}".rstrip()
    share = percent_of(price - cost, price)
    yield from page.heading("Not for the customer")
    yield from page.indented(
        f"unit cost {price_text(cost)}{of}, margin {price_text(price - cost)}{of}{f' ({share})' if share else ''}"
    )
    for field in moved_fields(change):
        if field.field in _COSTS:
            yield from page.indented(f"{field.field}: {safe(field.old)} → {safe(field.new)}{of}")
