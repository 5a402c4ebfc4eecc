"""`reconciler fmt`: keys in their order, two spaces a level, comments kept; what the files say stays the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.context import Exit, Failure, Settings, show_findings

if TYPE_CHECKING:
    from reconciler.config.source_text import SourceText
    from reconciler.domain.finding import Finding

# Longer than this, a difference says what three lines of it said already.
_DIFFERENCE_LINES = 24


@dataclass(frozen=True, slots=True)
class _Formatted:
    """A file with its canonical text; None where it has none, and `findings` say why."""

    path: Path
    source: "SourceText"
    text: str | None
    findings: tuple["Finding", ...]

    @property
    def changes(self) -> bool:
        return self.text is not None and self.text != self.source.text


@click.command(
    short_help="Canonical order and layout of the mapping files.",
    epilog="\b\nExamples:\n  reconciler fmt\n  reconciler fmt --check\n  reconciler fmt mappings/customers.yaml",
)
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Writes nothing; lists the files that would change, and exits 1.")
@click.pass_obj
def command(settings: Settings, files: tuple[Path, ...], check: bool) -> None:
    """Brings the mapping file, the files that it includes and the decisions beside it into canonical order and layout;
    or the FILEs that are named.

    Comments and quotes are kept. What a file says never changes: one whose meaning would, or that has mistakes in its
    YAML, is left as it is, and a finding says why.
    """
    formatted = [_formatted(path, settings) for path in files or _all_files(settings)]
    show_findings([finding for one in formatted for finding in one.findings], settings)
    changing = [one for one in formatted if one.changes]
    for one in changing:
        _tell(one) if check else _write(one)
    click.echo(_closing(formatted, "would change" if check else "changed"), err=True)
    if any(one.text is None for one in formatted) or (check and changing):
        raise SystemExit(Exit.ERROR)


def _all_files(settings: Settings) -> list[Path]:
    """The mapping file with all that it includes, and the decisions files. Raises Failure where one is not there."""
    from reconciler.config.decisions import FOLDER
    from reconciler.config.files import read_repository
    from reconciler.config.yaml_nodes import Bounds

    repository = read_repository(settings.file, Bounds())
    missing = [f for f in repository.findings if f.blocks and f.code in ("file", "include", "include-cycle", "size")]
    if missing:
        show_findings(missing, settings)
        raise Failure("not all files can be read; nothing was written")
    decisions = sorted(
        path for path in (settings.folder / FOLDER).glob("*") if path.suffix in (".yaml", ".yml") and path.is_file()
    )
    unread = [settings.folder / name for name in repository.contents]
    return list(dict.fromkeys([settings.file, *unread[1:], *decisions]))


def _formatted(path: Path, settings: Settings) -> _Formatted:
    """A file with its canonical text. Raises Failure where it cannot be read."""
    from reconciler.config.files import decoded
    from reconciler.config.layout import laid_out
    from reconciler.config.loading import with_excerpts
    from reconciler.config.source_text import SourceText
    from reconciler.domain.finding import Finding

    try:
        read = decoded(str(path), path.read_bytes())
    except OSError as error:
        raise Failure(f"{path} cannot be read: {(error.strerror or 'unknown error').lower()}") from None
    if isinstance(read, Finding):
        return _Formatted(path, SourceText(str(path), ""), None, (read,))
    done = laid_out(read, _kind_of(path, read))
    return _Formatted(path, read, done.text, with_excerpts(done.findings, [read]))


def _kind_of(path: Path, source: "SourceText") -> object:
    """What the file is: decisions, which lie in a folder of that name or have their keys, or a mapping."""
    from reconciler.config.decisions import FOLDER
    from reconciler.config.decisions_model import DecisionFile
    from reconciler.config.models import Declaration
    from reconciler.config.source_text import SourceText
    from reconciler.config.yaml_nodes import Bounds, Mapping, read_nodes

    root = read_nodes(SourceText(source.name, source.text), Bounds()).root
    keys = set(root.members) if isinstance(root, Mapping) else set()
    own = set(DecisionFile.key_names()) - set(Declaration.key_names())
    is_decisions = path.parent.name == FOLDER or keys & own
    return DecisionFile if is_decisions else Declaration


def _write(one: _Formatted) -> None:
    from reconciler.cli.files import replace_text
    from reconciler.render.safe_text import safe

    try:
        replace_text(one.path, one.text or "")
    except OSError as error:
        raise Failure(f"{one.path} cannot be written: {(error.strerror or str(error)).lower()}") from None
    click.echo(f"changed {safe(str(one.path))}")


def _tell(one: _Formatted) -> None:
    from reconciler.render.safe_text import safe

    click.echo(f"would change {safe(str(one.path))}")
    lines = list(_difference(one))
    for line in lines[:_DIFFERENCE_LINES]:
        click.echo(f"  {line}")
    if len(lines) > _DIFFERENCE_LINES:
        click.echo(f"  … {len(lines) - _DIFFERENCE_LINES} more lines")


def _difference(one: _Formatted) -> Iterator[str]:
    """What changes, line by line, as lines may be shown: a secret that stands in the file is blotted out."""
    from difflib import unified_diff

    from reconciler.config.source_text import SourceText

    after = SourceText(one.source.name, one.text or "")
    lines = unified_diff(_shown(one.source), _shown(after), n=1, lineterm="")
    return (line for number, line in enumerate(lines) if number > 1)


def _shown(source: "SourceText") -> list[str]:
    from reconciler.config.yaml_nodes import Bounds, read_nodes

    if not source.is_read:
        read_nodes(source, Bounds())
    # Blanks at a line's end, and ends of lines, are told apart though an excerpt does not show them.
    return [source.excerpt(number) or "" for number in range(1, len(source.lines))]


def _closing(formatted: list[_Formatted], verb: str) -> str:
    changing = sum(one.changes for one in formatted)
    refused = sum(one.text is None for one in formatted)
    counts = [f"{_files(changing)} {verb}"] if changing else []
    in_order = len(formatted) - changing - refused
    if in_order:
        counts.append(f"{_files(in_order)} in order")
    if refused:
        counts.append(f"{_files(refused)} left alone")
    return ", ".join(counts)


def _files(number: int) -> str:
    return f"{number} file" if number == 1 else f"{number} files"
