"""Usage and annual charges that another tool or a person wrote on other agreements of a customer's company (cut-over).

Usage is whole months (P52), so a record of it that still bills the planned month or later ends on the eve of the first
month that its agreement has not invoiced, as a seat's does (P44); where the planned month is invoiced there already,
ours would bill it again, and nothing is written. What bills one time (P53) can neither be ended nor known to be
invoiced from its dates: it is told, and stops a charge that it bills already.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from reconciler.domain.days import Month
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Customer
from reconciler.domain.money import ZERO, Money, plain, rounded
from reconciler.domain.plan import Action
from reconciler.domain.records import Addition, Agreement, AgreementRef
from reconciler.planning.cutting_over import end_of
from reconciler.planning.deciding import subscription_id
from reconciler.planning.gathered import Gathered
from reconciler.planning.one_customer import CustomerMonth, Decided, Old, Situation, TakeOver, named
from reconciler.rules.allocation import is_allocation
from reconciler.rules.handing_over import earliest
from reconciler.rules.periods import first_open_day

_MENU = "Finance > Agreements > the agreement > Additions"


@dataclass(frozen=True, slots=True)
class _Found:
    """A record of the motion's products on another agreement. `certain`: it is this customer's and no other's."""

    record: Addition
    agreement: Agreement
    product: str
    certain: bool

    @property
    def named(self) -> str:
        """The record in words."""
        return f"record {self.record.id} on agreement '{self.agreement.name}' ({self.agreement.id})"

    def worth(self, currency: str) -> Money | None:
        """What it bills once or by the month, where the currency is known."""
        currency = self.agreement.currency or currency
        return Money(rounded(self.record.quantity * self.record.unit_price, currency), currency) if currency else None


def beside_old_charges(month: CustomerMonth, at: Situation, gathered: Gathered) -> CustomerMonth:
    """A customer's month of usage or annual charges, with the old records on the other agreements of its company."""
    agreement = month.agreement
    if agreement is None:
        return month
    if not month.currency and month.account:
        # Nothing is charged by this motion: what the customer is charged otherwise is in the same currency.
        used = {invoice.currency for invoice, _ in month.account.of_month}
        month = replace(month, currency=used.pop()) if len(used) == 1 else month
    found = [*_found(month, agreement, at, gathered)]
    problems = [f for a in _beside(agreement, gathered) for f in _unreadable(a, gathered)]
    marked = _marked_here(month, agreement, at, gathered) if month.motion is Motion.AZURE else ()
    month = replace(month, findings=(*month.findings, *named([*problems, *marked], month.customer)))
    return _usage(month, found, at) if month.motion is Motion.AZURE else _annual(month, found, at)


def _beside(agreement: Agreement, gathered: Gathered) -> list[Agreement]:
    """The other active agreements of the company, in order of their ids."""
    seen = gathered.observation
    read = {a.id: a for a in (*seen.agreements.values(), *seen.others)}
    beside = [a for a in read.values() if a.company_id == agreement.company_id and a.id != agreement.id and a.active]
    return sorted(beside, key=lambda a: (len(a.id), a.id))


def _unreadable(agreement: Agreement, gathered: Gathered) -> Iterator[Finding]:
    problems = gathered.observation.problems.get(AgreementRef(id=agreement.id), ())
    return (problem for problem in problems if problem.blocks)


def _found(month: CustomerMonth, agreement: Agreement, at: Situation, gathered: Gathered) -> Iterator[_Found]:
    keys = at.shelf.keys_by_id(month.motion)
    rivals = _has_rivals(month.customer, month.motion, agreement, gathered)
    for other in _beside(agreement, gathered):
        for record in gathered.observation.additions.get(other.id, ()):
            key = keys.get(record.product_id)
            if key is None or not record.bills or not record.quantity:
                continue
            if is_allocation(record.serial_number, at.ledger.owners):
                continue
            whose = _owner(record, at)
            if whose is None or (month.account and whose == month.account.tenant):
                yield _Found(record, other, key, certain=whose is not None or not rivals)


def _owner(record: Addition, at: Situation) -> str | None:
    """The tenant whose subscription, id or domain a record carries; None where the documents know no such thing."""
    serial = subscription_id(record.serial_number)
    account = at.ledger.account(serial) if serial else None
    return account.tenant if account else at.ledger.owners.get(serial)


