"""The distributor's invoice beside what the PSA bills as it stands, by subscription and agreement."""

from dataclasses import dataclass
from decimal import Decimal

from reconciler.domain.finding import Finding
from reconciler.domain.invoice import Motion
from reconciler.domain.money import ZERO
from reconciler.domain.open_items import Completeness
from reconciler.domain.plan import Verdict


@dataclass(frozen=True, slots=True)
class Compared:
    """One subscription in one month: `charged` is what the invoice's lines are worth by the customer's own prices,
    `billed` what the PSA's records bill by its own rounding, `cost` what the distributor charged. Seat-days are zero
    for what is not seats by day.
    """

    customer: str
    agreement: str
    agreement_name: str
    motion: Motion
    subscription: str
    product: str
    currency: str
    charged_days: Decimal
    billed_days: Decimal
    charged: Decimal
    billed: Decimal
    cost: Decimal
    verdict: Verdict
    reason: str | None = None

    @property
    def difference(self) -> Decimal:
        """By how much more the PSA bills than the invoice's lines are worth."""
        return self.billed - self.charged

    @property
    def margin(self) -> Decimal:
        """What is left of the bill after the distributor's cost."""
        return self.billed - self.cost


@dataclass(frozen=True, slots=True)
class AgreementCompared:
    """An agreement's month: its subscriptions, and the verdict over all of them with the reason. `review` is what a
    person said of it, beside the verdict.
    """

    customer: str
    agreement: str
    name: str
    currency: str
    rows: tuple[Compared, ...]
    verdict: Verdict
    reason: str | None = None
    review: str | None = None

    @property
    def charged(self) -> Decimal:
        """What the invoice's lines are worth."""
        return sum((row.charged for row in self.rows), ZERO)

    @property
    def billed(self) -> Decimal:
        """What the records bill."""
        return sum((row.billed for row in self.rows), ZERO)

    @property
    def cost(self) -> Decimal:
        """What the distributor charged."""
        return sum((row.cost for row in self.rows), ZERO)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A month as it stands. `not_billed` are findings on lines that no record bills, with the distributor's cost;
    `errors` keep customers out of the comparison.
    """

    month: str
    target: str
    agreements: tuple[AgreementCompared, ...]
    not_billed: tuple[Finding, ...]
    errors: tuple[Finding, ...]
    completeness: tuple[Completeness, ...]

    def count(self, verdict: Verdict) -> int:
        """How many agreements have a verdict."""
        return sum(agreement.verdict is verdict for agreement in self.agreements)

    @property
    def clean(self) -> bool:
        """Whether every agreement is reconciled and every line is billed. Nothing compared is not clean."""
        return bool(self.agreements) and not self.not_billed and self.count(Verdict.RECONCILED) == len(self.agreements)
