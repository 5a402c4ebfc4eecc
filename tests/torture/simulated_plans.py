"""What the simulated partner wants to stand in the PSA, and the changes that lead there."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from reconciler.domain.plan import Action, AdditionValues, Change, Resource
from reconciler.domain.records import Addition, Agreement

NEXT_INVOICE = date(2026, 10, 1)


def agreement() -> Agreement:
    """The only agreement there is; September is invoiced."""
    return Agreement(
        "55",
        "Contoso Microsoft CSP",
        "250",
        "Contoso",
        True,
        "Active",
        True,
        True,
        False,
        None,
        None,
        None,
        NEXT_INVOICE,
        "AUD",
    )


def standing_record() -> Addition:
    """The record that stood there before: ten of subscription `base`, open since August."""
    return Addition("7001", "55", "4120", Decimal(10), Decimal(20), Decimal(16), date(2026, 8, 1), None, "base")


def _values(serial: str, quantity: int, effective: date, cancelled: date | None) -> AdditionValues:
    return AdditionValues(
        "55",
        "psa/product/CFQ",
        "4120",
        serial,
        Decimal(quantity),
        Decimal(20),
        Decimal(16),
        effective,
        cancelled,
        "",
    )


WANTED = (
    _values("base", 3, date(2026, 9, 12), date(2026, 9, 30)),
    _values("base", 13, date(2026, 10, 1), None),
    _values("new", 5, date(2026, 9, 18), None),
)


def create(values: AdditionValues) -> Change:
    """A change that writes a record."""
    return Change(
        address=f"psa/Contoso/seat-monthly/{values.serial_number}/{values.effective}",
        resource=Resource.ADDITION,
        action=Action.CREATE,
        before=None,
        after=values,
        customer="Contoso",
        subscription=values.serial_number,
        agreement="psa/agreement/55",
    )


def cancel(standing: Addition) -> Change:
    """A change that ends the standing record with September."""
    before = values_of(standing)
    return Change(
        address="psa/Contoso/seat-monthly/base/2026-08-01",
        resource=Resource.ADDITION,
        action=Action.CANCEL,
        before=before,
        after=replace(before, cancelled=date(2026, 9, 30)),
        record=standing.id,
        customer="Contoso",
        subscription="base",
        agreement="psa/agreement/55",
    )


def update(standing: Addition, values: AdditionValues) -> Change:
    """A change that brings a record to what is wanted."""
    return Change(
        address=f"psa/Contoso/seat-monthly/{values.serial_number}/{values.effective}",
        resource=Resource.ADDITION,
        action=Action.UPDATE,
        before=values_of(standing),
        after=values,
        record=standing.id,
        customer="Contoso",
        subscription=values.serial_number,
        agreement="psa/agreement/55",
    )


def delete(copy: Addition) -> Change:
    """A change that takes a record out."""
    return Change(
        address=f"psa/Contoso/seat-monthly/{copy.serial_number}/{copy.effective}/{copy.id}",
        resource=Resource.ADDITION,
        action=Action.DELETE,
        before=values_of(copy),
        after=None,
        record=copy.id,
        customer="Contoso",
        subscription=copy.serial_number,
        agreement="psa/agreement/55",
    )


def values_of(record: Addition) -> AdditionValues:
    """A record's values, as a plan sees them."""
    return AdditionValues.of(record, "psa/product/CFQ")


def as_wanted(record: Addition, values: AdditionValues) -> bool:
    """Whether a record has the values that are wanted of it."""
    return values_of(record) == values
