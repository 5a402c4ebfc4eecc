"""Documents in files: from patterns to invoices, with a finding for everything that could not be read.

Read a program's source with `read_documents`, files named on a command line with `read_files`, and price lists with
`read_price_lists`. The format is told from the content; naming it forces it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.domain.bulk import without_collections
from reconciler.domain.finding import Finding, Place, Severity, in_order
from reconciler.domain.invoice import Document, Invoice
from reconciler.domain.price_list import Price, PriceList
from reconciler.sources.duplicates import without_duplicates
from reconciler.sources.file_parts import FilePart, read_file
from reconciler.sources.formats import AUTO
from reconciler.sources.partner_center.pages import put_together
from reconciler.sources.seats import negative_levels

_WILD = "*?["


@dataclass(frozen=True, slots=True)
class Reading:
    """What documents say: invoices in the order of their files, every finding (errors first), and the files read.

    By file: `unknown_columns` that no reader knows (each line's `raw` has their values), `prices` of price lists. An
    error without a customer stands for a whole file: whom it concerns cannot be told.
    """

    invoices: tuple[Invoice, ...]
    findings: tuple[Finding, ...]
    documents: tuple[Document, ...]
    unknown_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prices: Mapping[str, tuple[Price, ...]] = field(default_factory=dict)


def read_documents(source_name: str, patterns: Iterable[str], format: str, folder: Path) -> Reading:  # noqa: A002 -- the setting's name
    """The invoices in the files that match patterns (globs relative to a folder, `**` too; hidden files are left out).

    `format` is `auto`, `normalized` or `partner-center-nce`. A pattern without a match is an error finding.
    """
    files, findings = matching(patterns, folder)
    return _without_price_lists(_reading(source_name, files, format, findings))


def read_price_lists(patterns: Iterable[str], folder: Path) -> tuple[PriceList, tuple[Finding, ...]]:
    """All rows of the price lists in the files that match patterns, and what is wrong with them."""
    files, findings = matching(patterns, folder)
    return _price_list(((name, read_file(path, name, "", AUTO)) for path, name in files), findings)


def documents_of(parts: Iterable[FilePart], missing: Iterable[str], folder: Path) -> Reading:
    """What `read_documents` says of files that are read already (`file_parts`), in the order of their names; `missing`
    are the patterns that nothing matched in the folder.
    """
    with without_collections():
        return _without_price_lists(_assembled(list(parts), [_missing(pattern, folder) for pattern in missing]))


def price_list_of(
    parts: Iterable[tuple[str, FilePart]], missing: Iterable[str], folder: Path
) -> tuple[PriceList, tuple[Finding, ...]]:
    """What `read_price_lists` says of files that are read already, each with its name."""
    return _price_list(parts, [_missing(pattern, folder) for pattern in missing])


def _price_list(
    parts: Iterable[tuple[str, FilePart]], findings: list[Finding]
) -> tuple[PriceList, tuple[Finding, ...]]:
    rows: list[Price] = []
    for name, part in parts:
        findings.extend(part.findings)
        if part.prices is not None:
            rows.extend(part.prices)
        elif part.document:
            findings.append(_misplaced(name, "an invoice", "name it under 'invoices'"))
    return PriceList(tuple(rows)), in_order(findings)


def _without_price_lists(reading: Reading) -> Reading:
    misplaced = [_misplaced(path, "a price list", "name it under 'price_list'") for path in reading.prices]
    return replace(reading, findings=in_order([*reading.findings, *misplaced]))


def _misplaced(path: str, what: str, hint: str) -> Finding:
    return Finding(Severity.ERROR, "misplaced-file", f"this is {what}", where=Place(path), hint=hint)


def read_files(paths: Sequence[Path], source_name: str = "files", format: str = "auto") -> Reading:  # noqa: A002 -- the setting's name
    """The invoices in files, as `read_documents` reads them; each is named as it was given."""
    return _reading(source_name, [(path, str(path)) for path in paths], format, [])


def matching(patterns: Iterable[str], folder: Path) -> tuple[list[tuple[Path, str]], list[Finding]]:
    """The files that match, each once, sorted, with the names to show; and findings for patterns without a match."""
    found: dict[Path, str] = {}
    findings: list[Finding] = []
    for pattern in patterns:
        matches = _expanded(pattern, folder)
        if not matches:
            findings.append(_missing(pattern, folder))
        found.update(matches)
    return sorted(found.items(), key=lambda item: item[1]), findings


def _missing(pattern: str, folder: Path) -> Finding:
    what = "no file matches this pattern" if any(sign in pattern for sign in _WILD) else "there is no such file"
    hint = f"patterns are relative to {folder}"
    return Finding(Severity.ERROR, "missing-file", what, where=Place(pattern), hint=hint)


def _expanded(pattern: str, folder: Path) -> dict[Path, str]:
    given = Path(pattern)
    if not any(sign in pattern for sign in _WILD):
        path = folder / given
        return {path: pattern} if pattern and path.exists() else {}
    base, relative = (Path(given.anchor), given.relative_to(given.anchor)) if given.is_absolute() else (folder, given)
    # Steps that hold no sign are walked, not matched: `..` among them leaves the folder, which matching cannot.
    parts = relative.parts
    wild = next(count for count, part in enumerate(parts) if any(sign in part for sign in _WILD))
    start = base.joinpath(*parts[:wild])
    try:
        found = list(start.glob(str(Path(*parts[wild:]))))
    except ValueError:
        return {}
    prefix = Path(given.anchor, *parts[:wild])
    return {
        path: (prefix / path.relative_to(start)).as_posix()
        for path in found
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(start).parts)
    }


def _reading(source: str, files: list[tuple[Path, str]], forced: str, findings: list[Finding]) -> Reading:
    with without_collections():
        parts = [read_file(path, name, source, forced) for path, name in files]
        return _assembled(parts, findings)


def _assembled(parts: list[FilePart], findings: list[Finding]) -> Reading:
    """What the files say, put together, counted once, and checked as a whole."""
    invoices, of_pages = put_together(page for part in parts for page in part.pages)
    kept, repeated = without_duplicates(invoices)
    of_files = [finding for part in parts for finding in part.findings]
    everything = [*findings, *of_files, *of_pages, *repeated, *negative_levels(kept)]
    return Reading(
        invoices=kept,
        findings=in_order(everything),
        documents=tuple(part.document for part in parts if part.document),
        unknown_columns={part.document.path: part.unknown_columns for part in parts if part.document},
        prices={part.document.path: part.prices for part in parts if part.document and part.prices is not None},
    )
