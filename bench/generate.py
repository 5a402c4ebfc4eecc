"""Customers and subscriptions of a month that never was: the same for the same seed, skewed as a partner's are.

Assumed, for no public figures are known: customers hold 8 subscriptions in the median and 15 in the mean, a few hold
hundreds; few products are on most invoices; most subscriptions have few seats; a fifth have billing cycles that begin
in mid-month. Changes are mostly seats added, then removed, then new subscriptions, then ended ones.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from itertools import accumulate
from math import log
from random import Random

from reconciler.domain.days import Month, Span
from reconciler.domain.price_list import product_key

SEED = 20260901
MONTH = Month(2026, 9)
CHANGED = Decimal("0.05")
CURRENCY = "AUD"

_MEDIAN, _SPREAD, _LARGEST = 8.0, 1.1, 600
_MID_MONTH_CYCLES = 0.2
_ANNUAL = 0.5
_SOLD = ("Business Basic", "Business Standard", "Business Premium", "Apps", "E3", "E5", "F1", "F3")
_LINES = ("Microsoft 365", "Office 365", "Dynamics 365", "Enterprise Mobility", "Power Platform")
_CENT = Decimal("0.01")


class Fate(Enum):
    """What happened to a subscription in the month."""

    SAME = "same"
    RAISED = "raised"
    LOWERED = "lowered"
    BOUGHT = "bought"
    ENDED = "ended"


_FATES = ((Fate.RAISED, 60), (Fate.LOWERED, 20), (Fate.BOUGHT, 15), (Fate.ENDED, 5))


@dataclass(frozen=True, slots=True)
class Offer:
    """A product for a term. `product` and `sku` are Microsoft's two numbers; prices are of one seat and one month."""

    product: str
    sku: str
    name: str
    term: str
    cost: Decimal
    price: Decimal

    @property
    def number(self) -> str:
        """The SKU as an invoice line writes it."""
        return f"{self.product}:{self.sku}"

    @property
    def key(self) -> str:
        """The product's name among all sources."""
        return product_key(self.number, self.term, "monthly")


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription. `seats` are those at the month's start (of a bought one: at its end), `seats_after` those at
    its end; `change_day` is the first day of the new quantity. `cycle_day`: billing cycles begin on this day.
    """

    id: str
    offer: Offer
    seats: int
    seats_after: int
    cycle_day: int
    fate: Fate
    change_day: date

    @property
    def cycle(self) -> Span:
        """The billing cycle that begins in the month; both days inclusive."""
        return cycle_from(MONTH, self.cycle_day)


@dataclass(frozen=True, slots=True)
class Tenant:
    """A customer with its subscriptions; `number` counts from 1."""

    number: int
    id: str
    name: str
    domain: str
    subscriptions: tuple[Subscription, ...]


# As a reader shares the days that rows repeat.
@lru_cache(maxsize=1024)
def cycle_from(month: Month, day: int) -> Span:
    """The monthly cycle that begins on a day of a month: to the eve of that day in the next one."""
    last = month.last if day == 1 else date(month.following.year, month.following.number, day - 1)
    return Span(date(month.year, month.number, day), last)


def offers() -> tuple[Offer, ...]:
    """Everything that is sold, each product for a month and for a year; always the same, the best seller first."""
    random = Random(SEED)
    made = []
    for line in _LINES:
        for sold in _SOLD:
            product = f"CFQ7TTC0{random.randrange(16**4):04X}"
            cost = Decimal(random.randrange(300, 9000)).scaleb(-2)
            for term, share in (("P1Y", Decimal(1)), ("P1M", Decimal("1.2"))):
                paid = (cost * share).quantize(_CENT)
                retail = (paid * Decimal("1.25")).quantize(_CENT)
                made.append(Offer(product, "0001", f"{line} {sold}", term, paid, retail))
    return tuple(made)


def sizes(subscriptions: int, seed: int = SEED) -> list[int]:
    """How many subscriptions each customer holds, so that there are exactly as many in all."""
    random = Random(seed)
    drawn: list[int] = []
    left = subscriptions
    while left:
        drawn.append(min(_size(random), left))
        left -= drawn[-1]
    return drawn


def sizes_of_customers(customers: int, median: float = _MEDIAN, seed: int = SEED) -> list[int]:
    """How many subscriptions each of so many customers holds, around a median."""
    random = Random(seed)
    return [_size(random, median) for _ in range(customers)]


def _size(random: Random, median: float = _MEDIAN) -> int:
    return min(max(1, round(random.lognormvariate(log(median), _SPREAD))), _LARGEST)


def tenants(sizes: Sequence[int], changed: Decimal = CHANGED, seed: int = SEED) -> Iterator[Tenant]:
    """Customers of these sizes. Of all subscriptions exactly the share `changed` (rounded down) has another fate than
    SAME.
    """
    random = Random(seed + 1)
    total = sum(sizes)
    moved = frozenset(random.sample(range(total), int(total * changed)))
    sold = offers()
    weights = list(accumulate(1 / rank for rank in range(1, len(sold) // 2 + 1)))
    count = 0
    for number, size in enumerate(sizes, start=1):
        fates = [_fate(random, n, count + n in moved) for n in range(size)]
        held = tuple(_subscription(random, sold, weights, fate) for fate in fates)
        count += size
        name = f"Customer {number:05d}"
        yield Tenant(number, _guid(random), name, f"customer{number:05d}.onmicrosoft.com", held)


def changed_of(tenants: Iterable[Tenant]) -> int:
    """How many subscriptions have another fate than SAME."""
    return sum(subscription.fate is not Fate.SAME for tenant in tenants for subscription in tenant.subscriptions)


def _fate(random: Random, position: int, moved: bool) -> Fate:
    if not moved:
        return Fate.SAME
    fate = random.choices([fate for fate, _ in _FATES], [weight for _, weight in _FATES])[0]
    # A customer whose last subscription ended would be on no invoice, and nothing could be planned for it.
    return Fate.RAISED if fate is Fate.ENDED and position == 0 else fate


def _subscription(random: Random, sold: Sequence[Offer], weights: Sequence[float], fate: Fate) -> Subscription:
    product = random.choices(range(len(weights)), cum_weights=weights)[0]
    offer = sold[2 * product + (random.random() >= _ANNUAL)]
    seats = max(1, round(random.lognormvariate(1.6, 1.2)))
    cycle_day = random.randrange(2, 21) if random.random() < _MID_MONTH_CYCLES else 1
    change_day = date(MONTH.year, MONTH.number, random.randrange(cycle_day + 1, 29))
    step = random.randrange(1, max(2, seats // 4 + 1))
    if fate is Fate.LOWERED:
        seats += 1
    after = {Fate.RAISED: seats + step, Fate.LOWERED: seats - min(step, seats - 1), Fate.ENDED: 0}.get(fate, seats)
    return Subscription(_guid(random), offer, seats, after, cycle_day, fate, change_day)


def _guid(random: Random) -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))
