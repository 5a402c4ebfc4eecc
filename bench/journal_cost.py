"""What the journal adds to each record that is applied, beside a bare commit on the same database (apply protocol R11).

The protocol makes two commits for a record: the intent before the send, the outcome after it. Both are made here by the
journal itself, on a file on this disk (SQLite: WAL, `synchronous=FULL`) and on a PostgreSQL server started for the
measurement. The bare commit is one row of the same size, by the driver alone, with the same durability.
"""

import importlib.util
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from statistics import median

import psycopg

from bench.alone import Failed
from bench.table import Row
from reconciler.applying.slots import new_op
from reconciler.domain.plan import Action, AdditionValues, Change, Resource
from reconciler.store.database import locked_store
from reconciler.store.journal import Journal, give_back, take_over
from reconciler.store.ops import Op, Step
from reconciler.store.schema import State

GOAL = 0.003
"""Seconds a record."""
_RECORDS, _SMALL_RECORDS = 1_000, 20
_NOW = datetime(2026, 10, 3, 8, 0, tzinfo=UTC)
_ROW = "x" * 400
Commit = Callable[[int], None]
_SERVER = Path(__file__).parents[1] / "tests" / "applying" / "postgres_server.py"


def run(*, small: bool) -> list[Row]:
    """A row for each database. Records and bare commits take turns, so that a busy moment strikes both."""
    records = _SMALL_RECORDS if small else _RECORDS
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        with _sqlite(Path(folder)) as bare:
            ours, commits = _measured(f"sqlite:///{folder}/state.db", records, bare)
        rows = [_row("SQLite", ours, commits, small)]
    with _postgres() as url, _postgres_commits(url) as bare:
        ours, commits = _measured(url, records, bare)
    return [*rows, _row("PostgreSQL", ours, commits, small)]


def _row(name: str, ours: list[float], bare: list[float], small: bool) -> Row:
    return Row(
        f"journal a record, {name}",
        _milliseconds(median(ours)),
        f"{_milliseconds(median(bare))} (one bare commit)",
        median(ours) / median(bare),
        f"≤ {_milliseconds(GOAL)}",
        None if small else median(ours) <= GOAL,
        f"median of {len(ours)} records, {_milliseconds(min(ours))} to {_milliseconds(max(ours))}",
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


def _change(number: int) -> Change:
    values = AdditionValues(
        "55", "psa/product/P", "4120", f"s-{number}", Decimal(3), Decimal(20), Decimal(16), date(2026, 9, 1), None, ""
    )
    address = f"psa/Contoso/seat-monthly/s-{number}/2026-09-01"
    return Change(address, Resource.ADDITION, Action.CREATE, None, values, agreement="psa/agreement/55")


def _measured(url: str, records: int, bare: Commit) -> tuple[list[float], list[float]]:
    """Seconds of each record, its intent and its outcome, each on the disk; and those of as many bare commits."""
    ours, commits = [], []
    with locked_store(url, "apply", _NOW) as store:
        journal = take_over(store, "psa", _NOW)
        journal.admit("plan", "sha256:0", "{}", [new_op(_change(n)) for n in range(records)], _NOW)
        for number, op in enumerate(journal.ops("plan")):
            commits.append(_timed(partial(bare, number)))
            ours.append(_timed(partial(_written, journal, op)))
        _check(journal, records)
        give_back(journal)
    return ours, commits


def _written(journal: Journal, op: Op) -> None:
    intent = Step(State.INTENT, attempt=1, deadline=_NOW + timedelta(minutes=5), seen="{}")
    sent = journal.move(op, intent, _NOW)
    journal.move(sent, Step(State.CONFIRMED, detail="the PSA answered", remote_id=op.address), _NOW)


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _check(journal: Journal, records: int) -> None:
    done = sum(op.state is State.CONFIRMED for op in journal.ops("plan"))
    if done != records:
        raise Failed(f"{done} of {records} records are confirmed in the journal")


@contextmanager
def _postgres() -> Iterator[str]:
    """A server like the one that the tests start: in a folder of its own, as durable as it comes."""
    spec = importlib.util.spec_from_file_location("postgres_server", _SERVER)
    if spec is None or spec.loader is None or not _SERVER.exists():
        raise Failed(f"{_SERVER} is not there; measure in a checkout of the project")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    server = module.PostgresServer()
    try:
        yield server.admin
    finally:
        server.remove()


@contextmanager
def _sqlite(folder: Path) -> Iterator[Commit]:
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE bare(id INTEGER PRIMARY KEY, v TEXT)")
        yield lambda number: connection.execute("INSERT INTO bare VALUES (?, ?)", (number, _ROW)).close()


@contextmanager
def _postgres_commits(url: str) -> Iterator[Commit]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA bare CREATE TABLE bare(id INTEGER PRIMARY KEY, v TEXT)")
        yield lambda number: connection.execute("INSERT INTO bare.bare VALUES (%s, %s)", (number, _ROW)).close()
