"""F14: PSAs that enforce their limit, in virtual time: never asked too often, and hardly slower than the limit itself.

Twenty tenants at once, each with its own PSA and budget, driven through the real HTTP layer. The PSA counts what
reached it in the last minute and answers 429 beyond its limit. In one world the account is the tenant's alone; in the
other, other programs use it up now and then, and the PSA names a time to wait, or none.
"""

import asyncio
import random
import selectors
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
import pytest
from torture_figures import Tally

from reconciler.targets.base import NotSent
from reconciler.targets.budget import RequestBudget
from reconciler.targets.http import HttpClient, Request
from reconciler.targets.redaction import Redactor

TENANTS = 20
MINUTE = 60.0
# Times the time that the limit itself leaves no way around, rests that the PSA takes included.
SLACK = 1.15


class _VirtualSelector(selectors.DefaultSelector):
    """Waits by moving the time on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everybody waits for something that never comes"
        self.now += max(timeout, 0.0)
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time takes none."""

    def __init__(self) -> None:
        self._virtual = _VirtualSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


class LoopClock:
    """The loop's time, for the budget."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class LimitedPsa(httpx.AsyncBaseTransport):
    """Counts the requests of any 60 seconds, and turns away what is beyond its limit, or comes while it rests."""

    limit: int
    chance: random.Random
    others: float = 0.0
    seen: deque[float] = field(default_factory=deque)
    resting_until: float = 0.0
    times: list[float] = field(default_factory=list)
    done: int = 0
    over: int = 0
    turned_away: int = 0
    rested: float = 0.0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        now = asyncio.get_running_loop().time()
        self.times.append(now)
        while self.seen and self.seen[0] <= now - MINUTE:
            self.seen.popleft()
        if len(self.seen) >= self.limit:
            self.over += 1
            return httpx.Response(429, headers={"Retry-After": "5"})
        self.seen.append(now)
        if now < self.resting_until or self.chance.random() < self.others:
            return self._turned_away(now)
        await asyncio.sleep(self.chance.uniform(0.05, 0.4))
        self.done += 1
        return httpx.Response(200, content=b"{}")

    def _turned_away(self, now: float) -> httpx.Response:
        """Another program has used the account up for some seconds; every other time nobody is told for how many."""
        self.turned_away += 1
        if now >= self.resting_until:
            seconds = self.chance.randint(3, 9)
            self.resting_until = now + seconds
            self.rested += seconds
        if self.turned_away % 2:
            wait = max(1, round(self.resting_until - now + 0.5))
            return httpx.Response(429, headers={"Retry-After": str(wait)})
        return httpx.Response(429)


async def _asked(http: HttpClient, number: int) -> None:
    """A read, or a write that is made again when it was turned away, as the protocol does."""
    if number % 3:
        await http.read(Request("GET", "https://psa.example/additions", "/additions", {}))
        return
    while True:
        try:
            await http.write(Request("POST", "https://psa.example/additions", "/additions", {}, b"{}"))
        except NotSent as turned_away:
            await asyncio.sleep(turned_away.retry_after or 1.0)
        else:
            return


async def _tenant(psa: LimitedPsa, requests: int, at_once: int) -> float:
    """All requests of one tenant, from `at_once` tasks side by side; the seconds that they took."""
    loop = asyncio.get_running_loop()
    http = HttpClient(RequestBudget(psa.limit, at_once, LoopClock()), Redactor(()), transport=psa)
    started = loop.time()
    numbers = iter(range(requests))

    async def agreement() -> None:
        for number in numbers:
            await _asked(http, number)

    await asyncio.gather(*(agreement() for _ in range(at_once)))
    await http.close()
    return loop.time() - started


def _together(work: Callable[[], Awaitable[list[float]]]) -> list[float]:
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(_awaited(work))


async def _awaited(work: Callable[[], Awaitable[list[float]]]) -> list[float]:
    return await work()


def _played(others: float) -> tuple[list[LimitedPsa], list[float], list[int]]:
    psas = [LimitedPsa(random.Random(n).choice((30, 60, 180)), random.Random(n), others) for n in range(TENANTS)]
    # At least ten minutes' worth, so that the first burst does not hide what follows.
    counts = [psa.limit * 10 + psa.chance.randint(0, psa.limit) for psa in psas]

    async def all_of_them() -> list[float]:
        return list(
            await asyncio.gather(*(_tenant(p, c, 2 + n % 7) for n, (p, c) in enumerate(zip(psas, counts, strict=True))))
        )

    return psas, _together(all_of_them), counts


@pytest.mark.parametrize("others", [0.0, 0.01], ids=["account alone", "account shared"])
def test_no_psa_is_asked_too_often_and_the_work_ends_nearly_as_soon_as_its_limit_allows(
    others: float, tally: Tally
) -> None:
    psas, took, counts = _played(others)
    for psa, seconds, count in zip(psas, took, counts, strict=True):
        assert psa.done == count
        assert psa.over == 0, f"{psa.over} requests beyond {psa.limit} a minute"
        ideal = ((count + psa.turned_away - 1) // psa.limit) * MINUTE + psa.rested
        assert seconds <= ideal * SLACK, f"{seconds:.0f} s, ideally {ideal:.0f} s, at {psa.limit} a minute"
    assert (sum(psa.turned_away for psa in psas) > 100) == bool(others)
    tally.count(
        f"F14 rate limits, {'shared account' if others else 'account alone'}",
        tenants=len(psas),
        requests=sum(len(psa.times) for psa in psas),
        answered_429=sum(psa.turned_away for psa in psas),
    )


def test_a_client_without_a_budget_would_be_seen() -> None:
    psa = LimitedPsa(30, random.Random(1))

    async def unbounded() -> list[float]:
        http = HttpClient(RequestBudget(10_000, 8, LoopClock()), Redactor(()), transport=psa)
        await asyncio.gather(*(_asked(http, number) for number in range(40)))
        await http.close()
        return []

    _together(unbounded)
    assert psa.over > 0
