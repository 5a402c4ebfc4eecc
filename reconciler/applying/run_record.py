"""An apply as a run of the history."""

from dataclasses import replace
from datetime import datetime

from reconciler.applying.course import plan_id
from reconciler.applying.report import ApplyReport, ChangeResult, Ending
from reconciler.domain.plan import Plan
from reconciler.store.history import RunKind, RunRecord, Told, told_undo
from reconciler.store.standings import RunStatus, nested

_STATUS = {Ending.DONE: RunStatus.SUCCESS, Ending.ALREADY_DONE: RunStatus.NO_CHANGE}


def started_record(kind: RunKind, plan: Plan, started: datetime, who: str) -> RunRecord:
    """A run at its start: what stays in the history if it is killed."""
    return RunRecord(
        kind=kind,
        started=started,
        who=who,
        target=plan.target,
        month=plan.month_range,
        digest=plan.digest,
        plan_id=plan_id(plan),
        findings=told_undo(plan),
    )


def finished_record(started: RunRecord, report: ApplyReport, finished: datetime) -> RunRecord:
    """The run at its end: per customer whether all is done, and a sentence for each change that is not."""
    undone = [result for result in report.results if not result.done]
    told = [
        Told("error", result.state.value.lower(), f"{result.change.address}: {result.sentence}", result.change.customer)
        for result in undone
    ]
    told += [Told("error", "incident", text) for text in report.incidents]
    told += [Told("error", "stale", text) for text in report.stale]
    customers = {result.change.customer: RunStatus.SUCCESS.value for result in report.results if result.change.customer}
    customers |= {result.change.customer: RunStatus.ERROR.value for result in undone if result.change.customer}
    subscriptions = {_subscription(result): RunStatus.SUCCESS for result in report.results}
    subscriptions |= {_subscription(result): RunStatus.ERROR for result in undone}
    return replace(
        started,
        finished=finished,
        status=_STATUS.get(report.ending, RunStatus.ERROR),
        counts=report.counts(),
        findings=(*started.findings, *told),
        customers=customers,
        subscriptions=nested({name: status for name, status in subscriptions.items() if all(name)}),
    )


def _subscription(result: ChangeResult) -> tuple[str, str]:
    return result.change.customer or "", result.change.subscription or ""


def failed_record(started: RunRecord, message: str, finished: datetime) -> RunRecord:
    """The run at its end, where it could not be carried through."""
    told = Told("error", "stopped", message)
    return replace(started, finished=finished, status=RunStatus.ERROR, findings=(*started.findings, told))
