"""The state database as a file: opened, made, migrated, copied; and who may write to it.

A connection commits each transaction to the disk before it returns (`synchronous=FULL`), for the journal's word must be
there before the first byte of a write leaves. A writing transaction takes SQLite's write lock at its start, so that
what it has read cannot change under it.
"""

import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, delete, event, insert, inspect, select, update
from sqlalchemy.schema import CreateColumn

from reconciler.store import schema
from reconciler.store.errors import StoreError, told
from reconciler.store.location import database_file, lock_file, prepare
from reconciler.store.lock import Holder, held, this_process

BUSY_SECONDS = 30
COPIES_KEPT = 10
_STAMP = "%Y%m%dT%H%M%S%f"

Migration = Callable[[Connection], None]


def _first_schema(connection: Connection) -> None:
    schema.metadata.create_all(connection)


def _kept_inputs(connection: Connection) -> None:
    """Version 2: what runs rested on is kept, and a run tells of its programs and subscriptions."""
    schema.metadata.create_all(connection, tables=list(schema.KEPT_CONTENT))
    _add_columns(connection, schema.run)


def _outbox(connection: Connection) -> None:
    """Version 3: messages wait in the outbox for their receivers, each with an id, attempts and what went wrong."""
    _add_columns(connection, schema.outbox)
    schema.one_message.create(connection, checkfirst=True)


def _add_columns(connection: Connection, table: Table) -> None:
    """Adds what a table lacks. A new database has it from its first step on."""
    there = {column["name"] for column in inspect(connection).get_columns(table.name)}
    for column in table.columns:
        if column.name not in there:
            definition = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {definition}")


# The n-th step leads to version n; steps are only ever appended.
MIGRATIONS: tuple[Migration, ...] = (_first_schema, _kept_inputs, _outbox)


@dataclass(frozen=True, slots=True)
class Store:
    """An open state database. `holder` is set while this process holds the lock and may thus write to a PSA."""

    path: Path
    engine: Engine
    holder: Holder | None = None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that takes the write lock at its start, and is on the disk when the block has ended."""
        with told(self.path), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment, and neither waits for a writer nor holds one up."""
        with told(self.path), self.engine.connect().execution_options(reconciler_reads=True) as connection:
            yield connection

    def meta(self, name: str) -> str | None:
        """A value of the database's own description: lineage, serial, schema, created, lost."""
        with self.reading() as connection:
            return connection.execute(select(schema.meta.c.v).where(schema.meta.c.k == name)).scalar()

    def close(self) -> None:
        """Closes the connections."""
        self.engine.dispose()


def open_store(url: str, now: datetime, connect_args: Mapping[str, Any] | None = None) -> Store:
    """The state database, made where it is missing. Any number of processes may have it open.

    Raises StoreError where it cannot be used, is not ours, or has another version.
    """
    path = database_file(url)
    prepare(path)
    store = Store(path, _engine(path, connect_args or {}))
    try:
        _make(store, now)
        _refuse_other_version(store)
    except BaseException:
        store.close()
        raise
    return store


def read_store(url: str) -> Store | None:
    """The state database for reading; None where there is none yet. Raises StoreError."""
    path = database_file(url)
    if not path.exists() or not path.stat().st_size:
        return None
    store = Store(path, _engine(path, {}))
    try:
        if not _has_tables(store):
            store.close()
            return None
        _refuse_other_version(store)
    except BaseException:
        store.close()
        raise
    return store


@contextmanager
def locked_store(url: str, what: str, now: datetime, connect_args: Mapping[str, Any] | None = None) -> Iterator[Store]:
    """The state database for one run that writes to a PSA: the lock is held, the schema is new, a copy was made.

    Raises StateLocked where another run has it, StoreError where it cannot be used.
    """
    path = database_file(url)
    prepare(path)
    holder = this_process(what, now)
    store = Store(path, _engine(path, connect_args or {}), holder)
    try:
        _make(store, now)
        with held(lock_file(path), holder) as killed:
            if killed is not None:
                _note_lost_state(store, now)
            if _version(store) != schema.VERSION:
                _copy(store, f"{now.strftime(_STAMP)}-schema-{_version(store)}", _whole)
                migrate(store)
            copy(store, now)
            yield store
    finally:
        store.close()


def migrate(store: Store, steps: Sequence[Migration] = MIGRATIONS) -> int:
    """Brings the schema to the newest version, in one transaction; returns the version it had. The lock must be held.

    Raises StoreError where the database is newer than this program.
    """
    with store.writing() as connection:
        version = _stored_version(connection, store.path)
        _refuse_newer(version, store.path, len(steps))
        for step in steps[version:]:
            step(connection)
        connection.execute(update(schema.meta).where(schema.meta.c.k == "schema").values(v=str(len(steps))))
    return version


