"""`reconciler plan`: reads, computes, shows; writes nothing to any PSA."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.as_of import plan_as_of
from reconciler.cli.context import Exit, Failure, Settings, show_findings
from reconciler.cli.planning import MONTHS, fresh
from reconciler.cli.telling import sends_messages

if TYPE_CHECKING:
    from reconciler.domain.days import Months
    from reconciler.domain.plan import Plan
    from reconciler.planning.gathered import Scope


_AS_OF_ALONE = (
    "--as-of shows a past run's plan as it was asked for: without --month, --customer, --products-only, --cutover and "
    "--only-new-customers, and without --out, for it is there to be read, not to be applied."
)


@click.command()
@click.option(
    "--month", type=MONTHS, help="The usage month, as 2026-09, or several: 2026-07..2026-09.  [default: the newest]"
)
@click.option("--customer", "customers", multiple=True, metavar="NAME", help="Only this customer; may be repeated.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Writes the plan to a file, for apply.")
@click.option(
    "--format", "form", type=click.Choice(["text", "markdown", "html", "json"]), default="text", show_default=True
)
@click.option("--detailed-exitcode", is_flag=True, help="Exits 2 when there are changes, 0 when there are none.")
@click.option("--products-only", is_flag=True, help="The product catalogue alone: what would be created and updated.")
@click.option("--cutover", is_flag=True, help="Takes records of other tools over, on all agreements of the companies.")
@click.option(
    "--only-new-customers", type=click.IntRange(min=1), metavar="N", help="N customers that have no record yet."
)
@click.option("--as-of", type=int, metavar="RUN", help="The plan of a past run again, from what was kept of it.")
@click.option("--keep-going", is_flag=True, help="Exits as if there were no errors; customers with errors stay out.")
@click.pass_obj
@sends_messages
def command(
    settings: Settings,
    month: "Months | None",
    customers: tuple[str, ...],
    out: Path | None,
    form: str,
    detailed_exitcode: bool,
    products_only: bool,
    cutover: bool,
    only_new_customers: int | None,
    as_of: int | None,
    keep_going: bool,
) -> None:
    """Shows what would change in the PSA, why, and what it bills.

    \b
    Examples:
      reconciler plan --month 2026-09 --out plans/2026-09.plan.json
      reconciler plan --as-of 12
    """
    from reconciler.planning.gathered import Scope

    if products_only and cutover:
        raise click.UsageError("--products-only plans no records, and --cutover is about records: use one of them")
    scope = Scope.PRODUCTS if products_only else Scope.CUTOVER if cutover else Scope.ALL
    if as_of is None:
        plan = _fresh(settings, month, customers, scope, only_new_customers)
    elif month or customers or scope is not Scope.ALL or only_new_customers or out:
        raise click.UsageError(_AS_OF_ALONE)
    else:
        plan = plan_as_of(settings, as_of)
    if out:
        write_plan_file(plan, out)
    show_plan(plan, form, settings)
    if form != "text":
        show_findings(plan.findings, settings)
    raise SystemExit(exit_status(plan, detailed=detailed_exitcode, keep_going=keep_going))


def _fresh(
    settings: Settings, month: "Months | None", customers: tuple[str, ...], scope: "Scope", only_new: int | None
) -> "Plan":
    """The plan made now, kept in the history with what it rests on."""
    from reconciler.cli.keeping import keep_made

    started = datetime.now(UTC)
    made = fresh(settings, month, customers, scope=scope, only_new=only_new)
    keep_made(made, settings, started)
    return made.plan


def show_plan(plan: "Plan", form: str, settings: Settings) -> None:
    """Writes a plan to standard output."""
    if form == "json":
        from reconciler.planning.plan_file import write_plan

        click.echo(write_plan(plan), nl=False)
    elif form == "markdown":
        from reconciler.render.plan_markdown import plan_markdown

        click.echo(plan_markdown(plan), nl=False)
    elif form == "html":
        from reconciler.render.plan_html import plan_html

        click.echo(plan_html(plan), nl=False)
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
        # Customers and prices: for its owner alone, as the state is.
        write_whole(out, write_plan(plan), 0o600)
    except OSError as error:
        raise Failure(f"{out} cannot be written: {error.strerror}", "say another place with --out") from None
