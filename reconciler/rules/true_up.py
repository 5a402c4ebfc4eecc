"""The true-up: what must be written so that the PSA bills what the invoice charged.

In words: D(day) is the quantity that the invoice charged, E(day) what the PSA's records add up to. The records are
brought to E = D on every charged day of the month, and their open quantity to what goes on from the next month. Where
there is no difference there is no change: that is why planning twice is harmless. The engine never asks what happened,
only what is charged and what stands.

In numbers (rulebook Ex 5): someone set the PSA to 8 and the invoice says 10 all September. D − E is +2 from the 1st,
the open quantity 8 is not 10: so the 8 end on 30 September, +2 run from the 1st to the 30th, 10 go on from 1 October.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from reconciler.domain.days import Month, Span, eve
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.mapping import Carry, Changes, Decrease, PriceChange
from reconciler.domain.money import ZERO, plain
from reconciler.domain.plan import Because
from reconciler.domain.records import Addition
from reconciler.domain.timeline import Timeline
from reconciler.rules.charged import Charged, ChargedLine, Rate
from reconciler.rules.drafts import AS_CHARGED, Decision, Draft, Suppressed
from reconciler.rules.price_changes import price_findings
from reconciler.rules.representation import Aim, Form, dated_additions, ended

E5 = (
    "Unable to sync subscription to ConnectWise because of inconsistent existing additions. Check for gaps in dates or "
    "additions starting after this invoice usage period."
)


@dataclass(frozen=True, slots=True)
class Period:
    """The month to bring right, and the first day that the PSA has not invoiced yet."""

    month: Month
    open_from: date


def true_up(charged: Charged, standing: Sequence[Addition], period: Period, changes: Changes) -> Decision:
    """The decision for one subscription and product.

    `standing` are all additions of the agreement with this serial number and product, adopted ones included.
    """
    # A record of no quantity bills nothing: it is as good as not there.
    standing = [a for a in standing if a.quantity]
    if not charged.lines and not standing:
        return Decision((), ())
    if _stands_as_charged(charged, standing, period.month, changes):
        return AS_CHARGED
    broken = _inconsistent(charged, standing, period.month)
    if broken:
        return Decision((), broken)
    if not charged.lines and _nothing_later(charged, standing, period):
        return _end_vanished(charged, standing, period)
    wanted, suppressed = _wanted(charged, standing, period.month, changes)
    drafts = _write(charged, wanted, standing, period, changes)
    findings = price_findings(charged, standing, period.month, changes.price_change)
    if drafts and not charged.lines and period.open_from > period.month.first:
        findings += (_countered(charged, standing, period.month),)
    assumed = (
        wanted.known.first if wanted.known.first > period.month.first and _stands_before(standing, wanted) else None
    )
    return Decision(drafts, findings, suppressed, assumed)


def _stands_as_charged(charged: Charged, standing: Sequence[Addition], month: Month, changes: Changes) -> bool:
    """The plain case that most months are: one open record with the quantity and rate that were charged all month, and
    that go on. Every other case takes the long way, and comes to the same result where there is nothing to do.
    """
    if len(standing) != 1 or changes.carry is Carry.ALWAYS or len(charged.rates) != 1:
        return False
    record, rate = standing[0], charged.rates[0][1]
    return (
        record.cancelled is None
        and record.effective <= month.first
        and record.quantity == charged.carry
        and charged.level.steps == ((month.first, record.quantity), (month.following.first, ZERO))
        and record.unit_price == rate.unit_price
        and record.unit_cost == rate.unit_cost
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to stand after the decrease policy has spoken: the level on the known days, and the open quantity."""

    level: Timeline
    known: Span
    carry: Decimal | None


@dataclass(frozen=True, slots=True)
class _Group:
    """The records that are written together: all of the subscription, or under `prorate` those of one price."""

    wanted: _Wanted
    records: Sequence[Addition]
    rate_on: Callable[[date], Rate]
    is_new: bool
    reprices: bool = False


# -- what cannot be computed


