"""The receivers of a program's messages. Their addresses hold tokens more often than not, so they stay references until
something is sent, and are shown nowhere.
"""

import re
from collections.abc import Iterator, Mapping

from reconciler.config import program_model
from reconciler.config.entries import Entries, Entry
from reconciler.config.fields import REFERENCE
from reconciler.config.yaml_nodes import Node, Sequence
from reconciler.domain.alert import Alert
from reconciler.domain.finding import Finding, Place, Severity
from reconciler.domain.secret import Secret

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^{}]*))?\}")


def alerts(entry: Entry[program_model.Program]) -> tuple[Alert, ...]:
    """The receivers that a program names, in their order."""
    found = []
    for index, alert in enumerate(entry.value.notify):
        node = _node(entry, index)
        name = alert.to if REFERENCE.fullmatch(alert.to) else f"notify[{index}]"
        place = Place(node.source.name, node.line, node.column)
        found.append(Alert(entry.name, name, frozenset(alert.on), alert.to, place))
    return tuple(found)


def written_addresses(entries: Entries) -> Iterator[Finding]:
    """A warning for each address that is written into the file: it is taken, for not every one holds a secret."""
    for entry in entries.programs.values():
        for index, alert in enumerate(entry.value.notify):
            if not _VARIABLE.search(alert.to):
                node = _node(entry, index)
                yield node.source.problem(
                    "written-address",
                    "the address of an alert is written into the file",
                    node.line,
                    node.column,
                    "most addresses hold a token or password: write ${NAME} and set that variable",
                    Severity.WARNING,
                )


def address(alert: Alert, environ: Mapping[str, str]) -> Secret | str:
    """Where an alert goes to, its references filled in; or the name of the variable that is not set, or empty."""
    missing: list[str] = []

    def fill(found: re.Match[str]) -> str:
        value = environ.get(found["name"]) or found["default"]
        if not value:
            missing.append(found["name"])
        return value or ""

    filled = _VARIABLE.sub(fill, alert.to)
    return missing[0] if missing else Secret(filled)


def _node(entry: Entry[program_model.Program], index: int) -> Node:
    listed = entry.at("notify")
    return listed.items[index] if isinstance(listed, Sequence) else listed
