"""Which additions belong to which subscription."""

from datetime import date
from decimal import Decimal

from reconciler.domain.days import Month
from reconciler.domain.records import Addition
from reconciler.rules.matching import match

SEP = Month(2026, 9)
BASIC = "CFQ7TTC0LH18:0001"
OURS = {"4120": BASIC}


def addition(number: str, serial: str | None = None, product: str = "4120", cancelled: date | None = None) -> Addition:
    ten, twenty, sixteen = Decimal(10), Decimal(20), Decimal(16)
    return Addition(number, "55", product, ten, twenty, sixteen, date(2026, 8, 1), cancelled, serial)


def test_a_serial_number_matches_its_subscription_without_regard_to_case() -> None:
    matched = match([("5F1B-aa", BASIC)], [addition("1", "5f1b-AA")], OURS, SEP)
    assert [a.id for a in matched.standing["5F1B-aa", BASIC]] == ["1"]
    assert not matched.adopted


def test_the_single_record_without_a_serial_number_is_adopted_by_the_single_subscription_without_a_record() -> None:
    matched = match([("sub", BASIC)], [addition("1")], OURS, SEP)
    assert matched.adopted == {"1"}
    assert [a.id for a in matched.standing["sub", BASIC]] == ["1"]


def test_two_records_without_a_serial_number_are_not_guessed_between() -> None:
    matched = match([("sub", BASIC)], [addition("1"), addition("2")], OURS, SEP)
    assert not matched.adopted
    assert [f.code for f in matched.findings] == ["E8", "E8"]
    assert "sub" in (matched.findings[0].hint or "")


def test_one_record_is_not_guessed_to_be_one_of_two_subscriptions() -> None:
    matched = match([("one", BASIC), ("two", BASIC)], [addition("1")], OURS, SEP)
    assert not matched.adopted
    assert [f.code for f in matched.findings] == ["E8"]


def test_a_record_without_a_serial_number_that_is_not_on_the_invoice_stops_the_customer() -> None:
    matched = match([("sub", BASIC)], [addition("1", "sub"), addition("2")], OURS, SEP)
    assert [f.code for f in matched.findings] == ["E8"]
    assert "Record 2" in matched.findings[0].message


def test_a_record_that_ends_is_never_adopted() -> None:
    matched = match([("sub", BASIC)], [addition("1", cancelled=date(2026, 9, 30))], OURS, SEP)
    assert not matched.adopted
    assert [f.code for f in matched.findings] == ["E8"]


def test_a_record_that_ended_before_the_month_is_history() -> None:
    assert match([("sub", BASIC)], [addition("1", cancelled=date(2026, 8, 31))], OURS, SEP).findings == ()


def test_a_record_of_a_product_that_nobody_mapped_is_somebody_elses() -> None:
    matched = match([("sub", BASIC)], [addition("1", product="4199"), addition("2", "x", product="4199")], OURS, SEP)
    assert matched.standing == {}
    assert matched.findings == ()


def test_a_subscriptions_id_on_an_unlinked_product_stops_the_customer_for_else_it_would_be_billed_twice() -> None:
    matched = match([("sub", BASIC)], [addition("1", "sub", product="4199")], OURS, SEP)
    assert [f.code for f in matched.findings] == ["E10"]
