"""A bench for every test: a PSA in memory, a real state file, a clock that only moves when somebody waits."""

from pathlib import Path

import pytest
from apply_bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
