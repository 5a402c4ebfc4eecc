"""A customer's monthly seats: what was charged is matched with what stands, and decided per subscription."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from reconciler.domain.bulk import maker
from reconciler.domain.days import Month
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import InvoiceLine, Motion
from reconciler.domain.mapping import Customer
from reconciler.domain.plan import Action, Because
from reconciler.domain.records import Addition, Agreement, Product
from reconciler.planning.as_charged import due_in, early_way, next_opening
from reconciler.planning.deciding import subscription_id
from reconciler.planning.ledger import Account, Entry
from reconciler.planning.one_customer import CustomerMonth, Decided, Situation, about, currency_of, named
from reconciler.planning.ownership import PsaFields, as_owned, left_to_psa
from reconciler.planning.rates import Pricing
from reconciler.rules.allocation import is_allocation
from reconciler.rules.charged import Charged, ChargedLine, Rate, charged_in_month, vanished
from reconciler.rules.drafts import Draft
from reconciler.rules.facsimile import copied_into, mixed_with_copies
from reconciler.rules.matching import Key, Matched, match
from reconciler.rules.periods import first_open_day
from reconciler.rules.preflight import check_agreement
from reconciler.rules.products import Resolved
from reconciler.rules.returns import return_window
from reconciler.rules.true_up import Period, true_up

_made_decided = maker(Decided)


@dataclass(frozen=True, slots=True)
class Sharing:
    """The other mapped customers that bill on the same agreement: what was charged to them, whether this one is the
    first of them, and whether the documents speak of them all. Records of a subscription that nobody was charged for
    are ended once, and only then.
    """

    keys: frozenset[Key] = frozenset()
    first: bool = True
    all_spoken_of: bool = True


ALONE = Sharing()


@dataclass(frozen=True, slots=True)
class Handed:
    """Old records on other agreements that go on to bill until the eve of `day`, under the subscriptions that they
    bill: they count as standing here, and must not be written (cut-over).
    """

    records: tuple[Addition, ...] = ()
    day: date = date.min


NOTHING_HANDED = Handed()


def decide_seats(
    customer: Customer,
    agreement: Agreement,
    additions: tuple[Addition, ...],
    pricing: Pricing,
    at: Situation,
    sharing: Sharing = ALONE,
    handed: Handed = NOTHING_HANDED,
) -> CustomerMonth:
    """The decisions for a customer's monthly seats on its agreement.

    `additions` are all that stand on the agreement. The agreement was found; whether it may be used is checked here.
    """
    account = at.ledger.account(customer.tenant)
    lines = account.seats if account else {}
    entries = [entry for group in lines.values() for entry in group]
    currency, currencies = currency_of(entries, agreement)
    open_from = first_open_day(agreement, customer.changes.billing)
    # What an old record bills until the hand-over is as good as invoiced: only differences stand beside it (C18).
    period = Period(at.month, max(open_from, handed.day))
    firsts = [line.span.first for _, line in entries if line.span]
    first_day = max(at.month.first, handed.day, min(firsts, default=at.month.first))
    findings = list(check_agreement(agreement, at.month, first_day, open_from, currencies))
    # A record that passes a credit on has no seats: it is billed by its decision, whatever is charged (P9).
    counting = [a for a in (*additions, *handed.records) if not is_allocation(a.serial_number, at.ledger.owners)]
    matched = match({*lines, *sharing.keys}, counting, at.shelf.keys_by_id(Motion.SEAT_MONTHLY), at.month)
    findings += [f for f in matched.findings if not f.subscription or subscription_id(f.subscription) not in at.kept]
    owned = left_to_psa(customer, Motion.SEAT_MONTHLY)
    early = early_way(customer, account, pricing, at, owned) if not matched.adopted else None
    decided: list[Decided] = []
    withheld = False
    for key in keys_to_decide(set(lines), account, matched, at, sharing):
        if at.kept and subscription_id(key[0]) in at.kept:
            continue
        standing = matched.standing.get(key, ())
        copied = copied_into(standing, at.month)
        if copied:
            findings.append(mixed_with_copies(copied[0], key[0]))
            continue
        charging = lines.get(key, [])
        resolved = at.shelf.resolved.get(key[1])
        if charging and resolved and resolved.findings:
            findings += [about(f, key[0], charging) for f in resolved.findings]
            withheld = True
            continue
        if early and (plain := early.decided(key, charging, standing)):
            decided.append(plain)
            continue
        charged = _charged(key, charging, account, matched, pricing, at, owned)
        if isinstance(charged, Finding):
            findings.append(charged)
            continue
        found = _decide(charged, key, matched, period, customer)
        decided.append(found)
        findings += about_records(found, resolved, charging)
        findings += _about_returns(found, at.month)
        findings += [f if f.subscription else replace(f, subscription=key[0]) for f in found.decision.findings]
    return CustomerMonth(
        customer,
        Motion.SEAT_MONTHLY,
        at.program,
        agreement,
        account,
        currency,
        tuple(decided),
        named(findings, customer),
        withheld,
        held_records(additions, decided, at),
    )


def held_records(additions: Iterable[Addition], decided: Iterable[Decided], at: Situation) -> tuple[Addition, ...]:
    """Records of the program's products that no decision speaks of: an error keeps them apart, but they bill."""
    ours = at.shelf.keys_by_id(Motion.SEAT_MONTHLY)
    spoken_of = {a.id for d in decided for a in d.standing}
    return tuple(a for a in additions if a.product_id in ours and a.id not in spoken_of)


