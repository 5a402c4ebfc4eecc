"""`schema` prints what the schema files hold."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from reconciler.cli.main import main

SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.mark.parametrize("name", ["mappings", "invoice", "plan", "decisions"])
def test_a_schema_is_printed(name: str) -> None:
    done = CliRunner().invoke(main, ["schema", name])
    assert done.exit_code == 0
    assert done.output == (SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")


def test_an_unknown_schema_is_a_usage_error() -> None:
    done = CliRunner().invoke(main, ["schema", "orders"])
    assert done.exit_code == 2
    assert "'mappings', 'invoice', 'plan', 'decisions'" in done.output
