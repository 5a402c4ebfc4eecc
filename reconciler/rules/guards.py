"""Limits beyond which a plan is refused until a person says otherwise (interface §6.4)."""

from collections.abc import Iterable
from decimal import Decimal

from reconciler.domain.mapping import Guards
from reconciler.domain.money import ZERO, Money, printed
from reconciler.domain.records import Addition


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


def beyond_margin(guards: Guards, written: Iterable[tuple[str, Decimal, Decimal]], program: str) -> str | None:
    """The refusal of a plan that writes a record below the margin floor, or None.

    `written` are the subscription, unit price and unit cost of each record written; margin is of the price.
    """
    floor = guards.min_margin_percent
    if floor is None:
        return None
    below = [(subscription, price, cost) for subscription, price, cost in written if price * (100 - floor) < cost * 100]
    if not below:
        return None
    subscription, price, cost = below[0]
    more = f" and {len(below) - 1} more" if len(below) > 1 else ""
    return (
        f"min_margin_percent of program {program}: {subscription} would bill {printed(price)} at a cost of "
        f"{printed(cost)}{more}, the floor is {floor} %"
    )


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
