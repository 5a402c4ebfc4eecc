"""A customer's monthly seats by charge cycles: each line of the month's invoices is one record (C27, H1)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from reconciler.domain.days import Month
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Motion
from reconciler.domain.line_mark import LineMark, mark_in
from reconciler.domain.mapping import Align, Customer
from reconciler.domain.money import ZERO, Money
from reconciler.domain.records import Addition, Agreement
from reconciler.planning.deciding import subscription_id
from reconciler.planning.ledger import Account, Entry
from reconciler.planning.one_customer import CustomerMonth, Decided, Situation, about, currency_of, named
from reconciler.planning.rates import Pricing
from reconciler.planning.seats import ALONE, Sharing, about_records, held_records, keys_to_decide
from reconciler.rules.allocation import is_allocation
from reconciler.rules.charged import ChargedLine, Rate
from reconciler.rules.facsimile import CycleMonth, Facsimile, facsimile
from reconciler.rules.line_copies import LineCopy, copy_of, joined
from reconciler.rules.matching import Key, match
from reconciler.rules.periods import takes_records_from
from reconciler.rules.preflight import check_facsimile


@dataclass(frozen=True, slots=True)
class _Copied:
    """A subscription's lines as copies, and what stands in the way of the others."""

    copies: tuple[LineCopy, ...]
    findings: tuple[Finding, ...]


def decide_cycles(
    customer: Customer,
    agreement: Agreement,
    additions: tuple[Addition, ...],
    pricing: Pricing,
    at: Situation,
    sharing: Sharing = ALONE,
) -> CustomerMonth:
    """The decisions for a customer whose monthly seats are billed by the lines of the month's invoices.

    `additions` are all that stand on the agreement. The agreement was found; whether it may be used is checked here.
    """
    account = at.ledger.account(customer.tenant)
    lines = account.issued(at.month) if account else {}
    entries = [entry for group in lines.values() for entry in group]
    currency, currencies = currency_of(entries, agreement)
    # A record that stands has the price of a part of a cycle; the PSA's own price for a whole one is the catalogue's.
    copied = {key: _copied(key[1], group, pricing, at.month, at.shelf.price_of(key[1])) for key, group in lines.items()}
    days = [copy.days.first for group in copied.values() for copy in group.copies]
    findings = list(check_facsimile(agreement, at.month, min(days, default=at.month.first), currencies))
    # A record that passes a credit on copies no line of seats: it is billed by its decision (P9).
    counting = [a for a in additions if not is_allocation(a.serial_number, at.ledger.owners)]
    matched = match({*lines, *sharing.keys}, counting, at.shelf.keys_by_id(Motion.SEAT_MONTHLY), at.month)
    findings += [f for f in matched.findings if not f.subscription or subscription_id(f.subscription) not in at.kept]
    month = _month(customer, agreement, entries, at, currency)
    decided: list[Decided] = []
    withheld = False
    for key in keys_to_decide(set(lines), account, matched, at, sharing):
        if subscription_id(key[0]) in at.kept:
            continue
        charging = lines.get(key, [])
        resolved = at.shelf.resolved.get(key[1])
        if charging and resolved and resolved.findings:
            findings += [about(f, key[0], charging) for f in resolved.findings]
            withheld = True
            continue
        group = copied.get(key, _Copied((), ()))
        if group.findings:
            findings += group.findings
            continue
        standing = matched.standing.get(key, ())
        found = _decided(key, facsimile(key[0], group.copies, standing, month), standing)
        decided.append(found)
        findings += _unbilled_before(customer, key, account, standing, at)
        findings += about_records(found, resolved, charging)
        findings += found.decision.findings
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


def _unbilled_before(
    customer: Customer, key: Key, account: Account | None, standing: Iterable[Addition], at: Situation
) -> Iterator[Finding]:
    """A warning for each cycle of an earlier invoice that reaches into the month and has no record: its days may be
    billed by nobody, as where a subscription came from calendar months.
    """
    marks = {mark.span for a in standing for mark in [mark_in(a.description)] if mark}
    for invoice, line in account.seats.get(key, []) if account else []:
        billed_in = Month.of(invoice.period.first)
        before = billed_in < at.month and (customer.start is None or billed_in >= customer.start)
        if before and line.span and line.span not in marks and line.quantity > 0 and line.amount:
            yield Finding(
                Severity.WARNING,
                "C27",
                f"line {line.number} of {invoice.number} charges {line.span}, and no record of it stands: its days in "
                f"{at.month} are billed only if {billed_in} billed them",
                subscription=key[0],
                where=line.place,
                hint=f"plan {billed_in} by charge cycles, or bill the rest of the cycle by hand",
                amount=Money(line.amount, invoice.currency),
            )


def not_handed_over(month: CustomerMonth) -> CustomerMonth:
    """The same month with an error: a cut-over weighs seats by day, and charge cycles have none to hand over."""
    stop = Finding(
        Severity.ERROR,
        "C27",
        "a cut-over hands seats over by calendar months, and this customer is billed by charge cycles",
        customer=month.customer.name,
        where=month.customer.place,
        hint="end its old records in the PSA with the month before its first cycle, and plan without --cutover",
    )
    return replace(month, findings=(*month.findings, stop))


def copies_of(
    key: str, entries: Sequence[Entry], pricing: Pricing, month: Month, kept: Decimal | None
) -> tuple[LineCopy, ...]:
    """The records that the lines of one subscription and product (by its key) come to; lines without one left out.
    `kept` is the PSA's own price for a full cycle, for a rule that leaves it alone.
    """
    return _copied(key, entries, pricing, month, kept).copies


def _copied(key: str, entries: Sequence[Entry], pricing: Pricing, month: Month, kept: Decimal | None) -> _Copied:
    charged: list[ChargedLine] = []
    copies: list[LineCopy] = []
    findings: list[Finding] = []
    for invoice, line in entries:
        day = line.span.first if line.span else invoice.period.first
        # The second half of a charge (`line_copies.joined`) has no cost of a seat, and needs none.
        stated = line if line.quantity else replace(line, unit_cost=line.unit_cost or ZERO)
        rate = pricing.rate(invoice, stated, key, day, kept)
        if isinstance(rate, Rate):
            charged.append(ChargedLine(invoice.number, line, rate))
        else:
            findings.append(rate)
    invoices = {invoice.number: invoice for invoice, _ in entries}
    for rows in joined(charged):
        invoice = invoices[rows[0].invoice]
        made = copy_of(rows, invoice.period, month, invoice.currency)
        if isinstance(made, Finding):
            findings.append(made)
        else:
            copies.append(made)
    return _Copied(tuple(copies), tuple(findings))


def _month(
    customer: Customer, agreement: Agreement, entries: Iterable[Entry], at: Situation, currency: str
) -> CycleMonth:
    month = at.month
    read = {LineMark.of(invoice.number, 0, month.span).invoice for invoice, _ in entries}
    read |= {LineMark.of(invoice.number, 0, month.span).invoice for invoice in at.ledger.invoices}
    return CycleMonth(month, takes_records_from(agreement), frozenset(read), customer.changes.decrease, currency)


def _decided(key: Key, found: Facsimile, standing: tuple[Addition, ...]) -> Decided:
    return Decided(
        subscription=key[0],
        product=key[1],
        lines=tuple(row for copy in found.billed for row in copy.lines),
        standing=standing,
        decision=found.decision,
        charged_days=ZERO,
        due=sum((copy.amount for copy in found.billed), ZERO),
        align=Align.CHARGE_CYCLE,
        left_out=tuple((row, rule) for copy, rule in found.left_out for row in copy.lines),
    )
