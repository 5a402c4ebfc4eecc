"""The invoices that a sandbox made, as text."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from reconciler.domain.money import plain, printed
from reconciler.render.safe_text import safe
from reconciler.render.terminal import clipped, left


def invoice_lines(invoices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each invoice with its lines: product, serial number, quantity, unit price and amount, aligned for 80 columns."""
    made = [invoice for invoice in invoices if invoice["lines"]]
    if not made:
        yield "Nothing to invoice."
    for invoice in made:
        yield f"Invoice {safe(invoice['invoiceNumber'])} of {invoice['date']}, {safe(invoice['company'])}"
        for line in invoice["lines"]:
            name = clipped(safe(line["description"]), 42)
            quantity, price = plain(Decimal(line["quantity"])), printed(Decimal(line["unitPrice"]))
            yield f"  {left(name, 42)} {quantity:>6} × {price:>9} {line['amount']:>15}"
        yield f"  {'total':<42} {invoice['total']:>34}"