def _has_rivals(customer: Customer, motion: Motion, agreement: Agreement, gathered: Gathered) -> bool:
    """Whether another customer bills the same motion on an agreement of the same company."""
    seen = gathered.observation.agreements
    refs = [c.agreements.get(motion) for c in gathered.mappings.customers if c.name != customer.name]
    found = [seen[ref] for ref in refs if ref and ref in seen]
    return any(other.company_id == agreement.company_id for other in found)


# -- usage


def _usage(month: CustomerMonth, found: Iterable[_Found], at: Situation) -> CustomerMonth:
    charged = any(decided.lines for decided in month.decided)
    counting = [f for f in found if not f.agreement.one_time and _bills_from(f.record, at.month.first)]
    ending: list[Old] = []
    left: list[Old] = []
    findings: list[Finding] = []
    day = at.month.first
    for each in counting:
        open_from = earliest(at.month, first_open_day(each.agreement, month.customer.changes.billing))
        why = _why_left(each, open_from, at.month, charged=charged)
        old = Old(each.record, each.agreement, each.product, each.record.serial_number, charged, why)
        if why:
            left.append(old)
            findings.append(_left(each, why, open_from, at.month, month, charged=charged))
        else:
            ending.append(old)
            day = max(day, open_from)
    if not counting:
        return month
    ends = tuple(_ending_on(a, month, [o for o in ending if o.agreement.id == a.id], day, at) for a in _of(ending))
    month = replace(month, findings=(*month.findings, *named(findings, month.customer)))
    return replace(month, take_over=TakeOver((), (*ending, *left), day, ends))


def _marked_here(month: CustomerMonth, agreement: Agreement, at: Situation, gathered: Gathered) -> Iterator[Finding]:
    """Errors for usage records of the mapped agreement with another tool's mark, which no document of any source knows:
    beside them the usage would be billed twice.
    """
    keys = at.shelf.keys_by_id(Motion.AZURE)
    for record in gathered.observation.additions.get(agreement.id, ()):
        serial = subscription_id(record.serial_number)
        known = any(ledger.account(serial) or serial in ledger.owners for ledger in gathered.ledgers.values())
        in_month = record.effective <= at.month.last and _bills_from(record, at.month.first)
        if serial and not known and in_month and record.bills and record.quantity and record.product_id in keys:
            if is_allocation(record.serial_number, at.ledger.owners) or not any(d.lines for d in month.decided):
                continue
            yield Finding(
                Severity.ERROR,
                "E8",
                f"usage record {record.id} ({plain(record.quantity)} at {plain(record.unit_price)} from "
                f"{record.effective}) on the mapped agreement bills in {at.month}, and no document knows its mark "
                f"{record.serial_number}",
                where=month.customer.place,
                hint=f"end it under {_MENU} on {at.month.preceding.last}, or write the usage's own id into it",
            )


def _bills_from(record: Addition, day: date) -> bool:
    return record.cancelled is None or record.cancelled >= max(day, record.effective)


def _why_left(each: _Found, open_from: date, month: Month, *, charged: bool) -> str:
    """Why an old record of usage is not ended; empty where it is."""
    if not each.certain:
        return "several customers of its company are charged for usage, and it names none of them"
    if not each.agreement.calendar_months:
        return "its agreement does not invoice by calendar months, so that no last day of it can be told"
    if not charged and not each.record.serial_number:
        return "no usage is charged, and it carries no id that the invoices know"
    if charged and open_from > month.first:
        begun = each.record.effective <= month.last
        return f"its agreement has invoiced {month}" + (" with it already" if begun else ", and it begins later")
    return ""


def _left(each: _Found, why: str, open_from: date, month: Month, customer: CustomerMonth, *, charged: bool) -> Finding:
    """An old record of usage that stays: an error where ours would bill beside it."""
    invoiced = charged and each.certain and each.agreement.calendar_months
    hint = f"end it under {_MENU} on {month.preceding.last}, if the usage is to be billed by this tool"
    if invoiced:
        hint = f"add `start: {Month.of(open_from)}` to the customer, and bill what {month} lacks by hand"
    return Finding(
        Severity.ERROR if charged else Severity.WARNING,
        "P52",
        f"{each.named} bills usage from {each.record.effective}, and is left as it is: {why}",
        subscription=each.record.serial_number,
        where=customer.customer.place,
        hint=hint,
        amount=each.worth(customer.currency),
    )


