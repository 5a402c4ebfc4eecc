"""A state file's journal mode, which several processes that make one state come to set at the same moment."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.store.database import open_store

NOW = datetime(2026, 10, 3, 8, tzinfo=UTC)


class _Other:
    """A process that has just begun to make the same state, and has done so once somebody came to wait for it."""

    def __init__(self, path: Path) -> None:
        self.refused = 0
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("BEGIN IMMEDIATE")

    def is_done(self) -> None:
        self._connection.close()

    def connection_class(self) -> type[sqlite3.Connection]:
        other = self

        class _Connection(sqlite3.Connection):
            def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
                try:
                    return super().execute(sql, *parameters)
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                        other.refused += 1
                        other.is_done()
                    raise

        return _Connection


def test_who_comes_while_another_makes_the_state_waits_for_it(sqlite_url: str) -> None:
    # SQLite refuses the switch of the mode at once, however long a connection would wait for a lock.
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True, exist_ok=True)
    other = _Other(path)
    store = open_store(sqlite_url, NOW, {"factory": other.connection_class()})
    try:
        assert other.refused == 1
        assert store.meta("lineage")
    finally:
        store.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