def _about_returns(found: Decided, month: Month) -> Iterator[Finding]:
    """A note on seats that were given up, where the source states until when they could be (C26)."""
    window = return_window((charged.line for charged in found.lines), month)
    if window:
        kept_back = "the policy keeps the credit back" if found.decision.suppressed else "the decrease is passed on"
        yield Finding(Severity.INFO, "C26", f"{window}: {kept_back}", subscription=found.subscription)


def about_records(found: Decided, resolved: Resolved | None, charging: Sequence[Entry]) -> Iterator[Finding]:
    """What is to be said of the records: new ones that the PSA would refuse, standing ones that bill nobody."""
    creates = any(draft.standing is None for draft in found.decision.drafts)
    if creates and resolved and resolved.product and not resolved.product.active:
        yield _inactive(found, resolved.product)
    if charging and (idle := [a for a in found.standing if not a.bills and a.cancelled is None]):
        yield about(_not_billed(found, idle[0]), found.subscription, charging)


def _inactive(found: Decided, product: Product) -> Finding:
    return Finding(
        Severity.ERROR,
        "P34",
        f"product '{product.identifier}' is inactive in the PSA, which takes no new record of it",
        subscription=found.subscription,
        hint="make it active under Procurement > Products, or link the SKU to another product",
    )


def _not_billed(found: Decided, record: Addition) -> Finding:
    return Finding(
        Severity.WARNING,
        "not-billed",
        f"record {record.id} is set not to bill: what the distributor charges for it is billed to nobody",
        subscription=found.subscription,
        hint="set Bill Customer to Billable on the addition, unless it is meant to be free",
    )


def keys_to_decide(
    charged: set[Key], account: Account | None, matched: Matched, at: Situation, sharing: Sharing
) -> Iterator[Key]:
    """The subscriptions to decide, in stable order: all that were charged, and all that stand in the month or later and
    are this customer's.
    """
    standing = {
        key
        for key, records in matched.standing.items()
        if key not in charged
        and key not in sharing.keys
        and _in_force(records, at.month)
        and _is_mine(key, account, at, sharing)
    }
    yield from sorted(charged | standing)


def _in_force(records: Iterable[Addition], month: Month) -> bool:
    return any(a.quantity and (a.cancelled is None or a.cancelled >= month.first) for a in records)


def _is_mine(key: Key, account: Account | None, at: Situation, sharing: Sharing) -> bool:
    """Whether an uncharged subscription is this customer's to end: the documents know it as its own, or nobody's."""
    owner = at.ledger.owners.get(key[0].lower())
    if owner is not None:
        return account is not None and owner == account.tenant
    return sharing.first and sharing.all_spoken_of


def _charged(
    key: Key,
    entries: Iterable[Entry],
    account: Account | None,
    matched: Matched,
    pricing: Pricing,
    at: Situation,
    fields: PsaFields,
) -> Charged | Finding:
    subscription, product = key
    charged: list[ChargedLine] = []
    standing = matched.standing.get(key, ())
    kept = standing[-1].unit_price if standing else at.shelf.price_of(product)
    for invoice, line in entries:
        day = max(line.span.first, at.month.first) if line.span else at.month.first
        rate = pricing.rate(invoice, line, product, day, kept)
        if not isinstance(rate, Rate):
            return rate
        charged.append(ChargedLine(invoice.number, line, as_owned(rate, standing[-1] if standing else None, fields)))
    opening = next_opening(key, account, at)
    goes_on = account.goes_on.get(key) if account else None
    if not charged:
        return vanished(subscription, product, at.month, opening, goes_on)
    scheduled: Sequence[InvoiceLine] = account.scheduled.get(subscription, ()) if account else ()
    return charged_in_month(subscription, product, charged, at.month, scheduled, opening, goes_on)


def _decide(charged: Charged, key: Key, matched: Matched, period: Period, customer: Customer) -> Decided:
    standing = matched.standing.get(key, ())
    decision = true_up(charged, standing, period, customer.changes)
    adopted = matched.adopted & {a.id for a in standing} if matched.adopted else matched.adopted
    if adopted and not any(f.blocks for f in decision.findings):
        decision = replace(decision, drafts=_with_adoption(decision.drafts, standing, adopted))
    return _made_decided(
        charged.subscription,
        charged.product,
        charged.lines,
        standing,
        decision,
        charged.level.seat_days(period.month.span),
        due_in(charged.lines, period.month),
        adopted,
        by_day=charged,
    )


_ADOPTED = Because("P39", "the only open record of this product without a serial number: it is this subscription's")


def _with_adoption(
    drafts: tuple[Draft, ...], standing: Iterable[Addition], adopted: Iterable[str]
) -> tuple[Draft, ...]:
    """Adopted records get their serial number in the same write as any other change of theirs (P39, P42)."""
    written = {draft.standing.id for draft in drafts if draft.standing}
    plain = [
        Draft(Action.ADOPT, a, a.quantity, Rate(a.unit_price, a.unit_cost), a.effective, a.cancelled, (_ADOPTED,))
        for a in standing
        if a.id in adopted and a.id not in written
    ]
    return (*plain, *(_adopting(d) if d.standing and d.standing.id in adopted else d for d in drafts))


def _adopting(draft: Draft) -> Draft:
    if draft.action is Action.DELETE:
        return draft
    return replace(draft, action=Action.ADOPT, because=(_ADOPTED, *draft.because))
