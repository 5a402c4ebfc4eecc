"""R4, R5, R9: real processes over real HTTP, killed at any moment or started at once, against a PSA that answers badly.

`make torture` kills 500 times on each database, races 200 times, and counts; what comes after a kill gets one second to
take the lock. A failure prints the case, which repeats everything but the moments, for those are the machine's:
`pytest tests/torture --release-size -k "killed_at_any_moment and sqlite and 17"`.
"""

import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from postgres_server import PostgresServer
from real_world import SEED, Office, wanted
from torture_figures import Tally
from wire import Strike, Wire

from reconciler.sandbox.server import RunningSandbox

KILLS_A_CASE = 4
ROUNDS = 10
# Of the plan of this world.
WRITES = 13
DATABASES = ("sqlite", "postgres")
# How bad an answer may be; each within the settle time of the mapping, one second.
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "slow", "seconds": 0.2, "times": 40},
    {"kind": "500-after", "times": 2},
    {"kind": "500-before", "times": 2},
    {"kind": "drop-answer"},
    {"kind": "drop-request"},
    {"kind": "delay-commit", "seconds": 0.5},
    {"kind": "429", "seconds": 1},
)
# So often an apply of this plan has something to say to the PSA.
WORDS = 52
NewState = Callable[[Path], str]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture(params=DATABASES)
def new_state(request: pytest.FixtureRequest) -> NewState:
    """Makes the URL of a state that is not there yet, for the machine with this folder."""
    if request.param == "sqlite":
        return lambda folder: f"sqlite:///{folder / 'state' / 'state.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return lambda _: server.schema()


@pytest.fixture(scope="module")
def wire(sandbox: RunningSandbox) -> Iterator[Wire]:
    """What the command takes for the PSA: it passes everything on, and knows when to kill."""
    with Wire(("127.0.0.1", int(sandbox.url.rpartition(":")[2]))) as between:
        yield between


def _office(wire: Wire, sandbox: RunningSandbox, folder: Path, state: NewState, rng: random.Random) -> Office:
    folder.mkdir()
    sandbox.seed(SEED)
    sandbox.faults([])
    wire.strikes(None)
    office = Office(folder, sandbox, state=state(folder), settle=1, url=f"http://127.0.0.1:{wire.port}")
    office.saved_plan()
    writes = {"method": rng.choice(("POST", "PATCH")), "path": "/additions"}
    sandbox.faults([{"match": writes, "nth": rng.randint(1, 6), **rng.choice(FAULTS)}])
    return office


def _killed(office: Office, wire: Wire, within: int, rng: random.Random) -> bool:
    """Whether an apply was killed at a word of its own to the PSA, or had ended before it came to it."""
    strike = Strike(rng.randint(1, within), rng.random() < 0.5)
    wire.strikes(strike)
    apply = office.fork("apply", "plan.json", "--lock-timeout", "1")
    strike.harm = apply.kill
    status = apply.ended()
    wire.strikes(None)
    assert status in (0, -signal.SIGKILL) or strike.struck, apply.told
    return status == -signal.SIGKILL


def _finished(office: Office, case: int) -> None:
    office.psa.faults([])
    last = office.fork("resume", "--lock-timeout", "1")
    if last.ended() != 0 or "Nothing to resume" in last.told:
        # Killed before its plan was admitted, there is nothing to resume: the plan is applied as if for the first time.
        last = office.fork("apply", "plan.json", "--lock-timeout", "1")
    told = f"case {case}: {last.ended()} {last.told}"
    assert last.ended() == 0, told
    assert office.billed() == wanted(), told
    assert "Traceback" not in last.told, told


def test_killed_at_any_moment_each_record_is_there_once(
    kill_case: int,
    wire: Wire,
    sandbox: RunningSandbox,
    tmp_path: Path,
    new_state: NewState,
    tally: Tally,
    request: pytest.FixtureRequest,
) -> None:
    rng = random.Random(kill_case)
    struck = amid = 0
    for number in range(ROUNDS):
        office = _office(wire, sandbox, tmp_path / str(number), new_state, rng)
        for kill in range(KILLS_A_CASE):
            # A second apply finds less to do.
            if _killed(office, wire, WORDS // (kill + 1), rng):
                struck += 1
                amid += 0 < office.writes() < WRITES
        _finished(office, kill_case)
        if struck >= KILLS_A_CASE:
            break
    database = request.node.callspec.params["new_state"]
    tally.count(f"F5 R4 real SIGKILLs, state in {database}", kills_that_struck=struck, of_them_amid_the_writes=amid)
    assert struck >= KILLS_A_CASE, f"case {kill_case}: every run had ended before it was killed"


def test_of_processes_that_start_at_once_each_record_is_written_by_one(
    race_case: int, wire: Wire, sandbox: RunningSandbox, tmp_path: Path, new_state: NewState
) -> None:
    rng = random.Random(race_case)
    office = _office(wire, sandbox, tmp_path / "office", new_state, rng)
    office.psa.faults([])
    runners = [office.fork("apply", "plan.json") for _ in range(rng.randint(2, 8))]
    statuses = [runner.ended() for runner in runners]
    told = f"case {race_case}: {statuses} {[runner.told for runner in runners]}"
    # Whoever comes after the first has ended finds the plan applied, and those meanwhile find it locked.
    assert set(statuses) <= {0, 4}, told
    assert 0 in statuses, told
    assert office.billed() == wanted(), told
    assert office.writes() == WRITES, told
