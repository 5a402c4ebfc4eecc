"""The invariants of rulebook 1G, for random timelines, random standing additions and every policy."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.days import Month, Span, eve
from reconciler.domain.finding import Place, Severity
from reconciler.domain.invoice import Charge, CustomerRef, InvoiceLine, Motion
from reconciler.domain.mapping import Carry, Changes, Decrease, PriceChange, Representation
from reconciler.domain.plan import Action
from reconciler.domain.records import Addition
from reconciler.domain.timeline import Timeline
from reconciler.rules.charged import Charged, ChargedLine, Rate, charged_in_month
from reconciler.rules.drafts import Decision, Draft
from reconciler.rules.true_up import Period, true_up

AUG, SEP, OCT = Month(2026, 8), Month(2026, 9), Month(2026, 10)
RATE = Rate(Decimal(20), Decimal(16))
SUBSCRIPTION, PRODUCT = "5f1b", "CFQ7TTC0LH18:0001"


def written(standing: Iterable[Addition], drafts: Iterable[Draft]) -> list[Addition]:
    """The additions as a PSA holds them after the drafts."""
    rows = {a.id: a for a in standing}
    for number, draft in enumerate(drafts):
        if draft.action is Action.DELETE:
            assert draft.standing
            del rows[draft.standing.id]
        elif draft.standing:
            rows[draft.standing.id] = replace(draft.standing, quantity=draft.quantity, cancelled=draft.cancelled)
        else:
            new = f"new{len(rows)}.{number}.{draft.effective}"
            rows[new] = Addition(
                new,
                "55",
                "4120",
                draft.quantity,
                draft.rate.unit_price,
                draft.rate.unit_cost,
                draft.effective,
                draft.cancelled,
                SUBSCRIPTION,
            )
    return list(rows.values())


def in_force(additions: Iterable[Addition]) -> Timeline:
    return Timeline.of_intervals((a.effective, a.cancelled, a.quantity) for a in additions)


def line(number: int, span: Span, quantity: Decimal, charge: Charge, rate: Rate) -> ChargedLine:
    return ChargedLine(
        "INV",
        InvoiceLine(
            number,
            Place("invoices/a.yaml", number),
            CustomerRef("t"),
            Motion.SEAT_MONTHLY,
            SUBSCRIPTION,
            PRODUCT,
            "",
            charge,
            quantity,
            span,
            rate.unit_cost,
            rate.unit_price,
            None,
        ),
        rate,
    )


@st.composite
def charges(draw: st.DrawFn, month: Month, rates: tuple[Rate, ...] = (RATE,)) -> Charged:
    """What a month's invoice may say: a purchase on some day, then changes to any level, down to nothing."""
    days = draw(st.lists(st.integers(1, month.days), min_size=0, max_size=4, unique=True).map(sorted))
    if draw(st.booleans()):
        days = sorted({1, *days})
    lines: list[ChargedLine] = []
    level = Decimal(0)
    for number, day in enumerate(days, 1):
        wanted = Decimal(draw(st.integers(0, 12)))
        first = date(month.year, month.number, day)
        if wanted == level:
            continue
        kind = Charge.NEW if not lines else Charge.ADD_QUANTITY if wanted > level else Charge.REMOVE_QUANTITY
        lines.append(line(number, Span(first, month.last), wanted - level, kind, draw(st.sampled_from(rates))))
        level = wanted
    return charged_in_month(SUBSCRIPTION, PRODUCT, lines, month)


@st.composite
def standings(draw: st.DrawFn, month: Month) -> list[Addition]:
    """What may stand: open and ended records, deltas, a carry, with and without a hand in it."""
    rows: dict[tuple[date, date | None, Decimal], Addition] = {}
    ends = [None, None, month.last, month.preceding.last, month.following.last]
    for number in range(draw(st.integers(0, 4))):
        effective = month.first + timedelta(days=draw(st.integers(-45, month.days)))
        cancelled = draw(st.sampled_from(ends))
        if cancelled and cancelled < effective:
            continue
        quantity = Decimal(draw(st.integers(-3, 12)))
        price = draw(st.sampled_from([Decimal(20), Decimal(21)]))
        rows[effective, cancelled, price] = Addition(
            str(number), "55", "4120", quantity, price, Decimal(16), effective, cancelled, SUBSCRIPTION
        )
    return list(rows.values())


policies = st.builds(
    Changes,
    representation=st.sampled_from(Representation),
    decrease=st.just(Decrease.CREDIT),
    price_change=st.sampled_from(PriceChange),
    carry=st.sampled_from(Carry),
)
two_rates = (RATE, Rate(Decimal(21), Decimal(17)))
open_days = st.sampled_from([AUG.first, SEP.first, OCT.first, OCT.following.first])


def blocked(decision: Decision) -> bool:
    return any(f.severity is Severity.ERROR for f in decision.findings)


