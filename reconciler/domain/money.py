"""How money is counted and rounded: one place, decimals only.

Amounts are `Decimal` in a named currency. Nothing here or above ever sees a binary float; a unit price keeps all the
places its source gave, and only an amount that a document would print is rounded, by `rounded`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

ZERO = Decimal(0)
# ISO 4217: the digits after the point, where they are not two.
_DIGITS = {
    "BHD": 3,
    "CLP": 0,
    "IQD": 3,
    "ISK": 0,
    "JOD": 3,
    "JPY": 0,
    "KRW": 0,
    "KWD": 3,
    "LYD": 3,
    "OMR": 3,
    "TND": 3,
    "VND": 0,
}
# The smallest amount of a currency with so many digits.
_UNITS = {places: Decimal(1).scaleb(-places) for places in {2, *_DIGITS.values()}}


def digits(currency: str | None) -> int:
    """Digits after the decimal point of a currency (ISO 4217); two where the currency is unknown."""
    return _DIGITS.get(currency or "", 2)


def rounded(amount: Decimal, currency: str | None = None) -> Decimal:
    """An amount as a document prints it: half up, to the currency's digits (two where it is unknown)."""
    return amount.quantize(_UNITS[digits(currency)], ROUND_HALF_UP)


# The same few quantities and prices are written again and again; equal ones have the same text.
@lru_cache(maxsize=65536)
def plain(number: Decimal) -> str:
    """A decimal as people and the plan file write it: no exponent, no trailing zeros after the point."""
    if not number:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def printed(amount: Decimal, currency: str | None = None) -> str:
    """An amount of money as text, with the currency's digits: `200.00`."""
    return format(rounded(amount, currency), "f")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency (three-letter code). Two currencies are never added."""

    amount: Decimal
    currency: str

    def __add__(self, other: "Money") -> "Money":
        """The sum. Raises ValueError where the currencies differ."""
        if self.currency != other.currency:
            raise ValueError(f"{self} and {other} are in two currencies and cannot be added")
        return Money(self.amount + other.amount, self.currency)

    def __str__(self) -> str:
        return f"{printed(self.amount, self.currency)} {self.currency}"


@dataclass(slots=True)
class Sums:
    """Amounts added up by currency, and how many there were."""

    count: int = 0
    totals: dict[str, Decimal] = field(default_factory=dict)

    def add(self, amount: Decimal, currency: str) -> None:
        """Takes an amount in."""
        self.count += 1
        self.totals[currency] = self.totals.get(currency, ZERO) + amount

    def money(self) -> tuple[Money, ...]:
        """The sums, one per currency, ordered by currency."""
        return tuple(Money(self.totals[currency], currency) for currency in sorted(self.totals))


def summed(amounts: Iterable[Money]) -> tuple[Money, ...]:
    """The sums of amounts, one per currency, ordered by currency."""
    sums = Sums()
    for money in amounts:
        sums.add(money.amount, money.currency)
    return sums.money()
