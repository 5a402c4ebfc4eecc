"""The state in a SQLite file: for one machine, nothing to set up.

A connection commits each transaction to the disk before it returns (`synchronous=FULL`), for the journal's word must be
there before the first byte of a write leaves. A writing transaction takes SQLite's write lock at its start, so that
what it has read cannot change under it.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from reconciler.store import file_lock, schema
from reconciler.store.backend import Held, Standing
from reconciler.store.errors import StoreError
from reconciler.store.location import lock_file, prepare
from reconciler.store.lock import Holder, living_here

BUSY_SECONDS = 30
_SWITCH_AGAIN_SECONDS = 0.01
COPIES_KEPT = 10

_CAUSES = (
    ("file is not a database", "is not a SQLite database", "name another file with --state, or move this one away"),
    ("malformed", "is damaged", "restore a copy from the folder `backups` beside it, or move it away and plan again"),
    ("readonly", "cannot be written", "check the owner and mode of the file and of its folder"),
    ("unable to open", "cannot be opened", "check that its folder exists and may be written"),
    ("disk is full", "could not be written: the disk is full", "make room, then run: reconciler resume"),
    ("disk i/o error", "could not be read or written: disk error", "check the disk, then run: reconciler resume"),
    ("locked", "is busy: another program holds it for longer than 30 seconds", "find it with: fuser {path}"),
)


@dataclass(frozen=True, slots=True)
class SQLite:
    """A state file. See `backend.Backend`."""

    path: Path

    @property
    def name(self) -> str:
        """The file's path."""
        return str(self.path)

    @property
    def foreign(self) -> tuple[str, str]:
        """That the file is another program's."""
        return f"{self.path} is a SQLite database of another program", "name another file with --state"

    def prepare(self) -> None:
        """Makes the folder and an empty file, for their owner alone. Raises StoreError."""
        prepare(self.path)

    def is_empty(self) -> bool:
        """Whether there is no file, or nothing in it."""
        return not self.path.exists() or not self.path.stat().st_size

    def engine(self, connect_args: Mapping[str, Any]) -> Engine:
        """Connections to the file."""
        engine = create_engine(f"sqlite:///{self.path}", connect_args={"timeout": BUSY_SECONDS, **connect_args})
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)
        return engine

    def explained(self, error: Exception) -> StoreError:
        """What SQLite said, with what to do."""
        cause = str(error.orig) if isinstance(error, DBAPIError) else str(error)
        for sign, sentence, hint in _CAUSES:
            if sign in cause.lower():
                return StoreError(f"the state database {self.path} {sentence}", hint.format(path=self.path))
        return StoreError(f"the state database {self.path} cannot be used: {cause}", "see: reconciler state --help")

    def place(self, connection: Connection) -> str | None:
        """None: a lock file that outlives the database tells of a killed run whose state is lost."""
        return None

    def moment(self, connection: Connection, now: datetime) -> datetime:
        """This machine's clock: a file has one machine."""
        return now

    def seconds_since(self, connection: Connection, then: datetime, now: datetime) -> float:
        """By this machine's clock."""
        return (now - then).total_seconds()

    @contextmanager
    def held(self, engine: Engine, holder: Holder) -> Iterator[Held]:
        """Holds the lock of the file beside the database. The kernel cannot lose it while the process lives."""
        with file_lock.held(lock_file(self.path), holder) as killed:
            yield Held(killed, lambda: None)

    def standing(self, engine: Engine) -> Standing:
        """Who the lock file names."""
        holder = file_lock.read_holder(lock_file(self.path))
        return Standing(holder, living_here(holder) if holder else None)

    def forget_holder(self, engine: Engine) -> None:
        """Empties the lock file. Raises StateLocked."""
        file_lock.forget_holder(lock_file(self.path))

    def keep_copy(self, engine: Engine, stamp: str, *, whole: bool) -> Path:
        """Copies the database into `backups` beside it and keeps the newest ten."""
        folder = self.path.with_name("backups")
        target = folder / f"{self.path.stem}-{stamp}.db"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            # SQLite copies into an empty file as it is, with the mode that it has.
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise StoreError(f"the state database cannot be copied to {target}: {error.strerror}") from error
        way: Callable[[sqlite3.Connection, Path], None] = _whole if whole else _without_kept_content
        source = sqlite3.connect(self.path, isolation_level=None, timeout=BUSY_SECONDS)
        try:
            way(source, target)
        finally:
            source.close()
        for old in sorted(folder.glob(f"{self.path.stem}-*.db"))[:-COPIES_KEPT]:
            old.unlink(missing_ok=True)
        return target


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


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own implicit BEGIN is off; `_on_begin` says which kind is meant.
    connection.isolation_level = None
    # Only the first connection of all has to switch the file's mode, which needs the file for itself.
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        _switch_to_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Of several processes that make one state, each may want the switch. SQLite does not wait for its turn there: it
    says at once that the file is locked, whatever the connection's timeout.
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(_SWITCH_AGAIN_SECONDS)
        else:
            return


def _on_begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get("reconciler_reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
