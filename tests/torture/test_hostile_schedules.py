"""R1, R2, R3, R7, R8, R10: nothing is written twice, lost, or overwritten, whatever happens and whenever.

`make torture` runs the release's sizes (`--release-size`); a failure prints the seed that replays it:
`python -m pytest tests/torture --replay SEED`, and `--replay-on-postgres SEED` where the state lay in PostgreSQL.
"""

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import cast

import pytest
from hostile_worlds import Family
from mutants import SOUND, Mutant
from postgres_server import PostgresServer
from simulated_life import CLOCK_STEPS
from simulated_plans import WANTED, agreement
from simulated_psa import ALTERED, SimulatedPsa
from simulated_state import SimulatedState, StateSchema
from simulation import CALM, HANDS, Outcome, Script, Simulation, simulated
from torture_figures import Tally

from reconciler.applying.effects import ReadAgreement
from reconciler.domain.plan import AdditionValues
from reconciler.domain.records import Addition

FATES = ("", "lost request", "lost answer", "late", "replay")
# Those that lead into the same states as one of the above; each meets every step, but no pair.
OTHER_FATES = (
    "not sent", "replay, answer lost", "asked too often", "asked too often, no time told", "another's record",
    "altered, then done twice",
    *(f"{name} altered" for name in ALTERED),
    *(f"{name} altered, answer lost" for name in ALTERED),
)  # fmt: skip
BATCH = 10


def _bad(outcomes: Iterable[Outcome], options: str = "--replay-world hostile --replay") -> list[str]:
    return [
        f"seed {outcome.seed}: {'; '.join(outcome.bad)}  (replay: pytest tests/torture {options} {outcome.seed})"
        for outcome in outcomes
        if outcome.bad
    ]


def test_no_hostile_schedule_doubles_loses_or_overwrites_a_record(
    family_batch: tuple[Family, int], quick_folder: Path, tally: Tally
) -> None:
    family, batch = family_batch
    seeds = range(batch * BATCH, (batch + 1) * BATCH)
    outcomes = [simulated(seed, quick_folder, family.rates) for seed in seeds]
    _counted(tally, family.figure, outcomes)
    assert _bad(outcomes, f"--replay-world {family.name} --replay") == []
    # The schedules are hostile in earnest.
    assert sum(outcome.kills for outcome in outcomes) > BATCH


def _counted(tally: Tally, figure: str, outcomes: list[Outcome]) -> None:
    names = ("kills", "lives", "replays", "lost_states", "edits", "altered", "freezes", "clock_steps")
    sums = {name: sum(getattr(outcome, name) for outcome in outcomes) for name in names}
    broken = sum(bool(outcome.bad) for outcome in outcomes)
    # An edit that no look could have shown any more; each was told.
    unseen = sum(outcome.unseen for outcome in outcomes)
    tally.count(figure, schedules=len(outcomes), **sums, edits_written_over_unseen=unseen, bad=broken)


def test_no_hostile_schedule_does_so_on_postgresql_either(
    batch_on_postgres: int, quick_folder: Path, postgres: PostgresServer, tally: Tally
) -> None:
    """F3: the journal and its lock are a real server's; the server's clock is the schedule's."""
    seeds = range(batch_on_postgres * BATCH, (batch_on_postgres + 1) * BATCH)
    outcomes = [simulated(seed, quick_folder, state=StateSchema(postgres)) for seed in seeds]
    _counted(tally, "F3 hostile schedules on PostgreSQL", outcomes)
    assert _bad(outcomes, "--replay-on-postgres") == []
    assert sum(outcome.kills for outcome in outcomes) > BATCH


def test_the_same_seed_is_the_same_schedule(quick_folder: Path) -> None:
    once, again = [Simulation(7, quick_folder / name) for name in _folders(quick_folder)]
    assert once.run() == again.run()
    assert once.log == again.log


def _folders(folder: Path) -> Iterable[str]:
    for name in ("once", "again"):
        (folder / name).mkdir()
        yield name


