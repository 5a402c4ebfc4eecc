"""What ConnectWise's refusals mean, in words that a person can act on.

Its error bodies are `{"code", "message", "errors": [{"code", "message", "resource", "field"}]}`; a 429 has `error` in
the place of `code`. Which menu grants a permission, and that a cloud host answers bad keys with 404, is told by public
descriptions and not confirmed by the vendor.
"""

from dataclasses import dataclass
from typing import Any

from reconciler.targets.base import Refused, TargetError
from reconciler.targets.exact_json import parsed
from reconciler.targets.http import Answer

# Rulebook E7, word for word.
ALREADY_INVOICED = (
    "ConnectWise returned an error response: Since this period has already been invoiced there will not be an invoice "
    "generated for additional products for this period. Please prorate the agreement or update the start date to on or "
    "after the Next Invoice Date."
)
_ALREADY_INVOICED_BEGINS = "since this period has already been invoiced"
_BEFORE_BILLING_BEGINS = "effectivedate cannot be less than the agreement billing start date"
_LONGEST = 500

_PERMISSIONS = (
    "the security role of the API member lacks a permission; by public descriptions, System > Members > API Members "
    "shows the member and its role, System > Security Roles what the role may do. Needed are Finance > Agreements "
    "(inquire, add, edit, delete), Procurement > Product Catalog (inquire, add, edit) and Companies (inquire). "
    "A client id that is not registered is answered alike"
)


class UnknownField(TargetError):
    """The server does not filter by a field that a condition names."""


class RefusedByServer(Refused):
    """A refusal with the HTTP status that it came with."""

    def __init__(self, status: int, message: str, hint: str | None, code: str, fields: tuple[str, ...]) -> None:
        super().__init__(message, hint, code, fields)
        self.status = status


@dataclass(frozen=True, slots=True)
class PsaError:
    """ConnectWise's own error. `details` are its inner errors as (message, field)."""

    status: int
    code: str
    message: str
    details: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """What it says: the inner messages where there are some, for the outer one then only names the resource."""
        inner = "; ".join(message if field in message else f"{message} ({field})" for message, field in self.details)
        return (inner or self.message or self.code)[:_LONGEST]

    @property
    def unroutable(self) -> bool:
        """Whether it says that the address is wrong: after an upgrade the codebase is another."""
        told = self.message.casefold()
        return "cannot route" in told or "endpoint does not exist" in told


def psa_error(answer: Answer) -> PsaError | None:
    """The error in an answer, or None where the body is not ConnectWise's own (a gateway's page, say)."""
    try:
        body = parsed(answer.body)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    code, message = body.get("code") or body.get("error"), body.get("message")
    if not isinstance(code, str) or not isinstance(message, str | None):
        return None
    return PsaError(answer.status, code, message or "", tuple(_details(body.get("errors"))))


def refused(error: PsaError, doing: str) -> RefusedByServer:
    """The refusal of a write. `doing` says what was being done: "creating an addition on agreement 55"."""
    fields = tuple(dict.fromkeys(field for _, field in error.details if field))
    told = error.text.casefold()
    if _ALREADY_INVOICED_BEGINS in told:
        hint = "set Prorate on the agreement, or map another agreement"
        return RefusedByServer(error.status, ALREADY_INVOICED, hint, "E7", fields)
    text = f"ConnectWise returned an error response: {error.text}"
    if _BEFORE_BILLING_BEGINS in told:
        hint = "set the agreement's Billing Start Date to the first day billed, or before it"
        return RefusedByServer(error.status, text, hint, "P36", fields)
    text = f"{text} ({doing}; HTTP {error.status})"
    return RefusedByServer(error.status, text, _hint(error), error.code, fields)


def unanswered(answer: Answer, error: PsaError | None, asking: str, site_hint: str) -> TargetError:
    """Why a read brought nothing. `site_hint` names the settings to check: url, company, names of the credentials."""
    said = error.text if error else "an answer that is not ConnectWise's own"
    text = f"ConnectWise answered {asking} with HTTP {answer.status}: {said}"
    if error and error.code == "ApiFindCondition":
        return UnknownField(text, _hint(error))
    if error and (hint := _hint(error)):
        return TargetError(text, hint)
    if answer.status == 401:
        return TargetError(text, f"the credentials are not accepted; check {site_hint}")
    if answer.status == 404:
        return TargetError(text, f"a cloud host also answers 404 where company or keys are wrong; check {site_hint}")
    return TargetError(text, f"check {site_hint}")


def _hint(error: PsaError) -> str | None:
    told = error.message.casefold()
    if "ssl is required" in told:
        return "the API of ConnectWise's cloud is at the host with api- in front, over https"
    if error.status == 403 or error.code == "Security":
        return _PERMISSIONS
    if error.code == "ApiFindCondition":
        return "this server filters on other fields; report its version and this message"
    if error.status == 409:
        return "the record is in use in ConnectWise"
    return None


def _details(errors: Any) -> list[tuple[str, str]]:
    """The inner errors; several failing fields are told at once."""
    if not isinstance(errors, list):
        return []
    return [
        (str(inner.get("message") or inner.get("code") or ""), str(inner.get("field") or ""))
        for inner in errors
        if isinstance(inner, dict)
    ]
