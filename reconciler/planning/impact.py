"""What an agreement bills before and after the plan, and whether that is what the invoice charged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from reconciler.domain.breakdown import Part
from reconciler.domain.bulk import maker
from reconciler.domain.days import Month
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Align
from reconciler.domain.money import ZERO, printed, rounded
from reconciler.domain.plan import Impact, NotPassedOn, Verdict
from reconciler.domain.records import Addition
from reconciler.planning.accounting import LeftOut
from reconciler.planning.bridging import Bridge, Bridged, cost_in
from reconciler.planning.changes import agreement_address, bill_of, records_after
from reconciler.planning.one_customer import CustomerMonth, Decided
from reconciler.planning.unchanged import Figures, count_unchanged, stands_as_charged
from reconciler.rules.billing import bill

_made_row = maker(Impact)
# A record's amount is rounded once: half a cent for each unit and for the line is no difference (rulebook §1F).
_HALF_CENT = Decimal("0.005")


@dataclass(frozen=True, slots=True)
class Impacts:
    """The rows of the agreements, and what price changes that are not passed on come to, by customer."""

    rows: tuple[Impact, ...]
    not_passed_on: tuple[NotPassedOn, ...]


def impacts(target: str, customers: Iterable[CustomerMonth], month: Month, left_out: LeftOut) -> Impacts:
    """Two rows per agreement, for the month and the one after it, in order of agreement, each with its breakdown.

    `left_out` are the month's lines that bill nowhere, by customer and motion.
    """
    kept = _Kept()
    by_agreement: dict[str, list[CustomerMonth]] = {}
    for customer in customers:
        if customer.agreement:
            by_agreement.setdefault(customer.agreement.id, []).append(customer)
    rows = []
    for group in by_agreement.values():
        if not any(customer.decided or customer.held or not customer.writes for customer in group):
            continue
        now, then = Bridge(Part.CHARGED), Bridge(Part.EXPECTED)
        figures: list[Figures] = []
        later: list[Figures] = []
        after: list[Sequence[Addition]] = []
        for customer, decided in ((c, d) for c in group for d in c.decided):
            records = _records(customer, decided)
            after.append(records)
            if stands_as_charged(decided, customer):
                unchanged = count_unchanged(decided, customer, month, now, then)
                kept.take(customer, month, unchanged.not_passed_on)
                figures.append(unchanged.now)
                later.append(unchanged.then)
            else:
                figures.append(_figures(decided, customer, records, month, month, now, kept))
                later.append(_figures(decided, customer, records, month.following, month, then, kept))
        verdict, reason = _verdict(group, figures, after, month)
        figures.append(_held(group, month, now))
        _without(group, left_out, now)
        rows.append(_row(target, group, month, figures, now, verdict, reason))
        reason = f"no invoice of {month.following} was read for this plan"
        later.append(_held(group, month.following, then))
        rows.append(_row(target, group, month.following, later, then, Verdict.NOT_RECONCILABLE, reason))
    return Impacts(tuple(rows), tuple(kept.by_customer()))


class _Kept:
    """What price changes that stand unwritten come to, per customer and month, as the decisions are looked at."""

    def __init__(self) -> None:
        self._amounts: dict[tuple[str, str, str], dict[Part, dict[str, Decimal]]] = {}

    def take(self, customer: CustomerMonth, month: Month, parts: Mapping[Part, Decimal]) -> None:
        """Takes in what one decision's records bill otherwise than is due."""
        if not parts:
            return
        for part in (Part.INCREASE, Part.DECREASE):
            amount = rounded(abs(parts.get(part, ZERO)), customer.currency)
            if amount and customer.writes:
                key = (customer.customer.name, customer.currency, str(customer.customer.changes.price_change))
                months = self._amounts.setdefault(key, {}).setdefault(part, {})
                months[str(month)] = months.get(str(month), ZERO) + amount

    def by_customer(self) -> Iterator[NotPassedOn]:
        """By customer and currency, in that order."""
        for (name, currency, policy), parts in sorted(self._amounts.items()):
            increases, decreases = parts.get(Part.INCREASE, {}), parts.get(Part.DECREASE, {})
            yield NotPassedOn(name, currency, policy, increases, decreases)


