"""What an undo is decided from: what the run wrote, what its plan says of it, and what the PSA holds now."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import BillingTime, Mappings
from reconciler.domain.plan import Change, Plan
from reconciler.domain.records import Addition, Agreement, Product
from reconciler.planning.ownership import PsaFields, left_to_psa
from reconciler.rules.periods import first_open_day
from reconciler.rules.undoing import Ground
from reconciler.store.written import Written, WrittenRun


@dataclass(frozen=True, slots=True)
class Standing:
    """What the PSA holds now of what the run touched: agreements and their additions by id, products by id; `gone` are
    the ids of agreements that somebody deleted.
    """

    agreements: Mapping[str, Agreement] = field(default_factory=dict)
    additions: Mapping[str, tuple[Addition, ...]] = field(default_factory=dict)
    products: Mapping[str, Product] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()

    def addition(self, agreement_id: str, record: str) -> Addition | None:
        """An addition, or None where it is not there."""
        return next((a for a in self.additions.get(agreement_id, ()) if a.id == record), None)


@dataclass(frozen=True, slots=True)
class Write:
    """A write of the run: what the journal has of it, and the change that its plan has."""

    written: Written
    change: Change


@dataclass(frozen=True, slots=True)
class Undo:
    """Everything that an undo is decided from."""

    written: WrittenRun
    plan: Plan
    mappings: Mappings
    standing: Standing

    @property
    def number(self) -> int:
        """The run that is taken back."""
        return self.written.run.number

    def owned(self, change: Change) -> PsaFields:
        """The fields of a change's record that the mapping leaves to the PSA; none where its customer is not mapped."""
        mapped = next((c for c in self.mappings.customers if c.name == change.customer), None)
        return left_to_psa(mapped, Motion(change.motion)) if mapped and change.motion else frozenset()

    @property
    def owned_items(self) -> PsaFields:
        """The fields of catalogue items that every program of the plan's target leaves to the PSA."""
        programs = [p.psa_fields for p in self.mappings.programs.values() if p.target == self.plan.target]
        return frozenset.intersection(*programs) if programs else frozenset()

    def ground(self, agreement_id: str, customer: str | None) -> Ground:
        """An agreement as it is now, by the billing time of its customer (in advance where it is not mapped)."""
        agreement = self.standing.agreements[agreement_id]
        mapped = next((c for c in self.mappings.customers if c.name == customer), None)
        return Ground(agreement, first_open_day(agreement, mapped.changes.billing if mapped else BillingTime.ADVANCE))


def about(write: Write, severity: Severity, code: str, text: str, hint: str | None = None) -> Finding:
    """A finding about a write, with its customer and subscription."""
    change = write.change
    return Finding(severity, code, text, customer=change.customer, subscription=change.subscription, hint=hint)
