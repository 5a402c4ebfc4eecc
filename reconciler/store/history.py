"""The runs so far: what each planned or wrote, for whom, how it ended, and what a person had to know."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, insert, select, update

from reconciler.domain.alert import Message
from reconciler.domain.canonical import canonical
from reconciler.domain.finding import Finding
from reconciler.domain.money import Money, printed
from reconciler.domain.plan import Action, Plan
from reconciler.store import schema
from reconciler.store.database import Store
from reconciler.store.journal import TERMINAL
from reconciler.store.kept_text import KeptText, read_text, whole_text, write_text
from reconciler.store.outbox import put
from reconciler.store.packing import one_line
from reconciler.store.schema import OPEN
from reconciler.store.standings import (
    ProgramStanding,
    RunStatus,
    Subscriptions,
    customers_of,
    nested,
    subscriptions_of,
)

UNDO = "undo-of"
"""The code under which a run says which run it takes back."""


class RunKind(StrEnum):
    """Which command a run was."""

    PLAN = "plan"
    APPLY = "apply"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where invoice lines ended up: billed, left out by a rule, blocking; with their number and money."""

    outcome: str
    rule: str
    lines: int
    amounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A finding as the history keeps it."""

    severity: str
    code: str
    message: str
    customer: str | None = None
    amount: str | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run to be kept. `customers` maps each customer to its status; `subscriptions` those of which there is something
    to say; `programs` are those that a plan was about as a whole. `counts` are changes by action or by outcome.
    """

    kind: RunKind
    started: datetime
    who: str
    target: str | None = None
    finished: datetime | None = None
    status: RunStatus | None = None
    month: str | None = None
    digest: str | None = None
    plan_id: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    coverage: tuple[Outcome, ...] = ()
    findings: tuple[Told, ...] = ()
    customers: Mapping[str, str] = field(default_factory=dict)
    subscriptions: Subscriptions = field(default_factory=dict)
    programs: Mapping[str, ProgramStanding] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the history keeps it, by its number. Without `finished` it was killed, or still goes on. Its
    subscriptions are read by `subscriptions`, for `text`.
    """

    number: int
    record: RunRecord
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """One step of an op: when, which record of the plan, from which state to which, what was said, and the HTTP status
    of the PSA's answer where the step came from one.
    """

    at: str
    address: str
    from_state: str | None
    to_state: str
    detail: str | None
    http_status: int | None = None


def record_run(store: Store, record: RunRecord, messages: Sequence[Message] = ()) -> int:
    """Keeps a run, and with it what is to be told of it; returns its number. A run that may be killed is kept at its
    start and again by `finish_run`.
    """
    text = _subscriptions_text(record)
    with store.writing() as connection:
        if text:
            write_text(connection, text)
        key = connection.execute(insert(schema.run).values(_columns(record, text))).inserted_primary_key
        put(connection, messages, record.finished or record.started)
    return int(key[0]) if key else 0


def finish_run(store: Store, number: int, record: RunRecord, messages: Sequence[Message] = ()) -> None:
    """Writes how a run ended over what was kept at its start, and with it what is to be told of it."""
    text = _subscriptions_text(record)
    with store.writing() as connection:
        if text:
            write_text(connection, text)
        connection.execute(update(schema.run).where(schema.run.c.id == number).values(_columns(record, text)))
        put(connection, messages, record.finished or record.started)


def plan_record(
    plan: Plan, started: datetime, finished: datetime, by: str, programs: Mapping[str, ProgramStanding] | None = None
) -> RunRecord:
    """A plan's making as a run. `programs` are those that it is about as a whole."""
    return RunRecord(
        kind=RunKind.PLAN,
        started=started,
        finished=finished,
        who=by,
        target=plan.target,
        status=_plan_status(plan.errors, plan.warnings, len(plan.changes)),
        month=plan.month_range,
        digest=plan.digest,
        counts={action.value: plan.count(action) for action in Action} | {"unchanged": plan.unchanged},
        coverage=tuple(
            Outcome(row.outcome, row.rule, row.lines, tuple(_money(money) for money in row.amounts))
            for row in plan.coverage
        ),
        findings=(*told_undo(plan), *told_of(plan.findings)),
        customers=customers_of(plan),
        subscriptions=subscriptions_of(plan),
        programs=programs or {},
    )


def told_undo(plan: Plan) -> tuple[Told, ...]:
    """That a plan takes a run back, as the history keeps it; nothing for any other plan."""
    return (Told("info", UNDO, f"undo of run {plan.undoes}"),) if plan.undoes else ()


def told_of(findings: Iterable[Finding]) -> tuple[Told, ...]:
    """Findings as the history keeps them."""
    return tuple(
        Told(f.severity.value, f.code, f.message, f.customer, _money(f.amount) if f.amount else None) for f in findings
    )


