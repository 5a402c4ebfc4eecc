"""Writes the ops of one admitted plan: look, intent on disk, send, outcome on disk; settle what is in doubt.

Within an agreement one op follows the other; agreements go on side by side. At most one op of an agreement is ever
open, so a doubt is settled before anything else is written there. Everything is asked for as an effect (`effects`).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from reconciler.applying.brake import Brake
from reconciler.applying.effects import (
    Ended,
    HasEnded,
    Steps,
    Together,
    Wait,
    bounded,
    commit,
    enter,
    read_agreement,
    send,
)
from reconciler.applying.looking import Seen, after_doubt, before_send
from reconciler.applying.order import chains, subscription_of
from reconciler.applying.reading import look, look_around
from reconciler.applying.slots import (
    Record,
    differences,
    is_addition,
    known_records,
    request_digest,
    told_request,
    wanted,
    with_product,
)
from reconciler.applying.states import ATTEMPTS, checked, is_terminal, may_send
from reconciler.applying.surroundings import Conditions
from reconciler.domain.plan import AdditionValues, Change, Plan, Resource
from reconciler.store.errors import FencedOut
from reconciler.store.ops import Op, Step
from reconciler.store.schema import State
from reconciler.targets.base import NotSent, Refused, TargetError, write_status

# A send starts within this time from its intent, or is not made: the machine slept.
_START_SECONDS = 30
# What a send may take: the target's own wait for its budget of requests, and the answer.
SEND_SECONDS = 450
# How long a request in flight may take to end after a signal.
_GRACE_SECONDS = 5
# How often a request that provably did nothing is made again in one run.
_NOT_SENT_TRIES = 5
# The pauses between the reads that look for an unanswered write; the last is repeated until the settle time is over.
_READ_PAUSES = (0.5, 2.0, 5.0, 10.0, 30.0)

Progress = Callable[[Op, Change], None]
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Left:
    """Why an op goes no further in this run, and what to do about it; None: what its state says."""

    reason: str
    hint: str | None = None


class _LeftOpen(Exception):
    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(reason)
        self.left = Left(reason, hint)


class Writing:
    """One plan's ops in one run. `ops` holds each op's newest row by address; `left` why one was left."""

    def __init__(
        self,
        plan: Plan,
        ops: Iterable[Op],
        conditions: Conditions,
        brake: Brake,
        progress: Progress,
    ) -> None:
        self.plan = plan
        self.ops: dict[str, Op] = {}
        self.left: dict[str, Left] = {}
        self._conditions = conditions
        self._clock = conditions.clock
        self._stop = conditions.stop
        self._brake = brake
        self._progress = progress
        self._agreements: dict[str, Seen] = {}
        # The records that this plan has confirmed, and by address its products: kept as ops move, for each write asks.
        self._ours: set[str] = set()
        self._created: dict[str, str] = {}
        for op in ops:
            self._keep(op)

    def run(self) -> Steps[None]:
        """Takes every op as far as it goes. Raises FencedOut or StoreError where the journal cannot be written."""
        parts = chains(self.plan.changes).values()
        # Products before additions: a record of a product that could not be written is then never begun.
        yield Together(tuple(self._chain(c) for c in parts if not is_addition(c[0])), _GRACE_SECONDS)
        yield Together(tuple(self._chain(c) for c in parts if is_addition(c[0])), _GRACE_SECONDS)

    # -- chains

    def _chain(self, changes: tuple[Change, ...]) -> Steps[None]:
        broken: dict[str, str] = {}
        for change in changes:
            for need in change.needs:
                if need in self.ops:
                    yield Ended(need)
            op = yield from self._ended_op(change, broken.get(subscription_of(change)))
            if op.state is not State.CONFIRMED:
                broken.setdefault(subscription_of(change), op.address)
            yield HasEnded(change.address)
            self._progress(op, change)

    def _ended_op(self, change: Change, broken: str | None) -> Steps[Op]:
        op = self.ops[change.address]
        if is_terminal(op.state):
            return op
        try:
            if op.state is State.INTENT:
                op = yield from self._recovered(op)
            if op.state is State.UNKNOWN:
                op = yield from self._settled(op, self._resolved(change))
            if may_send(op.state):
                op = yield from self._written(op, self._ready(change, broken))
        except _LeftOpen as stopped:
            self.left[change.address] = stopped.left
        return self.ops[change.address]

    def _ready(self, change: Change, broken: str | None) -> Change:
        undone = [n for n in change.needs if n in self.ops and self.ops[n].state is not State.CONFIRMED]
        if undone:
            raise self._held_back(f"it needs {undone[0]}, which was not done", undone[0])
        if broken is not None:
            raise self._held_back(f"{broken} of the same subscription was not done", broken)
        change = self._resolved(change)
        if isinstance(change.after, AdditionValues) and change.after.product_id is None:
            raise _LeftOpen(f"not sent: its product {change.after.product} has no id")
        return change

    def _held_back(self, reason: str, blocker: str) -> _LeftOpen:
        final = is_terminal(self.ops[blocker].state)
        hint = "it will be in the next plan, once that is mended" if final else None
        return _LeftOpen(f"not sent: {reason}", hint)

    def _resolved(self, change: Change) -> Change:
        return with_product(change, self._created)

    # -- writing

    def _written(self, op: Op, change: Change) -> Steps[Op]:
        not_sent, before = 0, op.attempt
        while may_send(op.state):
            # What a killed run has sent does not count: the person who resumes wants it tried.
            if op.attempt - before >= ATTEMPTS:
                return (
                    yield from self._move(op, Step(State.FAILED, f"it was sent {ATTEMPTS} times and never appeared"))
                )
            op, pause = yield from bounded(self._tried(op, change))
            if op.state is State.UNKNOWN:
                op = yield from self._settled(op, change)
            elif op.state is State.ABSENT:
                not_sent += 1
                if not_sent >= _NOT_SENT_TRIES:
                    raise _LeftOpen(f"not sent: {op.note}")
                yield Wait(pause or min(2.0**not_sent, 30.0))
        return op

    def _tried(self, op: Op, change: Change) -> Steps[tuple[Op, float | None]]:
        self._may_go_on()
        found = yield from self._looked(change)
        verdict = before_send(change, found, known_records(self.plan, change.agreement), self._ours)
        if verdict is not None:
            self._brake.found(verdict.copies)
            return (yield from self._move(op, Step(verdict.state, verdict.note, remote_id=verdict.record))), None
        self._may_go_on()
        started, started_at = self._clock.monotonic(), self._clock.now()
        op = yield from self._move(
            op,
            Step(
                State.INTENT,
                detail=told_request(change),
                attempt=op.attempt + 1,
                deadline=started_at + timedelta(seconds=SEND_SECONDS),
                seen=self._seen(change, found).to_json(),
                request_sha256=request_digest(change),
            ),
        )
        # A machine that slept between the commit and here has lost the right to send.
        slept = max(self._clock.monotonic() - started, (self._clock.now() - started_at).total_seconds())
        if slept >= _START_SECONDS:
            slept_over = Step(State.ABSENT, "not sent: the machine slept", attempt=op.attempt - 1)
            return (yield from self._move(op, slept_over)), None
        return (yield from self._sent(op, change))

    def _sent(self, op: Op, change: Change) -> Steps[tuple[Op, float | None]]:
        pause = None
        try:
            record = yield from send(change)
            step = self._answered(change, record)
        except NotSent as fault:
            step, pause = Step(State.ABSENT, str(fault), attempt=op.attempt - 1), fault.retry_after
        except Refused as fault:
            step = Step(State.REJECTED, str(fault))
        except (TargetError, TimeoutError) as fault:
            step = self._doubted(str(fault) or "no answer in time")
        self._brake.count(step.state)
        step = replace(step, http_status=write_status.get())
        try:
            return (yield from self._move(op, step)), pause
        except FencedOut:
            # I7: what was sent cannot be recorded as an op any more; it must not be forgotten.
            told, at = f"{op.address}: {step.state} {step.remote_id or ''}", self._clock.now()
            yield from enter(lambda journal: journal.incident("sent, then fenced out", told, at, op))
            raise

    def _answered(self, change: Change, record: Record | None) -> Step:
        if record is None or change.after is None:
            return Step(State.CONFIRMED, detail=f"record {change.record} is deleted", remote_id=change.record)
        altered = differences(change.after, record)
        if altered:
            return self._doubted(f"the PSA answered with record {record.id}, altered: {', '.join(altered)}")
        return Step(State.CONFIRMED, detail=f"the PSA answered with record {record.id}", remote_id=record.id)

    def _doubted(self, note: str) -> Step:
        # I6: whatever time the send had left, it is over now; the settle time counts from here.
        return Step(State.UNKNOWN, note, deadline=self._clock.now())

    # -- settling

    def _recovered(self, op: Op) -> Steps[Op]:
        # The process that sent it is dead, for this one has its lock: it sends nothing after now.
        return (
            yield from self._move(
                op, Step(State.UNKNOWN, "the run that sent it ended before the answer", deadline=self._clock.now())
            )
        )

    def _settled(self, op: Op, change: Change) -> Steps[Op]:
        # The whole settle time by the clock that cannot be set, also after a restart: a day on the wall proves nothing.
        due = self._clock.monotonic() + self._conditions.settle_seconds
        seen = Seen.from_json(op.seen)
        for pause in _pauses():
            settled = self._clock.monotonic() >= due
            found = yield from self._read(look_around(change))
            verdict = after_doubt(change, found, seen.records, self._ours)
            if verdict.state is not State.ABSENT or settled:
                self._brake.found(verdict.copies)
                return (yield from self._move(op, Step(verdict.state, verdict.note, remote_id=verdict.record)))
            if self._stop.asked:
                raise _LeftOpen("its outcome is not known yet")
            if pause == _READ_PAUSES[0]:
                self._conditions.notice(
                    f"{op.address}: no clear answer; looking for it for up to {self._conditions.settle_seconds:.0f} s"
                )
            yield Wait(min(pause, max(0.0, due - self._clock.monotonic())))
        raise AssertionError("the pauses never end")

    # -- reading

    def _looked(self, change: Change) -> Steps[tuple[Record, ...]]:
        values = wanted(change)
        if isinstance(values, AdditionValues) and values.agreement_id not in self._agreements:
            agreement, additions = yield from self._read(read_agreement(values.agreement_id))
            standing = frozenset(addition.id for addition in additions)
            self._agreements[values.agreement_id] = Seen(standing, agreement.next_invoice)
            return tuple(additions)
        return (yield from self._read(look(change)))

    def _read(self, reading: Steps[Read]) -> Steps[Read]:
        try:
            result = yield from reading
        except TargetError as fault:
            self._brake.unreadable(str(fault))
            raise _LeftOpen(f"the PSA could not be read: {fault}") from fault
        self._brake.readable()
        return result

    def _seen(self, change: Change, found: tuple[Record, ...]) -> Seen:
        values = wanted(change)
        ids = frozenset(record.id for record in found)
        if not isinstance(values, AdditionValues):
            return Seen(ids)
        agreement = self._agreements[values.agreement_id]
        return Seen(ids | agreement.records, agreement.next_invoice)

    # -- the journal

    def _may_go_on(self) -> None:
        if self._stop.asked:
            raise _LeftOpen("not sent: stopped on request")
        if self._brake.reason:
            raise _LeftOpen(f"not sent: {self._brake.reason}")

    def _move(self, op: Op, step: Step) -> Steps[Op]:
        checked(op.state, step.state)
        moved = yield from commit(op, step, self._clock.now())
        self._keep(moved)
        return moved

    def _keep(self, op: Op) -> None:
        self.ops[op.address] = op
        if op.state is State.CONFIRMED and op.remote_id:
            self._ours.add(op.remote_id)
            if op.resource == Resource.PRODUCT.value:
                self._created[op.address] = op.remote_id


def _pauses() -> Iterator[float]:
    yield from _READ_PAUSES
    while True:
        yield _READ_PAUSES[-1]
