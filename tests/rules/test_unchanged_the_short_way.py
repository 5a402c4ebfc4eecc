"""What is counted the short way, for a record that stands as it was charged, is what the long way comes to."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from test_bridge_invariants import AGREEMENT, month_of, told, with_costs
from test_true_up_invariants import AUG, OCT, PRODUCT, SEP, SUBSCRIPTION, line

from reconciler.domain.breakdown import Part
from reconciler.domain.days import Span, eve
from reconciler.domain.invoice import Charge
from reconciler.domain.mapping import Changes, PriceChange, Rounding
from reconciler.domain.records import Addition
from reconciler.planning.one_customer import CustomerMonth
from reconciler.rules.charged import ChargedLine, Rate, charged_in_month
from reconciler.rules.drafts import AS_CHARGED, Decision

PRICES = st.decimals("0.01", "99.99", places=2)


@st.composite
def unchanged(draw: st.DrawFn) -> CustomerMonth:
    """A month charged by one line or by two cycles, perhaps with seats repriced in between, and the record of it."""
    quantity, rate = Decimal(draw(st.integers(1, 30))), Rate(draw(PRICES), draw(PRICES), "retail + 3%")
    day = SEP.first + timedelta(days=draw(st.integers(0, 29)))
    cycles = [Span(SEP.first, SEP.last)]
    if day > SEP.first:
        cycles = [Span(AUG.first.replace(day=day.day), eve(day)), Span(day, eve(OCT.first.replace(day=day.day)))]
    lines = [line(n, span, quantity, Charge.CYCLE, rate) for n, span in enumerate(cycles, 1)]
    lines += draw(_repriced(cycles[-1], rate))
    charged = with_costs(charged_in_month(SUBSCRIPTION, PRODUCT, lines, SEP, goes_on=quantity))
    record = Addition(
        "1", "55", "4120", quantity, rate.unit_price, rate.unit_cost, draw(st.sampled_from((AUG.first, SEP.first))),
        None, SUBSCRIPTION, bills=draw(st.booleans()), included=Decimal(draw(st.integers(0, 2))),
    )  # fmt: skip
    changes = Changes(price_change=draw(st.sampled_from((PriceChange.WARN, PriceChange.UNTIL_RENEWAL))))
    agreement = replace(AGREEMENT, prorates=draw(st.booleans()))
    return month_of(charged, [record], changes, draw(st.sampled_from(Rounding)), agreement)


@st.composite
def _repriced(draw: st.DrawFn, span: Span, rate: Rate) -> list[ChargedLine]:
    """Nothing, or seats that were taken back at an old price and charged again at the one that is in force."""
    if draw(st.booleans()):
        return []
    seats, old = Decimal(draw(st.integers(1, 5))), Rate(draw(PRICES), draw(PRICES), "retail")
    return [line(8, span, -seats, Charge.REMOVE_QUANTITY, old), line(9, span, seats, Charge.ADD_QUANTITY, rate)]


def the_long_way(month: CustomerMonth) -> CustomerMonth:
    (decided,) = month.decided
    assert decided.decision is AS_CHARGED
    return replace(month, decided=(replace(decided, decision=Decision((), ())),))


@settings(max_examples=300, deadline=None)
@given(unchanged())
def test_the_short_way_and_the_long_way_tell_the_same(month: CustomerMonth) -> None:
    assert told(month) == told(the_long_way(month))


def test_an_old_price_on_a_refund_is_told_as_not_passed_on_the_short_way_too() -> None:
    rate, old = Rate(Decimal(20), Decimal(16)), Rate(Decimal(22), Decimal(16))
    lines = [
        line(1, SEP.span, Decimal(10), Charge.CYCLE, rate),
        line(2, SEP.span, Decimal(-2), Charge.REMOVE_QUANTITY, old),
        line(3, SEP.span, Decimal(2), Charge.ADD_QUANTITY, rate),
    ]
    record = Addition("1", "55", "4120", Decimal(10), Decimal(20), Decimal(16), SEP.first, None, SUBSCRIPTION)
    month = month_of(with_costs(charged_in_month(SUBSCRIPTION, PRODUCT, lines, SEP)), [record], Changes())
    assert month.decided[0].decision is AS_CHARGED
    (row, _) = told(month).rows
    assert {step.part: step.amount for step in row.breakdown}[Part.DECREASE] == Decimal("4.00")
    assert told(month) == told(the_long_way(month))
