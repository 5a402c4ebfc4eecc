"""The state file: who may read it, what is refused, what the database itself will not take."""

import sqlite3
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from reconciler.store import schema
from reconciler.store.applied import applied_records
from reconciler.store.database import (
    MIGRATIONS,
    Store,
    copy,
    locked_store,
    migrate,
    open_store,
    read_journal,
    read_store,
)
from reconciler.store.errors import FencedOut, StateLocked, StoreError
from reconciler.store.history import RunKind, RunRecord, record_run
from reconciler.store.journal import take_over
from reconciler.store.keeping import unlock
from reconciler.store.location import file_system, lock_file
from reconciler.store.ops import NewOp, Step
from reconciler.store.schema import RunState, State
from reconciler.store.sqlite import COPIES_KEPT

NOW = datetime(2026, 10, 3, 8, tzinfo=UTC)
# Takes the lock, says so, and holds it until its input ends.
HOLD = """
import sys
from datetime import UTC, datetime
from reconciler.store.database import locked_store
from reconciler.store.errors import StateLocked
try:
    with locked_store(sys.argv[1], "reconciler apply", datetime.now(UTC)) as store:
        print("held", flush=True)
        sys.stdin.read()
except StateLocked as error:
    print(f"locked: {error}", flush=True)
"""


def new_op(slot: str) -> NewOp:
    return NewOp(slot, f"psa/{slot}", "addition", "create", "serial", None, '{"quantity":"3"}')


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.security(26, 32)
def test_file_and_folder_are_for_their_owner_alone(sqlite_url: str, tmp_path: Path) -> None:
    with locked_store(sqlite_url, "reconciler apply", NOW) as store:
        record_run(store, RunRecord(RunKind.PLAN, NOW, "me"))
        copied = copy(store, NOW)
    folder = tmp_path / ".reconciler"
    assert mode(folder) == 0o700
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert copied in files
    assert {mode(path) for path in files} == {0o600}
    (folder / "state.db").chmod(0o644)
    open_store(sqlite_url, NOW).close()
    assert mode(folder / "state.db") == 0o600


def test_a_commit_is_on_the_disk_before_it_returns(sqlite_url: str) -> None:
    store = open_store(sqlite_url, NOW)
    with store.reading() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 30_000
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    store.close()


def test_a_reader_neither_waits_for_a_writer_nor_sees_half_of_its_work(url: str) -> None:
    store = open_store(url, NOW)
    with store.writing() as writer:
        writer.execute(update(schema.meta).where(schema.meta.c.k == "serial").values(v="7"))
        other = read_store(url)
        assert other is not None
        assert other.meta("serial") == "0"
        other.close()
    assert store.meta("serial") == "7"
    store.close()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"this is no database, but it is long enough to look at" * 99, "is not a SQLite database"),
        (b"SQLite format 3\x00" + b"\xff" * 4080, "state database"),
    ],
)
def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "state.db"
    file.write_bytes(content)
    for opened in (lambda: open_store(f"sqlite:///{file}", NOW), lambda: read_store(f"sqlite:///{file}")):
        with pytest.raises(StoreError, match=said) as caught:
            opened()
        assert caught.value.hint
    assert file.read_bytes() == content


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE invoices (id INTEGER)")
    other.close()
    with pytest.raises(StoreError, match="another program"):
        open_store(f"sqlite:///{file}", NOW)


def test_a_damaged_database_is_a_sentence(sqlite_url: str, tmp_path: Path) -> None:
    open_store(sqlite_url, NOW).close()
    file = tmp_path / ".reconciler" / "state.db"
    pages = bytearray(file.read_bytes())
    pages[100:4096] = b"\xee" * 3996
    file.write_bytes(pages)
    with pytest.raises(StoreError, match="damaged"):
        read_store(sqlite_url)


