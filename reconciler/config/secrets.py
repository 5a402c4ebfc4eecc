"""Secrets are references, and are never shown: finds literal ones, and marks what must not stand in an excerpt."""

from collections.abc import Iterator

from reconciler.config.fields import REFERENCE
from reconciler.config.files import Repository
from reconciler.config.model_findings import shown
from reconciler.config.source_text import names_a_secret
from reconciler.config.yaml_nodes import Mapping, Node, Scalar, Sequence
from reconciler.domain.finding import Finding

# The fields of sources and targets that say nothing secret; the value of any other, misspelt ones too, is not shown.
_OPEN_FIELDS = {
    "sources": frozenset({"type", "invoices", "format", "price_list"}),
    "targets": frozenset({"type", "url", "company", "limits"}),
}
# An alert's address holds a token more often than not.
_OPEN_IN_ALERTS = frozenset({"on"})


def literal_secrets(repository: Repository) -> list[Finding]:
    """A finding for every secret that is given by value. Marks the values of all fields that may hold one as hidden."""
    findings: list[Finding] = []
    for section, open_fields in _OPEN_FIELDS.items():
        for _, entry in repository.named[section].values():
            if isinstance(entry, Mapping):
                _hide(entry, open_fields)
                findings.extend(_literals(entry))
    for _, program in repository.named["programs"].values():
        notify = program.get("notify") if isinstance(program, Mapping) else None
        for alert in notify.items if isinstance(notify, Sequence) else ():
            if isinstance(alert, Mapping):
                _hide(alert, _OPEN_IN_ALERTS)
    return findings


def doubles(repository: Repository) -> Iterator[Finding]:
    """A finding for every key that stands twice, which names the key unless it may be a secret itself."""
    for first, key in repository.doubles:
        name = "this key" if key.source.hides(key.line, key.column) else f"the key {shown(key)}"
        message = f"{name} stands here a second time; the first is at {first.source.name}:{first.line}:{first.column}"
        yield key.source.problem("duplicate-key", message, key.line, key.column, "keep one of the two")


def _hide(entry: Mapping, open_fields: frozenset[str]) -> None:
    for name, (_, value) in entry.members.items():
        if name not in open_fields and not _is_reference(value):
            value.source.mask(value.line, value.column, value.last_line)


def _literals(node: Node) -> Iterator[Finding]:
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _literals(item)
    elif isinstance(node, Mapping):
        for name, (_, value) in node.members.items():
            if names_a_secret(name) and isinstance(value, Scalar) and not _is_reference(value):
                yield _finding(name, value)
            else:
                yield from _literals(value)


def _is_reference(value: Node) -> bool:
    return isinstance(value, Scalar) and value.text is not None and REFERENCE.fullmatch(value.text) is not None


def _finding(name: str, value: Scalar) -> Finding:
    if value.text is None:
        what, hint = "is empty", "give it as a reference such as ${NAME}"
    elif value.text.startswith("${") and ":-" in value.text:
        what, hint = "has a default", "write ${NAME} alone: a default would be a secret in the file"
    else:
        what, hint = (
            "is written into the file",
            "write ${NAME} and set that variable; then change the secret, for it was in a file",
        )
    return value.source.problem(
        "literal-secret", f"the secret '{name}' {what}; its value must be a reference", value.line, value.column, hint
    )
