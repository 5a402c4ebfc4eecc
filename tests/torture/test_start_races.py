"""F15: eight processes come to one state at once, new or of an older schema; one makes it, and all find the same.

How many rounds is set in tests/torture/conftest.py.
"""

import multiprocessing
from datetime import UTC, datetime
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import forked  # noqa: F401 -- it says what the processes have imported from the start
import pytest
from postgres_server import PostgresServer
from sqlalchemy import update

from reconciler.store import schema
from reconciler.store.database import locked_store, open_store
from reconciler.store.errors import StateLocked

NOW = datetime(2026, 10, 3, 8, tzinfo=UTC)
PROCESSES = 8
_FORKSERVER = multiprocessing.get_context("forkserver")
Told = list[str]


def _come(urls: list[str], locks: bool, together: Barrier, said: "SimpleQueue[Told]") -> None:
    """What one process finds in each state: its lineage and schema, or what went wrong."""
    told = []
    for url in urls:
        together.wait(60)
        try:
            told.append(_locked(url) if locks else _opened(url))
        except Exception as error:
            told.append(f"{type(error).__name__}: {error}")
    said.put(told)


def _opened(url: str) -> str:
    store = open_store(url, NOW)
    try:
        return f"{store.meta('lineage')} {store.meta('schema')}"
    finally:
        store.close()


def _locked(url: str) -> str:
    while True:
        try:
            with locked_store(url, "reconciler state migrate", NOW) as store:
                return f"{store.meta('lineage')} {store.meta('schema')}"
        except StateLocked:
            # Another one is at it.
            continue


def _all_come(urls: list[str], opens: int) -> list[Told]:
    """What each process finds, of which so many open the state and the others lock it."""
    together, said = _FORKSERVER.Barrier(PROCESSES), _FORKSERVER.SimpleQueue()
    processes = [
        _FORKSERVER.Process(target=_come, args=(urls, number >= opens, together, said), daemon=True)
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    found = [said.get() for _ in processes]
    for process in processes:
        process.join()
        process.close()
    said.close()
    return found


def _states(database: str, rounds: int, folder: Path, request: pytest.FixtureRequest) -> list[str]:
    if database == "sqlite":
        return [f"sqlite:///{folder / str(number) / 'state.db'}" for number in range(rounds)]
    server: PostgresServer = request.getfixturevalue("postgres")
    return [server.schema() for _ in range(rounds)]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_of_eight_processes_one_makes_or_migrates_a_state_and_all_find_it(
    database: str, start_rounds: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    urls = _states(database, start_rounds, tmp_path, request)
    older = urls[: len(urls) // 2]
    lineages = []
    for url in older:
        store = open_store(url, NOW)
        with store.writing() as connection:
            connection.execute(update(schema.meta).where(schema.meta.c.k == "schema").values(v="1"))
        lineages.append(f"{store.meta('lineage')} {schema.VERSION}")
        store.close()
    # A state of an older schema may be opened by nobody before it is migrated: all of them lock it.
    for url_list, opens in ((older, 0), (urls[len(older) :], PROCESSES // 2)):
        found = _all_come(url_list, opens)
        for number, url in enumerate(url_list):
            told = {each[number] for each in found}
            assert len(told) == 1, (url, told)
            assert told.pop().endswith(f" {schema.VERSION}"), url
        if url_list is older:
            assert found[0] == lineages
