"""Files that commands write: whole or not at all."""

import os
import stat
import tempfile
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Writes a file that is there already in one step, and keeps its permissions; a link stays one, and what it leads
    to is written. Raises OSError.
    """
    real = path.resolve(strict=True)
    write_whole(real, text, stat.S_IMODE(real.stat().st_mode))


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Writes a text file in one step, so that a reader never sees a half one. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
