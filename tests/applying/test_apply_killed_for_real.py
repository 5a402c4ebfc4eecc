"""The command as a process, the PSA on loopback, real files: killed, raced, stopped, and finished by the next run."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from real_world import SEED, Office, wanted

from reconciler.sandbox.server import RunningSandbox


def slow(seconds: float, method: str = "POST") -> dict[str, Any]:
    return {"match": {"method": method, "path": "/"}, "times": 1000, "kind": "slow", "seconds": seconds}


SLOW = [slow(0.25), slow(0.25, "PATCH")]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def office(sandbox: RunningSandbox, tmp_path: Path) -> Office:
    sandbox.seed(SEED)
    sandbox.faults([])
    return Office(tmp_path, sandbox)


@pytest.mark.parametrize("lines", [1, 8])
def test_an_apply_that_is_killed_is_finished_by_resume_with_no_record_twice(office: Office, lines: int) -> None:
    plan = office.saved_plan()
    office.psa.faults(SLOW)
    victim = office.start("apply", plan)
    assert victim.stderr is not None
    for _ in range(lines):
        victim.stderr.readline()
    victim.kill()
    victim.communicate()
    assert victim.returncode == -signal.SIGKILL
    assert "finish them with: reconciler resume" in office.run("status").stdout

    office.psa.faults([])
    resumed = office.run("resume")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert office.billed() == wanted()
    written, before = _written_and_before(resumed.stdout)
    assert before > 0
    assert (written + before, office.writes()) == (13, 13)
    assert resumed.stderr.count("written before: ") == before
    assert "on the invoices, with what was written before" in resumed.stdout
    assert f"{before} written before" in office.run("history").stdout
    again = office.run("plan", "--detailed-exitcode")
    assert again.returncode == 0, again.stdout
    assert "Nothing to resume" in office.run("resume").stdout


def _written_and_before(told: str) -> tuple[int, int]:
    counts = {word: int(number) for number, word in re.findall(r"(\d+) ([a-z ]+)", told.splitlines()[0])}
    return sum(counts.get(word, 0) for word in ("created", "ended")), counts["written before"]


@pytest.mark.parametrize(("asked", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lets_the_request_in_flight_end_and_sends_nothing_new(
    office: Office, asked: signal.Signals, status: int
) -> None:
    plan = office.saved_plan()
    office.psa.faults(SLOW)
    process = office.start("apply", plan)
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(asked)
    _, told = process.communicate(timeout=30)
    assert process.returncode == status, told
    assert "finish with: reconciler resume" in told
    assert "INTENT" not in office.run("status").stdout
    assert 0 < office.writes() < 13

    office.psa.faults([])
    assert office.run("apply", plan).returncode == 0
    assert office.billed() == wanted()


@pytest.mark.parametrize(("asked", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_before_anything_was_written_ends_in_order_and_says_what_next(
    office: Office, asked: signal.Signals, status: int
) -> None:
    office.psa.faults([slow(0.5, "GET")])
    process = office.start("apply", "--auto-approve", "-v")
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(asked)
    _, told = process.communicate(timeout=30)
    assert (process.returncode, office.writes()) == (status, 0), told
    assert told.endswith("stopped on request; whether an apply is left to finish: reconciler status\n")
    assert f"exit={status}" in told
    office.psa.faults([])


@pytest.fixture
def office_of_its_own(tmp_path: Path) -> Iterator[Office]:
    """With a PSA that nobody else uses: what it is still at when a test ends must not land in the next one."""
    with RunningSandbox() as own:
        own.seed(SEED)
        yield Office(tmp_path, own)


def test_of_several_applies_at_once_one_writes_and_the_others_say_who_has_the_lock(office_of_its_own: Office) -> None:
    office = office_of_its_own
    plan = office.saved_plan()
    # The closings of the old records go through at once; the creations after them hold the first one up.
    office.psa.faults([slow(8)])
    first = office.start("apply", plan)
    try:
        assert first.stderr is not None
        first.stderr.readline()
        others = [office.start("apply", plan) for _ in range(2)]
        for other in others:
            _, told = other.communicate(timeout=60)
            assert other.returncode == 4, told
            assert f"process {first.pid}" in told
            assert "since 20" in told
            assert "reconciler status" in told
        looked = office.run("status")
        assert looked.returncode == 0
        assert "it is alive" in looked.stdout
        lock_id = looked.stdout.split("lock id ")[1].split(";")[0]
        assert office.run("state", "unlock", lock_id).returncode == 4
    finally:
        first.kill()
        first.communicate()
    assert office.run("state", "unlock", "other").returncode == 1
    assert office.run("state", "unlock", lock_id).returncode == 0


def test_processes_that_start_together_on_no_state_at_all_write_each_record_once(office: Office) -> None:
    plan = office.saved_plan()
    for file in (office.folder / ".reconciler").glob("state.db*"):
        file.unlink()
    runners = [office.start("apply", plan) for _ in range(4)]
    statuses = []
    for runner in runners:
        _, told = runner.communicate(timeout=60)
        statuses.append(runner.returncode)
        assert "Traceback" not in told
        assert "bug" not in told
    # Those that come after the first has ended find the plan applied already.
    assert set(statuses) <= {0, 4}
    assert statuses.count(0) >= 1
    assert office.billed() == wanted()
    assert office.writes() == 13


def test_a_lost_state_costs_nothing_but_the_history(office: Office) -> None:
    plan = office.saved_plan()
    office.psa.faults(SLOW)
    victim = office.start("apply", plan)
    assert victim.stderr is not None
    for _ in range(5):
        victim.stderr.readline()
    victim.kill()
    victim.communicate()
    for file in (office.folder / ".reconciler").glob("state.db*"):
        if not file.name.endswith(".lock"):
            file.unlink()
    office.psa.faults([])
    applied = office.run("apply", "--auto-approve")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert "the state of a killed run was lost" in applied.stderr
    # What was in flight when the plan was made may have made it stale; then the next one holds.
    assert office.billed() == wanted()


@pytest.mark.parametrize("kind", ["500-after", "drop-request", "duplicate"])
def test_a_psa_that_answers_badly_still_bills_each_record_once(office: Office, kind: str) -> None:
    plan = office.saved_plan()
    fault = {"match": {"method": "POST", "path": "/additions$"}, "nth": 2, "kind": kind, "seconds": 1}
    office.psa.faults([fault])
    applied = office.run("apply", plan)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert office.billed() == wanted()
