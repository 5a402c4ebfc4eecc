"""What is decided for one month of a plan, and what can only be said of all its months together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from reconciler.domain.days import Month
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Motion
from reconciler.domain.money import ZERO, summed
from reconciler.domain.plan import Change
from reconciler.planning.changes import records_after
from reconciler.planning.claims import Claims
from reconciler.planning.deciding import Kept
from reconciler.planning.gathered import Gathered
from reconciler.planning.ledger import keep_ledger
from reconciler.planning.one_customer import CustomerMonth, Decided
from reconciler.planning.program_month import ProgramMonth
from reconciler.rules.guards import (
    beyond_changes,
    beyond_decrease,
    beyond_margin,
    beyond_unmapped,
    margin_of,
    open_value,
)

_Key = tuple[str, Motion, str, str, str]

HeldBack = frozenset[tuple[str, Motion, Month]]
"""Customers and motions that an error keeps out, with the month that has it."""


@dataclass(frozen=True, slots=True)
class DecidedMonth:
    """A month as it is decided on the records that the month before it leaves."""

    month: Month
    parts: tuple[ProgramMonth, ...]
    changes: tuple[Change, ...]
    keeping: Kept
    claims: Claims

    @property
    def customers(self) -> tuple[CustomerMonth, ...]:
        """The customers of all programs."""
        return tuple(customer for part in self.parts for customer in part.customers)


def in_month(gathered: Gathered, month: Month) -> Gathered:
    """The same, with the documents as ledgers for another month."""
    if month == gathered.request.month:
        return gathered
    ledgers = {name: keep_ledger(each.invoices, month) for name, each in gathered.documents.items()}
    return replace(gathered, request=replace(gathered.request, month=month, since=None), ledgers=ledgers)


def held_back(months: Iterable[DecidedMonth]) -> HeldBack:
    """The customers and motions with an error in one of the months and something to write in another: a customer with
    errors has no changes in the plan (interface §3). None where they are held back already.
    """
    errors: dict[tuple[str, Motion], Month] = {}
    writing: set[tuple[str, Motion]] = set()
    for each in months:
        for customer in each.customers:
            key = customer.customer.name, customer.motion
            if customer.blocked:
                errors.setdefault(key, each.month)
            elif any(decided.decision.drafts for decided in customer.decided):
                writing.add(key)
    return frozenset((*key, month) for key, month in errors.items() if key in writing)


def holding_back(customer: CustomerMonth, month: Month, held: HeldBack) -> CustomerMonth:
    """A customer's month, with an error where another month of the plan has one."""
    name = customer.customer.name
    causes = [cause for who, motion, cause in held if (who, motion) == (name, customer.motion) and cause != month]
    if customer.blocked or not causes:
        return customer
    finding = Finding(
        Severity.ERROR,
        "month-held-back",
        f"nothing is planned for {customer.motion} of {month}: {causes[0]} has an error, and the months stand on each "
        "other",
        customer=name,
        where=customer.customer.place,
        hint=f"mend what {causes[0]} says, or plan the months before it by themselves",
    )
    return replace(customer, findings=(*customer.findings, finding))


# -- all months together


def unchanged(months: Sequence[DecidedMonth]) -> int:
    """How many subscriptions need nothing in any of the months."""
    if len(months) == 1:
        # A month has each subscription once: nothing has to be told apart.
        return sum(not d.decision.drafts for c in months[0].customers if c.writes for d in c.decided)
    writes: dict[_Key, bool] = {}
    for customer in (c for each in months for c in each.customers if c.writes):
        for decided in customer.decided:
            key = _key(customer, decided)
            writes[key] = writes.get(key, False) or bool(decided.decision.drafts)
    return sum(not write for write in writes.values())


def _key(customer: CustomerMonth, decided: Decided) -> _Key:
    agreement = customer.agreement.id if customer.agreement else ""
    return customer.customer.name, customer.motion, agreement, decided.subscription, decided.product


def refusals(months: Sequence[DecidedMonth], changes: Iterable[Change]) -> tuple[str, ...]:
    """The guards that the plan is beyond. `changes` are the plan's, each record once."""
    programs = zip(*(each.parts for each in months), strict=True)
    return tuple(refusal for parts in programs for refusal in _refusals(parts, tuple(changes)))


def _refusals(parts: Sequence[ProgramMonth], changes: tuple[Change, ...]) -> Iterator[str]:
    """The guards of a program, by what its customers' records come to from before the first month to after the last."""
    guards, name = parts[0].program.guards, parts[0].program.name
    mapped = {customer.name for customer in parts[0].mapped}
    products = {change.address for part in parts for change in part.changes if not change.agreement}
    touched = {change.customer for change in changes if change.agreement} & mapped
    # What each subscription's records without an end bill a month: before the first month, and after the last.
    before: dict[_Key, Decimal] = {}
    after: dict[_Key, Decimal] = {}
    margins = []
    for customer in (c for part in parts for c in part.customers if c.customer.name in touched):
        for decided in customer.decided:
            # What is passed on once is no part of what is billed month by month, and a credit has no margin to keep.
            if customer.agreement is None or customer.motion is Motion.ONE_TIME:
                continue
            key = _key(customer, decided)
            records = records_after(decided, customer.agreement.id)
            standing = open_value(decided.standing)
            before.setdefault(key, standing)
            after[key] = standing if records is decided.standing else open_value(records)
            name_of = customer.customer.name
            margins += [margin_of(draft, name_of, decided.subscription) for draft in decided.decision.drafts]
    count = sum(change.customer in mapped if change.agreement else change.address in products for change in changes)
    checks = (
        beyond_changes(guards, count, name),
        beyond_decrease(guards, sum(before.values(), ZERO), sum(after.values(), ZERO), name),
        beyond_margin(guards, filter(None, margins), name),
        beyond_unmapped(guards, summed(money for part in parts for money in part.accounted.unmapped), name),
    )
    yield from (refusal for refusal in checks if refusal)
