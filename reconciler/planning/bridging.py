"""What leads from the distributor's charge to the bill of an agreement's month, step by step, to the cent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from reconciler.domain.breakdown import Part, Step
from reconciler.domain.days import Month
from reconciler.domain.invoice import InvoiceLine, Motion
from reconciler.domain.mapping import Align, Decrease
from reconciler.domain.money import ZERO, rounded
from reconciler.domain.records import Addition
from reconciler.domain.timeline import Timeline
from reconciler.planning.one_customer import CustomerMonth, Decided
from reconciler.rules.bridge import Due, counted, differences
from reconciler.rules.charged import Charged, ChargedLine, Rate

_ORDER = {part: position for position, part in enumerate(Part)}


@dataclass(slots=True)
class Bridge:
    """The parts of one agreement's month, unrounded, as they are added up; `first` is that of the distributor."""

    first: Part
    amounts: dict[tuple[Part, str], Decimal] = field(default_factory=dict)

    def add(self, part: Part, amount: Decimal, rule: str = "") -> None:
        """Adds an amount to a part."""
        if amount:
            key = (part, rule)
            self.amounts[key] = self.amounts.get(key, ZERO) + amount

    def steps(self, billed: Decimal, currency: str) -> tuple[Step, ...]:
        """The steps to what is billed, each rounded to the currency's digits, the rest as the last: `rounding`."""
        shown = {(self.first, ""): rounded(self.amounts.get((self.first, ""), ZERO), currency)}
        for key in sorted(self.amounts, key=lambda key: (_ORDER[key[0]], key[1])):
            amount = rounded(self.amounts[key], currency)
            if amount and key[0] is not self.first:
                shown[key] = amount
        rest = billed - sum(shown.values(), ZERO)
        steps = [Step(part, rule, amount) for (part, rule), amount in shown.items()]
        return tuple(steps) if not rest else (*steps, Step(Part.ROUNDING, "", rest))


