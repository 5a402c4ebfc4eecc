"""Whether seats that were given up lie inside the return window that the source states (rulebook C26).

How long seats may be returned is not ours to know: Microsoft changed it from 72 to 168 hours, and others differ. So it
is data: a line may state `returnable_until`, the last day on which its seats may be given back. For a line that takes
seats away it counts as it stands; otherwise the batches charged before say how many seats could still be returned.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from reconciler.domain.days import Month
from reconciler.domain.invoice import InvoiceLine
from reconciler.domain.money import ZERO, plain


def return_window(lines: Iterable[InvoiceLine], month: Month) -> str | None:
    """What the source says of the falls of one subscription in a month, as part of a sentence; None where nothing."""
    lines = list(lines)
    if not any(line.quantity < 0 for line in lines):
        return None
    seats = [line for line in lines if line.charge.counts_seats and line.span]
    falls = [line for line in seats if line.quantity < 0 and line.span and line.span.first in month.span]
    said = [sentence for fall in falls if (sentence := _of_fall(fall, seats))]
    return "; ".join(dict.fromkeys(said)) or None


def _of_fall(fall: InvoiceLine, lines: Sequence[InvoiceLine]) -> str | None:
    assert fall.span  # noqa: S101 -- falls are lines with days
    day, seats = fall.span.first, -fall.quantity
    if fall.returnable_until:
        where = _where(day, fall.returnable_until)
        return (
            f"{plain(seats)} given up on {day}, {where} the return window that the source states, "
            f"until {fall.returnable_until}"
        )
    batches = [x for x in lines if x.quantity > 0 and x.returnable_until and x.span and x.span.first <= day]
    if not batches:
        return None
    inside = sum((x.quantity for x in batches if x.returnable_until and x.returnable_until >= day), ZERO)
    last = max(x.returnable_until for x in batches if x.returnable_until)
    if inside >= seats:
        return f"{plain(seats)} given up on {day}, inside the return window that the source states, until {last}"
    if inside:
        return (
            f"{plain(seats)} given up on {day}, of which {plain(inside)} inside the return window that the source "
            f"states, until {last}"
        )
    return f"{plain(seats)} given up on {day}, outside the return window that the source states, until {last}"


def _where(day: date, until: date) -> str:
    return "inside" if day <= until else "outside"
