"""Edits of a person in fields that no invoice speaks of: taken back, unless an override keeps them (C8, P41).

A quantity is compared with the invoice, whoever wrote it. Price, cost, first day, last day and serial number are ours
as the last apply left them: a decision is made as if they still were, and what differs is written back. What the PSA
has invoiced cannot be: there the edit stays, and is told as drift.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from reconciler.domain.days import morrow
from reconciler.domain.drift import AppliedRecord
from reconciler.domain.mapping import PsaField
from reconciler.domain.plan import Action, AdditionValues, Because
from reconciler.domain.records import Addition
from reconciler.planning.deciding import subscription_id
from reconciler.planning.one_customer import CustomerMonth, Decided
from reconciler.planning.ownership import PsaFields
from reconciler.rules.charged import Rate
from reconciler.rules.drafts import Draft


@dataclass(frozen=True, slots=True)
class Edited:
    """A record as it stands, as the decision takes it, and what was taken back of it, in words."""

    now: Addition
    taken_as: Addition
    fields: tuple[str, ...]


def edits(
    additions: Iterable[Addition],
    applied: Mapping[str, AppliedRecord],
    kept: frozenset[str],
    open_from: date,
    owned: PsaFields = frozenset(),
) -> dict[str, Edited]:
    """The records that a person edited since the last apply, by id, where the edit can be taken back.

    `kept` are the subscriptions (ids in lower case) whose edits an override keeps; `open_from` is the first day that is
    not invoiced; `owned` are fields that are the PSA's own. Only records that we wrote: what stood there already was
    never ours.
    """
    found = {}
    for now in additions:
        record = applied.get(now.id)
        if record is None or record.values is None or not record.written:
            continue
        if {subscription_id(record.values.serial_number), subscription_id(now.serial_number)} & kept:
            continue
        taken_as, fields = _as_applied(now, record.values, open_from, owned)
        if fields:
            found[now.id] = Edited(now, taken_as, fields)
    return found


def _as_applied(
    now: Addition, applied: AdditionValues, open_from: date, owned: PsaFields
) -> tuple[Addition, tuple[str, ...]]:
    taken, fields = now, []
    if subscription_id(now.serial_number) != subscription_id(applied.serial_number):
        taken, fields = replace(taken, serial_number=applied.serial_number), ["serial number"]
    if now.cancelled != applied.cancelled and _is_open(now.cancelled, applied.cancelled, open_from):
        taken, fields = replace(taken, cancelled=applied.cancelled), [*fields, "last day"]
    if min(now.effective, applied.effective) < open_from:
        return taken, tuple(fields)
    if now.effective != applied.effective:
        taken, fields = replace(taken, effective=applied.effective), [*fields, "first day"]
    if now.unit_price != applied.unit_price and PsaField.PRICE not in owned:
        taken, fields = replace(taken, unit_price=applied.unit_price), [*fields, "unit price"]
    if now.unit_cost != applied.unit_cost and PsaField.COST not in owned:
        taken, fields = replace(taken, unit_cost=applied.unit_cost), [*fields, "unit cost"]
    return taken, tuple(fields)


def _is_open(now: date | None, applied: date | None, open_from: date) -> bool:
    """Whether the days between two ends are all still to be invoiced."""
    ends = [day for day in (now, applied) if day is not None]
    return all(morrow(day) >= open_from for day in ends) and bool(ends)


def as_applied(additions: Iterable[Addition], edited: Mapping[str, Edited]) -> tuple[Addition, ...]:
    """The additions as a decision takes them."""
    return tuple(edited[a.id].taken_as if a.id in edited else a for a in additions)


def taken_back(month: CustomerMonth, edited: Mapping[str, Edited]) -> CustomerMonth:
    """The month with the records as they really stand, and with what must be written to take the edits back."""
    if not edited:
        return month
    held = tuple(edited[a.id].now if a.id in edited else a for a in month.held)
    return replace(month, decided=tuple(_decided(d, edited) for d in month.decided), held=held)


def _decided(decided: Decided, edited: Mapping[str, Edited]) -> Decided:
    mine = {a.id: edited[a.id] for a in decided.standing if a.id in edited}
    if not mine or any(f.blocks for f in decided.decision.findings):
        return decided
    drafts = [
        _with_reason(d, mine[d.standing.id]) if d.standing and d.standing.id in mine else d
        for d in decided.decision.drafts
    ]
    written = {d.standing.id for d in decided.decision.drafts if d.standing}
    drafts += [_draft(one) for number, one in mine.items() if number not in written]
    return replace(
        decided,
        standing=tuple(mine[a.id].now if a.id in mine else a for a in decided.standing),
        decision=replace(decided.decision, drafts=tuple(drafts)),
    )


def _why(one: Edited) -> Because:
    return Because(
        "C8", f"{_and(one.fields)} changed in the PSA since the last apply: taken back, for no override keeps it"
    )


def _and(words: tuple[str, ...]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _with_reason(draft: Draft, one: Edited) -> Draft:
    action = draft.action if draft.action is Action.DELETE else _action(one)
    return replace(draft, standing=one.now, action=action, because=(_why(one), *draft.because))


def _draft(one: Edited) -> Draft:
    a = one.taken_as
    rate = Rate(a.unit_price, a.unit_cost)
    return Draft(_action(one), one.now, a.quantity, rate, a.effective, a.cancelled, (_why(one),))


def _action(one: Edited) -> Action:
    if "serial number" in one.fields:
        return Action.ADOPT
    return Action.UPDATE
