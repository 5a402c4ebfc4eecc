"""`init`: a new mapping repository, with comments that say what to change."""

from pathlib import Path

import click

from reconciler.cli.context import Failure


@click.command(epilog="\b\nExample:\n  reconciler init billing\n  cd billing\n  reconciler validate")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
def command(folder: Path) -> None:
    """Writes a commented mapping repository into DIR (default: this folder).

    It holds mappings.yaml, an example invoice and price list, a sandbox's PSA to try them with, schemas for your
    editor, a CI workflow and .gitignore.

    A file that exists is never overwritten: where any of them does, nothing is written.
    """
    from reconciler.render.safe_text import safe

    texts = _texts()
    standing = [name for name in texts if (folder / name).exists() or (folder / name).is_symlink()]
    if standing:
        verb = "exists" if len(standing) == 1 else "exist"
        other = "billing" if str(folder) == "." else f"{safe(str(folder))}-new"
        raise Failure(
            f"nothing was written: {', '.join(standing)} {verb} already",
            f"choose an empty folder: reconciler init {other}",
        )
    for name, text in texts.items():
        _write(folder / name, text)
        click.echo(f"wrote {safe(str(folder / name))}", err=True)
    here = "" if str(folder) == "." else f"cd {safe(str(folder))}, "
    click.echo(f"next: {here}write your own names into mappings.yaml, then: reconciler validate", err=True)


def _texts() -> dict[str, str]:
    from reconciler.cli.init_texts import FILES
    from reconciler.cli.schema_files import schema_texts

    schemas = {name: text for name, text in schema_texts().items() if not name.startswith("plan")}
    return FILES | {f"schemas/{name}": text for name, text in schemas.items()}


def _write(path: Path, text: str) -> None:
    """Writes a file that was not there. Raises Failure where it cannot be made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from None
