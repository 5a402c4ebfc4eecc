"""What is decided for a customer's month on one agreement: values that each motion fills and the plan reads."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Protocol

from reconciler.domain.days import Month
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Align, Customer, Program, Rounding
from reconciler.domain.money import ZERO, Money, summed
from reconciler.domain.price_list import PriceList
from reconciler.domain.records import Addition, Agreement
from reconciler.planning.ledger import Account, Entry, Ledger
from reconciler.planning.shelf import Shelf
from reconciler.rules.charged import Charged, ChargedLine
from reconciler.rules.drafts import Decision


class Recounted(Protocol):
    """What tells the seats by day of a decision anew: most are never asked for, and need not be kept."""

    def charged_for(self, decided: "Decided") -> Charged:
        """What the decision's lines charge, day by day."""
        ...


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided for one subscription and product: the lines that charge it, what stands, and the drafts.

    `charged_days` are the seat-days that the lines charge on the month's days (zero for what is not seats by day);
    `due` is what they are worth at the partner's price, unrounded; `adopted` are ids of records that get their serial
    number. `once` tells that the records bill once, on whatever invoice comes next, and not by the month. `bills_in` is
    the month of a record that passes a single line on, which need not be the planned one (P9). `by_day` is the step
    function behind the decision, where it is of seats by day, or what counts it anew. Under `align` charge-cycle they
    copy the month's invoice lines: `due` is rounded line by line, and `left_out` are lines that are not billed, each
    with the rule that says so.
    """

    subscription: str
    product: str
    lines: tuple[ChargedLine, ...]
    standing: tuple[Addition, ...]
    decision: Decision
    charged_days: Decimal
    due: Decimal
    adopted: frozenset[str] = frozenset()
    once: bool = False
    bills_in: Month | None = None
    by_day: Charged | Recounted | None = None
    align: Align = Align.CALENDAR
    left_out: tuple[tuple[ChargedLine, str], ...] = ()

    @property
    def charged(self) -> Charged | None:
        """The seats by day behind the decision; None where it is not of seats by day."""
        by_day = self.by_day
        return by_day if by_day is None or isinstance(by_day, Charged) else by_day.charged_for(self)


@dataclass(frozen=True, slots=True)
class Old:
    """A record that another tool or a person wrote, on another agreement of the customer's company (cut-over).

    `product` is the key of its product; `subscription` the one that it bills, None where it cannot be told; `charged`
    whether the month's invoices charge the product. `why` says why it must be left as it is, by the rule `code`.
    """

    record: Addition
    agreement: Agreement
    product: str
    subscription: str | None
    charged: bool
    why: str = ""
    code: str = "E8"


@dataclass(frozen=True, slots=True)
class Foreign:
    """A record on the mapped agreement that carries no subscription's id, and the key of its product (cut-over)."""

    record: Addition
    product: str


@dataclass(frozen=True, slots=True)
class TakeOver:
    """The old records of a customer: those on the mapped agreement, and those on others, which hand over on `day`, the
    first that ours bill instead; and per other agreement what ends on it.
    """

    here: tuple[Foreign, ...]
    elsewhere: tuple[Old, ...]
    day: date
    ending: "tuple[CustomerMonth, ...]" = ()


@dataclass(frozen=True, slots=True)
class CustomerMonth:
    """A customer's month by one motion: every subscription's decision, or the findings that keep it out (`blocked`).

    `withheld`: nothing is written, though there is no error (an unmapped SKU, a preview). `held` are records of the
    program's products that belong to no decision: they bill on. `take_over` is there only where a cut-over was asked.
    `repeated` are the lines, by invoice and number, that charge again what another one charges already.
    `unspoken`: no document speaks of the customer's month. `rounding` is the target's.
    """

    customer: Customer
    motion: Motion
    program: Program
    agreement: Agreement | None
    account: Account | None
    currency: str
    decided: tuple[Decided, ...]
    findings: tuple[Finding, ...]
    withheld: bool = False
    held: tuple[Addition, ...] = ()
    take_over: TakeOver | None = None
    repeated: frozenset[tuple[str, int]] = frozenset()
    unspoken: bool = False
    rounding: Rounding = Rounding.LINE

    @property
    def blocked(self) -> bool:
        """Whether an error keeps the customer out of the plan."""
        return any(finding.blocks for finding in self.findings)

    @property
    def writes(self) -> bool:
        """Whether the decisions are to be written."""
        return not self.blocked and not self.withheld


@dataclass(frozen=True, slots=True)
class Situation:
    """What a customer's decisions rest on, the same for all customers of a program. `kept` are the subscriptions
    (ids in lower case) that a reviewed override leaves as they are (P41).
    """

    program: Program
    ledger: Ledger
    price_list: PriceList
    shelf: Shelf
    month: Month
    kept: frozenset[str] = frozenset()


def currency_of(entries: Iterable[Entry], agreement: Agreement) -> tuple[str, list[str]]:
    """The currency of an agreement's month, and all that the lines are in, sorted."""
    found = sorted({invoice.currency for invoice, _ in entries})
    return (found[0] if found else agreement.currency or ""), found


def about(finding: Finding, subscription: str, entries: Iterable[Entry]) -> Finding:
    """A finding about a product, with the line that charged it and the distributor's cost of all of them."""
    entries = list(entries)
    amounts = summed(Money(line.amount or ZERO, invoice.currency) for invoice, line in entries)
    return replace(
        finding,
        subscription=subscription,
        where=finding.where or entries[0][1].place,
        amount=amounts[0] if len(amounts) == 1 else None,
    )


def named(findings: Iterable[Finding], customer: Customer) -> tuple[Finding, ...]:
    """The findings with their customer's name."""
    return tuple(replace(finding, customer=customer.name) for finding in findings)


def withheld_preview(month: CustomerMonth) -> CustomerMonth:
    """The same month with nothing to write: a customer whose `sync` is `preview` (P62)."""
    count = sum(len(d.decision.drafts) for d in month.decided)
    note = Finding(
        Severity.INFO,
        "preview",
        f"{count} changes would be made for {month.motion}; nothing is written while `sync: preview` stands",
        customer=month.customer.name,
        where=month.customer.place,
    )
    return replace(month, findings=(*month.findings, note), withheld=True)
