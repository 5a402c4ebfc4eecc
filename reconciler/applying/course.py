"""The course of an apply: admitted once, written once, resumed as often as it takes.

Settle what earlier runs left in doubt → is the plan stale? → admit it, all ops on disk → write each op (`writing`) →
audit (`audit`) → close the plan. A plan already done is not touched; one partly done goes on. Everything that touches
the world is asked for as an effect (`effects`).
"""

import hashlib
from functools import partial

from reconciler.applying.audit import Audit
from reconciler.applying.brake import Brake
from reconciler.applying.effects import Steps, Wait, enter, stale
from reconciler.applying.order import CircularNeeds, chains
from reconciler.applying.report import DONE_WORDS, ApplyReport, ChangeResult, Ending, hint, impact_of
from reconciler.applying.slots import new_op, slot
from reconciler.applying.surroundings import Conditions
from reconciler.applying.writing import Left, Writing
from reconciler.domain.plan import Change, Plan
from reconciler.planning.plan_file import PlanFileError, read_plan, write_plan
from reconciler.store.errors import FencedOut, StoreError
from reconciler.store.journal import Journal
from reconciler.store.ops import Op, PlanRun
from reconciler.store.schema import OPEN, RunState, State
from reconciler.targets.base import TargetError


class CannotApply(Exception):
    """The plan cannot be applied as it is; nothing was written. `hint` says what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def plan_id(plan: Plan) -> str:
    """What makes a plan single-use: its digest and the moment it was made. A plan made anew is another one."""
    return "plan-" + hashlib.sha256(f"{plan.digest} {plan.created}".encode()).hexdigest()[:32]


def journal_plan(run: PlanRun) -> Plan:
    """The plan that was admitted. Raises CannotApply where this version cannot read it."""
    try:
        return read_plan(run.text, f"the plan begun {run.started}")
    except PlanFileError as error:
        raise CannotApply(
            f"an interrupted apply cannot be taken up: {error}", "use the version that began it"
        ) from None


def refuse_impossible(plan: Plan) -> None:
    """Raises CannotApply for a plan that no order of writing can carry out, or that writes one record twice."""
    try:
        chains(plan.changes)
    except CircularNeeds as error:
        raise CannotApply(str(error), "make a new plan") from None
    slots: dict[str, str] = {}
    for change in plan.changes:
        other = slots.setdefault(slot(change), change.address)
        if other != change.address:
            raise CannotApply(f"the plan writes one record twice: {other} and {change.address}", "make a new plan")


def course(plan: Plan, conditions: Conditions) -> Steps[ApplyReport]:
    """One run of a plan under the journal's fence. Raises as `apply.apply_plan` does."""
    key = plan_id(plan)
    admitted = yield from enter(lambda journal: journal.plan_run(key))
    if admitted is not None and admitted.status is not RunState.OPEN:
        return _closed(key, admitted)
    yield from _wait_for_lost_state(conditions)
    yield from _settle_earlier_plans(conditions, key)
    if conditions.stop.asked:
        return ApplyReport(key, Ending.INTERRUPTED, signal=conditions.stop.signal)
    ops = yield from enter(lambda journal: journal.ops(key))
    if all(op.state is State.PLANNED and op.attempt == 0 for op in ops):
        sentences = yield from stale()
        if sentences is None:
            return ApplyReport(key, Ending.INTERRUPTED, signal=conditions.stop.signal)
        if sentences:
            return ApplyReport(key, Ending.STALE, stale=tuple(sentences))
    if admitted is None:
        text, entered, at = write_plan(plan), [new_op(change) for change in plan.changes], conditions.clock.now()
        yield from enter(lambda journal: journal.admit(key, plan.digest, text, entered, at))
    return (yield from _driven(plan, key, conditions))


