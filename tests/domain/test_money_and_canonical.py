"""Money, and the canonical JSON under every digest."""

import json
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.canonical import canonical, digest, digest_of, readable
from reconciler.domain.money import Money, plain, printed, rounded, summed

amounts = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("-14.6666", "AUD", "-14.67"),
        ("2.345", "AUD", "2.35"),
        ("-2.345", "AUD", "-2.35"),
        ("1234.5", "JPY", "1235"),
        ("1.2345", "KWD", "1.235"),
        ("7", None, "7.00"),
    ],
)
def test_an_amount_is_rounded_half_up_to_its_currencys_digits(amount: str, currency: str | None, text: str) -> None:
    assert printed(Decimal(amount), currency) == text


@given(amounts)
def test_a_number_written_for_people_reads_back_as_itself(amount: Decimal) -> None:
    text = plain(amount)
    assert Decimal(text) == amount
    assert "E" not in text.upper()


def test_two_currencies_are_never_added() -> None:
    with pytest.raises(ValueError, match="two currencies"):
        Money(Decimal(1), "AUD") + Money(Decimal(1), "NZD")


@given(st.lists(st.tuples(amounts, st.sampled_from(["AUD", "EUR", "USD"]))))
def test_sums_are_kept_by_currency(rows: list[tuple[Decimal, str]]) -> None:
    totals = {money.currency: money.amount for money in summed(Money(a, c) for a, c in rows)}
    for currency in {c for _, c in rows}:
        assert totals[currency] == sum((a for a, c in rows if c == currency), Decimal(0))


@pytest.mark.parametrize("value", [1.5, {"a": [1, {"b": 0.1}]}, [float("nan")]])
def test_a_float_has_no_canonical_form(value: object) -> None:
    with pytest.raises(TypeError, match="float"):
        canonical(value)
    with pytest.raises(TypeError, match="float"):
        readable(value)


def test_the_digest_does_not_depend_on_the_order_of_members_or_on_trailing_zeros() -> None:
    assert digest({"a": Decimal("1.50"), "b": None}) == digest({"b": None, "a": Decimal("1.5")})
    assert digest({"a": Decimal("1.5")}) != digest({"a": Decimal("1.51")})


@given(amounts)
def test_rounding_moves_an_amount_by_half_a_cent_at_most(amount: Decimal) -> None:
    assert abs(rounded(amount) - amount) <= Decimal("0.005")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | amounts | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(JSON)
def test_the_readable_form_is_what_the_standard_library_indents(value: object) -> None:
    def text(one: object) -> str:
        return plain(one) if isinstance(one, Decimal) else str(one)

    assert readable(value) == json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, default=text) + "\n"


@given(JSON)
def test_the_canonical_form_is_the_standard_librarys_without_spaces(value: object) -> None:
    def text(one: object) -> str:
        return plain(one) if isinstance(one, Decimal) else str(one)

    compact = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=text)
    assert canonical(value) == compact


@given(st.dictionaries(st.text(), JSON, max_size=5), st.integers(1, 3))
def test_a_digest_taken_piece_by_piece_is_that_of_the_whole(document: dict[str, object], size: int) -> None:
    in_turn = {name: iter(value) if isinstance(value, list) else value for name, value in document.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reconciler.domain.canonical._AT_A_TIME", size)
        assert digest_of(in_turn) == digest_of(document) == digest(document)


def test_any_mapping_has_the_form_of_a_dictionary() -> None:
    assert readable({"a": MappingProxyType({"c": 1, "b": None})}) == readable({"a": {"b": None, "c": 1}})
    with pytest.raises(TypeError, match="float"):
        readable({"a": MappingProxyType({"b": 0.5})})


@pytest.mark.parametrize("value", [{"\ud800": 1}, ["\ud800"]])
def test_half_a_character_has_no_canonical_form(value: object) -> None:
    with pytest.raises(TypeError):
        canonical(value)
