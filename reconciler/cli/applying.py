"""What `apply` and `resume` share: the lock, the signals, the lines for each change, the history, the exit status."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.context import Failure, Settings
from reconciler.cli.loading import opened_target
from reconciler.cli.logs import step
from reconciler.cli.running import finished
from reconciler.cli.show import page_width

if TYPE_CHECKING:
    from reconciler.applying.clock import SystemClock
    from reconciler.applying.report import ApplyReport, ChangeResult
    from reconciler.applying.surroundings import Surroundings
    from reconciler.domain.mapping import Mappings, TargetSettings
    from reconciler.domain.plan import Plan
    from reconciler.store.database import Store
    from reconciler.store.history import RunKind, RunRecord

Work = Callable[["Surroundings"], Awaitable["ApplyReport"]]


@dataclass(frozen=True, slots=True)
class Writing:
    """One run that may write: its store (locked), its kind, its plan, where it goes, and the mapping of who is told."""

    settings: Settings
    store: "Store"
    kind: "RunKind"
    plan: "Plan"
    target: "TargetSettings"
    mappings: "Mappings"


def target_of(mappings: "Mappings", name: str) -> "TargetSettings":
    """The settings of a plan's target. Raises Failure where the mapping has none of that name."""
    if name not in mappings.targets:
        known = ", ".join(sorted(mappings.targets))
        raise Failure(f"the plan is for the target '{name}', which the mapping does not have", f"it has: {known}")
    return mappings.targets[name]


def written(writing: Writing, work: Work) -> int:
    """Does the work, tells each change as it ends, keeps the run in the history; returns the exit status."""
    from reconciler.applying.clock import SystemClock
    from reconciler.applying.course import CannotApply
    from reconciler.applying.run_record import failed_record, finished_record, started_record
    from reconciler.store.history import record_run
    from reconciler.store.lock import who
    from reconciler.targets.base import TargetError

    clock = SystemClock()
    started = started_record(writing.kind, writing.plan, clock.now(), who())
    number = record_run(writing.store, started)
    step(
        "run begins",
        number=number,
        kind=writing.kind.value,
        changes=len(writing.plan.changes),
        digest=writing.plan.digest,
    )
    try:
        report = _carried_out(_run(writing, work, clock))
    except (CannotApply, TargetError) as error:
        _finish(writing, number, failed_record(started, str(error), clock.now()))
        raise Failure(str(error), error.hint) from None
    _finish(writing, number, finished_record(started, report, clock.now()))
    _tell(report)
    return report.exit_status


def _finish(writing: Writing, number: int, record: "RunRecord") -> None:
    """Keeps how the run ended, and with it what is to be told of it."""
    from reconciler.cli.telling import apply_messages
    from reconciler.store.history import finish_run

    messages = apply_messages(writing.plan, record, writing.mappings, writing.settings)
    finish_run(writing.store, number, record, messages)


def _carried_out(run: Coroutine[Any, Any, "ApplyReport"]) -> "ApplyReport":
    """What the run reports. It listens to both signals itself; afterwards they end the command as before it."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        return finished(run)
    finally:
        signal.signal(signal.SIGTERM, before)


async def _run(writing: Writing, work: Work, clock: "SystemClock") -> "ApplyReport":
    from reconciler.applying.clock import Stop
    from reconciler.applying.surroundings import Surroundings

    stop = Stop()
    async with opened_target(writing.target, writing.settings) as target:
        # Until here nothing can have been sent, and a signal may end the process as it does any other.
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.ask, number)
        limits = writing.target.limits
        return await work(Surroundings(target, writing.store, clock, limits, stop, _tell_change, _notice))


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line, err=True)


def _notice(text: str) -> None:
    from reconciler.render.apply_text import note_lines

    _say(note_lines(text, width=page_width()))


def _tell_change(result: "ChangeResult") -> None:
    from reconciler.applying.report import DONE_WORDS
    from reconciler.render.apply_text import change_lines

    step("change settled", operation=result.change.address, state=result.state.value, said=result.sentence)
    sign, sentence = (
        (DONE_WORDS[result.change.action][0], result.sentence)
        if result.done
        else ("!", f"{result.state.value.lower()}: {result.sentence}")
    )
    _say(change_lines(sign, result.change.address, sentence, width=page_width()))


def _tell(report: "ApplyReport") -> None:
    from reconciler.applying.report import Ending
    from reconciler.render.apply_text import stale_lines

    if report.ending is Ending.ALREADY_DONE:
        click.echo("This plan was applied already. Nothing was written.")
        return
    if report.ending is Ending.STALE:
        _say(stale_lines(report.stale, width=page_width()))
        return
    _tell_left(report)
    click.echo(_summary(report))
    for month, money in report.impact:
        click.echo(f"  {month}: {money.amount:+.2f} {money.currency} on the invoices{_with_earlier(report)}")


def _tell_left(report: "ApplyReport") -> None:
    from reconciler.applying.report import Ending
    from reconciler.render.apply_text import left_lines

    for text in report.incidents:
        _notice(f"! {text}")
    hints: dict[str, list[str]] = {}
    for result in report.results:
        if result.hint:
            hints.setdefault(result.hint, []).append(result.change.address)
    for hint, addresses in hints.items():
        _say(left_lines(hint, addresses, width=page_width()))
    if report.incidents:
        _notice("what to do about what the audit found: look at these records in the PSA, then plan again")
    if report.ending is Ending.INTERRUPTED:
        _notice("stopped on request; finish with: reconciler resume")


def _with_earlier(report: "ApplyReport") -> str:
    """The amounts are those of the whole plan: said where a part of them was written by a run before this one."""
    earlier = any(result.done and result.earlier for result in report.results)
    return ", with what was written before" if earlier else ""


def _summary(report: "ApplyReport") -> str:
    counts = report.counts()
    always = ("created", "failed")
    parts = [f"{count} {word}" for word, count in counts.items() if count or word in always]
    return f"Applied: {', '.join(parts)}."
