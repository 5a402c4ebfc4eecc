"""`fmt`, as a user runs it: which files, what is written, and what is left alone."""

import os
import subprocess
from pathlib import Path

import pytest
from typed_commands import typed

MESSY = "customers:\n- tenant: t\n  name: a # why\nversion: 1\n"
TIDY = "version: 1\n\ncustomers:\n  - name: a # why\n    tenant: t\n"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return typed(folder, *arguments, environ=os.environ)


def repository(folder: Path) -> None:
    (folder / "mappings").mkdir()
    (folder / "decisions").mkdir()
    (folder / "mappings.yaml").write_text("include: [mappings/*.yaml]\nversion: 1\n", encoding="utf-8")
    (folder / "mappings" / "a.yaml").write_text(MESSY, encoding="utf-8")
    (folder / "decisions" / "2026-09.yaml").write_text("credits:\n- line: 1\n  invoice: CN\n", encoding="utf-8")


def test_included_files_and_decisions_are_formatted_too(tmp_path: Path) -> None:
    repository(tmp_path)
    done = run(tmp_path, "fmt")
    assert (done.returncode, done.stderr) == (0, "3 files changed\n")
    assert (tmp_path / "mappings.yaml").read_text(encoding="utf-8") == "version: 1\ninclude: [mappings/*.yaml]\n"
    assert (tmp_path / "mappings" / "a.yaml").read_text(encoding="utf-8") == TIDY
    decisions = (tmp_path / "decisions" / "2026-09.yaml").read_text(encoding="utf-8")
    assert decisions == "credits:\n  - invoice: CN\n    line: 1\n"
    assert run(tmp_path, "fmt").stderr == "3 files in order\n"


def test_check_writes_nothing_and_shows_what_would_change(tmp_path: Path) -> None:
    (tmp_path / "mappings.yaml").write_text(MESSY, encoding="utf-8")
    done = run(tmp_path, "fmt", "--check")
    assert done.returncode == 1
    assert done.stdout.startswith("would change mappings.yaml\n")
    assert "  +  - name: a # why\n" in done.stdout
    assert (tmp_path / "mappings.yaml").read_text(encoding="utf-8") == MESSY
    (tmp_path / "mappings.yaml").write_text(TIDY, encoding="utf-8")
    assert run(tmp_path, "fmt", "--check").returncode == 0


def test_a_file_that_does_not_parse_is_left_alone_and_the_others_are_formatted(tmp_path: Path) -> None:
    repository(tmp_path)
    broken = tmp_path / "mappings" / "b.yaml"
    broken.write_text("customers: [\n", encoding="utf-8")
    done = run(tmp_path, "fmt")
    assert done.returncode == 1
    assert "mappings/b.yaml:" in done.stderr
    assert done.stderr.endswith("3 files changed, 1 file left alone\n")
    assert broken.read_text(encoding="utf-8") == "customers: [\n"


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_text(MESSY, encoding="utf-8")
    real.chmod(0o640)
    link = tmp_path / "mappings.yaml"
    link.symlink_to(real)
    assert run(tmp_path, "fmt").returncode == 0
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == TIDY
    assert real.stat().st_mode & 0o777 == 0o640


@pytest.mark.security(1)
def test_a_secret_in_the_file_is_not_shown_in_the_difference(tmp_path: Path) -> None:
    text = "targets:\n    psa:\n        private_key: hunter2\n        type: connectwise\nversion: 1\n"
    (tmp_path / "mappings.yaml").write_text(text, encoding="utf-8")
    done = run(tmp_path, "fmt", "--check")
    assert done.returncode == 1
    assert "hunter2" not in done.stdout + done.stderr
    assert "private_key: ********" in done.stdout


def test_only_named_files_are_touched(tmp_path: Path) -> None:
    repository(tmp_path)
    assert run(tmp_path, "fmt", "mappings/a.yaml").stdout == "changed mappings/a.yaml\n"
    assert (tmp_path / "mappings.yaml").read_text(encoding="utf-8").startswith("include")
    assert run(tmp_path, "fmt", "nowhere.yaml").returncode == 1
