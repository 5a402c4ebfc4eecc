"""Loads a mapping repository: files in, `Mappings` and findings out. Nothing is raised for what a user wrote."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.config.checks import check
from reconciler.config.declaration import mappings
from reconciler.config.entries import read_entries
from reconciler.config.files import read_repository
from reconciler.config.overriding import Setting, set_over
from reconciler.config.secrets import doubles, literal_secrets
from reconciler.config.source_text import SourceText, shows_no_secret
from reconciler.config.yaml_nodes import Bounds
from reconciler.domain import mapping
from reconciler.domain.bulk import without_collections
from reconciler.domain.finding import Finding, in_order

# Beyond this many, one mistake was made many times, and the first of them tell which.
MOST_TOLD = 2_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded. `mappings` is None where any finding is an error; `files` are all that were read, in order,
    by the names under which findings speak of them.
    """

    mappings: mapping.Mappings | None
    findings: tuple[Finding, ...]
    files: tuple[str, ...]


def load(
    path: Path,
    environ: Mapping[str, str],
    bounds: Bounds | None = None,
    *,
    shown_as: Path | None = None,
    settings: Sequence[Setting] = (),
) -> Loaded:
    """Reads the mapping file at `path` with all that it includes. `environ` fills `${NAME}` outside secrets, which need
    not be set; places name files as `path` does, or as `shown_as`, where the file at `path` is a copy of that one.
    `settings` go before what the files say.
    """
    with without_collections():
        return _load(path, environ, bounds or Bounds(), shown_as or path, settings)


def _load(
    path: Path, environ: Mapping[str, str], bounds: Bounds, shown_as: Path, settings: Sequence[Setting]
) -> Loaded:
    repository = read_repository(path, bounds, shown_as)
    findings = [*repository.findings, *set_over(repository, settings)]
    findings += literal_secrets(repository)
    findings += doubles(repository)
    entries, refused = read_entries(repository, environ)
    # Where the layer below objects to a value already, its type is no second mistake.
    known = {finding.where for finding in findings}
    findings += [finding for finding in refused if finding.where not in known]
    if repository.root is not None:
        findings += check(entries)
    loaded = None
    if not any(finding.blocks for finding in findings):
        loaded = mappings(entries, str(shown_as.parent), repository.sha256, tuple(repository.contents))
    return Loaded(loaded, with_excerpts(findings, repository.files), tuple(source.name for source in repository.files))


def with_excerpts(findings: Iterable[Finding], sources: Iterable[SourceText]) -> tuple[Finding, ...]:
    """The findings in order, each with the line it speaks of: only now is it known what must not be shown."""
    by_name = {source.name: source for source in sources}
    ordered = in_order(findings)
    told = tuple(_with_excerpt(finding, by_name) for finding in ordered[:MOST_TOLD])
    left_out = ordered[MOST_TOLD:]
    if not left_out:
        return told
    message = f"{len(left_out):,} more findings are not listed; these come first"
    return (*told, Finding(left_out[0].severity, "more", message, where=left_out[0].where))


def _with_excerpt(finding: Finding, sources: Mapping[str, SourceText]) -> Finding:
    where = finding.where
    if where is None or where.line is None or where.file not in sources:
        return finding
    source = sources[where.file]
    if not source.is_read and not shows_no_secret(source, where.line):
        return finding
    return replace(finding, excerpt=source.excerpt(where.line))