def later_is_written(standing: Iterable[Addition], month: Month) -> bool:
    after = month.following.first
    return any(a.effective > after or (a.effective == after and a.cancelled) for a in standing)


@settings(max_examples=600, deadline=None)
@given(charges(SEP, two_rates), standings(SEP), policies, open_days)
def test_the_records_add_up_to_the_invoice_on_every_day_and_go_on_at_the_closing_quantity(
    charged: Charged, standing: list[Addition], changes: Changes, open_from: date
) -> None:
    decision = true_up(charged, standing, Period(SEP, open_from), changes)
    if blocked(decision):
        assert not decision.drafts
        return
    after = in_force(written(standing, decision.drafts))
    assert after.within(SEP.span) == charged.level.within(SEP.span)
    assert after.seat_days(SEP.span) == charged.level.seat_days(SEP.span)
    if not later_is_written(standing, SEP):
        assert after.on(OCT.first) == charged.carry


@settings(max_examples=600, deadline=None)
@given(charges(SEP, two_rates), standings(SEP), policies, open_days)
def test_applying_twice_changes_nothing(
    charged: Charged, standing: list[Addition], changes: Changes, open_from: date
) -> None:
    period = Period(SEP, open_from)
    first = true_up(charged, standing, period, changes)
    again = true_up(charged, written(standing, first.drafts), period, changes)
    if not blocked(first):
        assert again.drafts == ()
        assert not blocked(again)


@settings(max_examples=600, deadline=None)
@given(charges(SEP, two_rates), standings(SEP), policies, open_days)
def test_no_new_record_shares_days_and_price_with_another_and_none_ends_inside_a_month(
    charged: Charged, standing: list[Addition], changes: Changes, open_from: date
) -> None:
    decision = true_up(charged, standing, Period(SEP, open_from), changes)
    # Beside a record that is invoiced, and so may not change, a second one is written (C18).
    fixed = {a.id for a in standing if a.effective < open_from}
    rows = [a for a in written(standing, decision.drafts) if a.quantity and a.id not in fixed]
    taken = Counter((a.effective, a.cancelled, a.unit_price) for a in rows)
    assert all(taken[a.effective, a.cancelled, a.unit_price] == 1 for a in rows if a.id.startswith("new"))
    for draft in decision.drafts:
        assert draft.cancelled is None or draft.cancelled == Month.of(draft.cancelled).last


@settings(max_examples=600, deadline=None)
@given(charges(SEP, two_rates), standings(SEP), policies, open_days)
def test_nothing_that_is_invoiced_is_deleted_or_given_another_quantity(
    charged: Charged, standing: list[Addition], changes: Changes, open_from: date
) -> None:
    for draft in true_up(charged, standing, Period(SEP, open_from), changes).drafts:
        if draft.standing and draft.standing.effective < open_from:
            assert draft.action is not Action.DELETE
            assert draft.quantity == draft.standing.quantity
        if draft.standing and draft.cancelled != draft.standing.cancelled:
            # An end is only drawn in to the eve of a day that is not invoiced.
            assert draft.cancelled is not None
            assert draft.cancelled >= eve(min(open_from, OCT.first))


@settings(max_examples=400, deadline=None)
@given(charges(SEP), charges(OCT), policies)
def test_one_month_after_the_other_ends_as_the_two_charged_it(sep: Charged, octo: Charged, changes: Changes) -> None:
    changes = replace(changes, price_change=PriceChange.WARN)
    rows = written([], true_up(sep, [], Period(SEP, SEP.first), changes).drafts)
    rows = written(rows, true_up(octo, rows, Period(OCT, OCT.first), changes).drafts)
    assert in_force(rows).within(SEP.span) == sep.level
    assert in_force(rows).within(OCT.span) == octo.level
    assert in_force(rows).on(OCT.following.first) == octo.carry
    still_open = [a for a in rows if a.cancelled is None]
    assert len(still_open) <= 1


@settings(max_examples=400, deadline=None)
@given(charges(SEP), standings(SEP), policies)
def test_what_a_policy_without_credits_keeps_is_said_in_money(
    charged: Charged, standing: list[Addition], changes: Changes
) -> None:
    changes = replace(changes, decrease=Decrease.NONE, price_change=PriceChange.WARN)
    standing = [replace(a, unit_price=RATE.unit_price, unit_cost=RATE.unit_cost) for a in standing]
    decision = true_up(charged, standing, Period(SEP, AUG.first), changes)
    if blocked(decision) or not charged.lines:
        return
    after = in_force(written(standing, decision.drafts))
    kept = (after.within(SEP.span).seat_days(SEP.span) - charged.level.seat_days(SEP.span)) * RATE.unit_price / SEP.days
    assert kept >= 0
    assert abs(kept - (decision.suppressed.amount if decision.suppressed else Decimal(0))) < Decimal("0.000001")
