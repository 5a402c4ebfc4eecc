"""`reconciler plan`: reads, computes, shows; writes nothing to any PSA."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.context import Exit, Failure, Settings, show_findings
from reconciler.cli.planning import MONTH, fresh_plan

if TYPE_CHECKING:
    from reconciler.domain.days import Month
    from reconciler.domain.plan import Plan


@click.command()
@click.option("--month", type=MONTH, help="The usage month, as 2026-09.  [default: the newest of the documents]")
@click.option("--customer", "customers", multiple=True, metavar="NAME", help="Only this customer; may be repeated.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Writes the plan to a file, for apply.")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
@click.option("--detailed-exitcode", is_flag=True, help="Exits 2 when there are changes, 0 when there are none.")
@click.option("--products-only", is_flag=True, help="The product catalogue alone: what would be created and updated.")
@click.option("--cutover", is_flag=True, help="Takes records of other tools over, on all agreements of the companies.")
@click.option(
    "--only-new-customers", type=click.IntRange(min=1), metavar="N", help="N customers that have no record yet."
)
@click.option("--keep-going", is_flag=True, help="Exits as if there were no errors; customers with errors stay out.")
@click.pass_obj
def command(
    settings: Settings,
    month: "Month | None",
    customers: tuple[str, ...],
    out: Path | None,
    form: str,
    detailed_exitcode: bool,
    products_only: bool,
    cutover: bool,
    only_new_customers: int | None,
    keep_going: bool,
) -> None:
    """Shows what would change in the PSA, why, and what it bills.

    \b
    Example:
      reconciler plan --month 2026-09 --out plans/2026-09.plan.json
    """
    started = datetime.now(UTC)
    from reconciler.planning.gathered import Scope

    if products_only and cutover:
        raise click.UsageError("--products-only plans no records, and --cutover is about records: use one of them")
    scope = Scope.PRODUCTS if products_only else Scope.CUTOVER if cutover else Scope.ALL
    plan, _ = fresh_plan(settings, month, customers, scope=scope, only_new=only_new_customers)
    keep_plan(plan, settings, started)
    if out:
        write_plan_file(plan, out)
    show_plan(plan, form, settings)
    if form != "text":
        show_findings(plan.findings, settings)
    raise SystemExit(exit_status(plan, detailed=detailed_exitcode, keep_going=keep_going))


def show_plan(plan: "Plan", form: str, settings: Settings) -> None:
    """Writes a plan to standard output."""
    if form == "json":
        from reconciler.planning.plan_file import write_plan

        click.echo(write_plan(plan), nl=False)
    elif form == "markdown":
        from reconciler.render.plan_markdown import plan_markdown

        click.echo(plan_markdown(plan), nl=False)
    else:
        from reconciler.cli.show import page_width
        from reconciler.render.plan_text import plan_lines

        for line in plan_lines(plan, width=page_width(), colour=settings.colour(sys.stdout.isatty())):
            click.echo(line)


def exit_status(plan: "Plan", *, detailed: bool, keep_going: bool) -> Exit:
    """The exit status of a plan (interface §2, §6.4, §6.5)."""
    if plan.errors and not keep_going:
        return Exit.ERROR
    if plan.refused_by:
        return Exit.GUARD
    return Exit.CHANGES if detailed and plan.changes else Exit.DONE


def write_plan_file(plan: "Plan", out: Path) -> None:
    """Writes a plan to a file, whole or not at all. Raises Failure."""
    from reconciler.cli.files import write_whole
    from reconciler.planning.plan_file import write_plan

    try:
        write_whole(out, write_plan(plan))
    except OSError as error:
        raise Failure(f"{out} cannot be written: {error.strerror}", "say another place with --out") from None


def keep_plan(plan: "Plan", settings: Settings, started: datetime) -> None:
    """Keeps the run in the history. A plan needs no state: where it cannot be written, that is said and no more."""
    from reconciler.store.database import open_store
    from reconciler.store.errors import StoreError
    from reconciler.store.history import plan_record, record_run
    from reconciler.store.lock import who

    now = datetime.now(UTC)
    try:
        store = open_store(settings.state_url, now)
    except StoreError as error:
        click.echo(f"warning: this plan is not kept in the history: {error}", err=True)
        return
    try:
        record_run(store, plan_record(plan, started, now, who()))
    except StoreError as error:
        click.echo(f"warning: this plan is not kept in the history: {error}", err=True)
    finally:
        store.close()
