"""How much is tried: a little on every push, all of it by `make torture`."""

import shlex
import tempfile
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hostile_worlds import FAMILIES
from mutants import MUTANTS
from postgres_server import PostgresServer
from simulated_state import StateSchema
from simulation import Simulation
from torture_figures import Tally, counted, page, written

# Small sizes, and those of a release.
SCHEDULES_ON_POSTGRES = (10, 2_000)
STRIDE = (23, 1)
# In so many parts the sweep over all kill points is done, for processes to share.
SWEEP_PARTS = (1, 8)
MUTANT_SEEDS = (150, 2_500)
SOUND_SEEDS = (10, 300)
KILL_CASES = (1, 125)
# Of the moments at which a database may fail: every so manieth.
FAULT_STRIDE = (11, 1)
START_ROUNDS = (10, 50)
LARGE_ROWS = (10_000, 100_000)
RACE_CASES = (1, 100)
# So many batches, which processes share out among them, of so many each.
EXAMPLES = ((1, 15), (40, 50))
SPLITS = ((1, 10_000), (10, 10_000))
_BEGUN = time.monotonic()
_MEMORY = Path("/dev/shm")  # noqa: S108 -- a folder of its own is made in it


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--release-size", action="store_true", help="The sizes of a release, as `make torture` runs them.")
    parser.addoption("--replay", type=int, help="Prints one hostile schedule, step by step.")
    parser.addoption("--replay-on-postgres", type=int, help="The same, with its state in PostgreSQL.")
    parser.addoption("--replay-world", default="hostile", help="The world of the schedule that --replay prints.")
    parser.addoption("--figures", type=Path, help="Where to write the summary of what was counted.")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    release = bool(metafunc.config.getoption("--release-size", default=False))
    batches = [(f, batch) for f in FAMILIES.values() for batch in range(f.schedules[release] // 10)]
    parts = SWEEP_PARTS[release]
    for name, values in (
        ("batch_on_postgres", range(SCHEDULES_ON_POSTGRES[release] // 10)),
        ("family_batch", [pytest.param(each, id=f"{each[0].name} {each[1]}") for each in batches]),
        ("sweep_part", [(part, parts) for part in range(parts)]),
        ("example_batch", [(batch, EXAMPLES[release][1]) for batch in range(EXAMPLES[release][0])]),
        ("split_batch", [(batch, SPLITS[release][1]) for batch in range(SPLITS[release][0])]),
    ):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, values)
    if "mutant" in metafunc.fixturenames:
        tried = [mutant for mutant in MUTANTS if release or not mutant.rare]
        metafunc.parametrize("mutant", tried, ids=[mutant.name for mutant in tried])
    for name, sizes in (("kill_case", KILL_CASES), ("race_case", RACE_CASES)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, range(sizes[release]))
    for name, sizes in (
        ("stride", STRIDE),
        ("most_seeds", MUTANT_SEEDS),
        ("most_sound", SOUND_SEEDS),
        ("fault_stride", FAULT_STRIDE),
        ("start_rounds", START_ROUNDS),
        ("large_rows", LARGE_ROWS),
    ):
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


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Takes what the test counts, for the summary at the end of the run."""
    return Tally(request.node.user_properties)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    in_a_file, on_postgres = config.getoption("--replay"), config.getoption("--replay-on-postgres")
    if in_a_file is None and on_postgres is None:
        return
    items.clear()
    rates = FAMILIES[config.getoption("--replay-world")].rates
    with tempfile.TemporaryDirectory() as folder:
        if on_postgres is None:
            _replay(Simulation(in_a_file, Path(folder), rates))
            return
        server = PostgresServer()
        try:
            state = StateSchema(server)
            _replay(Simulation(on_postgres, Path(folder), rates, state=state))
            state.remove()
        finally:
            server.remove()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under each failure stands the one line that runs exactly this case again."""
    report = yield
    if report.failed:
        size = " --release-size" if item.config.getoption("--release-size") else ""
        report.sections.append(("to run this case again", f"python -m pytest{size} {shlex.quote(item.nodeid)}"))
    return report


def _replay(simulation: Simulation) -> None:
    outcome = simulation.run()
    print("\n".join(simulation.log), outcome, sep="\n")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table of what was counted, where the torture tests were asked for by name."""
    release = config.getoption("--release-size", default=None)
    reports = [
        report
        for outcome in ("passed", "failed", "error")
        for report in terminalreporter.stats.get(outcome, [])
        if isinstance(report, pytest.TestReport) and ("/torture/" in f"/{report.nodeid}" or counted(report))
    ]
    if release is None or not reports:
        return
    text = page(reports, release=release, seconds=time.monotonic() - _BEGUN, today=datetime.now(UTC).date())
    terminalreporter.write_line("")
    terminalreporter.write_line(text)
    written(text, config.getoption("--figures"))
