"""Price lists: what a product costs the partner and what its retail price is, by term, billing and day."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from reconciler.domain.finding import Place

_VARIANT = re.compile(r"P\d+[MY]:[A-Z]:")


# A distributor sells few hundred products, and a month has a hundred thousand lines of them.
@lru_cache(maxsize=65536)
def product_key(sku: str, term: str | None, billing: str | None) -> str:
    """The product's name among all sources: annual variants are `P1Y:A:<sku>` and `P1Y:M:<sku>` (rulebook P26).

    A three-year term is written likewise, `P3Y:A:` and so on; a monthly term, or none, has no prefix, and a SKU that
    carries one already keeps it.
    """
    if term in (None, "", "P1M") or _VARIANT.match(sku):
        return sku
    plan = {"annual": "A", "monthly": "M", "triennial": "T", "one-time": "O"}.get(billing or "monthly", "M")
    return f"{term}:{plan}:{sku}"


@dataclass(frozen=True, slots=True)
class Price:
    """One row: prices of one unit for one full cycle, in `currency`; days inclusive, open where None.

    `unit_cost` is what the partner pays, `unit_price` the retail price (RRP, Microsoft's ERP).
    """

    sku: str
    name: str
    unit_cost: Decimal | None
    unit_price: Decimal | None
    currency: str
    term: str | None
    billing: str | None
    first: date | None
    last: date | None
    place: Place

    @property
    def key(self) -> str:
        """The product's name with its annual prefix, as mappings and Vendor SKUs write it."""
        return product_key(self.sku, self.term, self.billing)

    def holds_on(self, day: date) -> bool:
        """Whether the row is valid on a day."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


class PriceList:
    """All rows of a source's price lists, found by product key and day."""

    def __init__(self, rows: tuple[Price, ...] = ()) -> None:
        self.rows = rows
        self._by_key: dict[str, list[Price]] = {}
        for row in rows:
            self._by_key.setdefault(row.key, []).append(row)

    def __contains__(self, key: str) -> bool:
        return key in self._by_key

    def on(self, key: str, day: date, currency: str | None = None) -> Price | None:
        """The row of a product that holds on a day (the latest to begin where several do), or None."""
        rows = [
            row
            for row in self._by_key.get(key, ())
            if row.holds_on(day) and (currency is None or row.currency == currency)
        ]
        return max(rows, key=lambda row: row.first or date.min, default=None)
