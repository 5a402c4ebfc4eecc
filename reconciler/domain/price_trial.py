"""Price rules tried before anything is billed by them: which wins for a product of a customer, why, and the price."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reconciler.domain.finding import Place
from reconciler.domain.mapping import PriceRule


@dataclass(frozen=True, slots=True)
class RuleTried:
    """A rule and what speaks against it (`against`, empty where its conditions all hold); the first that holds wins."""

    rule: PriceRule
    against: tuple[str, ...]
    wins: bool


@dataclass(frozen=True, slots=True)
class PriceMade:
    """What a seat is billed at for a full cycle, in `currency` (empty where prices were given without one).

    `where` is the row of the price list, None where cost and retail were both given; `given` names those that were.
    `price` is None where the PSA keeps its own, or where none can be made: then `why_not` says so.
    """

    currency: str
    cost: Decimal | None
    retail: Decimal | None
    price: Decimal | None
    where: Place | None = None
    given: frozenset[str] = frozenset()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class PriceTrial:
    """The trial for one customer: every rule in its order, and the prices made, one for each currency of the list."""

    customer: str
    program: str
    sku: str
    day: date
    rules: tuple[RuleTried, ...]
    prices: tuple[PriceMade, ...]

    @property
    def winner(self) -> PriceRule | None:
        """The rule that wins; None: the retail price is billed."""
        return next((tried.rule for tried in self.rules if tried.wins), None)
