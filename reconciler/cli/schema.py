"""`schema`: prints a JSON Schema, for editors and for tools."""

import click


@click.command(epilog="\b\nExample:\n  reconciler schema mappings > schemas/mappings.schema.json")
@click.argument("name", type=click.Choice(["mappings", "invoice", "plan", "decisions"]))
def command(name: str) -> None:
    """Prints the JSON Schema of the mapping file, the normalised invoice, the plan file, or a decisions file."""
    from reconciler.config.json_schemas import json_schema
    from reconciler.domain.canonical import readable

    click.echo(readable(json_schema(name)), nl=False)
