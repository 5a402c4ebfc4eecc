"""The page that lists each risk: it is what the catalogue and the marks of the tests say."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec
    assert spec.loader
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rows = _loaded("security_rows")
builder = _loaded("build_security")
MARKED = builder.marked_tests(ROOT / "tests")


def test_the_page_is_what_the_catalogue_and_the_marks_say_now() -> None:
    there = builder.PAGE.read_text(encoding="utf-8")
    assert there == builder.current_page(), "stale: .venv/bin/python docs/build_security.py writes it anew"


def test_no_row_is_forgotten_and_none_stands_twice() -> None:
    assert [row.number for row in rows.ROWS] == list(range(1, 37))


@pytest.mark.parametrize("row", rows.ROWS, ids=lambda row: str(row.number))
def test_each_row_has_a_test_or_says_why_it_has_none_yet(row: object) -> None:
    assert any(row.number in shown.rows for shown in MARKED) or row.not_yet  # type: ignore[attr-defined]
    assert row.rule or row.not_yet  # type: ignore[attr-defined]


def test_no_test_is_marked_with_a_row_that_there_is_not() -> None:
    known = {row.number for row in rows.ROWS}
    assert [(shown.path.name, shown.name) for shown in MARKED if not set(shown.rows) <= known] == []


def test_a_mark_is_found_wherever_pytest_finds_it(tmp_path: Path) -> None:
    text = "import pytest\n@pytest.mark.parametrize('x', [1])\n@pytest.mark.security(3, 4)\nasync def test_a(x): ...\n"
    (tmp_path / "test_x.py").write_text(text + "def test_b(): ...\n")
    (shown,) = builder.marked_tests(tmp_path)
    assert (shown.name, shown.rows) == ("test_a", (3, 4))


def test_a_row_without_test_or_reason_would_be_seen() -> None:
    bare = rows.Row(3, "risk", "rule")
    assert "Not yet" not in builder.page((bare,), ())
    assert builder.page((bare,), ()) != builder.page((bare,), MARKED)
