"""The log of a command: what it did step by step, and every request that it made. Set up here and nowhere else.

A command that reads or writes a PSA leaves its log beside the state, one JSON object a line, for its owner alone; `-v`
shows steps and requests on standard error. A record has an event, which is ours and holds no text from
elsewhere, and fields. Only fields of known names are written, each value escaped: text from a PSA or a document can
neither begin a line nor end a string. Bodies, queries and credentials are in no record to begin with.
"""

import json
import logging
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, TextIO

import click

from reconciler.cli.context import Settings

KEPT_RUNS = 50
KEEPING = frozenset({"apply", "doctor", "drift", "notify", "plan", "reconcile", "resume", "suggest", "undo"})
"""The commands whose log is kept: by their first words."""

FIELDS = (
    "command", "version", "number", "operation", "method", "path", "status", "milliseconds", "headers", "customers",
    "programs", "documents", "month", "changes", "errors", "warnings", "digest", "state", "receiver", "message_id",
    "kind", "error_id", "exit", "said",
)  # fmt: skip
"""What a record may tell. Whatever else somebody adds to one is not written."""

HEADERS = frozenset({"content-length", "content-type", "date", "retry-after"})
"""The headers of an answer that may be written; of any other, its name."""

_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}\.jsonl")
_LONGEST = 2_000
_NOTHING = logging.CRITICAL + 1


class _Current:
    """The log of the command that runs now: its run's name, and its file once something was written to it."""

    run = ""
    file: Path | None = None


