"""CSV that a spreadsheet opens without running anything."""

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.safe_csv import csv_text

TRIGGERS = "=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20"


def written(*cells: str | Decimal | None) -> str:
    return csv_text([str(n) for n in range(len(cells))], [{str(n): cell for n, cell in enumerate(cells)}])


def read_back(text: str) -> list[str]:
    return list(csv.reader(io.StringIO(text, newline="")))[1]


@pytest.mark.security(17)
@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(TRIGGERS + "'\" ,"), max_size=30))
def test_no_text_begins_like_a_formula_and_every_text_reads_back(text: str) -> None:
    (cell,) = read_back(written(text))
    assert not cell.lstrip(" \u00a0\u3000").startswith(tuple(TRIGGERS))
    assert (cell.removeprefix("'")) == text


@pytest.mark.security(17)
@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\uff1d1", "  =1", "'x"])
def test_a_text_that_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert read_back(written(text)) == [f"'{text}"]


@pytest.mark.security(17)
def test_numbers_are_bare_and_negative_ones_stay_numbers() -> None:
    assert written(Decimal("-14.67"), Decimal(0), None, "x").splitlines()[1] == '-14.67,0,,"x"'