@pytest.mark.security(32)
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://db/x", "not known"),
        ("sqlite://", "plain file"),
        ("sqlite:///:memory:", "plain file"),
        ("state.db", "not given as a URL"),
        ("postgresql://me:hunter2@db:port/x", "not given as a URL"),
        ("mysql://me:hunter2@db/x", "not known"),
        ("postgresql://me:sec@hunter2@db/x", "host in the state's URL is not one"),
    ],
)
def test_other_databases_are_refused_without_repeating_the_url(url: str, said: str) -> None:
    with pytest.raises(StoreError, match=said) as caught:
        read_store(url)
    assert "hunter2" not in str(caught.value)


def test_a_folder_in_the_place_of_the_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder"):
        open_store(f"sqlite:///{tmp_path}", NOW)


def test_nothing_is_made_by_reading(sqlite_url: str, tmp_path: Path) -> None:
    assert read_store(sqlite_url) is None
    assert list(tmp_path.iterdir()) == []


def test_network_file_systems_are_known_by_the_deepest_mount() -> None:
    mounts = (
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "30 22 0:40 / /home rw shared:1 - nfs4 server:/home rw\n"
        "31 30 8:2 / /home/me/local\\040disk rw - xfs /dev/sdb rw\n"
        "cut short\n"
    )
    assert file_system(Path("/home/me"), mounts) == "nfs4"
    assert file_system(Path("/home/me/local disk/x"), mounts) == "xfs"
    assert file_system(Path("/homely"), mounts) == "ext4"
    assert file_system(Path("/x"), "") is None


def test_a_database_that_is_just_being_made_is_no_state_yet(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / ".reconciler").mkdir()
    maker = sqlite3.connect(tmp_path / ".reconciler" / "state.db")
    maker.execute("PRAGMA journal_mode=WAL")
    assert read_store(sqlite_url) is None
    maker.close()


# -- schema versions


def set_version(store: Store, version: int) -> None:
    with store.writing() as connection:
        connection.execute(update(schema.meta).where(schema.meta.c.k == "schema").values(v=str(version)))


def test_a_newer_schema_is_refused_with_what_to_do(url: str) -> None:
    store = open_store(url, NOW)
    set_version(store, schema.VERSION + 1)
    store.close()
    for opened in (lambda: open_store(url, NOW), lambda: read_store(url)):
        with pytest.raises(StoreError, match="written by a newer version"):
            opened()
    with (
        pytest.raises(StoreError, match="written by a newer version"),
        locked_store(url, "reconciler state migrate", NOW),
    ):
        pass


