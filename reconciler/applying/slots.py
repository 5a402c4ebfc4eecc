"""A slot: the identity that a billing record has in the PSA by nature, found by searching, never by a number of ours.

An addition's slot is its agreement, serial number, product, first day, whether it ends, and its unit price, and for a
record that copies an invoice line (C27) which line that is; the rules keep that unique within an agreement. A change of
a record that stands there has the record's id for a slot. A product's slot is its Vendor SKU. A new record of an undo
has for a slot what it takes back.
"""

from collections.abc import Iterable
from dataclasses import asdict, replace
from decimal import Decimal

from reconciler.domain.canonical import canonical, digest
from reconciler.domain.line_mark import mark_in
from reconciler.domain.money import plain
from reconciler.domain.plan import Action, AdditionValues, Change, Plan, ProductValues, Resource, Values
from reconciler.domain.records import Addition, Product
from reconciler.domain.undo_address import undone_write
from reconciler.store.ops import NewOp

Record = Addition | Product


def slot(change: Change) -> str:
    """The slot of a change, as text."""
    values = wanted(change)
    if isinstance(values, ProductValues):
        return f"product/{values.vendor_sku}" if change.record is None else f"product/#{change.record}"
    if change.record is not None:
        return f"agreement/{values.agreement_id}/#{change.record}"
    if undone_write(change.address):
        # Beside an invoiced record stands what takes it back, and an undo of that once more: they may all begin on one
        # day. What one is for tells them apart, and is the same however often it is planned.
        return f"agreement/{values.agreement_id}/{change.address}"
    end = "bounded" if values.cancelled else "open"
    identity = (values.serial_number or "", values.product, values.effective.isoformat(), end, plain(values.unit_price))
    mark = mark_in(values.description)
    return f"agreement/{values.agreement_id}/{'|'.join((*identity, str(mark)) if mark else identity)}"


def wanted(change: Change) -> Values:
    """What a change is about: the values after it, or for a delete those before."""
    values = change.after if change.after is not None else change.before
    if values is None:
        raise ValueError(f"{change.address} has no values")
    return values


def new_op(change: Change) -> NewOp:
    """A change as the journal enters it."""
    values = wanted(change)
    return NewOp(
        slot=slot(change),
        address=change.address,
        resource=change.resource.value,
        kind=change.action.value,
        token=values.serial_number if isinstance(values, AdditionValues) else values.vendor_sku,
        before_json=canonical(asdict(change.before)) if change.before else None,
        after_json=canonical(asdict(change.after)) if change.after else None,
    )


def request_digest(change: Change) -> str:
    """The hash of what is sent for a change: the same for the same request, whenever it is sent."""
    before, after = (asdict(values) if values else None for values in (change.before, change.after))
    return digest({"action": change.action, "record": change.record, "before": before, "after": after})


def told_request(change: Change) -> str:
    """What is sent for a change, for the history: all fields of a new record, else those that differ."""
    before = asdict(change.before) if change.before else {}
    after = asdict(change.after) if change.after else {}
    fields = (f"{name} {_text(value)}" for name, value in after.items() if name not in before or before[name] != value)
    record = f" record {change.record}" if change.record else ""
    return f"{change.action.value}{record} {', '.join(fields)}".strip()


def with_product(change: Change, product_ids: dict[str, str]) -> Change:
    """The change with the id of a product that was created on the way, where it still lacks one."""
    after = change.after
    if not isinstance(after, AdditionValues) or after.product_id is not None or after.product not in product_ids:
        return change
    return replace(change, after=replace(after, product_id=product_ids[after.product]))


def known_records(plan: Plan, agreement: str | None) -> frozenset[str]:
    """The ids of the records that the plan saw on an agreement when it was made."""
    observed = plan.observed_records.get(agreement or "", {})
    return frozenset(name.rsplit("/", 1)[-1] for name in observed)


