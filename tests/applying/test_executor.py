"""Performing effects: what several agreements do at the same moment."""

import asyncio
import gc
from typing import Any, NoReturn

import pytest
from apply_bench import LIMITS, Bench

from reconciler.applying.apply import nothing_stale
from reconciler.applying.effects import Enter, Steps, Together
from reconciler.applying.executor import Executor
from reconciler.applying.surroundings import Surroundings
from reconciler.store.database import locked_store
from reconciler.store.errors import StoreError
from reconciler.store.journal import Journal, take_over


def failing() -> Steps[None]:
    """A course whose journal is gone."""

    def gone(_: Journal) -> NoReturn:
        raise StoreError("the state database ended the connection")

    yield Enter(gone)


def test_agreements_that_fail_at_the_same_moment_fail_once_and_nothing_else_is_told(bench: Bench) -> None:
    untold: list[dict[str, Any]] = []

    async def two_at_once(executor: Executor) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: untold.append(context))
        with pytest.raises(StoreError):
            await executor.run(both())
        gc.collect()

    def both() -> Steps[None]:
        yield Together((failing(), failing()), grace=1.0)

    with locked_store(bench.url, "apply", bench.clock.now()) as store:
        around = Surroundings(bench.psa(), store, bench.clock, LIMITS)
        asyncio.run(two_at_once(Executor(around, take_over(store, "psa", bench.clock.now()), nothing_stale)))
    assert untold == []