def _without(group: list[CustomerMonth], left_out: LeftOut, bridge: Bridge) -> None:
    """The lines that were charged for the agreement and bill nowhere: charged first, and then taken off by reason."""
    for customer in group:
        aside = left_out.get((customer.customer.name, customer.motion), ())
        spoken_of = {id(c.line) for d in customer.decided for c in d.lines} if aside else set()
        for line, rule in aside:
            if id(line) not in spoken_of and line.amount:
                bridge.add(Part.CHARGED, line.amount)
                bridge.add(Part.EXCLUDED, -line.amount, rule)


def _row(
    target: str,
    group: list[CustomerMonth],
    month: Month,
    figures: list[Figures],
    bridge: Bridge,
    verdict: Verdict,
    reason: str | None,
) -> Impact:
    agreement, currency = group[0].agreement, group[0].currency
    assert agreement  # noqa: S101 -- grouped by agreement
    before, after, cost, charged_days, seat_days = (sum(column, ZERO) for column in zip(*figures, strict=True))
    return _made_row(
        agreement=agreement_address(target, agreement.id),
        agreement_name=agreement.name,
        customer=group[0].customer.name,
        month=str(month),
        currency=currency,
        before=before,
        after=after,
        invoiced_cost=rounded(cost, currency),
        charged_seat_days=charged_days,
        seat_days=seat_days,
        verdict=verdict,
        reason=reason,
        breakdown=bridge.steps(after, currency),
    )


def _held(group: list[CustomerMonth], month: Month, bridge: Bridge) -> Figures:
    """What the records bill that no decision speaks of, each once though customers may share the agreement."""
    agreement = group[0].agreement
    assert agreement  # noqa: S101 -- grouped by agreement
    if not any(customer.held for customer in group):
        return Figures(ZERO, ZERO, ZERO, ZERO, ZERO)
    decided = {a.id for customer in group for d in customer.decided for a in d.standing}
    records = {a.id: a for customer in group for a in customer.held if a.id not in decided}.values()
    currency, rounding = group[0].currency, group[0].rounding
    amount = bill(records, month, prorates=agreement.prorates, currency=currency, rounding=rounding)
    bridge.add(Part.NOT_COMPARED, amount)
    days = ZERO if _copies_lines(group) else _seat_days(records, month)
    return Figures(amount, amount, ZERO, ZERO, days)


def _copies_lines(group: list[CustomerMonth]) -> bool:
    """Whether the agreement bills invoice lines, not seats by day (C27): there is no seat-day to compare."""
    return any(d.align is Align.CHARGE_CYCLE for customer in group for d in customer.decided)


def _figures(
    decided: Decided,
    customer: CustomerMonth,
    records: Sequence[Addition],
    month: Month,
    planned: Month,
    bridge: Bridge,
    kept: _Kept,
) -> Figures:
    """What a decision's records come to in a month; `records` are those that the plan leaves."""
    before = bill_of(decided.standing, decided, customer, month, planned)
    after = before if records is decided.standing else bill_of(records, decided, customer, month, planned)
    cost = sum((cost_in(c.line, month, planned, decided) for c in decided.lines), ZERO)
    kept.take(customer, month, Bridged(decided, customer, records, month, planned).add_to(bridge))
    if customer.motion is not Motion.SEAT_MONTHLY or decided.align is Align.CHARGE_CYCLE:
        return Figures(before, after, cost, ZERO, ZERO)
    charged_days = decided.charged_days if month == planned else ZERO
    return Figures(before, after, cost, charged_days, _seat_days(records, month))


def _records(customer: CustomerMonth, decided: Decided) -> Sequence[Addition]:
    """The records as the plan leaves them: untouched where nothing is written for the customer."""
    assert customer.agreement  # noqa: S101 -- decisions are made on an agreement
    if not decided.decision.drafts or not customer.writes:
        return decided.standing
    return records_after(decided, customer.agreement.id)


