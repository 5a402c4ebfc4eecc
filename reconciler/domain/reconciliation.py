"""The distributor's invoice beside what the PSA bills as it stands, by subscription and agreement."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from reconciler.domain.finding import Finding
from reconciler.domain.invoice import Motion
from reconciler.domain.money import ZERO
from reconciler.domain.open_items import Completeness
from reconciler.domain.plan import Verdict


class Reached(StrEnum):
    """How far what the distributor charged has reached the PSA (rulebook H12; where it is silent, the reading is ours).

    `cost-only`: the seats are those that were charged, and only the money per seat is not, so that a cost which moved
    is borne by the partner. `psa-drift`: seats or amounts stand otherwise, or are not there. `unmapped`: no customer,
    motion or product is mapped to bill it. `excluded`: a rule or a person says not to bill it. `not compared`: an error
    keeps it out, or documents that are not there.
    """

    PROPAGATED = "propagated"
    COST_ONLY = "cost-only"
    DRIFT = "psa-drift"
    UNMAPPED = "unmapped"
    EXCLUDED = "excluded"
    NOT_COMPARED = "not compared"


class Audit(StrEnum):
    """What a difference is for the customer: billed too much, too little, not at all, or for nothing (H12)."""

    OVERCHARGE = "overcharge"
    UNDERCHARGE = "undercharge"
    MISSING = "missing"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Share:
    """The invoice lines of the month that have reached the PSA so far. `cost` is the distributor's, of charges and
    credits together; `weight` is the same with every line as a positive amount, and `percent` the share in the weight
    of all lines of the currency, of hundred, unrounded (zero where nothing is charged).
    """

    reached: Reached
    currency: str
    lines: int
    cost: Decimal
    weight: Decimal
    percent: Decimal


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

    @property
    def reached(self) -> Reached:
        """How far the charge has reached the PSA."""
        if self.verdict is Verdict.NOT_RECONCILABLE:
            return Reached.NOT_COMPARED
        if self.verdict is Verdict.RECONCILED:
            return Reached.PROPAGATED
        same_seats = bool(self.charged_days) and self.charged_days == self.billed_days
        return Reached.COST_ONLY if same_seats else Reached.DRIFT

    @property
    def audit(self) -> Audit | None:
        """What the difference is for the customer; None where there is none."""
        if self.verdict is Verdict.RECONCILED or not self.difference:
            return None
        if not self.billed:
            return Audit.MISSING
        if not self.charged:
            return Audit.UNEXPECTED
        return Audit.OVERCHARGE if self.difference > 0 else Audit.UNDERCHARGE


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
    `errors` keep customers out of the comparison. `coverage` has a share for each class and currency.
    """

    month: str
    target: str
    agreements: tuple[AgreementCompared, ...]
    not_billed: tuple[Finding, ...]
    errors: tuple[Finding, ...]
    completeness: tuple[Completeness, ...]
    coverage: tuple[Share, ...] = ()

    def count(self, verdict: Verdict) -> int:
        """How many agreements have a verdict."""
        return sum(agreement.verdict is verdict for agreement in self.agreements)

    @property
    def clean(self) -> bool:
        """Whether every agreement is reconciled and every line is billed. Nothing compared is not clean."""
        return bool(self.agreements) and not self.not_billed and self.count(Verdict.RECONCILED) == len(self.agreements)
