"""Pages of one invoice in several files: v1 pages that name a further one, and the blobs of a Graph export.

Files are taken as pages of one invoice when they lie in one folder under names that differ in numbers alone, and either
one of them names a further page (`links.next`) or they are called `part-…`, as Graph's blobs are. Inferred: the data
itself does not say to which pages a page belongs. Anything else with one number is a second document.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from reconciler.domain.finding import Finding, Place, Severity
from reconciler.domain.invoice import Invoice
from reconciler.sources.duplicates import without_place

_PART = re.compile(r"part[-_ ]?#")


@dataclass(frozen=True, slots=True)
class Page:
    """An invoice as one file has it. `pageable` for forms that come in pages; `open_ended` where a further is named."""

    invoice: Invoice
    pageable: bool = False
    open_ended: bool = False


def put_together(pages: Iterable[Page]) -> tuple[list[Invoice], list[Finding]]:
    """The invoices, those in pages as one each, in the order of their first files; and what does not fit."""
    groups: dict[tuple[str, str], list[Page]] = {}
    for page in pages:
        path = page.invoice.document.path
        family = _family(path) if page.pageable else path
        groups.setdefault((family, page.invoice.number), []).append(page)
    invoices: list[Invoice] = []
    findings: list[Finding] = []
    for (family, _), group in groups.items():
        if any(page.open_ended for page in group) or _PART.search(family):
            distinct, repeated = _without_repeated(group)
            findings.extend(repeated)
            invoices.append(_joined(distinct))
        else:
            invoices.extend(page.invoice for page in group)
        if all(page.open_ended for page in group):
            findings.append(_last_page_missing(group[-1].invoice))
    return invoices, findings


def _family(path: str) -> str:
    """A path with the digits of its file name blotted out."""
    name = PurePosixPath(path).name
    return str(PurePosixPath(path).parent / re.sub(r"\d+", "#", name))


def _without_repeated(group: list[Page]) -> tuple[list[Page], list[Finding]]:
    kept: list[tuple[Page, Counter[object]]] = []
    findings: list[Finding] = []
    for page in group:
        content: Counter[object] = Counter(map(without_place, page.invoice.lines))
        first = next((other for other, seen in kept if seen == content), None)
        if first is None:
            kept.append((page, content))
            continue
        message = f"the page is the same as {first.invoice.document.path}; it is counted once"
        findings.append(
            Finding(Severity.WARNING, "duplicate-document", message, where=Place(page.invoice.document.path))
        )
    return [page for page, _ in kept], findings


def _joined(group: list[Page]) -> Invoice:
    """One invoice of all pages, its lines numbered through."""
    first = group[0].invoice
    if len(group) == 1:
        return first
    lines = [line for page in group for line in page.invoice.lines]
    numbered = tuple(replace(line, number=count) for count, line in enumerate(lines, start=1))
    return replace(first, lines=numbered)


def _last_page_missing(invoice: Invoice) -> Finding:
    return Finding(
        Severity.ERROR,
        "missing-page",
        f"invoice {invoice.number} goes on: every page here names a further one",
        where=Place(invoice.document.path),
        hint="fetch the remaining pages into the same folder, named alike but for their number",
    )
