"""A customer's Azure usage and its annual seats: lines that are billed as they stand, not by seats and days."""

from collections.abc import Sequence
from decimal import Decimal

from reconciler.domain.finding import Finding
from reconciler.domain.invoice import InvoiceLine, Motion
from reconciler.domain.mapping import Customer, PsaField
from reconciler.domain.money import ZERO
from reconciler.domain.plan import Because
from reconciler.domain.records import Addition, Agreement
from reconciler.planning.deciding import subscription_id
from reconciler.planning.ledger import Entry, key_of
from reconciler.planning.one_customer import CustomerMonth, Decided, Situation, about, currency_of, named
from reconciler.planning.ownership import left_to_psa
from reconciler.planning.rates import Pricing
from reconciler.planning.shelf import usage_product
from reconciler.rules.annual import AnnualDecision, annual_records
from reconciler.rules.azure import unmarked, usage_record
from reconciler.rules.azure_detail import usage_text
from reconciler.rules.charged import ChargedLine, Rate
from reconciler.rules.drafts import Decision
from reconciler.rules.periods import first_open_day
from reconciler.rules.preflight import check_once, check_usage
from reconciler.rules.true_up import Period


def decide_usage(
    customer: Customer, agreement: Agreement, additions: Sequence[Addition], pricing: Pricing, at: Situation
) -> CustomerMonth:
    """The decision for a month's Azure usage on an agreement (P52)."""
    account = at.ledger.account(customer.tenant)
    entries = account.once.get(Motion.AZURE, []) if account else []
    currency, currencies = currency_of(entries, agreement)
    period = Period(at.month, first_open_day(agreement, customer.changes.billing))
    findings = list(check_usage(agreement, at.month, period.open_from, currencies))
    priced = [_usage_line(entry, pricing) for entry in entries]
    lines = tuple(p for p in priced if isinstance(p, ChargedLine))
    findings += [p for p in priced if isinstance(p, Finding)]
    serials = sorted({line.subscription for _, line in entries if line.subscription})
    tenant = account.tenant if account else customer.tenant.lower()
    serial = serials[0] if len(serials) == 1 else tenant
    product = usage_product(line for _, line in entries)
    resolved = at.shelf.resolved.get(product)
    withheld = bool(entries and resolved and resolved.findings)
    if withheld and resolved:
        findings += [about(f, serial, entries) for f in resolved.findings]
    keys = at.shelf.keys_by_id(Motion.AZURE)
    mine = {serial.lower(), tenant.lower(), *(s.lower() for s in serials)}
    standing = tuple(a for a in additions if a.product_id in keys and (a.serial_number or "").strip().lower() in mine)
    findings += unmarked((a for a in additions if lines and a.product_id in keys), serial, at.month)
    total = Rate(
        sum((line.rate.unit_price for line in lines), ZERO), sum((line.rate.unit_cost for line in lines), ZERO)
    )
    why = tuple(
        Because("P52", f"usage of {at.month}: one record for the month", line.invoice, line.line.number)
        for line in lines
    ) or (Because("P52", f"the invoices charge no usage in {at.month}"),)
    # Text that the PSA owns is written when the record is created, and then left alone (P56).
    kept = bool(standing) and PsaField.DESCRIPTION in left_to_psa(customer, Motion.AZURE)
    text = usage_text(lines, customer.changes.azure_detail, at.month, currency) if lines and not kept else ""
    decision = usage_record(serial, total, standing, period, why, text)
    findings += decision.findings
    decided = Decided(serial, product, lines, standing, decision, ZERO, total.unit_price)
    shown = (decided,) if entries or decision.drafts else ()
    return CustomerMonth(
        customer, Motion.AZURE, at.program, agreement, account, currency, shown, named(findings, customer), withheld
    )


def _usage_line(entry: Entry, pricing: Pricing) -> ChargedLine | Finding:
    """A usage line with what it is billed at as a whole: its amount is the cost, its units at the price the price."""
    invoice, line = entry
    cost = line.amount if line.amount is not None else line.quantity * (line.unit_cost or ZERO)
    retail = line.quantity * line.unit_price if line.unit_price is not None else None
    rate = pricing.whole(line, key_of(line), invoice.period.first, cost, retail)
    return rate if isinstance(rate, Finding) else ChargedLine(invoice.number, line, rate)


def decide_annual(
    customer: Customer, agreement: Agreement, additions: Sequence[Addition], pricing: Pricing, at: Situation
) -> CustomerMonth:
    """The decisions for annual invoice lines on a one-time agreement (P53, P54)."""
    account = at.ledger.account(customer.tenant)
    entries = account.once.get(Motion.SEAT_ANNUAL, []) if account else []
    currency, currencies = currency_of(entries, agreement)
    findings = list(check_once(agreement, currencies))
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry[1].subscription, key_of(entry[1])), []).append(entry)
    decided: list[Decided] = []
    repeated: list[tuple[str, int]] = []
    withheld = False
    for (subscription, product), group in sorted(groups.items()):
        resolved = at.shelf.resolved.get(product)
        if resolved and resolved.findings:
            findings += [about(f, subscription, group) for f in resolved.findings]
            withheld = True
            continue
        priced = [_annual_line(entry, product, pricing) for entry in group]
        findings += [p for p in priced if isinstance(p, Finding)]
        lines = tuple(p for p in priced if isinstance(p, ChargedLine))
        one, decision = _annual(subscription, product, lines, additions, at)
        decided.append(one)
        findings += decision.findings
        repeated += [(charged.invoice, charged.line.number) for charged in decision.repeated]
    return CustomerMonth(
        customer,
        Motion.SEAT_ANNUAL,
        at.program,
        agreement,
        account,
        currency,
        tuple(decided),
        named(findings, customer),
        withheld,
        repeated=frozenset(repeated),
    )


def _annual(
    subscription: str, product: str, lines: tuple[ChargedLine, ...], additions: Sequence[Addition], at: Situation
) -> tuple[Decided, AnnualDecision]:
    keys = at.shelf.keys_by_id(Motion.SEAT_ANNUAL)
    serial = subscription_id(subscription)
    standing = [
        a for a in additions if subscription_id(a.serial_number) == serial and keys.get(a.product_id) == product
    ]
    found = annual_records(lines, standing)
    charged = tuple(line for line in lines if line not in found.repeated)
    due = sum((c.line.quantity * c.rate.unit_price for c in charged), ZERO)
    decision = Decision(found.drafts, ())
    return Decided(subscription, product, charged, found.billed, decision, ZERO, due, once=True), found


def _annual_line(entry: Entry, product: str, pricing: Pricing) -> ChargedLine | Finding:
    """A line with the price of its own part of the term: seats added in mid-term cost a part of the year (H1)."""
    invoice, line = entry
    day = line.span.first if line.span else invoice.period.first
    rate = pricing.rate(invoice, line, product, day, None)
    if not isinstance(rate, Rate):
        return rate
    share = _share(line, rate)
    return ChargedLine(invoice.number, line, rate if share is None else pricing.part(rate, share))


def _share(line: InvoiceLine, rate: Rate) -> Decimal | None:
    """The amount over the full price of the line's seats; None where it is a full term, within rounding."""
    full = abs(line.quantity) * rate.unit_cost
    if line.amount is None or not full:
        return None
    tolerance = Decimal("0.01") * max(Decimal(1), abs(line.quantity))
    return None if abs(abs(line.amount) - full) <= tolerance else abs(line.amount) / full
