"""Numbers and days are read exactly, or refused with a sentence."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sources.values import Unreadable, currency, day, iso_day, number, spelled

exact = st.decimals(
    min_value=-(10**18), max_value=10**18, allow_nan=False, allow_infinity=False, places=20
) | st.decimals(min_value=-(10**6), max_value=10**6, allow_nan=False, allow_infinity=False, places=2)
days = st.dates(min_value=date(1900, 1, 1), max_value=date(9999, 12, 30))


@given(exact)
def test_a_decimal_is_read_back_exactly(value: Decimal) -> None:
    assert number(format(value, "f")) == value
    assert number(f" '{value:f} ") == value


@given(st.integers(-(10**18), 10**18), st.integers(-18, 1))
def test_an_exponent_is_read_exactly(digits: int, exponent: int) -> None:
    assert number(f"{digits}E{exponent}") == Decimal(digits).scaleb(exponent)


@pytest.mark.parametrize("text", ["0", "-0", "0E-20", "0.00", "'0"])
def test_every_zero_is_zero(text: str) -> None:
    assert str(number(text)) == "0"


@pytest.mark.security(15)
@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "ten", "NaN", "-Infinity", "1,209.60", "1 000", "1_000", "١٠", "0x10", "1e9999", "1e21", "--1"),
        *("1.2.3", "1" * 21, "1." + "1" * 41, "12 €", "(5)", "."),
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        number(text)


@pytest.mark.security(15)
@given(st.text(max_size=30))
def test_a_text_is_a_number_or_refused(text: str) -> None:
    try:
        value = number(text)
    except Unreadable:
        return
    assert value.is_finite()


@given(days)
def test_a_day_is_the_same_in_every_spelling(value: date) -> None:
    iso = value.isoformat()
    american = f"{value.month}/{value.day}/{value.year:04d}"
    for text in (iso, f"{iso}T00:00:00Z", f"{iso}T23:59:59.9999999Z", f"{iso} 12:00:00", american):
        assert day(text) == value
    assert day(f"{value.day}.{value.month}.{value.year:04d}") == value
    assert day(f"{american} 8:35:31 PM") == value


@given(
    st.datetimes(min_value=datetime(1901, 1, 1), max_value=datetime(9999, 12, 29)),  # noqa: DTZ001 -- its zone follows
    st.integers(-14 * 60, 14 * 60),
)
def test_a_time_with_an_offset_counts_on_its_day_in_utc(moment: datetime, offset: int) -> None:
    zoned = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=offset)))
    assert iso_day(zoned.isoformat()) == zoned.astimezone(UTC).date()


@pytest.mark.parametrize(
    "text", ["", "2026-02-30", "13/1/2026", "2026-1-1", "20260101", "2026-01-01T25:00:00Z", "soon"]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        day(text)


def test_an_american_day_is_refused_where_iso_is_asked() -> None:
    with pytest.raises(Unreadable, match="write it as 2026-09-30"):
        iso_day("10/1/2026")


def test_a_currency_has_three_letters() -> None:
    assert currency(" aud ") == "AUD"
    with pytest.raises(Unreadable):
        currency("A$")


def test_a_name_is_the_same_however_it_is_spelled() -> None:
    spellings = [
        "BillableQuantity",
        "billableQuantity",
        "Billable Quantity",
        "\ufeffbillable_quantity",
        "BILLABLE-QUANTITY",
    ]
    assert {spelled(name) for name in spellings} == {"billablequantity"}
