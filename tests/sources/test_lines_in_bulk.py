"""Lines that are made in bulk are the same values as those of the class itself, and as closed to changes."""

from dataclasses import FrozenInstanceError, replace

import pytest

from reconciler.domain.bulk import maker
from reconciler.domain.finding import Place
from reconciler.domain.invoice import CustomerRef


def test_a_value_made_in_bulk_is_the_one_that_its_class_makes() -> None:
    customer, place = maker(CustomerRef)("t", domain="a.example"), maker(Place)("a.csv", 3)
    assert (customer, place) == (CustomerRef("t", domain="a.example"), Place("a.csv", 3))
    assert (type(customer), type(place)) == (CustomerRef, Place)
    assert hash(place) == hash(Place("a.csv", 3))
    assert replace(customer, tenant="u") == CustomerRef("u", domain="a.example")
    assert maker(CustomerRef)("t").name == ""


def test_a_value_made_in_bulk_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        maker(Place)("a.csv").line = 4  # type: ignore[misc]  # that it cannot be set is the point
