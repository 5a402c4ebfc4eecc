"""What the engine decides, before it is a plan: one draft per record that is to be written."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reconciler.domain.finding import Finding
from reconciler.domain.plan import Action, Because
from reconciler.domain.records import Addition
from reconciler.rules.charged import Rate


@dataclass(frozen=True, slots=True)
class Draft:
    """A record to write. `standing` is the record as it stands, None for a new one; the other fields are as they are to
    be. Days inclusive, `cancelled` None: open. `note` goes into the description, where the record is known again by it;
    `text` is the whole description, where a rule writes it.
    """

    action: Action
    standing: Addition | None
    quantity: Decimal
    rate: Rate
    effective: date
    cancelled: date | None
    because: tuple[Because, ...]
    note: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A credit that the policy keeps from the customer: what it would have been worth (interface §6.13)."""

    amount: Decimal
    days: tuple[date, date]


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome for one subscription and product: the drafts in the order of writing, and what a person should know.

    An error finding comes with no drafts. `assumed_from` is set where the days before it were left as they are, for no
    document speaks of them.
    """

    drafts: tuple[Draft, ...]
    findings: tuple[Finding, ...]
    suppressed: Suppressed | None = None
    assumed_from: date | None = None


AS_CHARGED = Decision((), ())
"""The decision where one open record is what was charged all month and goes on. It is told by identity: any decision
that was made from it, an adoption or an edit taken back, is another one.
"""