def _seat_days(records: Iterable[Addition], month: Month) -> Decimal:
    first, last = month.first, month.last
    days = ZERO
    for a in records:
        begins, ends = max(a.effective, first), last if a.cancelled is None else min(a.cancelled, last)
        if begins <= ends:
            days += a.quantity * ((ends - begins).days + 1)
    return days


def _verdict(
    group: list[CustomerMonth], figures: list[Figures], after: list[Sequence[Addition]], month: Month
) -> tuple[Verdict, str | None]:
    """What can be said of the agreement's month after the plan."""
    for customer in group:
        if customer.unspoken:
            return Verdict.NOT_RECONCILABLE, (
                f"no document of {month} speaks of {customer.customer.name}: nothing was compared"
            )
        if not customer.writes:
            return Verdict.NOT_RECONCILABLE, f"nothing is written for {customer.customer.name}: see its findings"
        for decided in customer.decided:
            if decided.decision.assumed_from:
                return Verdict.NOT_RECONCILABLE, (
                    f"no document speaks of the days before {decided.decision.assumed_from} of "
                    f"subscription {decided.subscription}"
                )
    rows = zip(((c, d) for c in group for d in c.decided), figures, after, strict=True)
    reasons = [reason for (c, d), f, records in rows for reason in [_difference(d, c, f, records, month)] if reason]
    return (Verdict.DIFFERS, "; ".join(reasons)) if reasons else (Verdict.RECONCILED, None)


def _difference(
    decided: Decided, customer: CustomerMonth, figures: Figures, after: Sequence[Addition], month: Month
) -> str | None:
    """How the records of a subscription bill otherwise than it was charged, beyond rounding."""
    if suppressed := decided.decision.suppressed:
        kept = printed(suppressed.amount, customer.currency)
        return f"{kept} {customer.currency} of credit is kept back by the policy for {decided.subscription}"
    if figures.seat_days != figures.charged_days:
        return f"the seat-days of {decided.subscription} differ"
    gap = figures.after - decided.due
    if not gap:
        return None
    if decided.align is Align.CHARGE_CYCLE:
        off = printed(gap, customer.currency)
        return f"the records of {decided.subscription} bill {off} {customer.currency} off its invoice lines"
    in_force = [a for a in after if a.effective <= month.last and (a.cancelled is None or a.cancelled >= month.first)]
    tolerance = sum((_HALF_CENT * abs(a.quantity) + _HALF_CENT for a in in_force), _HALF_CENT)
    if abs(gap) > tolerance:
        off = printed(gap, customer.currency)
        return f"{decided.subscription} bills {off} {customer.currency} off the invoice's prices (see W1, W2)"
    return None


@dataclass(frozen=True, slots=True)
class Standing:
    """What one subscription's records bill as they stand, what they should, and why the two differ (None: they do not,
    beyond rounding).
    """

    billed: Decimal
    cost: Decimal
    charged_days: Decimal
    billed_days: Decimal
    difference: str | None


def as_it_stands(decided: Decided, customer: CustomerMonth, month: Month) -> Standing:
    """A decision's records without anything that would be written. A credit that a policy keeps back explains a
    difference only where nothing else is to be written.
    """
    bare = replace(
        decided.decision, drafts=(), suppressed=None if decided.decision.drafts else decided.decision.suppressed
    )
    unwritten = replace(decided, decision=bare)
    figures = _figures(unwritten, customer, decided.standing, month, month, Bridge(Part.CHARGED), _Kept())
    difference = _difference(unwritten, customer, figures, decided.standing, month)
    return Standing(figures.after, figures.cost, figures.charged_days, figures.seat_days, difference)


def held_amount(customer: CustomerMonth, addition: Addition, month: Month) -> tuple[Decimal, Decimal]:
    """What a record bills that no decision speaks of, and its seat-days."""
    assert customer.agreement  # noqa: S101 -- records are held on an agreement
    prorates, currency = customer.agreement.prorates, customer.currency
    amount = bill((addition,), month, prorates=prorates, currency=currency, rounding=customer.rounding)
    return amount, _seat_days((addition,), month)
