"""Tables in text: a header and rows, with the file's line of each row; what is cut off or torn is reported."""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.sources.content import MEGABYTE
from reconciler.sources.fields import Report
from reconciler.sources.packed_text import PackedText
from reconciler.sources.values import spelled

DELIMITERS = ",;\t"
LONGEST_FIELD = MEGABYTE


@dataclass(frozen=True, slots=True)
class Table:
    """A table's header as it was written, and its text."""

    header: tuple[str, ...]
    delimiter: str
    text: PackedText

    @property
    def names(self) -> tuple[str, ...]:
        """The header without case, blanks and separators."""
        return tuple(spelled(name) for name in self.header)


Row = tuple[int, list[str]]
"""A row: the line of the file on which it begins, and its cells."""


class RawRow(Mapping[str, str]):
    """A row by its file's own column names: divided anew when looked at, from the text that the table keeps packed."""

    __slots__ = ("_line", "_source")

    def __init__(self, source: Table, line: int) -> None:
        self._source = source
        self._line = line

    def __getitem__(self, name: str) -> str:
        cells = next(csv.reader(self._source.text.lines_from(self._line), delimiter=self._source.delimiter))
        return dict(zip(self._source.header, cells, strict=True))[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._source.header)

    def __len__(self) -> int:
        return len(self._source.header)


def table(text: PackedText) -> Table:
    """The text as a table, divided by whichever of comma, semicolon and tab divides its first line most often."""
    if not text.line_feeds:
        text = PackedText.of(text.whole().replace("\r", "\n"))
    first = next((line for line in text.lines() if line.strip()), "")[:LONGEST_FIELD]
    rows = {sign: _header(first, sign) for sign in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda sign: len(rows[sign]))
    return Table(rows[delimiter], delimiter, text)


def _header(line: str, delimiter: str) -> tuple[str, ...]:
    try:
        return tuple(cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), ()))
    except csv.Error:
        return ()


def rows_of(source: Table, report: Report, tenant: Callable[[list[str]], str | None]) -> Iterator[Row]:
    """The rows below the header; blank and repeated header rows are left out.

    A row with too few or too many cells, and a quotation mark that is never closed, become errors. `tenant` tells whom
    a row is about, so that the error names the customer it keeps out of the plan.
    """
    header = source.header
    width, opening = len(header), header[0] if header else ""
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(source.text.lines(), delimiter=source.delimiter, strict=True)
    seen_header = cut_off = False
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            if not _torn(str(error), line, report):
                return
            continue
        cut_off = len(row) < width
        if len(row) == width and (row[0].strip("\ufeff \t") != opening or not _is_header(row, source)):
            yield line, row
        elif not any(cell.strip() for cell in row):
            continue
        elif _is_header(row, source):
            seen_header = True
        elif seen_header:
            _report_width(row, width, line, report.about(tenant(row)))
    if cut_off and not source.text.ends_a_line:
        report.error("truncated", "the file ends within a row; what came after it is missing", None, "fetch it again")


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
