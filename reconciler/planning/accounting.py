"""Where every line of the month's invoices ended up: billed, excluded by a named rule, or blocked (decision 6)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Invoice, InvoiceLine, Motion
from reconciler.domain.mapping import Align, Customer, Program, Sync
from reconciler.domain.money import ZERO, Money, summed
from reconciler.domain.plan import Coverage
from reconciler.planning.deciding import subscription_id
from reconciler.planning.gathered import left_out
from reconciler.planning.ledger import Account, Entry, Ledger
from reconciler.planning.one_customer import CustomerMonth
from reconciler.planning.telling import Telling
from reconciler.rules.allocation import allocatable, word_of

_Months = dict[tuple[str, Motion], CustomerMonth]

LineKey = tuple[str, int, str]
"""A line of a document: the document's number, the line's, and the tenant's id."""

NOTHING: Mapping[LineKey, str] = {}
ALL_OF_IT = Telling()
BILLED, EXCLUDED, BLOCKED = "billed", "excluded", "blocking"
UNALLOCATED = "P9 unallocated"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one line, and by which rule. `unmapped`: it is not billed for want of a mapping."""

    outcome: str
    rule: str
    unmapped: bool = False


LeftOut = Mapping[tuple[str, Motion], tuple[tuple[InvoiceLine, str], ...]]
"""Lines that are not billed, with the reason, by customer and motion: what an agreement's bill is without."""


@dataclass(frozen=True, slots=True)
class Accounted:
    """The sums of the month's lines by outcome, findings for what is not billed, the unmapped money, and the lines that
    wait for a decision, with their customers (P9), and the accounts that no customer is mapped to. `lines` has each
    line with what became of it.
    """

    coverage: tuple[Coverage, ...]
    findings: tuple[Finding, ...]
    unmapped: tuple[Money, ...]
    left_out: LeftOut
    unallocated: tuple[tuple[Customer, Entry], ...] = ()
    unknown: tuple[Account, ...] = ()
    lines: tuple[tuple[Entry, Outcome], ...] = ()


_TRUE_UP = Outcome(BILLED, "true-up")
_ALLOCATED = {
    "billed": Outcome(BILLED, "P9 passed on by a decision"),
    "kept back": Outcome(EXCLUDED, "P9 kept back by a decision"),
    "left out": Outcome(EXCLUDED, "customer left out"),
    "blocked": Outcome(BLOCKED, "error findings"),
}


def account_for(
    ledger: Ledger,
    program: Program,
    customers: Iterable[Customer],
    months: Iterable[CustomerMonth],
    kept: frozenset[str] = frozenset(),
    allocated: Mapping[LineKey, str] = NOTHING,
    told: Telling = ALL_OF_IT,
) -> Accounted:
    """Accounts for every line on the month's invoices of a program's source that is the program's to tell of (`told`).
    `allocated` tells of each line that a decision speaks of what became of it.
    """
    by_account = _customers_by_account(ledger, customers)
    decided = {(m.customer.name, m.motion): m for m in months}
    tally: dict[tuple[str, str], list[Money]] = {}
    findings: list[Finding] = []
    unmapped: list[Money] = []
    waiting: list[tuple[Customer, Entry]] = []
    unknown: list[Account] = []
    aside: dict[tuple[str, Motion], list[tuple[InvoiceLine, str]]] = {}
    lines: list[tuple[Entry, Outcome]] = []
    for account in sorted(ledger.accounts.values(), key=lambda a: a.tenant):
        owners = by_account.get(account.tenant, [])
        outcomes = [
            (
                entry,
                _kept(entry, kept) or _allocated(entry, allocated) or _outcome(entry, owners, decided, program, ledger),
            )
            for entry in account.of_month
            if told.tells(account.tenant, entry[1].motion, mapped=bool(owners))
        ]
        lines += outcomes
        unknown += [account] if told.unknown(account.tenant, mapped=bool(owners)) else []
        waiting += [(owners[0], entry) for entry, outcome in outcomes if outcome.rule.startswith(UNALLOCATED)]
        for (invoice, line), outcome in outcomes:
            money = Money(line.amount or ZERO, invoice.currency)
            tally.setdefault((outcome.outcome, outcome.rule), []).append(money)
            if outcome.unmapped:
                unmapped.append(money)
            if outcome.outcome == BILLED or (invoice.number, line.number, line.customer.tenant) in allocated:
                continue
            if owner := _owner(owners, line):
                aside.setdefault((owner.name, line.motion), []).append((line, outcome.rule))
        findings += _findings(account, owners, outcomes)
    coverage = tuple(
        Coverage(outcome, rule, len(amounts), summed(amounts)) for (outcome, rule), amounts in sorted(tally.items())
    )
    left_out = {key: tuple(lines) for key, lines in aside.items()}
    return Accounted(
        coverage, tuple(findings), summed(unmapped), left_out, tuple(waiting), tuple(unknown), tuple(lines)
    )


