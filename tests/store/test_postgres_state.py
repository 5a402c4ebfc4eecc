"""What only PostgreSQL has: roles, poolers, connections that are cut, passwords, databases that are restored."""

import json
import logging
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from postgres_server import PostgresServer
from sqlalchemy.engine import make_url

from reconciler.store import postgres_url as postgres_url_module
from reconciler.store.database import locked_store, open_store, read_store
from reconciler.store.errors import FencedOut, StateLocked, StoreError
from reconciler.store.history import RunKind, RunRecord, finish_run, record_run
from reconciler.store.journal import give_back, take_over
from reconciler.store.keeping import exported
from reconciler.store.ops import NewOp, Step
from reconciler.store.postgres_url import connection_words
from reconciler.store.schema import RunState, State

NOW = datetime(2026, 10, 3, 8, tzinfo=UTC)
PAGE = Path(__file__).resolve().parents[2] / "docs" / "state.md"


def as_user(url: str, user: str) -> str:
    return url.replace("postgres@", f"{user}@")


def name_of(url: str) -> str:
    return str(make_url(url).database)


@pytest.mark.security(32)
def test_the_run_role_of_the_page_works_without_any_right_to_change_tables(
    postgres: PostgresServer, postgres_url: str
) -> None:
    statements = PAGE.read_text("utf-8").split("```sql")[1].split("```")[0].replace("billing_state", "public")
    postgres.run(
        "DROP ROLE IF EXISTS billing_run", "CREATE ROLE billing_run LOGIN", "DROP ROLE IF EXISTS billing_owner"
    )
    postgres.run("CREATE ROLE billing_owner LOGIN")
    with pytest.raises(StoreError, match="does not let this role do that"):
        open_store(as_user(postgres_url, "billing_run"), NOW)
    with locked_store(postgres_url, "reconciler state migrate", NOW):
        pass
    postgres.run(*[part for part in statements.split(";") if part.strip()], database=name_of(postgres_url))
    with locked_store(as_user(postgres_url, "billing_run"), "reconciler apply", NOW) as store:
        number = record_run(store, RunRecord(RunKind.APPLY, NOW, "me"))
        journal = take_over(store, "psa", NOW)
        journal.admit("p", "d", "{}", [NewOp("a", "psa/a", "addition", "create", "s", None, "{}")], NOW)
        op = journal.move(journal.ops("p")[0], Step(State.INTENT, deadline=NOW), NOW)
        journal.move(op, Step(State.CONFIRMED, detail="a NUL \0 in an answer"), NOW)
        journal.incident("x", "y", NOW)
        journal.finish("p", RunState.DONE, NOW)
        give_back(journal)
        finish_run(store, number, RunRecord(RunKind.APPLY, NOW, "me"))
        assert any("a NUL \ufffd in" in line for line in exported(store))
    store = open_store(as_user(postgres_url, "billing_run"), NOW)
    for refused in ("DELETE FROM op", "UPDATE op_event SET detail = ''", "ALTER TABLE run ADD COLUMN x text"):
        with pytest.raises(StoreError, match="does not let this role do that"), store.writing() as connection:
            connection.exec_driver_sql(refused)
    store.close()
    postgres.run("DROP OWNED BY billing_run", database=name_of(postgres_url))


def test_a_run_whose_lock_connection_is_cut_may_send_nothing_more(postgres: PostgresServer, postgres_url: str) -> None:
    with locked_store(postgres_url, "reconciler apply", NOW) as store:
        store.assert_held()
        with pytest.raises(StateLocked) as caught, locked_store(postgres_url, "reconciler resume", NOW):
            pass
        told = str(caught.value.hint)
        postgres.run(f"SELECT {told[told.index('pg_terminate_backend') :]}")
        with pytest.raises(FencedOut, match="nothing more is sent"):
            store.assert_held()


def test_a_database_that_was_copied_or_restored_makes_the_next_run_wait(
    postgres: PostgresServer, postgres_url: str
) -> None:
    def lost(url: str) -> str | None:
        with locked_store(url, "reconciler apply", NOW) as store:
            return store.meta("lost")

    first = lost(postgres_url)
    assert first is not None  # a new one may take the place of one that was lost
    assert lost(postgres_url) == first
    copied = f"{name_of(postgres_url)}_copy"
    postgres.run(f"CREATE DATABASE {copied} TEMPLATE {name_of(postgres_url)}")
    again = lost(postgres_url.replace(name_of(postgres_url), copied))
    assert again is not None
    assert again > first


@pytest.mark.security(32)
def test_a_refused_password_is_in_no_message(postgres: PostgresServer, postgres_url: str) -> None:
    postgres.run("DROP ROLE IF EXISTS guarded", "CREATE ROLE guarded LOGIN PASSWORD 'right'")
    for url in (
        as_user(postgres_url, "guarded:hunter2%2F%40x"),
        "postgresql://me:hunter2%2F%40x@/none?host=/nowhere",
        "postgresql://me:hunter2%2F%40x@/none?host=/nowhere&hunter2=1",
    ):
        with pytest.raises(StoreError) as caught:
            read_store(url)
        told = f"{caught.value} {caught.value.hint} {caught.value.__cause__}"
        assert "hunter2/" not in told
        assert "hunter2%2F" not in told
    postgres.run("DROP ROLE guarded")


