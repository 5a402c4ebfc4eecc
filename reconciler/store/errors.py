"""What can go wrong with the state database, in words for the person who runs the command."""


class StoreError(Exception):
    """The state database cannot be used. The text says what is wrong, `hint` what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class StateLocked(StoreError):
    """Another run holds the state database; the text says who, and since when."""


class FencedOut(StoreError):
    """The journal was taken over by another run, or may be at any moment: this one must stop at once (I3)."""
