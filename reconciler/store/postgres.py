"""The state in a PostgreSQL database: for a team, and for runners that forget their files.

The liveness lock is a session advisory lock on a connection of its own: the server frees it when the session ends,
however its client ended. Writers go one by one, as with SQLite: each writing transaction begins with an advisory lock
of the transaction's, so that what it has read cannot change under it; the same lock makes one of several processes
make the tables.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, LiteralString

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from reconciler.store import postgres_errors, postgres_url
from reconciler.store.backend import Held, Standing
from reconciler.store.errors import FencedOut, StateLocked, StoreError
from reconciler.store.lock import Holder

if TYPE_CHECKING:
    import psycopg

BUSY_SECONDS = 30
_FENCE_HINT = "when the database answers again, run: reconciler resume"
# Of one database or schema at a time: two states in one database have a schema each.
_KEY: LiteralString = "SELECT hashtextextended('reconciler ' || %s || ' ' || coalesce(current_schema(), ''), 0)"
_NAMED: LiteralString = "SELECT v FROM meta WHERE k = 'holder'"
_LOCKED: LiteralString = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND ((classid::bigint << 32) | objid::bigint) = %s"
)


def postgres_of(url: URL) -> "Postgres":
    """The database of a URL. Raises StoreError where psycopg is not installed, or the URL is impossible."""
    try:
        import psycopg  # noqa: F401, PLC0415 -- an extra that only this module needs
    except ImportError:
        raise StoreError(
            "a state in PostgreSQL needs the driver psycopg, which is not installed",
            "install it with: pip install 'reconciler[postgres]'",
        ) from None
    return Postgres(postgres_url.connection_words(url))


@dataclass(frozen=True, slots=True, repr=False)
class Postgres:
    """A state in PostgreSQL, by libpq's words, of which one may be a password. See `backend.Backend`."""

    words: Mapping[str, str]

    @property
    def name(self) -> str:
        """User, server and database."""
        return postgres_url.told(self.words)

    @property
    def foreign(self) -> tuple[str, str]:
        """That the tables there are another program's."""
        return (
            f"{self.name} holds tables of another program",
            "name a database of its own, or a schema of its own with ?options=-csearch_path%3DNAME",
        )

    def prepare(self) -> None:
        """Nothing: the database is there, or its operator makes it."""

    def is_empty(self) -> bool:
        """Not known without a connection."""
        return False

    def engine(self, connect_args: Mapping[str, Any]) -> Engine:
        """Connections that are durable, and whose writers go one by one."""
        engine = create_engine(
            "postgresql+psycopg://",
            connect_args={**self.words, **connect_args},
            isolation_level="READ COMMITTED",
            hide_parameters=True,
        )
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)
        return engine

    def explained(self, error: Exception) -> StoreError:
        """What the server said, with what to do."""
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        return postgres_errors.explained(cause, self.name, self.words.get("password"))

    def place(self, connection: Connection) -> str | None:
        """The numbers of database and table, which a restored dump has anew, and the server's identity and timeline,
        which change with a restore to a point in time and with a fail-over. A file system's snapshot that is put back
        is not noticed.
        """
        numbers = "SELECT oid, to_regclass('meta')::oid FROM pg_database WHERE datname = current_database()"
        table = "/".join(str(number) for number in connection.exec_driver_sql(numbers).one())
        server = "SELECT system_identifier, timeline_id FROM pg_control_system(), pg_control_checkpoint()"
        try:
            with connection.begin_nested():
                identifier, timeline = connection.exec_driver_sql(server).one()
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            # Some hosted servers do not say.
            return f"table {table}"
        return f"table {table}, server {identifier}, timeline {timeline}"

    def moment(self, connection: Connection, now: datetime) -> datetime:
        """The server's clock."""
        moment: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        return moment.astimezone(UTC)

    def seconds_since(self, connection: Connection, then: datetime, now: datetime) -> float:
        """By the server's clock."""
        return (self.moment(connection, now) - then).total_seconds()

    @contextmanager
    def held(self, engine: Engine, holder: Holder) -> Iterator[Held]:
        """Holds the session advisory lock on a connection of its own. Raises StateLocked."""
        with self._session() as session:
            pid = _direct(session)
            _refuse_unsafe_server(session)
            key = _key(session, "run")
            if not _one(session, "SELECT pg_try_advisory_lock(%s)", key):
                raise self._locked(session, key)
            killed = _holder(session)
            _name(session, json.dumps({**asdict(holder)}))
            yield Held(killed, lambda: _still(session, pid))
            # A holder that is killed leaves its name.
            with suppress(Exception):
                session.execute("DELETE FROM meta WHERE k = 'holder'")

    def standing(self, engine: Engine) -> Standing:
        """Who is named, and whether the server still holds the lock for it."""
        with self._session() as session:
            return Standing(_holder(session), _one(session, _LOCKED, _key(session, "run")) is not None)

    def forget_holder(self, engine: Engine) -> None:
        """Takes the name out. Raises StateLocked."""
        with self._session() as session:
            key = _key(session, "run")
            if not _one(session, "SELECT pg_try_advisory_lock(%s)", key):
                raise self._locked(session, key)
            session.execute("DELETE FROM meta WHERE k = 'holder'")

    def keep_copy(self, engine: Engine, stamp: str, *, whole: bool) -> None:
        """None: backups of a server are its operator's."""

    @contextmanager
    def _session(self) -> "Iterator[psycopg.Connection[tuple[Any, ...]]]":
        """A connection that commits each statement. What the driver raises is told in words."""
        import psycopg  # noqa: PLC0415 -- as above

        try:
            session = psycopg.connect(**self.words, autocommit=True, prepare_threshold=None)  # type: ignore[arg-type]
        except psycopg.Error as error:
            raise self.explained(error) from error
        try:
            yield session
        except psycopg.Error as error:
            raise self.explained(error) from error
        finally:
            session.close()

    def _locked(self, session: "psycopg.Connection[tuple[Any, ...]]", key: int) -> StateLocked:
        holder, backend = _holder(session), _one(session, _LOCKED, key)
        who = str(holder) if holder else "a process that has not said its name yet"
        look = f"look for its process with: ps -p {holder.pid}  (on {holder.host})" if holder else "try again"
        return StateLocked(
            f"the state is locked by {who}; nothing was written",
            f"wait for it to end; see what it does with: reconciler status; {look}; "
            f"if that machine is gone, end its session: SELECT pg_terminate_backend({backend})",
        )


