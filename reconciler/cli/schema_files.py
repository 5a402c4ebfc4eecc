"""Writes the JSON Schemas into a folder: `python -m reconciler.cli.schema_files schemas`."""

import sys
from pathlib import Path


def schema_texts() -> dict[str, str]:
    """The text of each schema file by its name."""
    from reconciler.config.json_schemas import SCHEMAS, json_schema
    from reconciler.domain.canonical import readable

    return {f"{name}.schema.json": readable(json_schema(name)) for name in SCHEMAS}


def write_schemas(folder: Path) -> None:
    """Writes every schema into a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schema_texts().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
