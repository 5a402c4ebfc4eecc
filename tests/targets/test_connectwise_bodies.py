"""What is sent, and whether what came back is what was sent."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.plan import AdditionValues, ProductValues
from reconciler.targets.base import Refused
from reconciler.targets.connectwise.bodies import (
    addition_members,
    body,
    differences,
    number,
    patch,
    product_members,
)
from reconciler.targets.exact_json import written

VALUES = AdditionValues(
    agreement_id="55",
    product="psa/product/M365-BB",
    product_id="4120",
    serial_number="5f1b",
    quantity=Decimal("2.50"),
    unit_price=Decimal("22.00"),
    unit_cost=Decimal("17.60"),
    effective=date(2026, 3, 15),
    cancelled=None,
    description="2 seats from 15 March",
)
PRODUCT = ProductValues(
    "SKU:1", "SKU:1", "Business Premium", "Microsoft 365 Business Premium", Decimal(26), Decimal(21)
)


def operations(**changed: Any) -> list[dict[str, Any]]:
    return patch(addition_members(VALUES), addition_members(replace(VALUES, **changed)))


def test_an_addition_is_sent_as_connectwise_writes_it() -> None:
    assert written(body(addition_members(VALUES))) == (
        b'{"product":{"id":4120},"quantity":2.5,"unitPrice":22,"unitCost":17.6,'
        b'"effectiveDate":"2026-03-15T00:00:00Z","serialNumber":"5f1b","invoiceDescription":"2 seats from 15 March"}'
    )


def test_an_end_is_sent_as_midnight_too() -> None:
    sent = body(addition_members(replace(VALUES, cancelled=date(2026, 3, 31))))
    assert sent["cancelledDate"] == "2026-03-31T00:00:00Z"


@pytest.mark.parametrize(
    ("changed", "operation"),
    [
        ({"quantity": Decimal(3)}, {"op": "replace", "path": "quantity", "value": Decimal(3)}),
        ({"unit_price": Decimal(-1)}, {"op": "replace", "path": "unitPrice", "value": Decimal(-1)}),
        (
            {"cancelled": date(2026, 6, 30)},
            {"op": "replace", "path": "cancelledDate", "value": "2026-06-30T00:00:00Z"},
        ),
        ({"product_id": "9"}, {"op": "replace", "path": "product", "value": {"id": 9}}),
        ({"serial_number": None}, {"op": "remove", "path": "serialNumber"}),
    ],
)
def test_a_change_sends_the_fields_that_differ_by_their_bare_names(changed: Any, operation: Any) -> None:
    assert operations(**changed) == [operation]


def test_an_end_that_is_taken_back_is_removed() -> None:
    ended = addition_members(replace(VALUES, cancelled=date(2026, 6, 30)))
    assert patch(ended, addition_members(VALUES)) == [{"op": "remove", "path": "cancelledDate"}]


def test_the_same_number_in_another_form_and_a_text_left_to_connectwise_are_no_change() -> None:
    assert operations(quantity=Decimal("2.5")) == []
    assert operations(description="") == []
    assert patch(product_members(replace(PRODUCT, taxable=True)), product_members(PRODUCT)) == []


def test_a_serial_number_is_never_cut() -> None:
    assert addition_members(replace(VALUES, serial_number="x" * 50))["serialNumber"] == "x" * 50
    with pytest.raises(Refused, match="has 51 characters; ConnectWise's serialNumber takes 50") as caught:
        addition_members(replace(VALUES, serial_number="x" * 51))
    assert caught.value.fields == ("serialNumber",)
    with pytest.raises(Refused, match="has 52 characters"):
        addition_members(replace(VALUES, serial_number="😀" * 26))


def test_a_serial_number_that_connectwise_would_store_otherwise_is_refused() -> None:
    assert addition_members(replace(VALUES, serial_number=" 5f1b "))["serialNumber"] == "5f1b"
    assert addition_members(replace(VALUES, serial_number="  "))["serialNumber"] is None
    with pytest.raises(Refused, match="stores no line ends and tabs"):
        addition_members(replace(VALUES, serial_number="5f\t1b"))


@pytest.mark.parametrize("record", [None, "", "new", "5 5", "../1", "١"])
def test_what_is_no_record_of_connectwise_is_refused_before_anything_is_sent(record: str | None) -> None:
    with pytest.raises(Refused, match="not the number of a ConnectWise record"):
        number(record)


@given(st.text(max_size=7000))
def test_a_description_fits_in_one_line_and_comes_back_unchanged(text: str) -> None:
    sent = addition_members(replace(VALUES, description=text))["invoiceDescription"] or ""
    assert len(sent.encode("utf-16-le", "surrogatepass")) <= 12000
    assert not any(ord(letter) < 32 for letter in sent)


def test_a_long_description_is_cut_at_a_word() -> None:
    sent = addition_members(replace(VALUES, description="word " * 2000))["invoiceDescription"]
    assert sent.endswith("word")
    assert 5990 <= len(sent) <= 6000


def test_a_characters_second_half_is_not_left_behind() -> None:
    sent = addition_members(replace(VALUES, description="x" + "😀" * 3000))["invoiceDescription"]
    assert sent == "x" + "😀" * 2999


SENT = {**body(addition_members(VALUES)), "cancelledDate": None}
ANSWER: dict[str, Any] = {
    "id": 8801,
    "product": {"id": 4120, "identifier": "M365-BB"},
    "quantity": Decimal("2.5"),
    "unitPrice": Decimal("22.0"),
    "unitCost": Decimal("17.60"),
    "effectiveDate": "2026-03-15T00:00:00Z",
    "serialNumber": "5f1b",
    "invoiceDescription": "2  seats from 15 March ",
    "proratePrice": Decimal("12.06"),
}


def test_a_difference_of_form_is_none() -> None:
    assert differences(SENT, ANSWER) == ()
    assert differences(SENT, ANSWER | {"quantity": Decimal("2.50"), "cancelledDate": None}) == ()
    assert differences(SENT, ANSWER | {"cancelledDate": ""}) == ()


@pytest.mark.parametrize(
    ("member", "value", "said"),
    [
        ("quantity", Decimal(2), "quantity: sent 2.5, came back 2"),
        ("quantity", None, "quantity: sent 2.5, came back nothing"),
        ("quantity", "2.5", "quantity: sent 2.5, came back '2.5'"),
        ("unitPrice", Decimal("22.01"), "unitPrice: sent 22, came back 22.01"),
        ("effectiveDate", "2026-03-16T00:00:00Z", "effectiveDate: sent '2026-03-15', came back '2026-03-16'"),
        ("cancelledDate", "2026-03-31T00:00:00Z", "cancelledDate: sent nothing, came back '2026-03-31'"),
        ("serialNumber", "5F1B", "serialNumber: sent '5f1b', came back '5F1B'"),
        ("product", {"id": 1}, "product: sent 4120, came back 1"),
    ],
)
def test_a_difference_is_told_with_both_values(member: str, value: Any, said: str) -> None:
    assert differences(SENT, ANSWER | {member: value}) == (said,)