def _direct(session: "psycopg.Connection[tuple[Any, ...]]") -> int:
    """The session's process on the server. Raises StoreError where a pooler stands between: it may give each statement
    another session, and a session's lock would then guard nothing.
    """
    pids = [int(_one(session, "SELECT pg_backend_pid()") or 0) for _ in range(2)]
    # What the server said of itself at the start; a pooler makes that up.
    if len({*pids, session.info.backend_pid}) != 1:
        raise StoreError(
            "the state's URL leads to a connection pooler (such as PgBouncer), through which a run cannot be locked",
            "give the address of the PostgreSQL server itself",
        )
    return pids[0]


def _refuse_unsafe_server(session: "psycopg.Connection[tuple[Any, ...]]") -> None:
    if _one(session, "SELECT pg_is_in_recovery()"):
        raise StoreError("the state's PostgreSQL server is a standby, which cannot be written", "name the primary")
    if _one(session, "SELECT current_setting('fsync')") == "off":
        raise StoreError(
            "the state's PostgreSQL server runs with fsync=off: what was sent could be forgotten in a power cut",
            "have it set to on",
        )


def _still(session: "psycopg.Connection[tuple[Any, ...]]", pid: int) -> None:
    import psycopg  # noqa: PLC0415 -- as above

    try:
        now = _one(session, "SELECT pg_backend_pid()")
    except psycopg.Error as error:
        raise FencedOut(
            "the connection that holds the state's lock was lost: nothing more is sent", _FENCE_HINT
        ) from error
    if now != pid:
        raise FencedOut("the session that holds the state's lock was changed: nothing more is sent", _FENCE_HINT)


def _holder(session: "psycopg.Connection[tuple[Any, ...]]") -> Holder | None:
    try:
        return Holder(**json.loads(_one(session, _NAMED) or ""))
    except (ValueError, TypeError):
        return None


def _name(session: "psycopg.Connection[tuple[Any, ...]]", text: str) -> None:
    with session.transaction():
        session.execute("DELETE FROM meta WHERE k = 'holder'")
        session.execute("INSERT INTO meta (k, v) VALUES ('holder', %s)", (text,))


def _key(session: "psycopg.Connection[tuple[Any, ...]]", what: str) -> int:
    return int(_one(session, _KEY, what) or 0)


def _one(session: "psycopg.Connection[tuple[Any, ...]]", statement: LiteralString, *values: Any) -> Any:
    row = session.execute(statement, values).fetchone()
    return row[0] if row else None


def _on_connect(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
        # A role or a server may have it off: a commit would return before it is on the disk (I2).
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting(%s) = 'off'",
            ("synchronous_commit",),
        )
        cursor.execute("SHOW synchronous_commit")
        if cursor.fetchone()[0] == "off":
            raise StoreError("the state's PostgreSQL server does not commit to its disk", "set synchronous_commit = on")
    connection.commit()


def _on_begin(connection: Connection) -> None:
    if connection.get_execution_options().get("reconciler_reads"):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return
    connection.exec_driver_sql(
        "SELECT pg_advisory_xact_lock(hashtextextended('reconciler write ' || coalesce(current_schema(), ''), 0))"
    )
