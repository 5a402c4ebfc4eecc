"""The protocol's own rules, one by one: states, order, the brake, clocks, the fence, plans that supersede others."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product as pairs

import pytest
from apply_bench import LIMITS, Bench
from fake_psa import FakePSA, Killed, Life, addition_of, cancel, create, plan_of, values

from reconciler.applying.apply import apply_plan, nothing_stale, resume
from reconciler.applying.brake import Brake
from reconciler.applying.clock import Stop
from reconciler.applying.course import CannotApply, plan_id
from reconciler.applying.order import CircularNeeds, in_order
from reconciler.applying.report import Ending
from reconciler.applying.slots import differences, slot
from reconciler.applying.states import NEXT, ImpossibleStep, checked, is_terminal, may_send
from reconciler.applying.surroundings import Surroundings
from reconciler.store.database import locked_store, read_store
from reconciler.store.history import incidents
from reconciler.store.journal import take_over, unfinished
from reconciler.store.schema import OPEN, RunState, State

TERMINAL = {State.CONFIRMED, State.REJECTED, State.DRIFT, State.CONFLICT, State.FAILED}


def test_only_the_steps_that_are_drawn_are_possible() -> None:
    drawn = {
        (State.PLANNED, State.INTENT), (State.PLANNED, State.CONFIRMED), (State.PLANNED, State.DRIFT),
        (State.PLANNED, State.CONFLICT), (State.INTENT, State.UNKNOWN), (State.INTENT, State.CONFIRMED),
        (State.INTENT, State.REJECTED), (State.INTENT, State.ABSENT), (State.UNKNOWN, State.CONFIRMED),
        (State.UNKNOWN, State.ABSENT), (State.UNKNOWN, State.CONFLICT), (State.ABSENT, State.INTENT),
        (State.ABSENT, State.CONFIRMED), (State.ABSENT, State.DRIFT), (State.ABSENT, State.CONFLICT),
        (State.ABSENT, State.FAILED),
    }  # fmt: skip
    for before, after in pairs(State, State):
        if (before, after) in drawn:
            assert checked(before, after) is after
        else:
            with pytest.raises(ImpossibleStep):
                checked(before, after)
    assert {state for state in State if is_terminal(state)} == TERMINAL
    assert {state for state in State if may_send(state)} == {State.PLANNED, State.ABSENT}
    # I5: nothing is sent from a doubt; it must have become ABSENT.
    assert all(State.INTENT not in NEXT[state] for state in OPEN)


def test_needs_come_first_and_the_plans_order_holds_otherwise() -> None:
    one, two, three = create("one"), create("two"), create("three")
    two = replace(two, needs=(three.address, "psa/product/of another plan"))
    assert in_order([one, two, three]) == (one, three, two)
    with pytest.raises(CircularNeeds):
        in_order([two, replace(three, needs=(two.address,))])


def test_a_slot_tells_apart_what_the_psa_tells_apart() -> None:
    base = create("a")
    others = [
        create("b"),
        create("a", unit_price=Decimal(21)),
        create("a", cancelled=values("a").effective),
        create("a", agreement_id="56"),
        create("a", effective=values("a").effective + timedelta(days=1)),
        create("a", product="psa/product/other"),
        cancel("a", "7001"),
    ]
    assert len({slot(change) for change in [base, *others]}) == len(others) + 1
    assert slot(create("a", 99)) == slot(base)


@pytest.mark.parametrize(
    "changed",
    [
        {"quantity": Decimal(4)}, {"unit_price": Decimal("20.01")}, {"unit_cost": Decimal(1)}, {"product_id": "1"},
        {"serial_number": None}, {"effective": values("a").effective + timedelta(days=1)},
        {"cancelled": values("a").effective}, {"description": "other"},
    ],
)  # fmt: skip
def test_every_owned_field_is_compared(changed: dict[str, object]) -> None:
    wanted = values("a", description="Microsoft  365\nBasic")
    record = addition_of("1", replace(wanted, description="Microsoft 365 Basic", quantity=Decimal("3.00")))
    assert differences(wanted, record) == ()
    (told,) = differences(wanted, replace(record, **changed))
    assert told.startswith(next(iter(changed)))


def test_the_brake_counts_in_a_row_only() -> None:
    brake = Brake()
    for outcome in [State.UNKNOWN] * 4 + [State.CONFIRMED] + [State.UNKNOWN] * 4:
        brake.count(outcome)
    assert brake.reason is None
    brake.count(State.UNKNOWN)
    assert "5 times in a row" in (brake.reason or "")
    brake = Brake()
    for _ in range(3):
        brake.unreadable("timeout")
        brake.readable()
    brake.found(1)
    assert brake.reason is None
    brake.found(1)
    assert "twice" in (brake.reason or "")


# -- clocks


def killed_in_flight(bench: Bench, plan_faults: str = "delayed 100") -> None:
    """A run that is killed while its first write is under way."""
    psa = bench.psa(plan_faults)
    life = Life()
    psa.life = life

    def kill(_: str) -> None:
        life.ends_at = life.points + 1

    psa.before_write = kill
    with pytest.raises((Killed, BaseExceptionGroup)):
        bench.apply(plan_of([create("new")]), psa, life=life)


@pytest.mark.parametrize("step", [timedelta(days=-1), timedelta(days=1)])
def test_a_clock_that_was_set_between_two_runs_never_shortens_the_settle_time(bench: Bench, step: timedelta) -> None:
    killed_in_flight(bench)
    bench.clock.at += step
    # Setting a clock lets no time pass: the write is still 100 seconds away.
    bench.world.late = [(bench.clock.now() + timedelta(seconds=100), work) for _, work in bench.world.late]
    report = bench.apply(plan_of([create("new")]))
    assert report.exit_status == 0
    assert bench.world.writes == ["create new 2026-09-12"]
    assert any("looking for it for up to 120 s" in notice for notice in bench.notices)


def test_a_doubt_of_yesterday_is_settled_by_time_that_has_passed_not_by_the_date(bench: Bench) -> None:
    def stop_in_the_wait(wish: Stop) -> None:
        bench.clock.on_sleep = lambda _: wish.ask(15)

    plan = plan_of([create("new")])
    assert bench.apply(plan, bench.psa("delayed 100"), stop=stop_in_the_wait).results[0].state is State.UNKNOWN
    bench.clock.on_sleep = None
    bench.clock.at += timedelta(days=1)
    bench.world.late = [(bench.clock.now() + timedelta(seconds=90), work) for _, work in bench.world.late]
    assert bench.apply(plan).exit_status == 0
    assert bench.world.writes == ["create new 2026-09-12"]


def test_a_clock_that_jumps_ahead_in_a_wait_does_not_cut_it_short(bench: Bench) -> None:
    psa = bench.psa("delayed 100")
    jumped = []

    def jump(_: float) -> None:
        if not jumped:
            jumped.append(True)
            bench.clock.at += timedelta(days=1)
            bench.world.late = [(bench.clock.now() + timedelta(seconds=100), work) for _, work in bench.world.late]

    bench.clock.on_sleep = jump
    report = bench.apply(plan_of([create("new")]), psa)
    assert report.exit_status == 0
    assert bench.world.writes == ["create new 2026-09-12"]


def state_of_ops(bench: Bench) -> list[str]:
    """What another process sees of the ops' states."""
    store = read_store(bench.url)
    if store is None:
        return []
    with store.reading() as connection:
        states = list(connection.exec_driver_sql("SELECT state FROM op").scalars())
    store.close()
    return states