def _inconsistent(charged: Charged, standing: Iterable[Addition], month: Month) -> tuple[Finding, ...]:
    """Records that end inside the month: what the PSA bills for them is not documented (P44, connectwise §5.6)."""
    return tuple(
        Finding(
            Severity.ERROR,
            "E5",
            f"{E5} Record {a.id} ({plain(a.quantity)} from {a.effective}) ends on {a.cancelled}, inside the month.",
            subscription=charged.subscription,
            hint=f"let it end on {month.last} or {eve(month.first)} in the PSA, or delete it, and plan again",
        )
        for a in standing
        if a.cancelled and month.first <= a.cancelled < month.last and a.effective <= a.cancelled
    )


# -- C6: absent from the invoice


def _nothing_later(charged: Charged, standing: Iterable[Addition], period: Period) -> bool:
    """Whether the records may simply end on the eve of the month: it is not invoiced, and no later month is written."""
    if charged.carry or period.open_from > period.month.first:
        return False
    return not _later_is_written(charged, standing, period.month, charged.carry)


def _later_is_written(charged: Charged, standing: Iterable[Addition], month: Month, carry: Decimal) -> bool:
    """C5: whether a later month is in the PSA already; then what goes on from here is that month's to say.

    A record tells it that only a later month can have made; or that nothing of this month goes on, and the PSA has from
    the next month on just what that month's invoice charges, which is not what this one would carry.
    """
    after = month.following.first
    standing = list(standing)
    if any(a.effective > after or (a.effective == after and a.cancelled is not None) for a in standing):
        return True
    if charged.next_opening is None or charged.next_opening == carry:
        return False
    if any(a.effective < after and (a.cancelled is None or a.cancelled >= after) for a in standing):
        return False
    in_force = _in_force(standing)
    # Nothing from the next month on tells of a later month only where something stood until then.
    stood = charged.next_opening > 0 or in_force.on(month.last) > 0
    return stood and in_force.on(after) == charged.next_opening


def _countered(charged: Charged, standing: Iterable[Addition], month: Month) -> Finding:
    seats = plain(_in_force(standing).on(month.first))
    return Finding(
        Severity.WARNING,
        "C6",
        f"the invoices charge nothing for {charged.product} in {month}, which the PSA has invoiced: "
        f"{seats} seats are countered in full",
        subscription=charged.subscription,
        hint="make sure that the subscription is gone: a credit of the whole month lands on the next invoice",
    )


def _end_vanished(charged: Charged, standing: Sequence[Addition], period: Period) -> Decision:
    last = eve(period.month.first)
    text = f"the invoices charge nothing for this subscription in {period.month}, so {last} is its last billed day"
    drafts = ended(standing, last, (Because("C6", text),))
    return Decision(drafts, ())


# -- what is to stand


def _wanted(
    charged: Charged, standing: Sequence[Addition], month: Month, changes: Changes
) -> tuple[_Wanted, Suppressed | None]:
    known = Span(max(charged.known_from, month.first), month.last)
    carry = charged.carry
    level = charged.level
    suppressed = None
    if changes.decrease is not Decrease.CREDIT and charged.lines:
        level, suppressed = _without_falls(charged, standing, known)
        if _kept_to_renewal(charged, changes.decrease, month):
            carry = max(level.on(month.last), charged.carry)
    later = _later_is_written(charged, standing, month, carry)
    return _Wanted(level, known, None if later else carry), suppressed


def _kept_to_renewal(charged: Charged, decrease: Decrease, month: Month) -> bool:
    """Whether seats given up go on being billed: the term has not ended, and nothing is booked for the renewal."""
    over = charged.term_end is not None and charged.term_end <= month.last
    return decrease is Decrease.AT_RENEWAL and not charged.scheduled and not over


