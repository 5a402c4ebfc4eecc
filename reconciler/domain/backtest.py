"""What other rules would have billed: months of the past, planned again, as the rules were and as they are tried."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from reconciler.domain.finding import Finding
from reconciler.domain.money import ZERO, Money, summed


@dataclass(frozen=True, slots=True)
class Billed:
    """What a customer is billed for a month in one currency: by the rules as they were, and by those that are tried."""

    customer: str
    currency: str
    then: Decimal
    tried: Decimal

    @property
    def difference(self) -> Decimal:
        """What the tried rules bill more."""
        return self.tried - self.then


@dataclass(frozen=True, slots=True)
class Held:
    """Who could not be planned, and which guards refuse the plan, by one set of rules. The money counts a refused plan
    as approved.
    """

    customers: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BacktestMonth:
    """One month: `run` is the one whose documents were taken, `first_run` the one whose sight of the PSA was.
    `begins` tells that the records are those that the PSA held, and not what the month before left: it is the first
    month, or the one before it was not kept.
    """

    month: str
    run: int
    first_run: int
    begins: bool
    rows: tuple[Billed, ...]
    then: Held
    tried: Held

    def totals(self) -> tuple[Billed, ...]:
        """The sums of the month, by currency."""
        return totals_of(self.rows)


@dataclass(frozen=True, slots=True)
class Backtest:
    """The months in their order, those of the time that were not kept, the settings that were tried, and what is to be
    said of them.
    """

    settings: tuple[str, ...]
    months: tuple[BacktestMonth, ...]
    missing: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    def totals(self) -> tuple[Billed, ...]:
        """The sums of all months, by currency."""
        return totals_of(row for month in self.months for row in month.rows)


def totals_of(rows: Iterable[Billed]) -> tuple[Billed, ...]:
    """The sums of some rows, by currency; their customer is empty."""
    rows = list(rows)
    then = {money.currency: money.amount for money in summed(Money(row.then, row.currency) for row in rows)}
    tried = {money.currency: money.amount for money in summed(Money(row.tried, row.currency) for row in rows)}
    return tuple(Billed("", name, then.get(name, ZERO), tried.get(name, ZERO)) for name in sorted({*then, *tried}))
