"""F12 on SQLite, by its own errors: a full disk at each page, a file that turns read-only, another program in the way.

How much is tried is set in tests/torture/conftest.py. A failure names the page or the commit at which it happened.
"""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from apply_bench import Bench
from fake_psa import SKU, cancel, create, plan_of, product

from reconciler.store.errors import StoreError

PLAN = plan_of([product(), create("new", needs=(f"psa/product/{SKU}",), product_id=None), cancel("base", "7001")])
# Holds the write lock of a database file until its input ends.
IN_THE_WAY = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


def stopped(bench: Bench, connection: type[sqlite3.Connection]) -> StoreError | None:
    """With what an apply over such connections ends; None where it came to its end."""
    try:
        bench.apply(PLAN, connection=connection)
    except StoreError as error:
        return error
    return None


def settled(bench: Bench, where: str) -> None:
    report = bench.apply(PLAN)
    assert report.exit_status == 0, (where, report)
    assert sorted(a.serial_number or "" for a in bench.world.additions.values()) == ["base", "new"], where
    assert len(bench.world.products) == 1, where
    assert len(bench.world.writes) == 3, (where, bench.world.writes)


def on_disk_of(pages: int) -> type[sqlite3.Connection]:
    """Connections to a file that may not grow beyond so many pages."""

    class OnSmallDisk(sqlite3.Connection):
        def __init__(self, *given: object, **named: object) -> None:
            super().__init__(*given, **named)  # type: ignore[arg-type]
            self.execute(f"PRAGMA max_page_count={pages}")

    return OnSmallDisk


def test_a_disk_that_is_full_at_any_page_stops_the_apply_and_the_next_one_finishes_it(
    tmp_path: Path, fault_stride: int
) -> None:
    pages, told = 1, list[StoreError]()
    while True:
        folder = tmp_path / str(pages)
        folder.mkdir()
        bench = Bench(folder)
        full = stopped(bench, on_disk_of(pages))
        if full is None:
            break
        assert "the disk is full" in str(full), f"{pages} pages: {full}"
        assert "make room" in str(full.hint)
        told.append(full)
        settled(bench, f"full at {pages} pages")
        pages += fault_stride
    assert len(told) * fault_stride > 20


Harm = Callable[[sqlite3.Connection], None]


def from_commit(number: int, harm: Harm) -> tuple[type[sqlite3.Connection], list[int]]:
    """Connections that suffer harm before the n-th commit of all, and how many commits there were."""
    commits = [0]

    class Harmed(sqlite3.Connection):
        def commit(self) -> None:
            super().commit()
            commits[0] += 1
            if commits[0] == number:
                harm(self)

    return Harmed, commits


def test_a_file_that_turns_read_only_stops_the_apply_and_the_next_one_finishes_it(
    tmp_path: Path, fault_stride: int
) -> None:
    number, told = 1, list[StoreError]()
    while True:
        folder = tmp_path / str(number)
        folder.mkdir()
        bench = Bench(folder)
        kind, commits = from_commit(number, lambda connection: connection.execute("PRAGMA query_only=ON") and None)
        refused = stopped(bench, kind)
        if commits[0] < number:
            break
        if refused:
            assert "cannot be written" in str(refused), f"commit {number}: {refused}"
            assert "check the owner and mode" in str(refused.hint)
            told.append(refused)
        settled(bench, f"read-only after commit {number}")
        number += fault_stride
    assert len(told) * fault_stride > 8


def test_another_program_in_the_way_stops_the_apply_and_the_next_one_finishes_it(
    tmp_path: Path, fault_stride: int
) -> None:
    number, told = 1, list[StoreError]()
    while True:
        folder = tmp_path / str(number)
        folder.mkdir()
        bench = Bench(folder)
        others: list[subprocess.Popen[str]] = []

        def in_the_way(
            connection: sqlite3.Connection, folder: Path = folder, others: list[subprocess.Popen[str]] = others
        ) -> None:
            other = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", IN_THE_WAY, folder / "state.db"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            others.append(other)
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            # The half minute of patience is not what is tried here.
            connection.execute("PRAGMA busy_timeout=1")

        kind, _ = from_commit(number, in_the_way)
        busy = stopped(bench, kind)
        for other in others:
            other.communicate()
        if not others:
            break
        if busy:
            assert "another program holds it" in str(busy), f"commit {number}: {busy}"
            assert "fuser" in str(busy.hint)
            told.append(busy)
        settled(bench, f"another program in the way after commit {number}")
        number += fault_stride
    assert len(told) * fault_stride > 8
