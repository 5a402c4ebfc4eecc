"""The new-commerce invoice reconciliation as invoices: rows become drafts, drafts are settled, lines come out.

Seats follow from signed intervals (sources §0.5, §0.6): Microsoft's table of March 2022 begins with a charge of 10 from
the 5th, then on the 7th a refund of 10 and a charge of 15, all to 4 April: 10 seats from the 5th, 15 from the 7th.

The data names no billing period. It is taken as the calendar month (UTC) in which most rows were ordered, for OrderDate
is the day of the billing event, the latest where two months tie; rows without one count by their first day. Inferred.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import PurePath

from reconciler.domain.bulk import maker
from reconciler.domain.days import Month
from reconciler.domain.finding import Finding, Place, Severity
from reconciler.domain.invoice import Charge, Document, Invoice, InvoiceLine, Kind
from reconciler.domain.money import Money, plain, printed
from reconciler.sources.checks import ONE, smallest
from reconciler.sources.fields import Report
from reconciler.sources.partner_center.charges import motion_of
from reconciler.sources.partner_center.columns import (
    Record,
    missing_columns,
    positions,
    selector,
    unknown_columns,
)
from reconciler.sources.partner_center.drafts import Draft, Reader, tenant_of
from reconciler.sources.partner_center.settling import settle
from reconciler.sources.partner_center.signs import settle_signs
from reconciler.sources.tables import RawRow, Table, rows_of
from reconciler.sources.values import Unreadable, shown, spelled


@dataclass(slots=True)
class Rows:
    """The rows of one file: (row, record, raw), and the columns that nobody knows. `number` and `currency` stand in
    where the file has no column for them; `open_ended` says that the file is a page and names a further one.
    """

    rows: Iterable[tuple[int, Record, object]]
    unknown: dict[str, None] = field(default_factory=dict)
    number: str = ""
    currency: str = ""
    open_ended: bool = False


def table_rows(source: Table, report: Report) -> Rows | None:
    """The rows of a CSV file; None, with an error, where it lacks a column that nothing can be billed without."""
    if lacking := missing_columns(source.names):
        _report_lacking(lacking, report, "the file has no column")
        return None
    rows = Rows(_table_records(source, report), dict.fromkeys(unknown_columns(source.header)))
    if "currency" not in source.names:
        _report_lacking(["Currency"], report, "nothing can be billed, for the file has no column")
        rows.currency = NO_CURRENCY
    if "invoicenumber" not in source.names:
        rows.number = PurePath(report.file).name.partition(".")[0]
        message = f"the file has no column InvoiceNumber; it is taken as one invoice, {shown(rows.number)}"
        report.warning("no-invoice-number", message, (1, None), "download the file with all its columns")
    return rows


def _table_records(source: Table, report: Report) -> Iterator[tuple[int, Record, RawRow]]:
    select = selector(source.names)
    at = positions(source.names)["customer_id"]

    def tenant(row: list[str]) -> str | None:
        return tenant_of(row[at]) if at < len(row) else None

    for line, cells in rows_of(source, report, tenant):
        cells.append("")
        yield line, select(cells), RawRow(source, line)


def json_rows(text: str, report: Report) -> Rows | None:
    """The rows of a v1 page (`{"items": […]}`), a bare list, or one object; numbered from 1."""
    try:
        node = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        report.error("malformed", f"this is not JSON: {error.msg}", (error.lineno, error.colno), "fetch it again")
        return None
    except RecursionError:
        report.error("malformed", "the document is nested too deeply")
        return None
    page = node if isinstance(node, dict) else {}
    items = page.get("items", [node]) if page else node
    if not isinstance(items, list):
        report.error("malformed", "'items' is not a list")
        return None
    links = page.get("links")
    further = isinstance(links, dict) and bool(links.get("next"))
    return _object_rows(enumerate(items, start=1), report, open_ended=further)


def json_lines_rows(text: str, report: Report) -> Rows:
    """The rows of a JSON Lines file, as Graph's export writes it; a line that is not JSON becomes an error."""
    return _object_rows(_lines(text, report), report)


