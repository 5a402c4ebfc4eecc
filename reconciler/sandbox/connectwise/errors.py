"""The error answers of the API: their codes, bodies and statuses."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reconciler.sandbox import exact_json
from reconciler.sandbox.web import Answer

JSON = {"content-type": "application/json; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One failing field of a record, as it stands in `errors[]`."""

    code: str
    message: str
    field: str


class Refusal(Exception):
    """The request ends with this error answer."""

    def __init__(self, status: int, code: str, message: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.errors = status, code, message, errors

    def answer(self) -> Answer:
        """Pretty-printed with CRLF, as the PSA writes its errors."""
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.errors is not None:
            body["errors"] = self.errors
        return Answer(self.status, exact_json.pretty(body).encode("utf-8", "replace"), JSON)


def invalid_object(resource: str, errors: Iterable[FieldError]) -> Refusal:
    """400 InvalidObject, with every failing field."""
    listed = [
        {"code": e.code, "message": e.message, "resource": resource, "field": e.field} for e in dict.fromkeys(errors)
    ]
    return Refusal(400, "InvalidObject", f"{resource} object is invalid", listed)


def bad_condition(message: str) -> Refusal:
    """400 ApiFindCondition: a query that the server cannot read."""
    return Refusal(400, "ApiFindCondition", message)


def bad_request(message: str, status: int = 400) -> Refusal:
    """ConnectWiseApi: a body or parameter that the server cannot read."""
    return Refusal(status, "ConnectWiseApi", message)


def unknown_route() -> Refusal:
    """404 for a path that is no endpoint."""
    return Refusal(404, "ConnectWiseApi", "The endpoint does not exist.")


def unknown_record(type_name: str, ident: object) -> Refusal:
    """404 for a record that is not there. The code is documented, the text is inferred."""
    return Refusal(404, "NotFound", f"{type_name} {ident} not found")


def in_use(message: str) -> Refusal:
    """409 for a record that others rest on."""
    return Refusal(409, "ConflictingRecord", message)
