"""Drafts as the changes of a plan: addresses, values, reasons, and what each does to the bill."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from reconciler.domain.bulk import maker, replacer
from reconciler.domain.days import Month
from reconciler.domain.mapping import PsaField
from reconciler.domain.money import ZERO, plain, rounded
from reconciler.domain.plan import Action, AdditionValues, Because, Change, Resource
from reconciler.domain.records import Addition
from reconciler.planning.one_customer import CustomerMonth, Decided
from reconciler.planning.ownership import BY_THE_PSA, PsaFields, guarded, left_to_psa
from reconciler.planning.shelf import Shelf
from reconciler.rules.billing import bill
from reconciler.rules.drafts import Draft
from reconciler.rules.prices import DEFAULT_RULE
from reconciler.rules.products import Resolved, values_of

# Several of each for every subscription that changes.
_made_change, _with_values, _as_written = maker(Change), replacer(AdditionValues), replacer(Addition)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def product_address(target: str, key: str) -> str:
    """The address of a product in a plan."""
    return f"{target}/product/{key}"


def agreement_address(target: str, agreement_id: str) -> str:
    """The address of an agreement in a plan."""
    return f"{target}/agreement/{agreement_id}"


def product_changes(target: str, shelf: Shelf, used: Iterable[str], owned: PsaFields = frozenset()) -> list[Change]:
    """The catalogue items to create or to update, of the products that are used; `owned` fields are the PSA's."""
    changes = []
    for key in sorted(set(used)):
        resolved = shelf.resolved.get(key)
        if resolved and resolved.change:
            standing, after = resolved.change.standing, resolved.change.after
            changes.append(
                Change(
                    address=product_address(target, key),
                    resource=Resource.PRODUCT,
                    action=Action.UPDATE if standing else Action.CREATE,
                    before=values_of(standing) if standing else None,
                    after=after,
                    record=standing.id if standing else None,
                    because=(Because(resolved.change.rule, resolved.change.why),),
                )
            )
    return [*guarded(changes, owned)]


def addition_changes(
    target: str, month: CustomerMonth, shelf: Shelf, period: Month, billed: Sequence[Month]
) -> list[Change]:
    """The additions that a customer's month writes, in the order of writing. `billed` are the months whose bill each
    change tells its part of.
    """
    assert month.agreement  # noqa: S101 -- decisions are made on an agreement
    changes: list[Change] = []
    for decided in month.decided:
        if not decided.decision.drafts:
            continue
        resolved = shelf.resolved.get(decided.product)
        name = _name(decided, resolved)
        for draft in decided.decision.drafts:
            impact = _impact(draft, decided, month, period, billed)
            changes.append(_change(target, month, decided, draft, resolved, name, impact))
    return distinct([*guarded(changes, left_to_psa(month.customer, month.motion))])


def _name(decided: Decided, resolved: Resolved | None) -> str:
    if decided.lines and decided.lines[-1].line.description:
        return decided.lines[-1].line.description
    if resolved and resolved.product:
        return resolved.product.description
    return decided.product


def _change(
    target: str,
    month: CustomerMonth,
    decided: Decided,
    draft: Draft,
    resolved: Resolved | None,
    name: str,
    impact: dict[str, Decimal],
) -> Change:
    agreement = month.agreement
    assert agreement  # noqa: S101 -- decisions are made on an agreement
    address = product_address(target, decided.product)
    before = AdditionValues.of(draft.standing, address) if draft.standing else None
    after = None if draft.action is Action.DELETE else _after(draft, decided, agreement.id, address, resolved, name)
    if before and after and PsaField.DESCRIPTION in month.customer.psa_fields:
        after = replace(after, description=before.description)
    return _made_change(
        address=addition_address(target, month.customer.name, month.motion, decided.subscription, draft.effective),
        resource=Resource.ADDITION,
        action=draft.action,
        before=before,
        after=after,
        record=draft.standing.id if draft.standing else None,
        customer=month.customer.name,
        motion=month.motion,
        subscription=decided.subscription,
        agreement=agreement_address(target, agreement.id),
        product_name=name,
        needs=(address,) if draft.standing is None and _is_created(resolved) else (),
        because=(*_by_own_price(draft), *draft.because),
        impact=impact,
    )


def _by_own_price(draft: Draft) -> tuple[Because, ...]:
    """The partner's own rule that made the price of a record, where one did (P57)."""
    if draft.standing is not None or draft.rate.rule in ("", DEFAULT_RULE):
        return ()
    if draft.rate.rule == BY_THE_PSA:
        return (Because("P56", "the price is the one that stands in the PSA, which owns it (fields: price)"),)
    return (Because("P57", f"the price is that of the rule '{draft.rate.rule}'"),)


