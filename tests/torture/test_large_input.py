"""A document of many rows takes memory within its bound, measured in a process of its own."""

from pathlib import Path

import pytest
from torture_figures import Tally

from bench.alone import alone

MOST_MEMORY = 500 * 2**20


@pytest.mark.security(36)
@pytest.mark.parametrize("form", ["csv", "csv.gz"])
def test_a_document_of_many_rows_is_read_within_its_memory(
    form: str, large_rows: int, tmp_path: Path, tally: Tally
) -> None:
    file = str(tmp_path / f"2026-09-partner-center.{form}")
    alone("bench.reading:write", large_rows, file)
    read = alone("bench.reading:measure", large_rows, file)
    assert read["peak"] <= MOST_MEMORY
    tally.count("row 36 rows read within 500 MiB", rows=large_rows)
