"""Annual seats: each charge once, on an agreement that bills one time (rulebook P53, P54, interface §6.10).

A purchase, a renewal or seats added in mid-term are records of their own: effective on the line's first day, with the
line's quantity and price, the invoice's number in the description. Nothing is compared by days and nothing goes on:
what the distributor charges once is billed once, on any run and no fixed day.

An invoice may be issued again under another number. So a charge is known by its subscription, days, quantity and price:
equal lines of two invoices are one charge, and a standing record bills the line that it equals, whatever invoice
brought it. Equal lines of one invoice are two charges. A term begins once: where a purchase or renewal comes with
another quantity or price than the one that is billed, nothing is written, for no rule can tell which of them is right.

In numbers: INV-77 charges 5 seats from 18 September at 240.00, one record. INV-99 charges the same five: no record. A
later INV-120 adds 2 from 1 December at 188.00: a record of its own.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Charge, InvoiceLine
from reconciler.domain.line_mark import LineMark, mark_in
from reconciler.domain.money import plain
from reconciler.domain.plan import Action, Because
from reconciler.domain.records import Addition
from reconciler.rules.charged import ChargedLine
from reconciler.rules.drafts import Draft

TAKEN_BACK = ", taken back"
"""What the description of a record ends with that takes back another one, which is invoiced (`rules.undoing`)."""

_Identity = tuple[object, ...]
_BEGINS_A_TERM = (Charge.NEW, Charge.RENEW)


@dataclass(frozen=True, slots=True)
class AnnualDecision:
    """The records to make for one subscription and product; the standing ones that bill its lines; the lines that an
    invoice brought again (excluded); and what a person must know. An error comes with no drafts.
    """

    drafts: tuple[Draft, ...]
    billed: tuple[Addition, ...]
    repeated: tuple[ChargedLine, ...] = ()
    findings: tuple[Finding, ...] = ()


def annual_records(charges: Iterable[ChargedLine], standing: Iterable[Addition]) -> AnnualDecision:
    """The decision for the lines of one subscription and product. `standing` are all of the agreement's records with
    that serial number and product, of this month or another.
    """
    lines, repeated = _once(charges)
    missing, billed, free = _matched(lines, standing)
    missing += _taken_back(lines, missing, billed, free)
    if doubtful := _doubtful(lines, missing, free):
        return AnnualDecision((), tuple(billed), repeated, doubtful)
    places = Counter(_place(charged) for charged in lines)
    drafts = (_draft(charged, _mark(charged) if places[_place(charged)] > 1 else None) for charged in missing)
    return AnnualDecision(tuple(drafts), tuple(billed), repeated)


def _matched(
    lines: Sequence[ChargedLine], standing: Iterable[Addition]
) -> tuple[list[ChargedLine], list[Addition], list[Addition]]:
    """The lines without a record, the records that bill the others, and those that bill none of them."""
    free, billed = list(standing), []
    matched: list[ChargedLine] = []
    # A record that names its line is that line's, whichever comes first.
    for find in (_record_by_mark, _record_of):
        for charged in lines:
            record = None if charged in matched else find(charged, free)
            if record is not None:
                matched.append(charged)
                free.remove(record)
                billed.append(record)
    return [charged for charged in lines if charged not in matched], billed, free


def _place(charged: ChargedLine) -> tuple[object, ...]:
    """What a record shares with one that a PSA alone could not tell from it."""
    return charged.line.span and charged.line.span.first, charged.rate.unit_price


def _mark(charged: ChargedLine) -> LineMark:
    assert charged.line.span  # noqa: S101 -- lines without days are left out before
    return LineMark.of(charged.invoice, charged.line.number, charged.line.span)


def _once(charges: Iterable[ChargedLine]) -> tuple[list[ChargedLine], tuple[ChargedLine, ...]]:
    """The lines that charge something, each charge once, and those in which an invoice brings it again."""
    charges = [c for c in charges if c.line.span is not None and c.line.quantity]
    counts: dict[_Identity, Counter[str]] = {}
    for charged in charges:
        counts.setdefault(_identity(charged), Counter())[charged.invoice] += 1
    # The invoice that has a charge most often has all of it; of equals, the first that was read.
    chosen = {identity: max(found, key=lambda invoice: found[invoice]) for identity, found in counts.items()}
    first = [c for c in charges if chosen[_identity(c)] == c.invoice]
    return first, tuple(c for c in charges if chosen[_identity(c)] != c.invoice)


def _identity(charged: ChargedLine) -> _Identity:
    line = charged.line
    return line.span, line.quantity, charged.rate


def _record_by_mark(charged: ChargedLine, standing: Sequence[Addition]) -> Addition | None:
    """The record that names the line itself, and bills its quantity."""
    mark = _mark(charged)
    named = (a for a in standing if a.quantity == charged.line.quantity and mark_in(a.description) == mark)
    return next(named, None)


def _record_of(charged: ChargedLine, standing: Sequence[Addition]) -> Addition | None:
    """The record that bills a line: of its day and quantity, and of its price or its invoice, rather of its invoice."""
    line = charged.line
    assert line.span  # noqa: S101 -- lines without days are left out before
    same = [a for a in standing if a.effective == line.span.first and a.quantity == line.quantity]
    own = [a for a in same if charged.invoice in a.description]
    return next(iter(own or [a for a in same if a.unit_price == charged.rate.unit_price]), None)


def _taken_back(
    lines: Sequence[ChargedLine], missing: Sequence[ChargedLine], billed: list[Addition], free: list[Addition]
) -> list[ChargedLine]:
    """Lines whose record was taken back by one of minus its quantity, on the same day at the same price: due again.

    A record and what takes it back cancel out first, where no line asks for either.
    """
    due: list[ChargedLine] = []
    counters = [a for a in free if a.quantity < 0 and a.description.endswith(TAKEN_BACK)]
    for counter in counters:
        twin = next((a for a in free if _opposite(a, counter)), None)
        if twin is not None:
            free.remove(counter)
            free.remove(twin)
            continue
        kept = next((a for a in billed if _opposite(a, counter)), None)
        line = next((c for c in lines if c not in missing and c not in due and kept and _record_of(c, [kept])), None)
        if kept is not None and line is not None:
            free.remove(counter)
            billed.remove(kept)
            due.append(line)
    return due


def _opposite(one: Addition, other: Addition) -> bool:
    same = (one.effective, one.unit_price) == (other.effective, other.unit_price)
    return same and one.quantity == -other.quantity and one.quantity > 0


def _doubtful(
    lines: Sequence[ChargedLine], missing: Sequence[ChargedLine], free: Sequence[Addition]
) -> tuple[Finding, ...]:
    """Purchases and renewals that are charged otherwise elsewhere: on another invoice, or by a record that stands."""
    findings = []
    for charged in missing:
        if charged.line.charge not in _BEGINS_A_TERM or charged.line.span is None:
            continue
        day = charged.line.span.first
        others = (c for c in lines if _begins(c, day) and c.invoice != charged.invoice)
        other = next((c for c in others if not _refunded(c, lines)), None)
        record = next((a for a in free if a.effective == day and a.quantity > 0), None)
        if other is not None:
            told = f"invoice {other.invoice} line {other.line.number} charges {_priced(other)}"
        elif record is not None:
            told = f"record {record.id} bills {plain(record.quantity)} at {plain(record.unit_price)}"
        else:
            continue
        findings.append(_issued_otherwise(charged, day, told))
    return tuple(findings)


def _begins(charged: ChargedLine, day: date) -> bool:
    span = charged.line.span
    return charged.line.charge in _BEGINS_A_TERM and span is not None and span.first == day


def _refunded(charged: ChargedLine, lines: Iterable[ChargedLine]) -> bool:
    minus = (charged.line.span, -charged.line.quantity)
    return any((c.line.span, c.line.quantity) == minus for c in lines)


def _issued_otherwise(charged: ChargedLine, day: date, told: str) -> Finding:
    line = charged.line
    return Finding(
        Severity.ERROR,
        "P53",
        f"invoice {charged.invoice} line {line.number} charges {_priced(charged)} for the term from {day}, but {told}: "
        "a term begins once, so one of the two is wrong",
        subscription=line.subscription,
        where=line.place,
        hint="take the invoice that no longer holds out of `invoices:`; correct the record by hand if it was billed",
    )


def _priced(charged: ChargedLine) -> str:
    price: Decimal = charged.rate.unit_price
    return f"{plain(charged.line.quantity)} at {plain(price)}"


def _draft(charged: ChargedLine, mark: LineMark | None) -> Draft:
    line: InvoiceLine = charged.line
    assert line.span  # noqa: S101 -- lines without days are left out before
    text = f"{line.charge} of {line.span.first}: billed once"
    why = (Because("P53", text, charged.invoice, line.number),)
    note = str(mark) if mark else charged.invoice
    return Draft(Action.CREATE, None, line.quantity, charged.rate, line.span.first, None, why, note=note)
