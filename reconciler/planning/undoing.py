"""The plan that takes a run back: every record it touched as it was before, where the PSA allows it; where not, why.

Three ways decide: what the run left, what stands in the PSA now, what stood before. A record that somebody changed
since is not touched; one that a later run built upon is left to the undo of that run. What a run wrote for one
subscription on one agreement is taken back whole or not at all: half of it would bill the wrong quantity.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.domain.finding import Finding, Severity, in_order
from reconciler.domain.mapping import Mappings
from reconciler.domain.plan import Action, AdditionValues, Because, Change, Plan, ProductValues, Resource
from reconciler.domain.records import Addition, Agreement
from reconciler.domain.undo_address import undo_address
from reconciler.planning.changes import agreement_address
from reconciler.planning.guarding import guarded
from reconciler.planning.observing import fingerprint, seen
from reconciler.planning.ownership import item_as_owned, values_as_owned
from reconciler.planning.plan_file import read_plan, sealed
from reconciler.planning.undo_history import Later, later_of, left_alone
from reconciler.planning.undo_money import moved_by, refusals, undo_impact
from reconciler.planning.undo_subject import Standing, Undo, Write, about
from reconciler.rules.products import values_of
from reconciler.rules.undoing import Done, Obstacle, Step, way_back
from reconciler.store.written import WrittenRun
from reconciler.targets.base import Gone, Target


async def undo_plan(written: WrittenRun, mappings: Mappings, target: Target, created: str, version: str) -> Plan:
    """The plan that takes a run back. Raises PlanFileError for a run of a plan that this version cannot read, and
    TargetError where the PSA cannot be read.
    """
    plan = read_plan(written.plan_text, f"the plan of run {written.run.number}")
    writes = _writes(written, plan)
    standing = await _read(target, writes)
    return guarded(assemble_undo(written, plan, mappings, standing, created, version), mappings)


async def _read(target: Target, writes: Iterable[Write]) -> Standing:
    writes = list(writes)
    ids = sorted({w.written.agreement_id for w in writes if w.written.agreement_id})
    skus = sorted({w.change.after.vendor_sku for w in writes if isinstance(w.change.after, ProductValues)})
    answers = await asyncio.gather(*(_agreement(target, number) for number in ids))
    read = [answer for answer in answers if answer is not None]
    found = await asyncio.gather(*(target.find_products(sku) for sku in skus))
    return Standing(
        {agreement.id: agreement for agreement, _ in read},
        {agreement.id: additions for agreement, additions in read},
        {product.id: product for products in found for product in products},
        frozenset(number for number, answer in zip(ids, answers, strict=True) if answer is None),
    )


async def _agreement(target: Target, number: str) -> tuple[Agreement, tuple[Addition, ...]] | None:
    """An agreement and its additions; None where it was deleted."""
    try:
        return await target.read_agreement(number)
    except Gone:
        return None


def _writes(written: WrittenRun, plan: Plan) -> list[Write]:
    """What the run itself confirmed, with the ids of products that were created on the way."""
    changes = {change.address: change for change in plan.changes}
    created = {w.address: w.record for w in written.writes if w.resource == Resource.PRODUCT and w.record}
    own = [w for w in written.writes if w.run == written.run.number and w.address in changes]
    return [Write(w, _with_product(changes[w.address], created)) for w in own]


def _with_product(change: Change, created: Mapping[str, str]) -> Change:
    after = change.after
    if isinstance(after, AdditionValues) and after.product_id is None and after.product in created:
        return replace(change, after=replace(after, product_id=created[after.product]))
    return change


def assemble_undo(
    written: WrittenRun, plan: Plan, mappings: Mappings, standing: Standing, created: str, version: str
) -> Plan:
    """The plan that takes a run back, from what the journal and the PSA hold: pure."""
    undo = Undo(written, plan, mappings, standing)
    findings = list(_of_run(undo))
    changes: list[Change] = []
    nothing_left = 0
    later = later_of(written.writes)
    for group in _groups(undo):
        made, told = _group(undo, group, later)
        changes += made
        findings += told
        nothing_left += bool(group[0].written.agreement_id) and not made and not any(f.blocks for f in told)
    observed = {
        agreement_address(plan.target, number): seen(standing.agreements[number], standing.additions[number])
        for number in sorted({c.agreement.rsplit("/", 1)[-1] for c in changes if c.agreement})
    }
    if changes and plan.undoes is None:
        findings.append(_wanted_again(undo))
    return sealed(
        Plan(
            month=plan.month,
            mappings=mappings.sha256,
            documents=(),
            observed={address: fingerprint(records) for address, records in observed.items()},
            observed_records=observed,
            changes=tuple(changes),
            findings=in_order(findings),
            impact=undo_impact(undo, changes),
            coverage=(),
            refused_by=tuple(refusals(undo, changes)),
            unchanged=nothing_left,
            target=plan.target,
            created=created,
            version=version,
            digest="",
            undoes=written.run.number,
            months=plan.months,
        )
    )


def _groups(undo: Undo) -> Iterator[list[Write]]:
    """What is taken back together: all that the run wrote for a subscription on an agreement, or one product."""
    groups: dict[tuple[str, str], list[Write]] = {}
    for write in _writes(undo.written, undo.plan):
        where = write.written.agreement_id
        key = (where, write.written.subscription or write.written.address) if where else ("", write.written.record)
        groups.setdefault(key, []).append(write)
    yield from groups.values()


def _group(undo: Undo, group: list[Write], later: Later) -> tuple[list[Change], list[Finding]]:
    findings: list[Finding] = []
    made: list[Change] = []
    for write in group:
        told = left_alone(write, undo, later)
        if told:
            findings.append(told)
        elif isinstance(write.change.after or write.change.before, ProductValues):
            changes, told = _product(write, undo)
            made += changes
            findings += [told] if told else []
        else:
            changes, told = _addition(write, undo, later)
            made += changes
            findings += [told] if told else []
    if any(f.blocks for f in findings):
        return [], [*(f for f in findings if f.blocks), *_with_them(group, findings, undo)]
    return sorted(made, key=_first_what_bills), findings


def _first_what_bills(change: Change) -> bool:
    # As in every plan: a refusal half-way should leave seats billed that will be put right, not lost.
    return change.action in (Action.CANCEL, Action.DELETE)


def _with_them(group: list[Write], findings: list[Finding], undo: Undo) -> Iterator[Finding]:
    others = len(group) - sum(f.blocks for f in findings)
    if others > 0:
        yield about(
            group[0],
            Severity.INFO,
            "undo-left",
            f"{others} other record{'s' if others > 1 else ''} that run {undo.number} wrote for this subscription "
            "stay too: half of them taken back would bill the wrong quantity",
        )


# -- one write


def _addition(write: Write, undo: Undo, later: Later) -> tuple[list[Change], Finding | None]:
    change, record = write.change, later.newest(write.written.record)
    before, after = change.before, change.after
    assert not isinstance(before, ProductValues)  # noqa: S101 -- products go another way
    assert not isinstance(after, ProductValues)  # noqa: S101 -- products go another way
    agreement_id = write.written.agreement_id or ""
    if agreement_id in undo.standing.gone:
        return [], _without_agreement(write, agreement_id)
    now, ground = undo.standing.addition(agreement_id, record), undo.ground(agreement_id, change.customer)
    if before and after and now:
        # What has become the PSA's own stays as it stands; a record that the run made is judged whole.
        fields = undo.owned(change)
        before, after = values_as_owned(before, now, fields), values_as_owned(after, now, fields)
    done = Done(change.action, record, before, after, write.written.next_invoice)
    way = way_back(done, now, ground)
    if isinstance(way, Obstacle):
        return [], about(write, Severity.ERROR, way.code, way.text, way.hint)
    if not way:
        text = f"record {record} is as it was before run {undo.number} already"
        return [], about(write, Severity.INFO, "undo-already", text)
    steps = enumerate(way)
    return [_change(write, step, undo, rest=number > 0) for number, step in steps], None


def _without_agreement(write: Write, agreement_id: str) -> Finding:
    text = f"agreement {agreement_id} is not in the PSA any more: what was written on it went with it"
    hint = "nothing is left to take back; what was invoiced of it meanwhile is corrected by hand"
    return about(write, Severity.ERROR, "undo-agreement-gone", text, hint)


def _change(write: Write, step: Step, undo: Undo, *, rest: bool) -> Change:
    change = write.change
    return Change(
        address=undo_address(change.address, undo.number, rest=rest),
        resource=Resource.ADDITION,
        action=step.action,
        before=step.before,
        after=step.after,
        record=step.record,
        customer=change.customer,
        motion=change.motion,
        subscription=change.subscription,
        agreement=change.agreement,
        product_name=change.product_name,
        because=(Because(f"undo of run {undo.number}", step.why),),
        impact=moved_by(step, undo),
    )


def _product(write: Write, undo: Undo) -> tuple[list[Change], Finding | None]:
    change, record = write.change, write.written.record
    before, after = change.before, change.after
    assert isinstance(after, ProductValues)  # noqa: S101 -- products are created and updated, never deleted
    now = undo.standing.products.get(record)
    if not isinstance(before, ProductValues):
        text = f"the catalogue item {after.identifier} that run {undo.number} created stays: other records may use it"
        return [], about(write, Severity.INFO, "undo-product-stays", text, "make it inactive by hand if nothing does")
    if now is None:
        text = f"the catalogue item {after.identifier} no longer has the Vendor SKU {after.vendor_sku}"
        return [], about(write, Severity.ERROR, "undo-changed", text, "set its price and cost by hand")
    before, after = (item_as_owned(values, now, undo.owned_items) for values in (before, after))
    prices = (now.price, now.cost)
    if prices == (before.price, before.cost):
        text = f"the catalogue item {after.identifier} has its earlier price and cost already"
        return [], about(write, Severity.INFO, "undo-already", text)
    if prices != (after.price, after.cost):
        text = f"the price or cost of the catalogue item {after.identifier} was changed since"
        return [], about(write, Severity.ERROR, "undo-changed", text, "set its price and cost by hand")
    held = values_of(now)
    why = "the run changed the catalogue item: its earlier price and cost again"
    made = Change(
        address=undo_address(change.address, undo.number, rest=False),
        resource=Resource.PRODUCT,
        action=Action.UPDATE,
        before=held,
        after=replace(held, price=before.price, cost=before.cost),
        record=record,
        because=(Because(f"undo of run {undo.number}", why),),
    )
    told = None
    if before.vendor_sku != after.vendor_sku:
        text = f"the Vendor SKU {after.vendor_sku} stays on {after.identifier}: records are recognised by it"
        told = about(write, Severity.INFO, "undo-product-stays", text, "take it off by hand, with its link")
    return [made], told


# -- what is told


def _of_run(undo: Undo) -> Iterator[Finding]:
    runs = sorted({w.run for w in undo.written.writes if w.plan_id == undo.written.run.record.plan_id and w.run})
    others = [number for number in runs if number != undo.number]
    if others:
        told = ", ".join(map(str, others))
        yield Finding(
            Severity.INFO,
            "undo-part",
            f"the plan of run {undo.number} was carried out by run {told} too; this takes back what run {undo.number} "
            "itself wrote",
            hint=f"to take the whole plan back: reconciler undo {others[-1]} as well",
        )


def _wanted_again(undo: Undo) -> Finding:
    return Finding(
        Severity.INFO,
        "undo",
        f"a plan of {undo.plan.period} will want these changes again, for the invoices still charge what they charge",
        hint=f"change the mapping first, then see: reconciler plan --month {undo.plan.month_range}",
    )
