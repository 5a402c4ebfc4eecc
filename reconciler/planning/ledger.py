"""All that the documents charged, indexed for one month: an invoice is not a month of a subscription's life.

A charge cycle may begin in one invoice and end in the next, so the seats of a month come from the lines of every
invoice read; what must be accounted for are the lines of the month's own invoices.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from reconciler.domain.bulk import without_collections
from reconciler.domain.days import Month
from reconciler.domain.invoice import Charge, Invoice, InvoiceLine, Kind, Motion, Semantics
from reconciler.domain.money import ZERO
from reconciler.domain.price_list import product_key
from reconciler.planning.levels import has_seats, seat_lines
from reconciler.rules.matching import Key

Entry = tuple[Invoice, InvoiceLine]


@dataclass(slots=True)
class Account:
    """The lines of one tenant. `seats` are monthly seats that cover a day of the month, by subscription and product;
    `once` the lines of the month's invoices that are billed as they stand (Azure usage, annual seats), by motion;
    `scheduled` speak of a renewal, by subscription; `of_month` are all lines on the month's own invoices;
    `next_opening` is what invoices of later months charge on the first day after the month, and `goes_on` what those up
    to the month charge on it: a charge cycle may run beyond the month.
    """

    tenant: str
    name: str = ""
    domain: str = ""
    seats: dict[Key, list[Entry]] = field(default_factory=dict)
    next_opening: dict[Key, Decimal] = field(default_factory=dict)
    goes_on: dict[Key, Decimal] = field(default_factory=dict)
    once: dict[Motion, list[Entry]] = field(default_factory=dict)
    scheduled: dict[str, list[InvoiceLine]] = field(default_factory=dict)
    of_month: list[Entry] = field(default_factory=list)
    off_month: dict[Key, list[Entry]] = field(default_factory=dict)

    def add(self, entry: Entry, *, issued_for_month: bool) -> None:
        """Takes a line in."""
        invoice, line = entry
        customer = line.customer
        if customer.name:
            self.name = customer.name
        if customer.domain:
            self.domain = customer.domain
        if issued_for_month:
            self.of_month.append(entry)
        if invoice.kind is not Kind.INVOICE:
            return
        if line.scheduled:
            self.scheduled.setdefault(line.subscription, []).append(line)
        if line.motion is not Motion.SEAT_MONTHLY and issued_for_month and line.charge is not Charge.CREDIT:
            self.once.setdefault(line.motion, []).append(entry)

    def add_seats(self, entry: Entry, product: str, month: Month, *, issued_for_month: bool) -> None:
        """Takes in a line of monthly seats of a product, for the days that it covers."""
        invoice, line = entry
        span, key, days = line.span, (line.subscription, product), month.span
        if span is not None and span.first <= days.last and span.last >= days.first:
            if key in self.seats:
                self.seats[key].append(entry)
            else:
                self.seats[key] = [entry]
        elif issued_for_month:
            self.off_month.setdefault(key, []).append(entry)
        if span is not None and span.last > days.last and month.following.first in span:
            opening = self.next_opening if invoice.period.first > days.last else self.goes_on
            opening[key] = opening.get(key, ZERO) + line.quantity

    def issued(self, month: Month) -> dict[Key, list[Entry]]:
        """The monthly seats on the month's own invoices, whatever days they cover, by subscription and product."""
        groups: dict[Key, list[Entry]] = {}
        for charged in (self.seats, self.off_month):
            for key, entries in charged.items():
                own = [entry for entry in entries if bills(entry[0], month)]
                if own:
                    groups.setdefault(key, []).extend(own)
        return groups

    def keys(self, motion: Motion) -> set[str]:
        """The keys of the products that were charged by a motion."""
        if motion is Motion.SEAT_MONTHLY:
            return {key for charged in (self.seats, self.off_month) for _, key in charged}
        return {key_of(line) for _, line in self.once.get(motion, ())}


