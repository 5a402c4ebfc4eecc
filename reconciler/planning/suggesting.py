"""What a mapping lacks, and what of the PSA may be meant (rulebook T17, H9): tenants on no customer, motions without an
agreement, SKUs without a product.

Hints, from the strongest: a subscription id that stands as serial number on an addition; the company's website; names.
Everything proposed is for a person to judge; `certain` tells what may be written down unasked, and then as a preview.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from reconciler.domain.days import Month
from reconciler.domain.directory import Directory, Hint, ListedAgreement, ListedCompany, Proposal
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Customer, Mappings
from reconciler.domain.money import Money, summed
from reconciler.domain.records import Addition
from reconciler.planning.gathered import PLANNED, Gathered
from reconciler.planning.hints import (
    alike_hints,
    domain_hints,
    name_hints,
    only_certain,
    product_proposal,
    proposal_of,
    ranked,
)
from reconciler.planning.ledger import Account, key_of
from reconciler.rules.likeness import beginnings, label, likeness

SHOWN = 3


@dataclass(frozen=True, slots=True)
class MotionNeed:
    """A motion that is charged and bills nowhere: its money, and the agreements that may be meant, best first."""

    motion: Motion
    amounts: tuple[Money, ...]
    agreements: tuple[Proposal, ...]

    @property
    def certain(self) -> Proposal | None:
        """The one agreement that may be written down."""
        return only_certain(self.agreements)


@dataclass(frozen=True, slots=True)
class CustomerNeed:
    """A tenant that no customer of the mapping has (`mapped` None), or a customer with motions that bill nowhere.

    `amounts` is what the month's lines cost. `certain` is the company that may be written down.
    """

    tenant: str
    name: str
    domain: str
    program: str
    amounts: tuple[Money, ...]
    motions: tuple[MotionNeed, ...]
    companies: tuple[Proposal, ...] = ()
    certain: Proposal | None = None
    mapped: str | None = None

    @property
    def writable(self) -> bool:
        """Whether a stub may be written: the company is certain, and the agreement of a motion."""
        return self.certain is not None and any(need.certain for need in self.motions)


@dataclass(frozen=True, slots=True)
class ProductNeed:
    """A SKU that is charged and that no catalogue item carries."""

    sku: str
    name: str
    amounts: tuple[Money, ...]
    products: tuple[Proposal, ...]
    certain: Proposal | None = None


@dataclass(frozen=True, slots=True)
class Suggestions:
    """All that is missing, the dearest first. `unread` counts agreements whose additions were not looked at."""

    month: Month
    customers: tuple[CustomerNeed, ...]
    products: tuple[ProductNeed, ...]
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the PSA lists, and the additions of those agreements that were read, by the agreement's id."""

    directory: Directory
    additions: Mapping[str, Sequence[Addition]] = field(default_factory=dict)


def suggestions(gathered: Gathered, seen: Seen, chosen: frozenset[str] = frozenset()) -> Suggestions:
    """What is missing for the month. `chosen` names customers by name, tenant or domain; none: all."""
    view = _View(gathered, seen)
    customers = [need for need in view.customers() if not chosen or _named(need, chosen)]
    products = () if chosen else view.products()
    return Suggestions(
        gathered.request.month,
        tuple(sorted(_conflicts_dropped(customers), key=lambda n: (*_dearest(n.amounts), n.name, n.tenant))),
        tuple(sorted(products, key=lambda n: (*_dearest(n.amounts), n.sku))),
        sum(one.id not in seen.additions for one in seen.directory.agreements),
    )


def agreements_to_read(gathered: Gathered, seen: Seen, most: int) -> list[str]:
    """The agreements whose additions may tell by serial number: of companies that may be meant first, then of customers
    with a SKU that no product carries, then the others; at most so many, and none that was read.
    """
    view = _View(gathered, seen)
    needs = list(view.customers())
    if not needs and not view.open_skus:
        return []
    companies = {one.id for need in needs for one in need.companies}
    likely = [one.id for one in seen.directory.agreements if one.company_id in companies]
    open_needs = any(need.mapped is None and need.certain is None for need in needs)
    others = [one.id for one in seen.directory.agreements] if open_needs or view.open_skus else []
    return [one for one in dict.fromkeys([*likely, *others]) if one not in seen.additions][:most]


