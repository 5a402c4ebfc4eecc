"""Where every line of the month's invoices ended up: billed, excluded by a named rule, or blocked (decision 6)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Invoice, InvoiceLine, Motion
from reconciler.domain.mapping import Align, Customer, Program, Sync
from reconciler.domain.money import ZERO, Money, Sums
from reconciler.domain.plan import Coverage
from reconciler.planning.deciding import subscription_id
from reconciler.planning.gathered import left_out
from reconciler.planning.ledger import Account, Entry, Ledger
from reconciler.planning.one_customer import CustomerMonth
from reconciler.planning.telling import Telling
from reconciler.rules.allocation import allocatable, word_of

_Months = dict[tuple[str, Motion], CustomerMonth]
_Owners = list[Customer]

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


@dataclass(frozen=True, slots=True)
class _OfMotion:
    """What becomes of an account's lines of one motion: the same for all of them, or told line by line by what was
    decided for the customer's `month`; `copies`: its records copy the lines (C27).
    """

    outcome: Outcome | None
    month: CustomerMonth | None = None
    copies: bool = False


_TRUE_UP = Outcome(BILLED, "true-up")
_UNMAPPED = Outcome(EXCLUDED, "unmapped customer", unmapped=True)
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
    tally: dict[tuple[str, str], Sums] = {}
    findings: list[Finding] = []
    unmapped = Sums()
    waiting: list[tuple[Customer, Entry]] = []
    unknown: list[Account] = []
    aside: dict[tuple[str, Motion], list[tuple[InvoiceLine, str]]] = {}
    lines: list[tuple[Entry, Outcome]] = []
    for account in sorted(ledger.accounts.values(), key=lambda a: a.tenant):
        owners = by_account.get(account.tenant, [])
        motions: dict[Motion, _OfMotion] = {}
        outcomes = []
        for entry in account.of_month:
            motion = entry[1].motion
            if not told.tells(account.tenant, motion, mapped=bool(owners)):
                continue
            if motion not in motions:
                motions[motion] = _of_motion(motion, owners, decided, program, ledger)
            outcome = _kept(entry, kept) or _allocated(entry, allocated)
            outcomes.append((entry, outcome or _outcome(entry, owners, motions[motion], program, ledger)))
        lines += outcomes
        unknown += [account] if told.unknown(account.tenant, mapped=bool(owners)) else []
        waiting += [(owners[0], entry) for entry, outcome in outcomes if outcome.rule.startswith(UNALLOCATED)]
        for (invoice, line), outcome in outcomes:
            amount, group = line.amount or ZERO, (outcome.outcome, outcome.rule)
            if group not in tally:
                tally[group] = Sums()
            tally[group].add(amount, invoice.currency)
            if outcome.unmapped:
                unmapped.add(amount, invoice.currency)
            if outcome.outcome == BILLED or (invoice.number, line.number, line.customer.tenant) in allocated:
                continue
            if owner := _owner(owners, line.motion):
                aside.setdefault((owner.name, line.motion), []).append((line, outcome.rule))
        findings += _findings(account, owners, outcomes)
    coverage = tuple(
        Coverage(outcome, rule, found.count, found.money())
        for (outcome, rule), found in sorted(tally.items(), key=itemgetter(0))
    )
    left_out = {key: tuple(lines) for key, lines in aside.items()}
    return Accounted(
        coverage, tuple(findings), unmapped.money(), left_out, tuple(waiting), tuple(unknown), tuple(lines)
    )


def _kept(entry: Entry, kept: frozenset[str]) -> Outcome | None:
    if not kept or entry[1].motion is not Motion.SEAT_MONTHLY or subscription_id(entry[1].subscription) not in kept:
        return None
    return Outcome(EXCLUDED, "P41 kept by a reviewed override")


def _customers_by_account(ledger: Ledger, customers: Iterable[Customer]) -> dict[str, _Owners]:
    owners: dict[str, _Owners] = {}
    for customer in customers:
        account = ledger.account(customer.tenant)
        if account:
            owners.setdefault(account.tenant, []).append(customer)
    return owners


def _of_motion(motion: Motion, owners: _Owners, decided: _Months, program: Program, ledger: Ledger) -> _OfMotion:
    """What becomes of an account's lines of a motion, as far as the mapping and what was decided say it of them all."""
    if not owners:
        return _OfMotion(_UNMAPPED)
    if motion not in program.motions:
        return _OfMotion(Outcome(EXCLUDED, f"P23 motion {motion} not enabled"))
    owner = _owner(owners, motion)
    if owner is None:
        return _OfMotion(Outcome(EXCLUDED, f"P23 motion {motion} not mapped", unmapped=True))
    month = decided.get((owner.name, motion))
    if month is None:
        return _OfMotion(Outcome(EXCLUDED, left_out(owner, program, ledger.month) or "not selected"))
    if not month.writes:
        out = Outcome(EXCLUDED, "customer left out", unmapped=owner.sync is not Sync.PREVIEW)
        return _OfMotion(Outcome(BLOCKED, "error findings") if month.blocked else out, month)
    copies = motion is Motion.SEAT_MONTHLY and owner.changes.align is Align.CHARGE_CYCLE
    return _OfMotion(None, month, copies)


def _outcome(entry: Entry, owners: _Owners, found: _OfMotion, program: Program, ledger: Ledger) -> Outcome:
    invoice, line = entry
    if owners and allocatable(invoice, line):
        return _waiting(owners, invoice, line, program, ledger)
    month = found.month
    if month and month.repeated and (invoice.number, line.number) in month.repeated:
        return Outcome(EXCLUDED, "P53 charged again")
    if found.outcome:
        return found.outcome
    return _of_cycle(entry, month) if month and found.copies else _of_seats(line, ledger)


def _waiting(owners: _Owners, invoice: Invoice, line: InvoiceLine, program: Program, ledger: Ledger) -> Outcome:
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


def _owner(owners: Iterable[Customer], motion: Motion) -> Customer | None:
    """The customer that a motion is mapped for."""
    return next((owner for owner in owners if motion in owner.agreements), None)


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


def _findings(account: Account, owners: _Owners, outcomes: list[tuple[Entry, Outcome]]) -> Iterator[Finding]:
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
