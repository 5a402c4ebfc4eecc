"""The pages that people read: their links lead somewhere, and what they tell to type can be typed."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from reconciler.cli.context import Exit
from reconciler.cli.main import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
COMMANDS_PAGE = ROOT / "docs" / "commands.md"

_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_USAGE = re.compile(r"\[|\\\||…\s|…$")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# -- links


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_between_pages_and_files_leads_somewhere(page: Path) -> None:
    text = _CODE.sub("", _FENCE.sub("", page.read_text(encoding="utf-8")))
    links = [link for link in _LINK.findall(text) if not re.match(r"[a-z]+:", link)]
    assert [link for link in links if not _leads_somewhere(page, link)] == []


def _leads_somewhere(page: Path, link: str) -> bool:
    path, _, fragment = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists() or not target.is_relative_to(ROOT):
        return False
    return not fragment or fragment in _anchors(target.read_text(encoding="utf-8"))


def _anchors(text: str) -> set[str]:
    """The places of a page that a link can name: headings as GitHub names them, and marks of its own."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)"', text))


def test_a_link_to_nowhere_is_told_from_one_that_leads_somewhere() -> None:
    assert _leads_somewhere(COMMANDS_PAGE, "#exit-statuses")
    assert _leads_somewhere(COMMANDS_PAGE, "rulebook.md#p45")
    assert not _leads_somewhere(COMMANDS_PAGE, "rulebook.md#p99")
    assert not _leads_somewhere(COMMANDS_PAGE, "no-such-page.md")


# -- the table of commands


def _usages() -> dict[str, str]:
    """The usage of each command that docs/commands.md lists: `plan [--month] …` by `plan`."""
    section = COMMANDS_PAGE.read_text(encoding="utf-8").split("## ")[0]
    first_cells = re.findall(r"^\| (`.+?) \| ", section, re.MULTILINE)
    codes = [code.replace(r"\|", "|") for cell in first_cells for code in _CODE.findall(cell)]
    return {code.split()[0]: code for code in codes}


USAGES = _usages()


def test_the_page_of_commands_lists_those_that_exist_and_no_other() -> None:
    assert sorted(USAGES) == sorted(COMMANDS)


@pytest.mark.parametrize("name", sorted(USAGES))
def test_a_listed_command_has_the_options_listed_and_no_other(name: str) -> None:
    command = _command(name)
    listed = set(re.findall(r"--[a-z-]+", USAGES[name]))
    if isinstance(command, click.Group):
        assert sorted(USAGES[name].split()[1].split("|")) == sorted(command.commands)
        return
    there = {option for param in _options(command) for option in param.opts if option.startswith("--")}
    assert listed == there


@pytest.mark.parametrize("name", sorted(USAGES))
def test_the_values_listed_for_a_choice_are_the_ones_it_takes(name: str) -> None:
    command = _command(name)
    told = dict(re.findall(r"(--[a-z-]+) ([a-z]+(?:\|[a-z]+)+)", USAGES[name]))
    for param in command.params:
        if isinstance(param.type, click.Choice) and not getattr(param, "hidden", False):
            choices = "|".join(map(str, param.type.choices))
            shown = USAGES[name].split()[1] if isinstance(param, click.Argument) else told.get(param.opts[-1])
            assert shown == choices


def _command(name: str) -> click.Command:
    command = main.get_command(click.Context(main), name)
    assert command is not None, f"there is no command {name}"
    return command


def _options(command: click.Command) -> Iterator[click.Option]:
    for param in command.params:
        if isinstance(param, click.Option) and not param.hidden:
            yield param


# -- command lines


def _lines(text: str) -> Iterator[str]:
    """The command lines of a page: in blocks, and in running text where a code mark begins with one."""
    blocks = _FENCE.findall(text)
    for block in blocks:
        for line in block.replace("\\\n", " ").splitlines():
            yield from _calls(line.split(" #")[0].strip().removeprefix("$ "))
    for code in _CODE.findall(_FENCE.sub("", text)):
        line = " ".join(code.split())
        if not _USAGE.search(line) and line.split(" ")[0] in COMMANDS and " " in line:
            line = f"reconciler {line}"
        yield from _calls(line)


def _calls(line: str) -> Iterator[str]:
    for part in re.split(r"&&|\|\||;| \| ", line):
        found = re.match(r"\s*(?:\S*/)?reconciler (?=\S)(.+)", part)
        if found:
            yield found[1].strip()


def _in_help() -> Iterator[tuple[str, str]]:
    for name in sorted(COMMANDS):
        command = _command(name)
        commands = [command, *(command.commands.values() if isinstance(command, click.Group) else ())]
        for each in commands:
            for line in (each.help or "").splitlines():
                yield from ((f"{name} --help", call) for call in _calls(line))


LINES = [(_name(page), line) for page in PAGES for line in _lines(page.read_text(encoding="utf-8"))]
LINES += _in_help()


def _wrong(line: str) -> str | None:
    """What is wrong with a command line, by the options and commands that there are; None where nothing is."""
    words = shlex.split(line)
    command: click.Command = main
    context = click.Context(main, info_name="reconciler")
    while True:
        if "--help" in words:
            words = [word for word in words if word not in {"--help", "COMMAND"}]
        try:
            values, rest, _ = command.make_parser(context).parse_args(words)
        except click.UsageError as error:
            return error.format_message()
        wrong = _wrong_value(command, values)
        if wrong or not isinstance(command, click.Group) or not rest:
            return wrong
        found = command.get_command(context, rest[0])
        if found is None:
            return f"there is no command {rest[0]}"
        command, words = found, rest[1:]
        context = click.Context(found, parent=context, info_name=found.name)


def _wrong_value(command: click.Command, values: dict[str, object]) -> str | None:
    for param in command.params:
        given = values.get(param.name or "")
        if isinstance(param.type, click.Choice) and isinstance(given, str) and given not in param.type.choices:
            return f"{param.name}: {given} is none of {', '.join(map(str, param.type.choices))}"
    return None


@pytest.mark.parametrize(("where", "line"), LINES, ids=[f"{where}: {line}" for where, line in LINES])
def test_a_command_line_that_is_shown_can_be_typed(where: str, line: str) -> None:
    assert _wrong(line) is None


def test_command_lines_are_found_on_the_pages() -> None:
    shown = {line.split()[0] for where, line in LINES if where == "README.md"}
    assert {"plan", "show", "explain", "apply", "resume", "init", "read", "validate", "sandbox"} <= shown


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("plan --no-such-option", "No such option"),
        ("no-such-command", "there is no command"),
        ("show PLAN --format yaml", "is none of text"),
        ("sandbox fly", "there is no command"),
        ("--no-such-option plan", "No such option"),
        ("show PLAN OTHER --format", "requires an argument"),
    ],
)
def test_a_command_line_that_cannot_be_typed_is_told(line: str, told: str) -> None:
    assert told.lower() in (_wrong(line) or "").lower()


# -- exit statuses


def test_the_exit_statuses_listed_are_those_that_there_are() -> None:
    text = COMMANDS_PAGE.read_text(encoding="utf-8").split("## Exit statuses")[1].split("## ")[0]
    listed = [int(number) for cell in re.findall(r"^\| ([\d, ]+) \|", text, re.MULTILINE) for number in cell.split(",")]
    assert listed == [*(int(status) for status in Exit), 130, 143]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_an_exit_status_told_in_running_text_is_one_of_them(page: Path) -> None:
    told = re.findall(r"\bexits? (?:with )?(\d+)", page.read_text(encoding="utf-8"))
    assert [number for number in told if int(number) not in [*Exit, 130, 143]] == []
