"""Which heavy modules each command loads: one that appears where it has no use costs every start of that command."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
HEAVY = ("pydantic", "httpx", "sqlalchemy", "deepdiff", "rich", "ruamel", "jinja2", "jsonschema", "starlette")
PLAN = "plans/2026-09.plan.json"
INVOICE = "examples/invoices/2026-09-contoso.yaml"
LOADED = {
    ("--help",): set(),
    ("--version",): set(),
    ("validate",): {"pydantic"},
    ("fmt", "--check"): {"pydantic", "ruamel"},
    ("schema", "mappings"): {"pydantic"},
    ("prices", "--sku", "CFQ7TTC0LF8R:0001"): {"pydantic"},
    # Widths of what is no ASCII are rich's to tell.
    ("show", PLAN): {"rich"},
    ("diff", PLAN, PLAN): set(),
    ("read", INVOICE): {"rich"},
    ("history",): {"sqlalchemy"},
    ("status",): {"sqlalchemy"},
}
# Commands that need a PSA, or what only one of their predecessors leaves: run without, and seen as far as they come.
# httpx brings rich along: its own command line uses it.
PSA = {"pydantic", "httpx", "rich"}
STOPPED: dict[tuple[str, ...], set[str]] = {
    ("plan",): {*PSA, "sqlalchemy"},
    ("apply", PLAN): {*PSA, "sqlalchemy"},
    ("reconcile",): {*PSA, "sqlalchemy"},
    ("doctor",): PSA,
    ("suggest",): PSA,
    ("drift",): {"pydantic", "sqlalchemy"},
    ("backtest",): {"pydantic", "sqlalchemy"},
    ("resume",): {"sqlalchemy"},
    ("undo", "1"): {"pydantic", "sqlalchemy"},
    ("notify", "list"): {"sqlalchemy"},
    ("state", "export"): {"sqlalchemy"},
    ("sign", PLAN): {"pydantic"},
    ("init",): {"pydantic"},
    ("explain", PLAN, "psa/no/such"): set(),
}
# These two are the sandbox itself: they serve, and load all of it.
SERVING = {"demo", "sandbox"}
TELLING = """
import sys
from reconciler.cli.main import main
try:
    for arguments in " ".join(sys.argv[2:]).split(" ; "):
        main.main(arguments.split(), prog_name="reconciler", standalone_mode=False)
finally:
    print("LOADED", *(name for name in sys.argv[1].split() if name in sys.modules), file=sys.stderr)
"""


def loaded(*arguments: str) -> set[str]:
    """The heavy modules that a command loads, run on the demo's files."""
    command = [sys.executable, "-c", TELLING, " ".join(HEAVY), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stderr.rpartition("LOADED")[2].split())


@pytest.mark.parametrize("arguments", LOADED, ids=" ".join)
def test_a_command_loads_no_heavy_module_that_it_has_no_use_for(arguments: tuple[str, ...]) -> None:
    assert loaded(*arguments) == LOADED[arguments]


@pytest.mark.parametrize("arguments", STOPPED, ids=" ".join)
def test_a_command_that_is_stopped_has_loaded_no_heavy_module_without_use(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    shutil.copy(ROOT / "mappings.yaml", tmp_path)
    for name in ("examples", "plans"):
        shutil.copytree(ROOT / name, tmp_path / name)
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("CONNECTWISE_", "RECONCILER_"))
    }
    command = [sys.executable, "-c", TELLING, " ".join(HEAVY), *arguments]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert set(done.stderr.rpartition("LOADED")[2].partition("\n")[0].split()) == STOPPED[arguments]


def test_every_command_is_looked_at() -> None:
    assert {arguments[0] for arguments in (*LOADED, *STOPPED)} | SERVING >= set(COMMANDS)


def test_no_help_loads_a_heavy_module() -> None:
    assert loaded(" ; ".join(f"{name} --help" for name in COMMANDS)) == set()


def test_a_heavy_module_would_be_seen() -> None:
    command = [sys.executable, "-c", f"import ruamel.yaml{TELLING}", "ruamel", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.endswith("LOADED ruamel\n")