def _without_falls(charged: Charged, standing: Sequence[Addition], known: Span) -> tuple[Timeline, Suppressed | None]:
    """The level that never falls inside the month, from what stands at its start on (interface §6.13), and the credit
    that this keeps from the customer.
    """
    floor = _in_force(standing).on(known.first)
    moves: dict[date, Decimal] = {}
    before, credit = ZERO, ZERO
    for piece, level in charged.level.pieces(known):
        kept = max(level, floor)
        moves[piece.first] = kept - before
        rate = charged.rate_on(piece.first)
        credit += (kept - level) * piece.days * rate.unit_price / Month.of(known.last).days
        before = floor = kept
    suppressed = Suppressed(credit, (known.first, known.last)) if credit else None
    return Timeline.of_moves(moves).within(known), suppressed


def _in_force(standing: Iterable[Addition]) -> Timeline:
    return Timeline.of_intervals((a.effective, a.cancelled, a.quantity) for a in standing)


def _stands_before(standing: Iterable[Addition], wanted: _Wanted) -> bool:
    first = Month.of(wanted.known.last).first
    return any(level for _, level in _in_force(standing).pieces(Span(first, eve(wanted.known.first))))


# -- how it is written


def _write(
    charged: Charged, wanted: _Wanted, standing: Sequence[Addition], period: Period, changes: Changes
) -> tuple[Draft, ...]:
    if changes.price_change is not PriceChange.PRORATE or not charged.lines:
        reprices = _reprices(charged, standing, period.month, changes.price_change)
        group = _Group(wanted, standing, _plain_rates(charged, standing), _is_new(standing, period), reprices)
        return _write_group(charged, group, period, changes)
    drafts: list[Draft] = []
    for price in sorted({a.unit_price for a in standing} | {c.rate.unit_price for c in charged.lines}):
        records = [a for a in standing if a.unit_price == price]
        rate = _rate_at(charged, records, price)
        group = _Group(
            _at_price(charged, wanted, price, period.month), records, _always(rate), _is_new(standing, period)
        )
        drafts += _write_group(charged, group, period, changes)
    return tuple(drafts)


def _at_price(charged: Charged, wanted: _Wanted, price: Decimal, month: Month) -> _Wanted:
    """What is to stand at one price: the lines charged at it (C11: the price is part of a record's identity). What a
    policy keeps beyond the charge, and what is booked for the renewal, goes with the closing price.
    """
    lines = (c.line for c in charged.lines if c.rate.unit_price == price)
    level = Timeline.of_intervals((x.span.first, x.span.last, x.quantity) for x in lines if x.span).within(month.span)
    carry = level.on(month.last)
    if charged.rate_on(month.last).unit_price == price:
        level = level + (wanted.level - charged.level)
        carry += (wanted.carry or ZERO) - charged.level.on(month.last)
    return replace(wanted, level=level, carry=None if wanted.carry is None else carry)


def _always(rate: Rate) -> Callable[[date], Rate]:
    return lambda _: rate


def _rate_at(charged: Charged, records: Sequence[Addition], price: Decimal) -> Rate:
    costs = [c.rate.unit_cost for c in charged.lines if c.rate.unit_price == price]
    return Rate(price, costs[-1] if costs else records[-1].unit_cost)


def _write_group(charged: Charged, group: _Group, period: Period, changes: Changes) -> tuple[Draft, ...]:
    month, wanted = period.month, group.wanted
    moves = _moves(wanted, group.records)
    aim = Aim(
        moves=moves,
        carry=wanted.carry,
        rates={day: group.rate_on(day) for day, _ in moves},
        carry_rate=group.rate_on(month.last),
        plain=group.is_new and len(moves) == 1 and moves[0][1] == wanted.carry,
        changed=_changed_inside(wanted) or bool(moves),
        reprices=group.reprices,
        why_move={day: _why_move(charged, day, rise, period) for day, rise in moves},
        why_close=_why_close(charged, group, month),
        why_carry=_why_carry(charged, wanted, month),
    )
    return dated_additions(group.records, aim, Form(month, period.open_from, changes.representation, changes.carry))


