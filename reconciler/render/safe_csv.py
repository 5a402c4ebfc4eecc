"""Tables as CSV that a spreadsheet opens without running anything.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, wherever its text came from. So a text
that begins like one gets an apostrophe before it, which spreadsheets show as nothing; one that begins with an
apostrophe gets another, so that every text can be read back. Numbers are written bare: a negative amount stays a
number. Every text is quoted.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from reconciler.domain.money import plain

Cell = str | int | Decimal | None
# With their full-width forms, which spreadsheets of some languages read alike.
_TRIGGERS = "=+-@\t\r\n\0'" + "\uff1d\uff0b\uff0d\uff20"


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Cell]]) -> str:
    """The table with a heading, a row to a line; a cell that is missing or None is empty."""
    lines = [",".join(_text(column) for column in columns)]
    lines += [",".join(_cell(row.get(column)) for column in columns) for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _text(value)
    return plain(value) if isinstance(value, Decimal) else str(value)


def _text(text: str) -> str:
    # What stands behind spaces counts too: some readers cut them off.
    shown = f"'{text}" if text.lstrip(" \u00a0\u3000").startswith(tuple(_TRIGGERS)) else text
    return '"' + shown.replace('"', '""') + '"'
