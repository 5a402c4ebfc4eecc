"""Writes docs/security.md: each risk, the rule against it, and the tests that fail when the protection is taken out.

    .venv/bin/python docs/build_security.py           writes the page
    .venv/bin/python docs/build_security.py --check   exits 1 where the page is not what would be written

A test belongs to a row by its mark, `@pytest.mark.security(3)` or `@pytest.mark.security(9, 10)`. A row without a test
says in docs/security_rows.py why it does not apply yet.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from security_rows import ROWS, Row

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "security.md"
TESTS = ROOT / "tests"

_HEAD = """\
# Security: each risk, its rule, its tests

<!-- Written by docs/build_security.py from docs/security_rows.py and the marks of the tests: edit those. -->

Every row's tests fail when its protection is taken out. A row that does not apply yet says why.
[How to report a vulnerability](../SECURITY.md), [how CI holds the keys](ci.md).
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A test that is marked: its file and name, and the rows that it says it shows."""

    path: Path
    name: str
    rows: tuple[int, ...]


def marked_tests(folder: Path) -> tuple[Shown, ...]:
    """The marked tests of a folder, by file and line."""
    return tuple(shown for path in sorted(folder.rglob("test_*.py")) for shown in _marked(path))


def _marked(path: Path) -> Iterator[Shown]:
    text = path.read_text(encoding="utf-8")
    if "mark.security" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            rows = [row for decorator in node.decorator_list for row in _rows(decorator)]
            if rows:
                yield Shown(path, node.name, tuple(rows))


def _rows(decorator: ast.expr) -> Iterator[int]:
    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.security":
        for argument in decorator.args:
            yield ast.literal_eval(argument)


def page(rows: tuple[Row, ...], tests: tuple[Shown, ...]) -> str:
    """The page's text."""
    return _HEAD + "".join(_section(row, [shown for shown in tests if row.number in shown.rows]) for row in rows)


def _section(row: Row, tests: list[Shown]) -> str:
    lines = ["", f"## {row.number}. {row.risk}", "", row.rule, ""]
    if row.not_yet:
        lines += [f"*Not yet:* {row.not_yet}", ""]
    lines += [f"- [{_named(shown)}](../{shown.path.relative_to(ROOT)})" for shown in tests]
    return "\n".join(lines).rstrip("\n") + "\n"


def _named(shown: Shown) -> str:
    return shown.name.removeprefix("test_").replace("_", " ")


def current_page() -> str:
    """What the page should be now."""
    return page(ROWS, marked_tests(TESTS))


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text(encoding="utf-8") == current_page() else 1)
    PAGE.write_text(current_page(), encoding="utf-8")
