"""The reads of applying: what stands in the PSA where a change is to be written."""

from reconciler.applying.effects import Steps, find_products, observe, read_additions
from reconciler.applying.slots import Record, by_id, wanted
from reconciler.domain.plan import AdditionValues, Change, ProductValues
from reconciler.domain.records import Product, Wanted


def look(change: Change) -> Steps[tuple[Record, ...]]:
    """The records that decide whether a change may be sent. Raises TargetError."""
    values = wanted(change)
    if isinstance(values, ProductValues):
        return (yield from _products(change, values))
    before = change.before if isinstance(change.before, AdditionValues) else values
    found = yield from read_additions(values.agreement_id, before.serial_number or None)
    if change.record is None or by_id(found, change.record) or not before.serial_number:
        return found
    # Not under its serial number any more: gone, or renamed by hand. Only the whole agreement tells.
    return (yield from read_additions(values.agreement_id, None))


def look_around(change: Change) -> Steps[tuple[Record, ...]]:
    """All that a doubtful send may have become: the whole agreement, for a PSA may drop a field. Raises TargetError."""
    values = wanted(change)
    if isinstance(values, ProductValues):
        return (yield from _products(change, values))
    return (yield from read_additions(values.agreement_id, None))


def _products(change: Change, values: ProductValues) -> Steps[tuple[Product, ...]]:
    found = yield from find_products(values.vendor_sku)
    before = change.before
    if not isinstance(before, ProductValues) or by_id(found, change.record):
        return found
    # A catalogue item that is to get its Vendor SKU now cannot be found by it yet.
    seen = yield from observe(Wanted(frozenset(), frozenset({values.vendor_sku}), frozenset({before.identifier})))
    return seen.products