def test_a_machine_that_slept_between_the_intent_and_the_send_does_not_send(bench: Bench) -> None:
    psa = bench.psa()
    slept: list[datetime] = []

    class Sleepy(Life):
        def point(self) -> None:
            super().point()
            if not slept and state_of_ops(bench) == ["INTENT"]:
                slept.append(bench.clock.now())
                bench.clock.at += timedelta(hours=1)

    sent_at = []
    psa.before_write = lambda _: sent_at.append(bench.clock.now())
    report = bench.apply(plan_of([create("new")]), psa, life=Sleepy())
    assert slept
    assert report.exit_status == 0
    assert len(sent_at) == 1
    store = read_store(bench.url)
    assert store is not None
    with store.reading() as connection:
        steps = connection.exec_driver_sql("SELECT to_state, detail FROM op_event ORDER BY id").all()
    store.close()
    assert ("ABSENT", "not sent: the machine slept") in [tuple(step) for step in steps]


# -- the fence


def test_who_is_fenced_out_after_a_send_says_so_and_stops(bench: Bench) -> None:
    plan = plan_of([create("new"), create("other")])
    psa = bench.psa()

    async def taken_over() -> int:
        with locked_store(bench.url, "apply", bench.clock.now()) as store:
            psa.before_write = lambda _: take_over(store, "psa", bench.clock.now())  # type: ignore[assignment,return-value]
            around = Surroundings(psa, store, bench.clock, LIMITS)
            report = await apply_plan(plan, around, nothing_stale)
            assert report.ending is Ending.PART_WAY
            assert "taken over" in report.incidents[0]
            assert any("sent, then fenced out" in text for text in incidents(store, report.plan_id))
            return report.exit_status

    assert asyncio.run(taken_over()) == 6
    assert len(bench.world.writes) == 1


# -- one plan after another


def test_a_new_plan_settles_what_the_old_one_left_and_supersedes_it(bench: Bench) -> None:
    killed_in_flight(bench)
    seen: list[int] = []

    async def stale() -> tuple[str, ...]:
        bench.world.settle()
        seen.append(len(bench.world.additions))
        return ()

    newer = plan_of([cancel("base", "7001")], created="2026-10-04T00:00:00Z")
    assert bench.apply(newer, stale=stale).exit_status == 0
    # The stale check came after the delayed write had landed: 7001 and the new one.
    assert seen == [2]
    assert bench.world.writes == ["create new 2026-09-12", "update 7001"]
    late = bench.apply(plan_of([create("new")]))
    assert late.ending is Ending.STALE
    assert "later plan" in late.stale[0]


