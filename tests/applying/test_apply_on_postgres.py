"""An apply whose state lies in PostgreSQL: killed, raced, its database gone meanwhile; nothing twice, nothing lost."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import PostgresServer
from real_world import SEED, Office, wanted

from reconciler.sandbox.server import RunningSandbox

SLOW = [
    {"match": {"method": method, "path": "/"}, "times": 1000, "kind": "slow", "seconds": 0.2}
    for method in ("POST", "PATCH")
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def office(sandbox: RunningSandbox, tmp_path: Path) -> Office:
    sandbox.seed(SEED)
    sandbox.faults([])
    return Office(tmp_path, sandbox)


def planned(office: Office, url: str) -> str:
    made = office.invoke("--state", url, "plan", "--out", str(office.folder / "plan.json"))
    assert made.exit_code == 0, made.output
    return "plan.json"


def resumed(office: Office, url: str) -> None:
    office.psa.faults([])
    last = office.run("--state", url, "resume")
    assert last.returncode == 0, last.stdout + last.stderr
    assert office.billed() == wanted()
    again = office.run("--state", url, "plan", "--detailed-exitcode")
    assert again.returncode == 0, again.stdout
    assert not (office.folder / ".reconciler" / "state.db").exists()


def test_an_apply_that_is_killed_is_finished_by_resume_with_no_record_twice(office: Office, postgres_url: str) -> None:
    plan = planned(office, postgres_url)
    office.psa.faults(SLOW)
    victim = office.start("--state", postgres_url, "apply", plan)
    assert victim.stderr is not None
    for _ in range(4):
        victim.stderr.readline()
    victim.kill()
    victim.communicate()
    assert victim.returncode == -signal.SIGKILL
    resumed(office, postgres_url)


def test_a_database_that_restarts_in_mid_apply_stops_the_run_and_nothing_is_lost(
    office: Office, postgres: PostgresServer, postgres_url: str
) -> None:
    plan = planned(office, postgres_url)
    office.psa.faults(SLOW)
    runner = office.start("--state", postgres_url, "apply", plan)
    assert runner.stderr is not None
    for _ in range(4):
        runner.stderr.readline()
    postgres.stop()
    postgres.start()
    _, told = runner.communicate(timeout=60)
    assert runner.returncode in (1, 6), told
    assert "Traceback" not in told
    assert "bug" not in told
    assert "reconciler resume" in told
    resumed(office, postgres_url)


def test_of_four_processes_with_one_plan_one_writes(office: Office, postgres_url: str) -> None:
    plan = planned(office, postgres_url)
    office.psa.faults(SLOW)
    runners = [office.start("--state", postgres_url, "apply", plan) for _ in range(4)]
    told = [runner.communicate(timeout=60)[1] for runner in runners]
    statuses = [runner.returncode for runner in runners]
    assert set(statuses) <= {0, 4}, told
    assert 0 in statuses
    assert office.billed() == wanted()
    assert office.writes() == 13