@pytest.mark.parametrize("fate", FATES)
def test_killed_at_each_step_and_at_pairs_of_steps_each_record_is_there_once(
    fate: str, sweep_part: tuple[int, int], stride: int, quick_folder: Path, tally: Tally
) -> None:
    steps = _steps(fate)
    part, parts = sweep_part
    assert steps > 30
    points = range(1, steps + 1, stride)
    runs = 0
    for first in points[part::parts]:
        once = [((first,), write) for write in range(1, 5)]
        # Which write meets its fate goes round with the pairs, or a release would take a day.
        twice = [((first, second), (first + second) % 4 + 1) for second in range(first + 1, first + steps, stride)]
        for kills, write in (*once, *twice):
            script = Script(kills, write, fate)
            outcome = simulated(0, quick_folder, CALM, script)
            assert not outcome.bad, f"{script}: {outcome.bad}"
            runs += 1
    kinds = {"kill_points": 0 if fate else len(points[part::parts]), "runs": runs}
    tally.count("F1 R3 kill sweep, each point and pair", **kinds, fates=int(part == 0))


@pytest.mark.parametrize("fate", OTHER_FATES)
def test_killed_at_each_step_of_an_apply_with_a_rarer_fate_each_record_is_there_once(
    fate: str, stride: int, quick_folder: Path, tally: Tally
) -> None:
    points = range(1, _steps(fate) + 1, stride)
    for step in points:
        script = Script((step,), step % 4 + 1, fate)
        outcome = simulated(0, quick_folder, CALM, script)
        assert not outcome.bad, f"{script}: {outcome.bad}"
    tally.count("F1 R3 kill sweep, rarer fates", fates=1, runs=len(points))


def test_killed_at_each_step_each_record_is_there_once_on_postgresql(
    stride: int, quick_folder: Path, postgres: PostgresServer, tally: Tally
) -> None:
    steps = _steps("", StateSchema(postgres))
    assert steps > 30
    for step in range(1, steps + 1, stride):
        for fate in FATES if stride == 1 else (FATES[step % len(FATES)],):
            script = Script((step,), step % 4 + 1, fate)
            outcome = simulated(0, quick_folder, CALM, script, StateSchema(postgres))
            assert not outcome.bad, f"{script}: {outcome.bad}"
            tally.count("F1 R3 kill sweep on PostgreSQL", runs=1)


@cache
def _steps(fate: str, state: SimulatedState | None = None) -> int:
    """In how many places a whole apply with such a fate can be killed: by the longest of them."""
    counts = []
    for write in range(1, 5 if fate else 2):
        with tempfile.TemporaryDirectory() as folder:
            counts.append(Simulation(0, Path(folder), CALM, Script((), write, fate), state).run().steps)
    if state:
        state.remove()
    return max(counts)


@pytest.mark.parametrize("by", CLOCK_STEPS)
def test_with_the_clock_set_at_each_step_each_record_is_there_once(
    by: int, stride: int, quick_folder: Path, tally: Tally
) -> None:
    steps = range(1, _steps("") + 1, stride)
    for at in steps:
        # A kill some steps later has the next process settle by the clock as it is now.
        script = Script((at + 4,), at % 4 + 1, FATES[at % len(FATES)], clock_at=at, clock_by=by)
        outcome = simulated(0, quick_folder, CALM, script)
        assert outcome.clock_steps, script
        assert not outcome.bad, f"{script}: {outcome.bad}"
    tally.count("F13 clock set at each step", runs=len(steps))


@pytest.mark.parametrize("hand", HANDS)
def test_what_a_person_does_at_each_step_of_an_apply_is_told_or_left_alone(
    hand: str, stride: int, quick_folder: Path, tally: Tally
) -> None:
    steps = range(1, _steps("") + 1, stride)
    for at in steps:
        # Half of them with a kill soon after, and with each fate of a write.
        kills = (at + 3,) if at % 2 else ()
        script = Script(kills, at % 4 + 1, FATES[at % len(FATES)], hand_at=at, hand=hand)
        outcome = simulated(at, quick_folder, CALM, script)
        assert outcome.edits, script
        assert not outcome.bad, f"{script}: {outcome.bad}"
    tally.count("R7 a person acts at each step", runs=len(steps))


