"""The rate of each invoice line: what a seat costs for a full month, and at which own price it is billed."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Invoice, InvoiceLine
from reconciler.domain.mapping import PriceRule
from reconciler.domain.price_list import PriceList
from reconciler.rules.charged import Rate
from reconciler.rules.prices import DEFAULT_RULE, own_price, winning_rule

# Unit prices have at most six places on the way to a PSA.
_PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Pricing:
    """What decides the price of one customer's seats: the partner's rules, and the source's price list."""

    rules: tuple[PriceRule, ...]
    program: str
    customer: str
    price_list: PriceList

    def rate(self, invoice: Invoice, line: InvoiceLine, key: str, day: date, kept: Decimal | None) -> Rate | Finding:
        """The rate of a line on a day; `kept` is the PSA's own price, for a rule that leaves it alone.

        The line's own prices count first, then the price list's. A finding where a price is nowhere.
        """
        cost, retail = line.unit_cost, line.unit_price
        if cost is None or retail is None:
            listed = self.price_list.on(key, day, invoice.currency)
            cost = listed.unit_cost if cost is None and listed else cost
            retail = listed.unit_price if retail is None and listed else retail
        if cost is None:
            return self._unpriced(line, key, "cost")
        if not self.rules and retail is not None:
            return _at_retail(retail, cost)
        rule = winning_rule(self.rules, self.program, self.customer, key, day) if self.rules else None
        own = own_price(rule, retail, cost)
        if own is None:
            return self._unpriced(line, key, "retail price")
        price = own.price if own.price is not None else kept if kept is not None else retail
        if price is None:
            return self._unpriced(line, key, "price")
        return Rate(_placed(price), _placed(cost), own.rule)

    def whole(self, line: InvoiceLine, key: str, day: date, cost: Decimal, retail: Decimal | None) -> Rate | Finding:
        """The rate of a line that is billed as a whole: its cost and retail price are sums, not unit prices.

        A rule with an amount (`cost + 1.20`, `fixed 12.50`) speaks of a unit, and so of nothing here: it is a finding.
        """
        rule = winning_rule(self.rules, self.program, self.customer, key, day) if self.rules else None
        if rule and rule.amount:
            return self._of_units(line, rule)
        own = own_price(rule, retail, cost)
        price = retail if own is None or own.price is None else own.price
        if price is None:
            return self._unpriced(line, key, "retail price")
        return Rate(_placed(price), _placed(cost), own.rule if own else DEFAULT_RULE)

    def part(self, rate: Rate, share: Decimal) -> Rate:
        """The rate of a part of the term that the rate is for (H1)."""
        return Rate(_placed(rate.unit_price * share), _placed(rate.unit_cost * share), rate.rule)

    def _of_units(self, line: InvoiceLine, rule: PriceRule) -> Finding:
        return Finding(
            Severity.ERROR,
            "price-rule",
            f"price rule '{rule.name}' sets an amount for a unit ({rule.text}), and usage has no unit price",
            subscription=line.subscription,
            where=rule.place,
            hint="use a percentage for usage: cost + 15%",
        )

    def _unpriced(self, line: InvoiceLine, key: str, what: str) -> Finding:
        return Finding(
            Severity.ERROR,
            "price-missing",
            f"no {what} is known for {key}: neither the line nor a price list states one",
            subscription=line.subscription,
            where=line.place,
            hint="add the product to the price list, or write a `prices:` rule with a fixed price",
        )


# The same few prices are asked for again and again, here and below.
@lru_cache(maxsize=65536)
def _at_retail(retail: Decimal, cost: Decimal) -> Rate:
    return Rate(_placed(retail), _placed(cost), DEFAULT_RULE)


@lru_cache(maxsize=65536)
def _placed(price: Decimal) -> Decimal:
    exponent = price.as_tuple().exponent
    return price.quantize(_PLACES) if isinstance(exponent, int) and exponent < -6 else price
