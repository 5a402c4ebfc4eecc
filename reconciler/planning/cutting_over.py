"""A customer's cut-over: what others billed until now, and what this tool bills from the hand-over on.

What an old record goes on to bill until the hand-over counts as standing beside our records, so the month comes to
what was charged however the two share it. From the hand-over on ours bill alone. That no day is billed twice and no
charged day by nobody is proved afterwards, day by day, from the records that would stand (`rules.handing_over`); where
the proof fails, nothing is written for the customer.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from reconciler.domain.days import Month, Span, eve
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Customer
from reconciler.domain.money import ZERO, plain
from reconciler.domain.plan import Action, Because
from reconciler.domain.records import Addition, Agreement
from reconciler.domain.timeline import Timeline
from reconciler.planning.changes import records_after
from reconciler.planning.gathered import Gathered
from reconciler.planning.old_records import Company, about_left, company_of, foreign_records, old_elsewhere, unmarked
from reconciler.planning.one_customer import CustomerMonth, Decided, Old, Situation, TakeOver, named
from reconciler.planning.rates import Pricing
from reconciler.planning.seats import Handed, Sharing, decide_seats
from reconciler.rules.billing import bill
from reconciler.rules.charged import Charged
from reconciler.rules.drafts import Decision, Draft
from reconciler.rules.handing_over import earliest, proved, set_by_hand
from reconciler.rules.periods import first_open_day
from reconciler.rules.representation import ended

_SUBJECT = "cut-over"


@dataclass(frozen=True, slots=True)
class _Going:
    """The old records that end, and the first day on which they bill no more."""

    old: tuple[Old, ...]
    day: date

    @property
    def last(self) -> date:
        """The last day of those that go on longest."""
        return eve(self.day)

    def until(self, old: Old) -> date:
        """The last billed day of an old record after the plan."""
        ends = old.record.cancelled
        return self.last if ends is None else min(ends, self.last)

    def beside(self, month: Month) -> tuple[Old, ...]:
        """Those that still bill in the month or later."""
        return tuple(o for o in self.old if self.until(o) >= max(month.first, o.record.effective))


def cut_over(
    customer: Customer,
    agreement: Agreement,
    additions: tuple[Addition, ...],
    pricing: Pricing,
    at: Situation,
    sharing: Sharing,
    gathered: Gathered,
) -> CustomerMonth:
    """The decisions for a customer's monthly seats, with the old records on all agreements of its company."""
    account = at.ledger.account(customer.tenant)
    company = company_of(customer, agreement, at, gathered)
    found = [o for o in old_elsewhere(account, company, at) if (o.subscription or "").lower() not in at.kept]
    left = [o for o in found if o.why]
    going = _going([o for o in found if not o.why], customer, at.month)
    beside = going.beside(at.month)
    handed = Handed(tuple(_as_ours(o, going) for o in beside if o.subscription and o.charged), _day(beside, going))
    here = tuple(foreign_records(additions, account, company, at))
    month = decide_seats(customer, agreement, unmarked(additions, here, account, at), pricing, at, sharing, handed)
    findings = [*company.findings, *(about_left(o) for o in left), *_cannot(customer, going, beside, at.month)]
    findings += _usage_later(customer, company, at)
    decided: list[Decided] = []
    flaws: list[Finding] = []
    for each in month.decided:
        own = _own(each, additions, handed, going, at.month)
        decided.append(own)
        flaws += _unproved(own, handed, going, agreement, at.month)
    month = replace(
        month,
        decided=tuple(decided),
        findings=(*month.findings, *named([*findings, *flaws], customer)),
    )
    return replace(month, take_over=TakeOver(here, (*going.old, *left), going.day, _ending(month, going, left, at)))


def _day(beside: Sequence[Old], going: _Going) -> date:
    return going.day if beside else date.min


# -- when


def _going(old: Sequence[Old], customer: Customer, month: Month) -> _Going:
    """The hand-over: not before the customer's `start`, nor what is invoiced, nor an end that a person has set."""
    days = [month.first]
    if old:
        days += [customer.start.first] if customer.start else []
        days += [
            earliest(month, first_open_day(o.agreement, customer.changes.billing))
            for o in old
            if o.record.cancelled is None or o.record.cancelled > month.last
        ]
        days += [by_hand for by_hand in [set_by_hand((o.record for o in old), month)] if by_hand]
    return _Going(tuple(old), max(days))


