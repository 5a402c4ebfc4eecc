"""How many requests a PSA is asked: so many in any minute, so many at once, shared by all tasks of a target."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

# A second more than the minute that is promised: requests may reach the PSA closer together than they were sent.
_WINDOW = 61.0


class Clock(Protocol):
    """Time as the HTTP layer sees it. Seconds; the zero is of no meaning."""

    def monotonic(self) -> float:
        """The time now; it never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        ...


class SystemClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """The time now; it never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(seconds)


class RequestBudget:
    """Gives out places for requests: never more than `per_minute` in any minute, nor more than `at_once` in flight.

    Requests get their turn in the order in which they asked. Up to `per_minute` go out at once, then each waits until
    the one sent `per_minute` places before it is a minute old: a small plan never waits, a large one never overruns.
    """

    def __init__(self, per_minute: int, at_once: int, clock: Clock) -> None:
        self.clock = clock
        self.at_once = at_once
        self._per_minute = per_minute
        self._places = asyncio.Semaphore(at_once)
        self._queue = asyncio.Lock()
        self._sent: deque[float] = deque(maxlen=per_minute)
        self._paused_until = 0.0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place for one request, held until its answer was read."""
        async with self._places:
            await self._turn()
            yield

    def pause(self, seconds: float) -> None:
        """Lets nobody send for some seconds: the PSA said that it was asked too often."""
        self._paused_until = max(self._paused_until, self.clock.monotonic() + seconds)

    async def _turn(self) -> None:
        async with self._queue:
            while (wait := self._wait()) > 0:
                await self.clock.sleep(wait)
            self._sent.append(self.clock.monotonic())

    def _wait(self) -> float:
        now = self.clock.monotonic()
        full = self._sent[0] + _WINDOW - now if len(self._sent) == self._per_minute else 0.0
        return max(full, self._paused_until - now)
