"""Applies a plan: admitted once, written once, resumed as often as it takes.

The life of an apply: settle what earlier runs left in doubt → is the plan stale? → admit it, all ops on disk → drive
each op (`executor`) → audit (`audit`) → close the plan. A plan already done is not touched; one partly done goes on.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from reconciler.applying.audit import Audit
from reconciler.applying.brake import Brake
from reconciler.applying.executor import Executor, Left
from reconciler.applying.order import CircularNeeds, chains
from reconciler.applying.report import DONE_WORDS, ApplyReport, ChangeResult, Ending, hint, impact_of
from reconciler.applying.slots import new_op, slot
from reconciler.applying.surroundings import Surroundings
from reconciler.domain.plan import Change, Plan
from reconciler.planning.plan_file import PlanFileError, read_plan, write_plan
from reconciler.store.errors import FencedOut
from reconciler.store.journal import Journal, Op, PlanRun, give_back, take_over
from reconciler.store.schema import OPEN, RunState, State
from reconciler.targets.base import TargetError

Stale = Callable[[], Awaitable[tuple[str, ...]]]


class CannotApply(Exception):
    """The plan cannot be applied as it is; nothing was written. `hint` says what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def plan_id(plan: Plan) -> str:
    """What makes a plan single-use: its digest and the moment it was made. A plan made anew is another one."""
    return "plan-" + hashlib.sha256(f"{plan.digest} {plan.created}".encode()).hexdigest()[:32]


async def nothing_stale() -> tuple[str, ...]:
    """For a plan that was made a moment ago, and for one that has been written in part."""
    return ()


async def apply_plan(plan: Plan, around: Surroundings, stale: Stale) -> ApplyReport:
    """Writes a plan to the PSA, each record once. The store's lock must be held (`store.database.locked_store`).

    `stale` reads the PSA again and says in sentences what has changed since the plan was made; with any, nothing is
    written. Raises CannotApply where the plan is impossible, TargetError where the PSA cannot be read before anything
    was written, StoreError where the journal cannot be written.
    """
    _refuse_impossible(plan)
    key = plan_id(plan)
    journal = take_over(around.store, plan.target, around.clock.now())
    try:
        admitted = journal.plan_run(key)
        if admitted is not None and admitted.status is not RunState.OPEN:
            return _closed(key, admitted)
        await _wait_for_lost_state(around)
        await _settle_earlier_plans(journal, around, key)
        if around.stop.asked:
            return ApplyReport(key, Ending.INTERRUPTED, signal=around.stop.signal)
        ops = journal.ops(key)
        if all(op.state is State.PLANNED and op.attempt == 0 for op in ops):
            sentences = await around.stop.unless(stale())
            if sentences is None:
                return ApplyReport(key, Ending.INTERRUPTED, signal=around.stop.signal)
            if sentences:
                return ApplyReport(key, Ending.STALE, stale=tuple(sentences))
        if admitted is None:
            in_order = [new_op(change) for change in plan.changes]
            journal.admit(key, plan.digest, write_plan(plan), in_order, around.clock.now())
        return await _driven(plan, key, journal, around)
    finally:
        give_back(journal)


async def resume(run: PlanRun, around: Surroundings, stale: Stale = nothing_stale) -> ApplyReport:
    """Finishes an admitted plan, or settles what can be settled of it. The same as applying its file again."""
    return await apply_plan(journal_plan(run), around, stale)


def journal_plan(run: PlanRun) -> Plan:
    """The plan that was admitted. Raises CannotApply where this version cannot read it."""
    try:
        return read_plan(run.text, f"the plan begun {run.started}")
    except PlanFileError as error:
        raise CannotApply(
            f"an interrupted apply cannot be taken up: {error}", "use the version that began it"
        ) from None


