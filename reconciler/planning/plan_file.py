"""The plan as a file: canonical JSON with a digest over everything that would be applied (interface §3).

Decimals are strings, keys are sorted, one newline ends it; the same inputs give the same bytes, but for `created`.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import InvalidOperation
from typing import Any

from reconciler.domain.canonical import digest_of, readable
from reconciler.domain.plan import Plan
from reconciler.planning.plan_members import FORMAT, members_in_turn, members_of
from reconciler.planning.plan_values import plan_of

# What the digest leaves out: it must not change with the day or the version that made the plan, or with an approval.
_OUTSIDE_DIGEST = ("created", "reconciler", "digest", "signature")


class PlanFileError(Exception):
    """The file cannot be taken as a plan. `hint` says what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def sealed(plan: Plan) -> Plan:
    """The plan with its digest."""
    return replace(plan, digest=_digest(members_in_turn(plan)))


def write_plan(plan: Plan) -> str:
    """The text of the plan file, digest included."""
    document = members_of(plan)
    document["digest"] = _digest(document)
    return readable(document)


def read_plan(text: str, name: str) -> Plan:
    """The plan in a file's text. `name` is the file's name for messages.

    Raises PlanFileError where the text is not a plan, or where its content does not match its digest (interface §6.7).
    """
    document = _parsed(text, name)
    if document.get("format") != FORMAT:
        stated = document.get("format")
        what = f"its format is '{stated}', not '{FORMAT}'" if stated else "it does not say that it is one"
        raise PlanFileError(
            f"{name} is not a plan: {what}",
            "make one with: reconciler plan --out FILE",
        )
    if not _is_as_stated(document):
        raise PlanFileError(
            f"the content of {name} does not match its digest: it was changed after it was made",
            "make the plan again and have it reviewed",
        )
    try:
        return plan_of(document)
    except (KeyError, TypeError, ValueError, InvalidOperation, AttributeError) as error:
        raise PlanFileError(
            f"{name} is a plan that this version cannot read ({type(error).__name__}: {error})",
            "make the plan again with this version",
        ) from None


def same_digest(one: str, other: str) -> bool:
    """Whether two digests are equal, each with or without its `sha256:`; takes the same time for any."""
    return hmac.compare_digest(_bare(one).encode(), _bare(other).encode())


def _bare(text: str) -> str:
    return text.strip().lower().removeprefix("sha256:")


def _is_as_stated(document: Mapping[str, Any]) -> bool:
    """Whether a document's content is what its digest is of; what has no canonical form never was in a plan."""
    stated = document.get("digest")
    try:
        return isinstance(stated, str) and hmac.compare_digest(stated.encode(), _digest(document).encode())
    except (TypeError, UnicodeEncodeError):
        return False


def _digest(document: Mapping[str, Any]) -> str:
    return digest_of({name: value for name, value in document.items() if name not in _OUTSIDE_DIGEST})


def _parsed(text: str, name: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise PlanFileError(f"{name} names a member twice")
        return members

    def no_float(text: str) -> Any:
        raise PlanFileError(f"{name} holds the bare number {text[:30]}; a plan writes amounts as text")

    try:
        document = json.loads(text, object_pairs_hook=once, parse_float=no_float, parse_constant=no_float)
    except (ValueError, RecursionError):
        raise PlanFileError(f"{name} is not JSON", "a plan is made with: reconciler plan --out FILE") from None
    if not isinstance(document, dict):
        raise PlanFileError(f"{name} is not a plan: it holds no object")
    return document
