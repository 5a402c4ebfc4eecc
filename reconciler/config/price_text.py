"""A partner's price as it is written: `retail - 5%`, `cost + 1.20`, `fixed 12.50`, `psa`."""

import re
from dataclasses import dataclass
from decimal import Decimal

from reconciler.domain.money import ZERO

_NUMBER = r"[0-9]{1,14}(?:\.[0-9]{1,6})?"
_FIXED = re.compile(rf"fixed\s+({_NUMBER})")
_RELATIVE = re.compile(rf"(retail|cost)(?:\s*([+-])\s*({_NUMBER})\s*(%?))?")
# The same forms for JSON Schema, where an editor checks them while somebody types.
PATTERN = rf"^(psa|fixed +{_NUMBER}|(retail|cost)( *[+-] *{_NUMBER} *%?)?)$"


@dataclass(frozen=True, slots=True)
class PriceText:
    """A price: `basis` is retail, cost, fixed or psa. `amount` (money of the invoice's currency, for one unit and
    cycle) and `percent` (of the basis) are added to it; for fixed, `amount` is the price. `text` is what was written.
    """

    basis: str
    amount: Decimal
    percent: Decimal
    text: str


def parse_price(text: str) -> PriceText:
    """The price that a text means. Raises ValueError for anything else, and for a discount of more than 100 %."""
    if text == "psa":
        return PriceText("psa", ZERO, ZERO, text)
    if fixed := _FIXED.fullmatch(text):
        return PriceText("fixed", Decimal(fixed[1]), ZERO, text)
    found = _RELATIVE.fullmatch(text)
    if not found:
        raise ValueError("not a price")
    basis, sign, number, percent = found.groups()
    step = Decimal(f"{sign}{number}") if number else ZERO
    if percent and step < -100:
        raise ValueError("a discount of more than 100 %")
    return PriceText(basis, ZERO if percent else step, step if percent else ZERO, text)
