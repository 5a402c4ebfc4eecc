"""`reconciler explain`: how one record of a saved plan came about."""

import sys
from pathlib import Path

import click

from reconciler.cli.context import Failure, Settings
from reconciler.cli.show import load_plan, page_width


@click.command(name="explain", short_help="One record's whole derivation.")
@click.argument("plan_file", metavar="PLAN", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("address")
@click.pass_obj
def command(settings: Settings, plan_file: Path, address: str) -> None:
    """Explains one change of a saved plan: invoice lines, rule, old and new, and the sum behind each amount.

    ADDRESS is one that `show` prints, or a part of it that no other change has.

    \b
    Example:
      reconciler explain plans/2026-09.plan.json psa/product/CFQ7TTC0LH18:0001
    """
    from reconciler.render.explanation import NotInPlan, explanation_lines
    from reconciler.render.safe_text import safe

    _, plan = load_plan(plan_file)
    colour = settings.colour(sys.stdout.isatty())
    try:
        lines = list(explanation_lines(plan, address, width=page_width(), colour=colour))
    except NotInPlan as missing:
        near = "".join(f"\n    {safe(one)}" for one in missing.nearest)
        hint = f"did you mean{near}" if near else f"see all addresses with: reconciler show {plan_file}"
        raise Failure(safe(str(missing)), hint) from None
    for line in lines:
        click.echo(line)
