"""`reconciler notify`: messages to people: what waits, what was sent, and a test."""

from typing import TYPE_CHECKING

import click

from reconciler.cli.context import Exit, Failure, Settings

if TYPE_CHECKING:
    from reconciler.store.outbox import Waiting


@click.group(name="notify", short_help="Messages that wait for their receivers.")
def command() -> None:
    """Messages to the receivers that programs name under `notify:`. They are sent after each command that plans or
    writes; this shows them, and sends those that wait.

    \b
    Example:
      reconciler notify test
    """


@command.command(name="list", short_help="The newest messages, sent or not.")
@click.option("--count", type=click.IntRange(min=1), default=20, show_default=True, help="How many.")
@click.pass_obj
def listed(settings: Settings, count: int) -> None:
    """Shows the newest messages: to whom, of what, whether they were sent, and why not.

    \b
    Example:
      reconciler notify list
    """
    from reconciler.cli.locking import state_told
    from reconciler.render.safe_text import safe
    from reconciler.store.database import read_store
    from reconciler.store.outbox import newest

    with state_told():
        store = read_store(settings.state_url)
        messages = newest(store, count) if store else ()
        if store:
            store.close()
    if not messages:
        click.echo("No messages yet.")
    for one in messages:
        message = one.message
        click.echo(safe(f"{one.at:%Y-%m-%d %H:%M}Z  {message.subject}"))
        click.echo(safe(f"  to {message.receiver} of {message.program}: {_state(one)}"))
        click.echo(safe(f"  id {message.id}"))


@command.command(short_help="Sends all that wait, now.")
@click.pass_obj
def send(settings: Settings) -> None:
    """Sends every message that was not sent yet, however often that was tried. Exits 1 where one cannot be sent.

    \b
    Example:
      reconciler notify send
    """
    from reconciler.cli.locking import state_told
    from reconciler.cli.telling import send as tried
    from reconciler.cli.telling import told
    from reconciler.store.database import read_store
    from reconciler.store.outbox import waiting

    with state_told():
        store = read_store(settings.state_url)
        messages = waiting(store) if store else ()
        if store:
            store.close()
        if not messages:
            click.echo("Nothing waits to be sent.")
            return
        results = tried(messages, settings)
    for result in results:
        click.echo(told(result), err=bool(result.reason))
    if len([result for result in results if not result.reason]) < len(messages):
        raise SystemExit(Exit.ERROR)


@command.command(short_help="Sends a test to every receiver.")
@click.pass_obj
def test(settings: Settings) -> None:
    """Sends a message to every receiver of the mapping that says that it is a test. Exits 1 where one fails.

    \b
    Example:
      reconciler notify test
    """
    import os

    from reconciler.cli.loading import load_mappings
    from reconciler.cli.telling import test_message
    from reconciler.config.alerts import address
    from reconciler.notifying.delivery import HOW_TO_INSTALL, MISSING, NotDelivered, deliver, installed

    programs = [program for program in load_mappings(settings).programs.values() if program.notify]
    if not programs:
        raise Failure("no program has a receiver", "name one: notify: [{on: [error], to: ${BILLING_ALERT_URL}}]")
    if not installed():
        raise Failure(MISSING, HOW_TO_INSTALL)
    failed = False
    for program in programs:
        for alert in program.notify:
            where, reason = address(alert, os.environ), None
            try:
                if isinstance(where, str):
                    reason = f"the environment variable {where} is not set"
                else:
                    deliver(where, test_message(alert, program.target, settings))
            except NotDelivered as error:
                reason = str(error)
            failed = failed or reason is not None
            click.echo(f"{alert.name} of {program.name}: {reason or 'sent'}", err=reason is not None)
    raise SystemExit(Exit.ERROR if failed else Exit.DONE)


def _state(one: "Waiting") -> str:
    if one.sent_at:
        return f"sent {one.sent_at:%Y-%m-%d %H:%M}Z"
    if not one.attempts:
        return "waits"
    tried = f"tried {one.attempts} time{'s' if one.attempts > 1 else ''}"
    then = "given up: reconciler notify send" if one.given_up else f"again after {one.next_at:%Y-%m-%d %H:%M}Z"
    return f"{tried}: {one.error or 'the process died meanwhile'}; {then}"
