"""Limits beyond which a plan is refused until a person says otherwise (interface §6.4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from reconciler.domain.mapping import Guards
from reconciler.domain.money import ZERO, Money, printed
from reconciler.domain.plan import Action
from reconciler.domain.records import Addition
from reconciler.rules.drafts import Draft

# As many records below the margin floor as a refusal names; the plan shows them all.
_NAMED = 3


def beyond_changes(guards: Guards, changes: int, program: str) -> str | None:
    """The refusal of a plan with too many changes, or None."""
    if guards.max_changes is None or changes <= guards.max_changes:
        return None
    return f"max_changes of program {program}: {changes} changes, the limit is {guards.max_changes}"


def open_value(additions: Iterable[Addition]) -> Decimal:
    """What records without an end bill a month: quantity times unit price."""
    return sum((a.quantity * a.unit_price for a in additions if a.cancelled is None), ZERO)


def beyond_decrease(guards: Guards, before: Decimal, after: Decimal, program: str) -> str | None:
    """The refusal of a plan that takes too much off the touched agreements' open monthly value, or None."""
    limit = guards.max_decrease_percent
    if limit is None or before <= 0 or after >= before:
        return None
    percent = (before - after) * 100 / before
    if percent <= limit:
        return None
    return (
        f"max_decrease_percent of program {program}: the open monthly value falls by {printed(percent)} % "
        f"({printed(before)} to {printed(after)}), the limit is {limit} %"
    )


@dataclass(frozen=True, slots=True)
class Written:
    """A record that a plan creates or gives another price: what is billed and what is charged for one unit."""

    customer: str
    subscription: str
    price: Decimal
    cost: Decimal

    def __str__(self) -> str:
        share = f"{(self.price - self.cost) * 100 / self.price:.1f} %" if self.price > 0 else "none"
        who = f"{self.customer}, {self.subscription}"
        return f"{who} at {printed(self.price)} for a cost of {printed(self.cost)} (margin {share})"


def margin_of(draft: Draft, customer: str, subscription: str) -> Written | None:
    """What the margin guard looks at: a record that bills more than before and is new or gets another price; of any
    other the margin is not this plan's doing. None for those, and for what is taken off a bill.
    """
    standing = draft.standing
    repriced = standing is None or draft.rate.unit_price != standing.unit_price
    if draft.action is Action.DELETE or draft.quantity <= 0 or not repriced:
        return None
    return Written(customer, subscription, draft.rate.unit_price, draft.rate.cost)


def beyond_margin(guards: Guards, written: Iterable[Written], program: str) -> str | None:
    """The refusal of a plan that writes records below the margin floor, or None; it names the first few and counts all.

    Margin is a share of the price.
    """
    floor = guards.min_margin_percent
    if floor is None:
        return None
    below = [one for one in dict.fromkeys(written) if one.price * (100 - floor) < one.cost * 100]
    if not below:
        return None
    named = "; ".join(map(str, below[:_NAMED]))
    more = f"; and {len(below) - _NAMED} more" if len(below) > _NAMED else ""
    records = "1 record is" if len(below) == 1 else f"{len(below)} records are"
    return f"min_margin_percent of program {program}: {records} below the floor of {floor} %: {named}{more}"


def beyond_unmapped(guards: Guards, unmapped: Iterable[Money], program: str) -> str | None:
    """The refusal of a plan that leaves too much money unmapped, in any currency, or None."""
    limit = guards.max_unmapped_amount
    if limit is None:
        return None
    over = [money for money in unmapped if money.amount > limit]
    if not over:
        return None
    amounts = ", ".join(str(money) for money in over)
    return (
        f"max_unmapped_amount of program {program}: {amounts} is mapped to no customer or product, the limit is {limit}"
    )
