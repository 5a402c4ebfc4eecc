"""A subscription that stands exactly as it was charged, recognised from its lines and its record alone.

Most of a month is this: lines of one quantity and rate, one after the other, cover the month, and the one open record
has that quantity and rate. What is decided then is known before seats by day are added up. The long way (`seats`) comes
to the same decision; `tests/planning/test_as_charged_the_early_way.py` holds both to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from reconciler.domain.bulk import maker
from reconciler.domain.days import Month, eve
from reconciler.domain.mapping import Carry, Customer, PsaField
from reconciler.domain.money import ZERO
from reconciler.domain.records import Addition
from reconciler.domain.timeline import Timeline
from reconciler.planning.ledger import Account, Entry
from reconciler.planning.one_customer import Decided, Situation
from reconciler.planning.ownership import PsaFields
from reconciler.planning.rates import Pricing
from reconciler.rules.charged import Charged, ChargedLine, Rate
from reconciler.rules.drafts import AS_CHARGED
from reconciler.rules.matching import Key

# One or more of each for every subscription that is planned.
_made_decided, _made_line = maker(Decided), maker(ChargedLine)
_NONE_ADOPTED: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class EarlyWay:
    """What the early way rests on, the same for all subscriptions of a customer's month. Every decision made here names
    it, so it is compared and shown by its identity alone.
    """

    account: Account
    pricing: Pricing
    at: Situation

    def decided(self, key: Key, entries: Sequence[Entry], standing: Sequence[Addition]) -> Decided | None:
        """What is decided for a subscription that stands as charged; None for any other, which goes the long way.

        None of the records may be about to be adopted (P39), or be marked as a copy of a line (C27).
        """
        if len(standing) != 1 or not entries or key[0] in self.account.scheduled:
            return None
        record, month = standing[0], self.at.month
        goes_on = self.account.goes_on.get(key)
        if (
            record.cancelled is not None
            or record.effective > month.first
            or not record.bills
            or record.quantity <= 0
            or (goes_on is not None and goes_on != record.quantity)
            or not _covered_by(entries, record.quantity, month)
        ):
            return None
        lines = self._at_rate_of(record, entries, key[1])
        return self._of(key, lines, standing) if lines else None

    def _at_rate_of(self, record: Addition, entries: Sequence[Entry], product: str) -> tuple[ChargedLine, ...]:
        """The lines with their rates; none where one has another rate than the record, or has none."""
        lines = []
        first = self.at.month.first
        for invoice, line in entries:
            day = max(line.span.first, first) if line.span else first
            rate = self.pricing.rate(invoice, line, product, day, record.unit_price)
            if not isinstance(rate, Rate) or rate.unit_price != record.unit_price or rate.unit_cost != record.unit_cost:
                return ()
            lines.append(_made_line(invoice.number, line, rate))
        return tuple(lines)

    def _of(self, key: Key, lines: tuple[ChargedLine, ...], standing: Sequence[Addition]) -> Decided:
        subscription, product = key
        month = self.at.month
        return _made_decided(
            subscription,
            product,
            lines,
            tuple(standing),
            AS_CHARGED,
            lines[0].line.quantity * month.days,
            due_in(lines, month),
            _NONE_ADOPTED,
            by_day=self,
        )

    def charged_for(self, decided: Decided) -> Charged:
        """The seats by day of a subscription that was decided here."""
        month, lines, first = self.at.month, decided.lines, decided.lines[0]
        span, quantity = first.line.span, first.line.quantity
        return Charged(
            decided.subscription,
            decided.product,
            Timeline(((month.first, quantity), (month.following.first, ZERO))),
            month.first,
            ((span.first if span else month.first, first.rate),),
            quantity,
            False,
            max((c.line.term_end for c in lines if c.line.term_end), default=None),
            lines,
            next_opening((decided.subscription, decided.product), self.account, self.at),
        )


def early_way(
    customer: Customer, account: Account | None, pricing: Pricing, at: Situation, owned: PsaFields
) -> EarlyWay | None:
    """The early way for a customer's month; None where no subscription may take it: where every month is written anew,
    and where a price or a cost is the PSA's to say.
    """
    if account is None or customer.changes.carry is Carry.ALWAYS or owned & {PsaField.PRICE, PsaField.COST}:
        return None
    return EarlyWay(account, pricing, at)


def _covered_by(entries: Sequence[Entry], quantity: Decimal, month: Month) -> bool:
    """Whether lines of one quantity, each from the day after the one before, put seats on every day of a month."""
    reached = None
    for _, line in entries:
        span = line.span
        if span is None or line.quantity != quantity or not line.charge.counts_seats:
            return False
        if (span.first > month.first) if reached is None else (eve(span.first) != reached):
            return False
        reached = span.last
    return reached is not None and reached >= month.last


def next_opening(key: Key, account: Account | None, at: Situation) -> Decimal | None:
    """What the next month's invoice charges on its first day: zero where it speaks of the customer and not of this."""
    if account is None:
        return None
    nothing = ZERO if account.tenant in at.ledger.next_covered else None
    return account.next_opening.get(key, nothing)


def due_in(lines: Sequence[ChargedLine], month: Month) -> Decimal:
    """The seats of lines on a month's days, at the lines' rates, unrounded."""
    due, days, all_days = ZERO, month.span, month.days
    for line in lines:
        span = line.line.span
        if span is None:
            continue
        worth, here = line.line.quantity * line.rate.unit_price, span.shared(days)
        due += worth if here == all_days else worth * here / all_days
    return due