def known_next_invoice(plan: Plan, agreement: str | None) -> str | None:
    """The day of an agreement's next invoice when the plan was made, as ISO text; None where it is not known."""
    return plan.observed_records.get(agreement or "", {}).get("agreement", {}).get("next_invoice")


def differences(values: Values, record: Record) -> tuple[str, ...]:
    """In which owned fields a record is not as the values say: `quantity from 10 to 12`, the values' first."""
    pairs = _pairs(values, record)
    return tuple(f"{name} from {_text(mine)} to {_text(found)}" for name, mine, found in pairs if mine != found)


def same_place(values: Values, record: Record) -> bool:
    """Whether a record is of the same subscription, product and first day (or has the same Vendor SKU): it is the
    wanted one, or in its way.
    """
    if isinstance(values, AdditionValues) and isinstance(record, Addition):
        return could_be(values, record) and (values.serial_number or "") == (record.serial_number or "")
    return could_be(values, record)


def could_be(values: Values, record: Record) -> bool:
    """Whether a new record may come from sending the values, even if the PSA dropped its serial number."""
    if isinstance(values, AdditionValues) and isinstance(record, Addition):
        same = values.product_id == record.product_id and values.effective == record.effective
        return same and not _copy_another(values, record) and record.serial_number in (None, "", values.serial_number)
    if isinstance(values, ProductValues) and isinstance(record, Product):
        return values.vendor_sku == record.vendor_sku
    return False


def _copy_another(values: AdditionValues, record: Addition) -> bool:
    """Whether both copy an invoice line (C27), and not the same: a refund and a charge share subscription and days."""
    wanted_mark, mark = mark_in(values.description), mark_in(record.description)
    return wanted_mark is not None and mark is not None and wanted_mark != mark


def same_slot(values: Values, record: Record) -> bool:
    """Whether a record lies in the slot of the values."""
    if isinstance(values, AdditionValues) and isinstance(record, Addition):
        return (
            same_place(values, record)
            and bool(values.cancelled) == bool(record.cancelled)
            and values.unit_price == record.unit_price
        )
    return same_place(values, record)


def by_id(records: Iterable[Record], record: str | None) -> Record | None:
    """The record of an id."""
    return next((found for found in records if found.id == record), None)


def is_addition(change: Change) -> bool:
    """Whether a change is of an addition."""
    return change.resource is Resource.ADDITION


def is_create(change: Change) -> bool:
    """Whether a change makes a record."""
    return change.action is Action.CREATE


def _pairs(values: Values, record: Record) -> list[tuple[str, object, object]]:
    if isinstance(values, AdditionValues) and isinstance(record, Addition):
        pairs: list[tuple[str, object, object]] = [
            ("quantity", values.quantity, record.quantity),
            ("unit_price", values.unit_price, record.unit_price),
            ("unit_cost", values.unit_cost, record.unit_cost),
            ("effective", values.effective, record.effective),
            ("cancelled", values.cancelled, record.cancelled),
            ("serial_number", values.serial_number or "", record.serial_number or ""),
            ("product_id", values.product_id, record.product_id),
        ]
    elif isinstance(values, ProductValues) and isinstance(record, Product):
        pairs = [
            ("vendor_sku", values.vendor_sku, record.vendor_sku or ""),
            ("identifier", values.identifier, record.identifier),
            ("price", values.price, record.price),
            ("cost", values.cost, record.cost),
        ]
        if values.taxable is not None:
            pairs.append(("taxable", values.taxable, record.taxable))
    else:
        raise TypeError(f"{type(record).__name__} cannot be compared with {type(values).__name__}")
    # An empty text leaves the field to the PSA, which then writes its own (ConnectWise: the product's).
    if values.description:
        pairs.append(("description", _words(values.description), _words(record.description)))
    return pairs


def _words(text: str) -> str:
    # A PSA turns line breaks and tabs into spaces.
    return " ".join(text.split())


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    return "nothing" if value is None or value == "" else str(value)
