"""Which customer, and which program, tells what became of a line, where several could.

Seats may bill by one program and usage by another, from the same invoices (P10, P24). Each line is then accounted for
once: by the program under which its tenant's motion is mapped, else by the first that maps the tenant, else by the
first of all. Otherwise a line that one program bills would be missing in the other, and its money counted twice.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Customer, Program, Sync
from reconciler.planning.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Telling:
    """What one program tells of: not of the tenants' motions in `elsewhere`, and of tenants that no program maps only
    where it is the `first`. The standard: everything, as for a program that has its source to itself.
    """

    elsewhere: frozenset[tuple[str, Motion]] = frozenset()
    first: bool = True

    def tells(self, tenant: str, motion: Motion, *, mapped: bool) -> bool:
        """Whether a tenant's lines of a motion are this program's to tell of. `mapped`: it maps the tenant."""
        return (mapped or self.first) and not (self.elsewhere and (tenant, motion) in self.elsewhere)

    def unknown(self, tenant: str, *, mapped: bool) -> bool:
        """Whether it is this program's to say that no customer is mapped to a tenant."""
        return not mapped and self.first and not any(name == tenant for name, _ in self.elsewhere)


def telling(program: Program, programs: Iterable[Program], customers: Iterable[Customer], ledger: Ledger) -> Telling:
    """What a program tells of, beside the `programs` that read the same source (itself among them, in their order).

    Those of other targets are in other plans: what they map is theirs to tell of; what nobody maps is told in each.
    """
    readers = {p.name: p.target for p in programs}
    order = list(readers)
    if len(order) < 2:
        return Telling()
    by_motion: dict[tuple[str, Motion], str] = {}
    mapping: dict[str, set[str]] = {}
    for customer in customers:
        account = ledger.account(customer.tenant)
        if account is None or customer.program not in order:
            continue
        mapping.setdefault(account.tenant, set()).add(customer.program)
        for motion in customer.agreements:
            by_motion.setdefault((account.tenant, motion), customer.program)
    elsewhere = frozenset(
        (tenant, motion)
        for tenant, names in mapping.items()
        for motion in Motion
        if by_motion.get((tenant, motion), min(names, key=order.index)) != program.name
    )
    here = [name for name, target in readers.items() if target == program.target]
    return Telling(elsewhere, first=here[0] == program.name)


Doubles = Mapping[tuple[str, Motion], Customer]
"""By customer's name and motion, the other customer who would bill the same lines."""


def doubles(programs: Iterable[Program], customers: Iterable[Customer], ledger: Ledger) -> Doubles:
    """The customers who would bill one tenant's motion twice: one names the tenant by its id, the other by its domain.

    `programs` are those that read the ledger's source. The same spelling twice is refused with the mapping.
    """
    names = {program.name for program in programs}
    first: dict[tuple[str, Motion], Customer] = {}
    found: dict[tuple[str, Motion], Customer] = {}
    for customer in customers:
        account = ledger.account(customer.tenant) if customer.program in names else None
        if account is None or customer.sync is Sync.OFF:
            continue
        for motion in customer.agreements:
            other = first.setdefault((account.tenant, motion), customer)
            if other is not customer:
                found[customer.name, motion] = other
                found[other.name, motion] = customer
    return found


def double_mapping(customer: Customer, motion: Motion, found: Doubles) -> Iterator[Finding]:
    """An error on a customer whose lines another one would bill too."""
    other = found.get((customer.name, motion))
    if other is not None:
        yield Finding(
            Severity.ERROR,
            "duplicate-tenant",
            f"the documents show that {customer.tenant} is the tenant of '{other.name}' ({other.place}) too, and both "
            f"bill its {motion}: nothing is planned for either",
            customer=customer.name,
            where=customer.place,
            hint="keep the motion at one of the two",
        )
