"""What a month's usage was made of, as text for the customer's invoice (rulebook P52, T22).

The lines are grouped by Azure subscription, resource group or meter and told at the price that the customer pays, the
dearest first; what does not fit is one sum at the end. Costs, ids of resources and tags are never told. In words:
`Azure usage 2026-09: rg-web 120.00; rg-data 80.10; 14 others 12.27`.
"""

from collections.abc import Iterable
from decimal import Decimal

from reconciler.domain.days import Month
from reconciler.domain.mapping import AzureDetail
from reconciler.domain.money import ZERO, printed
from reconciler.domain.text import one_line
from reconciler.rules.charged import ChargedLine

# ConnectWise takes 6,000 characters on an addition; a line of an invoice is read by a person.
LONGEST = 6_000
MOST_GROUPS = 30
_LONGEST_NAME = 80


def usage_text(
    lines: Iterable[ChargedLine], detail: AzureDetail, month: Month, currency: str, longest: int = LONGEST
) -> str:
    """The text, at most `longest` characters; empty where no detail is wanted. Amounts are rounded to the currency."""
    if detail is AzureDetail.NONE:
        return ""
    sums: dict[str, Decimal] = {}
    for charged in lines:
        name = _name(charged, detail)
        sums[name] = sums.get(name, ZERO) + charged.rate.unit_price
    ranked = sorted(((n, amount) for n, amount in sums.items() if amount), key=lambda pair: (-pair[1], pair[0]))
    head = f"Azure usage {month}"
    return next(
        text
        for shown in range(min(len(ranked), MOST_GROUPS), -1, -1)
        if len(text := _told(head, ranked[:shown], ranked[shown:], currency)) <= longest or shown == 0
    )[:longest]


def _told(head: str, shown: list[tuple[str, Decimal]], rest: list[tuple[str, Decimal]], currency: str) -> str:
    parts = [f"{name} {printed(amount, currency)}" for name, amount in shown]
    if rest:
        total = sum((amount for _, amount in rest), ZERO)
        what = f"{len(rest)} other{'s' if len(rest) > 1 else ''}" if shown else f"{len(rest)} in all"
        parts.append(f"{what} {printed(total, currency)}")
    return f"{head}: {'; '.join(parts)}" if parts else head


def _name(charged: ChargedLine, detail: AzureDetail) -> str:
    line = charged.line
    match detail:
        case AzureDetail.SUBSCRIPTION:
            name, none = line.subscription, "no subscription"
        case AzureDetail.RESOURCE_GROUP:
            # Azure compares the names of resource groups without regard to letter case.
            name, none = (line.resource_group or "").lower(), "no resource group"
        case _:
            name, none = line.meter or line.description, "no meter"
    # What separates the groups must not stand in a name.
    return one_line(name.replace(";", ","), _LONGEST_NAME) or none
