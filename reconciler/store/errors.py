"""What can go wrong with the state database, in words for the person who runs the command."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, IntegrityError


class StoreError(Exception):
    """The state database cannot be used. The text says what is wrong, `hint` what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class StateLocked(StoreError):
    """Another run holds the state database; the text says who, and since when."""


class FencedOut(StoreError):
    """The journal was taken over by another run: this one must stop at once (apply protocol I3)."""


_CAUSES = (
    ("file is not a database", "is not a SQLite database", "name another file with --state, or move this one away"),
    ("malformed", "is damaged", "restore a copy from the folder `backups` beside it, or move it away and plan again"),
    ("readonly", "cannot be written", "check the owner and mode of the file and of its folder"),
    ("unable to open", "cannot be opened", "check that its folder exists and may be written"),
    ("disk is full", "could not be written: the disk is full", "make room, then run: reconciler resume"),
    ("disk i/o error", "could not be read or written: disk error", "check the disk, then run: reconciler resume"),
    ("locked", "is busy: another program holds it for longer than 30 seconds", "find it with: fuser {path}"),
)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turns what the database driver raises into a StoreError that names the file. Broken constraints pass: a bug."""
    try:
        yield
    except IntegrityError:
        raise
    except (DBAPIError, sqlite3.DatabaseError) as error:
        raise _explained(error, path) from error


def _explained(error: Exception, path: Path) -> StoreError:
    cause = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    for sign, sentence, hint in _CAUSES:
        if sign in cause.lower():
            return StoreError(f"the state database {path} {sentence}", hint.format(path=path))
    return StoreError(f"the state database {path} cannot be used: {cause}", "see: reconciler state --help")
