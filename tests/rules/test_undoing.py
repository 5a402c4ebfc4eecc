"""How one write to an agreement is taken back, by what is invoiced and what the agreement allows."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from reconciler.domain.plan import Action, AdditionValues
from reconciler.domain.records import Addition, Agreement
from reconciler.rules.undoing import Done, Ground, Obstacle, Way, way_back

SEP_12, SEP_30, OCT_1, OCT_31, NOV_1 = (
    date(2026, 9, 12),
    date(2026, 9, 30),
    date(2026, 10, 1),
    date(2026, 10, 31),
    date(2026, 11, 1),
)
AGREEMENT = Agreement(
    "55", "CSP", "250", "Contoso", True, "Active", True, True, False, date(2026, 1, 1), None, None, NOV_1, "AUD"
)
DELTA = AdditionValues("55", "p", "4120", "5f1b", Decimal(3), Decimal(20), Decimal(16), SEP_12, SEP_30, "Basic")


def standing(values: AdditionValues, **members: object) -> Addition:
    found = Addition(
        "9001", "55", values.product_id or "", values.quantity, values.unit_price, values.unit_cost,
        values.effective, values.cancelled, values.serial_number, values.description,
    )  # fmt: skip
    return replace(found, **members)  # type: ignore[arg-type]


def made(values: AdditionValues, *, seen: date | None, ground: Agreement = AGREEMENT, open_from: date = NOV_1) -> Way:
    """The way back of a record that the run made when the next invoice was on `seen`."""
    done = Done(Action.CREATE, "9001", None, values, seen)
    return way_back(done, standing(values), Ground(ground, open_from))


def told(way: Way) -> list[tuple[str, str, date, date | None]]:
    assert not isinstance(way, Obstacle), way
    rows = [(step.action.value, step.after or step.before) for step in way]
    return [(action, str(v.quantity), v.effective, v.cancelled) for action, v in rows if v is not None]


def obstacle(way: Way) -> str:
    assert isinstance(way, Obstacle), way
    return way.code


def test_a_record_made_after_its_month_was_invoiced_is_deleted_while_no_invoice_came_since() -> None:
    assert told(made(DELTA, seen=NOV_1)) == [("delete", "3", SEP_12, SEP_30)]
    assert told(made(DELTA, seen=OCT_1)) == [("create", "-3", SEP_12, SEP_30)]
    # Where the journal does not know the day, the record may be invoiced.
    assert told(made(DELTA, seen=None)) == [("create", "-3", SEP_12, SEP_30)]


def test_an_open_record_ends_with_the_last_invoiced_day() -> None:
    way = made(replace(DELTA, cancelled=None), seen=OCT_1)
    assert told(way) == [("create", "-3", SEP_12, OCT_31), ("cancel", "3", SEP_12, OCT_31)]


def test_billed_in_arrears_a_day_is_open_until_its_own_invoice() -> None:
    assert told(made(DELTA, seen=date(2026, 8, 1), open_from=date(2026, 9, 1))) == [("delete", "3", SEP_12, SEP_30)]


def test_what_the_psa_would_not_bill_rightly_is_not_written() -> None:
    assert obstacle(made(DELTA, seen=OCT_1, ground=replace(AGREEMENT, prorates=False))) == "E7"
    inside = date(2026, 9, 20)
    assert obstacle(made(replace(DELTA, cancelled=inside), seen=OCT_1)) == "P44"
    # An agreement that bills one time has no periods.
    once = replace(AGREEMENT, prorates=False, one_time=True)
    assert told(made(replace(DELTA, cancelled=None), seen=OCT_1, ground=once)) == [("create", "-3", SEP_12, None)]


def test_a_record_that_is_not_as_the_run_left_it_is_not_touched() -> None:
    done = Done(Action.CREATE, "9001", None, DELTA, NOV_1)
    for moved in ({"quantity": Decimal(4)}, {"bills": False}, {"description": "Basic, agreed by phone"}):
        way = way_back(done, standing(DELTA, **moved), Ground(AGREEMENT, NOV_1))
        assert obstacle(way) == "undo-changed"
    assert way_back(done, None, Ground(AGREEMENT, NOV_1)) == ()


def test_values_of_an_invoiced_record_are_told_and_left() -> None:
    before = replace(DELTA, unit_price=Decimal(19))
    done = Done(Action.UPDATE, "9001", before, DELTA, OCT_1)
    way = way_back(done, standing(DELTA), Ground(AGREEMENT, NOV_1))
    assert isinstance(way, Obstacle)
    assert (way.code, "before the run it had unit price 19" in way.text) == ("T21", True)
    assert told(way_back(done, standing(DELTA), Ground(AGREEMENT, date(2026, 9, 1)))) == [
        ("update", "3", SEP_12, SEP_30)
    ]
    # Put back by hand already: nothing is to be done.
    assert way_back(done, standing(before), Ground(AGREEMENT, NOV_1)) == ()


def test_an_end_is_taken_off_or_what_follows_it_stands_beside() -> None:
    before = replace(DELTA, effective=date(2026, 8, 1), cancelled=None)
    after = replace(before, cancelled=SEP_30)
    done = Done(Action.CANCEL, "9001", before, after, OCT_1)
    opened = way_back(done, standing(after), Ground(AGREEMENT, OCT_1))
    assert told(opened) == [("update", "3", date(2026, 8, 1), None)]
    assert told(way_back(done, standing(after), Ground(AGREEMENT, NOV_1))) == [("create", "3", OCT_1, None)]
