"""What runs rested on, kept so that a past plan can be computed again: files once each, observations as differences.

A run's files stand in bundles that are compressed together; what the PSA held, and the list of the files, are texts of
lines of which only the difference from the run before is written. Everything of a run is written in one transaction.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select

from reconciler.store import schema
from reconciler.store.database import Store
from reconciler.store.errors import StoreError
from reconciler.store.kept_text import damaged, read_text, text_after, undamaged, write_text
from reconciler.store.packing import one_line, packed, unpacked

# What is compressed together: more is smaller, and takes longer where one file of it is wanted.
_BUNDLE_BYTES = 4 * 1024 * 1024
_ASKED_AT_ONCE = 500


class Role(StrEnum):
    """What a kept file was to its run. MISSING is no file: a pattern that nothing matched."""

    MAPPING = "mapping"
    DECISIONS = "decisions"
    DOCUMENT = "document"
    PRICE_LIST = "price-list"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of a run: the source that it belongs to (empty for mappings and decisions), its name as the user named it,
    and the hash of its bytes (hexadecimal; empty for a pattern that nothing matched).
    """

    role: Role
    source: str
    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class KeptRun:
    """What a run rested on. `observation` is what the PSA held, as lines; `request` what was asked for; `read_at` the
    moment by which the journal had told what was applied.
    """

    run: int
    files: tuple[KeptFile, ...]
    observation: tuple[str, ...]
    request: Mapping[str, Any]
    read_at: datetime


@dataclass(frozen=True, slots=True)
class _Bundle:
    packed: bytes
    members: tuple[tuple[str, int, int], ...]


def unknown_files(store: Store, hashes: Iterable[str]) -> frozenset[str]:
    """Those of the hashes whose files are not kept yet."""
    wanted = sorted(set(hashes))
    known: set[str] = set()
    with store.reading() as connection:
        for few in _few(wanted):
            rows = connection.execute(select(schema.kept_file.c.sha256).where(schema.kept_file.c.sha256.in_(few)))
            known.update(rows.scalars())
    return frozenset(wanted) - known


def keep(store: Store, kept: KeptRun, content: Callable[[KeptFile], bytes]) -> None:
    """Keeps what a run rested on, in one transaction. `content` gives the bytes of a file that is not kept yet.

    Raises StoreError where the database cannot be written, or a file is not the one that was read.
    """
    new = unknown_files(store, (file.sha256 for file in kept.files if file.sha256))
    bundles = list(_bundles(kept.files, new, content))
    before = _run_before(store, kept.run)
    listing = [one_line([file.role, file.source, file.name, file.sha256]) for file in kept.files]
    files = text_after(store, listing, before[0] if before else None)
    observation = text_after(store, kept.observation, before[1] if before else None)
    with store.writing() as connection:
        _write_bundles(connection, bundles)
        for text in (files, observation):
            write_text(connection, text)
        connection.execute(
            insert(schema.kept_run).values(
                run=kept.run,
                files=files.sha256,
                observation=observation.sha256,
                request_json=json.dumps(kept.request, sort_keys=True, ensure_ascii=False),
                read_at=kept.read_at.astimezone(UTC).isoformat(timespec="microseconds"),
            )
        )


def kept_runs(store: Store) -> tuple[int, ...]:
    """The numbers of the runs of which everything was kept, oldest first."""
    with store.reading() as connection:
        return tuple(connection.execute(select(schema.kept_run.c.run).order_by(schema.kept_run.c.run)).scalars())


def kept_requests(store: Store) -> dict[int, Mapping[str, Any]]:
    """What the kept runs were asked for, by their numbers."""
    table = schema.kept_run.c
    with store.reading() as connection:
        rows = connection.execute(select(table.run, table.request_json).order_by(table.run)).all()
    return {row.run: json.loads(row.request_json) for row in rows}


def kept_run(store: Store, run: int) -> KeptRun | None:
    """What a run rested on; None where it was not kept. Raises StoreError where it is damaged."""
    with store.reading() as connection:
        row = connection.execute(select(schema.kept_run).where(schema.kept_run.c.run == run)).first()
    if row is None:
        return None
    return KeptRun(
        run=run,
        files=_files(read_text(store, row.files)),
        observation=tuple(read_text(store, row.observation)),
        request=json.loads(row.request_json),
        read_at=datetime.fromisoformat(row.read_at),
    )


