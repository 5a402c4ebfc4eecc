"""The invoices that a sandbox made, as text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.render.safe_text import safe


def invoice_lines(invoices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each invoice with its lines: product, serial number, quantity, unit price and amount, aligned for 80 columns."""
    made = [invoice for invoice in invoices if invoice["lines"]]
    if not made:
        yield "Nothing to invoice."
    for invoice in made:
        yield f"Invoice {safe(invoice['invoiceNumber'])} of {invoice['date']}, {safe(invoice['company'])}"
        for line in invoice["lines"]:
            name = safe(line["description"])[:38]
            yield f"  {name:<38} {line['quantity']:>8} × {line['unitPrice']:>9} {line['amount']:>12}"
        yield f"  {'total':<38} {invoice['total']:>33}"
        yield ""
