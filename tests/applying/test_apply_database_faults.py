"""A database that fails at the n-th commit, for every n: it is told, and the next run leaves each record there once."""

import sqlite3
from pathlib import Path

import pytest
from apply_bench import Bench
from fake_psa import SKU, cancel, create, plan_of, product

from reconciler.store.errors import StoreError

PLAN = plan_of([product(), create("new", needs=(f"psa/product/{SKU}",), product_id=None), cancel("base", "7001")])
FAULTS = ("database or disk is full", "attempt to write a readonly database", "disk I/O error", "database is locked")


class Disk:
    """A disk that refuses the n-th commit and all after it."""

    def __init__(self, refuses_from: int, fault: str) -> None:
        self.commits = 0
        self.refuses_from = refuses_from
        self.fault = fault

    def connection(self) -> type[sqlite3.Connection]:
        """Connections to a database on this disk."""
        disk = self

        class OnThisDisk(sqlite3.Connection):
            def commit(self) -> None:
                disk.commits += 1
                if disk.commits >= disk.refuses_from:
                    raise sqlite3.OperationalError(disk.fault)
                super().commit()

        return OnThisDisk


@pytest.mark.parametrize("fault", FAULTS)
def test_a_journal_that_cannot_be_written_stops_the_apply_and_the_next_one_finishes_it(
    tmp_path: Path, fault: str
) -> None:
    failed, told = 0, set[str]()
    while True:
        folder = tmp_path / str(failed)
        folder.mkdir()
        bench, disk = Bench(folder), Disk(failed + 1, fault)
        try:
            bench.apply(PLAN, connection=disk.connection())
        except StoreError as error:
            failed += 1
            told.add(str(error))
        else:
            break
        sent = list(bench.world.writes)
        report = bench.apply(PLAN)
        assert report.exit_status == 0, (failed, report)
        assert sorted(a.serial_number or "" for a in bench.world.additions.values()) == ["base", "new"], failed
        assert len(bench.world.products) == 1, failed
        # What was sent before the disk failed is found, not sent again.
        assert len(bench.world.writes) == 3, (failed, sent, bench.world.writes)
    assert failed > 10
    assert all("state database" in sentence for sentence in told), told
