"""Splits and prorations of random amounts: the parts sum to the whole, and no float reaches a money value."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.domain.canonical import canonical
from reconciler.domain.money import Money, rounded, summed

AMOUNTS = st.integers(-(10**15), 10**15).map(lambda units: Decimal(units).scaleb(-6))
CURRENCIES = st.sampled_from(["AUD", "EUR", "JPY", "KWD"])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # the machine may be busy
@given(st.lists(st.tuples(AMOUNTS, CURRENCIES), max_size=30))
def test_sums_are_exact_per_currency_in_any_order(amounts: list[tuple[Decimal, str]]) -> None:
    forwards = summed(Money(*each) for each in amounts)
    assert sorted(map(str, forwards)) == sorted(map(str, summed(Money(*each) for each in reversed(amounts))))
    for money in forwards:
        assert type(money.amount) is Decimal
        assert money.amount == sum((amount for amount, currency in amounts if currency == money.currency), Decimal(0))


@given(AMOUNTS, CURRENCIES)
def test_a_rounded_amount_is_a_decimal_near_its_amount(amount: Decimal, currency: str) -> None:
    result = rounded(amount, currency)
    assert type(result) is Decimal
    assert rounded(result, currency) == result
    assert abs(result - amount) <= Decimal("0.5")


@given(st.floats())
def test_no_float_gets_into_a_document_about_money(value: float) -> None:
    for document in (value, [value], {"a": {"b": [value]}}):
        with pytest.raises(TypeError):
            canonical(document)
