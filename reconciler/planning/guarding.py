"""The guards once more, from a plan's own changes and what it saw: for a saved plan, whatever its file says.

A plan names the guards that it is beyond, and whoever edits a file can take that out. So `apply` counts again, by the
limits of the mapping that it is run with. What is counted is what can be: how many changes, the fall of the open
monthly value, and the margin. How much was mapped to nobody is known to the run alone that read the invoices.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Mappings, Program
from reconciler.domain.money import ZERO
from reconciler.domain.plan import Action, AdditionValues, Change, Plan
from reconciler.planning.observing import Fields, fingerprint
from reconciler.planning.plan_file import sealed
from reconciler.rules.guards import Written, beyond_changes, beyond_decrease, beyond_margin


def inconsistent(plan: Plan) -> str | None:
    """A sentence where what the plan saw is not what its fingerprints are of, or where it writes what it never saw."""
    for address, records in plan.observed_records.items():
        if plan.observed.get(address) != fingerprint(records):
            return f"what it saw of {address} is not what its fingerprint is of"
    for change in plan.changes:
        if change.agreement and change.agreement not in plan.observed_records:
            return f"it changes {change.agreement}, of which it saw nothing"
        after = change.after or change.before
        if isinstance(after, AdditionValues) and change.agreement != f"{plan.target}/agreement/{after.agreement_id}":
            return f"{change.address} is said to be on {change.agreement}, and is on another agreement"
    return None


def refused_now(plan: Plan, mappings: Mappings) -> tuple[str, ...]:
    """The guards that the plan is beyond, by the mapping's limits as they are now. The plan is not `inconsistent`."""
    programs = [program for program in mappings.programs.values() if program.target == plan.target]
    of_customer = {customer.name: customer.program for customer in mappings.customers}
    refusals: list[str] = []
    for program in sorted(programs, key=lambda each: each.name):
        own = [change for change in plan.changes if of_customer.get(change.customer or "") == program.name]
        others = [change for change in plan.changes if (change.customer or "") not in of_customer]
        others = others if len(programs) == 1 else []
        refusals += [refusal for refusal in _refusals(plan, program, own, others) if refusal]
    return tuple(refusals)


def guarded(plan: Plan, mappings: Mappings) -> Plan:
    """The sealed plan with every guard named that `apply` would refuse it by: nothing is refused there alone."""
    named = {refusal.split(":")[0] for refusal in plan.refused_by}
    more = tuple(refusal for refusal in refused_now(plan, mappings) if refusal.split(":")[0] not in named)
    return sealed(replace(plan, refused_by=(*plan.refused_by, *more))) if more else plan


def _refusals(plan: Plan, program: Program, own: list[Change], others: list[Change]) -> Iterator[str | None]:
    """`others` name no customer of the mapping: products, and who was taken out of it."""
    guards, name = program.guards, program.name
    records = [change for change in (*own, *others) if change.agreement and change.motion is not Motion.ONE_TIME]
    before, after = _open_values(records, plan.observed_records)
    counted = own if plan.undoes is not None else (*own, *others)
    yield beyond_changes(guards, len(counted), name)
    yield beyond_decrease(guards, before, after, name)
    if plan.undoes is None:
        yield beyond_margin(guards, _priced(records), name)


def _open_values(changes: Iterable[Change], seen: Mapping[str, Mapping[str, Fields]]) -> tuple[Decimal, Decimal]:
    """What the touched agreements' records without an end bill a month, before and after."""
    touched = {change.agreement for change in changes if change.agreement}
    standing = {
        (address, record): _open_value(fields)
        for address in touched
        for record, fields in seen[address].items()
        if record != "agreement"
    }
    before = sum(standing.values(), ZERO)
    after = before
    for change in changes:
        if change.record is not None:
            after -= standing.get((change.agreement or "", change.record), ZERO)
        if isinstance(change.after, AdditionValues) and change.after.cancelled is None:
            after += change.after.quantity * change.after.unit_price
    return before, after


def _open_value(fields: Fields) -> Decimal:
    quantity, price = fields.get("quantity"), fields.get("unit_price")
    if fields.get("cancelled") is not None or quantity is None or price is None:
        return ZERO
    return _worth(quantity, price)


# Many records are of the same few quantities and prices.
@lru_cache(maxsize=65536)
def _worth(quantity: str, price: str) -> Decimal:
    return Decimal(quantity) * Decimal(price)


def _priced(changes: Iterable[Change]) -> Iterator[Written]:
    """Each record that bills something and is new or gets another price."""
    for change in changes:
        before, after = change.before, change.after
        if change.action is Action.ADOPT or not isinstance(after, AdditionValues) or after.quantity <= 0:
            continue
        if not isinstance(before, AdditionValues) or before.unit_price != after.unit_price:
            who, what = change.customer or "", change.subscription or change.address
            yield Written(who, what, after.unit_price, after.unit_cost)
