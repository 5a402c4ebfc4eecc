"""Time, as applying sees it: passed in, so that a settle of two minutes can be tested in none."""

import asyncio
import time
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Protocol, TypeVar

Result = TypeVar("Result")


class Clock(Protocol):
    """A wall clock for the journal, a monotonic one for the time before a send, and a way to wait."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(seconds)


class Stop:
    """The wish to stop: set by a signal, heard before every send and in every wait."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self.signal: int | None = None

    def ask(self, signal: int) -> None:
        """Asks to stop; the first signal counts."""
        self.signal = self.signal or signal
        self._asked.set()

    @property
    def asked(self) -> bool:
        """Whether to stop."""
        return self._asked.is_set()

    async def wait(self) -> None:
        """Waits until asked to stop."""
        await self._asked.wait()

    async def pause(self, clock: Clock, seconds: float) -> None:
        """Waits, but not beyond the wish to stop."""
        if self.asked or seconds <= 0:
            return
        sleeping, asked = asyncio.ensure_future(clock.sleep(seconds)), asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait({sleeping, asked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            asked.cancel()
            await asyncio.gather(sleeping, asked, return_exceptions=True)

    async def unless(self, work: Awaitable[Result]) -> Result | None:
        """What the work gives; None, and the work is dropped, when asked to stop meanwhile. For reads alone."""
        working, asked = asyncio.ensure_future(work), asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else None
        finally:
            working.cancel()
            asked.cancel()
            await asyncio.gather(working, asked, return_exceptions=True)
