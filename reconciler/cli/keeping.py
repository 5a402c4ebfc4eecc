"""Keeping a run and what it rested on. A plan needs no state: where it cannot be written, that is said and no more."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from reconciler.cli.context import Settings
from reconciler.cli.logs import step

if TYPE_CHECKING:
    from reconciler.domain.alert import Message
    from reconciler.domain.plan import Plan
    from reconciler.planning.making import Made
    from reconciler.store.database import Store
    from reconciler.store.standings import ProgramStanding


def keep_plan(plan: "Plan", settings: Settings, started: datetime) -> None:
    """Keeps a plan's making in the history. Warns where that cannot be done."""
    _kept(plan, settings, started, {}, (), lambda store, run: None)


def keep_made(made: "Made", settings: Settings, started: datetime) -> None:
    """Keeps a plan's making in the history, what is to be told of it, and what it rested on beside it. Warns where that
    cannot be done.
    """
    from reconciler.cli.telling import plan_messages
    from reconciler.planning.keeping import files_read, to_keep
    from reconciler.store.errors import StoreError
    from reconciler.store.kept import keep

    def inputs(store: "Store", run: int) -> None:
        try:
            files = files_read(settings.file, made.gathered)
            keep(store, to_keep(run, settings.file, files, made.gathered, started), files)
        except (StoreError, OSError) as error:
            what = f"what run {run} rested on is not kept, so it cannot be computed again with --as-of"
            click.echo(f"warning: {what}: {error}", err=True)

    _kept(made.plan, settings, started, _programs(made), plan_messages(made, settings), inputs)


def _programs(made: "Made") -> "dict[str, ProgramStanding]":
    """How the programs stand that the plan was about as a whole; none where it was about some customers alone."""
    from reconciler.planning.gathered import Scope
    from reconciler.store.standings import programs_of

    request, mappings = made.gathered.request, made.gathered.mappings
    if request.customers or request.only_new is not None or request.scope is not Scope.ALL:
        return {}
    return programs_of(made.plan, {customer.name: customer.program for customer in mappings.customers})


def _kept(
    plan: "Plan",
    settings: Settings,
    started: datetime,
    programs: "dict[str, ProgramStanding]",
    messages: "tuple[Message, ...]",
    beside: "Callable[[Store, int], None]",
) -> None:
    from reconciler.store.database import open_store
    from reconciler.store.errors import StoreError
    from reconciler.store.history import plan_record, record_run
    from reconciler.store.lock import who

    now = datetime.now(UTC)
    try:
        store = open_store(settings.state_url, now)
    except StoreError as error:
        click.echo(f"warning: this plan is not kept in the history: {error}", err=True)
        if error.hint:
            click.echo(f"  hint: {error.hint}", err=True)
        return
    try:
        run = record_run(store, plan_record(plan, started, now, who(), programs), messages)
    except StoreError as error:
        click.echo(f"warning: this plan is not kept in the history: {error}", err=True)
    else:
        step("run kept", number=run)
        beside(store, run)
    finally:
        store.close()
