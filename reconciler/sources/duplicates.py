"""One invoice in two files: the same is counted once, two different ones are an error, pages are put together.

Which of two different ones holds, no rule can tell. So the customers whose lines differ are billed by neither; the
others, of whom both say the same, are billed.

An invoice is known by its number, and where the form gives one customer for the whole invoice by that tenant too, for
a distributor may write one document per customer under one number.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from reconciler.domain.finding import Finding, Place, Severity
from reconciler.domain.invoice import Invoice, InvoiceLine

_NOWHERE = Place("")


def without_duplicates(invoices: Iterable[Invoice]) -> tuple[tuple[Invoice, ...], tuple[Finding, ...]]:
    """Each invoice once, the first of equals, with a warning or an error for each further one."""
    kept: dict[tuple[str, str], Invoice] = {}
    findings: list[Finding] = []
    for invoice in invoices:
        key = (invoice.number, invoice.customer.tenant if invoice.customer else "")
        first = kept.setdefault(key, invoice)
        if first is not invoice:
            findings.extend(_compared(first, invoice))
    return tuple(kept.values()), tuple(findings)


def _compared(first: Invoice, again: Invoice) -> list[Finding]:
    twin, again_at = _named(first, again), _named(again, first)
    here = Place(again.document.path, again.lines[0].place.line if again.lines else None)
    if _head(first) != _head(again):
        different = _tenants(first) | _tenants(again)
    else:
        ours, theirs = Counter(map(without_place, first.lines)), Counter(map(without_place, again.lines))
        different = {line.customer.tenant for line in ((ours - theirs) + (theirs - ours))}
    if not different:
        return [
            Finding(
                Severity.WARNING,
                "duplicate-document",
                f"invoice {again.number} stands in {twin} too, with the same content; it is counted once",
                customer=again.customer.tenant if again.customer else None,
                where=here,
                hint="take one of the two files away",
            )
        ]
    return [
        Finding(
            Severity.ERROR,
            "conflicting-document",
            f"invoice {again.number} stands in {twin} too, with other content for this customer: neither is billed",
            customer=tenant,
            where=here,
            hint=f"keep the one that the distributor issued last, {again_at} or {twin}, and take the other away",
        )
        for tenant in sorted(different)
    ]


def _named(one: Invoice, other: Invoice) -> str:
    """Where one of two is: its file, or the row where both are in the same file."""
    if one.document.path != other.document.path or not one.lines:
        return one.document.path
    return str(one.lines[0].place)


def _head(invoice: Invoice) -> tuple[object, ...]:
    return invoice.period, invoice.currency, invoice.kind, invoice.semantics


def _tenants(invoice: Invoice) -> set[str]:
    return {line.customer.tenant for line in invoice.lines}


def without_place(line: InvoiceLine) -> InvoiceLine:
    """A line as far as it says something: without its number and where it stands."""
    return replace(line, number=0, place=_NOWHERE)
