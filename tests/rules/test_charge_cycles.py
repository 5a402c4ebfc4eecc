"""Charge cycles (C27, H1): what lines come to as records, and how they are known again."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.domain.days import Month, Span
from reconciler.domain.finding import Finding, Place
from reconciler.domain.invoice import Charge, CustomerRef, InvoiceLine, Motion
from reconciler.domain.mapping import Decrease
from reconciler.domain.money import rounded
from reconciler.domain.plan import Action
from reconciler.domain.records import Addition
from reconciler.rules.billing import bill
from reconciler.rules.charged import ChargedLine, Rate
from reconciler.rules.drafts import Draft
from reconciler.rules.facsimile import CycleMonth, Facsimile, copied_into, facsimile
from reconciler.rules.line_copies import LineCopy, copy_of, joined

SEPTEMBER = Month(2026, 9)
CYCLE = Span(date(2026, 9, 15), date(2026, 10, 14))
FULL = Rate(Decimal(20), Decimal(16))


def line(number: int = 1, quantity: object = 10, amount: object = "160.00", **members: object) -> InvoiceLine:
    plain = InvoiceLine(
        number=number,
        place=Place("invoice.csv", number),
        customer=CustomerRef("t"),
        motion=Motion.SEAT_MONTHLY,
        subscription="s",
        sku="sku",
        description="Basic",
        charge=Charge.CYCLE,
        quantity=Decimal(str(quantity)),
        span=CYCLE,
        unit_cost=Decimal(16),
        unit_price=Decimal(20),
        amount=None if amount is None else Decimal(str(amount)),
    )
    return replace(plain, **members)  # type: ignore[arg-type]  # members of an invoice line


def part(number: int, quantity: object, amount: object, **members: object) -> InvoiceLine:
    return line(number, quantity, amount, **{"charge": Charge.ADD_QUANTITY, **members})


def copied(*lines: InvoiceLine, rate: Rate = FULL, invoice: str = "INV-1", month: Month = SEPTEMBER) -> list[LineCopy]:
    charged = [ChargedLine(invoice, each, rate) for each in lines]
    made = [copy_of(rows, month.span, month, "AUD") for rows in joined(charged)]
    assert not any(isinstance(each, Finding) for each in made), made
    return [each for each in made if isinstance(each, LineCopy)]


def decide(
    copies: Sequence[LineCopy],
    standing: Iterable[Addition] = (),
    decrease: Decrease = Decrease.CREDIT,
    open_from: date = SEPTEMBER.first,
    invoices: Iterable[str] = ("INV-1",),
) -> Facsimile:
    at = CycleMonth(SEPTEMBER, open_from, frozenset(invoices), decrease, "AUD")
    return facsimile("s", copies, tuple(standing), at)


def written(drafts: Iterable[Draft], first: int = 8801) -> list[Addition]:
    """New records as the PSA holds them."""
    return [
        Addition(
            id=str(first + at),
            agreement_id="55",
            product_id="4120",
            quantity=draft.quantity,
            unit_price=draft.rate.unit_price,
            unit_cost=draft.rate.unit_cost,
            effective=draft.effective,
            cancelled=draft.cancelled,
            serial_number="s",
            description=f"Basic ({draft.note})",
        )
        for at, draft in enumerate(drafts)
        if draft.action is Action.CREATE
    ]


# -- amounts


def test_a_whole_cycle_bills_the_own_price_though_its_amount_was_rounded() -> None:
    # The distributor charges 100 × 16.00, having cut 16.004 to cents.
    cost = Decimal("16.004")
    (copy,) = copied(line(quantity=100, amount="1600.00", unit_cost=cost), rate=Rate(Decimal(20), cost))
    assert (copy.amount, copy.rate.unit_price) == (Decimal("2000.00"), Decimal("20.00"))


def test_a_first_cycle_that_was_cut_short_bills_its_part() -> None:
    (copy,) = copied(line(charge=Charge.NEW, amount="80.00"))
    assert copy.amount == Decimal("100.00")


def test_a_part_of_a_cycle_is_never_taken_for_a_whole_one_however_cheap() -> None:
    # 30 of 31 days of a seat at 0.10: a cent is all the difference there is.
    cheap = Rate(Decimal("0.20"), Decimal("0.10"))
    (copy,) = copied(part(1, 10, "0.97", unit_cost=Decimal("0.10")), rate=cheap)
    assert copy.amount == Decimal("1.94")


def test_the_unit_price_has_the_fewest_places_that_give_the_amount_back() -> None:
    (copy,) = copied(part(1, 3, "40.00"))
    assert (copy.quantity, copy.rate.unit_price, copy.amount) == (3, Decimal("16.667"), Decimal("50.00"))


def test_where_no_price_of_six_places_gives_the_amount_one_unit_does() -> None:
    (copy,) = copied(part(1, 700_001, "10000000.00"))
    assert (copy.quantity, copy.rate.unit_price) == (1, copy.amount)


@pytest.mark.parametrize(
    "wrong",
    [
        part(1, 3, None),
        part(1, 3, "5.00", unit_cost=Decimal(0)),
        part(1, 0, "5.00"),
    ],
    ids=["no amount", "no cost", "no seats"],
)
def test_a_line_that_does_not_tell_its_part_is_an_error(wrong: InvoiceLine) -> None:
    rate = Rate(Decimal(20), wrong.unit_cost or Decimal(0))
    found = copy_of([ChargedLine("INV-1", wrong, rate)], SEPTEMBER.span, SEPTEMBER, "AUD")
    assert isinstance(found, Finding)
    assert found.blocks
    assert "line 1 of INV-1" in found.message


def test_a_whole_cycle_without_an_amount_bills_the_own_price() -> None:
    (copy,) = copied(line(amount=None))
    assert (copy.amount, copy.rate.unit_cost) == (Decimal("200.00"), Decimal("16.00"))


def test_a_free_line_needs_no_record() -> None:
    found = decide(copied(line(amount="0.00")))
    assert (found.decision.drafts, len(found.billed)) == ((), 1)


def test_the_second_half_of_a_charge_is_billed_in_the_record_of_the_first() -> None:
    calling = Rate(Decimal(50), Decimal(40))
    half = line(2, 0, "50.00", reference="e", unit_cost=None)
    (copy,) = copied(line(1, 5, "150.00", reference="e", unit_cost=Decimal(40)), half, rate=calling)
    assert (copy.quantity, copy.amount, copy.rate.unit_cost) == (5, Decimal("250.00"), Decimal("40.00"))
    assert [b.line for b in decide([copy]).decision.drafts[0].because if b.rule == "C27"] == [1, 2]


# -- days


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("2026-09-15", "2026-10-14", ("2026-09-15", "2026-09-30")),
        ("2026-09-01", "2026-09-27", ("2026-09-01", "2026-09-27")),
        ("2026-08-15", "2026-09-14", ("2026-09-01", "2026-09-14")),
        ("2026-08-01", "2026-08-31", ("2026-09-01", "2026-09-30")),
        ("2026-10-01", "2026-10-31", ("2026-09-01", "2026-09-30")),
    ],
)
def test_a_record_stands_in_the_month_of_its_invoice_and_in_no_other(
    first: str, last: str, days: tuple[str, str]
) -> None:
    (copy,) = copied(line(span=Span(date.fromisoformat(first), date.fromisoformat(last))))
    assert (str(copy.days.first), str(copy.days.last)) == days
    records = written(decide([copy]).decision.drafts)
    billed = [bill(records, month, prorates=False) for month in Month(2026, 7).through(Month(2026, 12))]
    assert sorted(billed) == [0, 0, 0, 0, 0, Decimal("200.00")]


# -- known again


def test_lines_that_change_their_order_are_known_again() -> None:
    one, two = part(1, -10, "-133.33"), part(2, 13, "173.33")
    standing = written(decide(copied(one, two)).decision.drafts)
    turned = copied(replace(one, number=2), replace(two, number=1))
    assert decide(turned, standing).decision == decide(copied(one, two), standing).decision
    assert decide(turned, standing).decision.drafts == ()


def test_of_two_invoices_with_one_charge_the_newcomer_repeats_it() -> None:
    old, new = copied(line(number=4)), copied(line(), invoice="INV-2")
    standing = written(decide(copied(line())).decision.drafts)
    found = decide([*new, *old], standing, invoices=["INV-1", "INV-2"])
    assert found.decision.drafts == ()
    assert [copy.mark.invoice for copy, _ in found.left_out] == ["INV-2"]


def test_two_equal_lines_of_one_invoice_are_two_records() -> None:
    copies = copied(part(1, 2, "20.00"), part(2, 2, "20.00"))
    standing = written(decide(copies).decision.drafts)
    assert len(standing) == 2
    assert decide(copies, standing).decision.drafts == ()
    assert len(decide(copies, standing[:1]).decision.drafts) == 1


def test_a_description_that_was_rewritten_is_known_by_days_and_money() -> None:
    copies = copied(line())
    standing = [replace(a, description="Basic") for a in written(decide(copies).decision.drafts)]
    found = decide(copies, standing)
    assert (found.decision.drafts, found.decision.findings) == ((), ())


def test_an_invoice_under_a_new_number_alone_is_known_by_days_and_money() -> None:
    standing = written(decide(copied(line())).decision.drafts)
    found = decide(copied(line(), invoice="INV-2"), standing, invoices=["INV-2"])
    assert (found.decision.drafts, found.decision.findings) == ((), ())
    assert len(found.billed) == 1


def test_a_charge_that_comes_again_in_a_later_month_is_billed_once_and_told() -> None:
    earlier = copied(line(span=Span(date(2026, 8, 15), date(2026, 9, 14))), month=Month(2026, 8))
    at = CycleMonth(Month(2026, 8), date(2026, 8, 1), frozenset(["INV-1"]), Decrease.CREDIT, "AUD")
    standing = written(facsimile("s", earlier, (), at).decision.drafts)
    again = copied(line(span=Span(date(2026, 8, 15), date(2026, 9, 14))), invoice="INV-2")
    found = decide(again, standing, invoices=["INV-2"])
    assert found.decision.drafts == ()
    assert [f.code for f in found.decision.findings] == ["C27"]
    assert (found.billed, [rule for _, rule in found.left_out]) == ((), ["C27 billed already"])


def test_a_line_issued_again_with_another_amount_changes_its_record_while_the_month_is_open() -> None:
    standing = written(decide(copied(line())).decision.drafts)
    dearer = copied(line(amount="80.00", charge=Charge.NEW))
    (draft,) = decide(dearer, standing).decision.drafts
    assert (draft.action, draft.quantity * draft.rate.unit_price) == (Action.UPDATE, Decimal("100.00"))
    closed = decide(dearer, standing, open_from=date(2026, 10, 1)).decision
    assert (closed.drafts, [f.code for f in closed.findings]) == ((), ["C27"])


def test_a_line_that_the_invoice_has_no_more_takes_its_record_along_while_the_month_is_open() -> None:
    standing = written(decide(copied(line(), part(2, 3, "40.00"))).decision.drafts)
    (draft,) = decide(copied(line()), standing).decision.drafts
    assert (draft.action, draft.standing) == (Action.DELETE, standing[1])
    assert decide(copied(line()), standing, open_from=date(2026, 10, 1)).decision.drafts == ()


def test_a_record_of_an_invoice_that_was_not_read_is_told_and_left() -> None:
    standing = written(decide(copied(line())).decision.drafts)
    found = decide([], standing, invoices=["INV-7"]).decision
    assert (found.drafts, [f.amount for f in found.findings if f.amount] != []) == ((), True)


def test_a_record_reaching_into_the_next_month_is_brought_back_into_its_own() -> None:
    standing = [replace(written(decide(copied(line())).decision.drafts)[0], cancelled=date(2026, 10, 14))]
    (draft,) = decide(copied(line()), standing).decision.drafts
    assert (draft.action, draft.cancelled) == (Action.CANCEL, date(2026, 9, 30))


def test_an_invoiced_month_takes_nothing_new_and_what_stands_is_no_error() -> None:
    copies = copied(line())
    late = decide(copies, open_from=date(2026, 10, 1)).decision
    assert (late.drafts, [f.code for f in late.findings]) == ((), ["E7"])
    standing = written(decide(copies).decision.drafts)
    assert decide(copies, standing, open_from=date(2026, 10, 1)).decision.findings == ()


# -- never beside the other alignment


def test_an_open_record_stops_the_subscription_and_an_ended_one_does_not() -> None:
    base = Addition("1", "55", "4120", Decimal(10), Decimal(20), Decimal(16), date(2026, 8, 1), None, "s", "Basic")
    stopped = decide(copied(line()), [base]).decision
    assert (stopped.drafts, [f.blocks for f in stopped.findings]) == ((), [True])
    ended = replace(base, cancelled=date(2026, 8, 31))
    assert len(decide(copied(line()), [ended]).decision.drafts) == 1


def test_a_copy_reaches_as_far_as_the_days_of_its_line() -> None:
    standing = written(decide(copied(line())).decision.drafts)
    assert copied_into(standing, Month(2026, 10)) == tuple(standing)
    assert copied_into(standing, Month(2026, 11)) == ()


# -- falls


def test_under_decrease_none_an_increase_written_as_refund_and_charge_is_billed() -> None:
    copies = copied(line(), part(2, -10, "-133.33"), part(3, 13, "173.33"))
    assert len(decide(copies, decrease=Decrease.NONE).decision.drafts) == 3


def test_under_decrease_none_a_fall_is_kept_back_with_the_charge_of_what_is_left() -> None:
    fall = {"charge": Charge.REMOVE_QUANTITY, "span": Span(date(2026, 9, 18), date(2026, 10, 14))}
    copies = copied(line(), part(2, -10, "-144.00", **fall), part(3, 8, "115.20", **fall))
    found = decide(copies, decrease=Decrease.NONE)
    assert [draft.quantity for draft in found.decision.drafts] == [10]
    assert found.decision.suppressed
    assert found.decision.suppressed.amount == Decimal("36.00")
    assert [copy.quantity for copy, _ in found.left_out] == [-10, 8]


def test_a_conversion_to_another_product_is_no_fall() -> None:
    copies = copied(part(1, -10, "-80.00", charge=Charge.CONVERT))
    assert len(decide(copies, decrease=Decrease.NONE).decision.drafts) == 1


# -- of all of them


@st.composite
def invoices(draw: st.DrawFn) -> tuple[list[InvoiceLine], Rate]:
    cents = st.decimals(Decimal("0.01"), Decimal("500.00"), places=2)
    cost, price = draw(cents), draw(cents)
    lines = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        first = date(2026, 9, 1) + timedelta(days=draw(st.integers(-31, 29)))
        span = Span(first, first + timedelta(days=draw(st.integers(0, 30))))
        quantity = draw(st.integers(1, 4000)) * draw(st.sampled_from([1, 1, -1]))
        amount = rounded(quantity * cost * Decimal(draw(st.integers(1, 30))) / 30)
        charge = Charge.ADD_QUANTITY if quantity > 0 else Charge.REMOVE_QUANTITY
        lines.append(line(number, quantity, amount, span=span, unit_cost=cost, charge=charge))
    return lines, Rate(price, cost)


@given(invoices(), st.randoms(use_true_random=False))
def test_what_is_billed_is_what_was_charged_at_the_own_price_once(
    given_lines: tuple[list[InvoiceLine], Rate], random: object
) -> None:
    lines, rate = given_lines
    # Lines with the same days, quantity and amount are told apart by their number alone, which may change hands.
    assume(all(each.amount for each in lines))
    copies = copied(*lines, rate=rate)
    drafts = decide(copies).decision.drafts
    standing = written(drafts)
    billed = bill(standing, SEPTEMBER, prorates=False)
    wanted = sum((each.amount or Decimal(0)) * rate.unit_price / rate.unit_cost for each in lines)
    assert abs(billed - wanted) <= Decimal("0.005") * len(lines)
    assert (
        bill(standing, SEPTEMBER.preceding, prorates=False) == bill(standing, SEPTEMBER.following, prorates=False) == 0
    )
    shuffled = list(lines)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    renumbered = [replace(each, number=number) for number, each in enumerate(shuffled, start=1)]
    again = decide(copied(*renumbered, rate=rate), standing).decision
    assert (again.drafts, again.findings) == ((), ())
