"""How much of what the distributor charged has reached the PSA: every line of the month in one class (rulebook H12).

The share is taken of the lines' amounts without their signs, so that a credit note cannot lift it above all there is.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from reconciler.domain.money import ZERO
from reconciler.domain.reconciliation import Reached, Share
from reconciler.planning.accounting import BILLED, BLOCKED, LineKey, Outcome
from reconciler.planning.ledger import Entry
from reconciler.planning.program_month import ProgramMonth


def coverage_of(parts: Iterable[ProgramMonth], compared: Mapping[LineKey, Reached]) -> tuple[Share, ...]:
    """The classes that have lines, by currency. `compared` are the lines of what was compared with records."""
    tally: dict[str, dict[Reached, list[Decimal]]] = {}
    for part in parts:
        for (invoice, line), outcome in part.accounted.lines:
            reached = _reached((invoice, line), outcome, compared)
            tally.setdefault(invoice.currency, {}).setdefault(reached, []).append(line.amount or ZERO)
    return tuple(share for currency, classes in sorted(tally.items()) for share in _shares(currency, classes))


def _reached(entry: Entry, outcome: Outcome, compared: Mapping[LineKey, Reached]) -> Reached:
    invoice, line = entry
    found = compared.get((invoice.number, line.number, line.customer.tenant))
    if outcome.unmapped and found is None:
        return Reached.UNMAPPED
    if outcome.outcome == BLOCKED:
        return Reached.NOT_COMPARED
    if found is not None:
        return found
    # A line that a decision passes on, or that is no seats of any day, is compared with no record of its own.
    return Reached.NOT_COMPARED if outcome.outcome == BILLED else Reached.EXCLUDED


def _shares(currency: str, classes: Mapping[Reached, list[Decimal]]) -> Iterable[Share]:
    whole = sum((abs(amount) for amounts in classes.values() for amount in amounts), ZERO)
    for reached in Reached:
        amounts = classes.get(reached, [])
        if amounts:
            weight = sum((abs(amount) for amount in amounts), ZERO)
            percent = weight * 100 / whole if whole else ZERO
            yield Share(reached, currency, len(amounts), sum(amounts, ZERO), weight, percent)
