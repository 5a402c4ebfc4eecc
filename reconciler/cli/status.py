"""`reconciler status`: what is mapped, unmapped and failed, the money behind it, and what is still open."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from reconciler.cli.context import Settings
from reconciler.cli.history import counted, status_of, what_of, when

if TYPE_CHECKING:
    from reconciler.store.database import Store
    from reconciler.store.history import Run
    from reconciler.store.lock import Holder


@click.command(short_help="What is mapped, unmapped and failed, and the money behind it.")
@click.pass_obj
def command(settings: Settings) -> None:
    """Shows the last run and the last good one, where the last plan's invoice lines ended up, and what is still open.

    Reads the state alone, and waits for nobody: it may be asked while an apply goes on.

    \b
    Example:
      reconciler status
    """
    from reconciler.cli.applying import state_told
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
    for line in lines:
        click.echo(line)


def _lines(store: "Store") -> Iterator[str]:
    from reconciler.store.history import RunKind, RunStatus, runs

    kept = runs(store)
    if not kept:
        yield "No runs yet."
    good = (RunStatus.SUCCESS, RunStatus.NO_CHANGE)
    yield from _run("Last run", next(iter(kept), None))
    yield from _run("Last good run", next((run for run in kept if run.record.status in good), None))
    yield from _coverage(next((run for run in kept if run.record.kind is RunKind.PLAN), None))
    yield from _holder(store)
    yield from _open(store)


def _run(title: str, run: "Run | None") -> Iterator[str]:
    if run is None:
        return
    record = run.record
    yield f"{title}: {what_of(run)}, {status_of(run)}, {when(record.started)} (run {run.number})"
    yield f"  {counted(record.counts)}"


def _coverage(run: "Run | None") -> Iterator[str]:
    """Where the invoice lines of the last plan ended up, and how its customers stand."""
    from reconciler.render.safe_text import safe

    if run is None:
        return
    yield f"Invoice lines of {run.record.month} in the last plan:"
    for row in run.record.coverage:
        yield f"  {safe(row.outcome)} ({safe(row.rule)}): {row.lines} lines, {', '.join(row.amounts) or 'no amount'}"
    unmapped = [told for told in run.record.findings if told.code.startswith("unmapped")]
    money = ", ".join(told.amount for told in unmapped if told.amount)
    yield f"  unmapped: {len(unmapped)}{f' ({money})' if money else ''}"
    for status in sorted(set(run.record.customers.values())):
        names = [name for name, its in run.record.customers.items() if its == status]
        yield f"  {status}: {', '.join(safe(name) for name in names)}"


def _holder(store: "Store") -> Iterator[str]:
    from reconciler.store.location import lock_file
    from reconciler.store.lock import read_holder

    holder = read_holder(lock_file(store.path))
    if holder is not None:
        yield f"Lock: {holder}; {_alive(holder)}"


def _alive(holder: "Holder") -> str:
    import socket

    if holder.host != socket.gethostname():
        return f"whether it lives can only be seen on {holder.host}"
    return "it is alive" if _answers(holder.pid) else "it is gone"


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _open(store: "Store") -> Iterator[str]:
    from reconciler.render.safe_text import safe
    from reconciler.store.history import open_ops

    left = open_ops(store)
    if not left:
        yield "Nothing is left open."
        return
    yield f"{len(left)} changes of an interrupted apply are open; finish them with: reconciler resume"
    for address, state in left:
        yield f"  {state} {safe(address)}"
