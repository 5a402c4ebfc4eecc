"""What the journal keeps, as values: ops, the steps that move them, and the plans that they are of."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from reconciler.store.schema import RunState, State


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
class Move:
    """A step of an op, at a time."""

    op: Op
    step: Step
    at: datetime


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


def moved(op: Op, step: Step) -> Op:
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
