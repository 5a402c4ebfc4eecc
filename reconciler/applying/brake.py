"""The brake: when the PSA stops answering clearly, nothing more is sent."""

from reconciler.store.schema import State

DOUBTS = 5
UNDONE = 10
UNREADABLE = 3
DUPLICATES = 2


class Brake:
    """Counts signs of trouble; `reason` is set once it is pulled, and stays."""

    def __init__(self, reason: str | None = None) -> None:
        self.reason = reason
        self._doubts = 0
        self._undone = 0
        self._unreadable = 0
        self._duplicates = 0

    def count(self, outcome: State) -> None:
        """Notes the outcome of a send: five doubtful ones in a row pull the brake, ten that were not done likewise."""
        self._doubts = self._doubts + 1 if outcome is State.UNKNOWN else 0
        self._undone = self._undone + 1 if outcome is State.ABSENT else 0
        if self._doubts >= DOUBTS:
            self._pull(f"the PSA gave no clear answer {DOUBTS} times in a row")
        if self._undone >= UNDONE:
            self._pull(f"the PSA took no write {UNDONE} times in a row")

    def unreadable(self, message: str) -> None:
        """Notes that a read failed for good: three in a row pull the brake."""
        self._unreadable += 1
        if self._unreadable >= UNREADABLE:
            self._pull(f"the PSA could not be read {UNREADABLE} times in a row: {message}")

    def readable(self) -> None:
        """Notes that a read succeeded."""
        self._unreadable = 0

    def found(self, copies: int) -> None:
        """Notes how many copies a record had: the second copy of all pulls the brake."""
        self._duplicates += copies
        if self._duplicates >= DUPLICATES:
            self._pull("records appeared twice in the PSA")

    def _pull(self, reason: str) -> None:
        self.reason = self.reason or reason
