"""What the command does with a state in PostgreSQL: made, exported, unlocked, telling by messages, gone amid."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import PostgresServer
from real_world import SEED, Office, wanted
from receivers import WebHook
from sqlalchemy.engine import make_url
from wire import Strike, Wire

from reconciler.sandbox.server import RunningSandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def office(sandbox: RunningSandbox, tmp_path: Path, postgres_url: str) -> Office:
    sandbox.seed(SEED)
    sandbox.faults([])
    return Office(tmp_path, sandbox, state=postgres_url, settle=1)


def database_of(url: str) -> str:
    return str(make_url(url).database)


def test_a_state_is_made_shown_and_exported(office: Office) -> None:
    assert "has schema 3" in office.invoke("state", "migrate").output
    assert office.invoke("apply", str(office.folder / office.saved_plan())).exit_code == 0
    exported = office.invoke("state", "export")
    assert exported.exit_code == 0
    rows = [json.loads(line) for line in exported.stdout.splitlines()]
    assert sum(row.get("state") == "CONFIRMED" for row in rows) == 13
    assert {row["table"] for row in rows} >= {"meta", "plan_run", "op", "op_event", "run", "tenant_lock"}
    for words in (("status",), ("history",)):
        shown = office.invoke(*words)
        assert shown.exit_code == 0, shown.output
        assert "postgres@" not in shown.stdout
    assert office.invoke("plan", "--detailed-exitcode").exit_code == 0
    assert not (office.folder / ".reconciler" / "state.db").exists()


@pytest.fixture
def office_of_its_own(tmp_path: Path, postgres_url: str) -> Iterator[Office]:
    """With a PSA that nobody else uses: what it is still at when a test ends must not land in the next one."""
    with RunningSandbox() as own:
        own.seed(SEED)
        yield Office(tmp_path, own, state=postgres_url, settle=6)


def test_a_living_run_is_not_unlocked_and_a_killed_one_is_followed_within_a_second(office_of_its_own: Office) -> None:
    office = office_of_its_own
    plan = office.saved_plan()
    office.psa.faults([{"match": {"method": "POST", "path": "/"}, "times": 1000, "kind": "slow", "seconds": 5}])
    runner = office.start("apply", plan)
    try:
        assert runner.stderr is not None
        runner.stderr.readline()
        looked = office.invoke("status")
        assert "it is alive" in looked.output
        lock_id = looked.output.split("lock id ")[1].split(";")[0]
        refused = office.invoke("state", "unlock", lock_id)
        assert refused.exit_code == 4
        assert "which is alive" in refused.output
        assert f"end process {runner.pid}" in refused.output
        # Waiting a moment for a run that takes longer is in vain, and is said.
        locked = office.invoke("apply", str(office.folder / plan), "--lock-timeout", "0.1")
        assert locked.exit_code == 4
        assert "pg_terminate_backend" in locked.output
        assert "waiting for up to 0.1 s" in locked.output
    finally:
        runner.kill()
        runner.communicate()
    assert office.invoke("state", "unlock", "other").exit_code == 1
    office.psa.faults([])
    # R9: its lock is free within a second. The same command finishes it, or begins it where nothing was admitted yet.
    resumed = office.run("apply", plan, "--lock-timeout", "1")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert office.billed() == wanted()


def test_messages_wait_in_its_outbox_until_they_are_taken(
    office: Office, postgres: PostgresServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = office.folder / "mappings.yaml"
    told = '    notify: [{on: [plan-ready], to: "${BILLING_ALERT_URL}"}]\n'
    mapping.write_text(mapping.read_text("utf-8").replace("customers:\n", f"{told}customers:\n", 1), "utf-8")
    with WebHook(500) as hook:
        monkeypatch.setenv("BILLING_ALERT_URL", hook.address())
        office.saved_plan()
    refused = [header["x-reconciler-message"] for header in hook.headers]
    found = "SELECT kind, sent_at IS NULL, attempts, error FROM outbox WHERE body <> ''"
    ((kind, waits, attempts, error),) = postgres.run(found, database=database_of(postgres_url))
    assert (kind, waits, attempts) == ("plan-ready", True, 1)
    assert error
    assert hook.address() not in error
    postgres.run("UPDATE outbox SET next_at = '2000-01-01T00:00:00.000000+00:00'", database=database_of(postgres_url))
    with WebHook() as hook:
        monkeypatch.setenv("BILLING_ALERT_URL", hook.address())
        assert office.invoke("notify", "send").exit_code == 0
    assert [header["x-reconciler-message"] for header in hook.headers] == refused[:1]
    ((_, waits, _, _),) = postgres.run(found, database=database_of(postgres_url))
    assert not waits


@pytest.mark.parametrize("at", [9, 60, 90])
def test_a_connection_that_is_cut_is_a_sentence_a_status_and_work_for_resume(
    at: int, office: Office, postgres: PostgresServer, postgres_url: str
) -> None:
    plan = office.saved_plan()
    door = postgres.folder / f"door-{at}"
    door.mkdir()
    strike = Strike(at)
    with Wire(f"{postgres.folder}/.s.PGSQL.5432", f"{door}/.s.PGSQL.5432") as wire:
        wire.strikes(strike)
        through = postgres_url.replace(f"host={postgres.folder}", f"host={door}")
        cut = office.run("--state", through, "apply", plan)
    assert strike.struck
    assert cut.returncode in (1, 6), cut.stderr
    assert "reconciler resume" in cut.stderr
    assert "Traceback" not in cut.stderr
    assert "bug" not in cut.stderr
    finished = office.run("resume", "--lock-timeout", "1")
    if "Nothing to resume" in finished.stdout:
        finished = office.run("apply", plan)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert office.billed() == wanted()
    assert office.writes() == 13
