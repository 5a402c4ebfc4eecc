"""What a plan is made from: the declaration, the documents, the price lists and what the PSA held."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.domain.days import Month
from reconciler.domain.decision import NO_DECISIONS, Decisions
from reconciler.domain.drift import AppliedRecord
from reconciler.domain.finding import Finding
from reconciler.domain.invoice import Document, Invoice, Motion
from reconciler.domain.mapping import Customer, Mappings, Program, Sync
from reconciler.domain.price_list import PriceList
from reconciler.domain.records import Observation
from reconciler.planning.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Documents:
    """A source's documents as they were read, with what was wrong with them."""

    invoices: tuple[Invoice, ...]
    price_list: PriceList
    has_price_list: bool
    findings: tuple[Finding, ...]
    documents: tuple[Document, ...]


PLANNED = (Motion.SEAT_MONTHLY, Motion.SEAT_ANNUAL, Motion.AZURE)
"""The motions that are planned, in the order in which they are."""


class Scope(StrEnum):
    """What a plan is about: everything, or the product catalogue alone (P33), or everything and beside it the records
    that others wrote on any agreement of the companies (cut-over).
    """

    ALL = "all"
    CUTOVER = "cutover"
    PRODUCTS = "products"


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for: the month, the customers (none named: all), and the tool's version and the time, for the
    plan's own record (`created`, ISO 8601 with a zone). `month` is the newest month planned; with `since`, the months
    from that one on are planned one on the other. `only_new` takes so many customers of whom nothing stands in
    the PSA yet, in the order of the mapping, and nobody else (P62).
    """

    month: Month
    customers: frozenset[str]
    created: str
    version: str
    scope: Scope = Scope.ALL
    only_new: int | None = None
    since: Month | None = None

    @property
    def months(self) -> tuple[Month, ...]:
        """The months to plan, ascending."""
        return tuple((self.since or self.month).through(self.month))

    @property
    def billed(self) -> tuple[Month, ...]:
        """The months whose bills the plan tells: those that it plans, and the one after."""
        return (*self.months, self.month.following)

    def plans(self, customer: Customer, program: Program) -> bool:
        """Whether a customer is to be planned at all: it is named (or all are), and not left out by the mapping."""
        named = not self.customers or customer.name in self.customers
        return named and left_out(customer, program, self.month) is None

    def chooses(self, customer: Customer, program: Program) -> tuple[Motion, ...]:
        """The motions of a customer that are to be planned: mapped and enabled, of a customer that is named (or
        all are) and not left out by the mapping.
        """
        if not self.plans(customer, program):
            named = not self.customers or customer.name in self.customers
            return (Motion.SEAT_MONTHLY,) if named and self._hands_over(customer, program) else ()
        return tuple(m for m in PLANNED if m in program.motions and m in customer.agreements)

    def _hands_over(self, customer: Customer, program: Program) -> bool:
        """Whether a cut-over may plan a customer whose `start` is still to come: it is the first month that is not
        invoiced yet, so at most two ahead of the usage month.
        """
        on = program.sync and customer.sync is not Sync.OFF and Motion.SEAT_MONTHLY in program.motions
        soon = customer.start is not None and customer.start <= self.month.following.following
        return self.scope is Scope.CUTOVER and on and soon and Motion.SEAT_MONTHLY in customer.agreements


def left_out(customer: Customer, program: Program, month: Month) -> str | None:
    """Why the partner's own declaration leaves a customer out of a month, or None."""
    if not program.sync or customer.sync is Sync.OFF:
        return "P11 sync is off"
    if customer.start and month < customer.start:
        return "P5 before the customer's start"
    return None


@dataclass(frozen=True, slots=True)
class Background:
    """What earlier runs and reviews left: the records as they were last applied, by the PSA's id (none where the state
    is lost: then drift is unknown, and nothing else changes), and the decisions that were reviewed.
    """

    applied: Mapping[str, AppliedRecord] = field(default_factory=dict)
    decisions: Decisions = NO_DECISIONS


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything that a plan rests on, in memory: from here on nothing is read any more."""

    request: Request
    mappings: Mappings
    documents: dict[str, Documents]
    ledgers: dict[str, Ledger]
    target: str
    observation: Observation = field(default_factory=Observation)
    background: Background = field(default_factory=Background)
