"""A request and its answer, as the simulated PSA sees them: values, no sockets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request. `headers` have lower-case names; `query` is still percent-encoded, as it came."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    origin: str
    """Scheme and host that the client asked for, `http://127.0.0.1:8765`; links in answers begin with it."""

    def parameters(self) -> dict[str, str]:
        """The query's members, names in lower case, the last one winning."""
        pairs = parse_qsl(self.query, keep_blank_values=True, errors="replace")
        return {name.lower(): value for name, value in pairs}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class ControlError(Exception):
    """What was asked of a sandbox's own routes cannot be done; the message says why."""


class Psa(Protocol):
    """What the server needs of a simulated PSA."""

    def answer(self, call: Call) -> Answer:
        """Does the work and answers; every error is an answer."""
        ...
