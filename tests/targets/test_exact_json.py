"""JSON with decimals: what is read is what was written, and nothing passes through a binary float."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.targets.exact_json import NotExact, parsed, written

sendable = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**8), max_value=10**8, places=6)


@given(sendable)
def test_a_decimal_comes_back_from_a_server_that_reads_doubles(number: Decimal) -> None:
    as_double = json.loads(written({"n": number}))["n"]
    assert parsed(json.dumps({"n": as_double}).encode())["n"] == number


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_everything_else_is_the_json_that_everybody_reads(value: object) -> None:
    assert json.loads(written(value)) == value


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("22.00", b"22"),
        ("1E+3", b"1000"),
        ("-0.00", b"0"),
        ("0.000001", b"0.000001"),
        ("123456789.012345", b"123456789.012345"),
    ],
)
def test_a_decimal_is_written_without_exponent(number: str, text: bytes) -> None:
    assert written(Decimal(number)) == text


@pytest.mark.security(15, 16)
@pytest.mark.parametrize("number", ["0.1234567890123456", "1234567890123456", "1E+16", "1E-16", "NaN", "Infinity"])
def test_a_number_that_a_double_cannot_give_back_is_refused(number: str) -> None:
    with pytest.raises(NotExact):
        written({"unitPrice": Decimal(number)})


def test_half_of_a_character_is_still_json() -> None:
    assert written("a\ud83d") == b'"a\\ud83d"'


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        written([1.5])


@pytest.mark.security(16)
def test_fractions_are_read_digit_by_digit() -> None:
    assert str(parsed(b'{"price": 20.10000}')["price"]) == "20.10000"


@pytest.mark.security(16)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NaN",
        b"1e99999999999999999999",
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e999999999]",
        b"\xff\xfe",
        b"<html>",
        b"[" * 100_000,
        b"9" * 5000,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_json_of_use_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parsed(body)
