"""One file, read: the invoices or prices in it, its findings, and the columns that no reader knows."""

from dataclasses import dataclass
from pathlib import Path

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Document
from reconciler.domain.price_list import Price
from reconciler.sources.checks import amount_findings
from reconciler.sources.content import Content, load
from reconciler.sources.fields import Report
from reconciler.sources.formats import Detected, Form, Spelling, detect
from reconciler.sources.normalised import read_invoices
from reconciler.sources.normalised_table import invoice_trees
from reconciler.sources.partner_center.pages import Page
from reconciler.sources.partner_center.reconciliation import (
    Rows,
    invoices_of,
    json_lines_rows,
    json_rows,
    table_rows,
)
from reconciler.sources.price_lists import price_list_rows, price_sheet_rows
from reconciler.sources.tree import Malformed, Node, json_document, json_lines, yaml_documents


@dataclass(frozen=True, slots=True)
class FilePart:
    """What one file gave. `document` is None where it could not be read at all; `prices` is None unless it is a price
    list.
    """

    findings: tuple[Finding, ...]
    document: Document | None = None
    pages: tuple[Page, ...] = ()
    prices: tuple[Price, ...] | None = None
    unknown_columns: tuple[str, ...] = ()


def read_file(path: Path, name: str, source_name: str, forced: str) -> FilePart:
    """Reads one file, named as the user named it. `forced` is a source's `format`."""
    content = load(path, name)
    if isinstance(content, Finding):
        return FilePart((content,))
    return read_content(content, source_name, forced)


def read_content(content: Content, source_name: str, forced: str) -> FilePart:
    """Reads a text that was loaded or fetched."""
    detected = detect(content, forced)
    if isinstance(detected, Finding):
        return FilePart((detected,))
    document = Document(source_name, content.name, detected.form.value, content.sha256)
    report = Report(content.name)
    if detected.form in (Form.PRICE_LIST, Form.PRICE_SHEET):
        return _prices(detected, document, report)
    if detected.form is Form.PARTNER_CENTER:
        return _partner_center(detected, content, document, report)
    return _normalised(detected, content, document, report)


def _prices(detected: Detected, document: Document, report: Report) -> FilePart:
    if detected.table is None:
        report.error("unknown-format", "a price list is a CSV file")
        return FilePart(tuple(report.findings))
    reader = price_list_rows if detected.form is Form.PRICE_LIST else price_sheet_rows
    prices = reader(detected.table, report)
    return FilePart(tuple(report.findings), document, prices=tuple(prices))


def _partner_center(detected: Detected, content: Content, document: Document, report: Report) -> FilePart:
    rows = _partner_center_rows(detected, content, report)
    if rows is None:
        return FilePart(tuple(report.findings), document)
    pageable = detected.spelling is not Spelling.TABLE
    invoices = invoices_of(rows, document, report)
    pages = tuple(Page(invoice, pageable, rows.open_ended) for invoice in invoices)
    unknown = tuple(rows.unknown)
    if unknown:
        message = f"unknown columns, kept aside in each line's record: {', '.join(unknown)}"
        report.add(Severity.INFO, "unknown-columns", message)
    _report_emptiness(pages, report)
    return FilePart(tuple(report.findings), document, pages, unknown_columns=unknown)


def _partner_center_rows(detected: Detected, content: Content, report: Report) -> Rows | None:
    if detected.table:
        return table_rows(detected.table, report)
    if detected.spelling is Spelling.JSON_LINES:
        return json_lines_rows(content.text, report)
    return json_rows(content.text, report)


def _normalised(detected: Detected, content: Content, document: Document, report: Report) -> FilePart:
    if detected.spelling in (Spelling.YAML, Spelling.JSON):
        report.lines = content.text.split("\n")
    try:
        nodes = _trees(detected, content, report)
    except Malformed as error:
        report.error("malformed", str(error), error.at)
        return FilePart(tuple(report.findings), document)
    invoices = [invoice for node in nodes for invoice in read_invoices(node, document, report)]
    for invoice in invoices:
        report.findings.extend(amount_findings(invoice))
    pages = tuple(map(Page, invoices))
    _report_emptiness(pages, report)
    return FilePart(tuple(report.findings), document, pages)


def _report_emptiness(pages: tuple[Page, ...], report: Report) -> None:
    if not pages and not report.findings:
        report.warning("no-lines", "the file holds no line", hint="fetch it again, if the invoice is not empty")


def _trees(detected: Detected, content: Content, report: Report) -> list[Node]:
    if detected.table:
        return list(invoice_trees(detected.table, report))
    if detected.spelling is Spelling.YAML:
        return yaml_documents(content.text)
    if detected.spelling is Spelling.JSON:
        return [json_document(content.text)]
    nodes: list[Node] = []
    for line, node in json_lines(content.text):
        if isinstance(node, Malformed):
            report.error("malformed", f"{node}; the file is cut off or damaged", (line, node.at[1]))
        else:
            nodes.append(node)
    return nodes
