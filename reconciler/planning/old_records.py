"""The records that another tool or a person wrote for a customer's products: found, and told whose they are (cut-over).

They may stand on the mapped agreement, where a single open one of a product is adopted (1G step 2), or on any other
active agreement of the company, its parent's for one, where they must end, or the customer would be billed twice.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Customer
from reconciler.domain.money import plain
from reconciler.domain.records import Addition, Agreement, AgreementRef
from reconciler.planning.gathered import Gathered
from reconciler.planning.ledger import Account
from reconciler.planning.one_customer import Foreign, Old, Situation
from reconciler.rules.allocation import is_allocation

_AGREEMENT_MENU = "Finance > Agreements > the agreement > Additions"

_HINTS = {
    "E8": f"write the subscription's id into its serial number under {_AGREEMENT_MENU}, or end it there",
    "E10": f"link its product under `products:` (SKU and product id), or end it under {_AGREEMENT_MENU}",
}


@dataclass(frozen=True, slots=True)
class Company:
    """The other active agreements of a customer's company with all of their additions, the products (by key) that other
    mapped customers of that company are charged for, and the ids of records that this tool wrote.
    """

    agreements: tuple[Agreement, ...]
    additions: Mapping[str, Sequence[Addition]]
    rivals: frozenset[str]
    written: frozenset[str]
    findings: tuple[Finding, ...] = ()


def company_of(customer: Customer, agreement: Agreement, at: Situation, gathered: Gathered) -> Company:
    """What stands beside a customer's agreement."""
    seen = gathered.observation
    read = {a.id: a for a in (*seen.agreements.values(), *seen.others)}
    beside = [a for a in read.values() if a.company_id == agreement.company_id and a.id != agreement.id]
    usable = [a for a in beside if a.active and not a.one_time]
    problems = [f for a in usable for f in seen.problems.get(AgreementRef(id=a.id), ()) if f.blocks]
    rivals = {
        key[1]
        for other in gathered.mappings.customers
        if other.name != customer.name and _same_company(other, customer, agreement, gathered)
        for account in [at.ledger.account(other.tenant)]
        if account
        for key in account.seats
    }
    return Company(
        agreements=tuple(sorted(usable, key=lambda a: (len(a.id), a.id))),
        additions=seen.additions,
        rivals=frozenset(rivals),
        written=frozenset(r.record for r in gathered.background.applied.values() if r.written),
        findings=tuple(problems),
    )


def _same_company(other: Customer, customer: Customer, agreement: Agreement, gathered: Gathered) -> bool:
    ref = other.agreements.get(Motion.SEAT_MONTHLY)
    seen = gathered.observation.agreements.get(ref) if ref else None
    if seen:
        return seen.company_id == agreement.company_id
    named = [(c.company or "").casefold() for c in (other, customer)]
    by_id = other.company_id is not None and other.company_id in (customer.company_id, agreement.company_id)
    return by_id or (bool(named[0]) and named[0] in (named[1], agreement.company.casefold()))


def old_elsewhere(account: Account | None, company: Company, at: Situation) -> Iterator[Old]:
    """The records in force from the month on, of products of the program, that stand on other agreements."""
    keys = at.shelf.keys_by_id(Motion.SEAT_MONTHLY)
    for agreement in company.agreements:
        for record in company.additions.get(agreement.id, ()):
            if not record.bills or not _counts(record, at):
                continue
            key = keys.get(record.product_id)
            old = _of(record, agreement, key, account, company, at) if key else _unlinked(record, agreement, account)
            if old:
                yield old


def _counts(record: Addition, at: Situation) -> bool:
    """Whether a record has seats from the month on; one that passes a credit on has none (P9)."""
    in_force = record.cancelled is None or record.cancelled >= max(at.month.first, record.effective)
    return bool(record.quantity) and in_force and not is_allocation(record.serial_number, at.ledger.owners)


