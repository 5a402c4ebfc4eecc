"""What changed between two plans: records that came, went or differ, what each agreement is billed, and findings.

A plan that was reviewed and one made later are compared by address. What both say alike is counted, not shown.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from reconciler.domain.finding import Finding
from reconciler.domain.money import ZERO, plain, printed
from reconciler.domain.plan import Change, Plan, ProductValues
from reconciler.render.grouping import addition_values, product_values
from reconciler.render.safe_text import safe
from reconciler.render.terminal import Paint, Style, broken, hanging, painter, wrapped
from reconciler.render.wording import (
    VERBS,
    fields_of,
    price_text,
    signed,
    span_text,
    summary_sentence,
    unit_of,
)

_Thing = TypeVar("_Thing", Finding, str)
SAME = "The plans say the same."


def diff_lines(old: Plan, new: Plan, *, width: int, colour: bool) -> Iterator[str]:
    """The difference from one plan to another, no line wider than `width` cells (at least 60).

    `+` is only in the new plan, `-` only in the old one, `~` in both and not alike.
    """
    page = _Page(max(width, 60), painter(colour=colour))
    if _substance(old) == _substance(new):
        yield SAME
        return
    yield from page.painted("+ only in the new plan, - only in the old plan, ~ in both and not alike", Style.QUIET)
    if old.period != new.period:
        yield from page.painted(
            f"The old plan is of {safe(old.period)}, the new one of {safe(new.period)}.", Style.CAREFUL
        )
    yield from _changes(old, new, page)
    yield from _bills(old, new, page)
    yield from _findings(old, new, page)
    yield ""
    yield from page.painted(f"Old plan: {_summary(old)}", Style.STRONG)
    yield from page.painted(f"New plan: {_summary(new)}", Style.STRONG)


@dataclass(frozen=True, slots=True)
class _Page:
    width: int
    paint: Paint

    def painted(self, text: str, style: Style) -> Iterator[str]:
        return (self.paint(line, style) for line in wrapped(text, self.width))

    def heading(self, text: str) -> Iterator[str]:
        yield ""
        yield self.paint(text, Style.STRONG)

    def entry(self, sign: str, text: str) -> Iterator[str]:
        style = {"+": Style.GOOD, "-": Style.BAD, "~": Style.CAREFUL}[sign]
        return (self.paint(line, style) for line in hanging(text, self.width, f"  {sign} "))


def _summary(plan: Plan) -> str:
    return summary_sentence(plan).removeprefix("Plan: ")


def _substance(plan: Plan) -> tuple[object, ...]:
    """What a plan would do and bill, without what it rests on and when it was made."""
    return plan.planned_months, plan.target, plan.changes, plan.impact, plan.findings, plan.refused_by


def _changes(old: Plan, new: Plan, page: _Page) -> Iterator[str]:
    before, after = ({change.address: change for change in plan.changes} for plan in (old, new))
    alike = sum(after.get(address) == change for address, change in before.items())
    moved = [address for address in dict.fromkeys([*before, *after]) if before.get(address) != after.get(address)]
    if not moved:
        return
    yield from page.heading(f"Changes, {alike} of them alike in both")
    for address in moved:
        yield from _change(before.get(address), after.get(address), page)
        for piece in broken(safe(address), page.width - 6):
            yield page.paint(f"      {piece}", Style.QUIET)


def _change(old: Change | None, new: Change | None, page: _Page) -> Iterator[str]:
    if old is None or new is None:
        change = new or old
        assert change  # noqa: S101 -- an address stands in one of the two
        yield from page.entry("+" if new else "-", _told(change))
        return
    yield from page.entry("~", _told(new))
    for name, was, now in _differences(old, new):
        yield from hanging(f"{name}: {safe(was)} → {safe(now)}", page.width, "      ")


def _told(change: Change) -> str:
    verb = VERBS[change.action]
    if isinstance(change.after or change.before, ProductValues):
        product = product_values(change)
        return (
            f"{verb} product {safe(product.name)}, price {price_text(product.price)}, cost {price_text(product.cost)}"
        )
    values = addition_values(change)
    bills = "; ".join(f"{month} {signed(amount)}" for month, amount in sorted(change.impact.items()))
    text = (
        f"{verb} {plain(values.quantity)} {unit_of(change, values.quantity)} "
        f"{span_text(values.effective, values.cancelled)} at {price_text(values.unit_price)}"
    )
    return f"{text}{f' ({safe(bills)})' if bills else ''}"


def _differences(old: Change, new: Change) -> Iterator[tuple[str, str, str]]:
    if old.action is not new.action:
        yield "action", VERBS[old.action], VERBS[new.action]
    for side, was, now in (("found in the PSA", old.before, new.before), ("to be", old.after, new.after)):
        before, after = fields_of(was), fields_of(now)
        for field in dict.fromkeys([*before, *after]):
            if before.get(field) != after.get(field):
                yield f"{field}, {side}", before.get(field, "no record"), after.get(field, "no record")
    for month in sorted({*old.impact, *new.impact}):
        was_billed, now_billed = old.impact.get(month, ZERO), new.impact.get(month, ZERO)
        if was_billed != now_billed:
            yield f"adds to {safe(month)}", signed(was_billed), signed(now_billed)
    if old.because != new.because:
        yield "reason", _reason(old), _reason(new)


def _reason(change: Change) -> str:
    return "; ".join(f"{because.rule}: {because.text}" for because in change.because) or "none"


def _bills(old: Plan, new: Plan, page: _Page) -> Iterator[str]:
    before, after = ({(row.agreement, row.month): row for row in plan.impact} for plan in (old, new))
    rows = []
    for key in dict.fromkeys([*before, *after]):
        was, now = before.get(key), after.get(key)
        if (was and was.after) != (now and now.after):
            row = now or was
            assert row  # noqa: S101 -- a key stands in one of the two
            amounts = " → ".join(
                printed(side.after, side.currency) if side else "not in the plan" for side in (was, now)
            )
            rows.append(f"{safe(row.agreement_name)} of {safe(row.customer)}, {row.month}: {amounts} {row.currency}")
    if rows:
        yield from page.heading("What is billed after the plan")
        for text in rows:
            yield from page.entry("~", text)


def _findings(old: Plan, new: Plan, page: _Page) -> Iterator[str]:
    gone = _without(old.findings, new.findings)
    come = _without(new.findings, old.findings)
    if gone or come:
        yield from page.heading("Findings")
        for sign, findings in (("-", gone), ("+", come)):
            for finding in findings:
                yield from page.entry(sign, _finding(finding))
    for sign, guards in (
        ("-", _without(old.refused_by, new.refused_by)),
        ("+", _without(new.refused_by, old.refused_by)),
    ):
        for guard in guards:
            yield from page.entry(sign, f"refused by guard {safe(guard)}")


def _finding(finding: Finding) -> str:
    about = f" ({safe(finding.customer)})" if finding.customer else ""
    money = f", {safe(str(finding.amount))}" if finding.amount else ""
    return f"{finding.severity.value} {safe(finding.code)}{about}: {safe(finding.message)}{money}"


def _without(these: Iterable[_Thing], those: Iterable[_Thing]) -> list[_Thing]:
    known = list(those)
    return [one for one in these if one not in known]
