"""How a distributor's charge becomes what the PSA bills: an ordered list of parts that sum exactly to the bill."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from reconciler.domain.money import ZERO


class Part(StrEnum):
    """What a step of a breakdown stands for, in the order in which the steps are shown.

    `charged` (of a month without an invoice: `expected`) is the distributor's, `margin` the partner's own price on top
    of it. From `suppressed-credit` on, each says why the bill is not what was charged at the partner's price.
    """

    CHARGED = "charged"
    EXPECTED = "expected"
    MARGIN = "margin"
    EXCLUDED = "excluded"
    SUPPRESSED_CREDIT = "suppressed-credit"
    INCREASE = "increase-not-passed-on"
    DECREASE = "decrease-not-passed-on"
    HANDED_OVER = "handed-over"
    SEATS = "seats"
    WHOLE_PERIOD = "whole-period"
    NOT_BILLABLE = "not-billable"
    NOT_COMPARED = "not-compared"
    OTHERWISE = "otherwise"
    ROUNDING = "rounding"


_COSTS = (Part.CHARGED, Part.EXPECTED, Part.EXCLUDED)


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a breakdown: what it stands for, the rule that made it (a price rule's name for a margin, the reason
    for lines that are left out; empty where the part has none), and its signed amount in the agreement's currency.
    """

    part: Part
    rule: str
    amount: Decimal


def cost_of(steps: Iterable[Step]) -> Decimal:
    """What the billed lines cost: the distributor's charge without the lines that are left out."""
    return sum((step.amount for step in steps if step.part in _COSTS), ZERO)