def _impact(
    draft: Draft, decided: Decided, month: CustomerMonth, period: Month, billed: Iterable[Month]
) -> dict[str, Decimal]:
    """What the draft does to the bill of each month, and of the month in which it bills, where it does anything."""
    assert month.agreement  # noqa: S101 -- decisions are made on an agreement
    before = [draft.standing] if draft.standing else []
    after = [row for row in [_written(draft, month.agreement.id)] if row]
    impact = {}
    for each in sorted({*billed, decided.bills_in}) if decided.bills_in else billed:
        moved = bill_of(after, decided, month, each, period) - bill_of(before, decided, month, each, period)
        if moved:
            impact[str(each)] = moved
    return impact


def bill_of(
    records: Iterable[Addition], decided: Decided, month: CustomerMonth, each: Month, planned: Month
) -> Decimal:
    """What records of a decision bill for a month. Records that bill once do so on the planned month's invoice."""
    assert month.agreement  # noqa: S101 -- decisions are made on an agreement
    if not decided.once:
        prorates, currency = month.agreement.prorates, month.currency
        return bill(records, each, prorates=prorates, currency=currency, rounding=month.rounding)
    if each != planned:
        return ZERO
    return sum((rounded(a.quantity * a.unit_price, month.currency) for a in records), ZERO)


def addition_address(target: str, customer: str, motion: str, subscription: str, effective: date) -> str:
    """The address of an addition in a plan, but for what tells two of one day apart."""
    # A name may hold the separator itself, or be what an undo writes in its place.
    name = customer.replace("%", "%25").replace("/", "%2F").replace("undo-", "undo%2D")
    return f"{target}/{name}/{motion}/{subscription}/{effective}"


def _is_created(resolved: Resolved | None) -> bool:
    """Whether the product is not in the PSA yet: the record cannot be written before it is."""
    return resolved is not None and resolved.product is None


def _after(
    draft: Draft, decided: Decided, agreement_id: str, product: str, resolved: Resolved | None, name: str
) -> AdditionValues:
    if draft.standing:
        kept = AdditionValues.of(draft.standing, product)
        serial = decided.subscription if draft.action is Action.ADOPT else kept.serial_number
        return _with_values(
            kept,
            serial_number=serial,
            quantity=draft.quantity,
            effective=draft.effective,
            cancelled=draft.cancelled,
            unit_price=draft.rate.unit_price,
            unit_cost=draft.rate.unit_cost,
            description=draft.text or kept.description,
        )
    item = resolved.product if resolved else None
    product_id = item.id if item else next((a.product_id for a in decided.standing), None)
    return AdditionValues(
        agreement_id=agreement_id,
        product=product,
        product_id=None if _is_created(resolved) else product_id,
        serial_number=decided.subscription,
        quantity=draft.quantity,
        unit_price=draft.rate.unit_price,
        unit_cost=draft.rate.unit_cost,
        effective=draft.effective,
        cancelled=draft.cancelled,
        description=_description(draft, name),
    )


def _description(draft: Draft, name: str) -> str:
    """The text on the customer's invoice: the product, and for a delta what moved and when."""
    if draft.text:
        return draft.text
    if draft.note:
        return f"{name} ({draft.note})"
    if draft.cancelled is None:
        return name
    first, last = _day(draft.effective), _day(draft.cancelled)
    return f"{name} ({'+' if draft.quantity > 0 else '−'}{plain(abs(draft.quantity))}, {first} to {last})"


def _day(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _written(draft: Draft, agreement_id: str) -> Addition | None:
    """The record as it is after the draft, to tell what it bills."""
    if draft.action is Action.DELETE:
        return None
    if draft.standing:
        rate = draft.rate
        return _as_written(
            draft.standing,
            quantity=draft.quantity,
            effective=draft.effective,
            cancelled=draft.cancelled,
            unit_price=rate.unit_price,
            unit_cost=rate.unit_cost,
        )
    price, cost = draft.rate.unit_price, draft.rate.unit_cost
    return Addition("", agreement_id, "", draft.quantity, price, cost, draft.effective, draft.cancelled)


def records_after(decided: Decided, agreement_id: str) -> Sequence[Addition]:
    """The additions of a subscription and product as they are once its drafts are written."""
    if not decided.decision.drafts:
        return decided.standing
    touched = {draft.standing.id for draft in decided.decision.drafts if draft.standing}
    written = (_written(draft, agreement_id) for draft in decided.decision.drafts)
    return [a for a in decided.standing if a.id not in touched] + [row for row in written if row]


def distinct(changes: Sequence[Change]) -> list[Change]:
    """The same changes with addresses that are unique: a second one on one day is told apart by its number."""
    seen: dict[str, int] = {}
    distinct = []
    for change in changes:
        seen[change.address] = number = seen.get(change.address, 0) + 1
        distinct.append(change if number == 1 else replace(change, address=f"{change.address}#{number}"))
    return distinct
