"""What every command shares: the global options, the exit statuses, and how findings and errors reach the terminal."""

import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from reconciler.domain.finding import Finding


class Exit(IntEnum):
    """The exit statuses of the interface contract (section 2)."""

    DONE = 0
    ERROR = 1
    CHANGES = 2
    STALE = 3
    LOCKED = 4
    GUARD = 5
    PART_WAY = 6


@dataclass(frozen=True, slots=True)
class Settings:
    """The global options. `state` is a database URL; `colour` is False under --no-color, NO_COLOR, or a pipe."""

    file: Path
    state: str
    no_color: bool
    log_format: str
    verbose: int

    @property
    def folder(self) -> Path:
        """The folder of the mapping file: globs and the state folder start there."""
        return self.file.parent

    def colour(self, stream_is_terminal: bool) -> bool:
        """Whether to write colours to a stream."""
        return stream_is_terminal and not self.no_color and "NO_COLOR" not in os.environ

    @property
    def state_url(self) -> str:
        """The state database; the default lies in `.reconciler/` beside the mapping file."""
        if self.state:
            return self.state
        return f"sqlite:///{self.folder / '.reconciler' / 'state.db'}"


class Failure(click.ClickException):
    """Ends a command with a sentence, a hint and an exit status; never a traceback."""

    def __init__(self, message: str, hint: str | None = None, status: Exit = Exit.ERROR) -> None:
        super().__init__(message)
        self.hint = hint
        # click declares it for the class and reads it from the instance.
        vars(self)["exit_code"] = int(status)

    def show(self, file: object = None) -> None:
        """Writes the sentence and the hint to standard error."""
        _tell(f"error: {self.message}", "")
        if self.hint:
            _tell(f"hint: {self.hint}", "  ")


def terminal_width(stream: TextIO) -> int | None:
    """How wide to write to a stream: the terminal's width, at most 120 cells; None for a pipe, whose lines stay whole
    for the tools that search them.
    """
    return min(shutil.get_terminal_size(fallback=(80, 24)).columns, 120) if stream.isatty() else None


def _tell(text: str, indent: str) -> None:
    width = terminal_width(sys.stderr)
    if width is None or (len(indent + text) <= width and "\n" not in text):
        click.echo(indent + text, err=True)
        return
    from reconciler.render.terminal import hanging

    for paragraph in text.splitlines():
        for line in hanging(paragraph, width, indent, indent + "  "):
            click.echo(line, err=True)


def show_findings(findings: "Iterable[Finding]", settings: Settings) -> None:
    """Writes findings to standard error, with place, excerpt, caret and hint."""
    from reconciler.render.findings import finding_lines

    colour = settings.colour(sys.stderr.isatty())
    for finding in findings:
        for line in finding_lines(finding, colour=colour, width=terminal_width(sys.stderr)):
            click.echo(line, err=True)
