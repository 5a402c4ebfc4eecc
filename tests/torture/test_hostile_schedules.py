"""R1, R2, R3, R7, R8, R10: nothing is written twice, lost, or overwritten, whatever happens and whenever.

`make torture` runs the release's sizes (`--release-size`); a failure prints the seed that replays it:
`python -m pytest tests/torture --replay SEED`, and `--replay-on-postgres SEED` where the state lay in PostgreSQL.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest
from mutants import SOUND, Mutant
from postgres_server import PostgresServer
from simulated_state import SimulatedState, StateSchema
from simulation import CALM, Outcome, Script, Simulation, simulated

FATES = ("", "lost request", "lost answer", "late", "replay")
BATCH = 10


def _bad(outcomes: Iterable[Outcome], option: str = "--replay") -> list[str]:
    return [
        f"seed {outcome.seed}: {'; '.join(outcome.bad)}  (replay: pytest tests/torture {option} {outcome.seed})"
        for outcome in outcomes
        if outcome.bad
    ]


def test_no_hostile_schedule_doubles_loses_or_overwrites_a_record(batch: int, quick_folder: Path) -> None:
    seeds = range(batch * BATCH, (batch + 1) * BATCH)
    outcomes = [simulated(seed, quick_folder) for seed in seeds]
    assert _bad(outcomes) == []
    # The schedules are hostile in earnest.
    assert sum(outcome.kills for outcome in outcomes) > BATCH


def test_no_hostile_schedule_does_so_on_postgresql_either(
    batch_on_postgres: int, quick_folder: Path, postgres: PostgresServer
) -> None:
    """F3: the journal and its lock are a real server's; the server's clock is the schedule's."""
    seeds = range(batch_on_postgres * BATCH, (batch_on_postgres + 1) * BATCH)
    outcomes = [simulated(seed, quick_folder, state=StateSchema(postgres)) for seed in seeds]
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
    fate: str, stride: int, quick_folder: Path
) -> None:
    steps = _steps(quick_folder)
    assert steps > 30
    for first in range(1, steps + 1, stride):
        once = [((first,), write) for write in range(1, 5)]
        # Which write meets its fate goes round with the pairs, or a release would take a day.
        twice = [((first, second), (first + second) % 4 + 1) for second in range(first + 1, first + steps, stride)]
        for kills, write in (*once, *twice):
            script = Script(kills, write, fate)
            outcome = simulated(0, quick_folder, CALM, script)
            assert not outcome.bad, f"{script}: {outcome.bad}"


def test_killed_at_each_step_each_record_is_there_once_on_postgresql(
    stride: int, quick_folder: Path, postgres: PostgresServer
) -> None:
    steps = _steps(quick_folder, StateSchema(postgres))
    assert steps > 30
    for step in range(1, steps + 1, stride):
        for fate in FATES if stride == 1 else (FATES[step % len(FATES)],):
            script = Script((step,), step % 4 + 1, fate)
            outcome = simulated(0, quick_folder, CALM, script, StateSchema(postgres))
            assert not outcome.bad, f"{script}: {outcome.bad}"


def _steps(folder: Path, state: SimulatedState | None = None) -> int:
    here = folder / "counted"
    here.mkdir()
    calm = Simulation(0, here, CALM, Script(), state)
    calm.run()
    if state:
        state.remove()
    return calm.steps


def test_each_mistake_that_is_put_in_is_found(mutant: Mutant, most_seeds: int, quick_folder: Path) -> None:
    with mutant.put_in():
        for seed in range(most_seeds):
            outcome = simulated(seed, quick_folder, mutant.rates)
            if outcome.bad:
                print(f"{mutant.name}: found in schedule {seed + 1}: {outcome.bad[0]}")
                return
    pytest.fail(f"{mutant.name}: not found in {most_seeds} schedules: the tests have lost their teeth")


@pytest.mark.parametrize("sound", SOUND, ids=lambda mutant: mutant.name)
def test_without_a_mistake_the_same_worlds_find_nothing(sound: Mutant, most_sound: int, quick_folder: Path) -> None:
    with sound.put_in():
        assert _bad(simulated(seed, quick_folder, sound.rates) for seed in range(most_sound)) == []
