"""The audit: an apply is done only when every record it touched is there once, with the planned values (I8).

A copy that was never invoiced is removed: the younger one goes. Whether it was invoiced is known in three ways: its
first day is not invoiced yet; or it came after the plan was made, or after the look before the send, and no invoice was
made since. What cannot be settled is told, and kept as an incident.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from reconciler.applying.effects import RemoveCopy, Steps, Together, Wait, enter, find_products, read_agreement
from reconciler.applying.looking import Seen, fits
from reconciler.applying.order import chain_of
from reconciler.applying.slots import (
    by_id,
    could_be,
    differences,
    is_addition,
    is_create,
    known_next_invoice,
    known_records,
    same_place,
    same_slot,
    wanted,
    with_product,
)
from reconciler.applying.surroundings import Conditions
from reconciler.domain.plan import Action, AdditionValues, Change, Plan, ProductValues
from reconciler.domain.records import Addition, Agreement, Product
from reconciler.store.ops import Op
from reconciler.store.schema import State
from reconciler.targets.base import TargetError

_REMOVALS = 3
# How long a read in flight may take to end after a signal.
_GRACE_SECONDS = 5


class Audit:
    """The audit of one admitted plan. `incidents` are the sentences for what could not be settled."""

    def __init__(self, plan: Plan, ops: Mapping[str, Op], conditions: Conditions) -> None:
        self.incidents: list[str] = []
        self._plan = plan
        self._ops = ops
        self._clock = conditions.clock
        self._stop = conditions.stop
        self._settle_seconds = conditions.settle_seconds
        self._notice = conditions.notice
        self._told: set[str] = set()
        self._unread: list[TargetError] = []
        self._products = {op.address: op.remote_id for op in ops.values() if op.remote_id}

    def run(self) -> Steps[None]:
        """Reads everything that was touched, removes copies, and compares. Raises TargetError where it cannot read."""
        yield Wait(self._late_landing())
        yield Together(tuple(map(self._chain, self._confirmed())), _GRACE_SECONDS)
        if self._unread:
            raise self._unread[0]

    def _chain(self, members: tuple[Change, ...]) -> Steps[None]:
        # What cannot be read of one agreement does not keep the others from being audited.
        try:
            yield from self._looked_through(members)
        except TargetError as fault:
            self._unread.append(fault)

    def _looked_through(self, members: tuple[Change, ...]) -> Steps[None]:
        first = wanted(members[0])
        if self._stop.asked:
            return
        if isinstance(first, AdditionValues):
            yield from self._agreement(members)
            return
        for change in members:
            yield from self._product(change)

    def remove_copies(self) -> Steps[None]:
        """Only removes copies: for a plan that a later one supersedes, whose values are no longer expected."""
        for members in self._confirmed():
            if is_addition(members[0]):
                yield from self._removed(members[0], members)

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

    def _agreement(self, members: tuple[Change, ...]) -> Steps[None]:
        expected = {self._ops[c.address].remote_id for c in members if c.action is not Action.DELETE}
        additions: tuple[Addition, ...] = ()
        for pause in self._search_lag():
            yield Wait(pause)
            additions = yield from self._removed(members[0], members)
            if expected <= {addition.id for addition in additions}:
                break
        if self._stop.asked:
            return
        for change in members:
            yield from self._compared(change, additions)

    def _compared(self, change: Change, additions: tuple[Addition, ...]) -> Steps[None]:
        op = self._ops[change.address]
        record = by_id(additions, op.remote_id)
        if change.after is None:
            if record is not None:
                yield from self._incident(op, "still there", f"record {record.id} was deleted and is there again")
        elif record is None:
            yield from self._incident(op, "gone", f"record {op.remote_id} was confirmed and is not there any more")
        elif altered := differences(change.after, record):
            yield from self._incident(op, "altered", f"record {record.id} is not as planned: {', '.join(altered)}")

    def _removed(self, first: Change, members: Iterable[Change]) -> Steps[tuple[Addition, ...]]:
        values = wanted(first)
        assert isinstance(values, AdditionValues)  # noqa: S101 -- called for agreements only
        for _ in range(_REMOVALS):
            additions, copies = yield from self._read_copies(values.agreement_id, members)
            if not copies:
                return additions
            for op, copy in copies:
                yield from self._remove(op, copy)
        additions, copies = yield from self._read_copies(values.agreement_id, members)
        for op, copy in copies:
            told = f"record {copy.id} is a copy of {op.remote_id} and could not be removed"
            yield from self._incident(op, "copy", told)
        return additions

    def _read_copies(
        self, agreement_id: str, members: Iterable[Change]
    ) -> Steps[tuple[tuple[Addition, ...], list[tuple[Op, Addition]]]]:
        """The additions of an agreement, and the copies among them that may be removed; the others are told once."""
        agreement, additions = yield from read_agreement(agreement_id)
        removable = []
        for op, copy, one_too_many in [c for change in members for c in self._copies(change, agreement, additions)]:
            if one_too_many is None:
                removable.append((op, copy))
            elif copy.id not in self._told:
                self._told.add(copy.id)
                yield from self._incident(op, "copy", one_too_many)
        return additions, removable

    def _copies(
        self, change: Change, agreement: Agreement, additions: Iterable[Addition]
    ) -> Iterator[tuple[Op, Addition, str | None]]:
        """Each record that came in beside the one that a change made or left, in its place, and what is told of it:
        None for a true copy never invoiced, which may be removed. One that a person has edited since is theirs to
        judge, and so is one beside a record that the change found: no write of ours makes a second one there.
        """
        op = self._ops[change.address]
        values = change.after
        if not isinstance(values, AdditionValues) or op.remote_id is None:
            return
        seen = Seen.from_json(op.seen)
        written = {other.remote_id for other in self._ops.values()}
        known = known_records(self._plan, change.agreement)
        for copy in additions:
            if copy.id in written or copy.id in known or self._is_of_another(change, copy):
                continue
            since_look = is_create(change) and op.seen is not None and copy.id not in seen.records
            # What came in since the look may be the same write done once more, with its serial number dropped.
            if not same_place(values, copy) and not (since_look and could_be(values, copy)):
                continue
            never_invoiced = agreement.next_invoice is not None and (
                copy.effective >= agreement.next_invoice
                or agreement.next_invoice.isoformat() == known_next_invoice(self._plan, change.agreement)
                or (since_look and agreement.next_invoice == seen.next_invoice)
            )
            ours = is_create(change) and same_slot(values, copy) and not differences(values, copy)
            removable = never_invoiced and ours
            yield op, copy, None if removable else _one_too_many(values, op.remote_id, copy)

    def _is_of_another(self, change: Change, record: Addition) -> bool:
        """Whether a record is what another change of the plan wants in the same place, and has not been settled yet."""
        return any(
            other.address != change.address and is_create(other) and is_addition(other) and fits(other, record)
            for other in self._plan.changes
        )

    def _remove(self, op: Op, copy: Addition) -> Steps[None]:
        yield from self._remark(op, f"removing record {copy.id}, a copy of {op.remote_id}")
        try:
            yield RemoveCopy(copy)
        except TargetError as fault:
            yield from self._remark(op, f"record {copy.id} was perhaps not removed: {fault}")
            return
        self._notice(
            f"! {op.address}: it stood there twice; record {copy.id}, the younger and never invoiced, was removed, and"
            f" {op.remote_id} stays"
        )

    def _remark(self, op: Op, detail: str) -> Steps[None]:
        at = self._clock.now()
        yield from enter(lambda journal: journal.remark(op, detail, at))

    # -- products

    def _product(self, change: Change) -> Steps[None]:
        op, values = self._ops[change.address], change.after
        if not isinstance(values, ProductValues):
            return
        products: tuple[Product, ...] = ()
        for pause in self._search_lag():
            yield Wait(pause)
            products = yield from find_products(values.vendor_sku)
            if by_id(products, op.remote_id):
                break
        if self._stop.asked:
            return
        record = by_id(products, op.remote_id)
        if record is None:
            yield from self._incident(
                op, "gone", f"product {op.remote_id} was confirmed and has its Vendor SKU no more"
            )
        elif altered := differences(values, record):
            yield from self._incident(op, "altered", f"product {record.id} is not as planned: {', '.join(altered)}")
        for copy in products:
            if copy.id != op.remote_id:
                yield from self._incident(op, "copy", f"product {copy.id} has the same Vendor SKU as {op.remote_id}")

    def _incident(self, op: Op, what: str, detail: str) -> Steps[None]:
        told, at = f"{op.address}: {detail}", self._clock.now()
        self.incidents.append(told)
        yield from enter(lambda journal: journal.incident(what, told, at, op))


def _one_too_many(values: AdditionValues, record: str | None, copy: Addition) -> str:
    if values.serial_number and not copy.serial_number:
        return f"record {copy.id} came in beside {record}, without a serial number; it may be the same write twice"
    return f"record {copy.id} stands in the same place as {record} and may be invoiced or edited; one is too many"
