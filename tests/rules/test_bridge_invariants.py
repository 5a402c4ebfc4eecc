"""The steps from the distributor's charge to the bill, for random charges, records and policies: nothing is left over,
rounding explains no more than rounding can, and each amount counts what it says.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_true_up_invariants import (
    AUG,
    OCT,
    PRODUCT,
    RATE,
    SEP,
    SUBSCRIPTION,
    blocked,
    charges,
    line,
    standings,
    two_rates,
)

from reconciler.domain.breakdown import Part
from reconciler.domain.days import Span
from reconciler.domain.finding import Place
from reconciler.domain.invoice import Charge, InvoiceLine, Motion
from reconciler.domain.mapping import (
    Carry,
    Changes,
    Customer,
    Decrease,
    Guards,
    Policy,
    PriceChange,
    ProductMode,
    Program,
    Representation,
    Rounding,
    Sync,
)
from reconciler.domain.money import ZERO, rounded
from reconciler.domain.plan import Impact
from reconciler.domain.records import Addition, Agreement, ProductDefaults
from reconciler.planning.impact import Impacts, impacts
from reconciler.planning.one_customer import CustomerMonth, Decided
from reconciler.rules.bridge import counted
from reconciler.rules.charged import Charged, ChargedLine, Rate, charged_in_month
from reconciler.rules.true_up import Period, true_up

PLACE = Place("mappings.yaml", 1)
AGREEMENT = Agreement("55", "Contoso CSP", "250", "Contoso", True, "Active", True, True, False, None, None, None, None)
PROGRAM = Program(
    "csp",
    "distributor",
    "psa",
    True,
    Policy.TRUE_UP,
    frozenset(Motion),
    ProductMode.IN_USE,
    None,
    ProductDefaults(),
    Changes(),
    Guards(),
    PLACE,
)
SOME_CHANGES = st.builds(
    Changes,
    representation=st.sampled_from(Representation),
    decrease=st.sampled_from(Decrease),
    price_change=st.sampled_from(PriceChange),
    carry=st.sampled_from(Carry),
)
ODD_RECORDS = st.lists(st.tuples(st.booleans(), st.integers(0, 2)), min_size=4, max_size=4)


def with_costs(charged: Charged) -> Charged:
    """The same lines with the amounts that a distributor prints: cents."""
    return replace(charged, lines=tuple(replace(c, line=_with_cost(c.line)) for c in charged.lines))


def _with_cost(line: InvoiceLine) -> InvoiceLine:
    assert line.span
    assert line.unit_cost
    return replace(line, amount=rounded(line.quantity * line.unit_cost * line.span.days / 30))


def month_of(
    charged: Charged,
    standing: list[Addition],
    changes: Changes,
    rounding: Rounding = Rounding.LINE,
    agreement: Agreement = AGREEMENT,
) -> CustomerMonth:
    decision = true_up(charged, standing, Period(SEP, AUG.first), changes)
    due = sum((_worth(c) for c in charged.lines), ZERO)
    seats = charged.level.seat_days(SEP.span)
    decided = Decided(SUBSCRIPTION, PRODUCT, charged.lines, tuple(standing), decision, seats, due, by_day=charged)
    customer = Customer("Contoso", "csp", "t", None, None, {}, None, Sync.ON, changes, PLACE)
    return CustomerMonth(
        customer, Motion.SEAT_MONTHLY, PROGRAM, agreement, None, "AUD", (decided,), (), rounding=rounding
    )


def _worth(charged: ChargedLine) -> Decimal:
    assert charged.line.span
    here = charged.line.span.meet(SEP.span)
    return charged.line.quantity * charged.rate.unit_price * here.days / SEP.days if here else ZERO


def told(month: CustomerMonth, left_out: Any = None) -> Impacts:
    return impacts("psa", [month], SEP, left_out or {})


def amount(row: Impact, part: Part) -> Decimal:
    return sum((step.amount for step in row.breakdown if step.part is part), ZERO)


@settings(max_examples=500, deadline=None)
@given(
    charges(SEP, two_rates),
    standings(SEP),
    ODD_RECORDS,
    SOME_CHANGES,
    st.sampled_from(Rounding),
    st.booleans(),
)
def test_the_steps_sum_to_the_bill_and_rounding_is_no_more_than_half_a_cent_for_each_record_unit_and_step(
    charged: Charged,
    standing: list[Addition],
    odd: list[tuple[bool, int]],
    changes: Changes,
    rounding: Rounding,
    prorates: bool,
) -> None:
    standing = [
        replace(a, bills=bills, included=Decimal(included)) for a, (bills, included) in zip(standing, odd, strict=False)
    ]
    agreement = replace(AGREEMENT, prorates=prorates)
    found = told(month_of(with_costs(charged), standing, changes, rounding, agreement))
    for row in found.rows:
        assert sum((step.amount for step in row.breakdown), ZERO) == row.after
        assert row.breakdown[0].part is (Part.CHARGED if row.month == str(SEP) else Part.EXPECTED)
        assert all(step.amount == rounded(step.amount) for step in row.breakdown)
        units = sum((abs(a.quantity) + a.included for a in standing), Decimal(60)) if rounding is Rounding.UNIT else 20
        assert abs(amount(row, Part.ROUNDING)) <= Decimal("0.005") * (units + len(row.breakdown) + len(standing) + 20)


@settings(max_examples=500, deadline=None)
@given(charges(SEP), standings(SEP), SOME_CHANGES)
def test_where_one_price_holds_the_bill_differs_by_no_price(
    charged: Charged, standing: list[Addition], changes: Changes
) -> None:
    standing = [replace(a, unit_price=RATE.unit_price) for a in standing]
    found = told(month_of(with_costs(charged), standing, changes))
    for row in found.rows:
        assert abs(amount(row, Part.INCREASE)) == abs(amount(row, Part.DECREASE)) == ZERO
    assert found.not_passed_on == ()


@settings(max_examples=500, deadline=None)
@given(charges(SEP, two_rates), standings(SEP), SOME_CHANGES)
def test_where_the_records_are_brought_to_the_charge_no_seat_is_left_over(
    charged: Charged, standing: list[Addition], changes: Changes
) -> None:
    month = month_of(with_costs(charged), standing, changes)
    if blocked(month.decided[0].decision) or not charged.lines:
        return
    row = told(month).rows[0]
    assert amount(row, Part.SEATS) == ZERO
    suppressed = month.decided[0].decision.suppressed
    assert amount(row, Part.SUPPRESSED_CREDIT) == rounded(suppressed.amount if suppressed else ZERO)


@pytest.mark.parametrize(
    ("policy", "september", "october"),
    [(PriceChange.WARN, "5.33", "10.00"), (PriceChange.NEXT_PERIOD, "5.33", None), (PriceChange.PRORATE, None, None)],
)
def test_an_increase_that_is_not_passed_on_is_told_in_money_for_the_month_and_for_each_after(
    policy: PriceChange, september: str | None, october: str | None
) -> None:
    """Rulebook Ex 10."""
    found = told(month_of(risen("16", "20", "17", "21"), [ten()], Changes(price_change=policy)))
    said = [each.increases for each in found.not_passed_on]
    wanted = {str(SEP): september, str(OCT): october}
    assert said == ([{m: Decimal(a) for m, a in wanted.items() if a}] if september else [])
    assert [each.decreases for each in found.not_passed_on] == [{}] * len(said)


def test_a_fall_that_is_not_passed_on_is_no_increase() -> None:
    month = month_of(
        risen("17", "21", "16", "20"), [replace(ten(), unit_price=Decimal(21))], Changes(), Rounding.LINE, AGREEMENT
    )
    (said,) = told(month).not_passed_on
    assert said.increases == {}
    assert said.decreases == {str(SEP): Decimal("5.33"), str(OCT): Decimal("10.00")}


def test_lines_that_bill_nowhere_are_charged_first_and_then_taken_off_under_their_reason() -> None:
    month = month_of(risen("16", "20", "16", "20"), [ten()], Changes())
    credit = replace(month.decided[0].lines[0].line, amount=Decimal("-7.50"))
    row = told(month, {("Contoso", Motion.SEAT_MONTHLY): ((credit, "P9 unallocated credit or adjustment"),)}).rows[0]
    assert (row.breakdown[0].amount, amount(row, Part.EXCLUDED)) == (Decimal("152.50"), Decimal("7.50"))
    assert row.cost == Decimal("160.00")


def test_what_records_bill_beyond_the_days_that_they_are_in_force_is_counted_by_itself() -> None:
    """A record that ends on the tenth bills the whole month, for no credit is documented (connectwise §5)."""
    ended = replace(ten(), cancelled=SEP.first.replace(day=10))
    bills = counted([ended], SEP, prorates=True)
    assert (bills.exact, rounded(bills.whole), bills.free) == (Decimal(200), Decimal("133.33"), ZERO)


def ten() -> Addition:
    return Addition("8801", "55", "4120", Decimal(10), Decimal(20), Decimal(16), AUG.first, None, SUBSCRIPTION)


def risen(cost: str, price: str, new_cost: str, new_price: str) -> Charged:
    """Ten seats all September, at other prices from the fifteenth on."""
    fourteenth, fifteenth = SEP.first.replace(day=14), SEP.first.replace(day=15)
    old, new = Rate(Decimal(price), Decimal(cost)), Rate(Decimal(new_price), Decimal(new_cost))
    lines = [
        line(1, Span(SEP.first, fourteenth), Decimal(10), Charge.CYCLE, old),
        line(2, Span(fifteenth, SEP.last), Decimal(10), Charge.CYCLE, new),
    ]
    return with_costs(charged_in_month(SUBSCRIPTION, PRODUCT, lines, SEP))
