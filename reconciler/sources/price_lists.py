"""Price lists: the normalised CSV, and Microsoft's licence price sheet for the new commerce.

A normalised row is `sku,name,unit_cost,unit_price,currency,term,billing,from,to`; dates may be left out. Of Microsoft's
sheet, UnitPrice is what the partner pays and `ERP Price` the retail price, both taken as they stand for one billing
cycle of the row's plan (the documentation does not say otherwise); the segment Commercial and the first tier are taken,
and the rest is counted in a finding.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import TypeVar

from reconciler.domain.finding import Severity
from reconciler.domain.price_list import Price
from reconciler.sources.fields import Report, similar
from reconciler.sources.normalised import BILLINGS, TERMS
from reconciler.sources.tables import Table, rows_of
from reconciler.sources.values import Unreadable, currency, day, iso_day, number, shown, spelled

Value = TypeVar("Value")

COLUMNS = ("sku", "name", "unit_cost", "unit_price", "currency", "term", "billing", "from", "to")
_SHEET_BILLING = {"monthly": "monthly", "annual": "annual", "triennial": "triennial", "onetime": "one-time"}
_FOR_EVER = 9999


class _BadRow(Unreadable):
    """A row of which one cell cannot be read."""


class _Row:
    """One row's cells by spelled column name."""

    def __init__(self, line: int, cells: dict[str, str]) -> None:
        self.line = line
        self.cells = cells

    def text(self, name: str) -> str | None:
        return self.cells.get(spelled(name), "").strip() or None

    def read(self, name: str, reader: Callable[[str], Value]) -> Value | None:
        text = self.text(name)
        if text is None:
            return None
        try:
            return reader(text)
        except Unreadable as error:
            raise _BadRow(f"{name}: {error}") from None

    def needed(self, name: str) -> str:
        text = self.text(name)
        if text is None:
            raise _BadRow(f"the row has no {name}")
        return text


def price_list_rows(source: Table, report: Report) -> list[Price]:
    """The rows of a normalised price list; what cannot be read is an error, and the row is left out."""
    known = {spelled(name): name for name in COLUMNS}
    for name in source.header:
        if spelled(name) not in known:
            hint = similar(name, list(COLUMNS)) or f"known: {', '.join(COLUMNS)}"
            report.error("unknown-member", f"there is no column '{name}' in a price list", (1, None), hint)
    return _checked(_read(source, report, _listed), report)


def price_sheet_rows(source: Table, report: Report) -> list[Price]:
    """The rows of Microsoft's licence price sheet, for the segment Commercial."""
    return _checked(_read(source, report, _from_sheet), report)


def _read(source: Table, report: Report, reader: Callable[[_Row, Report], Price | str]) -> Iterator[Price]:
    left_out: Counter[str] = Counter()
    names = source.names
    for line, cells in rows_of(source, report, lambda _: None):
        try:
            row = reader(_Row(line, dict(zip(names, cells, strict=True))), report)
        except Unreadable as error:
            report.error("unreadable-value", str(error), (line, None))
            continue
        if isinstance(row, str):
            left_out[row] += 1
        else:
            yield row
    for why, count in sorted(left_out.items()):
        report.add(Severity.INFO, "left-out", f"{count} row{'s' * (count > 1)} left out: {why}")


def _listed(row: _Row, report: Report) -> Price:
    first, last = row.read("from", iso_day), row.read("to", iso_day)
    unit_cost, unit_price = row.read("unit_cost", number), row.read("unit_price", number)
    if unit_cost is None and unit_price is None:
        raise _BadRow("the row has neither unit_cost nor unit_price")
    row.needed("currency")
    return _price(
        row,
        report,
        row.needed("sku"),
        row.text("name") or "",
        (unit_cost, unit_price),
        _choice(row, "term", TERMS),
        _choice(row, "billing", (*BILLINGS, "triennial")),
        (first, last),
    )


def _choice(row: _Row, name: str, known: tuple[str, ...]) -> str | None:
    text = row.text(name)
    if text is not None and text not in known:
        raise _BadRow(f"{name}: {shown(text)} is not one of {', '.join(known)}")
    return text


def _from_sheet(row: _Row, report: Report) -> Price | str:
    segment = row.text("Segment")
    if segment and spelled(segment) != "commercial":
        return f"segment {segment}"
    if (row.read("PricingTierRangeMin", number) or 0) > 1:
        return "a price for larger quantities (PricingTierRangeMin)"
    sku = f"{row.needed('ProductId')}:{row.needed('SkuId').removeprefix(chr(39)).zfill(4)}"
    retail = row.read("ERP Price", number)
    prices = (row.read("UnitPrice", number), row.read("ERP", number) if retail is None else retail)
    days = (row.read("EffectiveStartDate", day), row.read("EffectiveEndDate", day))
    name = row.text("SkuTitle") or row.text("ProductTitle") or ""
    row.needed("Currency")
    billing = _SHEET_BILLING.get(spelled(row.text("BillingPlan") or ""))
    return _price(row, report, sku, name, prices, row.text("TermDuration"), billing, days)


def _price(
    row: _Row,
    report: Report,
    sku: str,
    name: str,
    prices: tuple[Decimal | None, Decimal | None],
    term: str | None,
    billing: str | None,
    days: tuple[date | None, date | None],
) -> Price:
    first, last = days
    last = None if last and last.year == _FOR_EVER else last
    if first and last and last < first:
        raise _BadRow(f"the end {last} lies before the start {first}")
    if any(price is not None and price < 0 for price in prices):
        raise _BadRow("a price is negative")
    code = row.read("currency", currency) or ""
    return Price(sku, name, *prices, code, term, billing, first, last, report.place((row.line, None)))


def _checked(rows: Iterable[Price], report: Report) -> list[Price]:
    """The rows without repetition; two prices that begin on one day for one product are an error."""
    kept: dict[tuple[str, str, date | None], Price] = {}
    for row in rows:
        first = kept.setdefault((row.key, row.currency, row.first), row)
        if first is row or (first.unit_cost, first.unit_price, first.last) == (row.unit_cost, row.unit_price, row.last):
            continue
        begins = f"from {row.first}" if row.first else "without a first day"
        report.error(
            "two-prices",
            f"{row.key} has two prices in {row.currency} {begins}; the other is in row {first.place.line}",
            (row.place.line or 1, None),
            "keep one of them, or give each its days; a sheet of several markets must be divided",
        )
    return list(kept.values())
