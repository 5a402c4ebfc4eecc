"""What was intended, sent and answered, for one tenant (one `targets:` entry), by the one run that may write.

Every step is a compare-and-set on an op's state and fence, and a row in its history, in one transaction. A step that
finds nothing to set raises FencedOut: another run has taken over, and this one must stop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, bindparam, func, insert, select, update

from reconciler.store import schema
from reconciler.store.database import Store
from reconciler.store.errors import FencedOut, StoreError
from reconciler.store.ops import Move, NewOp, Op, PlanRun, Step, moved
from reconciler.store.schema import OPEN, RunState, State

TERMINAL = (State.CONFIRMED, State.REJECTED, State.DRIFT, State.CONFLICT, State.FAILED)

_HERE = schema.op.c


def _given(name: str, column: Column[Any]) -> Any:
    """A value that is given, or the one that stands there."""
    return func.coalesce(bindparam(name, type_=column.type), column)


# Said twice for each change: made once.
_MOVE = (
    update(schema.op)
    .where(
        _HERE.plan_id == bindparam("of_plan"),
        _HERE.slot == bindparam("of_slot"),
        _HERE.state == bindparam("from_state"),
        _HERE.fence == bindparam("under_fence"),
    )
    .values(
        state=bindparam("to_state"),
        note=bindparam("with_note"),
        attempt=_given("to_attempt", _HERE.attempt),
        deadline=_given("to_deadline", _HERE.deadline),
        remote_id=_given("to_remote_id", _HERE.remote_id),
        remote_seen_json=_given("to_seen", _HERE.remote_seen_json),
        request_sha256=_given("to_request", _HERE.request_sha256),
    )
)
_EVENT = insert(schema.op_event)
_OPS_OF = select(schema.op).where(_HERE.plan_id == bindparam("plan")).order_by(_HERE.seq)
_RUN_OF = select(schema.plan_run).where(schema.plan_run.c.plan_id == bindparam("plan"))
_OPEN_RUNS_OF = (
    select(schema.plan_run)
    .where(schema.plan_run.c.tenant == bindparam("of_tenant"), schema.plan_run.c.status == RunState.OPEN)
    .order_by(schema.plan_run.c.serial)
)
_LOCK = schema.tenant_lock.c
_FENCE_OF = select(_LOCK.fence).where(_LOCK.tenant == bindparam("of_tenant"))
_HOLDER = ("lock_id", "holder", "host", "pid", "since", "what")
_HELD = (
    update(schema.tenant_lock)
    .where(_LOCK.tenant == bindparam("of_tenant"))
    .values({name: bindparam(name) for name in ("fence", *_HOLDER)})
)
_GIVEN_BACK = (
    update(schema.tenant_lock)
    .where(_LOCK.tenant == bindparam("of_tenant"), _LOCK.fence == bindparam("under_fence"))
    .values(dict.fromkeys(_HOLDER))
)
_UNDER_NEW_FENCE = (
    update(schema.op)
    .where(_HERE.tenant == bindparam("of_tenant"), _HERE.state.not_in(TERMINAL))
    .values(fence=bindparam("new_fence"))
)


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of a tenant under a fence. Made by `take_over`."""

    store: Store
    tenant: str
    fence: int

    def plan_run(self, plan_id: str) -> PlanRun | None:
        """The admitted plan of an id."""
        with self.store.reading() as connection:
            row = connection.execute(_RUN_OF, {"plan": plan_id}).first()
        return _plan_run(row) if row else None

    def open_runs(self) -> tuple[PlanRun, ...]:
        """The tenant's admitted plans that are not done, oldest first."""
        with self.store.reading() as connection:
            rows = connection.execute(_OPEN_RUNS_OF, {"of_tenant": self.tenant}).all()
        return tuple(_plan_run(row) for row in rows)

    def admit(self, plan_id: str, digest: str, text: str, ops: Sequence[NewOp], at: datetime) -> None:
        """Enters a plan with all its ops PLANNED, once; what was not finished of earlier plans is superseded.

        One transaction. Raises StoreError where an op of an earlier plan is still open: it must be settled first; and
        where this plan is here already, by a run that had the lock meanwhile.
        """
        with self.store.writing() as connection:
            self._hold(connection)
            self._refuse_admitted(connection, plan_id)
            self._refuse_open_ops(connection)
            connection.execute(
                update(schema.plan_run)
                .where(schema.plan_run.c.tenant == self.tenant, schema.plan_run.c.status == RunState.OPEN)
                .values(status=RunState.SUPERSEDED, finished=_text(at))
            )
            values = {row.k: row.v for row in connection.execute(select(schema.meta)).all()}
            serial = int(values["serial"]) + 1
            connection.execute(update(schema.meta).where(schema.meta.c.k == "serial").values(v=str(serial)))
            connection.execute(
                insert(schema.plan_run).values(
                    plan_id=plan_id,
                    tenant=self.tenant,
                    digest=digest,
                    lineage=values["lineage"],
                    serial=serial,
                    status=RunState.OPEN,
                    started=_text(at),
                    plan_text=text,
                )
            )
            if ops:
                connection.execute(insert(schema.op), [self._row(plan_id, n, new) for n, new in enumerate(ops)])
                events = [self._event(plan_id, new.slot, at, None, State.PLANNED, None) for new in ops]
                connection.execute(_EVENT, events)

    def ops(self, plan_id: str) -> tuple[Op, ...]:
        """The ops of a plan, in its order."""
        with self.store.reading() as connection:
            return tuple(_op(row) for row in connection.execute(_OPS_OF, {"plan": plan_id}).all())

    def move(self, op: Op, step: Step, at: datetime) -> Op:
        """One transition, on the disk when this returns. Raises FencedOut where the op is not as this run left it."""
        return self.move_all((Move(op, step, at),))[0]

    def move_all(self, moves: Sequence[Move]) -> tuple[Op, ...]:
        """Transitions of different ops in one transaction, on the disk when this returns; the ops as they are now.

        Raises FencedOut where one of the ops is not as this run left it: then none of them was moved.
        """
        with self.store.writing() as connection:
            for move in moves:
                if connection.execute(_MOVE, self._moving(move)).rowcount != 1:
                    raise FencedOut(
                        f"{move.op.address}: the journal was taken over by another run",
                        "see who with: reconciler status; then run: reconciler resume",
                    )
            events = [
                self._event(m.op.plan_id, m.op.slot, m.at, m.op.state, m.step.state, m.step.detail or m.step.note)
                | {"http_status": m.step.http_status}
                for m in moves
            ]
            connection.execute(_EVENT, events)
        return tuple(moved(move.op, move.step) for move in moves)

    def remark(self, op: Op, detail: str, at: datetime) -> None:
        """Adds to an op's history something that does not change its state."""
        with self.store.writing() as connection:
            self._hold(connection)
            connection.execute(_EVENT, [self._event(op.plan_id, op.slot, at, op.state, op.state, detail)])

    def incident(self, what: str, detail: str, at: datetime, op: Op | None = None) -> None:
        """Keeps that something happened which the protocol cannot settle. Not fenced (I7)."""
        with self.store.writing() as connection:
            connection.execute(
                insert(schema.incident).values(
                    tenant=self.tenant,
                    plan_id=op.plan_id if op else None,
                    slot=op.slot if op else None,
                    at=_text(at),
                    what=what,
                    detail=detail,
                )
            )

    def finish(self, plan_id: str, status: RunState, at: datetime) -> None:
        """Closes an admitted plan. Raises FencedOut."""
        runs = schema.plan_run
        with self.store.writing() as connection:
            self._hold(connection)
            connection.execute(
                update(runs)
                .where(runs.c.plan_id == plan_id, runs.c.status == RunState.OPEN)
                .values(status=status, finished=_text(at))
            )

    def _hold(self, connection: Connection) -> None:
        if connection.execute(_FENCE_OF, {"of_tenant": self.tenant}).scalar() != self.fence:
            raise FencedOut("the journal was taken over by another run", "see who with: reconciler status")

    def _refuse_admitted(self, connection: Connection, plan_id: str) -> None:
        runs = schema.plan_run.c
        row = connection.execute(select(runs.started).where(runs.plan_id == plan_id)).first()
        if row:
            raise StoreError(
                f"another run began to apply this plan at {row.started}: nothing of it was sent here",
                "see how far it came: reconciler status; then run: reconciler resume",
            )

    def _refuse_open_ops(self, connection: Connection) -> None:
        ops = schema.op.c
        row = connection.execute(select(ops.address).where(ops.tenant == self.tenant, ops.state.in_(OPEN))).first()
        if row:
            raise StoreError(
                f"an earlier write to {row.address} is not settled: it may still appear in the PSA",
                "run: reconciler resume",
            )

    def _row(self, plan_id: str, seq: int, new: NewOp) -> dict[str, object]:
        return {
            "plan_id": plan_id,
            "tenant": self.tenant,
            "slot": new.slot,
            "seq": seq,
            "address": new.address,
            "resource": new.resource,
            "kind": new.kind,
            "token": new.token,
            "before_json": new.before_json,
            "after_json": new.after_json,
            "state": State.PLANNED,
            "attempt": 0,
            "fence": self.fence,
        }

    def _moving(self, move: Move) -> dict[str, object]:
        op, step = move.op, move.step
        return {
            "of_plan": op.plan_id,
            "of_slot": op.slot,
            "from_state": op.state,
            "under_fence": self.fence,
            "to_state": step.state,
            "with_note": step.note,
            "to_attempt": step.attempt,
            "to_deadline": _text(step.deadline) if step.deadline else None,
            "to_remote_id": step.remote_id,
            "to_seen": step.seen,
            "to_request": step.request_sha256,
        }

    def _event(
        self, plan_id: str, slot: str, at: datetime, before: State | None, after: State, detail: str | None
    ) -> dict[str, object]:
        return {
            "plan_id": plan_id,
            "slot": slot,
            "at": _text(at),
            "from_state": before,
            "to_state": after,
            "fence": self.fence,
            "detail": detail,
        }