def test_an_older_schema_is_read_only_after_it_was_migrated_step_by_step(url: str) -> None:
    store = open_store(url, NOW)

    def second(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE later (k TEXT)"))

    assert migrate(store, (*MIGRATIONS, second)) == len(MIGRATIONS)
    assert store.meta("schema") == str(len(MIGRATIONS) + 1)
    with store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM later")).scalar() == 0
    set_version(store, 0)
    store.close()
    with pytest.raises(StoreError, match="older schema"):
        read_store(url)
    with locked_store(url, "reconciler state migrate", NOW) as migrated:
        assert migrated.meta("schema") == str(schema.VERSION)


def test_ten_copies_are_kept_and_the_first_is_made_when_there_is_something_to_keep(
    sqlite_url: str, tmp_path: Path
) -> None:
    store = open_store(sqlite_url, NOW)
    assert copy(store, NOW) is None
    record_run(store, RunRecord(RunKind.PLAN, NOW, "me"))
    made = [copy(store, NOW + timedelta(hours=hour)) for hour in range(COPIES_KEPT + 2)]
    kept = sorted((tmp_path / ".reconciler" / "backups").iterdir())
    assert kept == made[2:]
    with sqlite3.connect(kept[0]) as connection:
        assert connection.execute("SELECT count(*) FROM run").fetchone() == (1,)
    connection.close()
    store.close()


# -- what the database itself will not take


def test_the_database_refuses_a_second_open_op_on_a_slot_and_an_open_op_without_deadline(url: str) -> None:
    with locked_store(url, "reconciler apply", NOW) as store:
        journal = take_over(store, "psa", NOW)
        journal.admit("plan-1", "sha256:1", "{}", [new_op("a")], NOW)
        first = journal.ops("plan-1")[0]
        with pytest.raises(IntegrityError, match="open_op_has_deadline"):
            journal.move(first, Step(State.INTENT), NOW)
        journal.move(first, Step(State.INTENT, deadline=NOW), NOW)
        with pytest.raises(StoreError, match="is not settled"):
            journal.admit("plan-2", "sha256:2", "{}", [new_op("a")], NOW)
        row = {"tenant": "psa", "slot": "a", "seq": 0, "address": "x", "resource": "addition", "kind": "create"}
        row |= {"state": "UNKNOWN", "attempt": 1, "fence": 1, "deadline": "2026"}
        with store.writing() as connection:
            run = {"plan_id": "plan-2", "tenant": "psa", "digest": "", "lineage": "", "serial": 9, "started": ""}
            connection.execute(insert(schema.plan_run).values(**run, status="OPEN", plan_text=""))
        with pytest.raises(IntegrityError, match=r"op\.slot|one_open_op"), store.writing() as connection:
            connection.execute(insert(schema.op).values(plan_id="plan-2", **row))
        with pytest.raises(IntegrityError, match="op_state_known"), store.writing() as connection:
            connection.execute(insert(schema.op).values(plan_id="plan-2", **{**row, "state": "DONE"}))


def test_a_plan_is_admitted_once(url: str) -> None:
    with locked_store(url, "reconciler apply", NOW) as store:
        journal = take_over(store, "psa", NOW)
        journal.admit("plan-1", "sha256:1", "{}", [new_op("a")], NOW)
        # The lock may be lost between the look for the plan and its admission.
        with pytest.raises(StoreError, match="another run began to apply this plan at 2026-10-03T08:00:00") as refused:
            journal.admit("plan-1", "sha256:1", "{}", [new_op("a")], NOW)
        assert "reconciler resume" in str(refused.value.hint)
        assert store.meta("serial") == "1"


def test_who_was_fenced_out_can_write_nothing_but_an_incident(url: str) -> None:
    with locked_store(url, "reconciler apply", NOW) as store:
        sleeper = take_over(store, "psa", NOW)
        sleeper.admit("plan-1", "sha256:1", "{}", [new_op("a")], NOW)
        op = sleeper.move(sleeper.ops("plan-1")[0], Step(State.INTENT, deadline=NOW), NOW)
        other = take_over(store, "psa", NOW)
        for write in (
            lambda: sleeper.move(op, Step(State.CONFIRMED), NOW),
            lambda: sleeper.admit("plan-2", "sha256:2", "{}", [new_op("b")], NOW),
            lambda: sleeper.remark(op, "x", NOW),
            lambda: sleeper.finish("plan-1", RunState.DONE, NOW),
        ):
            with pytest.raises(FencedOut):
                write()
        sleeper.incident("sent, then fenced out", "psa/a", NOW, op)
        assert other.ops("plan-1")[0].state is State.INTENT
        other.move(other.ops("plan-1")[0], Step(State.UNKNOWN), NOW)
        with pytest.raises(FencedOut):
            other.move(op, Step(State.CONFIRMED), NOW)
        with store.reading() as connection:
            assert connection.execute(select(schema.incident.c.what)).scalars().all() == ["sent, then fenced out"]


def test_another_tenant_is_fenced_on_its_own(url: str) -> None:
    with locked_store(url, "reconciler apply", NOW) as store:
        one = take_over(store, "psa", NOW)
        take_over(store, "other", NOW)
        one.admit("plan-1", "sha256:1", "{}", [new_op("a")], NOW)


# -- the lock


def holder_process(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_the_lock_of_a_living_process_is_respected_and_falls_when_it_is_killed(url: str) -> None:
    process = holder_process(url)
    assert first_line(process) == "held\n"
    with pytest.raises(StateLocked) as caught, locked_store(url, "reconciler apply", NOW):
        pass
    assert f"process {process.pid}" in str(caught.value)
    assert "`reconciler apply`" in str(caught.value)
    assert f"ps -p {process.pid}" in str(caught.value.hint)
    store = read_store(url)
    assert store is not None
    standing = store.backend.standing(store.engine)
    holder = standing.holder
    assert holder is not None
    assert (holder.pid, standing.alive) == (process.pid, True)
    with pytest.raises(StateLocked, match="which is alive"):
        unlock(store, holder.lock_id)

    process.kill()
    process.communicate()
    killed = time.monotonic()
    while store.backend.standing(store.engine).alive and time.monotonic() < killed + 1:
        pass  # R9: free within a second
    with pytest.raises(StoreError, match="no run has the lock id"):
        unlock(store, "other")
    assert holder.lock_id in unlock(store, holder.lock_id)
    store.close()
    with locked_store(url, "reconciler apply", NOW):
        pass


def test_of_eight_processes_on_no_database_at_all_one_gets_the_lock(url: str) -> None:
    processes = [holder_process(url) for _ in range(8)]
    said = [first_line(process) for process in processes]
    for process in processes:
        process.communicate()
    assert said.count("held\n") == 1
    assert all(line.startswith("locked: ") for line in said if line != "held\n"), said


def test_a_lock_file_that_was_removed_under_its_holder_locks_nobody_out_for_ever(
    sqlite_url: str, tmp_path: Path
) -> None:
    with locked_store(sqlite_url, "reconciler apply", NOW) as first:
        lock_file(tmp_path / ".reconciler" / "state.db").unlink()
        sleeper = take_over(first, "psa", NOW)
        sleeper.admit("plan-1", "sha256:1", "{}", [new_op("a")], NOW)
        with locked_store(sqlite_url, "reconciler apply", NOW) as second:
            take_over(second, "psa", NOW)
        # What the lock could not prevent, the fence does.
        with pytest.raises(FencedOut):
            sleeper.move(sleeper.ops("plan-1")[0], Step(State.INTENT, deadline=NOW), NOW)


def test_the_state_of_a_killed_run_that_is_lost_is_noticed(sqlite_url: str, tmp_path: Path) -> None:
    process = holder_process(sqlite_url)
    first_line(process)
    process.kill()
    process.communicate()
    for file in (tmp_path / ".reconciler").glob("state.db*"):
        if file.suffix != ".lock":
            file.unlink()
    with locked_store(sqlite_url, "reconciler apply", NOW) as store:
        assert store.meta("lost") == NOW.isoformat()
    (tmp_path / ".reconciler" / "state.db").unlink()
    with locked_store(sqlite_url, "reconciler apply", NOW) as store:
        # The last holder ended in order: nothing of it can be under way.
        assert store.meta("lost") is None


def test_a_full_disk_is_a_sentence(sqlite_url: str) -> None:
    store = open_store(sqlite_url, NOW)
    with store.reading() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar()
    store.close()
    full = open_store(sqlite_url, NOW)
    with full.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        connection.rollback()
    with pytest.raises(StoreError, match="disk is full") as caught, full.writing() as connection:
        connection.execute(insert(schema.meta).values(k="big", v="x" * 100_000))
    assert "resume" in str(caught.value.hint)
    full.close()


def test_the_journal_of_an_older_schema_is_read_before_anybody_migrates(url: str) -> None:
    store = open_store(url, NOW)
    set_version(store, schema.JOURNAL_SINCE)
    store.close()
    read = read_journal(url)
    assert read is not None
    assert applied_records(read, "psa") == {}
    read.close()


def test_a_step_returns_the_op_as_its_row_stands(url: str) -> None:
    abroad = NOW.astimezone(timezone(timedelta(hours=10)))
    with locked_store(url, "test", NOW) as store:
        journal = take_over(store, "psa", NOW)
        journal.admit("plan-1", "sha256:1", "{}", [new_op("a")], NOW)
        op = journal.ops("plan-1")[0]
        for step in (
            Step(State.INTENT, "looked", attempt=1, deadline=abroad, seen="[]", request_sha256="ab"),
            Step(State.UNKNOWN, "no answer", detail="timeout"),
            Step(State.CONFIRMED, remote_id="8801", http_status=201),
        ):
            op = journal.move(op, step, NOW)
            assert op == journal.ops("plan-1")[0]
        assert (op.attempt, op.deadline, op.remote_id, op.seen, op.note) == (1, abroad, "8801", "[]", None)
