"""Which price a seat is billed at: the partner's own rules over the retail price (rulebook P55 to P58, C14).

The first rule whose conditions hold wins; without one, the retail price is billed. A rule may leave the price to the
PSA (`psa`): then what stands there is kept, and a new record takes the catalogue's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reconciler.domain.mapping import PriceRule

DEFAULT_RULE = "At Retail Price"


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """A unit price for a full month and the name of the rule that made it; None: left to the PSA."""

    price: Decimal | None
    rule: str


def winning_rule(rules: Iterable[PriceRule], program: str, customer: str, product: str, day: date) -> PriceRule | None:
    """The first rule that holds for a product of a customer on a day, or None."""
    for rule in rules:
        if (
            rule.program in (None, program)
            and rule.customer in (None, customer)
            and rule.sku in (None, product)
            and (rule.first is None or rule.first <= day)
            and (rule.last is None or day <= rule.last)
        ):
            return rule
    return None


def own_price(rule: PriceRule | None, retail: Decimal | None, cost: Decimal) -> OwnPrice | None:
    """The price by a rule (None: retail). None where the rule needs a retail price and none is known."""
    if rule is None:
        return OwnPrice(retail, DEFAULT_RULE) if retail is not None else None
    if rule.basis == "psa":
        return OwnPrice(None, rule.name)
    if rule.basis == "fixed":
        return OwnPrice(rule.amount, rule.name)
    basis = retail if rule.basis == "retail" else cost
    if basis is None:
        return None
    return OwnPrice(basis + rule.amount + basis * rule.percent / 100, rule.name)
