"""F12 as a person meets it: what a command says, and its exit status, where the state cannot be read or written."""

import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from real_world import SEED, Office

from reconciler.sandbox.server import RunningSandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def office(sandbox: RunningSandbox, tmp_path: Path) -> Office:
    sandbox.seed(SEED)
    sandbox.faults([])
    made = Office(tmp_path, sandbox)
    made.saved_plan()
    return made


def ran(office: Office, command: str, before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        office.command(*command.split()),
        cwd=office.folder,
        env=office.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=before,
    )


def no_room() -> None:
    """Files of this process may not grow beyond 4,096 bytes, as on a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


@pytest.mark.parametrize("command", ["plan", "apply plan.json", "resume", "status"])
def test_a_state_that_cannot_grow_is_one_sentence_exit_1_and_no_write(office: Office, command: str) -> None:
    told = ran(office, command, no_room)
    assert told.returncode == 1, told.stderr
    assert "error: the state database .reconciler/state.db could not be" in told.stderr
    assert "hint: check the disk" in told.stderr
    assert "Traceback" not in told.stdout + told.stderr
    assert office.writes() == 0
