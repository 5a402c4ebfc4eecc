"""References to environment variables: `${NAME}` and `${NAME:-default}` in values that are no secrets.

A secret's reference is not looked up here: what it stands for is read when a PSA is opened (`credentials`), so that a
mapping file can be checked on a machine that has no credentials. `$${` writes `${` itself.
"""

import re
from collections.abc import Mapping as Environment
from dataclasses import dataclass, field
from typing import Any

from reconciler.config.source_text import names_a_secret
from reconciler.config.yaml_nodes import Mapping, Node, Scalar
from reconciler.domain.finding import Finding

_VARIABLE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^{}]*))?\}|\$\{")
# Alert addresses carry tokens, and signing keys are secrets: their references stay references.
_KEPT = ("notify", "signing_keys")


@dataclass(slots=True, eq=False)
class Plain:
    """Turns nodes into plain values for the models, with variables filled in; collects what cannot be."""

    environ: Environment[str, str]
    findings: list[Finding] = field(default_factory=list)

    def value(self, node: Node) -> Any:
        """A node as text, None, list or dict."""
        if isinstance(node, Scalar):
            text = node.text
            return text if text is None or "${" not in text else self._filled(node, text)
        if isinstance(node, Mapping):
            return {
                name: _as_written(value) if names_a_secret(name) or name in _KEPT else self.value(value)
                for name, (_, value) in node.members.items()
            }
        return [self.value(item) for item in node.items]

    def _filled(self, node: Scalar, text: str) -> str:
        def fill(found: re.Match[str]) -> str:
            if found[0] == "$${":
                return "${"
            value = self.environ.get(found["name"] or "") or found["default"]
            if value is None:
                self._unset(node, found["name"])
                return found[0]
            return value

        return _VARIABLE.sub(fill, text)

    def _unset(self, node: Scalar, name: str | None) -> None:
        message, hint = (
            (f"the environment variable {name} is not set, or empty", f"set it, or give a default: ${{{name}:-…}}")
            if name
            else (
                "'${' begins a reference that is not one",
                "write ${NAME} or ${NAME:-default}; $${ stands for ${ itself",
            )
        )
        self.findings.append(node.source.problem("variable", message, node.line, node.column, hint))


def _as_written(node: Node) -> Any:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Mapping):
        return {name: _as_written(value) for name, (_, value) in node.members.items()}
    return [_as_written(item) for item in node.items]
