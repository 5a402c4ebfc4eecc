"""The state's lock, as commands take it: at once, or after a while; and what the database raises, in words."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from reconciler.cli.context import Exit, Failure, Settings

if TYPE_CHECKING:
    from reconciler.store.database import Store

_LOOKS_EVERY = 0.25

lock_timeout_option = click.option(
    "--lock-timeout",
    metavar="SECONDS",
    type=click.FloatRange(0, 86_400),
    default=0,
    help="Waits so long for another run that has the state.",
)


@contextmanager
def state_told() -> Iterator[None]:
    """Turns what the state database raises into a sentence: exit 4 where it is locked, else 1."""
    from reconciler.store.errors import StateLocked, StoreError

    try:
        yield
    except StateLocked as error:
        raise Failure(str(error), error.hint, Exit.LOCKED) from None
    except StoreError as error:
        raise Failure(str(error), error.hint) from None


@contextmanager
def locked(settings: Settings, what: str, lock_timeout: float = 0) -> "Iterator[Store]":
    """The state database for a run that writes. Raises Failure: exit 4 where another run still has it after
    `lock_timeout` seconds.
    """
    from reconciler.applying.clock import SystemClock
    from reconciler.store.database import locked_store

    with state_told(), ExitStack() as lock:
        yield _waited_for(
            lambda: lock.enter_context(locked_store(settings.state_url, what, SystemClock().now())), lock_timeout
        )


def _waited_for(taken: "Callable[[], Store]", seconds: float) -> "Store":
    """What is taken as soon as no other run has it. Raises StateLocked."""
    from reconciler.store.errors import StateLocked

    until: float | None = None
    while True:
        try:
            return taken()
        except StateLocked as error:
            if until is None and seconds:
                holder = str(error).removesuffix("; nothing was written")
                click.echo(f"note: {holder}; waiting for up to {seconds:g} s", err=True)
            # The time begins with the first refusal: reaching a database takes its own.
            until = until or time.monotonic() + seconds
            left = until - time.monotonic()
            if left <= 0:
                raise
            time.sleep(min(_LOOKS_EVERY, left))
