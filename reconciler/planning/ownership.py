"""Fields that the PSA owns (`fields: {price: psa}`): set when a record is created, and never written again (P56).

Two places keep to it. Where values are drafted, an owned field of what stands is taken as it stands. Where drafts
become changes, one that would write such a field all the same is a bug, and stops the plan before it can be applied.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.domain.decision import RecordField
from reconciler.domain.drift import Drift
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Align, Customer, PsaField
from reconciler.domain.plan import AdditionValues, Change, ProductValues, Values
from reconciler.domain.records import Addition, Product
from reconciler.rules.charged import Rate

PsaFields = frozenset[PsaField]
BY_THE_PSA = "as it stands in the PSA"
"""The name under which a price that the PSA owns stands in the place of a price rule's."""

_OF_RECORDS = {
    RecordField.UNIT_PRICE: PsaField.PRICE,
    RecordField.UNIT_COST: PsaField.COST,
    RecordField.DESCRIPTION: PsaField.DESCRIPTION,
}
_OF_VALUES = {
    "unit_price": PsaField.PRICE,
    "price": PsaField.PRICE,
    "unit_cost": PsaField.COST,
    "cost": PsaField.COST,
    "description": PsaField.DESCRIPTION,
    "name": PsaField.DESCRIPTION,
}


class OwnedFieldMoved(Exception):
    """A change would write a field that the mapping leaves to the PSA: a bug of ours."""


def left_to_psa(customer: Customer, motion: Motion) -> PsaFields:
    """The fields of a customer's records that are the PSA's.

    Usage and charge cycles bill amounts of the invoice, not prices: theirs stay ours to correct (P52, C27).
    """
    copies = motion is Motion.SEAT_MONTHLY and customer.changes.align is Align.CHARGE_CYCLE
    amounts = {PsaField.PRICE, PsaField.COST} if copies or motion is Motion.AZURE else set()
    return customer.psa_fields - amounts


def as_owned(rate: Rate, standing: Addition | None, fields: PsaFields) -> Rate:
    """The rate of a subscription's records: what the PSA owns is that of the record that stands, if one does."""
    if standing is None or not fields & {PsaField.PRICE, PsaField.COST}:
        return rate
    keeps_price = PsaField.PRICE in fields
    return Rate(
        standing.unit_price if keeps_price else rate.unit_price,
        standing.unit_cost if PsaField.COST in fields else rate.unit_cost,
        BY_THE_PSA if keeps_price else rate.rule,
        rate.unit_cost,
    )


def values_as_owned(values: AdditionValues, now: Addition, fields: PsaFields) -> AdditionValues:
    """A record's values with what the PSA owns as it stands now."""
    return replace(
        values,
        unit_price=now.unit_price if PsaField.PRICE in fields else values.unit_price,
        unit_cost=now.unit_cost if PsaField.COST in fields else values.unit_cost,
        description=now.description if PsaField.DESCRIPTION in fields else values.description,
    )


def item_as_owned(values: ProductValues, now: Product, fields: PsaFields) -> ProductValues:
    """A catalogue item's values with the price and cost that the PSA owns as they stand now."""
    return replace(
        values,
        price=now.price if PsaField.PRICE in fields else values.price,
        cost=now.cost if PsaField.COST in fields else values.cost,
    )


def guarded(changes: Iterable[Change], fields: PsaFields) -> Iterator[Change]:
    """The same changes. Raises OwnedFieldMoved for one that writes an owned field of a record that stands."""
    for change in changes:
        if change.before is not None and change.after is not None and fields:
            moved = _moved(change.before, change.after) & fields
            if moved:
                names = ", ".join(sorted(moved))
                raise OwnedFieldMoved(f"{change.address} would write {names}, which the mapping leaves to the PSA")
        yield change


def _moved(before: Values, after: Values) -> PsaFields:
    found = ((field, getattr(before, name, None), getattr(after, name, None)) for name, field in _OF_VALUES.items())
    return frozenset(field for field, old, new in found if old != new)


def minded(drifts: Iterable[Drift], customers: Iterable[Customer]) -> tuple[Drift, ...]:
    """The drift that is anybody's business: what a person does to a field that is the PSA's is none."""
    owned: Mapping[str, PsaFields] = {customer.name: customer.psa_fields for customer in customers}
    return tuple(d for d in drifts if not (d.field and _OF_RECORDS.get(d.field) in owned.get(d.customer or "", ())))
