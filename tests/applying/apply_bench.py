"""A PSA in memory, a real state file, and a clock that only moves when somebody waits."""

import asyncio
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from fake_psa import FakeClock, FakePSA, Life, World, mortal_connection, world_with

from reconciler.applying.apply import apply_plan, nothing_stale
from reconciler.applying.clock import Stop
from reconciler.applying.report import ApplyReport, ChangeResult
from reconciler.applying.surroundings import Surroundings
from reconciler.domain.mapping import Limits
from reconciler.domain.plan import Plan
from reconciler.store.database import locked_store

LIMITS = Limits(settle_seconds=Decimal(120))


class Bench:
    """One PSA, one state (a file, if no `url` says otherwise), as many runs as a test wants."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.clock = FakeClock()
        self.world: World = world_with(self.clock)
        self.url = url or f"sqlite:///{folder / 'state.db'}"
        self.folder = folder
        self.told: list[ChangeResult] = []
        self.notices: list[str] = []

    def psa(self, *faults: str) -> FakePSA:
        return FakePSA(self.world, faults=list(faults))

    def apply(
        self,
        plan: Plan,
        psa: FakePSA | None = None,
        stale: Callable[[], object] = nothing_stale,
        life: Life | None = None,
        stop: Callable[[Stop], None] | None = None,
        connection: type[sqlite3.Connection] | None = None,
    ) -> ApplyReport:
        """One process's life: takes the lock, applies, ends (or is killed by its `life`); over a kind of `connection`
        to the database, where one is given.
        """
        target = psa or self.psa()
        life = life or Life()
        target.life = life

        async def one_life() -> ApplyReport:
            wish = Stop()
            if stop:
                stop(wish)
            in_a_file = self.url.startswith("sqlite")
            args = {"factory": connection or mortal_connection(life)} if in_a_file else {}
            with locked_store(self.url, "apply", self.clock.now(), args) as store:
                around = Surroundings(target, store, self.clock, LIMITS, wish, self.told.append, self.notices.append)
                return await apply_plan(plan, around, stale)  # type: ignore[arg-type]

        return asyncio.run(one_life())
