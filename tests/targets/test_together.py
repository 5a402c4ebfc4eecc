"""Several questions at once: where one fails, none of the others goes on asking."""

import asyncio

import pytest

from reconciler.targets.base import TargetError
from reconciler.targets.together import side_by_side


async def refused() -> int:
    raise TargetError("no such list")


async def waiting(ended: list[str]) -> str:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("it ended")
    return "never"


def test_a_failure_ends_the_others_before_it_is_raised() -> None:
    ended: list[str] = []

    async def look() -> None:
        with pytest.raises(TargetError, match="no such list"):
            await side_by_side(waiting(ended), refused())
        assert ended == ["it ended"]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(look())


def test_results_come_in_the_order_of_the_questions() -> None:
    async def later() -> str:
        await asyncio.sleep(0)
        return "later"

    async def at_once() -> int:
        return 1

    assert asyncio.run(side_by_side(later(), at_once())) == ("later", 1)