def _kept(entry: Entry, kept: frozenset[str]) -> Outcome | None:
    if not kept or entry[1].motion is not Motion.SEAT_MONTHLY or subscription_id(entry[1].subscription) not in kept:
        return None
    return Outcome(EXCLUDED, "P41 kept by a reviewed override")


def _customers_by_account(ledger: Ledger, customers: Iterable[Customer]) -> dict[str, list[Customer]]:
    owners: dict[str, list[Customer]] = {}
    for customer in customers:
        account = ledger.account(customer.tenant)
        if account:
            owners.setdefault(account.tenant, []).append(customer)
    return owners


def _outcome(
    entry: Entry,
    owners: list[Customer],
    decided: _Months,
    program: Program,
    ledger: Ledger,
) -> Outcome:
    invoice, line = entry
    if not owners:
        return Outcome(EXCLUDED, "unmapped customer", unmapped=True)
    if allocatable(invoice, line):
        return _waiting(owners, invoice, line, program, ledger)
    if line.motion not in program.motions:
        return Outcome(EXCLUDED, f"P23 motion {line.motion} not enabled")
    owner = _owner(owners, line)
    if owner is None:
        return Outcome(EXCLUDED, f"P23 motion {line.motion} not mapped", unmapped=True)
    month = decided.get((owner.name, line.motion))
    if month and month.repeated and (invoice.number, line.number) in month.repeated:
        return Outcome(EXCLUDED, "P53 charged again")
    return _of_owner(owner, entry, decided, program, ledger)


def _waiting(owners: list[Customer], invoice: Invoice, line: InvoiceLine, program: Program, ledger: Ledger) -> Outcome:
    """A line that only a decision bills: it waits for one, unless the mapping leaves the customer out."""
    rule = left_out(owners[0], program, ledger.month)
    return Outcome(EXCLUDED, rule or f"{UNALLOCATED} {word_of(invoice, line)}")


def _allocated(entry: Entry, allocated: Mapping[LineKey, str]) -> Outcome | None:
    """What became of a line that a decision speaks of."""
    if not allocated:
        return None
    invoice, line = entry
    what = allocated.get((invoice.number, line.number, line.customer.tenant))
    return _ALLOCATED[what] if what else None


def _owner(owners: Iterable[Customer], line: InvoiceLine) -> Customer | None:
    """The customer that a line's motion is mapped for."""
    for owner in owners:
        if line.motion in owner.agreements:
            return owner
    return None


