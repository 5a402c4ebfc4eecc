"""Charge-cycle alignment: the records of one subscription and product as a copy of the month's invoice (C27, H1).

Each line of the month's invoices is one record with a final amount (`line_copies`); what is recognised is not written
again (`recognising`). A fall of the quantity is a negative record, or under another `decrease` than `credit` is not
written at all: it is the lines of one invoice and the same days that together are less than nothing, for a source may
charge a change as a refund of the old count and a charge of the new one. Conversions and moves to another product are
no falls.

Nothing goes on from one month to the next, so nothing is closed, carried or ended: a subscription that is not charged
has no record. A record by calendar months beside these would bill the same days again: it stops the subscription.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reconciler.domain.days import Month, Span, eve
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Charge
from reconciler.domain.line_mark import mark_in
from reconciler.domain.mapping import Decrease
from reconciler.domain.money import ZERO, Money, plain, printed, rounded
from reconciler.domain.plan import Action, Because
from reconciler.domain.records import Addition
from reconciler.rules.charged import Rate
from reconciler.rules.drafts import Decision, Draft, Suppressed
from reconciler.rules.line_copies import LineCopy
from reconciler.rules.preflight import E7
from reconciler.rules.recognising import Known, recognise, same_money

REPEATED = "C27 billed already"
KEPT_BACK = "decrease kept back"
_SWAPS = frozenset({Charge.CONVERT, Charge.MOVE_QUANTITY, Charge.CHANGE_PLAN})

_Content = tuple[Span, Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class CycleMonth:
    """What the decisions of a month rest on: the first day that takes new records, the numbers of the month's invoices
    as marks spell them, the policy for falls and the agreement's currency.
    """

    month: Month
    open_from: date
    invoices: frozenset[str]
    decrease: Decrease
    currency: str


@dataclass(frozen=True, slots=True)
class Facsimile:
    """The decision, the copies that the month bills, and those that it does not, each with the rule that says so."""

    decision: Decision
    billed: tuple[LineCopy, ...]
    left_out: tuple[tuple[LineCopy, str], ...]


def facsimile(subscription: str, copies: Sequence[LineCopy], standing: Sequence[Addition], at: CycleMonth) -> Facsimile:
    """The decision for one subscription and product.

    `copies` are the lines of the month's own invoices; `standing` all additions with this serial number and product,
    of other months too.
    """
    mixed = [record for record in standing if _by_calendar(record, at.month)]
    kept_back = () if at.decrease is Decrease.CREDIT else _falls(copies)
    wanted = [copy for copy in copies if copy not in kept_back]
    # What comes to nothing needs no record.
    found = recognise((copy for copy in wanted if copy.amount), standing, at.currency)
    mixed = [record for record in mixed if record in found.free]
    if mixed:
        return Facsimile(Decision((), tuple(_mixed(r, subscription, at.month) for r in mixed)), tuple(wanted), ())
    repeats = _repeats([copy for copy, _, _ in found.matches], found.unbilled)
    elsewhere = [copy for copy, record, known in found.matches if _in_another_month(record, known, at.month)]
    new = [copy for copy in found.unbilled if copy not in repeats]
    late = [copy for copy in new if copy.days.first < at.open_from]
    findings = [_invoiced(copy, subscription, at) for copy in late[:1]]
    findings += [_repeated(copy, subscription, at.currency) for copy in (*repeats, *elsewhere)]
    outcomes = [
        *(_new(copy) for copy in new),
        *(_put_right(copy, record, at) for copy, record, _ in found.matches if copy not in elsewhere),
        *(_without_line(record, subscription, at) for record in found.free),
    ]
    findings += [outcome for outcome in outcomes if isinstance(outcome, Finding)]
    drafts = [] if late else [outcome for outcome in outcomes if isinstance(outcome, Draft)]
    out = [(copy, REPEATED) for copy in (*repeats, *elsewhere)] + [(copy, KEPT_BACK) for copy in kept_back]
    gone = [copy for copy, _ in out]
    return Facsimile(
        Decision(tuple(drafts), tuple(findings), _suppressed(kept_back)),
        tuple(copy for copy in wanted if copy not in gone),
        tuple(out),
    )


def copied_into(standing: Iterable[Addition], month: Month) -> tuple[Addition, ...]:
    """The records that copy an invoice line and bill in a month or later, or whose line charges days of it: beside
    them, records by calendar months would bill those days again.
    """
    found = []
    for record in standing:
        mark = mark_in(record.description) if record.quantity else None
        if mark and (mark.span.last >= month.first or record.cancelled is None or record.cancelled >= month.first):
            found.append(record)
    return tuple(found)


def mixed_with_copies(record: Addition, subscription: str) -> Finding:
    """The error for a record that copies a line, where the subscription is to be billed by calendar months."""
    return Finding(
        Severity.ERROR,
        "C27",
        f"record {record.id} bills an invoice line with its own days ({mark_in(record.description)}); billing the "
        "subscription by calendar months beside it would bill days twice",
        subscription=subscription,
        hint="use `align: charge-cycle` for the customer, or change to `calendar` in the month after those days",
    )


def _by_calendar(record: Addition, month: Month) -> bool:
    in_force = record.cancelled is None or record.cancelled >= month.first
    return bool(record.quantity) and in_force and mark_in(record.description) is None


def _mixed(record: Addition, subscription: str, month: Month) -> Finding:
    ends = f"to {record.cancelled}" if record.cancelled else "without an end"
    return Finding(
        Severity.ERROR,
        "C27",
        f"record {record.id} ({plain(record.quantity)} from {record.effective} {ends}) copies no invoice line; beside "
        "records by charge cycles it would bill the same days again",
        subscription=subscription,
        hint=f"end it on {eve(month.first)} in the PSA, or use `align: calendar` for the customer",
    )


def _falls(copies: Iterable[LineCopy]) -> tuple[LineCopy, ...]:
    """The lines of each invoice and span that together take seats away."""
    groups: dict[tuple[str, Span], list[LineCopy]] = {}
    for copy in copies:
        if copy.line.line.charge not in _SWAPS:
            groups.setdefault((copy.mark.invoice, copy.mark.span), []).append(copy)
    falling = (group for group in groups.values() if sum((c.quantity for c in group), ZERO) < 0)
    return tuple(copy for group in falling for copy in group)


def _suppressed(kept_back: Sequence[LineCopy]) -> Suppressed | None:
    if not kept_back:
        return None
    days = (min(c.mark.span.first for c in kept_back), max(c.mark.span.last for c in kept_back))
    return Suppressed(-sum((copy.amount for copy in kept_back), ZERO), days)


def _repeats(billed: Sequence[LineCopy], unbilled: Sequence[LineCopy]) -> tuple[LineCopy, ...]:
    """The unbilled lines that an invoice only repeats from another one: of lines with the same days, quantity and
    amount, as many are charges of their own as the invoice with most of them has.
    """
    counts: dict[_Content, Counter[str]] = {}
    for copy in (*billed, *unbilled):
        counts.setdefault(_content(copy), Counter())[copy.mark.invoice] += 1
    room: Mapping[_Content, int] = {content: max(each.values()) for content, each in counts.items()}
    taken = Counter(_content(copy) for copy in billed)
    repeats = []
    for copy in unbilled:
        content = _content(copy)
        if taken[content] >= room[content]:
            repeats.append(copy)
        taken[content] += 1
    return tuple(repeats)


def _content(copy: LineCopy) -> _Content:
    return copy.mark.span, copy.quantity, copy.amount


def _in_another_month(record: Addition, known: Known, month: Month) -> bool:
    """Whether a line was billed in another month under another invoice number."""
    inside = record.effective <= month.last and (record.cancelled is None or record.cancelled >= month.first)
    return known is Known.BY_ANOTHER_INVOICE and not inside


def _new(copy: LineCopy) -> Draft:
    first, last = copy.days.first, copy.days.last
    return Draft(Action.CREATE, None, copy.quantity, copy.rate, first, last, _because(copy), note=str(copy.mark))


def _because(copy: LineCopy) -> tuple[Because, ...]:
    text = f"{copy.line.line.charge} of {copy.mark.span}: billed once, with the amount of its invoice line"
    why = tuple(Because("C27", text, row.invoice, row.line.number) for row in copy.lines)
    return (*why, *_of_the_own_price(copy))


def _of_the_own_price(copy: LineCopy) -> Iterable[Because]:
    """How a part of a cycle came to its amount."""
    line, cycle = copy.line.line, copy.line.rate
    charged = sum((row.line.amount or ZERO for row in copy.lines), ZERO)
    full = line.quantity * cycle.unit_cost
    if copy.amount == rounded(line.quantity * cycle.unit_price) or not full:
        return
    part = f"{printed(charged)} of {printed(full)} for a full cycle"
    yield Because("H1", f"charged {part}: the same part of {plain(line.quantity)} × {printed(cycle.unit_price)}")


def _put_right(copy: LineCopy, record: Addition, at: CycleMonth) -> Draft | Finding | None:
    """What is to be done about a record that was known again but does not bill its line once: a change while the month
    is not invoiced, else a word.
    """
    month = at.month
    if not record.bills:
        return _not_billed(copy, record, at.currency)
    same = same_money(copy, record, at.currency)
    begins_inside = month.first <= record.effective <= month.last
    ends_inside = record.cancelled is not None and month.first <= record.cancelled <= month.last
    if same and begins_inside and ends_inside:
        return None
    if record.effective < at.open_from or not begins_inside:
        return _differs(copy, record, at.currency)
    last = record.cancelled if ends_inside else copy.days.last
    why = _because(copy)
    if same:
        rate = Rate(record.unit_price, record.unit_cost)
        return Draft(Action.CANCEL, record, record.quantity, rate, record.effective, last, why)
    return Draft(Action.UPDATE, record, copy.quantity, copy.rate, record.effective, last, why)


def _without_line(record: Addition, subscription: str, at: CycleMonth) -> Draft | Finding | None:
    """A record of the month whose line is on no invoice of it: gone where the invoice was issued again without it."""
    mark = mark_in(record.description)
    in_month = record.effective <= at.month.last and (record.cancelled is None or record.cancelled >= at.month.first)
    if mark is None or not in_month:
        return None
    if mark.invoice in at.invoices and record.effective >= at.open_from:
        why = Because("C27", f"the invoice charges no such line: {mark}", mark.invoice)
        rate = Rate(record.unit_price, record.unit_cost)
        return Draft(Action.DELETE, record, ZERO, rate, record.effective, record.cancelled, (why,))
    said = "charges no such line" if mark.invoice in at.invoices else f"was not read for {at.month}"
    return Finding(
        Severity.WARNING,
        "C27",
        f"record {record.id} bills {mark}, and that invoice {said}",
        subscription=subscription,
        hint="add the invoice to the documents, or take the record out in the PSA",
        amount=Money(record.quantity * record.unit_price, at.currency),
    )


def _invoiced(copy: LineCopy, subscription: str, at: CycleMonth) -> Finding:
    return Finding(
        Severity.ERROR,
        "E7",
        E7,
        subscription=subscription,
        where=copy.line.line.place,
        hint=f"delete the PSA's invoice of {at.month}, apply the plan and invoice again; from the next month on, "
        "invoice the agreement after the distributor's invoice has come",
    )


def _repeated(copy: LineCopy, subscription: str, currency: str) -> Finding:
    line = copy.line.line
    return Finding(
        Severity.WARNING,
        "C27",
        f"line {line.number} of {copy.line.invoice} repeats a charge that another invoice made ({copy.mark.span}, "
        f"{plain(line.quantity)} seats, {printed(copy.amount, currency)}): it is billed once",
        subscription=subscription,
        where=line.place,
        hint="where it is a charge of its own, bill it by hand",
        amount=Money(copy.amount, currency),
    )


def _not_billed(copy: LineCopy, record: Addition, currency: str) -> Finding:
    return Finding(
        Severity.WARNING,
        "not-billed",
        f"record {record.id} is set not to bill: what its line ({copy.mark}) charges is billed to nobody",
        subscription=copy.line.line.subscription,
        where=copy.line.line.place,
        hint="set Bill Customer to Billable on the addition, unless it is meant to be free",
        amount=Money(copy.amount, currency),
    )


def _differs(copy: LineCopy, record: Addition, currency: str) -> Finding:
    bills = printed(record.quantity * record.unit_price, currency)
    ends = f"to {record.cancelled}" if record.cancelled else "without an end"
    return Finding(
        Severity.WARNING,
        "C27",
        f"record {record.id} bills {bills} from {record.effective} {ends}, its line ({copy.mark}) "
        f"{printed(copy.amount, currency)} once; it is invoiced, or moved out of the month, and is left as it is",
        subscription=copy.line.line.subscription,
        where=copy.line.line.place,
        hint="correct it in the PSA",
        amount=Money(copy.amount - record.quantity * record.unit_price, currency),
    )
