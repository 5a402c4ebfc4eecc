"""What is left of a bug: one line and an error id for the user, the details in a file that only they can read."""

import hashlib
import os
import platform
import sys
import tempfile
import traceback
from pathlib import Path

from reconciler import __version__


def report_bug(bug: BaseException) -> str:
    """Writes the details (no values of variables, for they may be secret) to a file; returns the line to show."""
    from reconciler.cli.logs import note_bug

    trace = "".join(traceback.format_exception(bug))
    name = hashlib.sha256(trace.encode()).hexdigest()[:8]
    details = f"reconciler {__version__}, Python {platform.python_version()}, {sys.platform}\n{trace}"
    where = _write(Path(".reconciler") / "logs" / f"bug-{name}.txt", details)
    if where is None:
        where = _write(Path(tempfile.gettempdir()) / f"reconciler-bug-{name}.txt", details)
    kept = f"details are in {where}" if where else "the details could not be written anywhere"
    log = note_bug(name, type(bug).__name__)
    if log:
        kept += f", what led to it in {log}"
    return f"error: this is a bug in reconciler (error id {name}, {type(bug).__name__}); {kept}; please report it"


def _write(path: Path, text: str) -> Path | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError:
        return None
    return path
