"""Tries the partner's price rules on one product (rulebook P57): the same rules, and the same arithmetic, as a plan.

A rule is asked whole, and then condition by condition, by `rules.prices.winning_rule`; prices come from `rates`, as if
an invoice had charged one seat.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from reconciler.domain.days import Month, Span
from reconciler.domain.finding import Finding, Place, Severity
from reconciler.domain.invoice import Charge, CustomerRef, Document, Invoice, InvoiceLine, Kind, Motion
from reconciler.domain.mapping import Customer, Mappings, PriceRule
from reconciler.domain.price_list import Price, PriceList
from reconciler.domain.price_trial import PriceMade, PriceTrial, RuleTried
from reconciler.planning.gathered import Documents
from reconciler.planning.ledger import key_of
from reconciler.planning.rates import Pricing
from reconciler.rules.prices import winning_rule


@dataclass(frozen=True, slots=True)
class Asked:
    """What is tried: a product by its key (`P1Y:M:…` for annual terms), a day, a motion, and prices that stand in for
    the price list's; None: the list's own.
    """

    sku: str
    day: date
    motion: Motion
    cost: Decimal | None = None
    retail: Decimal | None = None


def try_rules(asked: Asked, customer: Customer, mappings: Mappings, price_list: PriceList) -> PriceTrial:
    """The trial for a customer of a program whose source has that price list."""
    winner = winning_rule(mappings.prices, customer.program, customer.name, asked.sku, asked.day)
    tried = tuple(
        RuleTried(rule, tuple(_against(rule, asked, customer)), wins=rule is winner) for rule in mappings.prices
    )
    pricing = Pricing(mappings.prices, customer.program, customer.name, price_list)
    prices = tuple(_made(asked, pricing, row, winner) for row in _rows(asked, price_list))
    return PriceTrial(customer.name, customer.program, asked.sku, asked.day, tried, prices)


def idle_rules(mappings: Mappings, documents: Mapping[str, Documents]) -> tuple[Finding, ...]:
    """A warning for each rule that holds for nothing that the documents charge to a mapped customer, and for each that
    holds but always comes after another one. None where the documents charge nothing at all.
    """
    charges = set(_charges(mappings, documents))
    if not charges:
        return ()
    holding: set[Place] = set()
    winning: set[Place] = set()
    for charge in charges:
        won = winning_rule(mappings.prices, charge.program, charge.customer, charge.sku, charge.day)
        if won:
            winning.add(won.place)
        holding |= {
            rule.place
            for rule in mappings.prices
            if winning_rule([rule], charge.program, charge.customer, charge.sku, charge.day)
        }
    return tuple(_idle(rule, holds=rule.place in holding) for rule in mappings.prices if rule.place not in winning)


def idle_in(mappings: Mappings, documents: Mapping[str, Documents], months: Iterable[Month]) -> Iterator[Finding]:
    """The idle rules among those whose dates meet one of the months, for a plan's notes: a rule that is kept for other
    months is none of them.
    """
    if not mappings.prices:
        return
    asked = tuple(months)
    at = {rule.place: rule for rule in mappings.prices}
    for finding in idle_rules(mappings, documents):
        rule = at[finding.where] if finding.where else None
        if rule and any(_meets(rule, month) for month in asked):
            yield replace(finding, severity=Severity.INFO)


def _meets(rule: PriceRule, month: Month) -> bool:
    return (rule.first is None or rule.first <= month.last) and (rule.last is None or rule.last >= month.first)


@dataclass(frozen=True, slots=True)
class _Charge:
    """Something that was charged, as far as rules ask for it; `day` is one on which a plan asks them."""

    program: str
    customer: str
    sku: str
    day: date


def _against(rule: PriceRule, asked: Asked, customer: Customer) -> Iterator[str]:
    """The conditions of a rule that do not hold, each tried alone."""
    free = replace(rule, program=None, customer=None, sku=None, first=None, last=None)
    for alone, why in (
        (replace(free, program=rule.program), f"it is for program {rule.program}"),
        (replace(free, customer=rule.customer), f"it is for customer {rule.customer}"),
        (replace(free, sku=rule.sku), f"it is for SKU {rule.sku}"),
        (replace(free, first=rule.first), f"it begins on {rule.first}"),
        (replace(free, last=rule.last), f"it ended on {rule.last}"),
    ):
        if winning_rule([alone], customer.program, customer.name, asked.sku, asked.day) is None:
            yield why


def _rows(asked: Asked, price_list: PriceList) -> list[Price | None]:
    """The row that holds on the day, for each currency of the list; one nothing where there is none."""
    if asked.cost is not None and asked.retail is not None:
        return [None]
    currencies = sorted({row.currency for row in price_list.rows if row.key == asked.sku})
    rows = [price_list.on(asked.sku, asked.day, currency) for currency in currencies]
    return [row for row in rows if row] or [None]


def _made(asked: Asked, pricing: Pricing, row: Price | None, winner: PriceRule | None) -> PriceMade:
    cost = asked.cost if asked.cost is not None else row.unit_cost if row else None
    retail = asked.retail if asked.retail is not None else row.unit_price if row else None
    given = {name for name, price in (("cost", asked.cost), ("retail", asked.retail)) if price is not None}
    made = PriceMade(
        row.currency if row else "", cost, retail, None, where=row.place if row else None, given=frozenset(given)
    )
    if winner and winner.basis == "psa" and cost is not None:
        return replace(made, why_not="the PSA keeps the price that stands; a new record takes the catalogue's")
    # The prices are the line's own, so the list of the pricing is not asked for them once more.
    line = _one_seat(asked, cost, retail)
    alone = replace(pricing, price_list=PriceList())
    if asked.motion is Motion.AZURE and cost is not None:
        rate = alone.whole(line, asked.sku, asked.day, cost, retail)
    else:
        rate = alone.rate(_an_invoice(asked, made.currency, line), line, asked.sku, asked.day, None)
    if isinstance(rate, Finding):
        return replace(made, why_not=rate.message)
    return replace(made, price=rate.unit_price)


def _one_seat(asked: Asked, cost: Decimal | None, retail: Decimal | None) -> InvoiceLine:
    """A line that charges one seat on the day, as an invoice would write it."""
    return InvoiceLine(
        number=1,
        place=Place("a trial"),
        customer=CustomerRef(""),
        motion=asked.motion,
        subscription="",
        sku=asked.sku,
        description="",
        charge=Charge.CYCLE,
        quantity=Decimal(1),
        span=Span(asked.day, asked.day),
        unit_cost=cost,
        unit_price=retail,
        amount=cost,
    )


def _an_invoice(asked: Asked, currency: str, line: InvoiceLine) -> Invoice:
    document = Document("", "a trial", "", "")
    return Invoice("", asked.day, Span(asked.day, asked.day), currency, Kind.INVOICE, document, (line,))


def _charges(mappings: Mappings, documents: Mapping[str, Documents]) -> Iterator[_Charge]:
    for program in mappings.programs.values():
        names = _names(program.name, mappings.customers)
        for invoice in documents[program.source].invoices:
            for line in invoice.lines:
                name = names.get(line.customer.tenant) or names.get(line.customer.domain.lower())
                for day in _days(invoice, line) if name else ():
                    yield _Charge(program.name, name or "", key_of(line), day)


def _names(program: str, customers: Iterable[Customer]) -> dict[str, str]:
    """The customers of a program by what the mapping calls their tenant: an id or a domain."""
    return {customer.tenant.lower(): customer.name for customer in customers if customer.program == program}


def _days(invoice: Invoice, line: InvoiceLine) -> Iterator[date]:
    """The days on which a plan asks for a line's price: a seat's first in each month, else the first of the charge."""
    if line.span is None or line.motion is Motion.AZURE:
        yield invoice.period.first
        return
    yield line.span.first
    if line.motion is Motion.SEAT_MONTHLY:
        months = Month.of(line.span.first).through(Month.of(line.span.last))
        yield from (month.first for month in months if month.first > line.span.first)


def _idle(rule: PriceRule, *, holds: bool) -> Finding:
    why = "rules before it always hold as well" if holds else "no charge of a mapped customer meets its conditions"
    return Finding(
        Severity.WARNING,
        "price-rule-idle",
        f"price rule '{rule.name}' decides nothing in the documents that were read: {why}",
        where=rule.place,
        hint="move it up, or narrow the rules before it" if holds else "compare its program, customer, SKU and dates",
    )
