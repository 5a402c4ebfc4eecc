"""R4 and R5: real processes over real HTTP, killed at any moment or started at once, against a PSA that answers badly.

`make torture` kills 500 times and races 200 times. A failure prints the seed of its case, which repeats everything but
the moments, for those are the machine's.
"""

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from real_world import SEED, Office, wanted

from reconciler.sandbox.server import RunningSandbox

KILLS_A_CASE = 2
# How bad an answer may be; each within the settle time of the mapping, two seconds.
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "slow", "seconds": 0.3, "times": 40},
    {"kind": "500-after", "times": 2},
    {"kind": "500-before", "times": 2},
    {"kind": "drop-answer"},
    {"kind": "drop-request"},
    {"kind": "delay-commit", "seconds": 1},
    {"kind": "429", "seconds": 1},
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


def _office(sandbox: RunningSandbox, folder: Path, rng: random.Random) -> Office:
    sandbox.seed(SEED)
    office = Office(folder, sandbox)
    office.saved_plan()
    writes = {"method": rng.choice(("POST", "PATCH")), "path": "/additions"}
    sandbox.faults([{"match": writes, "nth": rng.randint(1, 6), **rng.choice(FAULTS)}])
    return office


def _killed(process: subprocess.Popen[str], seconds: float) -> bool:
    """Whether the process was killed after so long, or had ended before."""
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    return False


def _finished(office: Office, case: int) -> None:
    office.psa.faults([])
    last = office.run("resume")
    if last.returncode != 0 or "Nothing to resume" in last.stdout:
        # Killed before its plan was admitted, there is nothing to resume: the plan is applied as if for the first time.
        last = office.run("apply", "plan.json")
    told = f"case {case}: {last.returncode} {last.stdout} {last.stderr}"
    assert last.returncode == 0, told
    assert office.billed() == wanted(), told
    assert "Traceback" not in last.stderr, told


def test_killed_at_any_moment_each_record_is_there_once(
    kill_case: int, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    rng = random.Random(kill_case)
    office = _office(sandbox, tmp_path, rng)
    kills = sum(_killed(office.start("apply", "plan.json"), rng.uniform(0.4, 3.0)) for _ in range(KILLS_A_CASE))
    print(f"case {kill_case}: killed {kills} times")
    _finished(office, kill_case)


def test_of_processes_that_start_at_once_each_record_is_written_by_one(
    race_case: int, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    rng = random.Random(race_case)
    office = _office(sandbox, tmp_path, rng)
    office.psa.faults([])
    runners = [office.start("apply", "plan.json") for _ in range(rng.randint(2, 8))]
    ended = [(runner.communicate(timeout=120), runner.returncode) for runner in runners]
    statuses = [status for _, status in ended]
    told = f"case {race_case}: {statuses} {ended}"
    # Whoever comes after the first has ended finds the plan applied, and those meanwhile find it locked.
    assert set(statuses) <= {0, 4}, told
    assert 0 in statuses, told
    assert office.billed() == wanted(), told
    assert office.writes() == 13, told