@pytest.mark.security(32)
@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://me@db.example.com/state", "verify-full"),
        ("postgresql://me@db.example.com/state?sslmode=require", "require"),
        ("postgresql://me@127.0.0.1/state", None),
        ("postgresql://me@/state?host=/run/postgresql", None),
        ("postgresql://me@/state?service=team", "verify-full"),
        ("postgresql://me@/state?host=/run/postgresql&host=db.example.com", "verify-full"),
    ],
)
def test_a_server_elsewhere_is_verified_unless_the_url_says_otherwise(url: str, mode: str | None) -> None:
    assert connection_words(make_url(url)).get("sslmode") == mode


# -- poolers


@pytest.fixture
def pooler(postgres: PostgresServer) -> Iterator[str]:
    """What passes everything on but the server's word on its own process, as poolers do; its folder."""
    with tempfile.TemporaryDirectory(prefix="pool-") as folder, socket.socket(socket.AF_UNIX) as door:
        door.bind(f"{folder}/.s.PGSQL.5432")
        door.listen()
        threading.Thread(target=_pass_all, args=(door, f"{postgres.folder}/.s.PGSQL.5432"), daemon=True).start()
        yield folder
        door.shutdown(socket.SHUT_RDWR)


def _pass_all(door: socket.socket, server: str) -> None:
    while True:
        try:
            client, _ = door.accept()
        except OSError:
            return
        there = socket.socket(socket.AF_UNIX)
        there.connect(server)
        for one, other in ((client, there), (there, client)):
            threading.Thread(target=_pass, args=(one, other), daemon=True).start()


def _pass(one: socket.socket, other: socket.socket) -> None:
    # Whichever side ends first, the other one's end is no error.
    with one, other, suppress(OSError):
        while data := one.recv(65536):
            at = data.find(b"K\0\0\0\x0c")
            if at >= 0:
                data = data[: at + 5] + b"\0\0\0\x07" + data[at + 9 :]
            other.sendall(data)
        other.shutdown(socket.SHUT_RDWR)


def test_a_run_through_a_pooler_is_refused_for_its_lock_would_guard_nothing(
    postgres: PostgresServer, postgres_url: str, pooler: str
) -> None:
    through = postgres_url.replace(str(postgres.folder), pooler)
    with pytest.raises(StoreError, match="connection pooler"), locked_store(through, "reconciler apply", NOW):
        pass


def test_a_database_of_another_program_is_left_alone(postgres: PostgresServer, postgres_url: str) -> None:
    postgres.run("CREATE TABLE invoices (id int)", database=name_of(postgres_url))
    with (
        pytest.raises(StoreError, match="holds tables of another program") as caught,
        locked_store(postgres_url, "reconciler apply", NOW),
    ):
        pass
    assert "a database of its own" in str(caught.value.hint)


def test_the_holder_stands_in_the_export(postgres_url: str) -> None:
    with locked_store(postgres_url, "reconciler apply", NOW) as store:
        rows = [json.loads(line) for line in exported(store)]
    assert any(row.get("k") == "holder" and "reconciler apply" in row["v"] for row in rows)


@pytest.mark.security(32)
@pytest.mark.parametrize("weaker", ["disable", "allow", "prefer", "require", "verify-ca"])
def test_a_weaker_way_to_a_server_elsewhere_is_taken_with_a_warning_once(
    weaker: str, caplog: pytest.LogCaptureFixture
) -> None:
    postgres_url_module._warn.cache_clear()
    for _ in range(2):
        words = connection_words(make_url(f"postgresql://me:hunter2@db.example.com/state?sslmode={weaker}"))
        assert words["sslmode"] == weaker
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"sslmode={weaker} in the state's URL does not make sure that the server is the right" in record.getMessage()
    assert "leave it out for verify-full" in record.getMessage()
    assert "hunter2" not in caplog.text


def test_a_server_on_this_machine_or_a_verified_one_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    postgres_url_module._warn.cache_clear()
    connection_words(make_url("postgresql://me@127.0.0.1/state?sslmode=disable"))
    connection_words(make_url("postgresql://me@/state?host=/run/postgresql&sslmode=disable"))
    connection_words(make_url("postgresql://me@db.example.com/state"))
    assert caplog.records == []


WITHOUT_PSYCOPG = """
import sys
class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "psycopg":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, NotInstalled())
from reconciler.cli.main import run
run()
"""


@pytest.mark.parametrize("words", [["status"], ["state", "migrate"], ["resume"], ["state", "export"]])
def test_without_the_driver_it_is_said_how_to_install_it(words: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_PSYCOPG, "--state", "postgresql://me:hunter2@db.example.com/state", *words]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "error: a state in PostgreSQL needs the driver psycopg, which is not installed" in ended.stderr
    assert "hint: install it with: pip install 'reconciler[postgres]'" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr + ended.stdout
