"""One customer's month on one agreement: what was charged is matched with what stands, and decided.

Everything a person must know comes back as findings; where one of them is an error, nothing of the customer is written.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from reconciler.domain.days import Month
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import InvoiceLine, Motion
from reconciler.domain.mapping import Customer, Program
from reconciler.domain.money import ZERO, Money, summed
from reconciler.domain.plan import Action, Because
from reconciler.domain.price_list import PriceList
from reconciler.domain.records import Addition, Agreement
from reconciler.planning.ledger import Account, Entry, Ledger
from reconciler.planning.rates import Pricing
from reconciler.planning.shelf import Shelf
from reconciler.rules.charged import Charged, ChargedLine, Rate, charged_in_month, vanished
from reconciler.rules.drafts import Decision, Draft
from reconciler.rules.matching import Key, Matched, match
from reconciler.rules.periods import first_open_day
from reconciler.rules.preflight import check_agreement
from reconciler.rules.true_up import Period, true_up


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided for one subscription and product: what was charged, what stands, and the drafts."""

    charged: Charged
    standing: tuple[Addition, ...]
    decision: Decision
    adopted: frozenset[str]


@dataclass(frozen=True, slots=True)
class CustomerMonth:
    """A customer's month: every subscription's decision, or the findings that keep the customer out (`blocked`).

    `withheld`: nothing is written, though there is no error (an unmapped SKU, a preview).
    """

    customer: Customer
    program: Program
    agreement: Agreement | None
    account: Account | None
    currency: str
    decided: tuple[Decided, ...]
    findings: tuple[Finding, ...]
    withheld: bool = False

    @property
    def blocked(self) -> bool:
        """Whether an error keeps the customer out of the plan."""
        return any(finding.blocks for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Situation:
    """What a customer's decisions rest on, the same for all customers of a program."""

    program: Program
    ledger: Ledger
    price_list: PriceList
    shelf: Shelf
    month: Month


def decide_customer(
    customer: Customer, agreement: Agreement, additions: tuple[Addition, ...], pricing: Pricing, at: Situation
) -> CustomerMonth:
    """The decisions for a customer's monthly seats on its agreement.

    `additions` are all that stand on the agreement. The agreement was found; whether it may be used is checked here.
    """
    account = at.ledger.account(customer.tenant)
    lines = account.seats.get(Motion.SEAT_MONTHLY, {}) if account else {}
    currencies = sorted({invoice.currency for entries in lines.values() for invoice, _ in entries})
    currency = currencies[0] if currencies else agreement.currency or ""
    open_from = first_open_day(agreement, customer.changes.billing)
    findings = list(_preflight(agreement, lines.values(), currencies, open_from, at.month))
    matched = match(lines, additions, at.shelf.keys_by_id, at.month)
    findings += matched.findings
    decided: list[Decided] = []
    withheld = False
    for key in _keys(lines, matched, at):
        entries = lines.get(key, ())
        resolved = at.shelf.resolved.get(key[1])
        if entries and resolved and resolved.findings:
            findings += [_about(f, key, entries) for f in resolved.findings]
            withheld = True
            continue
        charged = _charged(key, entries, account, matched, pricing, at)
        if isinstance(charged, Finding):
            findings.append(charged)
            continue
        decided.append(_decide(charged, key, matched, Period(at.month, open_from), customer))
    findings += [_named(f, key) for d in decided for key in [d.charged.subscription] for f in d.decision.findings]
    named = tuple(replace(f, customer=customer.name) for f in findings)
    return CustomerMonth(customer, at.program, agreement, account, currency, tuple(decided), named, withheld)


def _preflight(
    agreement: Agreement,
    entries: Iterable[Iterable[Entry]],
    currencies: Iterable[str],
    open_from: date,
    month: Month,
) -> tuple[Finding, ...]:
    firsts = [line.span.first for group in entries for _, line in group if line.span]
    first_day = max(month.first, min(firsts, default=month.first))
    return check_agreement(agreement, month, first_day, open_from, currencies)


def _keys(lines: Mapping[Key, object], matched: Matched, at: Situation) -> Iterator[Key]:
    """The subscriptions to decide: all that were charged, and all that stand in the month or later, in stable order."""
    standing = {
        key
        for key, records in matched.standing.items()
        if any(a.quantity and (a.cancelled is None or a.cancelled >= at.month.first) for a in records)
    }
    yield from sorted({*lines, *standing})


def _charged(
    key: Key, entries: Iterable[Entry], account: Account | None, matched: Matched, pricing: Pricing, at: Situation
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
        charged.append(ChargedLine(invoice.number, line, rate))
    if not charged:
        return vanished(subscription, product, at.month)
    scheduled: Iterable[InvoiceLine] = account.scheduled.get(subscription, ()) if account else ()
    return charged_in_month(subscription, product, charged, at.month, scheduled)


def _decide(charged: Charged, key: Key, matched: Matched, period: Period, customer: Customer) -> Decided:
    standing = matched.standing.get(key, ())
    decision = true_up(charged, standing, period, customer.changes)
    adopted = matched.adopted & {a.id for a in standing}
    if adopted and not any(f.blocks for f in decision.findings):
        decision = replace(decision, drafts=_with_adoption(decision.drafts, standing, adopted))
    return Decided(charged, standing, decision, frozenset(adopted))


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


_ADOPTED = Because("P39", "the only open record of this product without a serial number: it is this subscription's")


def _adopting(draft: Draft) -> Draft:
    if draft.action is Action.DELETE:
        return draft
    return replace(draft, action=Action.ADOPT, because=(_ADOPTED, *draft.because))


def _about(finding: Finding, key: Key, entries: Iterable[Entry]) -> Finding:
    """A finding about a product, with the line that charged it and the distributor's cost of all of them."""
    entries = list(entries)
    amounts = summed(Money(line.amount or ZERO, invoice.currency) for invoice, line in entries)
    return replace(
        finding,
        subscription=key[0],
        where=finding.where or entries[0][1].place,
        amount=amounts[0] if len(amounts) == 1 else None,
    )


def _named(finding: Finding, subscription: str) -> Finding:
    return finding if finding.subscription else replace(finding, subscription=subscription)


def withheld_preview(month: CustomerMonth) -> CustomerMonth:
    """The same month with nothing to write: a customer whose `sync` is `preview` (P62)."""
    count = sum(len(d.decision.drafts) for d in month.decided)
    note = Finding(
        Severity.INFO,
        "preview",
        f"{count} changes would be made; nothing is written while `sync: preview` stands",
        customer=month.customer.name,
        where=month.customer.place,
    )
    return replace(month, findings=(*month.findings, note), withheld=True)
