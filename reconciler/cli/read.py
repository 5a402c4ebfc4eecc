"""`reconciler read`: what documents say, before any mapping: invoices, totals, and seats by day."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.context import Exit, Failure, Settings, show_findings

if TYPE_CHECKING:
    from reconciler.domain.days import Month
    from reconciler.domain.invoice import Invoice
    from reconciler.domain.timeline import Timeline
    from reconciler.sources.documents import Reading
    from reconciler.sources.seats import SubscriptionKey

WIDTH = 80


@click.command(
    epilog="\b\nExamples:\n  reconciler read invoices/2026-10.csv.gz --month 2026-10\n"
    "  reconciler read invoices/* --format json"
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--month", metavar="YYYY-MM", help="Only the seats of this month; by default, of all days.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How it is written.",
)
@click.pass_obj
def command(settings: Settings, files: tuple[Path, ...], month: str | None, form: str) -> None:
    """Says what invoices and price lists hold: lines, totals, and for every tenant, subscription and product the seats
    by day. The format is told from the content.

    What is wrong with a file goes to standard error, and the rest is shown all the same; the exit status is then 1.
    """
    from reconciler.sources.documents import read_files

    only = _month(month)
    reading = read_files(list(dict.fromkeys(files)))
    if form == "json":
        click.echo(_json(reading, only), nl=False)
    else:
        for line in _text(reading, only):
            click.echo(line)
    show_findings(reading.findings, settings)
    if any(finding.blocks for finding in reading.findings):
        sys.exit(Exit.ERROR)


def _month(text: str | None) -> "Month | None":
    from reconciler.domain.days import Month

    try:
        return Month.parse(text) if text else None
    except ValueError as error:
        raise Failure(str(error)) from None


def _subscriptions(reading: "Reading", month: "Month | None") -> "Iterator[tuple[SubscriptionKey, str, Timeline]]":
    """Each subscription and product with its name and its seats by day; without those that have none."""
    from reconciler.sources.seats import key_of, seat_lines, seat_timelines

    names: dict[SubscriptionKey, str] = {}
    for _, line, _ in seat_lines(reading.invoices):
        if line.quantity and line.description:
            names.setdefault(key_of(line), line.description)
    for key, timeline in seat_timelines(reading.invoices).items():
        shown = timeline.within(month.span) if month else timeline
        if shown.steps:
            yield key, names.get(key, ""), shown


def _json(reading: "Reading", month: "Month | None") -> str:
    from reconciler.domain.money import plain
    from reconciler.render.findings import finding_json

    invoiced = {invoice.document.path for invoice in reading.invoices}
    others = [document for document in reading.documents if document.path not in invoiced]
    documents: list[dict[str, Any]] = [_invoice_members(invoice) for invoice in reading.invoices]
    for document in others:
        members: dict[str, Any] = {"path": document.path, "format": document.format, "sha256": document.sha256}
        if document.path in reading.prices:
            rows = reading.prices[document.path]
            members |= {"rows": len(rows), "currencies": sorted({row.currency for row in rows})}
        documents.append(members)
    subscriptions = [
        {
            "tenant": key.tenant,
            "subscription": key.subscription,
            "sku": key.sku,
            "product": name,
            "seats": [{"from": day.isoformat(), "quantity": plain(level)} for day, level in timeline.steps],
        }
        for key, name, timeline in _subscriptions(reading, month)
    ]
    findings = [finding_json(finding) for finding in reading.findings]
    told = {"documents": documents, "subscriptions": subscriptions, "findings": findings}
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _invoice_members(invoice: "Invoice") -> dict[str, Any]:
    from reconciler.domain.money import ZERO

    charged = [line.amount for line in invoice.lines if line.amount is not None]
    return {
        "path": invoice.document.path,
        "format": invoice.document.format,
        "sha256": invoice.document.sha256,
        "invoice": invoice.number,
        "kind": invoice.kind.value,
        "issued": invoice.issued.isoformat() if invoice.issued else None,
        "period": {"from": invoice.period.first.isoformat(), "to": invoice.period.last.isoformat()},
        "currency": invoice.currency,
        "lines": len(invoice.lines),
        "customers": len({line.customer.tenant for line in invoice.lines}),
        "total": format(sum(charged, ZERO), "f"),
        "lines_without_amount": len(invoice.lines) - len(charged),
        "stated_total": None if invoice.total is None else format(invoice.total, "f"),
    }


def _text(reading: "Reading", month: "Month | None") -> Iterator[str]:
    yield from _document_lines(reading)
    named = {line.customer.tenant: line.customer.name for invoice in reading.invoices for line in invoice.lines}
    tenant = None
    for key, name, timeline in _subscriptions(reading, month):
        if key.tenant != tenant:
            tenant = key.tenant
            yield ""
            yield from _wrapped(f"{named.get(tenant) or 'customer'} · tenant {tenant}", "")
        yield from _wrapped(f"{key.subscription} · {key.sku}", "  ")
        if name:
            yield from _wrapped(name, "    ")
        yield from _level_lines(timeline)


def _document_lines(reading: "Reading") -> Iterator[str]:
    from reconciler.domain.money import ZERO, printed
    from reconciler.render.wording import counted

    for invoice in reading.invoices:
        amounts = [line.amount for line in invoice.lines if line.amount is not None]
        without = len(invoice.lines) - len(amounts)
        yield from _wrapped(f"{invoice.document.path} ({invoice.document.format})", "")
        yield from _wrapped(f"{invoice.kind} {invoice.number}, {invoice.period}", "  ")
        money = f"{printed(sum(amounts, ZERO), invoice.currency)} {invoice.currency}"
        unpriced = f", {without} of them without an amount" if without else ""
        yield from _wrapped(f"{counted(len(invoice.lines), 'line')}{unpriced}, {money} before tax", "  ")
    for path, rows in reading.prices.items():
        currencies = ", ".join(sorted({row.currency for row in rows})) or "no currency"
        yield from _wrapped(f"{path} (price list)", "")
        yield f"  {counted(len(rows), 'row')}, {currencies}"


def _level_lines(timeline: "Timeline") -> Iterator[str]:
    """The days of each level, both inclusive; days without seats are left out, for a gap says as much."""
    from reconciler.domain.days import eve
    from reconciler.domain.money import plain

    ends = [day for day, _ in timeline.steps[1:]] + [None]
    for (first, level), after in zip(timeline.steps, ends, strict=True):
        if level:
            last = eve(after).isoformat() if after else "open"
            yield f"    {first} to {last:<10}  {plain(level):>8}"


def _wrapped(text: str, indent: str) -> Iterator[str]:
    from reconciler.render.safe_text import safe
    from reconciler.render.terminal import hanging

    return hanging(safe(text), WIDTH, indent, indent + "  ")
