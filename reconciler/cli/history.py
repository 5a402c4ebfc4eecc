"""`reconciler history`: the runs so far, or one of them in full."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from reconciler.cli.context import Failure, Settings

if TYPE_CHECKING:
    from reconciler.store.database import Store
    from reconciler.store.history import Run


@click.command(short_help="The runs so far.")
@click.argument("number", metavar="[RUN]", required=False, type=int)
@click.pass_obj
def command(settings: Settings, number: int | None) -> None:
    """Lists the runs, newest first, or shows one: its customers, what it had to say, what was sent and answered.

    \b
    Examples:
      reconciler history
      reconciler history 12
    """
    from reconciler.cli.applying import state_told
    from reconciler.store.database import read_store
    from reconciler.store.history import runs

    with state_told():
        store = read_store(settings.state_url)
        if store is None:
            click.echo("No runs yet.")
            return
        try:
            kept = runs(store)
            lines = list(_table(kept) if number is None else _detail(store, _chosen(kept, number)))
        finally:
            store.close()
    for line in lines:
        click.echo(line)


def when(at: datetime) -> str:
    """A time as the tables write it."""
    return at.strftime("%Y-%m-%d %H:%M UTC")


def counted(counts: Mapping[str, int]) -> str:
    """Counts as a sentence has them: `3 created, 1 failed`; nothing is left out but zeros."""
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "nothing"


def status_of(run: "Run") -> str:
    """How a run ended, also where nobody could write it down."""
    return run.record.status.value if run.record.status else "not finished"


def what_of(run: "Run") -> str:
    """A run's command and month."""
    return " ".join(filter(None, (command_of(run), run.record.month)))


def command_of(run: "Run") -> str:
    """A run's command, and which run it takes back where it does."""
    from reconciler.store.history import UNDO

    undo = next((told.message for told in run.record.findings if told.code == UNDO), None)
    return f"{run.record.kind.value}, {undo}" if undo else run.record.kind.value


def _chosen(kept: "tuple[Run, ...]", number: int) -> "Run":
    for run in kept:
        if run.number == number:
            return run
    raise Failure(f"there is no run {number}", "see all of them with: reconciler history")


def _table(kept: "tuple[Run, ...]") -> Iterator[str]:
    if not kept:
        yield "No runs yet."
        return
    rows = [("run", "started", "command", "month", "status", "changes", "by")]
    rows += [
        (
            str(run.number),
            when(run.record.started),
            command_of(run),
            run.record.month or "",
            status_of(run),
            counted({word: n for word, n in run.record.counts.items() if word != "unchanged"}),
            run.record.who,
        )
        for run in kept
    ]
    yield from _columns(rows)


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    from reconciler.render.safe_text import safe

    safe_rows = [[safe(cell) for cell in row] for row in rows]
    widths = [max(len(row[n]) for row in safe_rows) for n in range(len(rows[0]))]
    for row in safe_rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _detail(store: "Store", run: "Run") -> Iterator[str]:
    from reconciler.render.safe_text import safe
    from reconciler.store.history import incidents, steps

    record = run.record
    ended = when(record.finished) if record.finished else "was not seen to end"
    yield f"Run {run.number}: {what_of(run)}, {status_of(run)}"
    yield f"  started {when(record.started)}, ended {ended}, by {safe(record.who)}"
    if record.digest:
        yield f"  plan {record.digest}"
    yield f"  {counted(record.counts)}"
    for customer, status in record.customers.items():
        yield f"  {safe(customer)}: {status}"
    for told in record.findings:
        yield f"  {told.severity}: {safe(told.message)}"
    sent = steps(store, run)
    if sent:
        yield "  what was sent and answered:"
    for step in sent:
        note = f": {safe(step.detail)}" if step.detail else ""
        yield f"    {step.at[11:19]} {safe(step.address)} {step.from_state or '-'} -> {step.to_state}{note}"
    if record.plan_id and record.kind.value != "plan":
        for incident in incidents(store, record.plan_id):
            yield f"  incident: {safe(incident)}"
