"""Running asynchronous work to its end from a command."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def finished(work: Coroutine[Any, Any, Result]) -> Result:
    """What the work comes to. Raises what it raises; an interrupt ends it as `asyncio.run` does.

    `asyncio.run` ends with a look at its signal handler, of which `signal` makes a text that is thrown away: with the
    handler's task, and all of the task's result. The text of a plan with its documents is gigabytes long, so the
    outermost task has no result.
    """
    results: list[Result] = []

    async def kept() -> None:
        results.append(await work)

    asyncio.run(kept())
    return results[0]