def _named(need: CustomerNeed, chosen: frozenset[str]) -> bool:
    return not chosen.isdisjoint((need.name, need.tenant, need.domain, need.mapped))


def _dearest(amounts: Sequence[Money]) -> tuple[Decimal]:
    return (-max((abs(money.amount) for money in amounts), default=Decimal(0)),)


def _conflicts_dropped(needs: Sequence[CustomerNeed]) -> list[CustomerNeed]:
    """T17, one to one: the certain match of two tenants is written for neither, but by serial number."""
    claimed = Counter(need.certain.id for need in needs if need.certain)
    return [
        replace(need, certain=None)
        if need.certain and claimed[need.certain.id] > 1 and not need.certain.by_serial
        else need
        for need in needs
    ]


class _View:
    """The documents beside the PSA's lists, indexed once."""

    def __init__(self, gathered: Gathered, seen: Seen) -> None:
        self.gathered, self.seen = gathered, seen
        self.companies = {one.id: one for one in seen.directory.companies}
        self.of_company: dict[str, list[ListedAgreement]] = {}
        for one in seen.directory.agreements:
            self.of_company.setdefault(one.company_id, []).append(one)
        self.serials: dict[str, list[Addition]] = {}
        for additions in seen.additions.values():
            for addition in additions:
                if addition.serial_number:
                    self.serials.setdefault(addition.serial_number.strip().lower(), []).append(addition)
        self.company_of = {one.id: one.company_id for one in seen.directory.agreements}
        self._alike: dict[str, list[ListedCompany]] = {}
        for company in seen.directory.companies:
            for beginning in beginnings((company.name, company.identifier, label(company.website))):
                self._alike.setdefault(beginning, []).append(company)
        self._taken_companies = _taken_companies(gathered.mappings, seen.directory)
        self._taken_agreements = _taken_agreements(gathered.mappings, seen.directory)
        self._vendor_skus = {(p.vendor_sku or "").strip().casefold() for p in seen.directory.products}
        self._linked = {link.sku for link in gathered.mappings.products if link.product}
        self._linked_products = {(link.product or "").casefold() for link in gathered.mappings.products}

    # -- customers

    def customers(self) -> list[CustomerNeed]:
        """The tenants without a customer, and the customers with motions that bill nowhere."""
        return [need for program in self._programs() for need in self._of_program(program)]

    def _programs(self) -> list[str]:
        programs = self.gathered.mappings.programs.values()
        by_source: dict[str, str] = {}
        for program in programs:
            if program.target == self.gathered.target and program.sync:
                by_source.setdefault(program.source, program.name)
        return list(by_source.values())

    def _of_program(self, name: str) -> list[CustomerNeed]:
        program = self.gathered.mappings.programs[name]
        ledger = self.gathered.ledgers[program.source]
        owners: dict[str, list[Customer]] = {}
        for customer in self.gathered.mappings.customers:
            account = ledger.account(customer.tenant)
            if account and self.gathered.mappings.programs[customer.program].source == program.source:
                owners.setdefault(account.tenant, []).append(customer)
        needs = (
            self._mapped(account, owners[account.tenant], program.motions)
            if account.tenant in owners
            else self._unmapped(account, name, program.motions)
            for account in ledger.accounts.values()
            if account.of_month
        )
        return [need for need in needs if need]

    def _unmapped(self, account: Account, program: str, enabled: frozenset[Motion]) -> CustomerNeed | None:
        charged = _charged(account, enabled)
        if not charged:
            return None
        companies = self._companies(account)
        certain = only_certain(companies)
        best = certain or (companies[0] if companies else None)
        motions = tuple(self._motion(account, motion, best.id if best else None) for motion in charged)
        return CustomerNeed(
            account.tenant,
            account.name or account.domain or account.tenant,
            account.domain,
            program,
            _amounts(account),
            motions,
            companies[:SHOWN],
            certain,
        )

    def _mapped(self, account: Account, owners: Sequence[Customer], enabled: frozenset[Motion]) -> CustomerNeed | None:
        covered = {motion for owner in owners for motion in owner.agreements}
        lacking = [motion for motion in _charged(account, enabled) if motion not in covered]
        if not lacking:
            return None
        owner = owners[0]
        company = next(iter(_companies_of(owner, self.seen.directory)), None)
        motions = tuple(self._motion(account, motion, company) for motion in lacking)
        amounts = summed(money for need in motions for money in need.amounts)
        return CustomerNeed(
            account.tenant,
            account.name or owner.name,
            account.domain,
            owner.program,
            amounts,
            motions,
            mapped=owner.name,
        )

    def _companies(self, account: Account) -> tuple[Proposal, ...]:
        stand = Counter(
            self.company_of[addition.agreement_id]
            for subscription in _subscriptions(account)
            for addition in self.serials.get(subscription, ())[:1]
            if addition.agreement_id in self.company_of
        )
        near = {
            company.id: company
            for beginning in beginnings((account.name, label(account.domain)))
            for company in self._alike.get(beginning, ())
            if company.id not in self._taken_companies
        }
        near |= {number: self.companies[number] for number in stand if number in self.companies}
        count = len(_subscriptions(account))
        found = [self._company(company, account, stand[company.id], count) for company in near.values()]
        return ranked(one for one in found if one)

    def _company(self, company: ListedCompany, account: Account, standing: int, count: int) -> Proposal | None:
        hints = []
        if standing:
            hints.append(Hint(Decimal(1), _standing(standing, count)))
        hints += domain_hints(account.domain, company)
        alike = max(likeness(account.name, company.name), likeness(account.name, company.identifier))
        hints += alike_hints("names", alike)
        shown = f"{company.identifier} ({company.name}, id {company.id})"
        return proposal_of(company.id, company.identifier, shown, hints, by_serial=bool(standing))

    # -- agreements

    def _motion(self, account: Account, motion: Motion, company: str | None) -> MotionNeed:
        lines = [(invoice, line) for invoice, line in account.of_month if line.motion is motion]
        amounts = summed(Money(line.amount, invoice.currency) for invoice, line in lines if line.amount is not None)
        there = self.of_company.get(company or "", [])
        standing = {
            addition.agreement_id
            for _, line in lines
            for addition in self.serials.get(line.subscription.strip().lower(), ())
        }
        taken = self._taken_agreements.get(motion, frozenset())
        found = [
            self._agreement(one, motion, there, serial=one.id in standing)
            for one in there
            if one.id not in taken or one.id in standing
        ]
        return MotionNeed(motion, amounts, ranked(one for one in found if one)[:SHOWN])

    def _agreement(
        self, agreement: ListedAgreement, motion: Motion, there: Sequence[ListedAgreement], *, serial: bool
    ) -> Proposal | None:
        hints = [Hint(Decimal(1), "subscription ids stand on its additions")] if serial else []
        hints += name_hints(agreement, motion, only=len(there) == 1)
        unique = sum(one.name.casefold() == agreement.name.casefold() for one in there) == 1
        shown = f"{agreement.name} (id {agreement.id})"
        return proposal_of(agreement.id, agreement.name if unique else None, shown, hints, by_serial=serial)

    # -- products

    @property
    def open_skus(self) -> dict[str, list[tuple[Account, str, str, Money | None]]]:
        """Charged SKUs that no product carries, each with account, subscription, description and money of its lines."""
        found: dict[str, list[tuple[Account, str, str, Money | None]]] = {}
        for ledger in self.gathered.ledgers.values():
            for account in ledger.accounts.values():
                for invoice, line in account.of_month:
                    key = key_of(line)
                    if line.motion not in (Motion.SEAT_MONTHLY, Motion.SEAT_ANNUAL):
                        continue
                    if key in self._linked or key.casefold() in self._vendor_skus:
                        continue
                    money = Money(line.amount, invoice.currency) if line.amount is not None else None
                    found.setdefault(key, []).append((account, line.subscription, line.description, money))
        return found

    def products(self) -> list[ProductNeed]:
        """The charged SKUs that no product carries."""
        free = [one for one in self.seen.directory.products if one.identifier.casefold() not in self._linked_products]
        needs = []
        for sku, rows in self.open_skus.items():
            name = next((description for _, _, description, _ in rows if description), sku)
            subscriptions = {subscription.strip().lower() for _, subscription, _, _ in rows}
            stand = {addition.product_id for one in subscriptions for addition in self.serials.get(one, ())}
            found = [product_proposal(one, sku, name, serial=one.id in stand) for one in free]
            likely = ranked(one for one in found if one)
            amounts = summed(money for *_, money in rows if money)
            needs.append(ProductNeed(sku, name, amounts, likely[:SHOWN], only_certain(likely)))
        claimed = Counter(need.certain.id for need in needs if need.certain)
        return [
            replace(need, certain=None) if need.certain and claimed[need.certain.id] > 1 else need for need in needs
        ]


