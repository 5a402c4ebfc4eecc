"""The options that every command takes, written before the command's name or after it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from reconciler.cli.context import Settings

_AFTER = "after_"


def before_the_command() -> list[click.Option]:
    """The global options as the command `reconciler` itself takes them."""
    return [
        click.Option(
            ["-f", "--file"],
            default=Path("mappings.yaml"),
            show_default=True,
            type=click.Path(path_type=Path),
            help="The mapping file.",
        ),
        click.Option(
            ["--state"],
            default="",
            envvar="RECONCILER_STATE",
            help="The state database.  [default: sqlite:///.reconciler/state.db]",
        ),
        click.Option(["--no-color"], is_flag=True, help="No colours; NO_COLOR in the environment does the same."),
        click.Option(
            ["--log-format"],
            type=click.Choice(["text", "json"]),
            default="text",
            show_default=True,
            help="How logs are written.",
        ),
        click.Option(["-v", "--verbose"], count=True, help="Shows each step and request on standard error."),
    ]


def also_after(command: click.Command) -> click.Command:
    """The command, taking the global options after its name as well, and so do its own commands.

    They are left out of its help, for that of `reconciler` has them. Where a command has an option of the same name,
    its own counts. An option written in both places counts as it was written last.
    """
    taken = {name for parameter in command.params for name in parameter.opts}
    for option in before_the_command():
        if taken.isdisjoint(option.opts):
            option.hidden, option.expose_value, option.envvar, option.callback = True, False, None, _taken_over
            # A command may have an argument of the same name, such as FILE.
            option.name = f"{_AFTER}{option.name}"
            command.params.append(option)
    if isinstance(command, click.Group):
        for each in command.commands.values():
            also_after(each)
    return command


def _taken_over(context: click.Context, option: click.Parameter, value: Any) -> None:
    name = option.name or ""
    written = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    if written and isinstance(context.obj, Settings):
        context.obj = replace(context.obj, **{name.removeprefix(_AFTER): value})
