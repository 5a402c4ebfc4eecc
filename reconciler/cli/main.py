"""The command `reconciler`: global options, commands loaded when called, and the last net under every error."""

import importlib
import os
import sys
from difflib import get_close_matches
from pathlib import Path

import click

from reconciler import __version__
from reconciler.cli.context import Exit, Settings
from reconciler.cli.global_options import also_after, before_the_command
from reconciler.cli.stopping import NEXT, Terminated, end_in_order_when_terminated

# Each command lives in a module of its own that is imported when called, for `--help` is typed more than any other.
COMMANDS = {
    "apply": "Writes what a plan says to the PSA, once.",
    "backtest": "What other rules would have billed in past months.",
    "demo": "The whole tour on the embedded sandbox.",
    "diff": "What changed between two saved plans.",
    "doctor": "Tests credentials and every precondition of a plan.",
    "drift": "What a person changed in the PSA since the last apply.",
    "explain": "One record's whole derivation.",
    "fmt": "Canonical order and layout of the mapping files.",
    "history": "The runs so far.",
    "init": "Writes a commented mapping repository.",
    "notify": "Messages that wait for their receivers.",
    "plan": "Shows what would change in the PSA, why, and what it bills.",
    "prices": "Which price rule wins for a product, and why.",
    "read": "What invoice documents say, before any mapping.",
    "reconcile": "What was charged beside what the PSA bills now.",
    "resume": "Finishes or settles an interrupted apply.",
    "sandbox": "The local PSA server to try things on.",
    "schema": "Prints a JSON Schema.",
    "show": "Reads a saved plan.",
    "sign": "Approves a saved plan with a signing key.",
    "state": "Looks after the state database.",
    "status": "What is mapped, unmapped and failed, and the money behind it.",
    "undo": "The plan that takes a run back.",
    "suggest": "Which records of the PSA unmapped customers and SKUs may be.",
    "validate": "Checks the mapping files.",
}

# The sections of `--help`, in the order in which a newcomer meets the commands.
SECTIONS = {
    "To begin": ("demo", "init", "suggest", "validate", "doctor", "sandbox"),
    "Every month": ("read", "plan", "show", "explain", "sign", "apply", "resume"),
    "Afterwards": ("status", "reconcile", "drift", "history", "undo"),
    "To look closer": ("prices", "diff", "backtest"),
    "To look after it": ("fmt", "schema", "notify", "state"),
}


class Commands(click.Group):
    """A group whose commands are imported when called. A module `reconciler.cli.<name>` holds `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now; None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"reconciler.cli.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101 -- a promise between our own modules
        from reconciler.cli.logs import logged

        return logged(also_after(command), cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that was meant; a mistyped name is answered with the nearest one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS, n=1)
            ctx.fail(f"No such command {args[0]!r}." + (f" Did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands from the tables above, so that help imports none of them."""
        widest = max(map(len, COMMANDS))
        for title, names in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(widest), COMMANDS[name]) for name in names])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="reconciler")
@click.pass_context
def main(ctx: click.Context, file: Path, state: str, no_color: bool, log_format: str, verbose: int) -> None:
    """From the distributor's invoice to the PSA's agreements: planned, reviewed, applied once."""
    ctx.obj = Settings(file=file, state=state, no_color=no_color, log_format=log_format, verbose=verbose)


main.params += before_the_command()


def run() -> None:
    """The console script. A bug prints one line, an error id and where the details lie; never a traceback."""
    end_in_order_when_terminated()
    try:
        # Outside its standalone mode click returns the status of an early exit instead of leaving with it.
        sys.exit(main.main(standalone_mode=False) or Exit.DONE)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo(NEXT, err=True)
        sys.exit(130)
    except Terminated:
        click.echo(NEXT, err=True)
        raise
    except BrokenPipeError:
        # The reader of a pipe has gone (`| head`): nothing is wrong, and nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.DONE)
    except Exception as bug:
        from reconciler.cli.crash import report_bug

        click.echo(report_bug(bug), err=True)
        sys.exit(Exit.ERROR)