# ISO 4217 for "no currency": seats can be shown without one, and the error keeps the file out of any plan.
NO_CURRENCY = "XXX"
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


def _lines(text: str, report: Report) -> Iterator[tuple[int, object]]:
    for count, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield count, _DECODER.decode(line)
            except (json.JSONDecodeError, RecursionError):
                report.error("malformed", "the line is not JSON; the file is cut off or damaged", (count, None))


def _object_rows(items: Iterable[tuple[int, object]], report: Report, *, open_ended: bool = False) -> Rows:
    rows = Rows((), open_ended=open_ended)
    rows.rows = _object_records(items, rows.unknown, report)
    return rows


def _object_records(
    items: Iterable[tuple[int, object]], unknown: dict[str, None], report: Report
) -> Iterator[tuple[int, Record, object]]:
    selectors: dict[tuple[str, ...], Callable[[list[str]], Record] | None] = {}
    for row, item in items:
        if not isinstance(item, dict):
            report.error("malformed", "the row is not an object", (row, None))
            continue
        header = tuple(item)
        if header not in selectors:
            selectors[header] = _selector(header, row, report)
            unknown.update(dict.fromkeys(unknown_columns(header)))
        if select := selectors[header]:
            yield row, select([*map(_text, item.values()), ""]), item


def _selector(header: tuple[str, ...], row: int, report: Report) -> Callable[[list[str]], Record] | None:
    names = tuple(map(spelled, header))
    # A member without a value may be left out of JSON; the row's own checks say what is missing then.
    if {"customerid", "chargetype"}.isdisjoint(names):
        _report_lacking(missing_columns(names), report, "the row has no member", row)
        return None
    return selector(names)


def _text(value: object) -> str:
    if value is None or isinstance(value, list):
        return ""
    if isinstance(value, dict):
        return json.dumps(value)
    return value if isinstance(value, str) else str(value).lower()


def _report_lacking(names: list[str], report: Report, what: str, row: int = 1) -> None:
    hint = "download the reconciliation file again, with all its columns"
    report.error("missing-column", f"{what} {', '.join(names)}", (row, None), hint)


def invoices_of(rows: Rows, document: Document, report: Report) -> list[Invoice]:
    """The invoices of a file's rows, one per invoice number; a row that cannot be read is an error of its customer."""
    drafts = _drafts(rows, report)
    settle_signs(drafts, report)
    settle(drafts)
    by_number: dict[str, list[Draft]] = {}
    for draft in drafts:
        if draft.counted:
            by_number.setdefault(draft.offer.record.invoice_number.strip() or rows.number, []).append(draft)
    return [
        invoice
        for number, group in by_number.items()
        if (invoice := _invoice(number, group, document, report)) is not None
    ]


def _drafts(rows: Rows, report: Report) -> list[Draft]:
    reader = Reader(rows.currency)
    drafts: list[Draft] = []
    unknown_charges: dict[str, int] = {}
    for row, record, raw in rows.rows:
        try:
            draft = reader.draft(row, record, raw)
        except Unreadable as error:
            about = report.about(tenant_of(record.customer_id), record.subscription_id.strip() or None)
            fault = reader.fault(record, error)
            about.error(fault.code, str(fault), (row, None))
            continue
        if draft.charge is Charge.UNKNOWN:
            unknown_charges.setdefault(record.charge_type, row)
        drafts.append(draft)
    for text, row in unknown_charges.items():
        message = f"the charge type {shown(text)} is not known; its rows count by their sign and days"
        report.warning("unknown-charge", message, (row, None), "check what the distributor means by it")
    return drafts


