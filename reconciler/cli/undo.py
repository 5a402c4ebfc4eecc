"""`reconciler undo`: the plan that takes a run back; like any plan it is reviewed, and written by `apply`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler import __version__
from reconciler.cli.context import Failure, Settings, show_findings
from reconciler.cli.running import finished

if TYPE_CHECKING:
    from reconciler.domain.mapping import Mappings
    from reconciler.domain.plan import Plan
    from reconciler.store.written import WrittenRun


@click.command(short_help="The plan that takes a run back.")
@click.argument("number", metavar="RUN", type=click.IntRange(min=1))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Writes the plan to a file, for apply.")
@click.option(
    "--format", "form", type=click.Choice(["text", "markdown", "html", "json"]), default="text", show_default=True
)
@click.option("--detailed-exitcode", is_flag=True, help="Exits 2 when there are changes, 0 when there are none.")
@click.option("--keep-going", is_flag=True, help="Exits as if all could be taken back; what cannot is left as it is.")
@click.pass_obj
def command(
    settings: Settings, number: int, out: Path | None, form: str, detailed_exitcode: bool, keep_going: bool
) -> None:
    """Shows how the records that a run wrote would be brought back to what they were. Writes nothing to the PSA.

    RUN is the number of an apply in `reconciler history`. What was invoiced meanwhile is compensated by records beside
    it; what somebody changed since, or a later run built upon, is left alone and told.

    \b
    Example:
      reconciler undo 7 --out plans/undo-7.plan.json
      reconciler apply plans/undo-7.plan.json
    """
    started = datetime.now(UTC)
    from reconciler.cli.keeping import keep_plan
    from reconciler.cli.loading import load_mappings
    from reconciler.cli.plan import exit_status, show_plan, write_plan_file

    mappings = load_mappings(settings)
    plan = _plan(settings, mappings, _written(settings, number))
    keep_plan(plan, settings, started)
    if out:
        write_plan_file(plan, out)
    show_plan(plan, form, settings)
    if form != "text":
        show_findings(plan.findings, settings)
    raise SystemExit(exit_status(plan, detailed=detailed_exitcode, keep_going=keep_going))


def _written(settings: Settings, number: int) -> "WrittenRun":
    """What the run wrote. Raises Failure where that is nothing, or is not settled yet."""
    from reconciler.cli.locking import state_told
    from reconciler.store.database import read_store
    from reconciler.store.written import NotWritten, written_run

    with state_told():
        store = read_store(settings.state_url)
        if store is None:
            raise Failure(
                "there is no state yet, and so no run to take back", "name it with --state, if it is elsewhere"
            )
        try:
            written = written_run(store, number)
        except NotWritten as error:
            raise Failure(str(error), error.hint) from None
        finally:
            store.close()
    if written.unsettled:
        raise Failure(
            f"the plan of run {number} is not settled: it is not known whether {written.unsettled[0]} was written",
            "run: reconciler resume",
        )
    return written


def _plan(settings: Settings, mappings: "Mappings", written: "WrittenRun") -> "Plan":
    from reconciler.cli.applying import target_of
    from reconciler.cli.loading import opened_target
    from reconciler.planning.plan_file import PlanFileError
    from reconciler.planning.undoing import undo_plan
    from reconciler.targets.base import TargetError

    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    target_settings = target_of(mappings, written.target)

    async def made() -> "Plan":
        async with opened_target(target_settings, settings) as target:
            return await undo_plan(written, mappings, target, created, __version__)

    try:
        return finished(made())
    except (PlanFileError, TargetError) as error:
        raise Failure(str(error), error.hint) from None