def kept_files(store: Store, run: int) -> tuple[KeptFile, ...]:
    """The files that a run rested on; empty where it was not kept."""
    with store.reading() as connection:
        listing = connection.execute(select(schema.kept_run.c.files).where(schema.kept_run.c.run == run)).scalar()
    return _files(read_text(store, listing)) if listing else ()


class Contents:
    """The bytes of kept files. A bundle is unpacked once for the files of it that follow each other."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._bundle: tuple[int, bytes] = (0, b"")

    def __call__(self, file: KeptFile) -> bytes:
        """The bytes of a file. Raises StoreError where it is not kept, or damaged."""
        table = schema.kept_file.c
        with self._store.reading() as connection:
            row = connection.execute(
                select(table.bundle, table.start, table.size).where(table.sha256 == file.sha256)
            ).first()
            if row is None:
                raise StoreError(f"{file.name} is not in the state database any more", "see: reconciler state --help")
            if self._bundle[0] != row.bundle:
                bundle = schema.kept_bundle.c
                data = connection.execute(select(bundle.packed).where(bundle.id == row.bundle)).scalar()
                self._bundle = (row.bundle, undamaged(file.name, lambda: unpacked(data or b"")))
        content = self._bundle[1][row.start : row.start + row.size]
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise damaged(file.name)
        return content


# -- files


def _bundles(files: Sequence[KeptFile], new: frozenset[str], content: Callable[[KeptFile], bytes]) -> Iterator[_Bundle]:
    taken: set[str] = set()
    members: list[tuple[str, int, int]] = []
    together = bytearray()
    for file in files:
        if file.sha256 not in new or file.sha256 in taken:
            continue
        data = content(file)
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise StoreError(f"{file.name} was changed while the plan was made", "make the plan again")
        taken.add(file.sha256)
        members.append((file.sha256, len(together), len(data)))
        together += data
        if len(together) >= _BUNDLE_BYTES:
            yield _Bundle(packed(bytes(together)), tuple(members))
            members, together = [], bytearray()
    if members:
        yield _Bundle(packed(bytes(together)), tuple(members))


def _write_bundles(connection: Connection, bundles: Iterable[_Bundle]) -> None:
    for bundle in bundles:
        hashes = [sha256 for sha256, _, _ in bundle.members]
        known: set[str] = set()
        for few in _few(hashes):
            rows = connection.execute(select(schema.kept_file.c.sha256).where(schema.kept_file.c.sha256.in_(few)))
            known.update(rows.scalars())
        rest = [member for member in bundle.members if member[0] not in known]
        if not rest:
            continue
        key = connection.execute(insert(schema.kept_bundle).values(packed=bundle.packed)).inserted_primary_key
        number = int(key[0]) if key else 0
        connection.execute(
            insert(schema.kept_file),
            [{"sha256": sha256, "bundle": number, "start": start, "size": size} for sha256, start, size in rest],
        )


def _run_before(store: Store, run: int) -> tuple[str, str] | None:
    """The texts of the run that was kept last, of the same target where there is one."""
    runs, kept = schema.run.c, schema.kept_run.c
    with store.reading() as connection:
        target = connection.execute(select(runs.target).where(runs.id == run)).scalar()
        row = connection.execute(
            select(kept.files, kept.observation)
            .join(schema.run, runs.id == kept.run)
            .where(runs.target == target)
            .order_by(kept.run.desc())
            .limit(1)
        ).first()
    return (row.files, row.observation) if row else None


def _files(lines: Iterable[str]) -> tuple[KeptFile, ...]:
    rows = (json.loads(line) for line in lines if line)
    return tuple(KeptFile(Role(role), source, name, sha256) for role, source, name, sha256 in rows)


def _few(hashes: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(hashes), _ASKED_AT_ONCE):
        yield hashes[at : at + _ASKED_AT_ONCE]
