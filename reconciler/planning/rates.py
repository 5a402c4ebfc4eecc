"""The rate of each invoice line: what a seat costs for a full month, and at which own price it is billed."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Invoice, InvoiceLine
from reconciler.domain.mapping import PriceRule
from reconciler.domain.price_list import PriceList
from reconciler.rules.charged import Rate
from reconciler.rules.prices import own_price, winning_rule

# Unit prices have at most six places on the way to a PSA (apply protocol 2.11).
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
        rule = winning_rule(self.rules, self.program, self.customer, key, day) if self.rules else None
        own = own_price(rule, retail, cost)
        if own is None:
            return self._unpriced(line, key, "retail price")
        price = own.price if own.price is not None else kept if kept is not None else retail
        if price is None:
            return self._unpriced(line, key, "price")
        return Rate(_placed(price), _placed(cost))

    def _unpriced(self, line: InvoiceLine, key: str, what: str) -> Finding:
        return Finding(
            Severity.ERROR,
            "price-missing",
            f"no {what} is known for {key}: neither the line nor a price list states one",
            subscription=line.subscription,
            where=line.place,
            hint="add the product to the price list, or write a `prices:` rule with a fixed price",
        )


def _placed(price: Decimal) -> Decimal:
    exponent = price.as_tuple().exponent
    return price.quantize(_PLACES) if isinstance(exponent, int) and exponent < -6 else price
