"""What runs rested on: kept once, small, whole or not at all; and an older state that is brought to this version."""

import base64
import gzip
import json
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from reconciler.store import schema
from reconciler.store.database import Store, copy, locked_store, open_store, read_store
from reconciler.store.errors import StoreError
from reconciler.store.history import RunKind, RunRecord, record_run, runs, steps
from reconciler.store.keeping import exported
from reconciler.store.kept import Contents, KeptFile, KeptRun, Role, keep, kept_files, kept_run, kept_runs
from reconciler.store.packing import applied, difference, packed, packed_text, unpacked, unpacked_text
from reconciler.store.standings import RunStatus

NOW = datetime(2026, 10, 3, 8, tzinfo=UTC)
GUID = "8a7c0f3e-1111-4222-8333-944455566677"
# Keeps a run, and is killed in the middle of the transaction.
KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from hashlib import sha256
from sqlalchemy import event
from reconciler.store.database import open_store
from reconciler.store.history import RunKind, RunRecord, record_run
from reconciler.store.kept import KeptFile, KeptRun, Role, keep
now = datetime(2026, 10, 3, 8, tzinfo=UTC)
store = open_store(sys.argv[1], now)
run = record_run(store, RunRecord(RunKind.PLAN, now, "me", target="psa"))
data = b"invoice" * 1000
file = KeptFile(Role.DOCUMENT, "distributor", "a.yaml", sha256(data).hexdigest())
def at(connection, cursor, statement, parameters, context, executemany):
    if statement.startswith("INSERT INTO kept_run"):
        os.kill(os.getpid(), signal.SIGKILL)
