"""How much is tried: a little on every push, all of it by `make torture`."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from mutants import MUTANTS
from postgres_server import PostgresServer
from simulated_state import StateSchema
from simulation import Simulation

# Small sizes, and those of a release.
SCHEDULES = (60, 10_000)
SCHEDULES_ON_POSTGRES = (10, 2_000)
STRIDE = (17, 1)
MUTANT_SEEDS = (150, 2_500)
SOUND_SEEDS = (20, 300)
KILL_CASES = (3, 250)
RACE_CASES = (2, 200)
_MEMORY = Path("/dev/shm")  # noqa: S108 -- a folder of its own is made in it


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--release-size", action="store_true", help="The sizes of a release, as `make torture` runs them.")
    parser.addoption("--replay", type=int, help="Prints one hostile schedule, step by step.")
    parser.addoption("--replay-on-postgres", type=int, help="The same, with its state in PostgreSQL.")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    release = bool(metafunc.config.getoption("--release-size", default=False))
    if "batch" in metafunc.fixturenames:
        metafunc.parametrize("batch", range(SCHEDULES[release] // 10))
    if "batch_on_postgres" in metafunc.fixturenames:
        metafunc.parametrize("batch_on_postgres", range(SCHEDULES_ON_POSTGRES[release] // 10))
    if "mutant" in metafunc.fixturenames:
        tried = [mutant for mutant in MUTANTS if release or not mutant.rare]
        metafunc.parametrize("mutant", tried, ids=[mutant.name for mutant in tried])
    for name, sizes in (("kill_case", KILL_CASES), ("race_case", RACE_CASES)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, range(sizes[release]))
    for name, sizes in (("stride", STRIDE), ("most_seeds", MUTANT_SEEDS), ("most_sound", SOUND_SEEDS)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, [sizes[release]], ids=[f"{name} {sizes[release]}"])


@pytest.fixture
def quick_folder() -> Iterator[Path]:
    """A folder in memory where there is one: a journal that waits for the disk proves nothing more here."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """As everywhere, but in memory."""
    server = PostgresServer(_MEMORY if _MEMORY.is_dir() else None)
    try:
        yield server
    finally:
        server.remove()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    in_a_file, on_postgres = config.getoption("--replay"), config.getoption("--replay-on-postgres")
    if in_a_file is None and on_postgres is None:
        return
    items.clear()
    with tempfile.TemporaryDirectory() as folder:
        if on_postgres is None:
            _replay(Simulation(in_a_file, Path(folder)))
            return
        server = PostgresServer()
        try:
            state = StateSchema(server)
            _replay(Simulation(on_postgres, Path(folder), state=state))
            state.remove()
        finally:
            server.remove()


def _replay(simulation: Simulation) -> None:
    outcome = simulation.run()
    print("\n".join(simulation.log), outcome, sep="\n")
