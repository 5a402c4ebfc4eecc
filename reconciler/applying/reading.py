"""The reads of applying: what stands in the PSA where a change is to be written."""

from reconciler.applying.slots import Record, by_id, wanted
from reconciler.domain.plan import Action, AdditionValues, Change, ProductValues
from reconciler.domain.records import Product, Wanted
from reconciler.targets.base import Target


async def look(target: Target, change: Change) -> tuple[Record, ...]:
    """The records that decide whether a change may be sent. Raises TargetError."""
    values = wanted(change)
    if isinstance(values, ProductValues):
        return await _products(target, change, values)
    before = change.before if isinstance(change.before, AdditionValues) else values
    found = await target.read_additions(values.agreement_id, before.serial_number or None)
    if change.record is None or by_id(found, change.record) or not before.serial_number:
        return found
    # Not under its serial number any more: gone, or renamed by hand. Only the whole agreement tells.
    return await target.read_additions(values.agreement_id, None)


async def look_around(target: Target, change: Change) -> tuple[Record, ...]:
    """All that a doubtful send may have become: the whole agreement, for a PSA may drop a field. Raises TargetError."""
    values = wanted(change)
    if isinstance(values, ProductValues):
        return await _products(target, change, values)
    return await target.read_additions(values.agreement_id, None)


async def _products(target: Target, change: Change, values: ProductValues) -> tuple[Product, ...]:
    found = await target.find_products(values.vendor_sku)
    before = change.before
    if not isinstance(before, ProductValues) or by_id(found, change.record):
        return found
    # A catalogue item that is to get its Vendor SKU now cannot be found by it yet.
    seen = await target.observe(Wanted(frozenset(), frozenset({values.vendor_sku}), frozenset({before.identifier})))
    return seen.products


async def send(target: Target, change: Change) -> Record | None:
    """One write, once; returns the record as the PSA answered it, None for a delete.

    Raises NotSent, Refused, or Ambiguous.
    """
    before, after = change.before, change.after
    if change.action is Action.DELETE:
        if not isinstance(before, AdditionValues) or change.record is None:
            raise ValueError(f"{change.address}: only additions are deleted")
        await target.delete_addition(before.agreement_id, change.record)
        return None
    if change.action is Action.CREATE:
        if isinstance(after, AdditionValues):
            return await target.create_addition(after)
        if isinstance(after, ProductValues):
            return await target.create_product(after)
    elif change.record is not None:
        if isinstance(before, AdditionValues) and isinstance(after, AdditionValues):
            return await target.update_addition(change.record, before, after)
        if isinstance(before, ProductValues) and isinstance(after, ProductValues):
            return await target.update_product(change.record, before, after)
    raise ValueError(f"{change.address}: a {change.action.value} without the values it needs")
