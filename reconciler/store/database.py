"""The state database: opened, made, migrated, copied; and who may write to it. Where it lies is for the backend."""

import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Table, bindparam, delete, insert, inspect, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.schema import CreateColumn

from reconciler.store import schema
from reconciler.store.backend import Backend, Held
from reconciler.store.errors import StoreError
from reconciler.store.lock import Holder, this_process
from reconciler.store.place import backend_of

_STAMP = "%Y%m%dT%H%M%S%f"

_META_OF = select(schema.meta.c.v).where(schema.meta.c.k == bindparam("name"))
_ANY_RUN = select(schema.run.c.id).limit(1)
_ANY_PLAN_RUN = select(schema.plan_run.c.plan_id).limit(1)

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
    """An open state database. `holder` and `lock` are set while this process holds the lock and may write to a PSA."""

    backend: Backend
    engine: Engine
    holder: Holder | None = None
    lock: Held | None = None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writer is beside, and that is on the disk when the block has ended."""
        with _told(self.backend), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment, and neither waits for a writer nor holds one up."""
        with _told(self.backend), self.engine.connect().execution_options(reconciler_reads=True) as connection:
            yield connection

    def meta(self, name: str) -> str | None:
        """A value of the database's own description: lineage, serial, schema, created, lost."""
        with self.reading() as connection:
            return _meta(connection, name)

    def seconds_since_lost(self, now: datetime) -> float | None:
        """How long ago the state of a killed run may have been lost (I9); None where nothing speaks for that.

        By the database's clock where it has one, for the machine that noted it may be another one.
        """
        with self.reading() as connection:
            lost = _meta(connection, "lost")
            return None if lost is None else self.backend.seconds_since(connection, datetime.fromisoformat(lost), now)

    def assert_held(self) -> None:
        """Raises FencedOut where the lock may have been lost. Called before each byte that changes a PSA."""
        if self.lock is not None:
            self.lock.check()

    def close(self) -> None:
        """Closes the connections."""
        self.engine.dispose()


def open_store(url: str, now: datetime, connect_args: Mapping[str, Any] | None = None) -> Store:
    """The state database, made where it is missing. Any number of processes may have it open.

    Raises StoreError where it cannot be used, is not ours, or has another version.
    """
    store = _prepared(url, connect_args or {})
    try:
        _make(store, now)
        _refuse_other_version(store)
    except BaseException:
        store.close()
        raise
    return store


def read_store(url: str) -> Store | None:
    """The state database for reading; None where there is none yet. Raises StoreError."""
    return _read(url, _refuse_other_version)


def read_journal(url: str) -> Store | None:
    """The state database for reading its journal and nothing else, which an older schema holds as well: what was
    applied is known to a plan before anybody has migrated. None where there is none yet. Raises StoreError.
    """
    return _read(url, _refuse_without_journal)


def _read(url: str, refuse: Callable[[Store], None]) -> Store | None:
    backend = backend_of(url)
    if backend.is_empty():
        return None
    store = Store(backend, backend.engine({}))
    try:
        if not _has_tables(store):
            store.close()
            return None
        refuse(store)
    except BaseException:
        store.close()
        raise
    return store


@contextmanager
def locked_store(url: str, what: str, now: datetime, connect_args: Mapping[str, Any] | None = None) -> Iterator[Store]:
    """The state database for one run that writes to a PSA: the lock is held, the schema is new, a copy was made.

    Raises StateLocked where another run has it, StoreError where it cannot be used.
    """
    opened = _prepared(url, connect_args or {})
    try:
        with locked(opened, what, now) as store:
            yield store
    finally:
        opened.close()


@contextmanager
def locked(opened: Store, what: str, now: datetime) -> Iterator[Store]:
    """An open state database, as `locked_store` gives it. What it was opened with stays open."""
    holder = this_process(what, now)
    _make(opened, now)
    # Tables of another program are refused before a lock is looked for in them.
    _version(opened)
    with opened.backend.held(opened.engine, holder) as lock:
        store = Store(opened.backend, opened.engine, holder, lock)
        _note_lost_state(store, lock.killed, now)
        version = store.meta("schema")
        if version != str(schema.VERSION):
            _copy(store, f"{now.strftime(_STAMP)}-schema-{version}", whole=True)
            migrate(store)
        copy(store, now)
        yield store


def migrate(store: Store, steps: Sequence[Migration] = MIGRATIONS) -> int:
    """Brings the schema to the newest version, in one transaction; returns the version it had. The lock must be held.

    Raises StoreError where the database is newer than this program.
    """
    with store.writing() as connection:
        version = _stored_version(connection, store.backend)
        _refuse_newer(version, store.backend, len(steps))
        for step in steps[version:]:
            step(connection)
        if version != len(steps):
            connection.execute(update(schema.meta).where(schema.meta.c.k == "schema").values(v=str(len(steps))))
    return version


