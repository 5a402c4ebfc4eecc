"""Rows as CSV for people with a spreadsheet: a cell of text never becomes a formula there.

A text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return gets an apostrophe in front, as OWASP advises
against formula injection; a spreadsheet does not show it. Numbers are written as they are, a minus sign included.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from reconciler.domain.money import plain

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Cell = str | int | Decimal | None


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """The rows as CSV with CRLF line ends (RFC 4180); None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(_BEGINS_A_FORMULA) else cell
    if isinstance(cell, Decimal):
        return plain(cell)
    return "" if cell is None else str(cell)
