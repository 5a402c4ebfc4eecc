"""Several things at once, and none left running behind a failure.

`asyncio.gather` lets the others run on when one fails: they would ask a PSA whose connections are closed already.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar, overload

_Result = TypeVar("_Result")
_First = TypeVar("_First")
_Second = TypeVar("_Second")
_Third = TypeVar("_Third")


async def together(work: Iterable[Coroutine[Any, Any, _Result]]) -> list[_Result]:
    """The results, in order. The first failure ends the others and is raised as it is."""
    failure: BaseException
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except BaseExceptionGroup as failures:
        failure = failures.exceptions[0]
    else:
        return [task.result() for task in tasks]
    raise failure


@overload
async def side_by_side(
    first: Coroutine[Any, Any, _First], second: Coroutine[Any, Any, _Second], /
) -> tuple[_First, _Second]: ...
@overload
async def side_by_side(
    first: Coroutine[Any, Any, _First],
    second: Coroutine[Any, Any, _Second],
    third: Coroutine[Any, Any, _Third],
    /,
) -> tuple[_First, _Second, _Third]: ...
async def side_by_side(*work: Coroutine[Any, Any, Any]) -> tuple[Any, ...]:
    """The results of works that are not of one kind, in order. The first failure ends the others and is raised."""
    return tuple(await together(work))
