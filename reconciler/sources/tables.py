"""Tables in text: a header and rows, with the file's line of each row; what is cut off or torn is reported."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reconciler.sources.content import MEGABYTE
from reconciler.sources.fields import Report
from reconciler.sources.values import spelled

DELIMITERS = ",;\t"
LONGEST_FIELD = MEGABYTE


@dataclass(frozen=True, slots=True)
class Table:
    """A table's header as it was written, and its text."""

    header: tuple[str, ...]
    delimiter: str
    text: str

    @property
    def names(self) -> tuple[str, ...]:
        """The header without case, blanks and separators."""
        return tuple(spelled(name) for name in self.header)


def first_row(text: str, delimiter: str) -> tuple[str, ...]:
    """The cells of a text's first line that is not blank."""
    for line in text.splitlines():
        if line.strip():
            return tuple(cell.strip() for cell in next(csv.reader([line[:LONGEST_FIELD]], delimiter=delimiter), ()))
    return ()


def table(text: str) -> Table:
    """The text as a table, divided by whichever of comma, semicolon and tab divides its first line most often."""
    rows = {delimiter: first_row(text, delimiter) for delimiter in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda sign: len(rows[sign]))
    return Table(rows[delimiter], delimiter, text)


def rows_of(
    source: Table, report: Report, tenant: Callable[[list[str]], str | None]
) -> Iterator[tuple[int, list[str]]]:
    """The rows below the header with the line each begins on; blank and repeated header rows are left out.

    A row with too few or too many cells, and a quotation mark that is never closed, become errors. `tenant` tells whom
    a row is about, so that the error names the customer it keeps out of the plan.
    """
    width = len(source.header)
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(io.StringIO(source.text, newline=""), delimiter=source.delimiter, strict=True)
    seen_header = False
    line = 0
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if not _torn(str(error), line, report):
                return
            continue
        if len(row) == width and (row[0] != source.header[0] or not _is_header(row, source)):
            yield line, row
        elif not any(cell.strip() for cell in row):
            continue
        elif _is_header(row, source):
            seen_header = True
        elif seen_header:
            _report_width(row, width, line, report.about(tenant(row)))


def _is_header(row: list[str], source: Table) -> bool:
    return tuple(spelled(cell) for cell in row) == source.names


def _report_width(row: list[str], width: int, line: int, report: Report) -> None:
    if len(row) < width:
        message, hint = f"the row is cut off: it has {len(row)} of {width} columns", "fetch the file again"
    else:
        message = f"the row has {len(row)} columns, the header {width}"
        hint = "put quotation marks around a value that holds the separator"
    report.error("row-width", message, (line, None), hint)


def _torn(problem: str, line: int, report: Report) -> bool:
    """Reports what the parser found; False where nothing after it can be trusted."""
    if "unexpected end" in problem:
        report.error("truncated", "a quotation mark opens here and is never closed; the file is cut off", (line, None))
        return False
    if "field larger" in problem:
        message = "a value is longer than 1 MB; perhaps a quotation mark is never closed"
        report.error("too-large", message, (line, None), "the rows from here on were not read")
        return False
    report.error("torn-row", f"the row cannot be divided into columns: {problem}", (line, None))
    return True