def _of(old: Iterable[Old]) -> Iterable[Agreement]:
    return {o.agreement.id: o.agreement for o in old}.values()


def _ending_on(
    agreement: Agreement, month: CustomerMonth, old: Iterable[Old], day: date, at: Situation
) -> CustomerMonth:
    currency = agreement.currency or month.currency
    ends: tuple[Decided, ...] = tuple(replace(end_of(o, day, at.month, currency), charged_days=ZERO) for o in old)
    return CustomerMonth(
        month.customer, Motion.AZURE, at.program, agreement, month.account, currency, ends, (), rounding=month.rounding
    )


# -- annual charges


def _annual(month: CustomerMonth, found: Iterable[_Found], at: Situation) -> CustomerMonth:
    findings: list[Finding] = []
    quiet: dict[str, list[_Found]] = {}
    for each in found:
        charge = _billed_by(each, month)
        if charge:
            findings.append(_billed_already(each, charge, month))
        elif each.agreement.one_time:
            quiet.setdefault(each.agreement.id, []).append(each)
        elif _bills_from(each.record, at.month.first):
            findings.append(_bills_every_month(each, month))
    findings += [_stay(group, month) for group in quiet.values()]
    return replace(month, findings=(*month.findings, *named(findings, month.customer)))


def _billed_by(each: _Found, month: CustomerMonth) -> str | None:
    """The charge of the plan that an old record may bill already, in words; None where there is none."""
    for decided in month.decided:
        known = _owner_is(each.record, decided.subscription)
        if decided.product != each.product or not (known or not each.record.serial_number):
            continue
        for draft in decided.decision.drafts:
            if draft.action is not Action.CREATE or draft.quantity <= 0:
                continue
            same_day = each.record.effective == draft.effective
            if same_day or (not each.agreement.one_time and _bills_from(each.record, draft.effective)):
                return f"{plain(draft.quantity)} of {decided.subscription} from {draft.effective}"
    return None


def _owner_is(record: Addition, subscription: str) -> bool:
    return subscription_id(record.serial_number) == subscription_id(subscription)


def _billed_already(each: _Found, charge: str, month: CustomerMonth) -> Finding:
    once = "map seat-annual to that agreement, where it is known as this charge" if each.agreement.one_time else ""
    return Finding(
        Severity.ERROR,
        "P53",
        f"{each.named} bills {plain(each.record.quantity)} from {each.record.effective}: the invoice's {charge} would "
        "be billed twice",
        subscription=each.record.serial_number,
        where=month.customer.place,
        hint=f"{once or f'end it under {_MENU}'}, or delete it there if it is not invoiced",
        amount=each.worth(month.currency),
    )


def _bills_every_month(each: _Found, month: CustomerMonth) -> Finding:
    return Finding(
        Severity.WARNING,
        "P54",
        f"{each.named} bills {plain(each.record.quantity)} annual seats in every period, from {each.record.effective}: "
        "annual charges are billed once",
        subscription=each.record.serial_number,
        where=month.customer.place,
        hint=f"end it under {_MENU} before the next renewal is planned",
        amount=each.worth(month.currency),
    )


def _stay(group: list[_Found], month: CustomerMonth) -> Finding:
    """One-time charges that bill none of the plan's: they stay, whether or not they are invoiced."""
    first, count = group[0], len(group)
    several = f"agreement '{first.agreement.name}' ({first.agreement.id}) holds {count} one-time charges"
    told = several if count > 1 else f"{first.named} is a one-time charge"
    currency = first.agreement.currency or month.currency
    worth = sum((each.record.quantity * each.record.unit_price for each in group), ZERO)
    return Finding(
        Severity.INFO,
        "P53",
        f"{told} of annual seats: nothing is ended, for what bills once bills no more, and renewals are billed on the "
        "mapped agreement",
        hint=f"delete it under {_MENU} where it is not invoiced and should not be",
        amount=Money(rounded(worth, currency), currency) if currency else None,
    )