def logged(command: click.Command, name: str) -> click.Command:
    """The command, writing its log; and so do its own commands."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            logged(each, f"{name} {each.name}")
    elif command.callback is not None and not hasattr(command.callback, "is_logged"):
        command.callback = _logged(command.callback, name)
    return command


def _logged(work: Callable[..., Any], name: str) -> Callable[..., Any]:
    @wraps(work)
    def with_log(*arguments: Any, **options: Any) -> Any:
        settings = click.get_current_context().find_object(Settings)
        if settings is None or not (settings.verbose or name.split(maxsplit=1)[0] in KEEPING):
            return work(*arguments, **options)
        from reconciler import __version__

        start(settings, name)
        try:
            step("command begins", command=name, version=__version__)
            done = work(*arguments, **options)
        except SystemExit as leaving:
            _end(exit=leaving.code if isinstance(leaving.code, int) else 0)
            raise
        except click.ClickException as failure:
            _end(exit=failure.exit_code, said=failure.message)
            raise
        except (KeyboardInterrupt, click.Abort):
            _end(exit=130)
            raise
        # A bug leaves the log open: its error id is still to be written.
        _end(exit=0)
        return done

    with_log.is_logged = True  # type: ignore[attr-defined]
    return with_log


def start(settings: Settings, name: str) -> None:
    """Begins the log of a command; that of the one before is closed."""
    close()
    _Current.run = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    ours = logging.getLogger("reconciler")
    ours.setLevel(logging.DEBUG)
    ours.propagate = False
    if settings.verbose:
        ours.addHandler(Shown(as_json=settings.log_format == "json"))
    else:
        ours.addHandler(Patience())
    if name.split(maxsplit=1)[0] in KEEPING:
        ours.addHandler(Kept(log_folder(settings)))


def step(event: str, **fields: object) -> None:
    """Notes a step. The event is a fixed phrase of ours; all that comes from elsewhere goes into fields."""
    logging.getLogger("reconciler.steps").info(event, extra=fields)


def note_bug(error_id: str, kind: str) -> Path | None:
    """Notes a bug's error id in the log of the command that it ended; returns the log's file where there is one."""
    extra = {"error_id": error_id, "kind": kind}
    if _Current.run:
        logging.getLogger("reconciler.steps").error("bug", extra=extra)
    found = _Current.file
    close()
    return found


def close() -> None:
    """Ends the log of a command. Records are free again to go where whoever embeds the program wants them."""
    ours = logging.getLogger("reconciler")
    for handler in [each for each in ours.handlers if isinstance(each, Kept | Shown | Patience)]:
        ours.removeHandler(handler)
        handler.close()
    ours.propagate = True
    ours.setLevel(logging.NOTSET)
    _Current.run, _Current.file = "", None


def log_folder(settings: Settings) -> Path:
    """Where logs are kept: beside the state database where that is a file, else beside the mapping."""
    if settings.state_url.startswith("sqlite:///"):
        return Path(settings.state_url.removeprefix("sqlite:///")).parent / "logs"
    return settings.folder / ".reconciler" / "logs"


def _end(**fields: object) -> None:
    step("command ends", **fields)
    close()


def told(record: logging.LogRecord) -> dict[str, object]:
    """What a record tells: its event, time, level and run, and the fields that may be told."""
    members: dict[str, object] = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "run": _Current.run,
        "event": str(record.msg),
    }
    for name in FIELDS:
        value = vars(record).get(name)
        if value is not None:
            members[name] = _headers(value) if name == "headers" else _plain(value)
    return members


def _plain(value: object) -> object:
    return value if isinstance(value, int) else str(value)[:_LONGEST]


def _headers(value: object) -> dict[str, str]:
    found = value if isinstance(value, dict) else {}
    return {
        str(name).lower(): str(said)[:_LONGEST] if str(name).lower() in HEADERS else "***"
        for name, said in found.items()
    }


def json_line(record: logging.LogRecord) -> str:
    """A record as one JSON object on one line, in ASCII: nothing in it ends a line, for no reader of lines."""
    return json.dumps(told(record))


def text_line(record: logging.LogRecord) -> str:
    """A record as a line for people: time, event, and fields, quoted where they hold more than a word."""
    members = told(record)
    at, event = str(members.pop("at"))[11:23], members.pop("event")
    level = members.pop("level")
    members.pop("run")
    fields = " ".join(f"{name}={_word(value)}" for name, value in members.items())
    return f"{at} {event}{'' if level in ('info', 'debug') else f' ({level})'}  {fields}".rstrip()


def _word(value: object) -> str:
    from reconciler.render.safe_text import safe

    text = value if isinstance(value, str) else json.dumps(value)
    text = safe(text)
    return text if re.fullmatch(r"[^\s\"=]+", text) else json.dumps(text, ensure_ascii=False)


class Shown(logging.Handler):
    """Writes records to standard error, as text or as JSON."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._line = json_line if as_json else text_line

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record."""
        try:
            click.echo(self._line(record), err=True)
        except OSError:
            # Nobody reads standard error any more: nobody is left to tell.
            self.setLevel(_NOTHING)


class Patience(logging.Handler):
    """Says once to whoever waits why it takes long: the PSA was asked, and is asked again."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.addFilter(logging.Filter("reconciler.http"))

    def emit(self, record: logging.LogRecord) -> None:
        """Tells of the first such record."""
        from reconciler.render.safe_text import safe

        self.setLevel(_NOTHING)
        with suppress(OSError):
            click.echo(
                f"a read of the PSA failed ({safe(str(vars(record).get('said', '')))}); it is tried again", err=True
            )


class Kept(logging.Handler):
    """Writes records to the run's own file, made with the first of them. A log that cannot be written is told once, and
    fails nothing.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._stream: TextIO | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record, and gives it to the operating system: a killed run's log ends with its last step."""
        try:
            if self._stream is None:
                self._stream = _opened(self._folder)
            self._stream.write(json_line(record) + "\n")
            self._stream.flush()
        except OSError as error:
            self.setLevel(_NOTHING)
            click.echo(f"warning: the log of this run cannot be written: {error.strerror}", err=True)

    def close(self) -> None:
        """Ends the file."""
        super().close()
        if self._stream is not None:
            with suppress(OSError):
                self._stream.close()


def _opened(folder: Path) -> TextIO:
    """A new file for the run, for its owner alone; of older ones the newest stay."""
    for each in (folder.parent, folder):
        if not each.is_dir():
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
    old = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    for path in old[: max(0, len(old) - KEPT_RUNS + 1)]:
        path.unlink(missing_ok=True)
    file = folder / f"{_Current.run}.jsonl"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    stream = os.fdopen(os.open(file, flags, 0o600), "w", encoding="ascii")
    _Current.file = file
    return stream
