"""Annual seats: each invoice line once, on an agreement that bills one time (rulebook P53, P54, interface §6.10).

A purchase, a renewal or seats added in mid-term are records of their own: effective on the line's first day, with the
line's quantity and price, the invoice's number in the description, by which the record is known again. Nothing is
compared by days and nothing goes on: what the distributor charges once is billed once, on any run and no fixed day.
"""

from collections.abc import Iterable, Sequence

from reconciler.domain.invoice import InvoiceLine
from reconciler.domain.plan import Action, Because
from reconciler.domain.records import Addition
from reconciler.rules.charged import ChargedLine
from reconciler.rules.drafts import Draft


def annual_records(charges: Iterable[ChargedLine], standing: Sequence[Addition]) -> tuple[Draft, ...]:
    """A new record for each line that no standing one bills. `standing` are of one subscription and product."""
    billed = {a.id: a for a in standing}
    drafts = []
    for charged in charges:
        line, invoice = charged.line, charged.invoice
        if line.span is None or not line.quantity:
            continue
        match = next((a for a in billed.values() if _bills(a, line, invoice)), None)
        if match:
            # A record bills one line: two equal lines of an invoice are two records.
            del billed[match.id]
            continue
        text = f"{line.charge} of {line.span.first}: billed once"
        why = (Because("P53", text, invoice, line.number),)
        new = Draft(Action.CREATE, None, line.quantity, charged.rate, line.span.first, None, why, note=invoice)
        drafts.append(new)
    return tuple(drafts)


def _bills(addition: Addition, line: InvoiceLine, invoice: str) -> bool:
    same = line.span is not None and addition.effective == line.span.first and addition.quantity == line.quantity
    return same and invoice in addition.description
