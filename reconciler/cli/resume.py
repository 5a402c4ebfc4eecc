"""`reconciler resume`: finishes or settles an interrupted apply."""

import sys
from typing import TYPE_CHECKING

import click

from reconciler.cli.context import Failure, Settings
from reconciler.cli.locking import lock_timeout_option
from reconciler.cli.telling import sends_messages

if TYPE_CHECKING:
    from reconciler.store.database import Store
    from reconciler.store.ops import PlanRun


@click.command(short_help="Finishes or settles an interrupted apply.")
@lock_timeout_option
@click.pass_obj
@sends_messages
def command(settings: Settings, lock_timeout: float) -> None:
    """Goes on where an apply stopped: settles what is in doubt, writes what is left, and says what cannot be done.

    The plan comes from the journal; its file is not needed. Exits 0 when everything is done, 6 when something is left.

    \b
    Example:
      reconciler resume
    """
    from reconciler.cli.locking import locked, state_told
    from reconciler.store.database import read_store
    from reconciler.store.journal import unfinished

    with state_told():
        store = read_store(settings.state_url)
        left = unfinished(store) if store else ()
        if store:
            store.close()
    if not left:
        click.echo("Nothing to resume: no apply was interrupted.")
        return
    with locked(settings, "reconciler resume", lock_timeout) as held:
        statuses = [_resumed(settings, held, run) for run in unfinished(held)]
    sys.exit(max(statuses, default=0))


def _resumed(settings: Settings, store: "Store", run: "PlanRun") -> int:
    from reconciler.applying.apply import resume
    from reconciler.applying.course import CannotApply, journal_plan
    from reconciler.applying.report import ApplyReport
    from reconciler.applying.surroundings import Surroundings
    from reconciler.cli.applying import Writing, target_of, written
    from reconciler.cli.loading import load_mappings
    from reconciler.planning.observing import observe_again
    from reconciler.store.history import RunKind

    try:
        plan = journal_plan(run)
    except CannotApply as error:
        raise Failure(str(error), error.hint) from None
    mappings = load_mappings(settings)

    async def work(around: Surroundings) -> ApplyReport:
        return await resume(run, around, lambda: observe_again(plan, around.target))

    click.echo(f"resuming the apply of {plan.period}, begun {run.started}", err=True)
    target = target_of(mappings, plan.target)
    return written(Writing(settings, store, RunKind.RESUME, plan, target, mappings), work)