@dataclass(frozen=True, slots=True)
class Ledger:
    """The accounts of a source's documents for one month, by tenant id and by domain (both lower case).

    `everyone` tells that a document of the month stands for all customers, so that being absent from it means that
    nothing was charged; `covered` are the tenants that a document of the month names, `next_covered` those that one of
    the month after it names. `motions` are those by which a
    product was ever charged, by its key; `owners` the tenants of subscriptions, by id in lower case.
    """

    month: Month
    accounts: dict[str, Account]
    by_domain: dict[str, Account]
    invoices: tuple[Invoice, ...]
    everyone: bool
    covered: frozenset[str]
    next_covered: frozenset[str]
    motions: dict[str, frozenset[Motion]]
    owners: dict[str, str]

    def account(self, tenant: str) -> Account | None:
        """The account of a tenant, named by its id or its domain."""
        return self.accounts.get(tenant.lower()) or self.by_domain.get(tenant.lower())

    def speaks_of(self, tenant: str) -> bool:
        """Whether the month's documents say what was charged to a tenant, even if that is nothing."""
        account = self.account(tenant)
        return self.everyone or (account.tenant if account else tenant.lower()) in self.covered


def key_of(line: InvoiceLine) -> str:
    """The key of the product that a line charges (rulebook P26)."""
    return product_key(line.sku, line.term, line.billing)


def bills(invoice: Invoice, month: Month) -> bool:
    """Whether an invoice is one of a month: the month in which its period begins."""
    first = invoice.period.first
    return first.month == month.number and first.year == month.year


def newest_month(invoices: Iterable[Invoice]) -> Month | None:
    """The newest month that the documents cover; None where there is no document."""
    return max((Month.of(invoice.period.first) for invoice in invoices), default=None)


def keep_ledger(invoices: Iterable[Invoice], month: Month) -> Ledger:
    """The documents of a source as a ledger for one month."""
    # The collector would walk over every line that was read, several times: three quarters of the time of 50,000 lines.
    with without_collections():
        return _kept(invoices, month)


def _kept(invoices: Iterable[Invoice], month: Month) -> Ledger:
    accounts: dict[str, Account] = {}
    of_month: list[Invoice] = []
    everyone = False
    covered: set[str] = set()
    next_covered: set[str] = set()
    motions: dict[str, set[Motion]] = {}
    owners: dict[str, str] = {}
    for invoice in invoices:
        issued_for_month = bills(invoice, month)
        if issued_for_month:
            of_month.append(invoice)
            if invoice.kind is Kind.INVOICE:
                everyone = everyone or invoice.customer is None
                covered.update(_tenants(invoice))
        elif invoice.kind is Kind.INVOICE and bills(invoice, month.following):
            next_covered.update(_tenants(invoice))
        adds_up = invoice.kind is Kind.INVOICE and invoice.semantics is Semantics.SIGNED
        for line in invoice.lines:
            tenant = line.customer.tenant
            account = accounts.get(tenant)
            if account is None:
                account = accounts[tenant] = Account(tenant)
            entry = invoice, line
            account.add(entry, issued_for_month=issued_for_month)
            subscription = line.subscription
            # A lower-case copy of what is lower case already would be kept for each of a million.
            owners[subscription if subscription.islower() else subscription.lower()] = tenant
            key = key_of(line)
            if key not in motions:
                motions[key] = set()
            motions[key].add(line.motion)
            if adds_up and has_seats(line):
                account.add_seats(entry, key, month, issued_for_month=issued_for_month)
        for line in () if adds_up else seat_lines(invoice):
            account = accounts[line.customer.tenant]
            account.add_seats((invoice, line), key_of(line), month, issued_for_month=issued_for_month)
    return Ledger(
        month,
        accounts,
        {account.domain.lower(): account for account in accounts.values() if account.domain},
        tuple(of_month),
        everyone,
        frozenset(covered),
        frozenset(next_covered),
        {key: frozenset(found) for key, found in motions.items()},
        owners,
    )


def _tenants(invoice: Invoice) -> Iterator[str]:
    if invoice.customer:
        yield invoice.customer.tenant
    for line in invoice.lines:
        yield line.customer.tenant
