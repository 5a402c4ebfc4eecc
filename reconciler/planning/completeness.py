"""Whether the documents of a month are all there, as far as that can be told (beyond the rules: row 23, H4).

Nothing that a distributor sends says "this is all". So it is never said that a month is complete; only that documents
are missing or damaged, that the month looks as the one before it did, or that it cannot be told.
"""

from collections.abc import Iterable, Sequence

from reconciler.domain.days import Month
from reconciler.domain.invoice import Invoice, Kind
from reconciler.domain.open_items import Complete, Completeness
from reconciler.planning.gathered import Documents
from reconciler.planning.ledger import bills

_MOST_NAMED = 3


def completeness(source: str, documents: Documents, month: Month) -> Completeness:
    """What can be said of a source's documents of a month, beside those of the month before where they were read."""
    now = _of(documents.invoices, month)
    damaged = [f for f in documents.findings if f.blocks and f.customer is None]
    if damaged:
        return Completeness(source, Complete.NO, len(now), f"a document is damaged: {damaged[0].message}")
    if not now:
        return Completeness(source, Complete.NO, 0, f"no invoice of {month} was read")
    before = _of(documents.invoices, month.preceding)
    if not before:
        reason = f"nothing says how many documents there are, and none of {month.preceding} was read to compare with"
        return Completeness(source, Complete.UNKNOWN, len(now), reason)
    missing = [*_fewer(now, before, month), *_tenants(now, before, month), *_motions(now, before, month)]
    if missing:
        return Completeness(source, Complete.UNKNOWN, len(now), "; ".join(missing))
    reason = f"{month.preceding} had {len(before)} for no other customers and motions"
    return Completeness(source, Complete.AS_BEFORE, len(now), reason)


def _of(invoices: Iterable[Invoice], month: Month) -> list[Invoice]:
    return [invoice for invoice in invoices if invoice.kind is Kind.INVOICE and bills(invoice, month)]


def _fewer(now: Sequence[Invoice], before: Sequence[Invoice], month: Month) -> Iterable[str]:
    if len(now) < len(before):
        yield f"{month.preceding} had {len(before)} invoices, {month} has {len(now)}"


def _tenants(now: Sequence[Invoice], before: Sequence[Invoice], month: Month) -> Iterable[str]:
    """Customers of the month before that are named no more; with one document for all of them they are gone instead."""
    if any(invoice.customer is None for invoice in now):
        return
    there = {tenant for invoice in now for tenant, _ in _named(invoice)}
    gone = {tenant: name for invoice in before for tenant, name in _named(invoice) if tenant not in there}
    if gone:
        names = sorted(name or tenant for tenant, name in gone.items())
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        yield f"nothing of {month} for {', '.join(names[:_MOST_NAMED])}{more}, charged in {month.preceding}"


def _named(invoice: Invoice) -> Iterable[tuple[str, str]]:
    if invoice.customer:
        yield invoice.customer.tenant, invoice.customer.name
    for line in invoice.lines:
        yield line.customer.tenant, line.customer.name


def _motions(now: Sequence[Invoice], before: Sequence[Invoice], month: Month) -> Iterable[str]:
    there = {line.motion for invoice in now for line in invoice.lines}
    gone = sorted({line.motion for invoice in before for line in invoice.lines if line.motion not in there})
    # Annual and one-off charges come as they fall due; monthly seats and usage come every month.
    monthly = [motion for motion in gone if motion in ("seat-monthly", "azure")]
    if monthly:
        yield f"no charges of {' and '.join(monthly)} in {month}, where {month.preceding} had some"
