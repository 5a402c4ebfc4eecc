"""`reconciler sandbox`: the local PSA server, for trying things on without touching a real one."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.context import Failure
from reconciler.cli.planning import MONTH

if TYPE_CHECKING:
    from reconciler.domain.days import Month

URL = "http://127.0.0.1:8765"
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(name="sandbox")
def command() -> None:
    """A ConnectWise server on this machine: its answers, its refusals, its invoices.

    \b
    Example:
      reconciler sandbox serve --seed examples/sandbox.yaml
    """


@command.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8765, show_default=True, help="On 127.0.0.1.")
@click.option("--data", type=click.Path(dir_okay=False, path_type=Path), help="Keeps the state in this file.")
@click.option("--seed", type=_FILE, help="Puts this in when there is nothing yet.")
@click.option("--faults", type=_FILE, help="Answers that go wrong on purpose.")
def serve(port: int, data: Path | None, seed: Path | None, faults: Path | None) -> None:
    """Serves until interrupted; prints the credentials that it accepts.

    \b
    Example:
      reconciler sandbox serve --port 8765 --data sandbox.db
    """
    from reconciler.sandbox.control_client import SandboxError
    from reconciler.sandbox.server import serve as serve_sandbox

    try:
        serve_sandbox(port, data, seed, faults)
    except SandboxError as error:
        raise Failure(str(error)) from None


@command.command()
@click.argument("file", type=_FILE)
@click.option("--url", default=URL, show_default=True, help="The running sandbox.")
def seed(file: Path, url: str) -> None:
    """Puts a seed file in the place of everything that a running sandbox holds.

    \b
    Example:
      reconciler sandbox seed examples/sandbox.yaml
    """
    from reconciler.sandbox.control_client import SandboxError, seed_running

    try:
        counts = seed_running(url, file)
    except SandboxError as error:
        raise Failure(str(error)) from None
    click.echo("seeded: " + ", ".join(f"{number} {name}" for name, number in counts.items() if number))


@command.command()
@click.option("--month", type=MONTH, required=True, help="The month to invoice, as 2026-09.")
@click.option("--url", default=URL, show_default=True, help="The running sandbox.")
def bill(month: "Month", url: str) -> None:
    """Runs the PSA's invoices for a month, and prints their lines.

    \b
    Example:
      reconciler sandbox bill --month 2026-09
    """
    from reconciler.render.psa_invoices import invoice_lines
    from reconciler.sandbox.control_client import SandboxError, bill_running

    try:
        invoices = bill_running(url, str(month))
    except SandboxError as error:
        raise Failure(str(error)) from None
    for line in invoice_lines(invoices):
        click.echo(line)


@command.command()
@click.option("--url", default=URL, show_default=True, help="The running sandbox.")
def reset(url: str) -> None:
    """Brings a running sandbox back to its last seed; faults and the request log are cleared.

    \b
    Example:
      reconciler sandbox reset
    """
    from reconciler.sandbox.control_client import SandboxError, reset_running

    try:
        reset_running(url)
    except SandboxError as error:
        raise Failure(str(error)) from None
    click.echo("the sandbox is as it was seeded")


@command.command()
def env() -> None:
    """Prints the credentials that a sandbox accepts, as NAME=value lines.

    \b
    Example:
      export $(reconciler sandbox env)
    """
    from reconciler.sandbox.server import accepted_credentials

    for name, value in accepted_credentials().items():
        click.echo(f"{name}={value}")
