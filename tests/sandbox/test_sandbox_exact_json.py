"""JSON that keeps the digits of its numbers."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sandbox import exact_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(blacklist_categories=("Cs",)))
    | st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(blacklist_categories=("Cs",))), inner),
    max_leaves=10,
)


@given(VALUES)
def test_what_was_written_reads_back_the_same(value: Any) -> None:
    assert exact_json.loads(exact_json.dumps(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("12.06"), "12.06"),
        (Decimal("12.060"), "12.060"),
        (Decimal(2), "2.0"),
        (Decimal("-0.5"), "-0.5"),
        (Decimal("1E+3"), "1000.0"),
        (Decimal("1E-7"), "0.0000001"),
        (0.1, "0.1"),
        (True, "true"),
        (3, "3"),
        (None, "null"),
        (date(2026, 10, 1), '"2026-10-01"'),
        ('a"\n', '"a\\"\\n"'),
        ({}, "{}"),
        ([], "[]"),
        ({"a": [1, {"b": None}]}, '{"a":[1,{"b":null}]}'),
    ],
)
def test_a_value_is_written_with_its_own_digits(value: Any, text: str) -> None:
    assert exact_json.dumps(value) == text


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "-Infinity", "{", "01"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        exact_json.loads(text)


@pytest.mark.parametrize("value", [Decimal("NaN"), {1, 2}])
def test_what_has_no_json_form_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="no JSON form"):
        exact_json.dumps(value)
