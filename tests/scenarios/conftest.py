"""`--scenario FILE` runs a scenario from anywhere in the place of the collection: how a reported one is looked at."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--scenario",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="runs this scenario file alone; may be repeated",
    )
