"""How the parts of a plan are called: signs, sentences, dates, quantities, and old → new. The same in every format."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reconciler.domain.invoice import Motion
from reconciler.domain.money import Money, plain, printed
from reconciler.domain.plan import Action, AdditionValues, Because, Change, Plan, ProductValues, Values, Verdict
from reconciler.domain.plan_summary import PlanSummary
from reconciler.render.grouping import sku_of

SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.CANCEL: "-",
    Action.ADOPT: ">",
    Action.DELETE: "x",
}
# A record is ended, not deleted: it stays on the agreement and its billed days stay billed.
VERBS = {
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.CANCEL: "end",
    Action.ADOPT: "adopt",
    Action.DELETE: "delete",
}
NO_CHANGES = "No changes. The PSA says what the invoices charged."


@dataclass(frozen=True, slots=True)
class Moved:
    """A field that a change writes, old and new, as text; `money` marks those whose currency is to be named."""

    field: str
    old: str
    new: str
    money: bool = False


def counted(number: int, thing: str) -> str:
    """`1 change`, `3 changes`."""
    if number == 1:
        return f"1 {thing}"
    return f"{number} {thing[:-1]}ies" if thing.endswith("y") else f"{number} {thing}s"


def counts(plan: Plan) -> str:
    """`3 to create, 1 to end`: what the plan writes, by action; empty where it writes nothing."""
    return ", ".join(f"{plan.count(action)} to {VERBS[action]}" for action in Action if plan.count(action))


def subject_of(plan: Plan | PlanSummary) -> str:
    """What a plan is about: a month, or a run to take back."""
    return f"Undo of run {plan.undoes} ({plan.period})" if plan.undoes else f"Plan for {plan.period}"


def summary_sentence(plan: Plan) -> str:
    """The plan in one sentence. It says that all is well only where nothing is missing, differs or is refused."""
    if plan.changes:
        return f"{f'Undo of run {plan.undoes}' if plan.undoes else 'Plan'}: {counts(plan)}."
    if plan.undoes:
        left = f"; {counted(len(plan.errors), 'error')} tell what cannot be" if plan.errors else ""
        return f"No changes: nothing that run {plan.undoes} wrote is to be taken back{left}."
    rows = [row for row in plan.impact if row.month in plan.planned_months]
    differing = {row.agreement for row in rows if row.verdict is Verdict.DIFFERS}
    if plan.errors:
        return f"No changes, but {counted(len(plan.errors), 'error')} kept customers out of the plan."
    if differing:
        return f"No changes, but {counted(len(differing), 'agreement')} will not bill what the invoices charged."
    unknown = {row.agreement for row in rows if row.verdict is not Verdict.RECONCILED}
    if unknown:
        return f"No changes, but {counted(len(unknown), 'agreement')} could not be compared with the invoices."
    return NO_CHANGES if rows else "No changes, but no agreement was compared with the invoices."


def signed(amount: Decimal, currency: str | None = None) -> str:
    """A change of a bill: `+38.00`, `-14.67`, `0.00`."""
    text = printed(amount, currency)
    if not Decimal(text):
        return text.lstrip("-")
    return text if text.startswith("-") else f"+{text}"


def amounts_text(amounts: tuple[Money, ...]) -> str:
    """Amounts in several currencies: `12.00 AUD, 3.00 NZD`; `0.00` where there is none."""
    return ", ".join(map(str, amounts)) or "0.00"


def price_text(price: Decimal) -> str:
    """A unit price: two places at least, and all that it has."""
    whole, _, places = plain(price).partition(".")
    return f"{whole}.{places.ljust(2, '0')}"


def percent_of(part: Decimal, whole: Decimal) -> str:
    """`20.0 %`; empty where the whole is nothing."""
    return f"{part * 100 / whole:.1f} %" if whole else ""


def margin_text(billed: Decimal, cost: Decimal, currency: str) -> str:
    """`charged by the distributor 178.67 AUD, margin 44.66 AUD (20.0 %)`: the margin is a share of what is billed."""
    share = percent_of(billed - cost, billed)
    margin = f"{Money(billed - cost, currency)}{f' ({share})' if share else ''}"
    return f"charged by the distributor {Money(cost, currency)}, margin {margin}"


def copies_a_line(change: Change) -> bool:
    """Whether a record bills one invoice line, once and with its final amount (C27)."""
    return any(reason.rule == "C27" for reason in change.because)


def unit_of(change: Change, quantity: Decimal) -> str:
    """What the quantity counts: seats, or units where the charge is for usage or once."""
    word = "unit" if change.motion in (Motion.AZURE, Motion.ONE_TIME) else "seat"
    return word if abs(quantity) == 1 else f"{word}s"


def span_text(first: date, last: date | None) -> str:
    """The billed days, both ends included: `2026-09-12 to 2026-09-30`, `2026-10-01 onwards`."""
    return f"{first} to {last}" if last else f"{first} onwards"


def proof(charged: Decimal, billed: Decimal) -> str:
    """The seat-day proof: `335 seat-days charged = 335 billed`."""
    return f"{plain(charged)} seat-days charged {'=' if charged == billed else '≠'} {plain(billed)} billed"


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule and its sentence, and the invoice lines that it stands on: `INV-1 line 1; INV-2 lines 3, 4`, or none."""

    rule: str
    text: str
    lines: str


