"""F12 on PostgreSQL: the connection is cut at each word, the server crashes at each commit; the next apply finishes it.

How much is tried is set in tests/torture/conftest.py: every word and every commit at the sizes of a release.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from apply_bench import Bench
from fake_psa import SKU, cancel, create, plan_of, product
from postgres_server import PostgresServer
from sqlalchemy import Engine, event
from wire import Strike, Wire

from reconciler.store.errors import StoreError

PLAN = plan_of([product(), create("new", needs=(f"psa/product/{SKU}",), product_id=None), cancel("base", "7001")])


def settled(bench: Bench, url: str, where: str) -> None:
    """The next apply finishes it, over a whole connection: nothing twice, nothing lost, nothing sent again."""
    bench.url = url
    report = bench.apply(PLAN)
    assert report.exit_status == 0, (where, report)
    assert sorted(a.serial_number or "" for a in bench.world.additions.values()) == ["base", "new"], where
    assert str(bench.world.additions["7001"].cancelled) == "2026-09-30", where
    assert len(bench.world.products) == 1, where
    assert len(bench.world.writes) == 3, (where, bench.world.writes)


def told(bench: Bench, where: str) -> str | None:
    """The sentence with which an apply ends that loses its database; None where it ended well."""
    try:
        report = bench.apply(PLAN)
    except StoreError as error:
        lost = error
    else:
        assert report.exit_status in (0, 6), (where, report)
        return None
    assert "reconciler resume" in str(lost.hint), (where, lost, lost.hint)
    return str(lost)


@pytest.mark.parametrize("answered", [False, True], ids=["before the server hears it", "before its answer is heard"])
def test_a_connection_that_is_cut_at_any_word_stops_the_apply_and_the_next_one_finishes_it(
    tmp_path: Path, postgres: PostgresServer, answered: bool, fault_stride: int
) -> None:
    (tmp_path / "wire").mkdir()
    server = f"{postgres.folder}/.s.PGSQL.5432"
    # A socket's path may have a hundred characters.
    door = f"{postgres.folder}/cut-{answered}"
    Path(door).mkdir()
    sentences: list[str] = []
    with Wire(server, f"{door}/.s.PGSQL.5432") as wire:
        at = 1
        while True:
            folder = tmp_path / str(at)
            folder.mkdir()
            whole = postgres.schema()
            bench = Bench(folder, whole.replace(f"host={postgres.folder}", f"host={door}"))
            strike = Strike(at, answered)
            wire.strikes(strike)
            sentence = told(bench, f"word {at}")
            if not strike.struck:
                assert sentence is None
                break
            sentences += [sentence] if sentence else []
            settled(bench, whole, f"cut at word {at}, {'answered' if answered else 'unheard'}")
            at += fault_stride
    assert at > 60
    assert len(sentences) * fault_stride > at * 0.7
    assert all("state database postgresql://" in each or "state's lock" in each for each in sentences), sentences


@contextmanager
def crashing(server: PostgresServer, at: int) -> Iterator[list[int]]:
    """Before the n-th commit of all the server falls, and stands up again."""
    commits = [0]

    class OnThisServer(psycopg.Connection[Any]):
        def commit(self) -> None:
            commits[0] += 1
            if commits[0] == at:
                server.crash()
                server.start()
            super().commit()

    def connect(_dialect: Any, _record: Any, words: Any, named: Any) -> Any:
        return OnThisServer.connect(*words, **named)

    event.listen(Engine, "do_connect", connect)
    try:
        yield commits
    finally:
        event.remove(Engine, "do_connect", connect)


def test_a_server_that_crashes_at_any_commit_stops_the_apply_and_the_next_one_finishes_it(
    tmp_path: Path, postgres: PostgresServer, fault_stride: int
) -> None:
    server = PostgresServer(postgres.folder.parent)
    try:
        at, ended = 1, 0
        while True:
            folder = tmp_path / str(at)
            folder.mkdir()
            url = server.schema()
            bench = Bench(folder, url)
            with crashing(server, at) as commits:
                sentence = told(bench, f"crash at commit {at}")
            if commits[0] < at:
                break
            assert sentence is not None, at
            assert "postgresql://" in sentence or "state's lock" in sentence, sentence
            ended += 1
            settled(bench, url, f"crash at commit {at}")
            at += fault_stride
        assert ended * fault_stride > 10
    finally:
        server.remove()
