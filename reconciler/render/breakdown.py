"""From the distributor's charge to the bill, in words: the same steps in every format."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from reconciler.domain.breakdown import Part, Step
from reconciler.domain.days import Month
from reconciler.domain.money import ZERO, Money, printed, summed
from reconciler.domain.plan import Impact, Plan
from reconciler.render.wording import amounts_text, percent_of, signed

_WORDS = {
    Part.CHARGED: "charged by the distributor",
    Part.EXPECTED: "expected from the distributor",
    Part.MARGIN: "margin",
    Part.EXCLUDED: "not billed",
    Part.SUPPRESSED_CREDIT: "credit kept back",
    Part.INCREASE: "increase not passed on",
    Part.DECREASE: "decrease not passed on",
    Part.HANDED_OVER: "billed by the old record still",
    Part.SEATS: "seats that were not charged",
    Part.WHOLE_PERIOD: "days that the PSA bills whole",
    Part.NOT_BILLABLE: "units that the PSA does not bill",
    Part.NOT_COMPARED: "records that no line speaks of",
    Part.OTHERWISE: "records that stand otherwise",
    Part.ROUNDING: "rounding",
}
_ORDER = {part: position for position, part in enumerate(Part)}


@dataclass(frozen=True, slots=True)
class StepRow:
    """A line of the breakdown: what it is, the rule that made it (or empty), and an amount for each month shown, empty
    where the month has no such step. All but what the distributor charged has a sign.
    """

    part: Part
    words: str
    rule: str
    amounts: tuple[str, ...]


def step_words(step: Step) -> str:
    """What a step stands for; seats that are missing are told from those that are too many."""
    if step.part is Part.SEATS and step.amount < 0:
        return "seats that are not on the agreement"
    return _WORDS[step.part]


def step_rows(bills: Sequence[Impact | None]) -> tuple[StepRow, ...]:
    """The steps of one agreement's months beside each other, in the order of their parts. What is charged in one month
    and expected in another stands in one row.
    """
    found: dict[tuple[Part, str, str], list[Decimal | None]] = {}
    for position, bill in enumerate(bills):
        for step in bill.breakdown if bill else ():
            distributors = step.part in (Part.CHARGED, Part.EXPECTED)
            key = (
                Part.CHARGED if distributors else step.part,
                "" if distributors else step_words(step),
                step.rule,
            )
            amounts = found.setdefault(key, [None] * len(bills))
            amounts[position] = (amounts[position] or ZERO) + step.amount
    parts = {step.part for bill in bills if bill for step in bill.breakdown}
    first = " or ".join(part.value for part in (Part.CHARGED, Part.EXPECTED) if part in parts)
    currencies = [bill.currency if bill else "" for bill in bills]
    rows = [
        StepRow(part, words or f"{first} by the distributor", rule, _texts(part, amounts, currencies))
        for (part, words, rule), amounts in found.items()
    ]
    return tuple(sorted(rows, key=lambda row: (_ORDER[row.part], row.words, row.rule)))


def _texts(part: Part, amounts: Sequence[Decimal | None], currencies: Sequence[str]) -> tuple[str, ...]:
    form = printed if part is Part.CHARGED else signed
    pairs = zip(amounts, currencies, strict=True)
    return tuple("" if amount is None else form(amount, currency) for amount, currency in pairs)


def margin_change(bill: Impact) -> str:
    """`margin 21.33 AUD (10.7 %) before, 44.66 AUD (20.0 %) after`, or one figure where the plan moves nothing."""
    before, after = _margin(bill.before, bill), _margin(bill.after, bill)
    return f"margin {after}" if before == after else f"margin {before} before, {after} after"


def _margin(billed: Decimal, bill: Impact) -> str:
    share = percent_of(billed - bill.cost, billed)
    return f"{Money(billed - bill.cost, bill.currency)}{f' ({share})' if share else ''}"


@dataclass(frozen=True, slots=True)
class KeptPrice:
    """What price changes that are not passed on come to for a customer: this month, and in every month after."""

    customer: str
    direction: str
    policy: str
    now: Money
    after: Money


def kept_prices(plan: Plan) -> Iterator[KeptPrice]:
    """Increases, then decreases, each by customer."""
    following = str(Month.parse(plan.month).following)
    for direction in ("increases", "decreases"):
        for each in plan.not_passed_on:
            amounts = each.increases if direction == "increases" else each.decreases
            if amounts:
                now = sum((amounts.get(month, ZERO) for month in plan.planned_months), ZERO)
                then = amounts.get(following, ZERO)
                money = Money(now, each.currency), Money(then, each.currency)
                yield KeptPrice(each.customer, direction, each.policy, *money)


def kept_price_sentences(plan: Plan) -> Iterator[str]:
    """`Increases not passed on: 15.33 AUD this month, 10.00 AUD every month after.`, and the same for decreases."""
    kept = list(kept_prices(plan))
    when = "this month" if len(plan.planned_months) == 1 else f"in {plan.period}"
    for direction in dict.fromkeys(each.direction for each in kept):
        now = amounts_text(summed(each.now for each in kept if each.direction == direction))
        after = amounts_text(summed(each.after for each in kept if each.direction == direction))
        yield f"{direction.capitalize()} not passed on: {now} {when}, {after} every month after."