def _standing(standing: int, count: int) -> str:
    if count == 1:
        return "its subscription id stands on an addition there"
    of_them = "all" if standing == count else str(standing)
    return f"{of_them} of its {count} subscription ids stand on additions there"


def _charged(account: Account, enabled: frozenset[Motion]) -> list[Motion]:
    on_lines = {line.motion for _, line in account.of_month}
    return [motion for motion in PLANNED if motion in on_lines and motion in enabled]


def _amounts(account: Account) -> tuple[Money, ...]:
    return summed(Money(line.amount, invoice.currency) for invoice, line in account.of_month if line.amount is not None)


def _subscriptions(account: Account) -> set[str]:
    return {line.subscription.strip().lower() for _, line in account.of_month if line.subscription.strip()}


def _companies_of(customer: Customer, directory: Directory) -> set[str]:
    """The ids of the company that a customer is mapped to, by id, identifier, or an agreement's id."""
    if customer.company_id:
        return {customer.company_id}
    if customer.company:
        return {one.id for one in directory.companies if one.identifier.casefold() == customer.company.casefold()}
    ids = {ref.id for ref in customer.agreements.values() if ref.id}
    return {one.company_id for one in directory.agreements if one.id in ids}


def _taken_companies(mappings: Mappings, directory: Directory) -> frozenset[str]:
    by_word = {one.identifier.casefold(): one.id for one in directory.companies}
    company_of = {one.id: one.company_id for one in directory.agreements}
    taken: set[str | None] = set()
    for customer in mappings.customers:
        taken.add(customer.company_id or by_word.get((customer.company or "").casefold()))
        taken |= {company_of.get(ref.id) for ref in customer.agreements.values() if ref.id}
    return frozenset(one for one in taken if one)


def _taken_agreements(mappings: Mappings, directory: Directory) -> dict[Motion, frozenset[str]]:
    """The agreements that customers of the mapping bill a motion on, by id."""
    by_name: dict[tuple[str, str], list[str]] = {}
    words_of = {one.id: one.identifier.casefold() for one in directory.companies}
    for one in directory.agreements:
        for company in (one.company_id, words_of.get(one.company_id, "")):
            by_name.setdefault((company, one.name.casefold()), []).append(one.id)
    taken: dict[Motion, set[str]] = {}
    for customer in mappings.customers:
        for motion, ref in customer.agreements.items():
            company = ref.company_id or (ref.company or "").casefold()
            found = [ref.id] if ref.id else by_name.get((company, (ref.name or "").casefold()), [])
            taken.setdefault(motion, set()).update(found)
    return {motion: frozenset(ids) for motion, ids in taken.items()}
