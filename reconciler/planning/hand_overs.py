"""The report of a cut-over: each old record, what becomes of it, and which records go on in its place."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date

from reconciler.domain.days import Month, eve
from reconciler.domain.handover import Fate, HandOver, Successor
from reconciler.domain.plan import Action, AdditionValues, Change
from reconciler.domain.records import Addition, Agreement
from reconciler.planning.changes import addition_changes, agreement_address, product_address
from reconciler.planning.one_customer import CustomerMonth, Decided, Foreign, Old, TakeOver
from reconciler.planning.shelf import Shelf

_NOT_WRITTEN = "nothing is written for the customer: see its findings"
_WHY_HERE = {
    Fate.ADOPTED: "the only open record of its product, for the only subscription that has none",
    Fate.REPLACED: "the mark that it carries is no subscription of the invoices",
    Fate.ENDED: "the mark that it carries is no subscription of the invoices",
    Fate.LEFT: "whose it is cannot be told",
}


def ending_months(months: Iterable[CustomerMonth]) -> list[CustomerMonth]:
    """The old agreements' parts of the customers' cut-overs; nothing of them is written where the customer's own month
    is not.
    """
    return [
        replace(ending, withheld=not month.writes)
        for month in months
        if month.take_over
        for ending in month.take_over.ending
    ]


def ending_changes(
    target: str, months: Iterable[CustomerMonth], shelf: Shelf, period: Month, billed: Sequence[Month]
) -> list[Change]:
    """The changes that end old records, each with an address of its own."""
    changes = [c for m in months if m.writes for c in addition_changes(target, m, shelf, period, billed)]
    return [replace(change, address=f"{change.address}/record-{change.record}") for change in changes]


def hand_overs(
    target: str, months: Iterable[CustomerMonth], changes: Sequence[Change], shelf: Shelf
) -> Iterator[HandOver]:
    """What becomes of every old record, by customer as the mapping has them, those on the mapped agreement first."""
    for month in months:
        taken, agreement = month.take_over, month.agreement
        if taken is None or agreement is None:
            continue
        for foreign in taken.here:
            yield _here(target, month, agreement, foreign, changes, shelf)
        for old in taken.elsewhere:
            yield _elsewhere(target, month, old, taken, changes, shelf)


def _elsewhere(
    target: str, month: CustomerMonth, old: Old, taken: TakeOver, changes: Sequence[Change], shelf: Shelf
) -> HandOver:
    if old.why or not month.writes:
        fate, why = Fate.LEFT, old.why or _NOT_WRITTEN
    elif old.charged:
        fate, why = Fate.REPLACED, "it would be billed beside the mapped agreement's"
    else:
        fate, why = Fate.ENDED, "nothing is charged for it"
    told = _row(target, month, old.agreement, old.record, old.product, fate, why, shelf)
    if fate is Fate.LEFT:
        return told
    last = min(old.record.cancelled or date.max, eve(taken.day))
    following = _successors(target, month, old.product, old.subscription, changes) if old.charged else ()
    return replace(told, last=last, day=taken.day, successors=tuple(following))


def _here(
    target: str, month: CustomerMonth, agreement: Agreement, foreign: Foreign, changes: Sequence[Change], shelf: Shelf
) -> HandOver:
    record = foreign.record
    decided = next((d for d in month.decided if any(a.id == record.id for a in d.standing)), None)
    fate = _fate_here(record, decided, month)
    why = _WHY_HERE[fate] if month.writes else _NOT_WRITTEN
    told = _row(target, month, agreement, record, foreign.product, fate, why, shelf)
    if decided is None or fate is Fate.LEFT:
        return told
    drafts = (d for d in decided.decision.drafts if d.standing and d.standing.id == record.id)
    last = next((d.cancelled for d in drafts), record.cancelled)
    subscription = decided.subscription if fate is Fate.ADOPTED else None
    following = _successors(target, month, foreign.product, subscription, changes) if fate is not Fate.ENDED else ()
    return replace(told, last=last, successors=tuple(following))


def _fate_here(record: Addition, decided: Decided | None, month: CustomerMonth) -> Fate:
    if decided is None or not month.writes:
        return Fate.LEFT
    if record.id in decided.adopted:
        return Fate.ADOPTED
    charged = any(d.lines and d.product == decided.product for d in month.decided)
    return Fate.REPLACED if charged else Fate.ENDED


def _row(
    target: str,
    month: CustomerMonth,
    agreement: Agreement,
    record: Addition,
    product: str,
    fate: Fate,
    why: str,
    shelf: Shelf,
) -> HandOver:
    item = shelf.resolved.get(product)
    return HandOver(
        customer=month.customer.name,
        product=product,
        product_name=item.product.description if item and item.product else product,
        fate=fate,
        record=record.id,
        agreement=agreement_address(target, agreement.id),
        agreement_name=agreement.name,
        quantity=record.quantity,
        unit_price=record.unit_price,
        effective=record.effective,
        serial_number=record.serial_number,
        last=record.cancelled,
        day=None,
        why=why,
    )


def _successors(
    target: str, month: CustomerMonth, key: str, subscription: str | None, changes: Sequence[Change]
) -> Iterator[Successor]:
    """Our records that bill the product on the mapped agreement: open ones that stand, and those that are written."""
    assert month.agreement  # noqa: S101 -- decisions are made on an agreement
    for decided in month.decided:
        if decided.product == key and decided.lines and subscription in (None, decided.subscription):
            for a in decided.standing:
                if a.cancelled is None and a.bills and not _is_old(a, month):
                    yield Successor(decided.subscription, a.quantity, a.unit_price, a.effective)
    place, product = agreement_address(target, month.agreement.id), product_address(target, key)
    for change in changes:
        values = change.after
        if change.action is not Action.CREATE or not isinstance(values, AdditionValues):
            continue
        if change.agreement == place and values.product == product and subscription in (None, change.subscription):
            named = change.subscription or ""
            yield Successor(named, values.quantity, values.unit_price, values.effective, change.address)


def _is_old(record: Addition, month: CustomerMonth) -> bool:
    return month.take_over is not None and any(f.record.id == record.id for f in month.take_over.here)
