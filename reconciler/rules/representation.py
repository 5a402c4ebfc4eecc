"""How a quantity through time is written as dated additions (ConnectWise): the canonical form of rulebook P43 to P47.

A record's dates are inclusive. A record may begin on any day but ends only on a month's last day (P44). So a change in
mid-month is a delta: a record of its own from the day of the change to the month's end, positive or negative (P46); the
standing base is closed at the month's end (P45) and one open carry record begins on the first of the next month (P47).

In numbers (Ex 1), a base of 10 with +3 on the 12th and −2 on the 20th of September becomes

    10   1 Aug to 30 Sep     closed            200.00
    +3  12 Sep to 30 Sep     delta              38.00
    −2  20 Sep to 30 Sep     delta             −14.67
    11   1 Oct, open         carry            (220.00 in October)

Shorter where it bills the same: a new subscription with no other change is one open record (P43), and a base whose
quantity and price are right after the month stays open (C9, policy `compact`). In a month that is invoiced already,
only deltas are written, and the difference from the next month on is an open delta beside the base (C18, Ex 7).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from reconciler.domain.bulk import maker
from reconciler.domain.days import Month
from reconciler.domain.mapping import Carry, Representation
from reconciler.domain.money import ZERO
from reconciler.domain.plan import Action, Because
from reconciler.domain.records import Addition
from reconciler.rules.charged import Rate
from reconciler.rules.drafts import Draft

Reasons = tuple[Because, ...]
_made_draft = maker(Draft)


@dataclass(frozen=True, slots=True)
class Form:
    """How to write: the month, the first day that the PSA has not invoiced, the representation and the carry policy."""

    month: Month
    open_from: date
    representation: Representation = Representation.COMPACT
    carry: Carry = Carry.ON_CHANGE

    @property
    def after(self) -> date:
        """The first day after the month."""
        return self.month.following.first


@dataclass(frozen=True, slots=True)
class Aim:
    """What the records of one subscription and product are to add up to, and why.

    `moves` are the differences to make up inside the month, each from its day on. `carry` is the quantity from the next
    month on; None leaves alone what stands there. `plain`: one purchase is all there was (P43). `changed`: the quantity
    moved inside the month, even if it nets to zero. `reprices`: the base is to be closed for its price (C11).
    """

    moves: Sequence[tuple[date, Decimal]]
    carry: Decimal | None
    rates: Mapping[date, Rate]
    carry_rate: Rate
    plain: bool = False
    changed: bool = False
    reprices: bool = False
    why_move: Mapping[date, Reasons] = field(default_factory=dict)
    why_close: Reasons = ()
    why_carry: Reasons = ()


@dataclass(slots=True)
class _Row:
    """A record while the sheet is written; `standing` is None for a new one, `quantity` zero for one to remove."""

    standing: Addition | None
    quantity: Decimal
    rate: Rate
    effective: date
    cancelled: date | None
    because: list[Because] = field(default_factory=list)

    def holds_on(self, day: date) -> bool:
        return bool(self.quantity) and self.effective <= day and (self.cancelled is None or self.cancelled >= day)

    def draft(self) -> Draft | None:
        standing, action = self.standing, Action.UPDATE
        if standing is None:
            if not self.quantity:
                return None
            action = Action.CREATE
        elif not self.quantity and standing.quantity:
            action = Action.DELETE
        elif standing.quantity == self.quantity and standing.cancelled == self.cancelled:
            return None
        elif standing.quantity == self.quantity:
            action = Action.CANCEL
        return _made_draft(
            action,
            standing,
            self.quantity,
            self.rate,
            self.effective,
            self.cancelled,
            tuple(dict.fromkeys(self.because)),
        )


class _Sheet:
    """The records of one subscription and product, being brought to their aim."""

    def __init__(self, standing: Iterable[Addition], form: Form) -> None:
        self.form = form
        self.last = form.month.last
        self.rows = [
            _Row(a, a.quantity, Rate(a.unit_price, a.unit_cost), a.effective, a.cancelled)
            for a in sorted(standing, key=lambda a: (a.effective, a.cancelled or date.max, a.id))
        ]

    def add(self, effective: date, cancelled: date | None, quantity: Decimal, rate: Rate, why: Reasons) -> None:
        self.rows.append(_Row(None, quantity, rate, effective, cancelled, list(why)))

    def move(self, day: date, rise: Decimal, rate: Rate, why: Reasons) -> None:
        """Makes the quantity rise from a day to the month's end (P46). A record that begins on that day takes the
        change itself while it is not invoiced (C10), so that no two records share their days.
        """
        row = self._beginning_on(day, rate)
        if row is None or self._is_invoiced(row):
            self.add(day, self.last, rise, rate, why)
            return
        row.quantity += rise
        row.because.extend(why)

    def _beginning_on(self, day: date, rate: Rate) -> _Row | None:
        rows = [
            row
            for row in self.rows
            if row.effective == day and row.holds_on(self.last) and row.rate.unit_price == rate.unit_price
        ]
        bounded = [row for row in rows if row.cancelled == self.last]
        return next(iter(bounded or rows), None)

    def _is_invoiced(self, row: _Row) -> bool:
        """Whether the row's quantity may not change any more; then a difference stands beside it (C18)."""
        return row.standing is not None and row.effective < self.form.open_from

    def settle_after(self, aim: Aim, carry: Decimal) -> None:
        """Brings the quantity from the next month on to what it is to be (P45, P47, C1, C18)."""
        after = self.form.after
        base = [row for row in self.rows if row.effective < after and row.holds_on(after)]
        ahead = [row for row in self.rows if row.effective == after and row.holds_on(after)]
        standing = sum((row.quantity for row in (*base, *ahead)), ZERO)
        rewrites = bool(base) and bool(carry) and self._rewrites(aim)
        if standing == carry and not rewrites:
            return
        if after >= self.form.open_from and not any(self._would_collide(row) for row in base):
            self._close(base, aim.why_close)
            self._carry(ahead, carry, aim)
        elif standing != carry:
            # C18: the next month is invoiced on the base as it is; only the difference may be written.
            self._difference(ahead, carry - standing, aim)

    def _rewrites(self, aim: Aim) -> bool:
        literal = self.form.representation is Representation.LITERAL and aim.changed
        return literal or aim.reprices or self.form.carry is Carry.ALWAYS

    def _would_collide(self, row: _Row) -> bool:
        """Whether the row, closed at the month's end, would share its days and price with a delta."""
        return any(
            other is not row
            and other.effective == row.effective
            and other.cancelled == self.last
            and other.quantity
            and other.rate.unit_price == row.rate.unit_price
            for other in self.rows
        )

    def _close(self, base: Iterable[_Row], why: Reasons) -> None:
        for row in base:
            row.cancelled = self.last
            row.because.extend(why)

    def _carry(self, ahead: Sequence[_Row], carry: Decimal, aim: Aim) -> None:
        if not ahead:
            if carry:
                self.add(self.form.after, None, carry, aim.carry_rate, aim.why_carry)
            return
        first, *others = ahead
        wanted = carry - sum((row.quantity for row in others), ZERO)
        if first.quantity != wanted:
            first.quantity = wanted
            first.because.extend(aim.why_carry)

    def _difference(self, ahead: Sequence[_Row], difference: Decimal, aim: Aim) -> None:
        row = next((row for row in ahead if row.rate.unit_price == aim.carry_rate.unit_price), None)
        if row is None or self._is_invoiced(row):
            self.add(self.form.after, None, difference, aim.carry_rate, aim.why_carry)
        else:
            row.quantity += difference
            row.because.extend(aim.why_carry)

    def drafts(self) -> tuple[Draft, ...]:
        """What is to be written, in this order: the month's differences, then what ends, then what goes on. Where the
        PSA refuses a difference, the base stands on as it was, and the next month is not left unbilled.
        """
        drafts = [draft for draft in (row.draft() for row in self.rows) if draft]
        return tuple(sorted(drafts, key=self._stage))

    def _stage(self, draft: Draft) -> tuple[int, date]:
        if draft.effective > self.last:
            return 2, draft.effective
        ends = draft.standing is not None and draft.cancelled != draft.standing.cancelled
        return int(ends), draft.effective


