"""What runs wrote to the PSA, write by write, as the journal has it: what an undo starts from."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, func, select

from reconciler.store import schema
from reconciler.store.database import Store
from reconciler.store.history import Run, RunKind, runs
from reconciler.store.schema import OPEN, State


@dataclass(frozen=True, slots=True)
class Written:
    """A write that the PSA confirmed. `run` is the run that confirmed it, None where the history does not have it.

    `sent` is false where the record was found as wanted, so that nothing was sent. `agreement_id` is None and
    `subscription` empty for a product; a subscription is in lower case. `next_invoice` is the agreement's next invoice
    day when it was looked at just before the send.
    """

    run: int | None
    plan_id: str
    address: str
    resource: str
    kind: str
    record: str
    sent: bool
    agreement_id: str | None = None
    subscription: str = ""
    next_invoice: date | None = None


@dataclass(frozen=True, slots=True)
class WrittenRun:
    """A run that wrote, its plan's text, and all writes to its target in the order in which they were confirmed.

    `unsettled` are the addresses of writes of its plan whose outcome is not known; `not_done` those that any plan for
    the target has and that were not done.
    """

    run: Run
    target: str
    plan_text: str
    writes: tuple[Written, ...]
    unsettled: tuple[str, ...]
    not_done: frozenset[str]


class NotWritten(Exception):
    """A run of which nothing can be taken back. `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def written_run(store: Store, number: int) -> WrittenRun:
    """What a run of the history wrote. Raises NotWritten where there is no such run, or where it wrote nothing."""
    run = next((run for run in runs(store) if run.number == number), None)
    if run is None:
        raise NotWritten(f"there is no run {number}", "see all of them with: reconciler history")
    record = run.record
    if record.kind is RunKind.PLAN:
        raise NotWritten(f"run {number} made a plan, and wrote nothing", "name a run of apply: reconciler history")
    with store.reading() as connection:
        plans = schema.plan_run.c
        plan = connection.execute(
            select(plans.tenant, plans.plan_text).where(plans.plan_id == record.plan_id)
        ).one_or_none()
        if plan is None:
            raise NotWritten(f"run {number} wrote nothing", "see what it did with: reconciler history RUN")
        ops = schema.op.c
        states = connection.execute(
            select(ops.plan_id, ops.address, ops.state).where(ops.tenant == plan.tenant, ops.state != State.CONFIRMED)
        ).all()
        writes = tuple(_written(connection.execute(_confirmed(plan.tenant)).all(), runs(store)))
    return WrittenRun(
        run=run,
        target=plan.tenant,
        plan_text=plan.plan_text,
        writes=writes,
        unsettled=tuple(row.address for row in states if row.plan_id == record.plan_id and row.state in OPEN),
        not_done=frozenset(row.address for row in states),
    )


def _confirmed(target: str) -> Any:
    """The confirmed ops of a target, each with the time at which it was confirmed, in that order."""
    ops, events = schema.op.c, schema.op_event.c
    last = (
        select(events.plan_id, events.slot, func.max(events.id).label("id"))
        .where(events.to_state == State.CONFIRMED, events.from_state != State.CONFIRMED)
        .group_by(events.plan_id, events.slot)
        .subquery()
    )
    columns = (
        ops.plan_id,
        ops.address,
        ops.resource,
        ops.kind,
        ops.remote_id,
        ops.attempt,
        ops.before_json,
        ops.after_json,
    )
    return (
        select(*columns, ops.remote_seen_json, events.at)
        .join(last, (ops.plan_id == last.c.plan_id) & (ops.slot == last.c.slot))
        .join(schema.op_event, events.id == last.c.id)
        .where(ops.tenant == target, ops.state == State.CONFIRMED)
        .order_by(events.id)
    )


def _written(rows: Iterable[Row[Any]], kept: tuple[Run, ...]) -> Iterable[Written]:
    by_plan: dict[str, list[Run]] = {}
    for run in kept:
        if run.record.plan_id and run.record.kind is not RunKind.PLAN:
            by_plan.setdefault(run.record.plan_id, []).append(run)
    for row in rows:
        values = json.loads(row.after_json or row.before_json)
        seen = json.loads(row.remote_seen_json) if row.remote_seen_json else {}
        day = seen.get("next_invoice")
        yield Written(
            run=_run_at(by_plan.get(row.plan_id, []), row.at),
            plan_id=row.plan_id,
            address=row.address,
            resource=row.resource,
            kind=row.kind,
            record=row.remote_id or "",
            sent=row.attempt > 0,
            agreement_id=values.get("agreement_id"),
            subscription=(values.get("serial_number") or _serial(row.before_json)).strip().lower(),
            next_invoice=date.fromisoformat(day) if day else None,
        )


def _serial(before: str | None) -> str:
    return (json.loads(before).get("serial_number") if before else None) or ""


def _run_at(newest_first: Iterable[Run], at: str) -> int | None:
    """The run that confirmed a write of its plan: the last one that had begun by then."""
    begun = (run.number for run in newest_first if run.record.started.isoformat(timespec="microseconds") <= at)
    return next(begun, None)
