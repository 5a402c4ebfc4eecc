"""The state of a sandbox: records by kind and id, in memory for reading, in SQLite for keeping.

Every write goes through `writing()`: it is in the file, synced, before the block ends, or not at all, neither
in the file nor in memory. One thread uses a store at a time (the server's event loop).
"""

import sqlite3
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reconciler.sandbox import exact_json

Record = dict[str, Any]
"""One record as it is kept: JSON values, decimals, dates as ISO text; references as the id they point to."""

_TABLES = """
CREATE TABLE IF NOT EXISTS record (kind TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE TABLE IF NOT EXISTS sequence (kind TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, body TEXT NOT NULL);
"""


class StoreError(Exception):
    """The data file cannot be used; the message says which and why."""


class Store:
    """Records, the last id of each kind, and single named facts.

    `path` is the SQLite file, None keeps everything in memory. `parents` names, for the kinds that can stand under
    another record, the member that holds their parent's id. Returned records belong to the store: copy before
    changing.
    """

    def __init__(self, path: Path | None, parents: Mapping[str, str]) -> None:
        self._parents = parents
        self._rows: dict[str, dict[int, Record]] = {}
        self._under: dict[str, dict[int, set[int]]] = {}
        self._sorted: dict[str, list[Record]] = {}
        self._last: dict[str, int] = {}
        self._facts: dict[str, Any] = {}
        self._undo: list[tuple[str, int, Record | None]] | None = None
        try:
            self._db = sqlite3.connect(
                str(path) if path else ":memory:", timeout=0.5, isolation_level=None, check_same_thread=False
            )
            # Two servers on one file would each believe their own copy in memory.
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_TABLES)
            self._load()
        except sqlite3.Error as error:
            raise StoreError(f"{path}: not usable as the sandbox's data file: {error}") from error

    def _load(self) -> None:
        for kind, ident, body in self._db.execute("SELECT kind, id, body FROM record"):
            self._keep(kind, ident, exact_json.loads(body))
        self._last = dict(self._db.execute("SELECT kind, last FROM sequence"))
        self._facts = {name: exact_json.loads(body) for name, body in self._db.execute("SELECT name, body FROM fact")}

    def close(self) -> None:
        """Closes the data file; the store cannot be used afterwards."""
        self._db.close()

    def get(self, kind: str, ident: int | None) -> Record | None:
        """The record, or None."""
        return self._rows.get(kind, {}).get(ident) if ident is not None else None

    def all(self, kind: str) -> list[Record]:
        """Every record of the kind, by id."""
        if kind not in self._sorted:
            rows = self._rows.get(kind, {})
            self._sorted[kind] = [rows[ident] for ident in sorted(rows)]
        return self._sorted[kind]

    def under(self, kind: str, parent: int) -> list[Record]:
        """The records of the kind under one parent, by id."""
        rows = self._rows.get(kind, {})
        return [rows[ident] for ident in sorted(self._under.get(kind, {}).get(parent, ()))]

    def fact(self, name: str) -> Any:
        """A single named value, None when it was never set."""
        return self._facts.get(name)

    @contextmanager
    def writing(self) -> Generator[None]:
        """All or nothing: what is put and deleted inside is durable when the block ends, undone when it raises."""
        if self._undo is not None:
            yield  # part of the outer block, which decides
            return
        self._undo = []
        last, facts = dict(self._last), dict(self._facts)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            for kind, ident, before in reversed(self._undo):
                self._keep(kind, ident, before)
            self._last, self._facts = last, facts
            raise
        finally:
            self._undo = None

    def new_id(self, kind: str, first: int) -> int:
        """The next id of the kind, `first` to begin with; an id is never given twice, deleted or not."""
        ident = max(self._last.get(kind, 0) + 1, first)
        self._note_id(kind, ident)
        return ident

    def put(self, kind: str, record: Record) -> None:
        """Inserts or replaces the record by its `id`."""
        ident = record["id"]
        self._remember(kind, ident)
        self._db.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", (kind, ident, exact_json.dumps(record)))
        self._keep(kind, ident, record)
        if ident > self._last.get(kind, 0):
            self._note_id(kind, ident)

    def delete(self, kind: str, ident: int) -> None:
        """Removes the record; nothing happens when there is none."""
        self._remember(kind, ident)
        self._db.execute("DELETE FROM record WHERE kind = ? AND id = ?", (kind, ident))
        self._keep(kind, ident, None)

    def set_fact(self, name: str, value: Any) -> None:
        """Keeps a single named value."""
        self._facts[name] = value
        self._db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, exact_json.dumps(value)))

    def clear(self) -> None:
        """Removes every record, id and fact."""
        for kind, rows in list(self._rows.items()):
            for ident in list(rows):
                self._remember(kind, ident)
                self._keep(kind, ident, None)
        self._last, self._facts = {}, {}
        for table in ("record", "sequence", "fact"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names are those of the line above

    def counts(self, kinds: Iterable[str]) -> dict[str, int]:
        """How many records of each kind there are."""
        return {kind: len(self._rows.get(kind, {})) for kind in kinds}

    def _note_id(self, kind: str, ident: int) -> None:
        self._last[kind] = ident
        self._db.execute("INSERT OR REPLACE INTO sequence VALUES (?, ?)", (kind, ident))

    def _remember(self, kind: str, ident: int) -> None:
        if self._undo is None:
            raise RuntimeError("a record is written outside of writing()")
        self._undo.append((kind, ident, self._rows.get(kind, {}).get(ident)))

    def _keep(self, kind: str, ident: int, record: Record | None) -> None:
        rows = self._rows.setdefault(kind, {})
        before = rows.pop(ident, None)
        parent = self._parents.get(kind)
        if parent and before is not None and before.get(parent) is not None:
            self._under[kind][before[parent]].discard(ident)
        if record is not None:
            rows[ident] = record
            if parent and record.get(parent) is not None:
                self._under.setdefault(kind, {}).setdefault(record[parent], set()).add(ident)
        self._sorted.pop(kind, None)
