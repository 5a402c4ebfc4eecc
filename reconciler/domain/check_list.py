"""What a preflight checked and found: a value for each thing, whether it is well or not, for people and for tools."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from reconciler.domain.finding import Finding, Place, Severity
from reconciler.domain.invoice import Motion


class Group(StrEnum):
    """What a check is about, in the order in which a person reads it: each rests on those before it."""

    MAPPING = "mapping"
    SOURCE = "source"
    PSA = "psa"
    PRODUCTS = "products"
    CUSTOMER = "customer"


class Standing(StrEnum):
    """How a check ended. `skipped` is one that could not be made, and says why."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked. `subject` is the source, target, program or customer that it is about.

    `name` is stable and says what was checked (`prorates`); `code` is the rule or the finding where there is one.
    `hint` says what to do, and `menu` where in the PSA a person does it; `also` counts further cases of the same kind
    that are not listed.
    """

    group: Group
    subject: str
    name: str
    standing: Standing
    message: str
    code: str | None = None
    motion: Motion | None = None
    hint: str | None = None
    menu: str | None = None
    where: Place | None = None
    also: int = 0

    @property
    def failed(self) -> bool:
        """Whether it stands in the way of a plan."""
        return self.standing is Standing.FAIL


def check_of(finding: Finding, group: Group, subject: str, name: str, motion: Motion | None = None) -> Check:
    """A finding as a check: an error has failed, a warning warns."""
    standing = {Severity.ERROR: Standing.FAIL, Severity.WARNING: Standing.WARN, Severity.INFO: Standing.OK}
    return Check(
        group,
        subject,
        name,
        standing[finding.severity],
        finding.message,
        code=finding.code,
        motion=motion,
        hint=finding.hint,
        where=finding.where,
    )


def any_failed(checks: Iterable[Check]) -> bool:
    """Whether any of the checks failed."""
    return any(check.failed for check in checks)
