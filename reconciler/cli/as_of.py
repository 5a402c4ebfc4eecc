"""A past run's plan, computed again from what was kept of it. Reads the state alone, and writes nothing anywhere."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from reconciler import __version__
from reconciler.cli.context import Failure, Settings, show_findings

if TYPE_CHECKING:
    from reconciler.domain.plan import Plan
    from reconciler.store.database import Store
    from reconciler.store.history import Run

_LATER = "what a run rested on is kept since the state has schema 2; see which runs are: reconciler history"


def plan_as_of(settings: Settings, number: int) -> "Plan":
    """The plan of a run, with a note on standard error that tells whether it came out as it did then.

    Raises Failure where there is no such run, or what it rested on is not kept.
    """
    from dataclasses import replace

    from reconciler.planning.assembling import assemble
    from reconciler.planning.replaying import Reader
    from reconciler.store.applied import applied_records
    from reconciler.store.kept import Contents, kept_run

    with kept_state(settings) as store, replay_told(settings):
        run = planned_by(store, number)
        kept = kept_run(store, run.number)
        if kept is None:
            raise Failure(f"what run {run.number} rested on is not kept", _LATER)
        applied = applied_records(store, kept.request["target"], kept.read_at)
        gathered = Reader(Contents(store), os.environ).gathered(kept, applied)
        made_by = gathered.request.version
        plan = assemble(replace(gathered, request=replace(gathered.request, version=__version__)))
        _tell(run, made_by, plan)
    return plan


@contextmanager
def kept_state(settings: Settings) -> "Iterator[Store]":
    """The state for reading. Raises Failure where there is none."""
    from reconciler.cli.locking import state_told
    from reconciler.store.database import read_store

    with state_told():
        store = read_store(settings.state_url)
        if store is None:
            raise Failure("there is no state database, so no run was kept", "runs are kept by: reconciler plan")
        try:
            yield store
        finally:
            store.close()


@contextmanager
def replay_told(settings: Settings) -> Iterator[None]:
    """Turns what replaying raises into sentences, findings of the kept files before them."""
    from reconciler.planning.kept_observation import UnreadableObservation
    from reconciler.planning.making import PlanningError
    from reconciler.planning.replaying import CannotReplay

    try:
        yield
    except CannotReplay as error:
        show_findings(error.findings, settings)
        raise Failure(str(error), error.hint) from None
    except PlanningError as error:
        raise Failure(str(error), error.hint) from None
    except UnreadableObservation as error:
        raise Failure(str(error), "use the version that made the run; see: reconciler history RUN") from None


def planned_by(store: "Store", number: int) -> "Run":
    """The run that made a plan: the one of that number, or for an apply the one whose plan it applied."""
    from reconciler.store.history import RunKind, runs

    known = runs(store)
    asked = next((run for run in known if run.number == number), None)
    if asked is None:
        raise Failure(f"there is no run {number}", "see all of them with: reconciler history")
    if asked.record.kind is RunKind.PLAN:
        return asked
    digest = asked.record.digest
    made = [r for r in known if r.record.kind is RunKind.PLAN and r.record.digest == digest and r.number < number]
    if not made:
        raise Failure(f"the plan that run {number} applied was not made with this state, so nothing of it is kept")
    return made[0]


def _tell(run: "Run", made_by: str, plan: "Plan") -> None:
    from reconciler.cli.history import when

    click.echo(
        f"The plan of run {run.number}, {when(run.record.started)}, computed again from what was kept.", err=True
    )
    if plan.digest == run.record.digest:
        click.echo("It is the same plan: the digest is the one of then.", err=True)
    else:
        why = (
            f"version {made_by} made it, and this is {__version__}"
            if made_by != __version__
            else ("the rules of this build, or an environment variable that the mapping names, are not as they were")
        )
        click.echo(f"warning: it is not the same plan: then {run.record.digest}, now {plan.digest}; {why}", err=True)
    click.echo("It is there to be read: what it saw of the PSA is of then, and apply refuses it as stale.", err=True)
