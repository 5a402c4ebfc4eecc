"""What is billed for an addition, month by month: the arithmetic alone."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.sandbox.connectwise.billing import (
    ONCE,
    Charge,
    Ledger,
    Policy,
    Portion,
    Terms,
    billed_before,
    due,
    month_start,
    next_month,
    portions,
)

PRORATED = Terms(prorate=True, one_time=False)
WHOLE = Terms(prorate=False, one_time=False)
ONE_TIME = Terms(prorate=False, one_time=True)
NO_CREDIT = Policy(cancellation_credit=False, cancelled_is_billed=True, rounding="line")
CREDIT = Policy(cancellation_credit=True, cancelled_is_billed=True, rounding="line")
BY_UNIT = Policy(cancellation_credit=False, cancelled_is_billed=True, rounding="unit")
FIRST_UNBILLED = Policy(cancellation_credit=False, cancelled_is_billed=False, rounding="line")


def charge(**members: Any) -> Charge:
    values: dict[str, Any] = {
        "quantity": Decimal(1),
        "unit_price": Decimal("22.00"),
        "effective": date(2019, 3, 15),
        "cancelled": None,
        "treatment": "Billable",
        "first_open": date(2019, 3, 1),
    }
    return Charge(**{**values, **members})


def total(found: tuple[Portion, ...]) -> Decimal:
    return sum((portion.amount for portion in found), Decimal(0))


def amount(one: Charge, month: date, terms: Terms = PRORATED, policy: Policy = NO_CREDIT) -> Decimal | None:
    found = due(one, month, terms, policy)
    return found.amount if found else None


APRIL, MARCH = date(2019, 4, 1), date(2019, 3, 1)


def test_the_public_example_is_one_line_of_thirty_four_and_six_cents() -> None:
    found = portions(charge(first_open=APRIL), {}, APRIL, PRORATED, NO_CREDIT)
    assert [(p.month, p.days, p.month_days, p.amount) for p in found] == [
        (MARCH, 17, 31, Decimal("12.06")),
        (APRIL, 30, 30, Decimal("22.00")),
    ]
    assert total(found) == Decimal("34.06")


@pytest.mark.parametrize(
    ("members", "month", "terms", "policy", "wanted"),
    [
        ({}, date(2019, 2, 1), PRORATED, NO_CREDIT, None),
        ({}, MARCH, WHOLE, NO_CREDIT, "22.00"),
        ({"effective": MARCH}, MARCH, PRORATED, NO_CREDIT, "22.00"),
        ({"effective": date(2019, 3, 31)}, MARCH, PRORATED, NO_CREDIT, "0.71"),
        ({"cancelled": date(2019, 4, 10)}, APRIL, PRORATED, NO_CREDIT, "22.00"),
        ({"cancelled": date(2019, 4, 10)}, APRIL, PRORATED, CREDIT, "7.33"),
        ({"cancelled": date(2019, 4, 10)}, APRIL, WHOLE, CREDIT, "22.00"),
        ({"cancelled": date(2019, 4, 30)}, date(2019, 5, 1), PRORATED, NO_CREDIT, None),
        ({"cancelled": date(2019, 4, 30)}, APRIL, PRORATED, CREDIT, "22.00"),
        ({"cancelled": date(2019, 5, 1)}, date(2019, 5, 1), PRORATED, NO_CREDIT, "22.00"),
        ({"cancelled": date(2019, 5, 1)}, date(2019, 5, 1), PRORATED, FIRST_UNBILLED, None),
        ({"cancelled": date(2019, 3, 15)}, MARCH, PRORATED, FIRST_UNBILLED, None),
        ({"cancelled": date(2019, 3, 20)}, MARCH, PRORATED, NO_CREDIT, "12.06"),
        ({"cancelled": date(2019, 3, 20)}, MARCH, PRORATED, CREDIT, "4.26"),
        ({"quantity": Decimal(2)}, MARCH, PRORATED, NO_CREDIT, "24.13"),
        ({"quantity": Decimal(2)}, MARCH, PRORATED, BY_UNIT, "24.12"),
        ({"quantity": Decimal(-2)}, MARCH, PRORATED, NO_CREDIT, "-24.13"),
        ({"treatment": "NoCharge"}, MARCH, PRORATED, NO_CREDIT, "0.00"),
    ],
)
def test_a_months_share_follows_its_days(
    members: dict[str, Any], month: date, terms: Terms, policy: Policy, wanted: str | None
) -> None:
    assert amount(charge(**members), month, terms, policy) == (None if wanted is None else Decimal(wanted))


def test_nothing_is_billed_after_the_agreements_last_day() -> None:
    ended = Terms(prorate=True, one_time=False, last_day=date(2019, 4, 15))
    assert amount(charge(), APRIL, ended) == Decimal("22.00")
    assert amount(charge(), date(2019, 5, 1), ended) is None


def test_what_was_billed_is_not_billed_again() -> None:
    ledger = {"2019-03": Decimal("12.06"), "2019-04": Decimal("22.00")}
    assert portions(charge(), ledger, APRIL, PRORATED, NO_CREDIT) == ()


def test_what_was_billed_is_credited_only_by_switch() -> None:
    ledger = {"2019-03": Decimal("12.06"), "2019-04": Decimal("22.00")}
    ended = charge(cancelled=date(2019, 3, 31))
    may = date(2019, 5, 1)
    assert portions(ended, ledger, may, PRORATED, NO_CREDIT) == ()
    assert total(portions(ended, ledger, may, PRORATED, CREDIT)) == Decimal("-22.00")


def test_months_invoiced_before_a_row_was_made_are_caught_up_under_proration_alone() -> None:
    late = charge(effective=date(2019, 2, 1), first_open=APRIL)
    assert total(portions(late, {}, APRIL, PRORATED, NO_CREDIT)) == Decimal("66.00")
    assert total(portions(late, {}, APRIL, WHOLE, NO_CREDIT)) == Decimal("22.00")


def test_a_one_time_agreement_bills_everything_once_and_whole() -> None:
    found = portions(charge(), {}, APRIL, ONE_TIME, NO_CREDIT)
    assert [(p.month, p.amount) for p in found] == [(None, Decimal("22.00"))]
    assert portions(charge(), {ONCE: Decimal("22.00")}, APRIL, ONE_TIME, NO_CREDIT) == ()
    assert portions(charge(effective=date(2019, 5, 1)), {}, APRIL, ONE_TIME, NO_CREDIT) == ()


def test_do_not_bill_is_left_off_and_no_charge_stands_at_zero() -> None:
    assert portions(charge(treatment="DoNotBill"), {}, APRIL, PRORATED, NO_CREDIT) == ()
    found = portions(charge(treatment="NoCharge"), {}, APRIL, PRORATED, NO_CREDIT)
    assert [portion.amount for portion in found] == [0, 0]


def test_an_old_row_counts_as_billed_up_to_the_next_invoice() -> None:
    assert billed_before(charge(), date(2019, 5, 1), PRORATED, NO_CREDIT) == {
        "2019-03": Decimal("12.06"),
        "2019-04": Decimal("22.00"),
    }
    assert billed_before(charge(), MARCH, PRORATED, NO_CREDIT) == {}
    assert billed_before(charge(), APRIL, ONE_TIME, NO_CREDIT) == {ONCE: Decimal("22.00")}
    assert billed_before(charge(treatment="DoNotBill"), APRIL, PRORATED, NO_CREDIT) == {}


DAYS = st.dates(date(2024, 1, 1), date(2025, 12, 31))
POLICIES = st.sampled_from([NO_CREDIT, CREDIT, BY_UNIT, FIRST_UNBILLED])


@st.composite
def charges(draw: st.DrawFn) -> Charge:
    effective = draw(DAYS)
    cancelled = draw(st.none() | DAYS.filter(lambda day: day >= effective))
    return charge(
        quantity=draw(st.decimals(-50, 50, places=1)),
        unit_price=draw(st.decimals(0, 500, places=2)),
        effective=effective,
        cancelled=cancelled,
        first_open=month_start(effective),
    )


def billed(one: Charge, months: list[date], terms: Terms, policy: Policy) -> Ledger:
    """The ledger after invoices for these months."""
    ledger: dict[str, Decimal] = {}
    for month in months:
        for portion in portions(one, ledger, month, terms, policy):
            assert portion.month is not None
            name = f"{portion.month:%Y-%m}"
            ledger[name] = ledger.get(name, Decimal(0)) + portion.amount
    return ledger


def all_months() -> list[date]:
    months = [date(2023, 12, 1)]
    while months[-1] < date(2026, 2, 1):
        months.append(next_month(months[-1]))
    return months


@given(charges(), POLICIES, st.sampled_from([PRORATED, WHOLE]), st.data())
def test_however_late_the_invoices_are_made_the_same_is_billed_in_the_end(
    one: Charge, policy: Policy, terms: Terms, data: st.DataObject
) -> None:
    months = all_months()
    skipped = data.draw(st.sets(st.sampled_from(months[:-1])))
    some = [month for month in months if month not in skipped]
    assert billed(one, some, terms, policy) == billed(one, months, terms, policy)


@given(charges(), POLICIES)
def test_invoicing_a_month_twice_bills_nothing_the_second_time(one: Charge, policy: Policy) -> None:
    months = all_months()
    twice = [month for month in months for _ in (1, 2)]
    assert billed(one, twice, PRORATED, policy) == billed(one, months, PRORATED, policy)


@given(charges(), DAYS)
def test_with_credit_a_later_end_leaves_what_an_earlier_end_would_have_cost(one: Charge, end: date) -> None:
    """Billed in full first and cancelled afterwards, the ledger ends where an early cancellation would have led."""
    assume(end >= one.effective)
    months = all_months()
    ended, running = replace(one, cancelled=end), replace(one, cancelled=None)
    ledger = dict(billed(running, months, PRORATED, CREDIT))
    for portion in portions(ended, ledger, months[-1], PRORATED, CREDIT):
        assert portion.month is not None
        ledger[f"{portion.month:%Y-%m}"] += portion.amount
    direct = billed(ended, months, PRORATED, CREDIT)
    assert {name: value for name, value in ledger.items() if value} == {
        name: value for name, value in direct.items() if value
    }
