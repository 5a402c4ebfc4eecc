"""Fields that the PSA owns: what may not be written, and that a change that would is stopped (P56)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from reconciler.domain.finding import Place
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Align, Changes, Customer, PsaField, Sync
from reconciler.domain.plan import Action, AdditionValues, Change, ProductValues, Resource
from reconciler.domain.records import Addition
from reconciler.planning.ownership import BY_THE_PSA, OwnedFieldMoved, as_owned, guarded, left_to_psa
from reconciler.rules.charged import Rate

ALL = frozenset(PsaField)
FIRST = date(2026, 9, 1)
VALUES = AdditionValues("55", "psa/product/x", "1", "s1", Decimal(10), Decimal(20), Decimal(16), FIRST, None, "text")
ITEM = ProductValues("x", "X", "Item", "Item", Decimal(20), Decimal(16))
RATE = Rate(Decimal(25), Decimal(18), "Ours")


def update(before: AdditionValues | ProductValues, **moved: object) -> Change:
    after = replace(before, **moved)  # type: ignore[arg-type]
    kind = Resource.ADDITION if isinstance(before, AdditionValues) else Resource.PRODUCT
    return Change("psa/one", kind, Action.UPDATE, before, after)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (update(VALUES, unit_price=Decimal(21)), "price"),
        (update(VALUES, unit_cost=Decimal(17)), "cost"),
        (update(VALUES, description="another"), "description"),
        (update(ITEM, price=Decimal(21)), "price"),
        (update(ITEM, cost=Decimal(17)), "cost"),
        (update(ITEM, description="Another"), "description"),
    ],
)
def test_a_change_of_an_owned_field_is_stopped_and_of_another_is_not(change: Change, field: str) -> None:
    with pytest.raises(OwnedFieldMoved, match=f"psa/one would write {field}, which"):
        list(guarded([change], frozenset({PsaField(field)})))
    assert list(guarded([change], ALL - {PsaField(field)})) == [change]
    assert list(guarded([change], frozenset())) == [change]


def test_what_is_created_ended_or_deleted_may_have_any_price() -> None:
    created = Change("psa/one", Resource.ADDITION, Action.CREATE, None, VALUES)
    ended = update(VALUES, cancelled=date(2026, 9, 30), quantity=Decimal(8))
    deleted = Change("psa/one", Resource.ADDITION, Action.DELETE, VALUES, None)
    assert list(guarded([created, ended, deleted], ALL)) == [created, ended, deleted]


def test_an_owned_price_is_that_of_the_record_that_stands_and_the_cost_charged_is_not_forgotten() -> None:
    standing = Addition("1", "55", "1", Decimal(10), Decimal(22), Decimal(15), FIRST, None)
    both = as_owned(RATE, standing, ALL)
    assert (both.unit_price, both.unit_cost, both.rule, both.cost) == (22, 15, BY_THE_PSA, 18)
    cost = as_owned(RATE, standing, frozenset({PsaField.COST}))
    assert (cost.unit_price, cost.unit_cost, cost.rule) == (25, 15, "Ours")
    assert as_owned(RATE, standing, frozenset({PsaField.DESCRIPTION})) is RATE
    assert as_owned(RATE, None, ALL) is RATE


def test_amounts_of_an_invoice_stay_ours_whoever_owns_prices() -> None:
    customer = Customer("C", "csp", "t", None, None, {}, None, Sync.ON, Changes(), Place("m"), psa_fields=ALL)
    copies = replace(customer, changes=Changes(align=Align.CHARGE_CYCLE))
    assert left_to_psa(customer, Motion.SEAT_MONTHLY) == ALL
    assert left_to_psa(customer, Motion.AZURE) == {PsaField.DESCRIPTION}
    assert left_to_psa(copies, Motion.SEAT_MONTHLY) == {PsaField.DESCRIPTION}
    assert left_to_psa(copies, Motion.SEAT_ANNUAL) == ALL
