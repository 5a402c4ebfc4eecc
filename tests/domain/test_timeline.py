"""Step functions over days."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.days import Month, Span
from reconciler.domain.timeline import Timeline

START = date(2026, 1, 1)
days = st.integers(0, 90).map(lambda n: START + timedelta(days=n))


@st.composite
def intervals(draw: st.DrawFn) -> list[tuple[date, date | None, Decimal]]:
    rows = []
    for _ in range(draw(st.integers(0, 6))):
        first, length = draw(days), draw(st.integers(0, 40))
        last = draw(st.sampled_from([None, first + timedelta(days=length)]))
        rows.append((first, last, Decimal(draw(st.integers(-9, 9)))))
    return rows


def by_hand(rows: list[tuple[date, date | None, Decimal]], day: date) -> Decimal:
    return sum((q for first, last, q in rows if first <= day and (last is None or day <= last)), Decimal(0))


@given(intervals(), days)
def test_the_level_on_a_day_is_the_sum_of_the_intervals_that_cover_it(
    rows: list[tuple[date, date | None, Decimal]], day: date
) -> None:
    assert Timeline.of_intervals(rows).on(day) == by_hand(rows, day)


@given(intervals(), days, st.integers(0, 60))
def test_seat_days_are_the_sum_over_each_single_day(
    rows: list[tuple[date, date | None, Decimal]], first: date, length: int
) -> None:
    span = Span(first, first + timedelta(days=length))
    counted = sum((by_hand(rows, first + timedelta(days=n)) for n in range(span.days)), Decimal(0))
    assert Timeline.of_intervals(rows).seat_days(span) == counted


@given(intervals(), days, st.integers(0, 60))
def test_a_cut_keeps_the_levels_inside_and_is_zero_outside(
    rows: list[tuple[date, date | None, Decimal]], first: date, length: int
) -> None:
    span = Span(first, first + timedelta(days=length))
    timeline = Timeline.of_intervals(rows)
    cut = timeline.within(span)
    for n in range(-5, 100):
        day = START + timedelta(days=n)
        assert cut.on(day) == (timeline.on(day) if day in span else 0)


@given(intervals(), intervals(), days)
def test_difference_and_sum_are_taken_day_by_day(
    one: list[tuple[date, date | None, Decimal]], other: list[tuple[date, date | None, Decimal]], day: date
) -> None:
    a, b = Timeline.of_intervals(one), Timeline.of_intervals(other)
    assert (a - b).on(day) == a.on(day) - b.on(day)
    assert (a + b).on(day) == a.on(day) + b.on(day)


@given(intervals())
def test_two_timelines_of_the_same_levels_are_equal(rows: list[tuple[date, date | None, Decimal]]) -> None:
    shuffled = Timeline.of_intervals(list(reversed(rows)))
    assert Timeline.of_intervals(rows) == shuffled
    assert all(a[1] != b[1] for a, b in zip(shuffled.steps, shuffled.steps[1:], strict=False))


def test_a_span_whose_end_lies_before_its_start_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="before the start"):
        Span(date(2026, 9, 2), date(2026, 9, 1))


@given(st.integers(1990, 2100), st.integers(1, 12))
def test_a_month_follows_the_month_before_it(year: int, number: int) -> None:
    month = Month(year, number)
    assert month.following.preceding == month
    assert month.following.first - month.last == timedelta(days=1)
    assert Month.parse(str(month)) == month
