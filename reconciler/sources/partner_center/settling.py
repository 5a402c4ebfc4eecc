"""What a row's neighbours decide: how it is billed, what a seat costs for a full cycle, and telco halves.

Inferred, with the facts it rests on: a prorated row is billed as the row that opened its cycle (sources §1.4); a
discount shows only as an EffectiveUnitPrice below the UnitPrice of a full cycle and holds for the prorated rows of the
same product (§1.5, §1.7); products with calling come as two rows for the same seats (§1.4).
"""

import re
from collections import Counter
from datetime import timedelta
from decimal import Decimal

from reconciler.domain.days import Span
from reconciler.domain.invoice import Charge
from reconciler.domain.money import ZERO
from reconciler.sources.partner_center.charges import (
    MONTHLY,
    ONCE,
    billing_by_days,
    billing_by_text,
    is_full_cycle,
)
from reconciler.sources.partner_center.drafts import Draft

_MIDNIGHT = re.compile(r"T00:00:00(\.0+)?(Z|[+-]00:?00)?$")
_SECOND_HALF = "second part, for the same seats"


def settle(drafts: list[Draft]) -> None:
    """Settles billing, unit costs and telco halves of the rows of one file, in place."""
    _make_ends_inclusive(drafts)
    _settle_billing(drafts)
    _settle_unit_costs(drafts)
    _merge_telco(drafts)


def _make_ends_inclusive(drafts: list[Draft]) -> None:
    """An end at midnight exactly one month or year after its start is the first instant after the cycle (§1.15).

    Nobody has documented which of the two Graph writes; the rule acts only where an inclusive end would make a cycle of
    a month and a day, and then on all rows of the subscription with that end.
    """
    midnight = [draft for draft in drafts if draft.span and _ends_at_midnight(draft)]
    exclusive = {
        (draft.key, draft.span.last)
        for draft in midnight
        if draft.span and draft.opens_cycle and _is_anniversary(draft.span)
    }
    for draft in midnight:
        if draft.span and (draft.key, draft.span.last) in exclusive and draft.span.days > 1:
            draft.span = Span(draft.span.first, draft.span.last - timedelta(days=1))


def _ends_at_midnight(draft: Draft) -> bool:
    end = draft.period.said[1]
    return "T" in end and _MIDNIGHT.search(end) is not None


def _is_anniversary(span: Span) -> bool:
    months = (span.last.year - span.first.year) * 12 + span.last.month - span.first.month
    return span.first.day == span.last.day and months in (1, 12, 36)


def _settle_billing(drafts: list[Draft]) -> None:
    borrowers: list[Draft] = []
    for draft in drafts:
        if draft.billing is not None:
            continue
        if draft.span is None or draft.charge is Charge.ONE_TIME:
            draft.billing = ONCE
        elif draft.opens_cycle:
            draft.billing = _billing_of_cycle(draft, draft.span)
        else:
            borrowers.append(draft)
    if borrowers:
        _borrow_billing(borrowers, drafts)
    for draft in drafts:
        if draft.seats and draft.offer.prepaid:
            draft.billing, draft.charge, draft.seats = ONCE, Charge.ONE_TIME, False


def _borrow_billing(borrowers: list[Draft], drafts: list[Draft]) -> None:
    cycles: dict[object, str] = {}
    for draft in drafts:
        if draft.billing and draft.span and draft.opens_cycle:
            cycles[draft.key, draft.span.last] = draft.billing
            cycles.setdefault(draft.key, draft.billing)
    for draft in borrowers:
        if draft.span:
            borrowed = cycles.get((draft.key, draft.span.last)) or cycles.get(draft.key)
            text = draft.offer.record.term_and_billing_cycle
            draft.billing = borrowed or billing_by_text(text) or billing_by_days(draft.span, draft.period.term_span)


def _billing_of_cycle(draft: Draft, span: Span) -> str:
    by_text = billing_by_text(draft.offer.record.term_and_billing_cycle)
    by_days = billing_by_days(span, draft.period.term_span)
    # A first term cut short to another's end covers less than its cycle: then, and where the whole term is one
    # payment, the text knows better.
    certain = (by_days == MONTHLY and span.days >= 28) or by_text is None
    return by_days if certain else by_text or by_days


def _settle_unit_costs(drafts: list[Draft]) -> None:
    """The cost of a seat for a full cycle in the billing currency: UnitPrice × rate, less where a discount shows."""
    discounted: dict[object, Decimal] = {}
    for draft in drafts:
        listed, effective = draft.listed, abs(draft.effective) if draft.effective is not None else None
        price = effective if listed is None else listed
        if effective is not None and not draft.seats and (effective or not draft.amount):
            price = effective
        elif _shows_discount(draft, effective):
            price = effective
            discounted[draft.key, listed, draft.rate] = effective * draft.rate if effective is not None else ZERO
        draft.unit_cost = draft.offer.cost if price is listed or price is None else price * draft.rate
    if discounted:
        for draft in drafts:
            if draft.seats:
                draft.unit_cost = discounted.get((draft.key, draft.listed, draft.rate), draft.unit_cost)


def _shows_discount(draft: Draft, effective: Decimal | None) -> bool:
    if effective is None or draft.listed is None or effective >= draft.listed or draft.span is None:
        return False
    return draft.opens_cycle and draft.sign > 0 and is_full_cycle(draft.span, draft.billing)


def _merge_telco(drafts: list[Draft]) -> None:
    """Two rows of one event for the same seats at two prices: the first counts the seats at the price of both, the
    second keeps its amount and counts none.
    """
    events = Counter(draft.reference or draft.order for draft in drafts if draft.seats)
    first: dict[object, Draft] = {}
    for draft in drafts:
        event = draft.reference or draft.order
        if not event or events[event] < 2 or not draft.magnitude or not draft.seats:
            continue
        said = (draft.offer.record.charge_type, draft.order, draft.period.said, draft.quantity)
        same = (event, draft.key, said, draft.sign)
        partner = first.setdefault(same, draft)
        if partner is draft or partner.listed == draft.listed or partner.telco:
            continue
        if partner.unit_cost is not None and draft.unit_cost is not None:
            partner.unit_cost += draft.unit_cost
        partner.telco = draft.telco = True
        draft.note = f"{_SECOND_HALF} as row {partner.row}"
        draft.magnitude, draft.unit_cost = ZERO, None
