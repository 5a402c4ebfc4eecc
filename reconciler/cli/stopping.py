"""SIGTERM, as Ctrl-C: the command ends where it is, in order, and says what to do next.

While changes are written the run listens to both signals itself (`cli.applying`) and lets the request in flight end.
Before and after that, and in every other command, a SIGTERM becomes an exception that closes files, connections and
locks on its way, and ends in the status that a shell gives to a terminated command.
"""

import signal
from types import FrameType

NEXT = "stopped on request; whether an apply is left to finish: reconciler status"


class Terminated(SystemExit):
    """Somebody terminated the command, outside of writing."""

    def __init__(self) -> None:
        super().__init__(128 + signal.SIGTERM)


def end_in_order_when_terminated() -> None:
    """From here on a SIGTERM raises Terminated in the main thread. Call it there alone."""
    signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated
