"""What a person decided and another reviewed: the values of the files in `decisions/`.

A decision never changes what an invoice or a PSA says; it says what is to be done about a difference between them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from reconciler.domain.days import Month
from reconciler.domain.finding import Place
from reconciler.domain.plan import Verdict
from reconciler.domain.records import AgreementRef


class RecordField(StrEnum):
    """The fields of a billing record in which a person's edit is seen, by the names that the plan file has for them."""

    QUANTITY = "quantity"
    UNIT_PRICE = "unit_price"
    UNIT_COST = "unit_cost"
    EFFECTIVE = "effective"
    CANCELLED = "cancelled"
    SERIAL_NUMBER = "serial_number"
    PRODUCT = "product"
    DESCRIPTION = "description"


FieldValue = Decimal | date | str | None
"""What a field holds. None is an end that is open, or nothing at all."""


@dataclass(frozen=True, slots=True)
class Override:
    """A person's edit in the PSA that is kept (rulebook P41, C8), up to and including the month `until`.

    It names its record by the PSA's id (`record`), or by customer, subscription and first day. It holds while the PSA
    has what `keep` says; with `gone`, while the record is not there.
    """

    keep: Mapping[RecordField, FieldValue]
    gone: bool
    reason: str
    by: str
    until: Month
    place: Place
    record: str | None = None
    customer: str | None = None
    subscription: str | None = None
    effective: date | None = None

    def __str__(self) -> str:
        if self.record is not None:
            return f"record {self.record}"
        return f"subscription {self.subscription} of {self.customer} from {self.effective}"


@dataclass(frozen=True, slots=True)
class PassOn:
    """The price at which a line is passed on, for the line as a whole: `basis` is retail, cost or fixed; `amount` is
    added to it (for fixed: is the price), `percent` likewise, of it. Unsigned: the sign is the line's.
    """

    basis: str
    amount: Decimal
    percent: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class AcceptedCredit:
    """A line of a credit note or an adjustment, or a one-off charge, that is billed to a customer on one of its
    agreements (rulebook P9). `amount` is what is billed, signed, in the document's currency; `price` the rule for it;
    with neither, the customer's own prices decide.
    """

    invoice: str
    line: int
    customer: str
    agreement: AgreementRef
    reason: str
    by: str | None
    place: Place
    amount: Decimal | None = None
    price: PassOn | None = None


@dataclass(frozen=True, slots=True)
class ReviewedVerdict:
    """What a person says of an agreement's month after looking into it, in place of what the comparison alone says."""

    month: Month
    customer: str
    agreement: AgreementRef
    verdict: Verdict
    reason: str
    by: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class Decisions:
    """All decisions of a repository, in the order of their files' names. `sha256` is of the files' names and content;
    empty where there is no file.
    """

    overrides: tuple[Override, ...] = ()
    credits: tuple[AcceptedCredit, ...] = ()
    verdicts: tuple[ReviewedVerdict, ...] = ()
    sha256: str = ""


NO_DECISIONS = Decisions()
