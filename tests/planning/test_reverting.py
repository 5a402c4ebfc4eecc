"""Which edits of a person a plan takes back, and which it cannot."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from reconciler.domain.drift import AppliedRecord
from reconciler.domain.plan import AdditionValues
from reconciler.domain.records import Addition
from reconciler.planning.reverting import Edited, edits

OCTOBER = date(2026, 10, 1)
STANDING = Addition("9003", "55", "4120", Decimal(12), Decimal(20), Decimal(16), OCTOBER, None, serial_number="S")
VALUES = AdditionValues("55", "psa/product/X", "4120", "S", Decimal(12), Decimal(20), Decimal(16), OCTOBER, None)
APPLIED = AppliedRecord("9003", "55", "Contoso", VALUES, True, datetime(2026, 10, 3, tzinfo=UTC), 1)


def edited(open_from: date = OCTOBER, applied: AppliedRecord = APPLIED, **now: Any) -> Edited | None:
    found = edits([replace(STANDING, **now)], {"9003": applied}, frozenset(), open_from)
    return found.get("9003")


@pytest.mark.parametrize(
    ("now", "field"),
    [
        ({"unit_price": Decimal(25)}, "unit price"),
        ({"unit_cost": Decimal(15)}, "unit cost"),
        ({"effective": date(2026, 10, 10)}, "first day"),
        ({"cancelled": date(2026, 10, 31)}, "last day"),
        ({"serial_number": None}, "serial number"),
    ],
)
def test_an_edit_of_a_record_that_is_not_invoiced_is_taken_back(now: dict[str, Any], field: str) -> None:
    found = edited(**now)
    assert found is not None
    assert (found.fields, found.taken_as) == ((field,), STANDING)


@pytest.mark.parametrize("now", [{"unit_price": Decimal(25)}, {"unit_cost": Decimal(15)}])
def test_price_and_cost_of_an_invoiced_record_stay_as_they_are(now: dict[str, Any]) -> None:
    assert edited(date(2026, 11, 1), **now) is None


def test_an_end_on_days_that_are_invoiced_stays() -> None:
    assert edited(date(2026, 12, 1), cancelled=date(2026, 10, 31)) is None


def test_an_end_of_an_invoiced_record_that_is_still_to_come_is_taken_back() -> None:
    found = edited(date(2026, 11, 1), cancelled=date(2026, 10, 31))
    assert found is not None
    assert found.taken_as.cancelled is None


def test_a_quantity_is_not_taken_back_here_for_the_invoice_speaks_of_it() -> None:
    assert edited(quantity=Decimal(14)) is None


def test_a_serial_number_in_other_letters_is_no_edit() -> None:
    assert edited(serial_number="s") is None


def test_a_record_that_was_only_seen_was_never_ours() -> None:
    assert edited(applied=replace(APPLIED, written=False), unit_price=Decimal(25)) is None


def test_what_an_override_keeps_is_left() -> None:
    now = replace(STANDING, unit_price=Decimal(25))
    assert edits([now], {"9003": APPLIED}, frozenset({"s"}), OCTOBER) == {}
