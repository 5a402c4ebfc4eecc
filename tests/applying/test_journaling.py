"""The journal beside the event loop: what shares a transaction, what a failure is told to, what nobody waits for."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from reconciler.applying.effects import Commit, Enter
from reconciler.applying.journaling import Journaling
from reconciler.store.database import locked_store
from reconciler.store.errors import FencedOut
from reconciler.store.journal import Journal, take_over
from reconciler.store.ops import Move, NewOp, Step
from reconciler.store.schema import State

NOW = datetime(2026, 10, 3, 8, 0, tzinfo=UTC)
INTENT = Step(State.INTENT, attempt=1, deadline=NOW)


class Counting(sqlite3.Connection):
    """A connection that counts its commits, and says in which threads they were made."""

    made: ClassVar[list[int]] = []

    def commit(self) -> None:
        Counting.made.append(threading.get_ident())
        super().commit()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with locked_store(f"sqlite:///{tmp_path / 'state.db'}", "apply", NOW, {"factory": Counting}) as store:
        journal = take_over(store, "psa", NOW)
        ops = [NewOp(slot, f"psa/{slot}", "addition", "create", None, None, "{}") for slot in "abcd"]
        journal.admit("plan-1", "sha256:1", "{}", ops, NOW)
        Counting.made.clear()
        yield journal


def commits(journal: Journal, step: Step = INTENT) -> list[Commit]:
    return [Commit(Move(op, step, NOW)) for op in journal.ops("plan-1")]


def states(journal: Journal) -> list[State]:
    return [op.state for op in journal.ops("plan-1")]


class AnotherWriter:
    """Another program that holds the database, so that a commit takes until it lets go."""

    def __init__(self, journal: Journal) -> None:
        self._connection = sqlite3.connect(journal.store.backend.name, isolation_level=None)
        self._connection.execute("BEGIN IMMEDIATE")

    def lets_go(self) -> None:
        self._connection.execute("ROLLBACK")
        self._connection.close()


def test_what_is_asked_while_a_transaction_is_under_way_shares_the_next(journal: Journal) -> None:
    first, *others = commits(journal)

    async def all_of_them() -> list[Any]:
        journaling = Journaling(journal)
        other = AnotherWriter(journal)
        begun = [asyncio.ensure_future(journaling.asked(first))]
        # The loop goes on meanwhile, which is how the others come to ask.
        await asyncio.sleep(0)
        begun += [asyncio.ensure_future(journaling.asked(each)) for each in others]
        await asyncio.sleep(0)
        assert not any(each.done() for each in begun)
        other.lets_go()
        return await asyncio.gather(*begun)

    moved = asyncio.run(all_of_them())
    assert moved == list(journal.ops("plan-1"))
    assert states(journal) == [State.INTENT] * 4
    assert len(Counting.made) == 2
    assert threading.get_ident() not in Counting.made


def test_where_one_is_fenced_out_all_that_shared_its_transaction_hear_it_and_none_is_moved(journal: Journal) -> None:
    mine = commits(journal)
    journal.move(mine[2].move.op, INTENT, NOW)

    async def all_of_them() -> list[Any]:
        journaling = Journaling(journal)
        return await asyncio.gather(*map(journaling.asked, mine), return_exceptions=True)

    assert [type(answer) for answer in asyncio.run(all_of_them())] == [FencedOut] * 4
    assert states(journal) == [State.PLANNED, State.PLANNED, State.INTENT, State.PLANNED]


def test_what_a_cancelled_course_asked_is_written_before_the_run_is_over(journal: Journal) -> None:
    first, second, *_ = commits(journal)

    async def cancelled() -> None:
        journaling = Journaling(journal)
        other = AnotherWriter(journal)
        begun = [asyncio.ensure_future(journaling.asked(each)) for each in (first, second)]
        await asyncio.sleep(0)
        for each in begun:
            each.cancel()
        await asyncio.wait(begun)
        other.lets_go()
        await journaling.settled()
        assert states(journal) == [State.INTENT, State.INTENT, State.PLANNED, State.PLANNED]

    asyncio.run(cancelled())


def test_entries_keep_their_place_among_the_commits(journal: Journal) -> None:
    first, second, *_ = commits(journal)
    seen: list[list[State]] = []

    async def in_turn() -> None:
        journaling = Journaling(journal)
        look = Enter(lambda journal: seen.append(states(journal)))
        await asyncio.gather(*map(journaling.asked, (first, look, second, look)))

    asyncio.run(in_turn())
    assert [[state is State.INTENT for state in each[:2]] for each in seen] == [[True, False], [True, True]]
