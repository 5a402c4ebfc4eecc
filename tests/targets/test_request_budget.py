"""The budget of requests: so many a minute, so many at once, whatever the number of tasks."""

import asyncio
from bisect import bisect_right

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_target import InstantClock

from reconciler.targets.budget import RequestBudget, SystemClock


def send_times(budget: RequestBudget, clock: InstantClock, count: int) -> list[float]:
    times: list[float] = []

    async def one() -> None:
        async with budget.place():
            times.append(clock.monotonic())

    async def everything() -> None:
        await asyncio.gather(*(one() for _ in range(count)))

    asyncio.run(everything())
    return times


def most_in_a_minute(times: list[float]) -> int:
    return max(bisect_right(times, start + 60.0) - place for place, start in enumerate(times))


def test_a_small_plan_never_waits() -> None:
    clock = InstantClock()
    send_times(RequestBudget(60, 8, clock), clock, 60)
    assert clock.slept == []


@settings(max_examples=60, deadline=None)
@given(per_minute=st.integers(1, 50), at_once=st.integers(1, 10), count=st.integers(1, 220))
def test_no_minute_ever_holds_more_requests_than_promised(per_minute: int, at_once: int, count: int) -> None:
    clock = InstantClock()
    times = send_times(RequestBudget(per_minute, at_once, clock), clock, count)
    assert len(times) == count
    assert most_in_a_minute(times) <= per_minute


def test_a_long_run_takes_hardly_longer_than_the_limit_itself() -> None:
    clock = InstantClock()
    times = send_times(RequestBudget(60, 8, clock), clock, 600)
    ideal = 60.0 * (600 / 60 - 1)
    assert times[-1] - times[0] <= ideal * 1.15


def test_a_pause_holds_everybody_back_until_it_is_over() -> None:
    clock = InstantClock()
    budget = RequestBudget(1000, 8, clock)
    budget.pause(30)
    budget.pause(5)
    start = clock.now
    assert send_times(budget, clock, 20)[0] == pytest.approx(start + 30)


def test_no_more_requests_are_in_flight_than_allowed() -> None:
    clock = InstantClock()
    budget = RequestBudget(1000, 3, clock)
    in_flight, most = 0, 0

    async def one() -> None:
        nonlocal in_flight, most
        async with budget.place():
            in_flight += 1
            most = max(most, in_flight)
            await asyncio.sleep(0)
            in_flight -= 1

    async def everything() -> None:
        await asyncio.gather(*(one() for _ in range(30)))

    asyncio.run(everything())
    assert most == 3


def test_a_place_is_given_back_by_a_request_that_fails() -> None:
    clock = InstantClock()
    budget = RequestBudget(1000, 1, clock)

    async def failing_then_working() -> str:
        with pytest.raises(OSError, match="broken"):
            async with budget.place():
                raise OSError("broken")
        async with asyncio.timeout(5), budget.place():
            return "got a place"

    assert asyncio.run(failing_then_working()) == "got a place"


def test_the_clock_of_the_machine_goes_forward() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    asyncio.run(clock.sleep(0.001))
    assert clock.monotonic() > before