def _cannot(customer: Customer, going: _Going, beside: Sequence[Old], month: Month) -> Iterator[Finding]:
    """Why the old records cannot hand over."""
    for old in beside:
        if old.charged and old.subscription is None:
            why = "several subscriptions are charged for its product, and it still bills days of this plan"
            yield about_left(replace(old, why=why))
    for agreement in {o.agreement.id: o.agreement for o in going.old}.values():
        if not agreement.calendar_months:
            yield Finding(
                Severity.ERROR,
                "P38",
                f"agreement '{agreement.name}' ({agreement.id}) holds old records and does not invoice by calendar "
                "months: no last day of theirs can be told",
                hint="end its records by hand under Finance > Agreements > the agreement > Additions, and plan again",
            )
    if not going.old:
        return
    first = Month.of(going.day)
    if beside and customer.start != first:
        yield Finding(
            Severity.ERROR,
            _SUBJECT,
            f"the old records bill until {going.last}: unless `start: {first}` is declared, the next plan would bill "
            "those days again",
            where=customer.place,
            hint=f"add `start: {first}` to the customer, and plan again",
        )
    elif customer.start is None:
        yield Finding(
            Severity.WARNING,
            _SUBJECT,
            f"the old records have billed until {going.last}, and a plan of an earlier month would bill those days "
            "again",
            where=customer.place,
            hint=f"add `start: {first}` to the customer: earlier months are left alone then",
        )


def _usage_later(customer: Customer, company: Company, at: Situation) -> Iterator[Finding]:
    """A warning for each old usage record that bills on into the customer's `start`, which is still to come: usage is
    ours from then on, and only a cut-over of that month ends the record.
    """
    start, billed = customer.start, Motion.AZURE in customer.agreements and Motion.AZURE in at.program.motions
    if start is None or start <= at.month or not billed:
        return
    keys = at.shelf.keys_by_id(Motion.AZURE)
    for agreement in company.agreements:
        for record in company.additions.get(agreement.id, ()):
            goes_on = record.cancelled is None or record.cancelled >= max(start.first, record.effective)
            if record.product_id in keys and record.bills and record.quantity and goes_on:
                yield Finding(
                    Severity.WARNING,
                    "P52",
                    f"record {record.id} on agreement '{agreement.name}' ({agreement.id}) bills usage on into {start}, "
                    "from which month on ours bill it",
                    subscription=record.serial_number,
                    where=customer.place,
                    hint=f"plan {start} with --cutover too, which ends it, before {start} is planned without",
                )


# -- what ours bill


def _as_ours(old: Old, going: _Going) -> Addition:
    return replace(old.record, serial_number=old.subscription, cancelled=going.until(old))


def _own(decided: Decided, additions: Sequence[Addition], handed: Handed, going: _Going, month: Month) -> Decided:
    """The decision with our records alone: what the old ones bill is taken off what is due here, and what goes on from
    the hand-over is added where that lies beyond the next month.
    """
    as_they_are = {a.id: a for a in additions}
    old = tuple(a for a in handed.records if a in decided.standing)
    drafts = tuple(
        replace(d, standing=as_they_are.get(d.standing.id, d.standing)) if d.standing else d
        for d in decided.decision.drafts
    )
    charged = decided.charged
    if charged and charged.lines and old:
        drafts = _from_day_on(drafts, decided, old, charged, going, month)
    return replace(
        decided,
        standing=tuple(as_they_are.get(a.id, a) for a in decided.standing if a not in old),
        decision=replace(decided.decision, drafts=drafts),
        charged_days=decided.charged_days - _seats(old).seat_days(month.span),
        due=decided.due - _worth(old, charged, month),
    )


def _seats(records: Iterable[Addition]) -> Timeline:
    return Timeline.of_intervals((a.effective, a.cancelled, a.quantity) for a in records)


def _worth(old: Sequence[Addition], charged: Charged | None, month: Month) -> Decimal:
    """What the old records' seats would be worth at the prices of the lines."""
    if charged is None or not charged.lines:
        return ZERO
    worth = ZERO
    for piece, level in _seats(old).pieces(month.span):
        starts = [day for day, _ in charged.rates if piece.first < day <= piece.last]
        for first, after in zip(
            [piece.first, *starts], [*starts, date.fromordinal(piece.last.toordinal() + 1)], strict=True
        ):
            worth += level * (after - first).days * charged.rate_on(first).unit_price / month.days
    return worth


