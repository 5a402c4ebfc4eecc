"""What tests of targets share: opening a ConnectWise that runs on loopback, with a clock that takes no time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, TypeVar

import httpx

from reconciler.domain.finding import Place
from reconciler.domain.mapping import Limits, TargetSettings
from reconciler.domain.secret import Secret
from reconciler.targets.base import Target
from reconciler.targets.opening import open_target

ENVIRONMENT_NAMES = {
    "client_id": "CONNECTWISE_CLIENT_ID",
    "public_key": "CONNECTWISE_PUBLIC_KEY",
    "private_key": "CONNECTWISE_PRIVATE_KEY",
}
Result = TypeVar("Result")


class InstantClock:
    """A clock that moves only when somebody sleeps, and then at once."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def settings(url: str, company: str = "training", **limits: int) -> TargetSettings:
    return TargetSettings(
        name="psa",
        type="connectwise",
        url=url,
        company=company,
        credentials=ENVIRONMENT_NAMES,
        limits=Limits(**{"requests_per_minute": 6000, "concurrency": 8, "settle_seconds": Decimal(120), **limits}),
        place=Place("mappings.yaml", 7, 3),
    )


def credentials(
    client_id: str = "sandbox", public_key: str = "sandbox", private_key: str = "sandbox"
) -> Mapping[str, Secret | str]:
    return {"client_id": client_id, "public_key": Secret(public_key), "private_key": Secret(private_key)}


@asynccontextmanager
async def opened(
    url: str,
    clock: InstantClock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    keys: Mapping[str, Secret | str] | None = None,
    **limits: int,
) -> AsyncIterator[Target]:
    target = await open_target(
        settings(url, **limits), keys or credentials(), clock=clock or InstantClock(), transport=transport
    )
    try:
        yield target
    finally:
        await target.close()


def asked(url: str, question: Callable[[Target], Awaitable[Result]], **options: Any) -> Result:
    """What a target at a url answers to one question."""

    async def ask() -> Result:
        async with opened(url, **options) as target:
            return await question(target)

    return asyncio.run(ask())
