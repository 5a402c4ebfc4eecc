"""What a plan rested on, gathered for keeping: the files as they lie on the disk, and what the PSA held.

Mapping files and decisions are kept as they are written: a reference to an environment variable stays a reference, and
what it stood for is kept nowhere.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.config.decisions import FOLDER, decision_files
from reconciler.domain.value_text import fields_of, writer
from reconciler.planning.gathered import Gathered, Request
from reconciler.planning.kept_observation import observation_lines
from reconciler.sources.documents import matching
from reconciler.store.kept import KeptFile, KeptRun, Role


@dataclass(frozen=True, slots=True)
class FilesRead:
    """The files of a plan, and where each lies now."""

    files: tuple[KeptFile, ...]
    paths: dict[KeptFile, Path]

    def __call__(self, file: KeptFile) -> bytes:
        """The bytes of a file. Raises OSError where it cannot be read any more."""
        return self.paths[file].read_bytes()


def files_read(mapping_file: Path, gathered: Gathered) -> FilesRead:
    """The files that a plan was made from. Raises OSError where one cannot be read any more."""
    paths: dict[KeptFile, Path] = {}
    missing: list[KeptFile] = []
    for file, path in _files(mapping_file, gathered):
        if path is None:
            missing.append(file)
        else:
            paths[file] = path
    return FilesRead((*paths, *missing), paths)


def _files(mapping_file: Path, gathered: Gathered) -> Iterator[tuple[KeptFile, Path | None]]:
    folder = mapping_file.parent
    for name in gathered.mappings.files:
        yield _file(Role.MAPPING, "", name, folder / name)
    for path in decision_files(mapping_file):
        yield _file(Role.DECISIONS, "", f"{FOLDER}/{path.name}", path)
    for name, documents in gathered.documents.items():
        source = gathered.mappings.sources[name]
        known = {document.path: document.sha256 for document in documents.documents}
        yield from _matching(Role.DOCUMENT, name, source.invoices, folder, known)
        yield from _matching(Role.PRICE_LIST, name, source.price_lists, folder, {})


def _matching(
    role: Role, source: str, patterns: tuple[str, ...], folder: Path, known: dict[str, str]
) -> Iterator[tuple[KeptFile, Path | None]]:
    found, _ = matching(patterns, folder)
    for path, name in found:
        sha256 = known.get(name)
        yield (KeptFile(role, source, name, sha256), path) if sha256 else _file(role, source, name, path)
    for pattern in patterns:
        if not matching([pattern], folder)[0]:
            yield KeptFile(Role.MISSING, f"{role}/{source}", pattern, ""), None


def _file(role: Role, source: str, name: str, path: Path) -> tuple[KeptFile, Path]:
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return KeptFile(role, source, name, sha256), path


def to_keep(run: int, mapping_file: Path, files: FilesRead, gathered: Gathered, read_at: datetime) -> KeptRun:
    """Everything that a run rested on."""
    return KeptRun(
        run=run,
        files=files.files,
        observation=tuple(observation_lines(gathered.observation)),
        request=request_members(mapping_file, gathered),
        read_at=read_at,
    )


def request_members(mapping_file: Path, gathered: Gathered) -> dict[str, Any]:
    """What was asked for, as it is kept beside the observation."""
    return {
        "mapping_file": str(mapping_file),
        "target": gathered.target,
        "fields": fields_of(Request),
        "request": writer(Request)(gathered.request),
    }