def test_a_superseded_plan_is_not_sent_on(bench: Bench) -> None:
    killed_in_flight(bench, "lost request")
    newer = plan_of([cancel("base", "7001")], created="2026-10-04T00:00:00Z")
    assert bench.apply(newer).exit_status == 0
    assert bench.world.writes == ["create new 2026-09-12", "update 7001"]
    assert set(bench.world.additions) == {"7001"}


def test_nothing_new_is_written_while_an_earlier_write_cannot_be_settled(bench: Bench) -> None:
    killed_in_flight(bench)
    psa = bench.psa()
    psa.unreadable = True
    with pytest.raises(Exception, match="is not settled"):
        bench.apply(plan_of([cancel("base", "7001")], created="2026-10-04T00:00:00Z"), psa)
    assert bench.world.writes == ["create new 2026-09-12"]


def test_a_plan_in_the_journal_that_cannot_be_read_blocks_only_while_a_write_of_it_is_open(bench: Bench) -> None:
    killed_in_flight(bench)
    newer = plan_of([cancel("base", "7001")], created="2026-10-04T00:00:00Z")
    with sqlite3.connect(bench.folder / "state.db") as connection:
        connection.execute("UPDATE plan_run SET plan_text = '{}'")
    with pytest.raises(CannotApply, match="cannot be taken up"):
        bench.apply(newer)
    with connection:
        connection.execute("UPDATE op SET state = 'ABSENT'")
    connection.close()
    assert bench.apply(newer).exit_status == 0


def test_resume_needs_no_plan_file(bench: Bench) -> None:
    plan = plan_of([create("new"), cancel("base", "7001")])
    psa = FakePSA(bench.world)
    with pytest.raises((Killed, BaseExceptionGroup)):
        bench.apply(plan, psa, life=Life(16))

    async def resumed() -> Ending:
        with locked_store(bench.url, "resume", bench.clock.now()) as store:
            (run,) = unfinished(store)
            assert run.plan_id == plan_id(plan)
            return (await resume(run, Surroundings(FakePSA(bench.world), store, bench.clock, LIMITS))).ending

    assert asyncio.run(resumed()) is Ending.DONE
    assert len(bench.world.additions) == 2


def test_a_plan_that_is_partly_written_is_not_stale_by_its_own_work(bench: Bench) -> None:
    async def stale() -> tuple[str, ...]:
        return ("record 9001 is new",) if "9001" in bench.world.additions else ()

    plan = plan_of([create("new"), create("other")])
    report = bench.apply(plan, bench.psa("fine", *["not sent"] * 5), stale=stale)
    assert [result.state for result in report.results] == [State.CONFIRMED, State.ABSENT]
    assert bench.apply(plan, stale=stale).exit_status == 0


# -- stopping


def test_a_wish_to_stop_is_heard_in_a_wait_and_the_doubt_stays_in_the_journal(bench: Bench) -> None:
    psa = bench.psa("lost request")

    def stop_in_the_wait(wish: Stop) -> None:
        bench.clock.on_sleep = lambda _: wish.ask(15)

    report = bench.apply(plan_of([create("new"), create("other")]), psa, stop=stop_in_the_wait)
    assert (report.ending, report.exit_status) == (Ending.INTERRUPTED, 143)
    assert [result.state for result in report.results] == [State.UNKNOWN, State.PLANNED]
    bench.clock.on_sleep = None
    assert bench.apply(plan_of([create("new"), create("other")])).exit_status == 0
    assert len(bench.world.additions) == 3


def test_a_wish_to_stop_before_anything_was_sent_writes_nothing(bench: Bench) -> None:
    report = bench.apply(plan_of([create("new")]), stop=lambda wish: wish.ask(2))
    assert report.exit_status == 130
    assert bench.world.writes == []


def test_a_request_that_hangs_after_the_wish_to_stop_is_left_as_an_intent(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.applying.writing._GRACE_SECONDS", 0.01)
    wishes: list[Stop] = []

    class Hanging(FakePSA):
        async def _write(self, what: str, work: object) -> object:
            self.world.writes.append(what)
            wishes[0].ask(2)
            await asyncio.Event().wait()
            return None

    report = bench.apply(plan_of([create("new")]), Hanging(bench.world), stop=wishes.append)
    assert report.exit_status == 130
    assert report.results[0].state is State.INTENT
    assert bench.apply(plan_of([create("new")])).exit_status == 0
    assert len(bench.world.additions) == 2


def test_a_run_that_ended_leaves_the_lock_to_nobody(bench: Bench) -> None:
    bench.apply(plan_of([create("new")]))
    store = read_store(bench.url)
    assert store is not None
    with store.reading() as connection:
        row = connection.exec_driver_sql("SELECT holder, pid, fence FROM tenant_lock").one()
        status = connection.exec_driver_sql("SELECT status FROM plan_run").scalar()
    store.close()
    assert tuple(row) == (None, None, 1)
    assert status == RunState.DONE