def _whole(source: sqlite3.Connection, target: Path) -> None:
    source.execute("VACUUM INTO ?", (str(target),))


def _without_kept_content(source: sqlite3.Connection, target: Path) -> None:
    """Copies the journal and the history. What runs rested on is left out: it is large, and ten copies are kept."""
    made = create_engine(f"sqlite:///{target}")
    try:
        schema.metadata.create_all(made)
    finally:
        made.dispose()
    source.execute("ATTACH DATABASE ? AS copied", (str(target),))
    source.execute("BEGIN")
    for table in schema.metadata.sorted_tables:
        if table not in schema.KEPT_CONTENT:
            columns = ", ".join(f'"{column.name}"' for column in table.columns)
            # The names are the schema's own.
            statement = f"INSERT INTO copied.{table.name} ({columns}) SELECT {columns} FROM main.{table.name}"  # noqa: S608
            source.execute(statement)
    source.execute("COMMIT")


def copy(store: Store, now: datetime) -> Path | None:
    """Copies the database into `backups` beside it and keeps the newest ten; None where it holds no run yet."""
    return _copy(store, now.strftime(_STAMP), _without_kept_content)


def _copy(store: Store, name: str, way: Callable[[sqlite3.Connection, Path], None]) -> Path | None:
    with store.reading() as connection:
        if connection.execute(select(schema.run.c.id).limit(1)).first() is None:
            return None
    folder = store.path.with_name("backups")
    target = folder / f"{store.path.stem}-{name}.db"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        # SQLite copies into an empty file as it is, with the mode that it has.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"the state database cannot be copied to {target}: {error.strerror}") from error
    with told(store.path):
        source = sqlite3.connect(store.path, isolation_level=None, timeout=BUSY_SECONDS)
        try:
            way(source, target)
        finally:
            source.close()
    for old in sorted(folder.glob(f"{store.path.stem}-*.db"))[:-COPIES_KEPT]:
        old.unlink(missing_ok=True)
    return target


def _engine(path: Path, connect_args: Mapping[str, Any]) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS, **connect_args})
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own implicit BEGIN is off; `_on_begin` says which kind is meant.
    connection.isolation_level = None
    # Only the first connection of all has to switch the file's mode, which needs the file for itself.
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _on_begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get("reconciler_reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _make(store: Store, now: datetime) -> None:
    """Makes the tables in an empty file. One transaction: of several processes that start at once, one does it."""
    with store.writing() as connection:
        names = inspect(connection).get_table_names()
        if names:
            return
        for step in MIGRATIONS:
            step(connection)
        rows = {"lineage": uuid.uuid4().hex, "serial": "0", "schema": str(len(MIGRATIONS)), "created": now.isoformat()}
        connection.execute(insert(schema.meta), [{"k": k, "v": v} for k, v in rows.items()])


def _note_lost_state(store: Store, now: datetime) -> None:
    """I9: a run was killed, and the database knows of no plan, so it is not that run's: what was sent last may still
    appear in the PSA.
    """
    with store.writing() as connection:
        if connection.execute(select(schema.plan_run.c.plan_id).limit(1)).first() is None:
            connection.execute(delete(schema.meta).where(schema.meta.c.k == "lost"))
            connection.execute(insert(schema.meta).values(k="lost", v=now.isoformat()))


def _has_tables(store: Store) -> bool:
    # A file without any is being made at this moment, or its maker was killed.
    with store.reading() as connection:
        return bool(inspect(connection).get_table_names())


def _version(store: Store) -> int:
    with store.reading() as connection:
        return _stored_version(connection, store.path)


def _stored_version(connection: Connection, path: Path) -> int:
    if not inspect(connection).has_table("meta"):
        raise StoreError(f"{path} is a SQLite database of another program", "name another file with --state")
    version = connection.execute(select(schema.meta.c.v).where(schema.meta.c.k == "schema")).scalar()
    if version is None or not version.isdecimal():
        raise StoreError(f"{path} is a SQLite database of another program", "name another file with --state")
    return int(version)


def _refuse_newer(version: int, path: Path, known: int) -> None:
    if version > known:
        raise StoreError(
            f"the state database {path} was written by a newer version (schema {version}; this one knows {known})",
            "use that version of reconciler",
        )


def _refuse_other_version(store: Store) -> None:
    version = _version(store)
    _refuse_newer(version, store.path, schema.VERSION)
    if version < schema.VERSION:
        raise StoreError(
            f"the state database {store.path} has an older schema ({version}; this version has {schema.VERSION})",
            "run: reconciler state migrate",
        )
