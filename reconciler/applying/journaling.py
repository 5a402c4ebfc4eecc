"""Writes to the journal beside the event loop, so that no agreement waits while another's word goes to the disk.

One transaction is on its way at a time. What is to be committed meanwhile goes into the next one together: a step of an
op is answered only when it is on the disk (I2, I3), and how many steps shared the way there changes nothing in that. A
transaction that fails, fails for all that it held; each of them stands in the journal as it stood before.
"""

import asyncio
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from reconciler.applying.effects import Commit, JournalEffect
from reconciler.store.journal import Journal


class Journaling:
    """The journal of one run, for all of its courses."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: list[tuple[JournalEffect, asyncio.Future[Any]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def asked(self, effect: JournalEffect) -> Any:
        """The answer to an effect, when it is on the disk. Raises FencedOut or StoreError.

        What was asked is written even where nobody waits for the answer any more.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((effect, answer))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.ensure_future(self._write())
        return await answer

    async def settled(self) -> None:
        """Waits until nothing is on its way any more."""
        while self._writer is not None and not self._writer.done():
            await asyncio.wait({self._writer})

    async def _write(self) -> None:
        while self._waiting:
            together = self._next()
            try:
                written = await asyncio.to_thread(self._written, [effect for effect, _ in together])
            except BaseException as failure:  # the courses' to hear, whatever it is: they wait for nothing else
                for _, answer in together:
                    if not answer.done():
                        answer.set_exception(failure)
            else:
                for (_, answer), value in zip(together, written, strict=True):
                    if not answer.done():
                        answer.set_result(value)

    def _next(self) -> list[tuple[JournalEffect, "asyncio.Future[Any]"]]:
        """All commits up to what is not one, or that alone."""
        commits = list(takewhile(lambda waiting: isinstance(waiting[0], Commit), self._waiting))
        together = commits or self._waiting[:1]
        del self._waiting[: len(together)]
        return together

    def _written(self, effects: Sequence[JournalEffect]) -> Sequence[Any]:
        moves = [effect.move for effect in effects if isinstance(effect, Commit)]
        if moves:
            return self._journal.move_all(moves)
        return [effect.what(self._journal) for effect in effects if not isinstance(effect, Commit)]
