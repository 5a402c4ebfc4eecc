"""The day of a hand-over, and the proof over days."""

from datetime import date
from decimal import Decimal

import pytest

from reconciler.domain.days import Month
from reconciler.domain.records import Addition
from reconciler.domain.timeline import Timeline
from reconciler.rules.charged import Charged
from reconciler.rules.handing_over import earliest, proved, set_by_hand

SEPTEMBER = Month(2026, 9)


def record(quantity: int, first: str, last: str | None, **members: object) -> Addition:
    end = date.fromisoformat(last) if last else None
    values = {
        "id": "1",
        "agreement_id": "54",
        "product_id": "4120",
        "unit_price": Decimal(20),
        "unit_cost": Decimal(16),
    }
    return Addition(
        **{**values, "quantity": Decimal(quantity), "effective": date.fromisoformat(first), "cancelled": end, **members}
    )  # type: ignore[arg-type]


def charged(*intervals: tuple[str, str, int], carry: int, next_opening: int | None = None) -> Charged:
    level = Timeline.of_intervals((date.fromisoformat(a), date.fromisoformat(b), Decimal(q)) for a, b, q in intervals)
    opening = None if next_opening is None else Decimal(next_opening)
    return Charged("s", "p", level, SEPTEMBER.first, (), Decimal(carry), False, None, (), opening)


WHOLE = ("2026-09-01", "2026-09-30", 10)


@pytest.mark.parametrize(
    ("open_from", "day"),
    [
        ("2026-08-15", "2026-09-01"),
        ("2026-09-01", "2026-09-01"),
        ("2026-09-02", "2026-10-01"),
        ("2026-10-01", "2026-10-01"),
        ("2026-12-15", "2027-01-01"),
    ],
)
def test_the_hand_over_is_the_first_of_a_month_of_which_nothing_is_invoiced(open_from: str, day: str) -> None:
    assert earliest(SEPTEMBER, date.fromisoformat(open_from)) == date.fromisoformat(day)


def test_an_end_within_the_planned_month_is_a_hand_over_that_a_person_has_set() -> None:
    assert set_by_hand([record(10, "2026-08-01", "2026-09-30")], SEPTEMBER) == date(2026, 10, 1)


@pytest.mark.parametrize("last", [None, "2026-09-15", "2026-08-31", "2027-03-31"])
def test_no_other_end_is_taken_for_a_hand_over(last: str | None) -> None:
    assert set_by_hand([record(10, "2026-08-01", last)], SEPTEMBER) is None


def test_records_that_join_have_no_flaw() -> None:
    old, ours = [record(10, "2026-08-01", "2026-09-30")], [record(10, "2026-10-01", None)]
    assert proved(charged(WHOLE, carry=10), old, ours, SEPTEMBER, date(2026, 10, 31)) == []


def test_a_difference_beside_the_old_record_is_no_overlap() -> None:
    lines = charged(WHOLE, ("2026-09-16", "2026-09-30", 2), carry=12)
    old = [record(10, "2026-08-01", "2026-09-30")]
    ours = [record(2, "2026-09-16", "2026-09-30"), record(12, "2026-10-01", None)]
    assert proved(lines, old, ours, SEPTEMBER, date(2026, 10, 31)) == []


def test_days_that_both_bill_are_an_overlap_with_its_first_and_last_day() -> None:
    old, ours = [record(10, "2026-08-01", "2026-09-30")], [record(10, "2026-09-21", None)]
    (flaw,) = proved(charged(WHOLE, carry=10), old, ours, SEPTEMBER, SEPTEMBER.last)
    assert flaw.overlap
    assert (flaw.days.first, flaw.days.last) == (date(2026, 9, 21), date(2026, 9, 30))
    assert (flaw.charged, flaw.old, flaw.ours) == (10, 10, 10)


def test_charged_days_that_nobody_bills_are_a_gap() -> None:
    old, ours = [record(10, "2026-08-01", "2026-09-30")], [record(10, "2026-11-01", None)]
    (flaw,) = proved(charged(WHOLE, carry=10), old, ours, SEPTEMBER, date(2026, 11, 30))
    assert not flaw.overlap
    assert (flaw.days.first, flaw.days.last) == (date(2026, 10, 1), date(2026, 10, 31))


def test_an_old_record_that_bills_nobody_leaves_a_gap() -> None:
    old = [record(10, "2026-08-01", "2026-09-30", bills=False)]
    (flaw,) = proved(charged(WHOLE, carry=10), old, [record(10, "2026-10-01", None)], SEPTEMBER, SEPTEMBER.last)
    assert (flaw.overlap, flaw.days.first, flaw.days.last) == (False, SEPTEMBER.first, SEPTEMBER.last)


def test_later_days_are_left_to_the_later_months_invoice_where_it_was_read() -> None:
    old = [record(10, "2026-08-01", "2026-09-30")]
    lines = charged(WHOLE, carry=10, next_opening=8)
    assert proved(lines, old, [record(8, "2026-10-01", None)], SEPTEMBER, date(2026, 10, 31)) == []
