"""Names that are one name, names that are nearly one, and names that are not."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.rules.likeness import CERTAIN, beginnings, host_of, label, likeness, words


@pytest.mark.parametrize(
    ("one", "other"),
    [("Contoso", "CONTOSO Pty. Ltd."), ("Société Générale SA", "societe generale"), ("A-B Co", "A B")],
)
def test_case_accents_punctuation_and_legal_forms_do_not_count(one: str, other: str) -> None:
    assert likeness(one, other) == 1


def test_a_slip_of_the_pen_is_certain_and_another_name_is_not() -> None:
    assert likeness("Northwind Traders", "Northwind Trader") >= CERTAIN
    assert likeness("Northwind Traders", "Northwind Toys") < CERTAIN
    assert likeness("Contoso", "Fabrikam") < Decimal("0.5")
    assert likeness("", "Fabrikam") == 0


def test_a_name_of_legal_forms_alone_keeps_them() -> None:
    assert words("The Company") == ("the", "company")


@given(st.text(max_size=30), st.text(max_size=30))
def test_likeness_lies_between_nothing_and_one_and_knows_no_direction(one: str, other: str) -> None:
    assert 0 <= likeness(one, other) <= 1
    assert likeness(one, other) == likeness(other, one)


def test_the_owner_of_a_domain_is_its_first_part() -> None:
    assert label("https://www.contoso.com.au/about") == "contoso"
    assert label("fabrikam.onmicrosoft.com") == "fabrikam"
    assert host_of("billing@contoso.com") == "contoso.com"
    assert label("") == ""


def test_names_that_may_be_alike_share_a_beginning() -> None:
    assert beginnings(["Northwind Traders"]) & beginnings(["Nortwind"])
    assert not beginnings(["Contoso"]) & beginnings(["Fabrikam"])