def _moves(wanted: _Wanted, standing: Iterable[Addition]) -> tuple[tuple[date, Decimal], ...]:
    """The differences to make up, each from its day to the month's end; several on one day are one (C10)."""
    missing = (wanted.level - _in_force(standing)).within(wanted.known)
    return tuple((day, rise) for day, rise in missing.moves() if day in wanted.known)


def _plain_rates(charged: Charged, standing: Sequence[Addition]) -> Callable[[date], Rate]:
    return charged.rate_on if charged.lines else lambda day: _rate_standing(standing, day)


def _rate_standing(standing: Sequence[Addition], day: date) -> Rate:
    """The rate of what stands on a day, for a subscription that no line names; of the last record where none does."""
    latest = max(standing, key=lambda a: (a.cancelled is None or a.cancelled >= day, a.effective <= day, a.effective))
    return Rate(latest.unit_price, latest.unit_cost)


def _is_new(standing: Iterable[Addition], period: Period) -> bool:
    """Whether nothing of the subscription stands in the month or after it (P43)."""
    return not any(a.cancelled is None or a.cancelled >= period.month.first for a in standing)


def _changed_inside(wanted: _Wanted) -> bool:
    """Whether the quantity moved after it began in the month."""
    return len([day for day, _ in wanted.level.moves() if day in wanted.known]) > 1


def _reprices(charged: Charged, standing: Iterable[Addition], month: Month, policy: PriceChange) -> bool:
    """C11: whether the base is to be closed because its price is no longer the one that is charged."""
    renewed = charged.term_end is not None and charged.term_end <= month.last
    if policy is PriceChange.WARN or (policy is PriceChange.UNTIL_RENEWAL and not renewed) or not charged.lines:
        return False
    after, closing = month.following.first, charged.rate_on(month.last)
    return any(
        Rate(a.unit_price, a.unit_cost) != closing
        for a in standing
        if a.effective < after and (a.cancelled is None or a.cancelled >= after)
    )


# -- why


def _because(rule: str, text: str, lines: Iterable[ChargedLine]) -> tuple[Because, ...]:
    return tuple(Because(rule, text, c.invoice, c.line.number) for c in lines) or (Because(rule, text),)


def _why_move(charged: Charged, day: date, rise: Decimal, period: Period) -> tuple[Because, ...]:
    moving = charged.lines_moving(day)
    level = charged.level.on(day)
    if not charged.lines:
        text = f"the invoices charge nothing in {period.month}, which is invoiced already: it is countered in full"
        return (Because("C6", text),)
    if not moving or (day == period.month.first and charged.level.on(day) - rise != ZERO):
        text = f"the invoice has {plain(level)} on {day}, the PSA {plain(level - rise)}: the difference is made up"
        return _because("C8", text, moving or charged.lines_on(day))
    if level == rise:
        return _because("P43", f"bought on {day}: {plain(rise)}", moving)
    sign = "rises" if rise > 0 else "falls"
    if level == ZERO:
        return _because("C7", f"cancelled: nothing is charged from {day} on", moving)
    return _because("P46", f"the quantity {sign} by {plain(abs(rise))} to {plain(level)} on {day}", moving)


def _why_close(charged: Charged, group: _Group, month: Month) -> tuple[Because, ...]:
    lines = charged.lines_on(month.last)
    base = [a for a in group.records if a.cancelled is None and a.effective <= month.last]
    if group.reprices and sum((a.quantity for a in base), ZERO) == group.wanted.carry:
        return _because("C11", f"the price changes: {month.last} is the last day at the old one", lines)
    return _because("P45", f"the quantity changes: {month.last} is the last day of the old one", lines)


def _why_carry(charged: Charged, wanted: _Wanted, month: Month) -> tuple[Because, ...]:
    quantity = plain(wanted.carry or ZERO)
    after = month.following.first
    if charged.scheduled and wanted.carry == charged.carry:
        text = f"{quantity} go on from {after}: scheduled for the renewal"
    else:
        text = f"{quantity} go on from {after}"
    return _because("P47", text, charged.lines_on(month.last) or charged.lines[-1:])
