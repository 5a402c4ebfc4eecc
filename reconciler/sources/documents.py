"""Documents in files: from patterns to invoices, with a finding for everything that could not be read.

Read a program's source with `read_documents`, files named on a command line with `read_files`, and price lists with
`read_price_lists`. The format is told from the content; naming it forces it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.domain.finding import Finding, Place, Severity, in_order
from reconciler.domain.invoice import Document, Invoice
from reconciler.sources.checks import amount_findings, total_findings
from reconciler.sources.content import Content, load
from reconciler.sources.duplicates import without_duplicates
from reconciler.sources.fields import Report
from reconciler.sources.normalised import read_invoices
from reconciler.sources.seats import negative_levels
from reconciler.sources.tree import Malformed, yaml_documents


@dataclass(frozen=True, slots=True)
class Reading:
    """What documents say: the invoices in the order of their files, every finding (errors first), the files that were
    read, and the columns that no reader knows, by file; their values are kept in each line's `raw`.

    An error without a customer stands for a whole file: whom it concerns cannot be told.
    """

    invoices: tuple[Invoice, ...]
    findings: tuple[Finding, ...]
    documents: tuple[Document, ...]
    unknown_columns: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read_documents(source_name: str, patterns: Iterable[str], format: str, folder: Path) -> Reading:  # noqa: A002 -- the setting's name
    """The invoices in the files that match patterns (globs relative to a folder, `**` too; hidden files are left out).

    `format` is `auto`, `normalized` or `partner-center-nce`. A pattern without a match is an error finding.
    """
    files, findings = matching(patterns, folder)
    return _reading(source_name, files, format, findings)


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
            what = "no file matches this pattern" if any(sign in pattern for sign in "*?[") else "there is no such file"
            hint = f"patterns are relative to {folder}"
            findings.append(Finding(Severity.ERROR, "missing-file", what, where=Place(pattern), hint=hint))
        found.update(matches)
    return sorted(found.items(), key=lambda item: item[1]), findings


def _expanded(pattern: str, folder: Path) -> dict[Path, str]:
    given = Path(pattern)
    if not any(sign in pattern for sign in "*?["):
        path = folder / given
        return {path: pattern} if path.exists() else {}
    base, relative = (Path(given.anchor), given.relative_to(given.anchor)) if given.is_absolute() else (folder, given)
    return {
        path: str(path) if given.is_absolute() else path.relative_to(folder).as_posix()
        for path in base.glob(str(relative))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(base).parts)
    }


def _reading(source: str, files: list[tuple[Path, str]], forced: str, findings: list[Finding]) -> Reading:
    invoices: list[Invoice] = []
    documents: list[Document] = []
    for path, name in files:
        content = load(path, name)
        if isinstance(content, Finding):
            findings.append(content)
            continue
        document = Document(source, name, "normalized", content.sha256)
        documents.append(document)
        report = Report(name)
        invoices.extend(_normalised(content, document, report))
        findings.extend(report.findings)
    kept, again = without_duplicates(invoices)
    findings.extend(again)
    for invoice in kept:
        findings.extend(amount_findings(invoice))
        findings.extend(total_findings(invoice))
    findings.extend(negative_levels(kept))
    return Reading(kept, in_order(findings), tuple(documents))


def _normalised(content: Content, document: Document, report: Report) -> list[Invoice]:
    try:
        nodes = yaml_documents(content.text)
    except Malformed as error:
        report.error("malformed", str(error), error.at)
        return []
    return [invoice for node in nodes for invoice in read_invoices(node, document, report)]