def reasons(change: Change) -> tuple[Reason, ...]:
    """Why a change is made, each rule and sentence once."""
    found: dict[tuple[str, str], list[Because]] = {}
    for because in change.because:
        found.setdefault((because.rule, because.text), []).append(because)
    return tuple(Reason(rule, text, _invoice_lines(stated)) for (rule, text), stated in found.items())


def _invoice_lines(stated: Iterable[Because]) -> str:
    lines: dict[str, list[int]] = {}
    for because in stated:
        if because.invoice is not None:
            lines.setdefault(because.invoice, []).extend([because.line] if because.line is not None else [])
    return "; ".join(_lines_of(invoice, numbers) for invoice, numbers in lines.items())


def _lines_of(invoice: str, numbers: list[int]) -> str:
    if not numbers:
        return invoice
    unique = sorted(set(numbers))
    return f"{invoice} line{'s' if len(unique) > 1 else ''} {', '.join(map(str, unique))}"


def moved_fields(change: Change) -> Iterator[Moved]:
    """The fields that an existing record gets anew, in a fixed order; none for a create or a delete."""
    if change.before is None or change.after is None:
        return
    old, new = fields_of(change.before), fields_of(change.after)
    for field, value in new.items():
        if old[field] != value:
            yield Moved(field, old[field], value, money=field in _MONEY)


_MONEY = frozenset({"unit price", "unit cost", "price", "cost"})


def fields_of(values: Values | None) -> dict[str, str]:
    """The fields of a record that are ours, by the names people know, as text; none where there is no record."""
    if values is None:
        return {}
    return dict(_product_fields(values) if isinstance(values, ProductValues) else _addition_fields(values))


def _addition_fields(values: AdditionValues) -> Iterator[tuple[str, str]]:
    yield "quantity", plain(values.quantity)
    yield "unit price", price_text(values.unit_price)
    yield "unit cost", price_text(values.unit_cost)
    yield "first day", str(values.effective)
    yield "last day", str(values.cancelled or "open")
    yield "serial number", values.serial_number or "none"
    yield "product", sku_of(values.product)
    yield "description", values.description or "none"


def _product_fields(values: ProductValues) -> Iterator[tuple[str, str]]:
    yield "Vendor SKU", values.vendor_sku or "none"
    yield "product id", values.identifier
    yield "description", values.description or "none"
    yield "name", values.name or "none"
    yield "price", price_text(values.price)
    yield "cost", price_text(values.cost)
    yield "taxable", {True: "yes", False: "no", None: "as the PSA sets it"}[values.taxable]
    yield "category", values.category
    yield "subcategory", values.subcategory
    yield "type", values.type
    yield "unit of measure", values.unit_of_measure
