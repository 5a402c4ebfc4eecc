"""`init`: a repository that is right as it is written, safe for pull requests, never in the way of one's files."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from yaml import safe_load

from reconciler.cli.main import main
from reconciler.sandbox.server import RunningSandbox

FILES = {
    ".github/workflows/billing.yml",
    ".gitignore",
    "invoices/2026-10-example.yaml",
    "mappings.yaml",
    "price-lists/example.csv",
    "sandbox.yaml",
    "schemas/decisions.schema.json",
    "schemas/invoice.schema.json",
    "schemas/mappings.schema.json",
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def written(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_it_writes_a_repository_that_validates_without_a_warning(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "billing"
    assert run("init", str(folder)).exit_code == 0
    assert written(folder) == FILES
    done = run("-f", str(folder / "mappings.yaml"), "validate")
    assert (done.exit_code, done.output) == (0, "valid: 1 program, 1 customer, 1 file\n")


def test_its_examples_can_be_read(tmp_path: Path) -> None:
    run("init", str(tmp_path))
    done = run("read", str(tmp_path / "invoices/2026-10-example.yaml"), str(tmp_path / "price-lists/example.csv"))
    assert done.exit_code == 0, done.output
    assert "184.00 AUD" in done.output
    assert "error" not in done.output


def test_it_writes_into_this_folder_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("init")
    assert done.exit_code == 0
    assert written(tmp_path) == FILES


@pytest.mark.security(26)
@pytest.mark.parametrize("name", sorted(FILES))
def test_it_overwrites_nothing_and_then_writes_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    done = run("init", str(tmp_path))
    assert done.exit_code == 1
    assert f"nothing was written: {name} exists already" in done.output
    assert written(tmp_path) == {name}
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.security(26)
def test_it_follows_no_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mappings.yaml").symlink_to(outside)
    assert run("init", str(tmp_path / "new")).exit_code == 1
    assert not outside.exists()


def test_where_it_cannot_write_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "invoices").write_text("a file where a folder belongs")
    done = run("init", str(tmp_path))
    assert done.exit_code == 1
    assert "cannot be written" in done.output


def test_local_state_and_credentials_are_ignored_by_git(tmp_path: Path) -> None:
    run("init", str(tmp_path))
    lines = (tmp_path / ".gitignore").read_text().splitlines()
    assert ".reconciler/" in lines
    assert ".env" in lines


def test_the_mapping_file_names_its_schema_for_the_editor(tmp_path: Path) -> None:
    run("init", str(tmp_path))
    first = (tmp_path / "mappings.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=./schemas/mappings.schema.json"


def test_its_example_is_planned_and_applied_on_its_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("init", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    mapping = Path("mappings.yaml").read_text(encoding="utf-8")
    with RunningSandbox() as psa:
        psa.seed(safe_load(Path("sandbox.yaml").read_text(encoding="utf-8")))
        for name, value in psa.credentials.items():
            monkeypatch.setenv(name, value)
        mine = mapping.replace("https://api-na.myconnectwise.net", psa.url).replace("sync: preview", "sync: true")
        Path("mappings.yaml").write_text(mine, encoding="utf-8")
        assert run("doctor").exit_code == 0
        planned = run("plan", "--out", "plans/2026-09.plan.json")
        assert (planned.exit_code, "Plan: 2 to create, 1 to end." in planned.output) == (0, True), planned.output
        applied = run("apply", "plans/2026-09.plan.json")
        assert (applied.exit_code, "2 created, 1 ended, 0 failed" in applied.output) == (0, True), applied.output
        assert run("plan", "--detailed-exitcode").exit_code == 0