def _unlinked(record: Addition, agreement: Agreement, account: Account | None) -> Old | None:
    """A record of a product that is not the program's, though it carries a charged subscription's id."""
    serial = (record.serial_number or "").strip().lower()
    exact = next((key for key in (account.seats if account else ()) if key[0].lower() == serial), None)
    if exact is None:
        return None
    why = "it carries the subscription's id, but its product is not linked to a product of the program"
    return Old(record, agreement, exact[1], exact[0], charged=True, why=why, code="E10")


def _of(
    record: Addition, agreement: Agreement, key: str, account: Account | None, company: Company, at: Situation
) -> Old | None:
    """Whose a record is; None where the documents know it as another tenant's."""
    serial = (record.serial_number or "").strip().lower()
    charged = sorted(s for s, product in (account.seats if account else ()) if product == key)
    exact = next((s for s in charged if s.lower() == serial), None)
    if exact is not None:
        return Old(record, agreement, key, exact, charged=True)
    owner = at.ledger.owners.get(serial) if serial else None
    if owner is not None:
        known = account is not None and owner == account.tenant
        return Old(record, agreement, key, record.serial_number, charged=False) if known else None
    if not charged:
        return Old(record, agreement, key, None, charged=False, why="nothing is charged for its product")
    if key in company.rivals:
        why = "another customer of the same company is charged for its product too, and it names no subscription"
        return Old(record, agreement, key, None, charged=True, why=why)
    return Old(record, agreement, key, charged[0] if len(charged) == 1 else None, charged=True)


def about_left(old: Old) -> Finding:
    """What is to be said of an old record that is left as it is: an error where it would bill beside ours."""
    record = old.record
    told = f"record {record.id} ({plain(record.quantity)} from {record.effective}) on agreement '{old.agreement.name}'"
    if not old.charged:
        return Finding(
            Severity.WARNING,
            "P49",
            f"{told} goes on to bill: {old.why}, and it carries no subscription's id",
            hint=f"end it under {_AGREEMENT_MENU} if it should not bill any more",
        )
    return Finding(
        Severity.ERROR,
        old.code,
        f"{told} cannot be handed over: {old.why}",
        subscription=old.subscription,
        hint=_HINTS[old.code],
    )


def foreign_records(
    additions: Iterable[Addition], account: Account | None, company: Company, at: Situation
) -> Iterator[Foreign]:
    """The mapped agreement's records in force of the program's products that carry no subscription's id: nothing, or
    another tool's mark, which no document knows and no apply of ours wrote.
    """
    keys = at.shelf.keys_by_id(Motion.SEAT_MONTHLY)
    known = {s.lower() for s, _ in (account.seats if account else ())} | set(at.ledger.owners)
    for row in additions:
        serial, key = (row.serial_number or "").strip().lower(), keys.get(row.product_id)
        foreign = not serial or (serial not in known and row.id not in company.written)
        if key and _counts(row, at) and foreign:
            yield Foreign(row, key)


def unmarked(
    additions: Sequence[Addition], foreign: Iterable[Foreign], account: Account | None, at: Situation
) -> tuple[Addition, ...]:
    """The mapped agreement's additions, those with another tool's mark as if they carried none, so that they may be
    adopted: the single open one of a product that a single subscription without records of its own is charged for.
    """
    keys = at.shelf.keys_by_id(Motion.SEAT_MONTHLY)
    by_key: dict[str, list[Addition]] = {}
    for each in foreign:
        by_key.setdefault(each.product, []).append(each.record)
    others = {a.id for group in by_key.values() for a in group}
    ours = {
        ((a.serial_number or "").strip().lower(), keys.get(a.product_id))
        for a in additions
        if a.id not in others and _counts(a, at)
    }
    charged = list(account.seats) if account else []
    adoptable = {
        group[0].id
        for key, group in by_key.items()
        if len(group) == 1
        and group[0].cancelled is None
        and len([s for s, product in charged if product == key and (s.lower(), key) not in ours]) == 1
    }
    return tuple(replace(row, serial_number=None) if row.id in adoptable else row for row in additions)
