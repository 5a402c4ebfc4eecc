"""Faults on demand: which request goes wrong, and how.

A fault script is a list. Each entry matches requests by method and by a regular expression searched for in the
path, counts the matches from the moment it is set, and strikes at the n-th of them::

    - match: {method: POST, path: /additions$}
      nth: 2            # default 1
      times: 3          # strikes in a row, default 1
      kind: 500-after

=================== ==========================================================================================
kind                what happens
=================== ==========================================================================================
500-before          a timeout is answered, nothing was done
500-after           the work is done, a timeout is answered
delay-commit        a timeout is answered, the work is done `seconds` later
429                 nothing is done; Retry-After is `seconds` (default 30)
429-no-retry-after  the same without the header
drop-request        the connection is closed, nothing was done
drop-answer         the work is done, the connection is closed without an answer
garbage-body        the work is done, the answer is cut in the middle
html                a proxy's page with `status` (default 502), nothing was done
redirect            302 to `to` (default https://example.invalid/), nothing was done
duplicate           the work is done twice, the first answer is given
alter-field         `field` is stored as `value` instead of what was sent
slow                the work is done after `seconds` (default 1)
=================== ==========================================================================================
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from reconciler.sandbox import exact_json
from reconciler.sandbox.web import Answer, Call

KINDS = (
    "500-before",
    "500-after",
    "delay-commit",
    "429",
    "429-no-retry-after",
    "drop-request",
    "drop-answer",
    "garbage-body",
    "html",
    "redirect",
    "duplicate",
    "alter-field",
    "slow",
)
BEFORE_WORK = frozenset({"500-before", "delay-commit", "429", "429-no-retry-after", "drop-request", "html", "redirect"})
"""The kinds that leave the request's work undone, or to be done later."""

_MEMBERS = frozenset({"match", "nth", "times", "kind", "seconds", "status", "to", "field", "value"})


class FaultError(Exception):
    """A fault script that cannot be used; the message says which entry and what to do."""


@dataclass(slots=True)
class Fault:
    """One entry of a script, with the count of the requests it has matched."""

    method: str
    path: re.Pattern[str]
    kind: str
    nth: int = 1
    times: int = 1
    seconds: float | None = None
    status: int = 502
    to: str = "https://example.invalid/"
    field: str = ""
    value: Any = None
    seen: int = 0

    def strikes(self, call: Call) -> bool:
        """Whether this request is to go wrong; counts it when it matches."""
        if self.method not in ("*", call.method) or not self.path.search(call.path):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times

    def wait(self, default: float) -> float:
        """The seconds to wait."""
        return default if self.seconds is None else self.seconds


@dataclass(slots=True)
class FaultScript:
    """The faults that are set, in their order; the first one that strikes decides."""

    faults: list[Fault] = field(default_factory=list)

    def strike(self, call: Call) -> Fault | None:
        """The fault for this request. Every entry counts the request, struck or not."""
        struck = [fault for fault in self.faults if fault.strikes(call)]
        return struck[0] if struck else None


def read_faults(entries: Any) -> FaultScript:
    """A script from its list; raises FaultError."""
    if not isinstance(entries, list):
        raise FaultError("a fault script is a list of {match, nth, kind}.")
    return FaultScript([_fault(n, entry) for n, entry in enumerate(entries)])


def _fault(n: int, entry: Any) -> Fault:
    if not isinstance(entry, dict):
        raise FaultError(f"faults[{n}]: write a mapping with match and kind.")
    if unknown := sorted(set(entry) - _MEMBERS):
        raise FaultError(f"faults[{n}].{unknown[0]}: unknown key; known are: {', '.join(sorted(_MEMBERS))}.")
    kind = str(entry.get("kind"))
    if kind not in KINDS:
        raise FaultError(f"faults[{n}].kind: {kind!r} is none of {', '.join(KINDS)}.")
    for name in ("nth", "times", "status"):
        value = entry.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise FaultError(f"faults[{n}].{name}: write a whole number of at least 1.")
    match = _match(n, entry.get("match", {}))
    chosen = {name: entry[name] for name in ("nth", "times", "status", "to", "field", "value") if name in entry}
    seconds = entry.get("seconds")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float | Decimal)):
        raise FaultError(f"faults[{n}].seconds: write a number.")
    if kind == "alter-field" and not entry.get("field"):
        raise FaultError(f"faults[{n}].field: name the field that is altered.")
    return Fault(*match, kind=kind, seconds=None if seconds is None else float(seconds), **chosen)


def _match(n: int, match: Any) -> tuple[str, re.Pattern[str]]:
    if isinstance(match, str):
        method, _, path = match.partition(" ")
        match = {"method": method, "path": path}
    if not isinstance(match, Mapping) or set(match) - {"method", "path"}:
        raise FaultError(f"faults[{n}].match: write {{method: POST, path: a regular expression}}.")
    try:
        return str(match.get("method", "*")).upper(), re.compile(str(match.get("path", "")))
    except re.error as error:
        raise FaultError(f"faults[{n}].match.path: no regular expression: {error}.") from None


def answer_without_work(fault: Fault) -> Answer:
    """The answer of a fault that does not wait for any work."""
    if fault.kind.startswith("429"):
        seconds = int(fault.wait(30))
        headers = {"content-type": "application/json; charset=utf-8"}
        if fault.kind == "429":
            headers["retry-after"] = str(seconds)
        # The odd body is documented: `error` where other errors have `code`.
        body = {
            "error": "ConnectWiseAPI",
            "message": f"Too many requests. Please try again in {seconds} seconds.",
        }
        return Answer(429, exact_json.pretty(body).encode(), headers)
    if fault.kind == "html":
        page = f"<html><head><title>{fault.status}</title></head><body><h1>Error {fault.status}</h1></body></html>"
        return Answer(fault.status, page.encode(), {"content-type": "text/html; charset=utf-8"})
    if fault.kind == "redirect":
        return Answer(302, b"", {"location": fault.to})
    return timeout_answer()


def timeout_answer() -> Answer:
    """The PSA's answer when it gives up waiting for itself; the spelling is the vendor's."""
    body = {"code": "ConnectWiseApi", "message": "A timeout has occured. Please try again."}
    return Answer(500, exact_json.pretty(body).encode(), {"content-type": "application/json; charset=utf-8"})


def cut(answer: Answer) -> Answer:
    """The answer with the second half of its body lost."""
    return Answer(answer.status, answer.body[: len(answer.body) // 2] + b"\x00", answer.headers)


def altered(call: Call, fault: Fault) -> Call:
    """The request with one member of its body set to another value, as if the server had stored that instead."""
    try:
        sent = exact_json.loads(call.body)
    except ValueError:
        return call
    if isinstance(sent, list):
        sent = [*sent, {"op": "replace", "path": fault.field, "value": fault.value}]
    elif isinstance(sent, dict):
        sent = {**sent, fault.field: fault.value}
    body = exact_json.dumps(sent).encode("utf-8", "replace")
    return Call(call.method, call.path, call.query, call.headers, body, call.origin)


def describe(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """The faults as the control route shows them."""
    return [
        {"kind": f.kind, "method": f.method, "path": f.path.pattern, "nth": f.nth, "times": f.times, "seen": f.seen}
        for f in faults
    ]