def _invoice(number: str, drafts: list[Draft], document: Document, report: Report) -> Invoice | None:
    currency = Counter(draft.offer.currency for draft in drafts).most_common(1)[0][0]
    drafts = list(_of_currency(number, currency, drafts, report))
    month = _month(drafts)
    if month is None:
        report.error("missing-days", f"no row of invoice {number} has a day, so its month cannot be told")
        return None
    if not number:
        number = f"unbilled-{currency}-{month}"
        report.error(
            "unbilled",
            f"{len(drafts)} rows have no invoice number: they are an estimate that Microsoft has not billed yet",
            (drafts[0].row, None),
            "take the file away until the invoice is there (the 6th to 8th of the next month)",
        )
    lines = tuple(_line(draft, report) for draft in drafts)
    report.findings.extend(_amount_findings(drafts, currency, report))
    return Invoice(number, None, month.span, currency, Kind.INVOICE, document, lines)


def _of_currency(number: str, currency: str, drafts: list[Draft], report: Report) -> Iterator[Draft]:
    for draft in drafts:
        if draft.offer.currency == currency:
            yield draft
            continue
        report.about(draft.key.tenant, draft.key.subscription).error(
            "two-currencies",
            f"the row is in {draft.offer.currency}, but invoice {number} in {currency}; two currencies are never added",
            (draft.row, None),
            "ask the distributor for one invoice per currency",
        )


def _month(drafts: list[Draft]) -> Month | None:
    days = Counter(draft.period.ordered or (draft.span.first if draft.span else None) for draft in drafts)
    months: Counter[tuple[int, int]] = Counter()
    for day, count in days.items():
        if day:
            months[day.year, day.month] += count
    if not months:
        return None
    year, number = max(months, key=lambda month: (months[month], month))
    return Month(year, number)


_made_line, _made_place = maker(InvoiceLine), maker(Place)


def _line(draft: Draft, report: Report) -> InvoiceLine:
    offer, period = draft.offer, draft.period
    return _made_line(
        number=draft.row,
        place=_made_place(report.file, draft.row),
        customer=draft.customer,
        motion=motion_of(draft.charge, draft.billing, offer.azure_credit),
        subscription=draft.key.subscription,
        sku=draft.key.sku,
        description=f"{offer.description} ({draft.note})" if draft.note else offer.description,
        charge=draft.charge,
        quantity=draft.magnitude if draft.sign >= 0 else -draft.magnitude,
        span=draft.span,
        unit_cost=draft.unit_cost,
        unit_price=None,
        amount=draft.amount,
        term=period.term,
        billing=draft.billing,
        term_end=period.term_span.last if period.term_span else None,
        reference=draft.reference or None,
        meter=offer.meter,
        raw=draft.raw,  # type: ignore[arg-type]  # a mapping, whichever file it comes from
    )


def _amount_findings(drafts: Iterable[Draft], currency: str, report: Report) -> Iterator[Finding]:
    """A warning where a Subtotal is neither of the documented products of price, quantity and rate (sources §1.5)."""
    least = smallest(currency)
    for draft in drafts:
        if draft.effective is None or draft.charge is Charge.CREDIT or draft.telco:
            continue
        rate = draft.offer.rate
        expected = abs(draft.effective) * draft.magnitude * rate
        apart = abs(abs(draft.amount) - expected)
        # Most rows are exact: how far they may be apart is reckoned for the others alone.
        if apart <= least or apart <= least * max(ONE, draft.magnitude) * max(ONE, rate):
            continue
        yield Finding(
            Severity.WARNING,
            "amount",
            f"the row charges {printed(abs(draft.amount), currency)} {currency}, but {plain(draft.magnitude)} × "
            f"{plain(abs(draft.effective))}{_at_rate(rate)} is {printed(expected, currency)}; "
            "the charged amount counts",
            customer=draft.key.tenant,
            subscription=draft.key.subscription or None,
            where=report.place((draft.row, None)),
            hint="ask the distributor, if the difference matters",
            amount=Money(abs(draft.amount) - expected, currency),
        )


def _at_rate(rate: Decimal) -> str:
    return "" if rate == ONE else f" × rate {plain(rate)}"