@pytest.mark.parametrize(
    ("added", "sentence"),
    [
        (replace(WANTED[2], quantity=Decimal(7)), "new/2026-09-18 CONFLICT in its place stands record 9001, which is"),
        (replace(WANTED[2], unit_price=Decimal(19)), "new/2026-09-18 CONFLICT in its place stands record 9001, which"),
    ],
)
def test_a_record_that_a_person_adds_between_plan_and_apply_is_a_conflict_and_stays(
    added: AdditionValues, sentence: str, quick_folder: Path
) -> None:
    world = Simulation(0, quick_folder, CALM, Script())
    theirs = world.psa.added(0.0, added)
    world.live("apply")
    assert any(sentence in told for told in world.told()), world.told()
    there = [a for a in world.psa.additions.values() if a.serial_number == "new"]
    assert there == [theirs]


def test_a_record_that_a_person_deletes_between_plan_and_apply_is_drift(quick_folder: Path) -> None:
    world = Simulation(0, quick_folder, CALM, Script())
    world.psa.removed(0.0, "7001")
    world.live("apply")
    assert any("base/2026-08-01 DRIFT record 7001 is no longer there" in told for told in world.told()), world.told()
    assert "7001" not in world.psa.additions


@pytest.mark.parametrize("name", ALTERED)
@pytest.mark.parametrize("answer", ["", ", answer lost"])
def test_a_field_that_the_psa_dropped_or_altered_is_told_by_the_records_id(
    name: str, answer: str, quick_folder: Path
) -> None:
    for write in range(1, 5):
        folder = quick_folder / str(write)
        folder.mkdir()
        world = Simulation(0, folder, CALM, Script((), write, f"{name} altered{answer}"))
        world.live("apply")
        # An end that was dropped is sent again: it is the same record, so nothing can come of it twice.
        left = [record for record in world.psa.altered if write != 4]
        assert all(any(record in told for told in world.told()) for record in left), world.told()
        assert world.psa.writes <= 4 + len(world.psa.altered), "an altered record is not written a second time"


def test_a_write_done_twice_of_which_one_lost_its_serial_number_is_told_by_that_records_id(quick_folder: Path) -> None:
    world = Simulation(0, quick_folder, CALM, Script((), 1, "altered, then done twice"))
    world.live("apply")
    assert any("record 9001 came in beside 9002, without a serial number" in told for told in world.told())
    assert {"9001", "9002"} <= set(world.psa.additions), "what may be a person's is not taken out"


def test_records_that_move_between_pages_while_they_are_read_are_neither_missed_nor_read_twice() -> None:
    """As the target reads them: each page begins after the last id of the one before."""
    psa = SimulatedPsa(agreement())
    psa.keep(0.0)
    ids = [psa.added(float(at), WANTED[at % 3]).id for at in range(5)]
    psa.removed(10.0, ids[0])
    late = psa.added(20.0, WANTED[0]).id
    _, shown = cast(tuple[object, tuple[Addition, ...]], psa.read(ReadAgreement("55"), (5.0, 15.0, 25.0)))
    assert [addition.id for addition in shown] == [*ids, late]


def test_each_mistake_that_is_put_in_is_found(
    mutant: Mutant, most_seeds: int, quick_folder: Path, tally: Tally
) -> None:
    with mutant.put_in():
        for seed in range(most_seeds):
            outcome = simulated(seed, quick_folder, mutant.rates)
            if outcome.bad:
                tally.count("F17 R10 mistakes put in", mistakes=1, found=1)
                tally.found(mutant.name, seed + 1, seed, outcome.bad[0])
                return
    tally.count("F17 R10 mistakes put in", mistakes=1)
    pytest.fail(f"{mutant.name}: not found in {most_seeds} schedules: the tests have lost their teeth")


@pytest.mark.parametrize("sound", SOUND, ids=lambda mutant: mutant.name)
def test_without_a_mistake_the_same_worlds_find_nothing(
    sound: Mutant, most_sound: int, quick_folder: Path, tally: Tally
) -> None:
    tally.count("F17 R10 no mistake put in", schedules=most_sound)
    with sound.put_in():
        assert _bad(simulated(seed, quick_folder, sound.rates) for seed in range(most_sound)) == []
