"""What a person must know or act on: a value beside the result, never an exception."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import PurePath

from reconciler.domain.money import Money


class Severity(StrEnum):
    """How much a finding weighs: an error keeps its customer out of the plan, a warning does not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


# Thousands of customers stand in a handful of files.
@lru_cache(maxsize=4096)
def _named_from(folder: str, file: str) -> str:
    try:
        return PurePath(file).relative_to(folder).as_posix()
    except ValueError:
        return file


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something was found: a file (as the user named it), the line or row and the column, both from 1."""

    file: str
    line: int | None = None
    column: int | None = None

    def within(self, folder: str) -> "Place":
        """The same place with its file named from a folder on, where it lies in it; the names of documents are so."""
        file = _named_from(folder, self.file)
        return self if file == self.file else replace(self, file=file)

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a person must know: what, where, about whom, what to do, and the money it stands for.

    `code` is stable and names the rule where there is one (`P37`, `E8`, `unmapped-customer`); `message` is a sentence;
    `hint` says what to do; `excerpt` is the offending line of a file, shown with a caret under `where.column`.
    """

    severity: Severity
    code: str
    message: str
    customer: str | None = None
    subscription: str | None = None
    where: Place | None = None
    hint: str | None = None
    amount: Money | None = None
    excerpt: str | None = None

    @property
    def blocks(self) -> bool:
        """Whether it keeps its customer out of the plan."""
        return self.severity is Severity.ERROR


_WEIGHT = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings without repetition, errors first, then by customer, place and text: the same for the same findings."""
    unique = dict.fromkeys(findings)
    return tuple(
        sorted(
            unique,
            key=lambda f: (
                _WEIGHT[f.severity],
                f.customer or "",
                f.where is None,
                (f.where.file, f.where.line or 0, f.where.column or 0) if f.where else ("", 0, 0),
                f.subscription or "",
                f.code,
                f.message,
            ),
        )
    )
