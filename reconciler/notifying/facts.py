"""What is worth telling of a plan, an apply and a reconciliation, as plain values for a template (rulebook P21, T28).

The facts of a message are what tells it from the one before: the same facts are not told twice. So nothing stands in
them that changes by itself, such as a time. An empty list has nothing to tell; no facts at all are no message.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.domain.alert import Occasion
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.money import Money, printed, summed
from reconciler.domain.plan import Action, Change, Plan
from reconciler.domain.reconciliation import Compared, Reconciliation
from reconciler.store.history import RunRecord, Told
from reconciler.store.standings import RunStatus

Facts = dict[str, Any]

_PRICE_CHANGES = ("W1", "W2")
_KINDS_OF_CHANGE = (Action.CREATE, Action.UPDATE, Action.CANCEL, Action.ADOPT, Action.DELETE)


@dataclass(frozen=True, slots=True)
class Charged:
    """A subscription on a month's invoices: the customer as the mapping or else the source names it, what it is
    (`plan`, the distributor's description), and whether it is mapped to an agreement.
    """

    customer: str
    plan: str
    subscription: str
    mapped: bool


@dataclass(frozen=True, slots=True)
class Audience:
    """Of whom a program's receivers hear: its own customers, and what concerns no customer of the mapping at all.
    `mapped` are the names of all customers, of every program.
    """

    program: str
    customers: frozenset[str]
    mapped: frozenset[str]
    charged: tuple[Charged, ...] = ()

    def hears_of(self, customer: str | None) -> bool:
        """Whether what concerns a customer is told to this program's receivers."""
        return customer in self.customers or customer not in self.mapped


def attention(plan: Plan, audience: Audience, on: frozenset[Occasion]) -> Facts:
    """What a plan found that a person should look into, of the occasions that a receiver asked for."""
    heard = [finding for finding in plan.findings if audience.hears_of(finding.customer)]
    prices = [finding for finding in heard if finding.code in _PRICE_CHANGES]
    warnings = [
        finding for finding in heard if finding.severity is Severity.WARNING and finding.code not in _PRICE_CHANGES
    ]
    asked: dict[str, tuple[Occasion, list[Facts]]] = {
        "errors": (Occasion.ERROR, [_told(finding) for finding in heard if finding.blocks]),
        "warnings": (Occasion.WARNING, [_told(finding) for finding in warnings]),
        "price_changes": (Occasion.PRICE_CHANGE, [_told(finding) for finding in prices]),
        "not_passed_on": (Occasion.PRICE_CHANGE, list(_not_passed_on(plan, audience))),
        "unmapped": (Occasion.UNMAPPED, list(_unmapped(audience))),
        "failed": (Occasion.FAILED, list(_failed(heard, audience))),
    }
    sections = {name: rows if occasion in on else [] for name, (occasion, rows) in asked.items()}
    return _about(plan.period, plan.target, audience) | sections if any(sections.values()) else {}


def plan_ready(plan: Plan, audience: Audience) -> Facts:
    """A plan with changes for a program's customers, to be reviewed. Nothing where it has none for them."""
    changes = [change for change in plan.changes if _concerns(change, audience)]
    if not changes:
        return {}
    rows = [row for row in plan.impact if row.customer in audience.customers]
    months = sorted({row.month for row in rows})
    return _about(plan.period, plan.target, audience) | {
        "digest": plan.digest,
        "changes": {kind.value: sum(change.action is kind for change in changes) for kind in _KINDS_OF_CHANGE},
        "total": len(changes),
        "customers": sorted({change.customer for change in changes if change.customer}),
        "bills": [
            {
                "month": month,
                "before": _sum(Money(row.before, row.currency) for row in rows if row.month == month),
                "after": _sum(Money(row.after, row.currency) for row in rows if row.month == month),
            }
            for month in months
        ],
        "refused_by": list(plan.refused_by),
        "errors": sum(audience.hears_of(finding.customer) for finding in plan.errors),
        "warnings": sum(audience.hears_of(finding.customer) for finding in plan.warnings),
    }


def apply_failed(plan: Plan, record: RunRecord, audience: Audience) -> Facts:
    """What an apply or resume left undone, with the subscriptions that it concerns. Nothing where it left nothing."""
    told = [_kept(line) for line in record.findings if line.severity == "error" and audience.hears_of(line.customer)]
    products = {change.subscription: change.product_name for change in plan.changes if change.subscription}
    failed = [
        _row(customer, products.get(subscription) or "", subscription, status)
        for customer, statuses in record.subscriptions.items()
        for subscription, status in statuses.items()
        if status == RunStatus.ERROR and audience.hears_of(customer)
    ]
    if not told and not failed:
        return {}
    about = _about(record.month or plan.period, plan.target, audience)
    return about | {"digest": plan.digest, "command": record.kind.value, "errors": told, "failed": failed}


def reconciled(found: Reconciliation, audience: Audience) -> Facts:
    """The verdict on each subscription of a program's customers, and on their agreements."""
    rows = [
        _compared(row)
        for agreement in found.agreements
        if agreement.customer in audience.customers
        for row in agreement.rows
    ]
    agreements = [
        {
            "customer": agreement.customer,
            "agreement": agreement.name,
            "status": agreement.verdict.value,
            "reason": agreement.reason or "",
            "review": agreement.review or "",
        }
        for agreement in found.agreements
        if agreement.customer in audience.customers
    ]
    if not agreements:
        return {}
    return _about(found.month, found.target, audience) | {"subscriptions": rows, "agreements": agreements}


def _about(month: str, target: str, audience: Audience) -> Facts:
    return {"month": month, "target": target, "program": audience.program}


def _concerns(change: Change, audience: Audience) -> bool:
    return change.customer is None or change.customer in audience.customers


def _told(finding: Finding) -> Facts:
    return {
        "code": finding.code,
        "message": finding.message,
        "customer": finding.customer or "",
        "subscription": finding.subscription or "",
        "amount": _money(finding.amount) if finding.amount else "",
        "hint": finding.hint or "",
        "where": str(finding.where) if finding.where else "",
    }


def _kept(line: Told) -> Facts:
    return {"code": line.code, "message": line.message, "customer": line.customer or "", "amount": line.amount or ""}


def _not_passed_on(plan: Plan, audience: Audience) -> Iterable[Facts]:
    for row in plan.not_passed_on:
        if audience.hears_of(row.customer):
            for month in sorted({*row.increases, *row.decreases}):
                yield {
                    "customer": row.customer,
                    "month": month,
                    "policy": row.policy,
                    "increases": _at(row.increases, month, row.currency),
                    "decreases": _at(row.decreases, month, row.currency),
                }


def _at(amounts: Mapping[str, Any], month: str, currency: str) -> str:
    return _money(Money(amounts[month], currency)) if amounts.get(month) else ""


def _unmapped(audience: Audience) -> Iterable[Facts]:
    for row in audience.charged:
        if not row.mapped:
            yield _row(row.customer, row.plan, row.subscription, "Unmapped")


def _failed(heard: Iterable[Finding], audience: Audience) -> Iterable[Facts]:
    """The subscriptions that an error keeps out: those that it names, and all of a customer that it keeps out whole."""
    named = {(f.customer, f.subscription) for f in heard if f.blocks and f.subscription}
    whole = {f.customer for f in heard if f.blocks and f.customer and not f.subscription}
    known = {(row.customer, row.subscription) for row in audience.charged}
    for row in audience.charged:
        if row.mapped and (row.customer in whole or (row.customer, row.subscription) in named):
            yield _row(row.customer, row.plan, row.subscription, "Failed")
    for customer, subscription in sorted((str(c or ""), str(s)) for c, s in named if (c, s) not in known):
        yield _row(customer, "", subscription, "Failed")


def _row(customer: str, plan: str, subscription: str, status: str) -> Facts:
    return {"customer": customer, "plan": plan, "subscription": subscription, "status": status}


def _compared(row: Compared) -> Facts:
    return _row(row.customer, row.product, row.subscription, row.verdict.value) | {
        "agreement": row.agreement_name,
        "charged": _money(Money(row.charged, row.currency)),
        "billed": _money(Money(row.billed, row.currency)),
        "difference": _money(Money(row.difference, row.currency)),
        "reason": row.reason or "",
    }


def _sum(amounts: Iterable[Money]) -> str:
    return ", ".join(_money(money) for money in summed(list(amounts))) or "0.00"


def _money(money: Money) -> str:
    return f"{printed(money.amount, money.currency)} {money.currency}"
