"""`reconciler history`: the runs so far, or one of them in full."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.context import Failure, Settings
from reconciler.cli.show import page_width

# More than these are for a spreadsheet: history RUN --csv FILE.
_SHOWN = 40

if TYPE_CHECKING:
    from reconciler.cli.history_export import Detail
    from reconciler.store.database import Store
    from reconciler.store.history import Run


@click.command(short_help="The runs so far.")
@click.argument("number", metavar="[RUN]", required=False, type=int)
@click.option("--format", "form", type=click.Choice(["text", "csv", "json"]), default="text", show_default=True)
@click.option("--csv", "file", type=click.Path(path_type=Path, dir_okay=False), help="Writes CSV to a file.")
@click.pass_obj
def command(settings: Settings, number: int | None, form: str, file: Path | None) -> None:
    """Lists the runs, newest first, or shows one: its customers and subscriptions, the documents it rested on, what it
    had to say, what was sent and answered.

    \b
    Examples:
      reconciler history
      reconciler history 12
      reconciler history 12 --csv run-12.csv
    """
    from reconciler.cli.locking import state_told
    from reconciler.store.database import read_store
    from reconciler.store.history import runs

    form = "csv" if file else form
    with state_told():
        store = read_store(settings.state_url)
        try:
            kept = runs(store) if store else ()
            if store is None or number is None:
                text = _of_all(kept, form)
            else:
                text = _of_one(store, _chosen(kept, number), form)
        finally:
            if store is not None:
                store.close()
    if file:
        _write(text, file)
    else:
        click.echo(text, nl=False)


def _of_all(kept: "tuple[Run, ...]", form: str) -> str:
    from reconciler.cli.history_export import runs_csv, runs_json
    from reconciler.domain.canonical import readable

    if form == "text":
        return "".join(f"{line}\n" for line in _table(kept))
    return runs_csv(kept) if form == "csv" else readable(runs_json(kept))


def _of_one(store: "Store", run: "Run", form: str) -> str:
    from reconciler.cli.history_export import detail_csv, detail_json, detail_of
    from reconciler.domain.canonical import readable

    detail = detail_of(store, run)
    if form == "text":
        return "".join(f"{line}\n" for line in fitting(_detail(detail)))
    return detail_csv(detail) if form == "csv" else readable(detail_json(detail))


def _write(text: str, file: Path) -> None:
    from reconciler.cli.files import write_whole

    try:
        write_whole(file, text, 0o600)
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}", "say another place with --csv") from None


def fitting(lines: Iterable[str]) -> Iterator[str]:
    """The lines, each wrapped to the page's width, with what goes on below further in."""
    from reconciler.render.terminal import hanging

    for line in lines:
        indent = " " * (len(line) - len(line.lstrip(" ")))
        yield from hanging(line, page_width(), indent, indent + "    ")


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


def _detail(detail: "Detail") -> Iterator[str]:
    from reconciler.render.safe_text import safe

    run, record = detail.run, detail.run.record
    ended = when(record.finished) if record.finished else "was not seen to end"
    yield f"Run {run.number}: {what_of(run)}, {status_of(run)}"
    yield f"  started {when(record.started)}, ended {ended}, by {safe(record.who)}"
    if record.digest:
        yield f"  plan {record.digest}"
    yield f"  {counted(record.counts)}"
    documents = [file for file in detail.files if file.sha256]
    yield from _some(f"  {file.role} {safe(file.name)}  sha256 {file.sha256[:12]}" for file in documents)
    yield from _some(_standings(detail))
    for told in record.findings:
        yield f"  {told.severity}: {safe(told.message)}"
    if detail.sent:
        yield "  what was sent and answered:"
    for step in detail.sent:
        status = f" (HTTP {step.http_status})" if step.http_status else ""
        note = f": {safe(step.detail)}" if step.detail else ""
        yield f"    {step.at[11:19]} {safe(step.address)} {step.from_state or '-'} -> {step.to_state}{note}{status}"
    for incident in detail.incidents:
        yield f"  incident: {safe(incident)}"


def _standings(detail: "Detail") -> Iterator[str]:
    from reconciler.render.safe_text import safe

    for customer, status in detail.run.record.customers.items():
        yield f"  {safe(customer)}: {status}"
        for subscription, its in detail.subscriptions.get(customer, {}).items():
            yield f"    {safe(subscription)}: {its}"


def _some(lines: Iterator[str]) -> Iterator[str]:
    """The first of many lines, and how many more there are."""
    yield from islice(lines, _SHOWN)
    more = sum(1 for _ in lines)
    if more:
        yield f"  … and {more} more; all of them: reconciler history RUN --csv FILE"
