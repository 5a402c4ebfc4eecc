"""The global options, wherever a person writes them."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reconciler.cli.main import COMMANDS, main

HERE = Path(__file__).parents[2]


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), env={k: v for k, v in os.environ.items() if k != "RECONCILER_STATE"})


@pytest.mark.parametrize("words", [("-f", "nowhere.yaml", "validate"), ("validate", "-f", "nowhere.yaml")])
def test_the_mapping_file_is_named_before_the_command_or_after_it(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.exit_code == 1
    assert "there is no file nowhere.yaml" in done.stderr


def test_what_is_written_last_counts(tmp_path: Path) -> None:
    assert "no file second.yaml" in run("-f", "first.yaml", "validate", "-f", "second.yaml").stderr


def test_the_state_is_named_after_a_command_of_a_command(tmp_path: Path) -> None:
    done = run("state", "migrate", "--state", f"sqlite:///{tmp_path / 'team.db'}")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "team.db").exists()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_takes_them_and_its_help_is_about_its_own(name: str) -> None:
    done = run(name, "--no-color", "--help")
    assert done.exit_code == 0, done.output
    assert "--log-format" not in done.stdout
