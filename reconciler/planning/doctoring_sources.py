"""What a plan needs of a source: files that can be read, the month, every mapped tenant, a price for all charged."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from reconciler.domain.check_list import Check, Group, Standing, check_of
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Customer
from reconciler.domain.money import ZERO
from reconciler.planning.gathered import Documents, Gathered
from reconciler.planning.ledger import Account, Entry, Ledger, key_of, newest_month
from reconciler.planning.rates import Pricing

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class _Source:
    """One source as it was read, and the customers to plan from it."""

    name: str
    documents: Documents
    ledger: Ledger
    gathered: Gathered
    customers: tuple[tuple[Customer, tuple[Motion, ...]], ...]

    def check(self, name: str, standing: Standing, message: str, hint: str | None = None) -> Check:
        """A check about this source."""
        return Check(Group.SOURCE, self.name, name, standing, message, hint=hint)


def source_checks(gathered: Gathered) -> list[Check]:
    """The checks of every source that the target's programs use."""
    programs = [p for p in gathered.mappings.programs.values() if p.target == gathered.target]
    checks: list[Check] = []
    for name in sorted({program.source for program in programs}):
        customers = tuple(
            (customer, motions)
            for customer in gathered.mappings.customers
            if gathered.mappings.programs[customer.program] in programs
            and gathered.mappings.programs[customer.program].source == name
            and (motions := gathered.request.chooses(customer, gathered.mappings.programs[customer.program]))
        )
        source = _Source(name, gathered.documents[name], gathered.ledgers[name], gathered, customers)
        checks += _of_source(source)
    return checks


def _of_source(source: _Source) -> Iterator[Check]:
    yield from _files(source)
    if not source.documents.invoices:
        why = "no invoice was read"
        yield source.check("month", Standing.SKIPPED, f"whether {source.ledger.month} is covered: {why}")
        yield source.check("tenants", Standing.SKIPPED, f"whether each mapped tenant is named: {why}")
        yield source.check("prices", Standing.SKIPPED, f"whether everything charged has a price: {why}")
        return
    yield _month(source)
    yield from _tenants(source)
    yield from _prices(source)


def _files(source: _Source) -> Iterator[Check]:
    documents = source.documents
    lines = sum(len(invoice.lines) for invoice in documents.invoices)
    if documents.invoices:
        files = len({invoice.document.path for invoice in documents.invoices})
        message = f"read without loss (files: {files}, invoices: {len(documents.invoices)}, lines: {lines})"
        if any(finding.blocks for finding in documents.findings):
            message = f"read in part (files: {files}, invoices: {len(documents.invoices)}, lines: {lines})"
        yield source.check("files", Standing.OK, message)
    yield from _by_kind(source, [f for f in documents.findings if f.severity is not Severity.INFO])
    if not documents.invoices and not any(finding.blocks for finding in documents.findings):
        hint = f"put the distributor's invoices where sources.{source.name}.invoices looks for them"
        yield source.check("files", Standing.FAIL, "no invoice was read", hint)


def _by_kind(source: _Source, findings: Iterable[Finding]) -> Iterator[Check]:
    """The documents' findings, one of each kind: the same mistake often stands in every row."""
    kinds: dict[tuple[Severity, str], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.severity, finding.code), []).append(finding)
    for found in kinds.values():
        check = check_of(found[0], Group.SOURCE, source.name, "files")
        yield replace(check, also=len(found) - 1)


def _month(source: _Source) -> Check:
    month, invoices = source.ledger.month, source.ledger.invoices
    if invoices:
        return source.check(
            "month", Standing.OK, f"{month} is covered: its invoices are {_named(i.number for i in invoices)}"
        )
    newest = newest_month(source.documents.invoices)
    return source.check(
        "month",
        Standing.FAIL,
        f"no invoice of {month} was read; the newest is of {newest}",
        "add the month's invoices, or say another month with --month",
    )


def _tenants(source: _Source) -> Iterator[Check]:
    """Each mapped tenant, by whether the documents name it. One that no document of any month names may be mistyped."""
    month, missing = source.ledger.month, 0
    for customer, _ in source.customers:
        known = source.ledger.account(customer.tenant) is not None
        if known and (source.ledger.speaks_of(customer.tenant) or not source.ledger.invoices):
            continue
        missing += 1
        where = f"invoice of {month}" if known else "invoice"
        yield Check(
            Group.SOURCE,
            source.name,
            "tenants",
            Standing.WARN,
            f"no {where} names {customer.name}, tenant {customer.tenant}",
            code="no-invoice",
            hint="compare the tenant with what the invoices say: reconciler read FILE",
            where=customer.place,
        )
    if not missing:
        message = f"each mapped tenant is named by an invoice (customers: {len(source.customers)})"
        yield source.check("tenants", Standing.OK, message)


def _prices(source: _Source) -> Iterator[Check]:
    """A price for all that was charged to the mapped customers, and on the price list where there is one."""
    charged: set[str] = set()
    unlisted: set[str] = set()
    unpriced: dict[str, Finding] = {}
    for customer, entry in _charged(source):
        key, finding = key_of(entry[1]), _unpriced(customer, entry, source)
        charged.add(key)
        if finding:
            unpriced.setdefault(key, finding)
        elif source.documents.price_list.on(key, source.ledger.month.last, entry[0].currency) is None:
            unlisted.add(key)
    if not charged:
        why = f"no seat was charged to a mapped customer in {source.ledger.month}"
        yield source.check("prices", Standing.SKIPPED, f"whether everything charged has a price: {why}")
    for finding in unpriced.values():
        yield check_of(finding, Group.SOURCE, source.name, "prices")
    if unlisted and source.documents.has_price_list:
        yield source.check(
            "prices",
            Standing.WARN,
            f"the price list lacks {_named(sorted(unlisted))}; the invoices' own prices are taken",
            f"add them to sources.{source.name}.price_list, valid on {source.ledger.month.last}",
        )
    elif charged and not unpriced:
        where = "on the price list" if source.documents.has_price_list else "on the invoices; no price list is declared"
        yield source.check("prices", Standing.OK, f"all charged seats have a price {where} (SKUs: {len(charged)})")


def _charged(source: _Source) -> Iterator[tuple[Customer, Entry]]:
    for customer, motions in source.customers:
        account = source.ledger.account(customer.tenant)
        for entry in _entries(account, motions) if account else ():
            yield customer, entry


def _entries(account: Account, motions: Iterable[Motion]) -> Iterator[Entry]:
    """The lines whose price is a unit's: seats. Usage is billed at its own amount and needs no price."""
    if Motion.SEAT_MONTHLY in motions:
        for entries in account.seats.values():
            yield from entries
    if Motion.SEAT_ANNUAL in motions:
        yield from account.once.get(Motion.SEAT_ANNUAL, ())


def _unpriced(customer: Customer, entry: Entry, source: _Source) -> Finding | None:
    invoice, line = entry
    pricing = Pricing(source.gathered.mappings.prices, customer.program, customer.name, source.documents.price_list)
    day = max(line.span.first, source.ledger.month.first) if line.span else invoice.period.first
    # What the PSA has is not known here; a rule that leaves the price to it is content with any.
    rate = pricing.rate(invoice, line, key_of(line), day, ZERO)
    return rate if isinstance(rate, Finding) else None


def _named(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    return ", ".join(known[:_MOST_NAMED]) + more
