"""`validate`: is the declaration right? Reads the mapping files alone; needs no credentials and no network."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from reconciler.cli.context import Exit, Settings, show_findings
from reconciler.domain.finding import Finding

if TYPE_CHECKING:
    from reconciler.config.loading import Loaded


@click.command(
    epilog="\b\nExamples:\n  reconciler validate\n  reconciler -f billing/mappings.yaml validate --format github"
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="text for people; json for tools; github for annotations on a pull request; sarif for code scanning.",
)
@click.pass_obj
def command(settings: Settings, form: str) -> None:
    """Checks the mapping files and the decisions beside them: their layout, every value, every reference,
    and what they mean together.

    Each error says where it is, what is wrong and what to do. Exits 1 when there is an error, 0 with warnings alone.
    """
    import os

    from reconciler.config.loading import load

    loaded = _with_templates(_with_decisions(load(settings.file, os.environ), settings), settings)
    if form == "text":
        show_findings(loaded.findings, settings)
    else:
        _write(loaded, form)
    closing = _closing(loaded, str(settings.file))
    click.echo(closing, err=form != "text" or loaded.mappings is None)
    if loaded.mappings is None:
        raise SystemExit(Exit.ERROR)


def _with_decisions(loaded: "Loaded", settings: Settings) -> "Loaded":
    """The mapping with the findings of the decisions files beside it: mistakes in them stop a plan as well."""
    import os
    from dataclasses import replace

    # Most repositories have no decisions; what reads them takes as long to load as the demo's mapping to check.
    if loaded.mappings is None or not (settings.folder / "decisions").is_dir():
        return loaded
    from reconciler.config.decisions import load_decisions

    decided = load_decisions(settings.file, loaded.mappings, os.environ)
    mappings = loaded.mappings if decided.decisions is not None else None
    return replace(loaded, mappings=mappings, findings=(*loaded.findings, *decided.findings))


def _with_templates(loaded: "Loaded", settings: Settings) -> "Loaded":
    """The mapping with the findings of the partner's own templates for messages."""
    from dataclasses import replace

    if loaded.mappings is None or not (settings.folder / "templates" / "notify").is_dir():
        return loaded
    from reconciler.cli.telling import template_findings

    found = template_findings(settings)
    broken = any(finding.blocks for finding in found)
    return replace(loaded, mappings=None if broken else loaded.mappings, findings=(*loaded.findings, *found))


def _write(loaded: "Loaded", form: str) -> None:
    """Writes the findings for a tool, to standard output."""
    from reconciler import __version__
    from reconciler.domain.canonical import readable
    from reconciler.render.findings import finding_json, github_line, sarif

    if form == "github":
        for finding in loaded.findings:
            click.echo(github_line(finding))
    elif form == "sarif":
        click.echo(readable(sarif(loaded.findings, __version__)), nl=False)
    else:
        document = {
            "valid": loaded.mappings is not None,
            "files": list(loaded.files),
            "findings": [finding_json(finding) for finding in loaded.findings],
        }
        click.echo(readable(document), nl=False)


def _closing(loaded: "Loaded", name: str) -> str:
    from reconciler.render.findings import counted
    from reconciler.render.safe_text import safe

    mappings = loaded.mappings
    if mappings is None:
        return f"{safe(name)}: {counted(loaded.findings)}"
    parts = ", ".join(
        _numbered(number, noun)
        for number, noun in (
            (len(mappings.programs), "program"),
            (len(mappings.customers), "customer"),
            (len(loaded.files), "file"),
        )
    )
    return f"valid: {parts}{_with_warnings(loaded.findings)}"


def _with_warnings(findings: Sequence[Finding]) -> str:
    from reconciler.render.findings import counted

    return f" ({counted(findings)})" if findings else ""


def _numbered(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
