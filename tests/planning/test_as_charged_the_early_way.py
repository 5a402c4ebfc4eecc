"""What is recognised as charged from lines and record alone is, field by field, what the long way decides."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.days import Month, Span, eve
from reconciler.domain.finding import Place
from reconciler.domain.invoice import Charge, CustomerRef, Document, Invoice, InvoiceLine, Kind, Motion, Scheduled
from reconciler.domain.mapping import (
    Carry,
    Changes,
    Customer,
    Guards,
    Policy,
    PriceRule,
    ProductMode,
    Program,
    PsaField,
    Sync,
)
from reconciler.domain.price_list import PriceList
from reconciler.domain.records import Addition, ProductDefaults
from reconciler.planning.as_charged import EarlyWay, due_in, early_way, next_opening
from reconciler.planning.ledger import keep_ledger
from reconciler.planning.one_customer import Decided, Situation
from reconciler.planning.rates import Pricing
from reconciler.planning.shelf import Shelf
from reconciler.rules.charged import ChargedLine, Rate, charged_in_month
from reconciler.rules.drafts import AS_CHARGED
from reconciler.rules.true_up import Period, true_up

AUG, SEP, OCT = Month(2026, 8), Month(2026, 9), Month(2026, 10)
KEY = ("5f1b", "CFQ7TTC0LH18:0001")
PLACE = Place("mappings.yaml", 1)
CUSTOMER = Customer("Contoso", "csp", "t", None, None, {}, None, Sync.ON, Changes(), PLACE)
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
DEARER = PriceRule("dearer", "retail", Decimal(1), Decimal(0), None, None, None, SEP.first, None, "retail + 1", PLACE)
RECORD = Addition("1", "55", "4120", Decimal(5), Decimal(20), Decimal(16), AUG.first, None, KEY[0])


def charge(number: int, span: Span, quantity: int = 5, price: str = "20", cost: str = "16") -> InvoiceLine:
    return InvoiceLine(
        number, PLACE, CustomerRef("t"), Motion.SEAT_MONTHLY, *KEY, "Business Basic", Charge.CYCLE, Decimal(quantity),
        span, Decimal(cost), Decimal(price), Decimal(quantity) * Decimal(cost), term_end=date(2027, 1, 31),
    )  # fmt: skip


def way_for(lines: list[InvoiceLine], rules: tuple[PriceRule, ...] = (), *, next_month: bool = False) -> EarlyWay:
    number = SEP.following if next_month else SEP
    document = Document("distributor", "invoices/a.yaml", "yaml", "0")
    issued = [Invoice("INV", None, SEP.span, "AUD", Kind.INVOICE, document, tuple(lines))]
    if next_month:
        issued.append(Invoice("INV-2", None, number.span, "AUD", Kind.INVOICE, document, (charge(9, OCT.span),)))
    ledger = keep_ledger(issued, SEP)
    at = Situation(PROGRAM, ledger, PriceList(), Shelf({}, {}, frozenset(), ()), SEP)
    found = early_way(CUSTOMER, ledger.account("t"), Pricing(rules, "csp", "Contoso", PriceList()), at, frozenset())
    assert found
    return found


def early(way: EarlyWay, record: Addition) -> Decided | None:
    return way.decided(KEY, way.account.seats.get(KEY, []), (record,))


def the_long_way(way: EarlyWay, record: Addition) -> Decided:
    lines = []
    for invoice, line in way.account.seats.get(KEY, []):
        assert line.span
        rate = way.pricing.rate(invoice, line, KEY[1], max(line.span.first, SEP.first), record.unit_price)
        assert isinstance(rate, Rate)
        lines.append(ChargedLine(invoice.number, line, rate))
    opening, goes_on = next_opening(KEY, way.account, way.at), way.account.goes_on.get(KEY)
    charged = charged_in_month(*KEY, lines, SEP, way.account.scheduled.get(KEY[0], ()), opening, goes_on)
    decision = true_up(charged, (record,), Period(SEP, AUG.first), Changes())
    days, due = charged.level.seat_days(SEP.span), due_in(charged.lines, SEP)
    return Decided(*KEY, charged.lines, (record,), decision, days, due, by_day=charged)


def counted(decided: Decided) -> Decided:
    """The decision with its seats by day, which the early way counts only when they are asked for."""
    return replace(decided, by_day=decided.charged)


@st.composite
def charged_lines(draw: st.DrawFn) -> list[InvoiceLine]:
    """One to three lines around the month: mostly one after the other, of one quantity and price, and often not."""
    odd = st.sampled_from((0, 0, 0, 0, 0, 1, -1))
    first = draw(st.sampled_from((SEP.first, AUG.first.replace(day=18), SEP.first.replace(day=2))))
    lines = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        last = draw(st.sampled_from((SEP.last, SEP.first.replace(day=17), eve(SEP.last), OCT.first.replace(day=17))))
        if last < first:
            break
        price = draw(st.sampled_from(("20", "20", "20.00", "21")))
        lines.append(charge(number, Span(first, last), 5 + draw(odd), price))
        first = last + timedelta(days=1 + draw(odd))
    lines[-1] = replace(lines[-1], charge=draw(st.sampled_from((Charge.CYCLE, Charge.NEW, Charge.CANCEL))))
    if draw(odd) > 0:
        lines[-1] = replace(lines[-1], scheduled=Scheduled(Decimal(7), OCT.first))
    return lines


@st.composite
def records(draw: st.DrawFn) -> Addition:
    return replace(
        RECORD,
        quantity=Decimal(draw(st.sampled_from(("5", "5.00", "6", "0")))),
        unit_price=Decimal(draw(st.sampled_from(("20", "21")))),
        effective=draw(st.sampled_from((AUG.first, SEP.first, SEP.last))),
        cancelled=draw(st.sampled_from((None, None, SEP.last))),
        bills=draw(st.sampled_from((True, True, False))),
    )


@settings(max_examples=500, deadline=None)
@given(charged_lines(), records(), st.sampled_from(((), (DEARER,))), st.booleans())
def test_what_the_early_way_decides_is_what_the_long_way_decides(
    lines: list[InvoiceLine], record: Addition, rules: tuple[PriceRule, ...], next_month: bool
) -> None:
    way = way_for(lines, rules, next_month=next_month)
    found = early(way, record)
    if found is not None:
        long = the_long_way(way, record)
        assert counted(found) == long
        assert found.decision is AS_CHARGED
        assert repr(counted(found)) == repr(long)


FIRST_CYCLE = charge(1, Span(AUG.first.replace(day=18), SEP.first.replace(day=17)))
SECOND_CYCLE = charge(2, Span(SEP.first.replace(day=18), OCT.first.replace(day=17)))


@pytest.mark.parametrize("lines", [[charge(1, SEP.span)], [FIRST_CYCLE, SECOND_CYCLE]])
def test_a_month_that_one_line_or_two_cycles_cover_is_recognised_early(lines: list[InvoiceLine]) -> None:
    way = way_for(lines)
    found = early(way, RECORD)
    assert found
    assert counted(found) == the_long_way(way, RECORD)


@pytest.mark.parametrize(
    "record",
    [
        replace(RECORD, quantity=Decimal(6)),
        replace(RECORD, unit_price=Decimal(19)),
        replace(RECORD, unit_cost=Decimal(15)),
        replace(RECORD, cancelled=SEP.last),
        replace(RECORD, effective=SEP.first.replace(day=2)),
        replace(RECORD, bills=False),
    ],
)
def test_a_record_that_differs_from_the_charge_goes_the_long_way(record: Addition) -> None:
    assert early(way_for([charge(1, SEP.span)]), record) is None


def test_a_day_without_a_line_a_quantity_booked_for_the_renewal_and_two_records_go_the_long_way() -> None:
    gap = replace(SECOND_CYCLE, span=Span(SEP.first.replace(day=19), SEP.last))
    assert early(way_for([FIRST_CYCLE, gap]), RECORD) is None
    assert early(way_for([replace(charge(1, SEP.span), scheduled=Scheduled(Decimal(7), OCT.first))]), RECORD) is None
    way = way_for([charge(1, SEP.span)])
    assert way.decided(KEY, way.account.seats[KEY], (RECORD, replace(RECORD, id="2"))) is None


def test_nobody_goes_the_early_way_whose_records_are_written_anew_or_priced_by_the_psa() -> None:
    way = way_for([charge(1, SEP.span)])
    always = replace(CUSTOMER, changes=Changes(carry=Carry.ALWAYS))
    assert early_way(always, way.account, way.pricing, way.at, frozenset()) is None
    for field in (PsaField.PRICE, PsaField.COST):
        assert early_way(CUSTOMER, way.account, way.pricing, way.at, frozenset({field})) is None


def test_another_quantity_that_goes_on_from_the_next_month_goes_the_long_way() -> None:
    way = way_for([charge(1, SEP.span), charge(2, OCT.span, quantity=7)])
    assert early(way, RECORD) is None
    assert the_long_way(way, RECORD).decision is not AS_CHARGED