def dated_additions(standing: Iterable[Addition], aim: Aim, form: Form) -> tuple[Draft, ...]:
    """The records to write so that those of one subscription and product add up to their aim.

    `standing` are all records of the subscription and product, ended and future ones too.
    """
    sheet = _Sheet(standing, form)
    if aim.plain and form.carry is Carry.ON_CHANGE:
        day, quantity = aim.moves[0]
        sheet.add(day, None, quantity, aim.rates[day], aim.why_move.get(day, ()))
        return sheet.drafts()
    for day, rise in aim.moves:
        sheet.move(day, rise, aim.rates[day], aim.why_move.get(day, ()))
    if aim.carry is not None:
        sheet.settle_after(aim, aim.carry)
    return sheet.drafts()


def ended(standing: Iterable[Addition], last: date, why: Reasons) -> tuple[Draft, ...]:
    """Ends every record on a day (inclusive): a later end is drawn in, one that begins after it is deleted (C6).

    The caller sees to it that nothing after `last` is invoiced.
    """
    drafts = []
    for record in sorted(standing, key=lambda a: (a.effective, a.id)):
        rate = Rate(record.unit_price, record.unit_cost)
        if record.effective > last:
            drafts.append(Draft(Action.DELETE, record, ZERO, rate, record.effective, record.cancelled, why))
        elif record.cancelled is None or record.cancelled > last:
            drafts.append(Draft(Action.CANCEL, record, record.quantity, rate, record.effective, last, why))
    return tuple(drafts)
