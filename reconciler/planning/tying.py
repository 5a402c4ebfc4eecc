"""Ties the PSA's invoice to the distributor's, line by line, subscription by subscription.

What the distributor charged, priced as the partner bills it, is what the PSA's invoice must say: for each subscription
the sum of its invoice lines' worth must meet the sum of its records' amounts, within the rounding of those records.
"""

from collections.abc import Iterable
from decimal import Decimal

from reconciler.domain.days import Month
from reconciler.domain.invoice import InvoiceLine, Motion
from reconciler.domain.mapping import Align
from reconciler.domain.money import ZERO
from reconciler.domain.tie import Billed, TiedLine, TiedSubscription
from reconciler.planning.cycles import copies_of
from reconciler.planning.gathered import Gathered
from reconciler.planning.ledger import Entry
from reconciler.planning.rates import Pricing
from reconciler.rules.charged import Rate


def tie(gathered: Gathered, billed: Iterable[Billed]) -> tuple[TiedSubscription, ...]:
    """Every subscription that was charged or billed in the month, by customer and subscription."""
    by_subscription: dict[str, list[Billed]] = {}
    for row in billed:
        by_subscription.setdefault(row.serial_number.lower(), []).append(row)
    tied = []
    for customer in gathered.mappings.customers:
        program = gathered.mappings.programs[customer.program]
        account = gathered.ledgers[program.source].account(customer.tenant)
        if account is None or Motion.SEAT_MONTHLY not in gathered.request.chooses(customer, program):
            continue
        documents = gathered.documents[program.source]
        pricing = Pricing(gathered.mappings.prices, program.name, customer.name, documents.price_list)
        month = gathered.request.month
        copied = customer.changes.align is Align.CHARGE_CYCLE
        groups = account.issued(month) if copied else account.seats
        for (subscription, key), entries in sorted(groups.items()):
            charged = (
                _copied(key, entries, pricing, month)
                if copied
                else tuple(_tied(e, key, pricing, month) for e in entries)
            )
            rows = tuple(by_subscription.get(subscription.lower(), ()))
            product, currency = entries[-1][1].description or key, entries[-1][0].currency
            tied.append(TiedSubscription(customer.name, subscription, product, currency, charged, rows))
    return tuple(tied)


def _copied(key: str, entries: list[Entry], pricing: Pricing, month: Month) -> tuple[TiedLine, ...]:
    """The lines as records copy them, each with its final amount (C27)."""
    return tuple(
        TiedLine(c.line.invoice, c.line.line.number, c.line.line.quantity, str(c.mark.span), c.amount)
        for c in copies_of(key, entries, pricing, month, None)
    )


def _tied(entry: Entry, key: str, pricing: Pricing, month: Month) -> TiedLine:
    invoice, line = entry
    rate = pricing.rate(invoice, line, key, max(line.span.first, month.first) if line.span else month.first, None)
    due = _worth(line, rate, month) if isinstance(rate, Rate) else ZERO
    return TiedLine(invoice.number, line.number, line.quantity, str(line.span), due)


def _worth(line: InvoiceLine, rate: Rate, month: Month) -> Decimal:
    here = line.span.meet(month.span) if line.span else None
    return line.quantity * rate.unit_price * here.days / month.days if here else ZERO
