"""The liveness lock beside a SQLite file: the kernel holds it while the process lives, and frees it however it ends."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from reconciler.store.errors import StateLocked, StoreError
from reconciler.store.lock import Holder


def read_holder(path: Path) -> Holder | None:
    """Who the lock file names: the holder, or the one who ended without giving it back. None: nobody."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


@contextmanager
def held(path: Path, holder: Holder) -> Iterator[Holder | None]:
    """Holds the lock for the block, which gets the holder that ended without giving it back (None: nobody did).

    Raises StateLocked at once where another process has it.
    """
    descriptor = _acquired(path)
    try:
        killed = read_holder(path)
        _write(descriptor, json.dumps(asdict(holder)))
        yield killed
        # An empty file says that the last holder ended in order; a killed one leaves its name (I9).
        _write(descriptor, "")
    finally:
        os.close(descriptor)


def forget_holder(path: Path) -> None:
    """Takes the name of a holder that is gone out of the lock file. Raises StateLocked where one is alive."""
    descriptor = _acquired(path)
    _write(descriptor, "")
    os.close(descriptor)


def _acquired(path: Path) -> int:
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"the lock file {path} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise _locked(path) from None
        except OSError as error:
            os.close(descriptor)
            raise StoreError(f"the file {path} cannot be locked here: {error.strerror}", "use a local disk") from error
        if _is_still(path, descriptor):
            return descriptor
        # The file was removed between open and lock: this lock would guard nothing.
        os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _locked(path: Path) -> StateLocked:
    holder = read_holder(path)
    who = str(holder) if holder else "a process that has not said its name yet"
    look = f"ps -p {holder.pid}  (on {holder.host})" if holder else f"fuser {path}"
    return StateLocked(
        f"the state is locked by {who}; nothing was written",
        f"wait for it to end; see what it does with: reconciler status; look for its process with: {look}",
    )


def _write(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)
