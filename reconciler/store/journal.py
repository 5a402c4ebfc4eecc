"""What was intended, sent and answered, for one tenant (one `targets:` entry), by the one run that may write.

Every step is one transaction: a compare-and-set on an op's state and fence, and a row in its history. A step that finds
nothing to set raises FencedOut: another run has taken over, and this one must stop.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection, Row, and_, insert, select, update

from reconciler.store import schema
from reconciler.store.database import Store
from reconciler.store.errors import FencedOut, StoreError
from reconciler.store.schema import OPEN, RunState, State

TERMINAL = (State.CONFIRMED, State.REJECTED, State.DRIFT, State.CONFLICT, State.FAILED)


@dataclass(frozen=True, slots=True)
class NewOp:
    """An op as a plan brings it. `token` is what the PSA can be searched by; before and after are canonical JSON."""

    slot: str
    address: str
    resource: str
    kind: str
    token: str | None
    before_json: str | None
    after_json: str | None


@dataclass(frozen=True, slots=True)
class Op:
    """An op as the journal knows it.

    `attempt` counts the sends that may have reached the PSA; `deadline` is the time (UTC) after which the last of them
    sent nothing more; `remote_id` is the PSA's id of the record; `seen` is what the look before the send found (JSON).
    """

    plan_id: str
    slot: str
    address: str
    resource: str
    kind: str
    state: State
    attempt: int
    deadline: datetime | None
    remote_id: str | None
    seen: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """A change of an op: to which state, with which note, and what else is written; None leaves a column as it is.

    `detail` stands in the op's history alone: what was sent, or what was answered; so does `http_status`, that of the
    PSA's answer to a write.
    """

    state: State
    note: str | None = None
    detail: str | None = None
    attempt: int | None = None
    deadline: datetime | None = None
    remote_id: str | None = None
    seen: str | None = None
    request_sha256: str | None = None
    http_status: int | None = None


@dataclass(frozen=True, slots=True)
class PlanRun:
    """A plan that was admitted. `text` is its file."""

    plan_id: str
    tenant: str
    digest: str
    status: RunState
    started: str
    finished: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of a tenant under a fence. Made by `take_over`."""

    store: Store
    tenant: str
    fence: int

    def plan_run(self, plan_id: str) -> PlanRun | None:
        """The admitted plan of an id."""
        with self.store.reading() as connection:
            row = connection.execute(select(schema.plan_run).where(schema.plan_run.c.plan_id == plan_id)).first()
        return _plan_run(row) if row else None

    def open_runs(self) -> tuple[PlanRun, ...]:
        """The tenant's admitted plans that are not done, oldest first."""
        runs = schema.plan_run
        with self.store.reading() as connection:
            rows = connection.execute(
                select(runs).where(runs.c.tenant == self.tenant, runs.c.status == RunState.OPEN).order_by(runs.c.serial)
            ).all()
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
                connection.execute(insert(schema.op_event), events)

    def ops(self, plan_id: str) -> tuple[Op, ...]:
        """The ops of a plan, in its order."""
        with self.store.reading() as connection:
            rows = connection.execute(select(schema.op).where(schema.op.c.plan_id == plan_id).order_by(schema.op.c.seq))
            return tuple(_op(row) for row in rows.all())

    def move(self, op: Op, step: Step, at: datetime) -> Op:
        """One transition, on the disk when this returns. Raises FencedOut where the op is not as this run left it."""
        columns = {
            "attempt": step.attempt,
            "deadline": _text(step.deadline) if step.deadline else None,
            "remote_id": step.remote_id,
            "remote_seen_json": step.seen,
            "request_sha256": step.request_sha256,
        }
        here = schema.op.c
        with self.store.writing() as connection:
            changed = connection.execute(
                update(schema.op)
                .where(
                    here.plan_id == op.plan_id,
                    here.slot == op.slot,
                    here.state == op.state,
                    here.fence == self.fence,
                )
                .values(
                    state=step.state,
                    note=step.note,
                    **{name: value for name, value in columns.items() if value is not None},
                )
            ).rowcount
            if changed != 1:
                raise FencedOut(
                    f"{op.address}: the journal was taken over by another run",
                    "see who with: reconciler status; then run: reconciler resume",
                )
            event = self._event(op.plan_id, op.slot, at, op.state, step.state, step.detail or step.note)
            connection.execute(insert(schema.op_event), [event | {"http_status": step.http_status}])
        return _moved(op, step)

    def remark(self, op: Op, detail: str, at: datetime) -> None:
        """Adds to an op's history something that does not change its state."""
        with self.store.writing() as connection:
            self._hold(connection)
            connection.execute(
                insert(schema.op_event), [self._event(op.plan_id, op.slot, at, op.state, op.state, detail)]
            )

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
        locks = schema.tenant_lock.c
        if connection.execute(select(locks.fence).where(locks.tenant == self.tenant)).scalar() != self.fence:
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
    locks, ops = schema.tenant_lock, schema.op.c
    with store.writing() as connection:
        fence = (connection.execute(select(locks.c.fence).where(locks.c.tenant == tenant)).scalar() or 0) + 1
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
            connection.execute(insert(locks).values(tenant=tenant, **columns))
        else:
            connection.execute(update(locks).where(locks.c.tenant == tenant).values(columns))
        connection.execute(
            update(schema.op).where(and_(ops.tenant == tenant, ops.state.not_in(TERMINAL))).values(fence=fence)
        )
    return Journal(store, tenant, fence)


def give_back(journal: Journal) -> None:
    """Takes the holder's name out of the tenant's row; the fence stays."""
    locks = schema.tenant_lock
    with journal.store.writing() as connection:
        connection.execute(
            update(locks)
            .where(locks.c.tenant == journal.tenant, locks.c.fence == journal.fence)
            .values(lock_id=None, holder=None, host=None, pid=None, since=None, what=None)
        )


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


def _moved(op: Op, step: Step) -> Op:
    """The op as its row stands after a step."""
    return replace(
        op,
        state=step.state,
        note=step.note,
        attempt=op.attempt if step.attempt is None else step.attempt,
        deadline=step.deadline.astimezone(UTC) if step.deadline else op.deadline,
        remote_id=op.remote_id if step.remote_id is None else step.remote_id,
        seen=op.seen if step.seen is None else step.seen,
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
