"""Performs the effects of applying on a real PSA and a real journal: agreements side by side, each in its order."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from reconciler.applying.effects import (
    Bounded,
    Commit,
    Effect,
    Ended,
    Enter,
    FindProducts,
    HasEnded,
    Observe,
    OrderEffect,
    PsaEffect,
    ReadAdditions,
    ReadAgreement,
    RemoveCopy,
    Send,
    Stale,
    Steps,
    Together,
    Wait,
)
from reconciler.applying.journaling import Journaling
from reconciler.applying.surroundings import Surroundings
from reconciler.applying.writing import SEND_SECONDS
from reconciler.domain.plan import Action, AdditionValues, Change, ProductValues
from reconciler.domain.records import Addition, Product
from reconciler.store.journal import Journal
from reconciler.targets.base import Target, operation, write_status

Staleness = Callable[[], Awaitable[tuple[str, ...]]]
Answer = TypeVar("Answer")


class Executor:
    """Drives courses to their ends. One for each run."""

    def __init__(self, around: Surroundings, journal: Journal, stale: Staleness) -> None:
        self._target, self._clock, self._stop = around.target, around.clock, around.stop
        self._store, self._journaling, self._stale = journal.store, Journaling(journal), stale
        self._places = asyncio.Semaphore(max(1, around.limits.concurrency))
        self._ended: dict[str, asyncio.Event] = {}

    async def run(self, course: Steps[Answer]) -> Answer:
        """Gives each effect of a course its answer; returns what the course returns, raises what it raises."""
        answer: Any = None
        fault: Exception | None = None
        while True:
            try:
                effect = course.send(answer) if fault is None else course.throw(fault)
            except StopIteration as end:
                result: Answer = end.value
                return result
            answer, fault = None, None
            try:
                answer = await self._performed(effect)
            except Exception as failure:
                fault = failure

    async def settled(self) -> None:
        """Waits until the journal has written what it was asked, also by courses that were cancelled since."""
        await self._journaling.settled()

    async def _performed(self, effect: Effect) -> Any:
        if isinstance(effect, Commit | Enter):
            return await self._journaling.asked(effect)
        if isinstance(effect, Send | RemoveCopy):
            self._store.assert_held()
        if isinstance(effect, Stale | Wait | Ended | HasEnded | Together | Bounded):
            return await self._ordered(effect)
        return await asked(self._target, effect)

    async def _ordered(self, effect: OrderEffect) -> Any:
        match effect:
            case Stale():
                return await self._stop.unless(self._stale())
            case Wait(seconds):
                return await self._stop.pause(self._clock, seconds)
            case Ended(address):
                return await self._end_of(address).wait()
            case HasEnded(address):
                return self._end_of(address).set()
            case Together(courses, grace):
                return await self._together(courses, grace)
            case Bounded(course):
                async with self._places:
                    return await self.run(course)

    def _end_of(self, address: str) -> asyncio.Event:
        return self._ended.setdefault(address, asyncio.Event())

    async def _together(self, courses: tuple[Steps[None], ...], grace: float) -> None:
        begun = [asyncio.ensure_future(self.run(course)) for course in courses]
        running = set(begun)
        asked = asyncio.ensure_future(self._stop.wait())
        try:
            while running and not asked.done():
                done, _ = await asyncio.wait(running | {asked}, return_when=asyncio.FIRST_COMPLETED)
                running -= done
                for part in done - {asked}:
                    part.result()
            if running:
                done, running = await asyncio.wait(running, timeout=grace)
                for part in done:
                    part.result()
        finally:
            for part in (*running, asked):
                part.cancel()
            # All of them: where two fail at once, the second's exception would else be asyncio's to tell.
            await asyncio.gather(*begun, asked, return_exceptions=True)


async def asked(target: Target, effect: PsaEffect) -> Any:
    """What a PSA answers. Raises TargetError; TimeoutError where a write was not answered in time."""
    operation.set(_called(effect))
    match effect:
        case ReadAgreement(agreement_id):
            return await target.read_agreement(agreement_id)
        case ReadAdditions(agreement_id, serial_number):
            return await target.read_additions(agreement_id, serial_number)
        case FindProducts(vendor_sku):
            return await target.find_products(vendor_sku)
        case Observe(wanted):
            return await target.observe(wanted)
        case Send(change):
            write_status.set(None)
            async with asyncio.timeout(SEND_SECONDS):
                return await sent(target, change)
        case RemoveCopy(copy):
            return await target.delete_addition(copy.agreement_id, copy.id)


def _called(effect: PsaEffect) -> str:
    """What the log calls the requests of an effect."""
    match effect:
        case ReadAgreement(agreement_id) | ReadAdditions(agreement_id):
            return f"look at agreement {agreement_id}"
        case FindProducts():
            return "look for a product"
        case Observe():
            return "observe"
        case Send(change):
            return f"{change.action.value} {change.address}"
        case RemoveCopy(copy):
            return f"remove copy {copy.id}"


async def sent(target: Target, change: Change) -> Addition | Product | None:
    """One write, once; returns the record as the PSA answered it, None for a delete.

    Raises NotSent, Refused, or Ambiguous.
    """
    before, after = change.before, change.after
    if change.action is Action.DELETE:
        if not isinstance(before, AdditionValues) or change.record is None:
            raise ValueError(f"{change.address}: only additions are deleted")
        await target.delete_addition(before.agreement_id, change.record)
        return None
    if change.action is Action.CREATE:
        if isinstance(after, AdditionValues):
            return await target.create_addition(after)
        if isinstance(after, ProductValues):
            return await target.create_product(after)
    elif change.record is not None:
        if isinstance(before, AdditionValues) and isinstance(after, AdditionValues):
            return await target.update_addition(change.record, before, after)
        if isinstance(before, ProductValues) and isinstance(after, ProductValues):
            return await target.update_product(change.record, before, after)
    raise ValueError(f"{change.address}: a {change.action.value} without the values it needs")
