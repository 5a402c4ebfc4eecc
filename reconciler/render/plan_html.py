"""A plan as one HTML page that needs nothing else: no script, no image, no font, no address to load anything from.

Whoever does the books opens it in a browser, on a phone, or prints it. Text of others cannot become markup: every value
that is written into the page passes `safe_text.safe` and is escaped, and the page's own policy forbids all that is not
its one style sheet (security row 22).
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.money import ZERO, Money, plain, printed, summed
from reconciler.domain.open_items import OpenItems
from reconciler.domain.plan import Action, Impact, Plan, Verdict
from reconciler.render.breakdown import kept_price_sentences, kept_prices, margin_change, step_rows
from reconciler.render.cutover import cutover_rows
from reconciler.render.grouping import (
    CustomerGroup,
    addition_values,
    amount_in,
    by_customer,
    catalogue_changes,
    product_values,
    quiet_agreements,
    shown_months,
    total_after,
    total_before,
    total_cost,
)
from reconciler.render.safe_text import safe
from reconciler.render.wording import (
    VERBS,
    amounts_text,
    counted,
    moved_fields,
    percent_of,
    price_text,
    proof,
    reasons,
    signed,
    span_text,
    subject_of,
    summary_sentence,
    unit_of,
)

# As many customers as are laid open from the start; of more, a reader opens those that the table above leads to.
_OPEN = 25
_CODE = re.compile(r"`([^`]+)`")
_TONES = {
    Action.CREATE: "good",
    Action.UPDATE: "careful",
    Action.CANCEL: "bad",
    Action.ADOPT: "new",
    Action.DELETE: "bad",
}
_VERDICTS = {Verdict.RECONCILED: "good", Verdict.DIFFERS: "bad", Verdict.NOT_RECONCILABLE: "careful"}
_HEADINGS = {
    Severity.ERROR: ("bad", "Errors: these customers are kept out of the plan"),
    Severity.WARNING: ("careful", "Warnings"),
    Severity.INFO: ("quiet", "Notes"),
}


def plan_html(plan: Plan) -> str:
    """The plan as one page. The same plan gives the same text."""
    return "".join(plan_html_pieces(plan))


def plan_html_pieces(plan: Plan) -> Iterator[str]:
    """The page in pieces, for a plan that is too large to hold twice."""
    template = _template()
    return template.generate(
        plan=plan,
        subject=subject_of(plan),
        sentence=summary_sentence(plan).removeprefix("Plan: "),
        quiet=quiet_agreements(plan),
        months=shown_months(plan),
        totals=list(_totals(plan)),
        findings=list(_findings(plan)),
        kept=list(kept_prices(plan)),
        kept_sentences=list(kept_price_sentences(plan)),
        customers=list(_customers(plan)),
        customers_open=len(by_customer(plan)) <= _OPEN,
        catalogue=catalogue_changes(plan),
        cutover=list(cutover_rows(plan)),
        stubs=list(_stubs(plan.left_open)),
    )


# -- what is shown, in the order of the page


@dataclass(frozen=True, slots=True)
class _Total:
    """All agreements of one currency together, an amount for each month that is shown; cost and margin too, where the
    distributor has charged that month.
    """

    currency: str
    before: tuple[str, ...]
    moved: tuple[str, ...]
    after: tuple[str, ...]
    cost: tuple[str, ...]
    margin: tuple[str, ...]
    charged: tuple[bool, ...]


def _totals(plan: Plan) -> Iterator[_Total]:
    months = shown_months(plan)
    before = [total_before(plan, month) for month in months]
    after = [total_after(plan, month) for month in months]
    costs = [total_cost(plan, month) if month in plan.planned_months and not plan.undoes else () for month in months]
    for currency in sorted({money.currency for month in after for money in month}):
        old, new, cost = ([amount_in(month, currency) for month in side] for side in (before, after, costs))
        known = [any(money.currency == currency for money in month) for month in costs]
        yield _Total(
            currency=currency,
            before=tuple(printed(amount, currency) for amount in old),
            moved=tuple(signed(b - a, currency) for a, b in zip(old, new, strict=True)),
            after=tuple(printed(amount, currency) for amount in new),
            cost=tuple(printed(c, currency) if k else "—" for c, k in zip(cost, known, strict=True)),
            margin=tuple(_margin(b, c, currency) if k else "—" for b, c, k in zip(new, cost, known, strict=True)),
            charged=tuple(known),
        )


def _margin(billed: Decimal, cost: Decimal, currency: str) -> str:
    share = percent_of(billed - cost, billed)
    return printed(billed - cost, currency) + (f" ({share})" if share else "")


def _findings(plan: Plan) -> Iterator[tuple[str, str, list[Finding]]]:
    for severity, (tone, heading) in _HEADINGS.items():
        chosen = [finding for finding in plan.findings if finding.severity is severity]
        if chosen:
            undone = plan.undoes is not None and severity is Severity.ERROR
            yield tone, "What cannot be taken back" if undone else heading, chosen


@dataclass(frozen=True, slots=True)
class _Customer:
    """A customer, by how much its bill of each shown month moves, and its verdicts with their tones."""

    group: CustomerGroup
    anchor: str
    moved: tuple[str, ...]
    verdicts: tuple[tuple[str, str], ...]
    count: str


def _customers(plan: Plan) -> Iterator[_Customer]:
    """The customers with the largest change of their bill first. A single currency stands above the table, once."""
    months = shown_months(plan)
    told = _moved if len({money.currency for month in months for money in total_after(plan, month)}) > 1 else _bare

    def size(group: CustomerGroup) -> Decimal:
        return sum((abs(money.amount) for month in months for money in group.moved(month)), ZERO)

    ordered = sorted(by_customer(plan), key=lambda group: (-size(group), group.name.casefold(), group.name))
    for number, group in enumerate(ordered, 1):
        bills = [bill for a in group.agreements for month in plan.planned_months if (bill := a.bill(month))]
        yield _Customer(
            group=group,
            anchor=f"customer-{number}",
            moved=tuple(told(group.moved(month)) for month in months),
            verdicts=tuple(dict.fromkeys((bill.verdict.value, _VERDICTS[bill.verdict]) for bill in bills)),
            count=counted(len(group.changes), "change") if group.changes else "no change",
        )


def _moved(amounts: tuple[Money, ...]) -> str:
    return ", ".join(f"{signed(money.amount, money.currency)} {money.currency}" for money in amounts)


def _bare(amounts: tuple[Money, ...]) -> str:
    return ", ".join(signed(money.amount, money.currency) for money in amounts)


def _stubs(items: OpenItems) -> Iterator[tuple[str, str, list[str]]]:
    """The sections of the mapping that lack entries: their money, and the lines to paste."""
    for section in ("customers", "products"):
        stubs = [stub for stub in items.stubs if stub.section == section]
        if stubs:
            money = amounts_text(summed(amount for stub in stubs for amount in stub.amounts))
            yield section, money, [line for stub in stubs for line in stub.yaml.split("\n")]


def _evidence(bill: Impact, *, several: bool) -> Iterator[tuple[str, str]]:
    """Why a month can be trusted, each fact with its tone."""
    month = f"{bill.month}: " if several else ""
    yield _VERDICTS[bill.verdict], f"{month}{bill.verdict.value}{f': {bill.reason}' if bill.reason else ''}"
    if bill.reviewed:
        yield "quiet", f"{month}accepted as {bill.reviewed.value} by {bill.review or ''}"
    if bill.charged_seat_days or bill.seat_days:
        yield "quiet", month + proof(bill.charged_seat_days, bill.seat_days)
    yield "quiet", month + margin_change(bill)


# -- the page


def _with_code(text: str) -> Markup:
    """A sentence in which what stands between backticks, as in a terminal, is set as code."""
    # Made safe and escaped first: between the marks nothing can be markup any more.
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(safe(text)))))  # noqa: S704


def _written(value: Any) -> Any:
    """What a value looks like in the page: made safe here, so that no place can forget it; escaped after."""
    return value if isinstance(value, Markup) else safe(str(value))


@lru_cache(maxsize=1)
def _template() -> Template:
    folder = files("reconciler.render")
    style = (folder / "plan_page.css").read_text("utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_written
    )
    fingerprint = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment.globals.update(
        # Ours, from a file of the package: the one text that is not escaped.
        style=Markup(style),  # noqa: S704 -- no text of others is in it
        policy=f"default-src 'none'; style-src 'sha256-{fingerprint}'; base-uri 'none'; form-action 'none'",
        tones=_TONES,
        verbs=VERBS,
        addition_values=addition_values,
        product_values=product_values,
        moved_fields=moved_fields,
        reasons=reasons,
        step_rows=step_rows,
        evidence=_evidence,
        plain=plain,
        price_text=price_text,
        printed=printed,
        signed=signed,
        span_text=span_text,
        unit_of=unit_of,
        counted=counted,
        amounts_text=amounts_text,
        with_code=_with_code,
        percent_of=percent_of,
    )
    return environment.from_string((folder / "plan_page.html.j2").read_text("utf-8"))
