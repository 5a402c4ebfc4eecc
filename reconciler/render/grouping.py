"""A plan in the order in which people read it: customer, agreement, subscription, record.

Only order and counts come from here; every amount is the plan's own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from reconciler.domain.days import Month
from reconciler.domain.money import ZERO, Money, summed
from reconciler.domain.plan import AdditionValues, Change, Impact, Plan, ProductValues, Resource, Verdict
from reconciler.domain.plan_summary import PlanSummary

_SHORTEST = 8


@dataclass(frozen=True, slots=True)
class SubscriptionGroup:
    """The records of one subscription and product on one agreement, in the order in which they are written."""

    subscription: str | None
    product: str
    product_name: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class AgreementGroup:
    """One agreement: its bill by month, and the subscriptions that change on it (none where it only fails to tie)."""

    address: str
    name: str
    currency: str
    bills: tuple[Impact, ...]
    subscriptions: tuple[SubscriptionGroup, ...]

    def bill(self, month: str) -> Impact | None:
        """The agreement's row of a month."""
        return next((row for row in self.bills if row.month == month), None)

    def by_months(self, months: Iterable[str]) -> tuple[Impact | None, ...]:
        """The agreement's rows of several months, None where it has none."""
        return tuple(self.bill(month) for month in months)


@dataclass(frozen=True, slots=True)
class CustomerGroup:
    """One customer and its agreements."""

    name: str
    agreements: tuple[AgreementGroup, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes of the customer."""
        return tuple(c for a in self.agreements for s in a.subscriptions for c in s.changes)

    def moved(self, month: str) -> tuple[Money, ...]:
        """By how much the customer's bill of a month changes, per currency."""
        rows = [row for a in self.agreements for row in a.bills if row.month == month]
        return summed(Money(row.after - row.before, row.currency) for row in rows)


def shown_months(plan: Plan | PlanSummary) -> tuple[str, ...]:
    """The planned months, the one after them, and any other that a bill is stated for; ascending."""
    month = Month.parse(plan.month)
    bills = (row.month for row in plan.impact)
    return tuple(sorted({*plan.planned_months, str(month.following), *bills}))


def by_customer(plan: Plan) -> tuple[CustomerGroup, ...]:
    """The customers that have changes, or an agreement whose month does not tie, by name."""
    bills: dict[str, list[Impact]] = {}
    for row in plan.impact:
        bills.setdefault(row.agreement, []).append(row)
    changes: dict[tuple[str, str], list[Change]] = {}
    for change in plan.changes:
        if change.resource is Resource.ADDITION:
            changes.setdefault((_customer(change, bills), change.agreement or ""), []).append(change)
    changed = {address for _, address in changes}
    for agreement, rows in bills.items():
        if agreement not in changed and not _ties(rows, plan):
            changes[rows[0].customer, agreement] = []
    names = _product_names(plan)
    grouped: dict[str, list[AgreementGroup]] = {}
    for (customer, address), own in changes.items():
        grouped.setdefault(customer, []).append(_agreement(address, own, bills.get(address, ()), names))
    return tuple(
        CustomerGroup(name, tuple(sorted(grouped[name], key=lambda a: (a.name.casefold(), a.address))))
        for name in sorted(grouped, key=lambda name: (name.casefold(), name))
    )


def catalogue_changes(plan: Plan) -> tuple[Change, ...]:
    """The changes of catalogue items."""
    return tuple(change for change in plan.changes if change.resource is Resource.PRODUCT)


def quiet_agreements(plan: Plan) -> int:
    """How many agreements are reconciled without a change."""
    changed = {change.agreement for change in plan.changes}
    rows = [row for row in plan.impact if row.month in plan.planned_months]
    not_tied = {row.agreement for row in rows if not _ties([row], plan)}
    return len({row.agreement for row in rows} - changed - not_tied)


def total_before(plan: Plan | PlanSummary, month: str) -> tuple[Money, ...]:
    """What all agreements of the plan bill for a month before it, per currency."""
    return summed(Money(row.before, row.currency) for row in plan.impact if row.month == month)


def total_after(plan: Plan | PlanSummary, month: str) -> tuple[Money, ...]:
    """What all agreements of the plan bill for a month after it, per currency."""
    return summed(Money(row.after, row.currency) for row in plan.impact if row.month == month)


def total_cost(plan: Plan | PlanSummary, month: str) -> tuple[Money, ...]:
    """What the distributor charged for a month on all agreements of the plan, per currency."""
    return summed(Money(row.invoiced_cost, row.currency) for row in plan.impact if row.month == month)


def amount_in(amounts: Iterable[Money], currency: str) -> Decimal:
    """The amount in a currency, zero where there is none."""
    return next((money.amount for money in amounts if money.currency == currency), ZERO)


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """Each id's beginning, at least eight characters, long enough to be told from the others; short ids are whole."""
    known = sorted(set(ids))
    short = {}
    for position, one in enumerate(known):
        neighbours = known[max(0, position - 1) : position] + known[position + 1 : position + 2]
        length = max([_SHORTEST, *(_shared(one, other) + 1 for other in neighbours)])
        short[one] = one if length + 4 >= len(one) else one[:length] + "…"
    return short


def subscriptions_of(plan: Plan) -> Iterator[str]:
    """Every subscription id that the plan names."""
    named = [change.subscription for change in plan.changes] + [finding.subscription for finding in plan.findings]
    yield from filter(None, named)


def _shared(one: str, other: str) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def _ties(rows: Iterable[Impact], plan: Plan) -> bool:
    return all(row.verdict is Verdict.RECONCILED for row in rows if row.month in plan.planned_months)


def _customer(change: Change, bills: dict[str, list[Impact]]) -> str:
    rows = bills.get(change.agreement or "")
    return change.customer or (rows[0].customer if rows else "no customer named")


def _agreement(address: str, changes: list[Change], rows: Iterable[Impact], names: dict[str, str]) -> AgreementGroup:
    bills = tuple(rows)
    by_subscription: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        product = addition_values(change).product
        by_subscription.setdefault((change.subscription or "", product), []).append(change)
    groups = [
        SubscriptionGroup(subscription or None, sku_of(product), _product_name(product, own, names), tuple(own))
        for (subscription, product), own in by_subscription.items()
    ]
    return AgreementGroup(
        address=address,
        name=bills[0].agreement_name if bills else "",
        currency=bills[0].currency if bills else "",
        bills=bills,
        subscriptions=tuple(sorted(groups, key=lambda g: (g.product_name.casefold(), g.product, g.subscription or ""))),
    )


def addition_values(change: Change) -> AdditionValues:
    """The values of an addition's change as they are to be, or, for a delete, as they were."""
    values = change.after or change.before
    if not isinstance(values, AdditionValues):
        raise TypeError(f"{change.address} is not a change of an addition")
    return values


def product_values(change: Change) -> ProductValues:
    """The values of a product's change as they are to be, or, for a delete, as they were."""
    values = change.after or change.before
    if not isinstance(values, ProductValues):
        raise TypeError(f"{change.address} is not a change of a product")
    return values


def sku_of(product: str) -> str:
    """The product's own name in its plan address: `CFQ7TTC0LH18:0001` of `psa/product/CFQ7TTC0LH18:0001`."""
    return product.partition("product/")[2] or product


def _product_names(plan: Plan) -> dict[str, str]:
    return {change.address: product_values(change).name for change in catalogue_changes(plan)}


def _product_name(product: str, changes: Iterable[Change], names: dict[str, str]) -> str:
    """The name that the plan gives, else that of the catalogue item it creates, else the SKU."""
    return next(filter(None, (change.product_name for change in changes)), "") or names.get(product) or sku_of(product)
