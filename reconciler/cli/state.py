"""`reconciler state`: looks after the state database."""

import click

from reconciler.cli.context import Settings


@click.group(name="state", short_help="Looks after the state database.")
def command() -> None:
    """Looks after the state database: who holds it, what is in it, which version it has.

    \b
    Example:
      reconciler state export > journal.jsonl
    """


@command.command(short_help="Writes everything in it as JSON lines.")
@click.pass_obj
def export(settings: Settings) -> None:
    """Writes every row of every table as one JSON object a line, to standard output.

    \b
    Example:
      reconciler state export > journal.jsonl
    """
    from reconciler.cli.locking import state_told
    from reconciler.store.database import read_store
    from reconciler.store.keeping import exported

    with state_told():
        store = read_store(settings.state_url)
        if store is None:
            return
        try:
            for line in exported(store):
                click.echo(line)
        finally:
            store.close()


@command.command(short_help="Takes away the lock of a run that is gone.")
@click.argument("lock_id")
@click.pass_obj
def unlock(settings: Settings, lock_id: str) -> None:
    """Takes away the lock of a run that is gone, by its id. Refused while that run is alive.

    Seldom needed: the lock of a killed run falls by itself.

    \b
    Example:
      reconciler state unlock 3f9a2c41d07b
    """
    from reconciler.cli.context import Failure
    from reconciler.cli.locking import state_told
    from reconciler.store.database import read_store
    from reconciler.store.keeping import unlock as take_away

    with state_told():
        store = read_store(settings.state_url)
        if store is None:
            raise Failure("there is no state database yet, so nothing is locked")
        try:
            click.echo(take_away(store, lock_id))
        finally:
            store.close()


@command.command(short_help="Brings it to this version's schema.")
@click.pass_obj
def migrate(settings: Settings) -> None:
    """Brings the state database to this version's schema, after a copy was made of it.

    \b
    Example:
      reconciler state migrate
    """
    from reconciler.cli.locking import locked
    from reconciler.store.schema import VERSION

    with locked(settings, "reconciler state migrate"):
        click.echo(f"The state database has schema {VERSION}.")
