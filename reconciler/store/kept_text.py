"""Kept texts of many lines, each once: whole, or as what differs from the text before it."""

import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, insert, select

from reconciler.store import schema
from reconciler.store.database import Store
from reconciler.store.errors import StoreError
from reconciler.store.packing import applied, difference, packed_text, unpacked_text

Unpacked = TypeVar("Unpacked")

# A text is written whole again when the differences since weigh as much as it does, or are this many.
_DEEPEST = 60


@dataclass(frozen=True, slots=True)
class KeptText:
    """A text as it will be written: by its hash, whole or as what differs from a base."""

    sha256: str
    base: str | None
    depth: int
    size: int
    packed: bytes | None


def whole_text(lines: Sequence[str]) -> KeptText:
    """A text by itself, without a base."""
    text = "\n".join(lines)
    return KeptText(_hash(text), None, 0, len(text), packed_text(text))


def write_text(connection: Connection, text: KeptText) -> None:
    """Writes a text within a transaction, unless it stands there already."""
    table = schema.kept_text
    if connection.execute(select(table.c.sha256).where(table.c.sha256 == text.sha256)).first():
        return
    if text.packed is None:
        raise StoreError("what was kept was taken away meanwhile", "run the command again")
    connection.execute(
        insert(table).values(sha256=text.sha256, base=text.base, depth=text.depth, size=text.size, packed=text.packed)
    )


def read_text(store: Store, sha256: str) -> list[str]:
    """The lines of a kept text. Raises StoreError where it is not there, or damaged."""
    table = schema.kept_text.c
    chain: list[bytes] = []
    wanted: str | None = sha256
    with store.reading() as connection:
        while wanted is not None:
            row = connection.execute(select(table.base, table.packed).where(table.sha256 == wanted)).first()
            if row is None:
                raise damaged("what a run rested on")
            chain.append(row.packed)
            wanted = row.base
    lines = undamaged("what a run rested on", lambda: _unrolled(chain))
    if _hash("\n".join(lines)) != sha256:
        raise damaged("what a run rested on")
    return lines


def _unrolled(chain: list[bytes]) -> list[str]:
    lines = unpacked_text(chain.pop()).split("\n")
    while chain:
        lines = applied(lines, unpacked_text(chain.pop()))
    return lines


def text_after(store: Store, lines: Sequence[str], base: str | None) -> KeptText:
    """A text, as the difference from a base where that is the smaller way."""
    text = "\n".join(lines)
    sha256 = _hash(text)
    table = schema.kept_text.c
    with store.reading() as connection:
        if connection.execute(select(table.sha256).where(table.sha256 == sha256)).first():
            return KeptText(sha256, None, 0, len(text), None)
        weights = _weights(connection, base)
    if base is None or len(weights) > _DEEPEST or sum(weights[:-1]) > weights[-1]:
        return whole_text(lines)
    told = packed_text(difference(read_text(store, base), lines))
    # Half of the whole, roughly: from there on a difference only makes reading slower.
    if 2 * len(told) > weights[-1]:
        return whole_text(lines)
    return KeptText(sha256, base, len(weights), len(text), told)


def _weights(connection: Connection, sha256: str | None) -> list[int]:
    """How many bytes a text is kept in: itself, what it is based on, and so on to the whole one."""
    table = schema.kept_text.c
    weights = []
    while sha256 is not None:
        row = connection.execute(select(table.base, table.packed).where(table.sha256 == sha256)).one()
        weights.append(len(row.packed))
        sha256 = row.base
    return weights


def undamaged(what: str, read: Callable[[], Unpacked]) -> Unpacked:
    """What is read, where it can be unpacked. Raises StoreError that names it."""
    try:
        return read()
    except (ValueError, OSError, EOFError, IndexError, StopIteration, RuntimeError, zlib.error):
        raise damaged(what) from None


def damaged(what: str) -> StoreError:
    """The error for something kept that cannot be read any more."""
    return StoreError(f"{what} cannot be read from the state database: it is damaged", "restore a copy of it")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