def runs(store: Store) -> tuple[Run, ...]:
    """All runs, newest first."""
    with store.reading() as connection:
        rows = connection.execute(select(schema.run).order_by(schema.run.c.id.desc())).all()
    return tuple(_run(row) for row in rows)


def steps(store: Store, run: Run) -> tuple[Sent, ...]:
    """What an apply or resume did to each record, in order: the steps of its plan in its time."""
    events, ops = schema.op_event.c, schema.op.c
    record = run.record
    if record.plan_id is None:
        return ()
    until = [events.at <= _text(record.finished)] if record.finished else []
    with store.reading() as connection:
        rows = connection.execute(
            select(events.at, ops.address, events.from_state, events.to_state, events.detail, events.http_status)
            .join(schema.op, (ops.plan_id == events.plan_id) & (ops.slot == events.slot))
            .where(events.plan_id == record.plan_id, events.at >= _text(record.started), *until)
            .order_by(events.id)
        ).all()
    return tuple(Sent(*row) for row in rows)


def open_ops(store: Store) -> tuple[tuple[str, str], ...]:
    """The ops of unfinished plans whose outcome is open or still to come: address and state."""
    ops, plans = schema.op.c, schema.plan_run.c
    with store.reading() as connection:
        rows = connection.execute(
            select(ops.address, ops.state)
            .join(schema.plan_run, plans.plan_id == ops.plan_id)
            .where((ops.state.in_(OPEN)) | ((plans.status == schema.RunState.OPEN) & (ops.state.not_in(TERMINAL))))
            .order_by(plans.serial, ops.seq)
        ).all()
    return tuple((row.address, row.state) for row in rows)


def incidents(store: Store, plan_id: str) -> tuple[str, ...]:
    """What happened in a plan's applying that the protocol could not settle."""
    table = schema.incident.c
    with store.reading() as connection:
        rows = connection.execute(
            select(table.what, table.detail).where(table.plan_id == plan_id).order_by(table.id)
        ).all()
    return tuple(f"{row.what}: {row.detail}" for row in rows)


def _plan_status(errors: Iterable[Finding], warnings: Iterable[Finding], changes: int) -> RunStatus:
    if any(True for _ in errors):
        return RunStatus.ERROR
    if any(True for _ in warnings):
        return RunStatus.WARNING
    return RunStatus.SUCCESS if changes else RunStatus.NO_CHANGE


def _money(money: Money) -> str:
    return f"{printed(money.amount, money.currency)} {money.currency}"


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _subscriptions_text(record: RunRecord) -> KeptText | None:
    lines = [
        one_line([customer, subscription, status])
        for customer, statuses in record.subscriptions.items()
        for subscription, status in statuses.items()
    ]
    return whole_text(lines) if lines else None


def subscriptions(store: Store, run: Run) -> Subscriptions:
    """The status of a run's subscriptions, of those of which there was something to say. Raises StoreError."""
    if run.text is None:
        return {}
    found = {(customer, name): RunStatus(told) for customer, name, told in map(json.loads, read_text(store, run.text))}
    return nested(found)


def _columns(record: RunRecord, text: KeptText | None) -> dict[str, object]:
    return {
        "kind": record.kind,
        "target": record.target,
        "started": _text(record.started),
        "finished": _text(record.finished) if record.finished else None,
        "status": record.status,
        "month": record.month,
        "digest": record.digest,
        "plan_id": record.plan_id,
        "who": record.who,
        "counts_json": canonical(dict(record.counts)),
        "coverage_json": canonical([[o.outcome, o.rule, o.lines, list(o.amounts)] for o in record.coverage]),
        "findings_json": canonical([[t.severity, t.code, t.message, t.customer, t.amount] for t in record.findings]),
        "customers_json": canonical(dict(record.customers)),
        "programs_json": canonical(
            {name: [its.status, its.customers, its.changes, its.failed] for name, its in record.programs.items()}
        ),
        "subscriptions": text.sha256 if text else None,
    }


def _run(row: Row[Any]) -> Run:
    record = RunRecord(
        kind=RunKind(row.kind),
        started=datetime.fromisoformat(row.started),
        who=row.who,
        target=row.target,
        finished=datetime.fromisoformat(row.finished) if row.finished else None,
        status=RunStatus(row.status) if row.status else None,
        month=row.month,
        digest=row.digest,
        plan_id=row.plan_id,
        counts=json.loads(row.counts_json),
        coverage=tuple(Outcome(o, rule, n, tuple(a)) for o, rule, n, a in json.loads(row.coverage_json)),
        findings=tuple(Told(*members) for members in json.loads(row.findings_json)),
        customers=json.loads(row.customers_json),
        programs={
            name: ProgramStanding(RunStatus(status), *counts)
            for name, (status, *counts) in json.loads(row.programs_json).items()
        },
    )
    return Run(row.id, record, row.subscriptions)