def _driven(plan: Plan, key: str, conditions: Conditions) -> Steps[ApplyReport]:
    writing: Writing

    def progress(op: Op, change: Change) -> None:
        conditions.progress(result(change, op))

    def result(change: Change, op: Op) -> ChangeResult:
        earlier = _wrote_nothing(begun[op.address], op)
        return _result(change, op, writing.left.get(change.address), earlier=earlier)

    ops = yield from _entered(plan, key)
    begun = {op.address: op for op in ops}
    writing = Writing(plan, ops, conditions, Brake(), progress)
    stop = conditions.stop
    incidents: tuple[str, ...] = ()
    try:
        yield from writing.run()
        if not stop.asked:
            incidents = yield from _audited(Audit(plan, writing.ops, conditions))
        if not stop.asked and not incidents and all(op.state is State.CONFIRMED for op in writing.ops.values()):
            at = conditions.clock.now()
            yield from enter(lambda journal: journal.finish(key, RunState.DONE, at))
            ending = Ending.DONE
        else:
            ending = Ending.INTERRUPTED if stop.asked else Ending.PART_WAY
    except FencedOut as fenced:
        incidents, ending = (str(fenced),), Ending.PART_WAY
    results = tuple(result(change, writing.ops[change.address]) for change in plan.changes)
    done = [result.change for result in results if result.done]
    return ApplyReport(key, ending, results, incidents=incidents, signal=stop.signal, impact=impact_of(plan, done))


def _entered(plan: Plan, key: str) -> Steps[tuple[Op, ...]]:
    """The ops of an admitted plan. Raises StoreError where the state that held them was replaced meanwhile."""
    ops = yield from enter(lambda journal: tuple(journal.ops(key)))
    if {op.address for op in ops} != {change.address for change in plan.changes}:
        raise StoreError(
            "the state was lost or replaced while this run held it; nothing was sent since",
            "run `reconciler plan` again: it starts from what the PSA holds now",
        )
    return ops


def _audited(audit: Audit) -> Steps[tuple[str, ...]]:
    try:
        yield from audit.run()
    except TargetError as fault:
        return (*audit.incidents, f"the PSA could not be read for the audit: {fault}")
    return tuple(audit.incidents)


def _settle_earlier_plans(conditions: Conditions, key: str) -> Steps[None]:
    """Settles, without sending, what earlier plans left in doubt; raises CannotApply where that is not possible."""
    runs = yield from enter(lambda journal: journal.open_runs())
    for run in runs:
        if run.plan_id == key:
            continue
        try:
            plan = journal_plan(run)
        except CannotApply:
            ops = yield from enter(partial(Journal.ops, plan_id=run.plan_id))
            if any(op.state in OPEN for op in ops):
                raise
            continue
        ops = yield from _entered(plan, run.plan_id)
        conditions.notice(f"an earlier apply of {plan.period} was not finished: settling what it left open")
        superseded = Brake("a later plan takes its place")
        writing = Writing(plan, ops, conditions, superseded, lambda op, change: None)
        yield from writing.run()
        if conditions.stop.asked:
            return
        undecided = [op.address for op in writing.ops.values() if op.state in OPEN]
        if undecided:
            raise CannotApply(
                f"an earlier write to {undecided[0]} is not settled, so nothing new was written",
                writing.left[undecided[0]].reason if undecided[0] in writing.left else None,
            )
        yield from Audit(plan, writing.ops, conditions).remove_copies()


def _wait_for_lost_state(conditions: Conditions) -> Steps[None]:
    # I9: a run was killed, and its state is gone; what it sent last may land until then.
    since = yield from enter(lambda journal: journal.store.seconds_since_lost(conditions.clock.now()))
    if since is None:
        return
    left = min(conditions.settle_seconds, conditions.settle_seconds - since)
    if left > 0:
        conditions.notice(
            f"the state of a killed run was lost, or may have been: waiting {left:.0f} s for what it may have sent"
        )
        yield Wait(left)


def _closed(key: str, run: PlanRun) -> ApplyReport:
    if run.status is RunState.DONE:
        return ApplyReport(key, Ending.ALREADY_DONE)
    return ApplyReport(key, Ending.STALE, stale=("a later plan was applied since this one was begun",))


def _wrote_nothing(begun: Op, op: Op) -> bool:
    """Whether a write of an earlier run is what stands: it was sent before this run began, and never in it."""
    return begun.attempt > 0 and op.attempt == begun.attempt


def _result(change: Change, op: Op, left: Left | None, *, earlier: bool) -> ChangeResult:
    if op.state is State.CONFIRMED:
        done = f"{DONE_WORDS[change.action][1]} (id {op.remote_id})"
        told = f"{'written before: ' if earlier else ''}{done}{f'; {op.note}' if op.note else ''}"
        return ChangeResult(change, op.state, told, None, op.remote_id, earlier)
    if left is not None:
        return ChangeResult(change, op.state, left.reason, left.hint or hint(op.state), op.remote_id)
    return ChangeResult(change, op.state, op.note or "not sent", hint(op.state), op.remote_id)
