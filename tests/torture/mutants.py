"""Mistakes that a protocol like this one could have, put in on purpose: the schedules have to find each of them.

Each is one switch. What it removes is named; `rates` is the world in which it shows. The audit is left out, for it
would repair what most of them break, and with it a proxy's repetitions, which the audit alone repairs; `SOUND` is the
protocol without a mistake in the same worlds, in which nothing may be found.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from unittest.mock import patch

import simulated_life
from simulated_life import VirtualClock
from simulation import Rates

from reconciler.applying import course, writing
from reconciler.applying.audit import Audit
from reconciler.applying.effects import commit
from reconciler.applying.looking import Verdict
from reconciler.store.journal import Journal
from reconciler.store.ops import Op, Step
from reconciler.store.schema import State
from reconciler.targets.base import NotSent

Switch = Callable[[], Any]
Nothing = Generator[Any, Any, None]

# What a person adds and what a PSA alters is left out as well, for the audit tells it; slow pages hide nothing.
HARSH = Rates(
    freeze=0,
    replay=0,
    slow_pages=0,
    altered=0,
    added=0,
    removed=0,
    kill=0.05,
    lost_request=0.1,
    lost_answer=0.15,
    late_commit=0.25,
)
FROZEN = replace(HARSH, freeze=0.03, freeze_seconds=3000, lock_lost_in_freeze=0.5)
FORGETFUL = replace(HARSH, kill=0.08, state_lost=0.8)
ALTERING = replace(HARSH, altered=0.2)
CLOCKS = replace(HARSH, clock_step=0.15, kill=0.01)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake: what is taken out, in which world it shows, and how it is put in. It takes more schedules than every
    push has time for to find one that is `rare`.
    """

    name: str
    rates: Rates
    switches: tuple[Switch, ...]
    rare: bool = False

    @contextmanager
    def put_in(self) -> Iterator[None]:
        """The mistake holds within the block."""
        with ExitStack() as stack:
            for switch in (*WITHOUT_AUDIT, *self.switches):
                stack.enter_context(switch())
            yield


def _never_looked(*_: object) -> None:
    return None


def _nothing(*_: object, **__: object) -> Nothing:
    return
    yield


def _settled_unseen(self: writing.Writing, op: Op, _: object) -> Generator[Any, Any, Op]:
    moved = yield from commit(op, Step(State.ABSENT, "taken for not done"), self._clock.now())
    self.ops[op.address] = moved
    return moved


def _forgotten(self: writing.Writing, op: Op) -> Generator[Any, Any, Op]:
    op = yield from self._move(op, Step(State.ABSENT, "taken for not done", attempt=0))
    return op


def _no_differences(*_: object) -> tuple[str, ...]:
    return ()


_looked = writing.before_send


def _drift_ignored(*given: Any) -> Verdict | None:
    verdict = _looked(*given)
    return None if verdict is not None and verdict.state is State.DRIFT else verdict


_real_move = Journal.move


def _move_without_intent(self: Journal, op: Op, step: Step, at: datetime) -> Op:
    """The intent is kept in memory alone: the disk learns of it with the outcome."""
    if step.state is State.INTENT:
        return replace(op, state=State.INTENT, attempt=step.attempt or 0, deadline=step.deadline, seen=step.seen)
    if op.state is State.INTENT and self.ops(op.plan_id)[0].state is not None:
        stored = next(each for each in self.ops(op.plan_id) if each.slot == op.slot)
        return _real_move(self, replace(op, state=stored.state), step, at)
    return _real_move(self, op, step, at)


def _move_without_fence(self: Journal, op: Op, step: Step, at: datetime) -> Op:
    stored = next(each for each in self.ops(op.plan_id) if each.slot == op.slot)
    with self.store.reading() as connection:
        fence = connection.exec_driver_sql("SELECT fence FROM op WHERE slot = ?", (op.slot,)).scalar()
    return _real_move(replace(self, fence=fence or 0), replace(op, state=stored.state), step, at)


def _wall(self: VirtualClock) -> float:
    return self.now().timestamp()


def _patched(owner: object, name: str, value: object) -> Switch:
    return lambda: patch.object(owner, name, value)


_UNFENCED = (_patched(Journal, "move", _move_without_fence), _patched(Journal, "_hold", _never_looked))
_NO_DRIFT = _patched(writing, "before_send", _drift_ignored)
_FORGOTTEN = _patched(writing.Writing, "_recovered", _forgotten)
_NO_SETTLE = _patched(simulated_life, "SETTLE", 0.0)


def _no_audit(_: object) -> Generator[Any, Any, tuple[str, ...]]:
    return ()
    yield


WITHOUT_AUDIT = (_patched(course, "_audited", _no_audit), _patched(Audit, "remove_copies", _nothing))

SOUND = tuple(
    Mutant(f"no mistake, {name}", rates, ())
    for name, rates in (
        ("harsh", HARSH),
        ("frozen", FROZEN),
        ("forgetful", FORGETFUL),
        ("clocks set", CLOCKS),
        ("altering", ALTERING),
    )
)

MUTANTS = (
    Mutant("no look before the send", FORGETFUL, (_patched(writing, "before_send", _never_looked),)),
    Mutant("a doubtful answer is taken for not done", HARSH, (_patched(writing.Writing, "_settled", _settled_unseen),)),
    Mutant("no settle time", HARSH, (_NO_SETTLE,)),
    Mutant("no intent on the disk", HARSH, (_patched(Journal, "move", _move_without_intent),), rare=True),
    Mutant("neither lock nor fence", replace(HARSH, lock=False), _UNFENCED, rare=True),
    Mutant("no lock", replace(FROZEN, lock=False), ()),
    Mutant("no fence", FROZEN, _UNFENCED, rare=True),
    Mutant("no wait after a lost state", FORGETFUL, (_patched(course, "_wait_for_lost_state", _nothing),)),
    Mutant("a machine that slept sends all the same", FROZEN, (_patched(writing, "_START_SECONDS", 1e9),), rare=True),
    Mutant(
        "what a person changed is not looked at", HARSH, (_patched(writing, "before_send", _drift_ignored),), rare=True
    ),
    Mutant(
        "a killed run's send is taken for not done",
        HARSH,
        (_patched(writing.Writing, "_recovered", _forgotten),),
        rare=True,
    ),
    Mutant(
        "earlier plans are not settled",
        HARSH,
        (_patched(course, "_settle_earlier_plans", _nothing), _patched(Journal, "_refuse_open_ops", _never_looked)),
    ),
    Mutant("no audit", replace(HARSH, replay=0.2), ()),
    Mutant("a broken connection is taken for not sent", HARSH, (_patched(simulated_life, "Ambiguous", NotSent),)),
    Mutant("an altered answer is taken for done", ALTERING, (_patched(writing, "differences", _no_differences),)),
    Mutant("settled by the clock on the wall", CLOCKS, (_patched(VirtualClock, "monotonic", _wall),)),
)
