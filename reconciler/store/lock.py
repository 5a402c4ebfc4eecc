"""Who holds the state: the one run that may write to a PSA. How the lock is held is for each database."""

import getpass
import os
import socket
import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock: host, process, user, since when (UTC), for which command, and the lock's id."""

    lock_id: str
    host: str
    pid: int
    user: str
    since: str
    what: str

    def __str__(self) -> str:
        return (
            f"{self.user} on {self.host} (process {self.pid}, `{self.what}`) since {self.since}, lock id {self.lock_id}"
        )


def this_process(what: str, now: datetime) -> Holder:
    """This process as a holder, with a new lock id."""
    return Holder(uuid.uuid4().hex[:12], socket.gethostname(), os.getpid(), user(), now.isoformat(), what)


def user() -> str:
    """The name of the user, or its number where it has none (as in many containers)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def who() -> str:
    """The user and the host, for the history."""
    return f"{user()}@{socket.gethostname()}"


def living_here(holder: Holder) -> bool | None:
    """Whether a holder's process lives; None where it runs, or ran, on another machine."""
    if holder.host != socket.gethostname():
        return None
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