@dataclass(frozen=True, slots=True)
class Bridged:
    """A decision on the bridge: its records as the plan leaves them, for which month, and which one is planned."""

    decided: Decided
    customer: CustomerMonth
    records: Sequence[Addition]
    month: Month
    planned: Month

    @property
    def _is_by_day(self) -> bool:
        """Whether seats are billed by their days, not lines or sums as they stand."""
        return self.customer.motion is Motion.SEAT_MONTHLY and self.decided.align is Align.CALENDAR

    @property
    def _by_day(self) -> Charged | None:
        """The seats by day, where the bill may differ from them: not for the one record that says what was charged."""
        decided, decision = self.decided, self.decided.decision
        said = decision.drafts or decision.findings or decision.suppressed or decision.assumed_from
        return decided.charged if said or len(decided.standing) > 1 else None

    def add_to(self, bridge: Bridge) -> Mapping[Part, Decimal]:
        """Adds the decision's parts; returns those by which its records bill otherwise than is due, unrounded."""
        if self._is_by_day:
            due = self._charged(bridge) if self.month == self.planned else self._expected(bridge)
            found = self._differences(due)
        else:
            due = self._charged(bridge) if self.month == self._billing_month() else Due(Timeline(), (), ZERO)
            found = {Part.OTHERWISE: self._billed_exactly() - due.worth}
        for part, amount in found.items():
            if amount:
                bridge.add(part, amount, self._policy(part))
        return found

    def _policy(self, part: Part) -> str:
        """The policy that a part comes from, as the mapping writes it; empty where none makes it."""
        if part is Part.SUPPRESSED_CREDIT:
            return f"decrease: {self.customer.customer.changes.decrease}"
        return price_policy(self.customer) if part in (Part.INCREASE, Part.DECREASE) else ""

    def _charged(self, bridge: Bridge) -> Due:
        """The month that is planned: what the lines cost on its days, and what they are worth at the own price."""
        if self.decided.align is Align.CHARGE_CYCLE:
            return self._copied(bridge)
        worth = ZERO
        for charged in self.decided.lines:
            cost = cost_in(charged.line, self.month, self.planned, self.decided)
            own = self._worth(charged)
            rule = "by decision" if self.decided.bills_in else charged.rate.rule
            bridge.add(bridge.first, cost)
            bridge.add(Part.MARGIN, own - cost, rule)
            worth += own
        charged_all, suppressed = self._by_day, self.decided.decision.suppressed
        kept_back = suppressed.amount if suppressed and self.customer.writes else ZERO
        # In a cut-over, what is due here is less by what an old record bills (see `cutting_over`).
        elsewhere = worth - self.decided.due if self._is_by_day else ZERO
        if charged_all is None:
            return Due(Timeline(), (), worth, kept_back, elsewhere)
        return Due(charged_all.level, charged_all.rates, worth, kept_back, elsewhere)

    def _copied(self, bridge: Bridge) -> Due:
        """Records that copy lines (C27): what is due was rounded line by line when they were made."""
        cost = sum((cost_in(c.line, self.month, self.planned, self.decided) for c in self.decided.lines), ZERO)
        rules = sorted({c.rate.rule for c in self.decided.lines})
        bridge.add(bridge.first, cost)
        bridge.add(Part.MARGIN, self.decided.due - cost, ", ".join(rules))
        return Due(Timeline(), (), self.decided.due)

    def _billing_month(self) -> Month:
        """The month in which what is billed as a whole is billed."""
        return self.decided.bills_in if self.decided.bills_in and not self.decided.once else self.planned

    def _worth(self, charged: ChargedLine) -> Decimal:
        line, price = charged.line, charged.rate.unit_price
        if self.customer.motion in (Motion.AZURE, Motion.ONE_TIME):
            return price
        if self.decided.once:
            return line.quantity * price
        here = line.span.shared(self.month.span) if line.span else 0
        worth = line.quantity * price
        return worth if here == self.month.days else worth * here / self.month.days

    def _expected(self, bridge: Bridge) -> Due:
        """The month after: no invoice was read for it, so what goes on is expected at the closing rate."""
        charged = self._by_day
        if charged is None:
            standing = [a for a in self.records if _goes_on(a, self.month)]
            for a in standing:
                last = self.decided.lines[-1].rate if self.decided.lines else None
                rule, cost = (last.rule, last.charged_cost) if last else ("", None)
                self._expect(bridge, a.quantity, Rate(a.unit_price, a.unit_cost, rule, cost))
            return Due(Timeline(), (), sum((a.quantity * a.unit_price for a in standing), ZERO))
        quantity = charged.carry if charged.next_opening is None else charged.next_opening
        rate = self._closing_rate(charged)
        if rate is None:
            return Due(Timeline(), (), ZERO)
        self._expect(bridge, quantity, rate)
        level = Timeline.of_intervals([(self.month.first, self.month.last, quantity)])
        return Due(level, ((self.month.first, rate),), quantity * rate.unit_price)

    def _expect(self, bridge: Bridge, quantity: Decimal, rate: Rate) -> None:
        bridge.add(Part.EXPECTED, quantity * rate.cost)
        bridge.add(Part.MARGIN, quantity * (rate.unit_price - rate.cost), rate.rule)

    def _closing_rate(self, charged: Charged) -> Rate | None:
        if charged.rates:
            return charged.rate_on(self.planned.last)
        last = [a for a in self.records if _goes_on(a, self.month)]
        return Rate(last[-1].unit_price, last[-1].unit_cost) if last else None

    def _differences(self, due: Due) -> Mapping[Part, Decimal]:
        assert self.customer.agreement  # noqa: S101 -- decisions are made on an agreement
        prorates = self.customer.agreement.prorates
        if self._by_day is not None:
            found = differences(due, self.records, self.month, prorates=prorates)
            return self._kept_to_renewal(found)
        bills = counted(self.records, self.month, prorates=prorates)
        parts = {
            Part.WHOLE_PERIOD: bills.whole,
            Part.NOT_BILLABLE: bills.free,
            Part.SUPPRESSED_CREDIT: due.kept_back,
            Part.HANDED_OVER: -due.handed_over,
        }
        gap = bills.exact - due.worth - sum(parts.values(), ZERO)
        if not self.decided.lines:
            return parts | {Part.NOT_COMPARED: gap}
        # The seats are those that were charged, or the decision would say more: what is left is their price.
        return parts | {Part.INCREASE if gap < 0 else Part.DECREASE: gap}

    def _kept_to_renewal(self, found: dict[Part, Decimal]) -> Mapping[Part, Decimal]:
        """Seats that a policy goes on billing after the month in which they were given up are kept back as well."""
        keeps = self.customer.customer.changes.decrease is not Decrease.CREDIT and self.customer.writes
        if self.month == self.planned or not keeps or found[Part.SEATS] <= 0:
            return found
        return found | {Part.SUPPRESSED_CREDIT: found[Part.SEATS], Part.SEATS: ZERO}

    def _billed_exactly(self) -> Decimal:
        if self.decided.once:
            return sum((a.quantity * a.unit_price for a in self.records), ZERO) if self.month == self.planned else ZERO
        assert self.customer.agreement  # noqa: S101 -- decisions are made on an agreement
        return counted(self.records, self.month, prorates=self.customer.agreement.prorates).exact


def price_policy(customer: CustomerMonth) -> str:
    """The policy by which a price stands at its old level, as the mapping writes it."""
    return f"price_change: {customer.customer.changes.price_change}"


def _goes_on(record: Addition, month: Month) -> bool:
    return record.effective <= month.first and (record.cancelled is None or record.cancelled >= month.last)


def cost_in(line: InvoiceLine, month: Month, planned: Month, decided: Decided) -> Decimal:
    """The part of a line's amount that falls on a month's days: a charge cycle may run into the next month. What is
    billed once costs its month all of it, and what is passed on costs the month in which it bills.
    """
    if line.amount is None:
        return ZERO
    if decided.bills_in and not decided.once:
        return line.amount if month == decided.bills_in else ZERO
    whole = decided.once or decided.align is Align.CHARGE_CYCLE
    if whole or line.motion is Motion.AZURE or line.span is None:
        return line.amount if month == planned else ZERO
    here, all_days = line.span.shared(month.span), line.span.days
    return line.amount if here == all_days else line.amount * here / all_days
