"""Which database a `--state` URL names. The URL is never repeated, for it may hold a password."""

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from reconciler.store.backend import Backend
from reconciler.store.errors import StoreError
from reconciler.store.location import database_file
from reconciler.store.sqlite import SQLite


def backend_of(url: str) -> Backend:
    """The database of a URL: `sqlite:///path/to/state.db`, or `postgresql://user@host/database`. Raises StoreError."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError(
            "the state database is not given as a URL",
            "write it as --state sqlite:///path/to/state.db or postgresql://user@host/database",
        ) from None
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        return SQLite(database_file(parsed))
    if kind in ("postgresql", "postgres"):
        # The driver is an extra, and slow to import.
        from reconciler.store.postgres import postgres_of  # noqa: PLC0415 -- only where it is used

        return postgres_of(parsed)
    raise StoreError(
        f"a state database of kind '{kind}' is not known",
        "use sqlite:///path/to/state.db or postgresql://user@host/database",
    )