async def _driven(plan: Plan, key: str, journal: Journal, around: Surroundings) -> ApplyReport:
    executor: Executor

    def progress(op: Op, change: Change) -> None:
        around.progress(_result(change, op, executor.left.get(change.address)))

    executor = Executor(plan, journal.ops(key), journal, around, Brake(), progress)
    incidents: tuple[str, ...] = ()
    try:
        await executor.run()
        if not around.stop.asked:
            incidents = await _audited(Audit(plan, executor.ops, journal, around))
        if not around.stop.asked and not incidents and all(op.state is State.CONFIRMED for op in executor.ops.values()):
            journal.finish(key, RunState.DONE, around.clock.now())
            ending = Ending.DONE
        else:
            ending = Ending.INTERRUPTED if around.stop.asked else Ending.PART_WAY
    except FencedOut as fenced:
        incidents, ending = (str(fenced),), Ending.PART_WAY
    results = tuple(
        _result(change, executor.ops[change.address], executor.left.get(change.address)) for change in plan.changes
    )
    done = [result.change for result in results if result.done]
    return ApplyReport(
        key, ending, results, incidents=incidents, signal=around.stop.signal, impact=impact_of(plan, done)
    )


async def _audited(audit: Audit) -> tuple[str, ...]:
    try:
        await audit.run()
    except TargetError as fault:
        return (*audit.incidents, f"the PSA could not be read for the audit: {fault}")
    return tuple(audit.incidents)


async def _settle_earlier_plans(journal: Journal, around: Surroundings, key: str) -> None:
    """Settles, without sending, what earlier plans left in doubt; raises CannotApply where that is not possible."""
    for run in journal.open_runs():
        if run.plan_id == key:
            continue
        try:
            plan = journal_plan(run)
        except CannotApply:
            if any(op.state in OPEN for op in journal.ops(run.plan_id)):
                raise
            continue
        around.notice(f"an earlier apply of {plan.month} was not finished: settling what it left open")
        superseded = Brake("a later plan takes its place")
        executor = Executor(plan, journal.ops(run.plan_id), journal, around, superseded, lambda op, change: None)
        await executor.run()
        if around.stop.asked:
            return
        undecided = [op.address for op in executor.ops.values() if op.state in OPEN]
        if undecided:
            raise CannotApply(
                f"an earlier write to {undecided[0]} is not settled, so nothing new was written",
                executor.left[undecided[0]].reason if undecided[0] in executor.left else None,
            )
        await Audit(plan, executor.ops, journal, around).remove_copies()


async def _wait_for_lost_state(around: Surroundings) -> None:
    # I9: a run was killed, and its state is gone; what it sent last may land until then.
    lost = around.store.meta("lost")
    if lost is None:
        return
    until = datetime.fromisoformat(lost) + timedelta(seconds=around.settle_seconds)
    left = (until - around.clock.now()).total_seconds()
    if left > 0:
        around.notice(f"the state of a killed run was lost: waiting {left:.0f} s for what it may have sent")
        await around.stop.pause(around.clock, left)


def _closed(key: str, run: PlanRun) -> ApplyReport:
    if run.status is RunState.DONE:
        return ApplyReport(key, Ending.ALREADY_DONE)
    return ApplyReport(key, Ending.STALE, stale=("a later plan was applied since this one was begun",))


def _refuse_impossible(plan: Plan) -> None:
    try:
        chains(plan.changes)
    except CircularNeeds as error:
        raise CannotApply(str(error), "make a new plan") from None
    slots: dict[str, str] = {}
    for change in plan.changes:
        other = slots.setdefault(slot(change), change.address)
        if other != change.address:
            raise CannotApply(f"the plan writes one record twice: {other} and {change.address}", "make a new plan")


def _result(change: Change, op: Op, left: Left | None) -> ChangeResult:
    if op.state is State.CONFIRMED:
        done = f"{DONE_WORDS[change.action][1]} (id {op.remote_id})"
        return ChangeResult(change, op.state, f"{done}; {op.note}" if op.note else done, None, op.remote_id)
    if left is not None:
        return ChangeResult(change, op.state, left.reason, left.hint or hint(op.state), op.remote_id)
    return ChangeResult(change, op.state, op.note or "not sent", hint(op.state), op.remote_id)
