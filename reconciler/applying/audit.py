"""The audit: an apply is done only when every record it touched is there once, with the planned values (I8).

A copy that was never invoiced is removed: the younger one goes. Whether it was invoiced is known in two ways: its first
day is not invoiced yet, or it came after the look before the send and no invoice was made since. What cannot be settled
is told, and kept as an incident.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from reconciler.applying.looking import Seen
from reconciler.applying.order import chain_of
from reconciler.applying.slots import (
    by_id,
    differences,
    is_addition,
    is_create,
    known_records,
    same_slot,
    wanted,
    with_product,
)
from reconciler.applying.surroundings import Surroundings
from reconciler.domain.plan import Action, AdditionValues, Change, Plan, ProductValues
from reconciler.domain.records import Addition, Agreement, Product
from reconciler.store.journal import Journal, Op
from reconciler.store.schema import State
from reconciler.targets.base import TargetError

_REMOVALS = 3


class Audit:
    """The audit of one admitted plan. `incidents` are the sentences for what could not be settled."""

    def __init__(self, plan: Plan, ops: Mapping[str, Op], journal: Journal, around: Surroundings) -> None:
        self.incidents: list[str] = []
        self._plan = plan
        self._ops = ops
        self._journal = journal
        self._target = around.target
        self._clock = around.clock
        self._stop = around.stop
        self._settle_seconds = around.settle_seconds
        self._told: set[str] = set()
        self._products = {op.address: op.remote_id for op in ops.values() if op.remote_id}

    async def run(self) -> None:
        """Reads everything that was touched, removes copies, and compares. Raises TargetError where it cannot read."""
        await self._stop.pause(self._clock, self._late_landing())
        ended = await asyncio.gather(*map(self._chain, self._confirmed()), return_exceptions=True)
        for failure in ended:
            if failure is not None:
                raise failure

    async def _chain(self, members: tuple[Change, ...]) -> None:
        first = wanted(members[0])
        if self._stop.asked:
            return
        if isinstance(first, AdditionValues):
            await self._agreement(first.agreement_id, members)
            return
        for change in members:
            await self._product(change)

    async def remove_copies(self) -> None:
        """Only removes copies: for a plan that a later one supersedes, whose values are no longer expected."""
        for members in self._confirmed():
            if is_addition(members[0]):
                await self._removed(members[0], members)

    def _confirmed(self) -> list[tuple[Change, ...]]:
        confirmed = [
            with_product(change, self._products)
            for change in self._plan.changes
            if self._ops[change.address].state is State.CONFIRMED
        ]
        return [tuple(members) for _, members in groupby(sorted(confirmed, key=chain_of), chain_of)]

    def _late_landing(self) -> float:
        # Only where a send was repeated can an earlier one still land beside it.
        resent = [op.deadline for op in self._ops.values() if op.attempt > 1 and op.deadline]
        if not resent:
            return 0.0
        left = (max(resent) - self._clock.now()).total_seconds() + self._settle_seconds
        return max(0.0, min(left, self._settle_seconds))

    def _search_lag(self) -> Iterator[float]:
        # A record that was confirmed may be hidden from the PSA's search for a while: at most the settle time.
        pause, waited = 0.0, 0.0
        while waited <= self._settle_seconds:
            yield pause
            pause = min(pause * 2 or 1.0, 30.0)
            waited += pause

    # -- additions

    async def _agreement(self, agreement_id: str, members: tuple[Change, ...]) -> None:
        expected = {self._ops[c.address].remote_id for c in members if c.action is not Action.DELETE}
        additions: tuple[Addition, ...] = ()
        for pause in self._search_lag():
            await self._stop.pause(self._clock, pause)
            additions = await self._removed(members[0], members)
            if expected <= {addition.id for addition in additions}:
                break
        if self._stop.asked:
            return
        for change in members:
            self._compared(change, additions)

    def _compared(self, change: Change, additions: tuple[Addition, ...]) -> None:
        op = self._ops[change.address]
        record = by_id(additions, op.remote_id)
        if change.after is None:
            if record is not None:
                self._incident(op, "still there", f"record {record.id} was deleted and is there again")
        elif record is None:
            self._incident(op, "gone", f"record {op.remote_id} was confirmed and is not there any more")
        elif altered := differences(change.after, record):
            self._incident(op, "altered", f"record {record.id} is not as planned: {', '.join(altered)}")

    async def _removed(self, first: Change, members: Iterable[Change]) -> tuple[Addition, ...]:
        values = wanted(first)
        assert isinstance(values, AdditionValues)  # noqa: S101 -- called for agreements only
        for _ in range(_REMOVALS):
            agreement, additions = await self._target.read_agreement(values.agreement_id)
            copies = [pair for change in members for pair in self._copies(change, agreement, additions)]
            if not copies:
                return additions
            for op, copy in copies:
                await self._remove(op, copy)
        agreement, additions = await self._target.read_agreement(values.agreement_id)
        for change in members:
            for op, copy in self._copies(change, agreement, additions):
                self._incident(op, "copy", f"record {copy.id} is a copy of {op.remote_id} and could not be removed")
        return additions

    def _copies(self, change: Change, agreement: Agreement, additions: Iterable[Addition]) -> list[tuple[Op, Addition]]:
        op = self._ops[change.address]
        values = change.after
        if not is_create(change) or not isinstance(values, AdditionValues) or op.remote_id is None:
            return []
        seen = Seen.from_json(op.seen)
        written = {other.remote_id for other in self._ops.values()}
        known = known_records(self._plan, change.agreement)
        found = []
        for copy in additions:
            if copy.id in written or copy.id in known or not same_slot(values, copy):
                continue
            never_invoiced = agreement.next_invoice is not None and (
                copy.effective >= agreement.next_invoice
                or (op.seen is not None and copy.id not in seen.records and agreement.next_invoice == seen.next_invoice)
            )
            if never_invoiced and not differences(values, copy):
                found.append((op, copy))
            elif copy.id not in self._told:
                self._told.add(copy.id)
                self._incident(
                    op,
                    "copy",
                    f"record {copy.id} stands in the same place as {op.remote_id} and may be invoiced; one is too many",
                )
        return found

    async def _remove(self, op: Op, copy: Addition) -> None:
        self._journal.remark(op, f"removing record {copy.id}, a copy of {op.remote_id}", self._clock.now())
        try:
            await self._target.delete_addition(copy.agreement_id, copy.id)
        except TargetError as fault:
            self._journal.remark(op, f"record {copy.id} was perhaps not removed: {fault}", self._clock.now())

    # -- products

    async def _product(self, change: Change) -> None:
        op, values = self._ops[change.address], change.after
        if not isinstance(values, ProductValues):
            return
        products: tuple[Product, ...] = ()
        for pause in self._search_lag():
            await self._stop.pause(self._clock, pause)
            products = await self._target.find_products(values.vendor_sku)
            if by_id(products, op.remote_id):
                break
        if self._stop.asked:
            return
        record = by_id(products, op.remote_id)
        if record is None:
            self._incident(op, "gone", f"product {op.remote_id} was confirmed and is not found by its Vendor SKU")
        elif altered := differences(values, record):
            self._incident(op, "altered", f"product {record.id} is not as planned: {', '.join(altered)}")
        for copy in products:
            if copy.id != op.remote_id:
                self._incident(op, "copy", f"product {copy.id} has the same Vendor SKU as {op.remote_id}")

    def _incident(self, op: Op, what: str, detail: str) -> None:
        self.incidents.append(f"{op.address}: {detail}")
        self._journal.incident(what, f"{op.address}: {detail}", self._clock.now(), op)