def _from_day_on(
    drafts: tuple[Draft, ...],
    decided: Decided,
    old: Sequence[Addition],
    charged: Charged,
    going: _Going,
    month: Month,
) -> tuple[Draft, ...]:
    """The drafts with what goes on from the hand-over, where the old records bill beyond the next month's first day: a
    difference that they leave ends with them, and a record of the whole quantity begins.
    """
    after, day = month.following.first, going.day
    if day <= after or any(a.effective >= day and a not in old for a in decided.standing):
        return drafts
    billed = _seats(old).on(going.last)
    opening = [d for d in drafts if d.standing is None and d.effective == after and d.cancelled is None]
    kept = tuple(d for d in drafts if d not in opening)
    # Before the customer's `start` ours only stand beside old ones: with none there, it would be no difference.
    beside = _seats(old).on(after)
    differences = tuple(_until(d, going.last, beside) for d in opening) if beside else ()
    quantity = billed + sum((d.quantity for d in opening), ZERO)
    if not quantity:
        return (*kept, *differences)
    why = Because("P47", f"{plain(quantity)} go on from {day}, when the old record has ended")
    rate = charged.rate_on(month.last)
    return (*kept, *differences, Draft(Action.CREATE, None, quantity, rate, day, None, (why,)))


def _until(difference: Draft, last: date, beside: Decimal) -> Draft:
    told = f"the old record bills {plain(beside)} until {last}: {plain(difference.quantity)} are the difference"
    return replace(difference, cancelled=last, because=(Because("C18", told), *difference.because))


# -- the proof


def _unproved(decided: Decided, handed: Handed, going: _Going, agreement: Agreement, month: Month) -> Iterator[Finding]:
    charged = decided.charged
    if charged is None or not charged.lines or any(f.blocks for f in decided.decision.findings):
        return
    starts = max(agreement.start or date.min, agreement.billing_start or date.min)
    for draft in decided.decision.drafts:
        if draft.standing is None and draft.effective < starts:
            yield Finding(
                Severity.ERROR,
                "P36",
                f"agreement '{agreement.name}' ({agreement.id}) starts to bill on {starts}, after {draft.effective}, "
                "from which day a record must bill",
                subscription=decided.subscription,
                hint="set an earlier Billing Start Date under Finance > Agreements > the agreement > Recurring "
                "Invoicing Parameters",
            )
    old = [a for a in handed.records if (a.serial_number or "").lower() == decided.subscription.lower()]
    last = Month.of(going.day).last if going.old and going.day > month.last else month.last
    for flaw in proved(charged, old, records_after(decided, agreement.id), month, last):
        if not flaw.overlap and not old and not going.old:
            # Nothing is handed over: what a policy or an E5 leaves unbilled is said by the true-up itself.
            continue
        both = "both bill" if flaw.overlap else "nobody bills what is charged"
        yield Finding(
            Severity.ERROR,
            _SUBJECT,
            f"{'overlap' if flaw.overlap else 'gap'}: {both} {flaw}",
            subscription=decided.subscription,
            hint="correct the old record's last day in the PSA, or the customer's `start`, and plan again",
        )


# -- what ends elsewhere


def _ending(month: CustomerMonth, going: _Going, left: Sequence[Old], at: Situation) -> tuple[CustomerMonth, ...]:
    """The old agreements' part of the cut-over, as months of their own: they are written and billed like any other."""
    agreements = {o.agreement.id: o.agreement for o in going.old}
    return tuple(_ending_on(agreement, month, going, left, at) for agreement in agreements.values())


def _ending_on(
    agreement: Agreement, month: CustomerMonth, going: _Going, left: Sequence[Old], at: Situation
) -> CustomerMonth:
    currency = agreement.currency or month.currency
    here = [o for o in going.old if o.agreement.id == agreement.id]
    return CustomerMonth(
        month.customer,
        Motion.SEAT_MONTHLY,
        at.program,
        agreement,
        month.account,
        currency,
        tuple(_ends(o, going, at.month, currency) for o in here),
        (),
        held=tuple(o.record for o in left if o.agreement.id == agreement.id),
    )


def _ends(old: Old, going: _Going, month: Month, currency: str) -> Decided:
    return end_of(old, going.day, month, currency)


def end_of(old: Old, day: date, month: Month, currency: str) -> Decided:
    """The decision that ends an old record on the eve of `day`, the first that ours bill."""
    last = eve(day)
    if old.charged:
        why = Because("P44", f"billed from {day} on the mapped agreement: {last} is the last day here")
    else:
        why = Because("P49", f"nothing is charged for it in {month}, so {last} is its last billed day")
    drafts = ended([old.record], last, (why,))
    decided = Decided(
        old.subscription or old.record.serial_number or f"record {old.record.id}",
        old.product,
        (),
        (old.record,),
        Decision(drafts, ()),
        ZERO,
        ZERO,
    )
    after = records_after(decided, old.agreement.id)
    days = Span(month.first, month.last)
    return replace(
        decided,
        charged_days=_seats(after).seat_days(days),
        due=bill(after, month, prorates=old.agreement.prorates, currency=currency),
    )
