"""Killed at any instant, an apply is finished by the next run: nothing twice, nothing lost, exit 0.

A run's life has a point before and after each commit to the journal and each call of the PSA. One sweep kills it at
every one of them, for each fate that the write in flight can have; the pairs kill the second run too.
"""

import asyncio
from pathlib import Path

import pytest
from apply_bench import Bench
from fake_psa import SKU, FakePSA, Killed, Life, cancel, create, plan_of, product

FATES = ("fine", "lost request", "lost answer", "delayed 100", "duplicate")
WRITES = 3
PLAN = plan_of([product(), create("new", needs=(f"psa/product/{SKU}",), product_id=None), cancel("base", "7001")])


def killed_at(bench: Bench, point: int, psa: FakePSA) -> bool:
    """Whether a run that ends at the n-th point was killed there, or ended before."""
    life = Life(point)
    try:
        bench.apply(PLAN, psa, life=life)
    except (Killed, BaseExceptionGroup):
        return True
    except asyncio.CancelledError:
        return True
    return life.dead


def settled(bench: Bench, fate: str, where: str) -> None:
    report = bench.apply(PLAN)
    bench.world.all_landed()
    sold = [a for a in bench.world.additions.values() if a.serial_number == "new"]
    base = bench.world.additions["7001"]
    copies_of_product = len(bench.world.products)
    assert len(sold) == 1, where
    assert (sold[0].quantity, sold[0].product_id in bench.world.products) == (3, True), where
    assert (base.quantity, str(base.cancelled)) == (10, "2026-09-30"), where
    assert len(bench.world.additions) == 2, where
    if copies_of_product == 1:
        assert report.exit_status == 0, (where, report)
    else:
        # A catalogue item cannot be removed by the protocol: a second one is told every time.
        assert fate == "duplicate", where
        assert report.exit_status == 6, where
        assert "same Vendor SKU" in report.incidents[0], where


@pytest.mark.parametrize("fate", FATES)
def test_killed_at_every_point_and_resumed_each_record_is_there_once(tmp_path: Path, fate: str) -> None:
    points, ended = 0, 0
    # The fate meets the three writes in turn; `make torture` meets every write at every point.
    while ended < WRITES:
        points += 1
        write = points % WRITES
        folder = tmp_path / str(points)
        folder.mkdir()
        bench = Bench(folder)
        killed = killed_at(bench, points, bench.psa(*["fine"] * write, fate))
        settled(bench, fate, f"killed at point {points}, write {write} {fate}")
        ended += not killed
    # Taking over, admitting, three ops with their looks and commits, the audit, closing: the sweep has really swept.
    assert points > 30


@pytest.mark.parametrize("fate", FATES[1:])
def test_killed_twice_and_resumed_each_record_is_there_once(tmp_path: Path, fate: str) -> None:
    for first in range(10, 36, 5):
        for second in range(6, 30, 8):
            folder = tmp_path / f"{first}-{second}"
            folder.mkdir()
            bench = Bench(folder)
            killed_at(bench, first, bench.psa("fine", fate))
            killed_at(bench, second, bench.psa(fate))
            settled(bench, fate, f"killed at points {first} and {second}, {fate}")
