"""At which price a credit, an adjustment or a one-off charge is passed on to the customer (P9).

The decision may state the amount or a price for the line as a whole. Where it states neither, a credit bills as the
charges that it takes back did: 16.00 back of seats that cost 16.00 and bill 20.00 is 20.00. Where no such charge is
known, the customer's price rules speak, over the line's own cost and retail price; without those it is the cost.
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from reconciler.domain.decision import PassOn
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.money import ZERO, printed, rounded
from reconciler.domain.records import Addition
from reconciler.planning.claims import Claim
from reconciler.planning.deciding import subscription_id
from reconciler.planning.ledger import key_of
from reconciler.planning.rates import Pricing
from reconciler.rules.allocation import Passed


def passed_on(claim: Claim, own: Iterable[Addition], pricing: Pricing) -> Passed | Finding:
    """What a line is passed on at, or why that cannot be told. `own` are the records on the decision's agreement, for a
    rule that leaves prices to the PSA.
    """
    invoice, line = claim.invoice, claim.line
    cost = line.amount
    if cost is None and line.unit_cost is not None:
        cost = line.quantity * line.unit_cost
    if cost is None:
        return _wrong(claim, "the line has no amount", "state the line's `amount` in the document")
    price = _price(claim, cost, own, pricing)
    if isinstance(price, Finding):
        return price
    amount, how = price
    if amount * cost < 0:
        return _wrong(
            claim,
            f"the decision bills {printed(amount)} for a line of {printed(cost)} {invoice.currency}",
            "`amount` has the sign of the line: a credit is negative",
        )
    return Passed(rounded(amount, invoice.currency), rounded(cost, invoice.currency), how)


def _price(claim: Claim, cost: Decimal, own: Iterable[Addition], pricing: Pricing) -> tuple[Decimal, str] | Finding:
    decided = claim.credit
    if decided.amount is not None:
        return decided.amount, "the amount that the decision states"
    if decided.price is not None:
        return _by_rule(claim, decided.price, cost)
    if claim.originals:
        return _as_originals(claim, cost, own, pricing)
    retail = _retail(claim)
    whole = pricing.whole(
        claim.line, claim.product, claim.invoice.period.first, cost, cost if retail is None else cost * retail
    )
    if isinstance(whole, Finding):
        return replace(whole, customer=claim.customer.name)
    if whole.unit_price == cost:
        return cost, "at the distributor's cost: no other price is known for it"
    return whole.unit_price, "by the customer's price rules, over the line's own prices"


def _by_rule(claim: Claim, rule: PassOn, cost: Decimal) -> tuple[Decimal, str] | Finding:
    retail = _retail(claim)
    sign = Decimal(-1) if cost < 0 else Decimal(1)
    how = f"the decision's price: {rule.text}"
    if rule.basis == "fixed":
        return sign * rule.amount, how
    if rule.basis == "retail" and retail is None:
        return _wrong(
            claim, "the decision says retail, and no retail price is known for the line", "write cost or fixed"
        )
    basis = cost * (retail or Decimal(1)) if rule.basis == "retail" else cost
    return basis + sign * rule.amount + basis * rule.percent / 100, how


def _retail(claim: Claim) -> Decimal | None:
    """What a unit of cost is worth at retail, by the line's own prices or those of the charge that it takes back."""
    for line in (claim.line, *(original.line for original in claim.originals)):
        if line.unit_cost and line.unit_price is not None:
            return line.unit_price / line.unit_cost
    return None


def _as_originals(
    claim: Claim, cost: Decimal, own: Iterable[Addition], pricing: Pricing
) -> tuple[Decimal, str] | Finding:
    """In the proportion of what the charges taken back bill, by the customer's own prices, to what they cost."""
    bills, costs = ZERO, ZERO
    for original in claim.originals:
        line = original.line
        day = line.span.first if line.span else original.invoice.period.first
        kept = [a.unit_price for a in own if subscription_id(a.serial_number) == line.subscription.lower()]
        rate = pricing.rate(original.invoice, line, key_of(line), day, kept[-1] if kept else None)
        if isinstance(rate, Finding):
            return replace(rate, customer=claim.customer.name)
        bills += line.quantity * rate.unit_price
        costs += line.quantity * rate.unit_cost
    if not costs:
        return _wrong(claim, "the charge that it takes back cost nothing", "state the `amount` in the decision")
    currency = claim.invoice.currency
    told = f"{printed(bills, currency)} for a cost of {printed(costs, currency)}"
    return cost * bills / costs, f"as the charge that it takes back is billed: {told}"


def _wrong(claim: Claim, why: str, hint: str) -> Finding:
    return Finding(
        Severity.ERROR,
        "P9",
        f"line {claim.credit.line} of {claim.credit.invoice} cannot be billed: {why}",
        customer=claim.customer.name,
        where=claim.credit.place,
        hint=hint,
    )