def _of_owner(
    owner: Customer,
    entry: Entry,
    decided: _Months,
    program: Program,
    ledger: Ledger,
) -> Outcome:
    _, line = entry
    rule = left_out(owner, program, ledger.month)
    month = decided.get((owner.name, line.motion))
    if month is None:
        return Outcome(EXCLUDED, rule or "not selected")
    if month.blocked:
        return Outcome(BLOCKED, "error findings")
    if month.withheld:
        return Outcome(EXCLUDED, "customer left out", unmapped=owner.sync is not Sync.PREVIEW)
    if line.motion is Motion.SEAT_MONTHLY and owner.changes.align is Align.CHARGE_CYCLE:
        return _of_cycle(entry, month)
    return _of_seats(line, ledger)


def _of_cycle(entry: Entry, month: CustomerMonth) -> Outcome:
    """What became of a line of a customer whose records copy the lines (C27)."""
    invoice, line = entry
    if not line.charge.counts_seats:
        return Outcome(EXCLUDED, f"P9 {line.charge} lines carry no seats")
    place = (invoice.number, line.number)
    for decided in month.decided:
        if decided.subscription != line.subscription:
            continue
        for row, rule in decided.left_out:
            if (row.invoice, row.line.number) == place:
                return Outcome(EXCLUDED, rule)
        if any((row.invoice, row.line.number) == place for row in decided.lines):
            return Outcome(BILLED, "C27 line by line")
    return Outcome(EXCLUDED, "level of no day")


def _of_seats(line: InvoiceLine, ledger: Ledger) -> Outcome:
    if line.motion is not Motion.SEAT_MONTHLY:
        return Outcome(BILLED, "P52 usage of the month" if line.motion is Motion.AZURE else "P53 billed once")
    if line.span and line.span.last < ledger.month.first:
        return Outcome(EXCLUDED, "late charge for an earlier month")
    return _TRUE_UP


def _findings(account: Account, owners: list[Customer], outcomes: list[tuple[Entry, Outcome]]) -> Iterator[Finding]:
    """One finding per customer and reason for lines that are not billed, with the distributor's cost."""
    by_rule: dict[str, list[Entry]] = {}
    for entry, outcome in outcomes:
        if outcome.outcome == EXCLUDED:
            by_rule.setdefault(outcome.rule, []).append(entry)
    name = owners[0].name if owners else None
    for rule, entries in by_rule.items():
        for currency in sorted({invoice.currency for invoice, _ in entries}):
            yield _finding(rule, [e for e in entries if e[0].currency == currency], currency, name, account)


# The reasons that a person chose, or that another finding tells already: said, but no warning.
_QUIET = ("P11", "P5 ", "P41", "P9 kept back", "not selected", "customer left out", "C27 billed already")


def _finding(rule: str, entries: list[Entry], currency: str, customer: str | None, account: Account) -> Finding:
    amount = sum((line.amount or ZERO for _, line in entries), ZERO)
    severity = Severity.INFO if rule.startswith(_QUIET) else Severity.WARNING
    _, first = entries[0]
    lines = f"{len(entries)} invoice line{'s' if len(entries) > 1 else ''}"
    if customer is None:
        shown = account.name or account.domain or account.tenant
        return Finding(
            severity,
            "unmapped-customer",
            f"'{shown}' (tenant {account.tenant}) is mapped to no customer: {lines} not billed",
            where=first.place,
            hint="map it under `customers:`, or set `sync: false` for it there; the plan ends with an entry to paste",
            amount=Money(amount, currency),
        )
    return Finding(
        severity,
        rule.split(" ", 1)[0] if rule[0] == "P" and rule[1].isdigit() else rule.replace(" ", "-"),
        f"{lines} not billed: {rule}",
        customer=customer,
        where=first.place,
        hint=_HINTS.get(rule.split(" ", 1)[0]),
        amount=Money(amount, currency),
    )


_HINTS = {
    "P53": "another invoice charges the same seats, days and price: take one of them out, or ask for a credit",
    "P23": "map the motion to an agreement under the customer's `agreements:`, or bill it by hand",
    "P9": "decide each under `credits:` in decisions/: the plan ends with entries to paste",
    "late": "plan the month that the line covers: reconciler plan --month …",
}
