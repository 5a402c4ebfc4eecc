"""The distributor's invoice beside the PSA's: what each subscription was charged, and what the PSA billed for it."""

from dataclasses import dataclass
from decimal import Decimal

from reconciler.domain.money import ZERO, rounded

_HALF_CENT = Decimal("0.005")


@dataclass(frozen=True, slots=True)
class Billed:
    """A line of the PSA's invoice: whose it is, how many, and what it billed for the month."""

    serial_number: str
    product: str
    quantity: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class TiedLine:
    """A line of the distributor's invoice and what it is worth at the partner's price on the month's days."""

    invoice: str
    line: int
    quantity: Decimal
    days: str
    due: Decimal


@dataclass(frozen=True, slots=True)
class TiedSubscription:
    """One subscription: the distributor's lines, the PSA's lines, and whether their sums meet within rounding."""

    customer: str
    subscription: str
    product: str
    currency: str
    charged: tuple[TiedLine, ...]
    billed: tuple[Billed, ...]

    @property
    def due(self) -> Decimal:
        """What the distributor's lines are worth together, rounded to cents."""
        return rounded(sum((line.due for line in self.charged), ZERO), self.currency)

    @property
    def invoiced(self) -> Decimal:
        """What the PSA's lines come to."""
        return sum((line.amount for line in self.billed), ZERO)

    @property
    def ties(self) -> bool:
        """Whether the difference is no more than the rounding of the PSA's lines can make (rulebook §1F)."""
        allowed = sum((_HALF_CENT * abs(line.quantity) + _HALF_CENT for line in self.billed), _HALF_CENT)
        return abs(self.due - self.invoiced) <= allowed
