"""R1, R2, R3, R7, R8, R10: nothing is written twice, lost, or overwritten, whatever happens and whenever.

`make torture` runs the release's sizes (`--release-size`); a failure prints the seed that replays it:
`python -m pytest tests/torture --replay SEED`, and `--replay-on-postgres SEED` where the state lay in PostgreSQL.
"""

import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from hostile_worlds import Family
from mutants import SOUND, Mutant
from postgres_server import PostgresServer
from simulated_life import CLOCK_STEPS
from simulated_state import SimulatedState, StateSchema
from simulation import CALM, Outcome, Script, Simulation, simulated
from torture_figures import Tally

FATES = ("", "lost request", "lost answer", "late", "replay")
# Those that lead into the same states as one of the above; each meets every step, but no pair.
OTHER_FATES = (
    "not sent", "replay, answer lost", "asked too often", "asked too often, no time told", "another's record"
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
    names = ("kills", "lives", "replays", "lost_states", "edits", "freezes", "clock_steps")
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