def take_over(store: Store, tenant: str, at: datetime) -> Journal:
    """The tenant's journal under a new fence: whoever had it before can write nothing more. The lock must be held."""
    holder = store.holder
    if holder is None:
        raise RuntimeError("a journal is taken over only by the process that holds the lock")
    with store.writing() as connection:
        fence = (connection.execute(_FENCE_OF, {"of_tenant": tenant}).scalar() or 0) + 1
        columns = {
            "fence": fence,
            "lock_id": holder.lock_id,
            "holder": holder.user,
            "host": holder.host,
            "pid": holder.pid,
            "since": _text(at),
            "what": holder.what,
        }
        if fence == 1:
            connection.execute(insert(schema.tenant_lock), {"tenant": tenant, **columns})
        else:
            connection.execute(_HELD, {"of_tenant": tenant, **columns})
        connection.execute(_UNDER_NEW_FENCE, {"of_tenant": tenant, "new_fence": fence})
    return Journal(store, tenant, fence)


def give_back(journal: Journal) -> None:
    """Takes the holder's name out of the tenant's row; the fence stays."""
    with journal.store.writing() as connection:
        connection.execute(_GIVEN_BACK, {"of_tenant": journal.tenant, "under_fence": journal.fence})


def unfinished(store: Store) -> tuple[PlanRun, ...]:
    """The admitted plans that are not done, of all tenants, newest first."""
    runs = schema.plan_run
    with store.reading() as connection:
        rows = connection.execute(
            select(runs).where(runs.c.status == RunState.OPEN).order_by(runs.c.serial.desc())
        ).all()
    return tuple(_plan_run(row) for row in rows)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _plan_run(row: Row[tuple[object, ...]]) -> PlanRun:
    return PlanRun(
        plan_id=row.plan_id,
        tenant=row.tenant,
        digest=row.digest,
        status=RunState(row.status),
        started=row.started,
        finished=row.finished,
        text=row.plan_text,
    )


def _op(row: Row[tuple[object, ...]]) -> Op:
    return Op(
        plan_id=row.plan_id,
        slot=row.slot,
        address=row.address,
        resource=row.resource,
        kind=row.kind,
        state=State(row.state),
        attempt=row.attempt,
        deadline=datetime.fromisoformat(row.deadline) if row.deadline else None,
        remote_id=row.remote_id,
        seen=row.remote_seen_json,
        note=row.note,
    )
