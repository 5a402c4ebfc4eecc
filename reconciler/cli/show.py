"""`reconciler show`: reads a saved plan, for a terminal, a pull request or a program."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.context import Failure, Settings

if TYPE_CHECKING:
    from reconciler.domain.plan import Plan

# A line longer than this is hard to follow with the eye, however wide the window is.
_WIDEST = 120


@click.command(name="show", short_help="Reads a saved plan.")
@click.argument("plan_file", metavar="PLAN", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "html", "json", "digest"]),
    default="text",
    show_default=True,
    help="markdown fits a pull-request comment, html a browser or a printer; json is the file as it is; digest is what"
    " --expect-digest takes.",
)
@click.option(
    "--summary", is_flag=True, help="Only the totals and counts, at once for any size; the digest is not checked."
)
@click.pass_obj
def command(settings: Settings, plan_file: Path, form: str, summary: bool) -> None:
    """Shows what a saved plan would change, why, and what each customer's invoice will say.

    A file that is not a plan, or whose content does not match its digest, is refused. --summary reads the end of the
    file alone, so it cannot check the digest, and says so.

    \b
    Example:
      reconciler show plans/2026-09.plan.json
      reconciler show plans/2026-09.plan.json --format markdown > comment.md
      reconciler show plans/2026-09.plan.json --format html > plan.html
      reconciler show plans/2026-09.plan.json --summary
    """
    if summary:
        if form != "text":
            raise click.UsageError("--summary is text; a program finds the same in the file's own `summary`.")
        for line in _summary(plan_file, settings):
            click.echo(line)
        return
    text, plan = load_plan(plan_file)
    if form == "json":
        click.echo(text, nl=False)
        return
    if form == "digest":
        click.echo(plan.digest)
        return
    if form == "html":
        from reconciler.render.plan_html import plan_html

        click.echo(plan_html(plan), nl=False)
        return
    for line in _lines(plan, form, settings):
        click.echo(line)


def _lines(plan: "Plan", form: str, settings: Settings) -> Iterator[str]:
    if form == "markdown":
        from reconciler.render.plan_markdown import plan_markdown

        yield plan_markdown(plan).removesuffix("\n")
        return
    from reconciler.render.plan_text import plan_lines

    yield from plan_lines(plan, width=page_width(), colour=settings.colour(sys.stdout.isatty()))


def _summary(plan_file: Path, settings: Settings) -> Iterator[str]:
    from reconciler.planning.plan_file import PlanFileError
    from reconciler.planning.plan_summary import read_summary
    from reconciler.render.plan_summary_text import summary_lines

    try:
        found = read_summary(plan_file)
    except OSError as error:
        raise Failure(f"{plan_file} cannot be read: {error.strerror or error}") from None
    except PlanFileError as error:
        raise Failure(str(error), error.hint) from None
    yield from summary_lines(found, width=page_width(), colour=settings.colour(sys.stdout.isatty()))


def page_width() -> int:
    """The width to write to: the terminal's or COLUMNS, at most 120 cells, and 80 for a pipe."""
    return min(shutil.get_terminal_size(fallback=(80, 24)).columns, _WIDEST)


def load_plan(file: Path) -> tuple[str, "Plan"]:
    """A plan file's text and the plan in it. Raises Failure where it cannot be read or is not a plan that holds."""
    from reconciler.planning.plan_file import PlanFileError, read_plan

    try:
        text = file.read_bytes().decode("utf-8")
        return text, read_plan(text, str(file))
    except UnicodeDecodeError:
        raise Failure(f"{file} is not a plan: it is not UTF-8 text") from None
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror or error}") from None
    except PlanFileError as error:
        raise Failure(str(error), error.hint) from None
