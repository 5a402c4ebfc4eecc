"""The help: every command has its place in it, and a mistyped one is answered with the nearest."""

from click.testing import CliRunner

from reconciler.cli.main import COMMANDS, SECTIONS, main


def test_every_command_stands_in_one_section_of_the_help() -> None:
    placed = [name for names in SECTIONS.values() for name in names]
    assert sorted(placed) == sorted(COMMANDS)


def test_a_mistyped_command_is_answered_with_the_nearest() -> None:
    answer = CliRunner().invoke(main, ["aply"])
    assert answer.exit_code == 2
    assert "No such command 'aply'. Did you mean apply?" in answer.output


def test_a_command_like_no_other_is_answered_without_a_guess() -> None:
    answer = CliRunner().invoke(main, ["zzz"])
    assert "No such command 'zzz'." in answer.output
    assert "Did you mean" not in answer.output
