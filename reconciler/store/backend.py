"""What a database must give so that the state can lie in it. SQLite and PostgreSQL do; everything else is one code."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, Engine

from reconciler.store.errors import StoreError
from reconciler.store.lock import Holder


@dataclass(frozen=True, slots=True)
class Held:
    """The lock, held. `killed` is the holder that ended without giving it back (None: nobody did).

    `check` is called before each byte that changes a PSA, and raises FencedOut where the lock may have been lost.
    """

    killed: Holder | None
    check: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is named as the lock's holder, and whether it lives; None: only its own machine can tell."""

    holder: Holder | None
    alive: bool | None


class Backend(Protocol):
    """A database for the state, named by a URL. Making one opens nothing."""

    @property
    def name(self) -> str:
        """What sentences call it: a file's path, or a server and a database; never a password."""
        ...

    @property
    def foreign(self) -> tuple[str, str]:
        """What is said where the tables there are not ours: a sentence about it, and what to do."""
        ...

    def prepare(self) -> None:
        """Makes the place ready to be opened for writing. Raises StoreError."""
        ...

    def is_empty(self) -> bool:
        """Whether nothing can be there to read, as far as is known without opening it."""
        ...

    def engine(self, connect_args: Mapping[str, Any]) -> Engine:
        """Connections whose transactions are on the disk when a commit returns, and whose writers go one by one. A
        transaction with the execution option `reconciler_reads` sees one moment and waits for nobody.

        Raises StoreError where the driver is missing.
        """
        ...

    def explained(self, error: Exception) -> StoreError:
        """What the driver raised, in words."""
        ...

    def place(self, connection: Connection) -> str | None:
        """What changes when the database is replaced by another or restored; None where something else tells (I9)."""
        ...

    def seconds_since(self, connection: Connection, then: datetime, now: datetime) -> float:
        """How long ago a moment was that `moment` gave."""
        ...

    def moment(self, connection: Connection, now: datetime) -> datetime:
        """Now, by the clock that all users of the database share; `now` is this machine's."""
        ...

    def held(self, engine: Engine, holder: Holder) -> AbstractContextManager[Held]:
        """Holds the lock for the block. Raises StateLocked at once where another process has it."""
        ...

    def standing(self, engine: Engine) -> Standing:
        """Who holds the lock, for those who only look."""
        ...

    def forget_holder(self, engine: Engine) -> None:
        """Takes the name of a holder that is gone out of the state. Raises StateLocked where one is alive."""
        ...

    def keep_copy(self, engine: Engine, stamp: str, *, whole: bool) -> Any:
        """Copies the database beside it before it is written to; None where copies are the operator's own matter."""
        ...
