"""How a run ended for each program, customer and subscription (rulebook P59 to P61), in the words of the history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.domain.finding import Severity
from reconciler.domain.plan import Plan


class RunStatus(StrEnum):
    """How a run ended, in the words that billing people know."""

    NO_CHANGE = "No Change"
    SUCCESS = "Success"
    WARNING = "Warning"
    ERROR = "Error"


_WEIGHT = {RunStatus.NO_CHANGE: 0, RunStatus.SUCCESS: 1, RunStatus.WARNING: 2, RunStatus.ERROR: 3}
_TOLD = {Severity.ERROR: RunStatus.ERROR, Severity.WARNING: RunStatus.WARNING, Severity.INFO: RunStatus.NO_CHANGE}

Subscriptions = Mapping[str, Mapping[str, str]]
"""The status of subscriptions by customer and id, of those of which there is something to say."""


@dataclass(frozen=True, slots=True)
class ProgramStanding:
    """How a program stands after a plan for all of its customers: how many those are, how many changes are to be made,
    and how many customers an error keeps out.
    """

    status: RunStatus
    customers: int
    changes: int
    failed: int

    @property
    def good(self) -> bool:
        """Whether nobody is kept out, so that the data can be taken as correct once the changes are made (P59)."""
        return self.status is not RunStatus.ERROR


def worst(statuses: Iterable[RunStatus]) -> RunStatus:
    """The heaviest of some statuses; No Change of none."""
    return max(statuses, key=_WEIGHT.__getitem__, default=RunStatus.NO_CHANGE)


def customers_of(plan: Plan) -> dict[str, str]:
    """Each customer that a plan speaks of, with its status, by name."""
    found: dict[str, RunStatus] = {row.customer: RunStatus.NO_CHANGE for row in plan.impact}
    for customer, _, status in _said(plan):
        found[customer] = worst((found.get(customer, RunStatus.NO_CHANGE), status))
    return {name: found[name].value for name in sorted(found) if name}


def subscriptions_of(plan: Plan) -> dict[str, dict[str, str]]:
    """Each subscription that a plan changes or has something to say of, with its status."""
    found: dict[tuple[str, str], RunStatus] = {}
    for customer, subscription, status in _said(plan):
        if subscription:
            name = customer, subscription
            found[name] = worst((found.get(name, RunStatus.NO_CHANGE), status))
    return nested(found)


def nested(found: Mapping[tuple[str, str], RunStatus]) -> dict[str, dict[str, str]]:
    """Statuses by customer and subscription, in their order."""
    by_customer: dict[str, dict[str, str]] = {}
    for customer, subscription in sorted(found):
        by_customer.setdefault(customer, {})[subscription] = found[customer, subscription].value
    return by_customer


def programs_of(plan: Plan, customers: Mapping[str, str]) -> dict[str, ProgramStanding]:
    """How each program stands after a plan for all; `customers` has the program of each customer."""
    told, changed = customers_of(plan), [change.customer for change in plan.changes]
    general = worst(_TOLD[finding.severity] for finding in plan.findings if finding.customer is None)
    standings = {}
    for program in sorted(set(customers.values())):
        statuses = [RunStatus(told[name]) for name, its in customers.items() if its == program and name in told]
        standings[program] = ProgramStanding(
            worst((general, *statuses)),
            len(statuses),
            sum(customers.get(name or "") == program for name in changed),
            statuses.count(RunStatus.ERROR),
        )
    return standings


def _said(plan: Plan) -> Iterable[tuple[str, str | None, RunStatus]]:
    for change in plan.changes:
        if change.customer:
            yield change.customer, change.subscription, RunStatus.SUCCESS
    for finding in plan.findings:
        if finding.customer:
            yield finding.customer, finding.subscription, _TOLD[finding.severity]