def copy(store: Store, now: datetime) -> Any:
    """Copies the database beside it, without the kept content, which is large; returns the copy's path.

    None where it holds no run yet, and where copies are its operator's matter (PostgreSQL).
    """
    return _copy(store, now.strftime(_STAMP), whole=False)


def _copy(store: Store, stamp: str, *, whole: bool) -> Any:
    with store.reading() as connection:
        if connection.execute(_ANY_RUN).first() is None:
            return None
    with _told(store.backend):
        return store.backend.keep_copy(store.engine, stamp, whole=whole)


def _prepared(url: str, connect_args: Mapping[str, Any]) -> Store:
    backend = backend_of(url)
    backend.prepare()
    return Store(backend, backend.engine(connect_args))


@contextmanager
def _told(backend: Backend) -> Iterator[None]:
    """Turns what the driver raises into a StoreError that names the database. Broken constraints pass: a bug."""
    try:
        yield
    except IntegrityError:
        raise
    except (DBAPIError, sqlite3.DatabaseError) as error:
        raise backend.explained(error) from error


def _make(store: Store, now: datetime) -> None:
    """Makes the tables in an empty database. One transaction: of several processes that start at once, one does it."""
    if _has_tables(store):
        return
    with store.writing() as connection:
        if inspect(connection).get_table_names():
            return
        for step in MIGRATIONS:
            step(connection)
        place = store.backend.place(connection)
        rows = {"lineage": uuid.uuid4().hex, "serial": "0", "schema": str(len(MIGRATIONS)), "created": now.isoformat()}
        if place is not None:
            # Nobody can know whether it takes the place of one that was lost.
            rows |= {"place": place, "lost": store.backend.moment(connection, now).isoformat()}
        connection.execute(insert(schema.meta), [{"k": k, "v": v} for k, v in rows.items()])


def _note_lost_state(store: Store, killed: Holder | None, now: datetime) -> None:
    """I9: notes that the state of a run may be lost, so that what the run sent last may still appear in the PSA.

    With a lock that outlives the database: a run was killed, and the database knows of no plan, so it is not that
    run's. With a place: the database is not the one that was written to last, but a copy of it.
    """
    with store.writing() as connection:
        place = store.backend.place(connection)
        if place is None:
            knows_none = connection.execute(_ANY_PLAN_RUN).first() is None
            lost = killed is not None and knows_none
        else:
            lost = _meta(connection, "place") != place
            if lost:
                _set_meta(connection, "place", place)
        if lost:
            _set_meta(connection, "lost", store.backend.moment(connection, now).isoformat())


def _meta(connection: Connection, name: str) -> str | None:
    return connection.execute(_META_OF, {"name": name}).scalar()


def _set_meta(connection: Connection, name: str, value: str) -> None:
    connection.execute(delete(schema.meta).where(schema.meta.c.k == name))
    connection.execute(insert(schema.meta).values(k=name, v=value))


def _has_tables(store: Store) -> bool:
    # A database without any is being made at this moment, or its maker was killed.
    with store.reading() as connection:
        return bool(inspect(connection).get_table_names())


def _version(store: Store) -> int:
    with store.reading() as connection:
        return _stored_version(connection, store.backend)


def _stored_version(connection: Connection, backend: Backend) -> int:
    if not inspect(connection).has_table("meta"):
        raise StoreError(*backend.foreign)
    if {column["name"] for column in inspect(connection).get_columns("meta")} != {"k", "v"}:
        raise StoreError(*backend.foreign)
    version = _meta(connection, "schema")
    if version is None or not version.isdecimal():
        raise StoreError(*backend.foreign)
    return int(version)


def _refuse_newer(version: int, backend: Backend, known: int) -> None:
    if version > known:
        raise StoreError(
            f"the state database {backend.name} was written by a newer version "
            f"(schema {version}; this one knows {known})",
            "use that version of reconciler",
        )


def _refuse_other_version(store: Store) -> None:
    _refuse_older_than(schema.VERSION, store)


def _refuse_without_journal(store: Store) -> None:
    _refuse_older_than(schema.JOURNAL_SINCE, store)


def _refuse_older_than(oldest: int, store: Store) -> None:
    version = _version(store)
    _refuse_newer(version, store.backend, schema.VERSION)
    if version < oldest:
        raise StoreError(
            f"the state database {store.backend.name} has an older schema "
            f"({version}; this version has {schema.VERSION})",
            "run: reconciler state migrate",
        )
