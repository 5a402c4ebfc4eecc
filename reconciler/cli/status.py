"""`reconciler status`: what is mapped, unmapped and failed, the money behind it, and what is still open."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from reconciler.cli.context import Settings
from reconciler.cli.history import counted, fitting, status_of, what_of, when

# Customers that are named for each status; how many more there are is said.
_NAMED = 12

if TYPE_CHECKING:
    from reconciler.store.backend import Standing
    from reconciler.store.database import Store
    from reconciler.store.history import Run


@click.command(short_help="What is mapped, unmapped and failed, and the money behind it.")
@click.pass_obj
def command(settings: Settings) -> None:
    """Shows the last run and the last good one, where the last plan's invoice lines ended up, and what is still open.

    Reads the state alone, and waits for nobody: it may be asked while an apply goes on.

    \b
    Example:
      reconciler status
    """
    from reconciler.cli.locking import state_told
    from reconciler.store.database import read_store

    with state_told():
        store = read_store(settings.state_url)
        if store is None:
            click.echo("No runs yet.")
            return
        try:
            lines = list(_lines(store))
        finally:
            store.close()
    for line in fitting(lines):
        click.echo(line)


def _lines(store: "Store") -> Iterator[str]:
    from reconciler.store.history import RunKind, runs
    from reconciler.store.standings import RunStatus

    kept = runs(store)
    if not kept:
        yield "No runs yet."
    good = (RunStatus.SUCCESS, RunStatus.NO_CHANGE)
    yield from _run("Last run", next(iter(kept), None))
    yield from _run("Last good run", next((run for run in kept if run.record.status in good), None))
    yield from _programs(kept)
    # A plan that takes a run back speaks of no invoice lines.
    plans = (run for run in kept if run.record.kind is RunKind.PLAN and (run.record.coverage or run.record.programs))
    yield from _coverage(next(plans, None))
    yield from _holder(store)
    yield from _open(store)


def _run(title: str, run: "Run | None") -> Iterator[str]:
    if run is None:
        return
    record = run.record
    yield f"{title}: {_told(run)}"
    yield f"  {counted(record.counts)}"


def _coverage(run: "Run | None") -> Iterator[str]:
    """Where the invoice lines of the last plan ended up, and how its customers stand."""
    from reconciler.render.safe_text import safe

    if run is None:
        return
    yield f"Invoice lines of {run.record.month} in the last plan:"
    for row in run.record.coverage:
        lines = "1 line" if row.lines == 1 else f"{row.lines} lines"
        yield f"  {safe(row.outcome)} ({safe(row.rule)}): {lines}, {', '.join(row.amounts) or 'no amount'}"
    unmapped = [told for told in run.record.findings if told.code.startswith("unmapped")]
    money = ", ".join(told.amount for told in unmapped if told.amount)
    yield f"  unmapped: {len(unmapped)}{f' ({money})' if money else ''}"
    yield from _failed(run)
    for status in sorted(set(run.record.customers.values())):
        names = [name for name, its in run.record.customers.items() if its == status]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"  {status}: {', '.join(safe(name) for name in names[:_NAMED])}{more}"


def _failed(run: "Run") -> Iterator[str]:
    """How many customers an error keeps out, and the money of their lines."""
    failed = sum(its == "Error" for its in run.record.customers.values())
    money = [amount for row in run.record.coverage if row.outcome == "blocking" for amount in row.amounts]
    worth = f" ({', '.join(money)})" if money else ""
    yield f"  failed: {_many(failed, 'customer')}{worth}"


def _programs(kept: "tuple[Run, ...]") -> Iterator[str]:
    """How each program stands by the last plan for all of its customers, and when it was good last (P59)."""
    from reconciler.render.safe_text import safe

    names = dict.fromkeys(name for run in kept for name in run.record.programs)
    for name in names:
        last = next(run for run in kept if name in run.record.programs)
        its = last.record.programs[name]
        yield (
            f"Program {safe(name)}: {its.status.value}; {_many(its.customers, 'customer')}, "
            f"{_many(its.changes, 'change')} to make, {its.failed} failed (run {last.number})"
        )
        good = next((run for run in kept if _is_good(run, name, kept)), None)
        yield f"  last good run: {_told(good)}" if good else "  no good run yet"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _is_good(run: "Run", program: str, kept: "tuple[Run, ...]") -> bool:
    """Whether a run left the program's data as they should be: a plan that kept nobody out and found nothing to change,
    or an apply that carried such a plan through.
    """
    from reconciler.store.history import RunKind
    from reconciler.store.standings import RunStatus

    record = run.record
    if record.kind is RunKind.PLAN:
        its = record.programs.get(program)
        return its is not None and its.good and not its.changes
    if record.status not in (RunStatus.SUCCESS, RunStatus.NO_CHANGE):
        return False
    made = (r.record for r in kept if r.record.kind is RunKind.PLAN and r.record.digest == record.digest)
    return any(program in plan.programs and plan.programs[program].good for plan in made)


def _told(run: "Run") -> str:
    return f"{what_of(run)}, {status_of(run)}, {when(run.record.started)} (run {run.number})"


def _holder(store: "Store") -> Iterator[str]:
    standing = store.backend.standing(store.engine)
    if standing.holder is not None:
        yield f"Lock: {standing.holder}; {_alive(standing)}"


def _alive(standing: "Standing") -> str:
    if standing.alive is None:
        return f"whether it lives can only be seen on {standing.holder.host}" if standing.holder else "nobody knows"
    return "it is alive" if standing.alive else "it is gone"


def _open(store: "Store") -> Iterator[str]:
    from reconciler.render.safe_text import safe
    from reconciler.store.history import open_ops

    left = open_ops(store)
    if not left:
        yield "Nothing is left open."
        return
    yield f"{len(left)} changes of an interrupted apply are open; finish them with: reconciler resume"
    for address, state in left:
        yield f"  {safe(address)} {state}"
