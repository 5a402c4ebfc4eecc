"""Months planned one upon the other without a PSA: what one month's plan leaves is what the next one finds.

A record is *simulated* once its subscription was charged on an agreement that a plan of the chain was made for: from
the next month on, that subscription's records on that agreement are those that the chain's own plans left, whatever the
PSA held then. All other records, the agreements themselves and the catalogue are as the PSA held them in each month. A
plan that a guard refuses is taken as approved.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from reconciler.domain.plan import Action, AdditionValues, Plan, ProductValues
from reconciler.domain.records import Addition, Observation, Product
from reconciler.planning.gathered import Gathered
from reconciler.planning.ledger import Ledger

# An agreement's id and a subscription's, in lower case.
_Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Chain:
    """What the plans of earlier months left: records by agreement and subscription, and the products they created, by
    Vendor SKU. A name without records is a subscription that has none (any more).
    """

    records: dict[_Name, tuple[Addition, ...]] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)


def found_by(chain: Chain, seen: Observation) -> Observation:
    """What a month's plan finds: the PSA as it was seen, with the chain's records in the place of the real ones."""
    products, renamed = _products(chain, seen)
    carried = _by_agreement(chain)
    additions = {
        agreement: (
            *(a for a in held if _name(a) not in chain.records),
            *(replace(a, product_id=renamed.get(a.product_id, a.product_id)) for a in carried.get(agreement, ())),
        )
        for agreement, held in seen.additions.items()
    }
    return replace(seen, additions=additions, products=products)


def left_by(chain: Chain, gathered: Gathered, plan: Plan) -> Chain:
    """The chain after a month: what was found, with the plan's changes written."""
    found = gathered.observation
    products = dict(chain.products)
    for change in plan.changes:
        if change.action is Action.CREATE and isinstance(change.after, ProductValues):
            products[_sku(change.after.vendor_sku)] = _created(change.after)
    after = _written(found, plan, products)
    charged = {name for ledger in gathered.ledgers.values() for name in _charged(ledger)}
    planned = {row.agreement.rsplit("/", 1)[-1] for row in plan.impact}
    names = {_name(a) for n in planned for a in found.additions.get(n, ()) if _name(a)[1] in charged}
    names |= {_named(change.after or change.before) for change in plan.changes if change.agreement}
    names |= chain.records.keys()
    records: dict[_Name, list[Addition]] = {name: [] for name in names if name[1]}
    for held in after.values():
        for addition in held:
            if _name(addition) in records:
                records[_name(addition)].append(addition)
    return Chain({name: tuple(held) for name, held in records.items()}, products)


def _charged(ledger: Ledger) -> Iterator[str]:
    for account in ledger.accounts.values():
        yield from (subscription.strip().lower() for subscription, _ in account.seats)
        yield from (line.subscription.strip().lower() for entries in account.once.values() for _, line in entries)


def _written(found: Observation, plan: Plan, products: dict[str, Product]) -> dict[str, list[Addition]]:
    after = {number: list(held) for number, held in found.additions.items()}
    for count, change in enumerate(plan.changes):
        values = change.after or change.before
        if not isinstance(values, AdditionValues):
            continue
        held = after.setdefault(values.agreement_id, [])
        standing = next((a for a in held if change.record and a.id == change.record), None)
        if standing is not None:
            held.remove(standing)
        if isinstance(change.after, AdditionValues):
            number = change.record or f"{plan.month}-{count}"
            held.append(_addition(number, change.after, standing, products))
    return after


def _addition(number: str, values: AdditionValues, standing: Addition | None, products: dict[str, Product]) -> Addition:
    key = values.product.split("/product/", 1)[-1]
    created = products.get(_sku(key))
    product_id = values.product_id or (created.id if created else key)
    base = standing or Addition(
        number,
        values.agreement_id,
        product_id,
        values.quantity,
        values.unit_price,
        values.unit_cost,
        values.effective,
        values.cancelled,
    )
    return replace(
        base,
        product_id=product_id,
        quantity=values.quantity,
        unit_price=values.unit_price,
        unit_cost=values.unit_cost,
        effective=values.effective,
        cancelled=values.cancelled,
        serial_number=values.serial_number,
        description=values.description,
    )


def _created(values: ProductValues) -> Product:
    return Product(
        id=f"new:{values.vendor_sku}",
        identifier=values.identifier,
        vendor_sku=values.vendor_sku,
        description=values.description,
        price=values.price,
        cost=values.cost,
        taxable=values.taxable,
    )


def _products(chain: Chain, seen: Observation) -> tuple[tuple[Product, ...], dict[str, str]]:
    """The catalogue with the chain's products, and how those are called that the PSA has got meanwhile."""
    real = {_sku(product.vendor_sku): product.id for product in seen.products if product.vendor_sku}
    renamed = {product.id: real[sku] for sku, product in chain.products.items() if sku in real}
    return (*seen.products, *(p for sku, p in chain.products.items() if sku not in real)), renamed


def _by_agreement(chain: Chain) -> dict[str, list[Addition]]:
    carried: dict[str, list[Addition]] = {}
    for (agreement, _), held in chain.records.items():
        carried.setdefault(agreement, []).extend(held)
    return carried


def _sku(text: str | None) -> str:
    return (text or "").strip().lower()


def _name(addition: Addition) -> _Name:
    return addition.agreement_id, (addition.serial_number or "").strip().lower()


def _named(values: object) -> _Name:
    if not isinstance(values, AdditionValues):
        return "", ""
    return values.agreement_id, (values.serial_number or "").strip().lower()