event.listen(store.engine, "before_cursor_execute", at)
keep(store, KeptRun(run, (file,), ("a", "b"), {"target": "psa"}, now), lambda _: data)
"""


def file_of(data: bytes, name: str = "invoices/a.yaml", role: Role = Role.DOCUMENT) -> KeptFile:
    return KeptFile(role, "distributor", name, sha256(data).hexdigest())


def kept(store: Store, files: dict[str, bytes], seen: Sequence[str] = ("a", "b")) -> KeptRun:
    """A run that is kept with some files, by their names."""
    run = record_run(store, RunRecord(RunKind.PLAN, NOW, "me", target="psa"))
    of = {file_of(data, name): data for name, data in files.items()}
    made = KeptRun(run, tuple(of), tuple(seen), {"target": "psa"}, NOW)
    keep(store, made, of.__getitem__)
    return made


def count(store: Store, table: str) -> int:
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(schema.metadata.tables[table])).scalar_one())


def test_what_a_run_rested_on_comes_back_as_it_was(url: str) -> None:
    store = open_store(url, NOW)
    files = {"invoices/a.yaml": b"invoice: 1\r\n", "invoices/empty": b"", "invoices/b": bytes(range(256)) * 99}
    made = kept(store, files, ["", '["+","1"]', f'["{GUID}","{GUID}"]', "ü"])
    assert kept_run(store, made.run) == made
    assert kept_files(store, made.run) == made.files
    contents = Contents(store)
    assert {file.name: contents(file) for file in made.files} == files
    assert kept_run(store, 99) is None
    assert kept_files(store, 99) == ()
    store.close()


def test_the_same_document_and_the_same_observation_are_stored_once(url: str) -> None:
    store = open_store(url, NOW)
    for name in ("invoices/a.yaml", "invoices/renamed.yaml"):
        kept(store, {name: b"the same content" * 100})
    assert [count(store, table) for table in ("kept_run", "kept_file", "kept_bundle")] == [2, 1, 1]
    assert count(store, "kept_text") == 3  # one observation, two lists of files
    assert kept_runs(store) == (1, 2)
    store.close()


def test_of_a_later_observation_only_the_difference_is_written(url: str) -> None:
    store = open_store(url, NOW)
    random = Random(1)  # noqa: S311 -- the same lines every time
    lines = [f'["+","{n}","{random.getrandbits(128):032x}"]' for n in range(3000)]
    kept(store, {}, lines)
    for n in range(80):
        lines = [*lines[:n], f'["+","changed {n}"]', *lines[n + 2 :], f'["+","new {n}"]']
        made = kept(store, {}, lines)
        assert kept_run(store, made.run) == made
    with store.reading() as connection:
        rows = connection.execute(
            select(schema.kept_text.c.base, schema.kept_text.c.depth, schema.kept_text.c.packed)
        ).all()
    whole, parts = [r for r in rows if len(r.packed) > 9999], [r for r in rows if r.base]
    assert len(whole) == 2  # after sixty differences a whole one, so that reading stays quick
    assert max(row.depth for row in parts) <= 60
    assert max(len(row.packed) for row in parts) < 500
    store.close()


def test_many_small_documents_take_no_more_than_they_do_compressed_each(sqlite_url: str) -> None:
    store = open_store(sqlite_url, NOW)
    random = Random(2)  # noqa: S311 -- the same lines every time
    files = {
        f"invoices/{n}.yaml": "\n".join(
            f"- {{line: {line}, motion: seat-monthly, subscription: {random.getrandbits(128):032x}, quantity: {line}}}"
            for line in range(20)
        ).encode()
        for n in range(400)
    }
    with store.reading() as connection:
        before = connection.exec_driver_sql("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        empty = int(before.scalar_one())
    kept(store, files)
    with store.reading() as connection:
        after = connection.exec_driver_sql("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        grown = int(after.scalar_one()) - empty
    assert grown < 1.2 * sum(len(gzip.compress(data, 6)) for data in files.values())
    store.close()


def test_a_process_killed_in_the_middle_of_keeping_leaves_nothing_of_it(url: str) -> None:
    open_store(url, NOW).close()
    process = subprocess.run([sys.executable, "-c", KILLED, url], check=False, capture_output=True, text=True)
    assert process.returncode == -9, process.stderr
    store = open_store(url, NOW)
    assert [count(store, table) for table in ("run", "kept_run", "kept_file", "kept_bundle", "kept_text")] == [
        1,
        0,
        0,
        0,
        0,
    ]
    made = kept(store, {"a.yaml": b"invoice" * 1000})
    assert kept_run(store, made.run) == made
    store.close()


def test_a_file_that_is_not_the_one_that_was_read_is_not_kept(url: str) -> None:
    store = open_store(url, NOW)
    run = record_run(store, RunRecord(RunKind.PLAN, NOW, "me", target="psa"))
    made = KeptRun(run, (file_of(b"as it was read"),), (), {}, NOW)
    with pytest.raises(StoreError, match=r"invoices/a\.yaml was changed while the plan was made"):
        keep(store, made, lambda _: b"as it is now")
    assert count(store, "kept_text") == 0
    store.close()


def test_damaged_content_is_a_sentence_and_never_another_content(url: str) -> None:
    store = open_store(url, NOW)
    made = kept(store, {"a.yaml": b"quantity: 3"}, ["one", "two"])
    with store.writing() as connection:
        connection.execute(update(schema.kept_bundle).values(packed=packed(b"quantity: 9")))
        connection.execute(update(schema.kept_text).values(packed=b"\0" * 9))
    with pytest.raises(StoreError, match=r"a\.yaml cannot be read from the state database: it is damaged"):
        Contents(store)(made.files[0])
    with pytest.raises(StoreError, match="is damaged"):
        kept_run(store, made.run)
    store.close()


def test_everything_kept_is_exported_as_text(url: str) -> None:
    store = open_store(url, NOW)
    kept(store, {"a.yaml": b"quantity: 3"})
    rows = [json.loads(line) for line in exported(store)]
    bundle = next(row for row in rows if row["table"] == "kept_bundle")
    assert unpacked(base64.b64decode(bundle["packed"])) == b"quantity: 3"
    store.close()


def test_a_copy_before_an_apply_has_the_journal_and_leaves_the_documents_out(sqlite_url: str) -> None:
    with locked_store(sqlite_url, "reconciler apply", NOW) as store:
        kept(store, {"a.yaml": b"quantity: 3"})
        copied = copy(store, NOW)
    assert copied is not None
    restored = read_store(f"sqlite:///{copied}")
    assert restored is not None
    assert [count(restored, table) for table in ("run", "kept_run", "kept_file", "kept_bundle")] == [1, 0, 0, 0]
    assert restored.meta("schema") == str(schema.VERSION)
    restored.close()


# -- packing


@given(st.binary(max_size=300), st.integers(0, 200))
def test_bytes_come_back_from_their_packing(data: bytes, times: int) -> None:
    assert unpacked(packed(data * times)) == data * times


LINE = st.text(st.characters(exclude_characters="\n", exclude_categories=("Cc", "Cs")), max_size=12)


@given(st.lists(LINE | st.just(GUID) | st.uuids().map(str), max_size=40))
def test_lines_come_back_from_their_packing(lines: list[str]) -> None:
    assert unpacked_text(packed_text("\n".join(lines))) == "\n".join(lines)


@given(st.lists(LINE, max_size=30), st.lists(LINE, max_size=30), st.randoms(use_true_random=False))
def test_lines_come_back_from_their_difference_to_any_others(base: list[str], own: list[str], random: Random) -> None:
    lines = [*base, *own]
    random.shuffle(lines)
    assert applied(base, difference(base, lines)) == lines
    assert applied(base, difference(base, [])) == []


# -- the version before


def test_a_state_of_version_1_is_migrated_with_everything_in_it(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / ".reconciler").mkdir()
    old = sqlite3.connect(tmp_path / ".reconciler" / "state.db")
    old.executescript((Path(__file__).parent / "data" / "state-version-1.sql").read_text(encoding="utf-8"))
    before = {name: old.execute(f"SELECT * FROM {name}").fetchall() for name in ("op", "op_event", "plan_run", "meta")}  # noqa: S608 -- names of ours
    old.close()
    with pytest.raises(StoreError, match=rf"older schema \(1; this version has {schema.VERSION}\)") as caught:
        open_store(sqlite_url, NOW)
    assert "reconciler state migrate" in str(caught.value.hint)
    with locked_store(sqlite_url, "reconciler state migrate", NOW) as store:
        run = runs(store)[0]
        assert run.record.status is RunStatus.WARNING
        assert run.record.customers == {"Contoso": "Warning"}
        assert run.record.findings[0].amount == "3.00 AUD"
        made = kept(store, {"a.yaml": b"quantity: 3"})
        assert kept_run(store, made.run) == made
        with store.reading() as connection:
            for name, rows in before.items():
                now = connection.execute(select(schema.metadata.tables[name])).all()
                assert [tuple(row) for row in now if row[0] != "schema"] == [row for row in rows if row[0] != "schema"]
        assert store.meta("schema") == str(schema.VERSION)
        assert steps(store, run) == ()
    # The copy made before the migration still is of version 1.
    oldest = min((tmp_path / ".reconciler" / "backups").iterdir())
    with sqlite3.connect(oldest) as connection:
        assert connection.execute("SELECT v FROM meta WHERE k = 'schema'").fetchone() == ("1",)
    connection.close()
