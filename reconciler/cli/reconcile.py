"""`reconciler reconcile`: the distributor's invoice beside what the PSA bills as it stands; writes nothing."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.context import Exit, Failure, Settings, show_findings
from reconciler.cli.planning import MONTH, fresh
from reconciler.cli.telling import sends_messages

if TYPE_CHECKING:
    from reconciler.domain.days import Month
    from reconciler.domain.mapping import Mappings
    from reconciler.domain.reconciliation import Reconciliation


@click.command(short_help="What was charged beside what the PSA bills now.")
@click.option("--month", type=MONTH, help="The usage month, as 2026-09.  [default: the newest of the documents]")
@click.option("--customer", "customers", multiple=True, metavar="NAME", help="Only this customer; may be repeated.")
@click.option("--csv", "table", type=click.Path(path_type=Path, dir_okay=False), help="Writes the rows to a file too.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--detailed-exitcode", is_flag=True, help="Exits 2 when anything differs or cannot be reconciled.")
@click.pass_obj
@sends_messages
def command(
    settings: Settings,
    month: "Month | None",
    customers: tuple[str, ...],
    table: Path | None,
    form: str,
    detailed_exitcode: bool,
) -> None:
    """Compares, for each subscription, the seat-days and the money that the issued invoice charges, at the customer's
    own prices, with what the PSA's records bill as they stand now. Each agreement's month is reconciled, differs, or is
    not reconcilable, with the reason; what is billed to nobody is told with its cost. Writes nothing to the PSA.

    \b
    Example:
      reconciler reconcile --month 2026-09 --csv 2026-09.csv
    """
    from reconciler.planning.reconciling import reconcile

    gathered = fresh(settings, month, customers).gathered
    found = reconcile(gathered)
    if not customers:
        _put_messages(found, gathered.mappings, settings)
    if table:
        _write(found, table)
    _show(found, form, settings)
    show_findings(found.errors, settings)
    if found.errors:
        raise SystemExit(Exit.ERROR)
    raise SystemExit(Exit.CHANGES if detailed_exitcode and not found.clean else Exit.DONE)


def _put_messages(found: "Reconciliation", mappings: "Mappings", settings: Settings) -> None:
    """Puts the verdicts into the outbox for who asked for them. Warns where that cannot be done."""
    from datetime import UTC, datetime

    from reconciler.cli.telling import reconciliation_messages
    from reconciler.store.database import open_store
    from reconciler.store.errors import StoreError
    from reconciler.store.outbox import put_alone

    messages = reconciliation_messages(found, mappings, settings)
    if not messages:
        return
    now = datetime.now(UTC)
    try:
        store = open_store(settings.state_url, now)
        try:
            put_alone(store, messages, now)
        finally:
            store.close()
    except StoreError as error:
        click.echo(f"warning: nobody is told of these verdicts: {error}", err=True)


def _show(found: "Reconciliation", form: str, settings: Settings) -> None:
    from reconciler.render.reconciliation import reconciliation_json, reconciliation_lines

    if form == "json":
        from reconciler.domain.canonical import readable

        click.echo(readable(reconciliation_json(found)), nl=False)
        return
    from reconciler.cli.show import page_width

    for line in reconciliation_lines(found, width=page_width(), colour=settings.colour(sys.stdout.isatty())):
        click.echo(line)


def _write(found: "Reconciliation", table: Path) -> None:
    from reconciler.cli.files import write_whole
    from reconciler.render.reconciliation import COLUMNS, reconciliation_rows
    from reconciler.render.safe_csv import csv_text

    try:
        write_whole(table, csv_text(COLUMNS, reconciliation_rows(found)), 0o600)
    except OSError as error:
        raise Failure(f"{table} cannot be written: {error.strerror}", "say another place with --csv") from None
