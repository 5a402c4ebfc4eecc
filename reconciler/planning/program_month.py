"""A program's part of a plan: every customer's month, what is written, and where every invoice line went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.domain.finding import Finding
from reconciler.domain.handover import HandOver
from reconciler.domain.mapping import Customer, Program
from reconciler.domain.money import Money
from reconciler.domain.plan import Change
from reconciler.planning.accounting import Accounted
from reconciler.planning.gathered import Documents
from reconciler.planning.ledger import Ledger
from reconciler.planning.one_customer import CustomerMonth


@dataclass(frozen=True, slots=True)
class ProgramMonth:
    """A program's part of the plan. `unlinked` is what was charged for products that the PSA lacks, by key (E10)."""

    program: Program
    mapped: tuple[Customer, ...]
    customers: tuple[CustomerMonth, ...]
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    accounted: Accounted
    ledger: Ledger
    documents: Documents
    unlinked: Mapping[str, Sequence[Money]]
    cutover: tuple[HandOver, ...] = ()
