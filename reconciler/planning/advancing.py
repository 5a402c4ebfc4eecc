"""The PSA as it will be once a plan is applied, in memory: what the month after it is planned on.

A record that a plan creates has no id yet. It gets one of ours, which no PSA uses and which never leaves the planning.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.domain.plan import Action, AdditionValues, Change, ProductValues
from reconciler.domain.records import Addition, Observation, Product

_PLANNED = "planned "


def is_planned(record: str | None) -> bool:
    """Whether an id is of a record that only the plan has so far."""
    return record is not None and record.startswith(_PLANNED)


def record_of(change: Change, month: str) -> str:
    """The id of a change's record: the PSA's, or for one that the plan of a month creates, its name until then."""
    return change.record if change.record is not None else f"{_PLANNED}{month} {change.address}"


def advanced(seen: Observation, changes: Iterable[Change], month: str) -> Observation:
    """What a PSA holds after the changes of a month's plan that was made on `seen`, every one of them done."""
    changes = tuple(changes)
    written = {record_of(c, month): c.after for c in changes if isinstance(c.after, ProductValues)}
    products = (*_updated(seen.products, written), *_created(seen.products, written))
    # A record of a product that the same plan creates has only its address to name it by.
    created = {c.address: record_of(c, month) for c in changes if isinstance(c.after, ProductValues)}
    additions = {agreement: {a.id: a for a in rows} for agreement, rows in seen.additions.items()}
    for change in changes:
        values = change.after or change.before
        if not isinstance(values, AdditionValues):
            continue
        rows = additions.setdefault(values.agreement_id, {})
        if change.action is Action.DELETE or not isinstance(change.after, AdditionValues):
            rows.pop(change.record or "", None)
        else:
            record = record_of(change, month)
            rows[record] = _written(record, change.after, rows.get(record), created)
    return replace(seen, products=products, additions={a: tuple(rows.values()) for a, rows in additions.items()})


def _written(record: str, values: AdditionValues, standing: Addition | None, created: dict[str, str]) -> Addition:
    if standing is not None:
        return replace(
            standing,
            quantity=values.quantity,
            unit_price=values.unit_price,
            unit_cost=values.unit_cost,
            effective=values.effective,
            cancelled=values.cancelled,
            serial_number=values.serial_number,
            description=values.description,
        )
    return Addition(
        id=record,
        agreement_id=values.agreement_id,
        product_id=values.product_id or created.get(values.product, ""),
        quantity=values.quantity,
        unit_price=values.unit_price,
        unit_cost=values.unit_cost,
        effective=values.effective,
        cancelled=values.cancelled,
        serial_number=values.serial_number,
        description=values.description,
    )


def _updated(products: Iterable[Product], written: dict[str, ProductValues]) -> Iterator[Product]:
    for product in products:
        after = written.get(product.id)
        if after is None:
            yield product
        else:
            yield replace(
                product,
                vendor_sku=after.vendor_sku or None,
                identifier=after.identifier,
                description=after.description,
                price=after.price,
                cost=after.cost,
            )


def _created(products: Iterable[Product], written: dict[str, ProductValues]) -> Iterator[Product]:
    known = {product.id for product in products}
    for record, after in written.items():
        if record not in known:
            yield Product(
                id=record,
                identifier=after.identifier,
                vendor_sku=after.vendor_sku,
                description=after.description,
                price=after.price,
                cost=after.cost,
                taxable=after.taxable,
            )
