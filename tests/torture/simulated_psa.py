"""A PSA in virtual time: what it holds, what its search shows, and what becomes of a request on the way.

It stands for the outside world alone. A write can be done late, twice, not at all, or with a field altered; a
search can show the table as it was up to `lag` seconds ago, and the pages of a list as they were at different times; a
person may edit, add or remove a record at any moment.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from reconciler.applying.effects import FindProducts, Observe, PsaEffect, ReadAdditions, ReadAgreement, RemoveCopy, Send
from reconciler.domain.plan import Action, AdditionValues, Change, ProductValues
from reconciler.domain.records import Addition, Agreement, Observation, Product
from reconciler.targets.base import Refused

PAGE = 2
"""So many records stand on a page of a list, in the order of their ids."""
ALTERED = ("quantity", "unit_price", "cancelled", "serial_number")
"""The fields of a write that this PSA may drop, or put something else into."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person did to a record, and when. `added` and `removed` name a whole record's identity."""

    at: float
    record: str
    field: str
    value: Decimal | date | None = None
    identity: "Identity | None" = None


@dataclass
class SimulatedPsa:
    """The PSA's own tables, with the past that a lagging search may still show."""

    agreement: Agreement
    additions: dict[str, Addition] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    edits: list[Edit] = field(default_factory=list)
    past: list[tuple[float, dict[str, Addition]]] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    writes: int = 0
    next_id: int = 9000

    def read(self, effect: PsaEffect, times: tuple[float, ...]) -> object:
        """What a read answers whose first page shows the PSA as it was at the first of the times, the next page as at
        the next, and all further ones as at the last.
        """
        match effect:
            case ReadAgreement():
                return self.agreement, self._listed(times, None)
            case ReadAdditions(_, serial):
                return self._listed(times, serial)
            case FindProducts(sku):
                return tuple(p for p in self.products.values() if p.vendor_sku == sku)
            case Observe(wanted):
                found = [p for p in self.products.values() if p.vendor_sku in wanted.vendor_skus]
                return Observation(products=tuple(found))
        raise AssertionError(f"{effect} is no read")

    def _listed(self, times: tuple[float, ...], serial: str | None) -> tuple[Addition, ...]:
        """A list, page after page: each begins after the last id of the one before, as ConnectWise's forward-only pages
        do. What goes or comes in between moves the others to other pages.
        """
        found: list[Addition] = []
        for at in times[:-1]:
            found += self._rows(at, serial, found)[:PAGE]
        return (*found, *self._rows(times[-1], serial, found))

    def _rows(self, at: float, serial: str | None, before: list[Addition]) -> list[Addition]:
        last = int(before[-1].id) if before else 0
        rows = (a for a in self._shown(at).values() if int(a.id) > last)
        return sorted((a for a in rows if serial is None or a.serial_number == serial), key=lambda a: int(a.id))

    def _shown(self, at: float) -> dict[str, Addition]:
        """The table as it was at a time; what has stood from the beginning is always shown."""
        for since, table in reversed(self.past):
            if since <= at:
                return table
        return self.past[0][1] if self.past else self.additions

    def work(self, effect: PsaEffect, now: float, alters: str = "") -> Addition | Product | None:
        """Does what a write asks for, at this moment; the field `alters` is dropped, or not what was asked for.

        Raises Refused where there is no such record.
        """
        self.writes += 1
        record = self._removed(effect.copy.id) if isinstance(effect, RemoveCopy) else self._written(effect)
        if alters and isinstance(record, Addition) and isinstance(effect, Send):
            record = self._altered(record, effect.change, alters)
        self.keep(now)
        return record

    def _altered(self, record: Addition, change: Change, name: str) -> Addition:
        assert isinstance(change.after, AdditionValues)
        before = change.before if isinstance(change.before, AdditionValues) else None
        other = {"quantity": Decimal(1), "unit_price": Decimal(19), "cancelled": None, "serial_number": None}
        # Of an update, the field is as it was before, or as it is.
        instead = other[name] if before is None else getattr(before, name)
        if instead == getattr(change.after, name):
            return record
        self.additions[record.id] = replace(record, **{name: instead})
        self.altered.append(record.id)
        return self.additions[record.id]

    def keep(self, now: float) -> None:
        """Remembers the table as it is from this time on."""
        self.past.append((now, dict(self.additions)))

    def _written(self, effect: PsaEffect) -> Addition | Product | None:
        assert isinstance(effect, Send)
        change = effect.change
        if change.action is Action.DELETE:
            return self._removed(change.record or "")
        if change.action is Action.CREATE:
            return self._created(change)
        before, after = change.before, change.after
        assert isinstance(before, AdditionValues)
        assert isinstance(after, AdditionValues)
        assert change.record
        if change.record not in self.additions:
            raise Refused(f"404: no addition {change.record}")
        names = ("quantity", "unit_price", "unit_cost", "effective", "cancelled", "serial_number")
        sent = {n: getattr(after, n) for n in names if getattr(after, n) != getattr(before, n)}
        self.additions[change.record] = replace(self.additions[change.record], **sent)
        return self.additions[change.record]

    def _created(self, change: Change) -> Addition | Product:
        values = change.after
        if isinstance(values, ProductValues):
            self.next_id += 1
            made = Product(
                str(self.next_id),
                values.identifier,
                values.vendor_sku,
                values.description,
                values.price,
                values.cost,
            )
            self.products[made.id] = made
            return made
        assert isinstance(values, AdditionValues)
        return self._new(values)

    def _new(self, values: AdditionValues) -> Addition:
        self.next_id += 1
        addition = Addition(
            id=str(self.next_id),
            agreement_id=values.agreement_id,
            product_id=values.product_id or "",
            quantity=values.quantity,
            unit_price=values.unit_price,
            unit_cost=values.unit_cost,
            effective=values.effective,
            cancelled=values.cancelled,
            serial_number=values.serial_number,
            description=values.description,
        )
        self.additions[addition.id] = addition
        return addition

    def _removed(self, record: str) -> None:
        self.additions.pop(record, None)

    def edited(self, now: float, rng: random.Random) -> None:
        """A person changes the quantity or the end of a record."""
        if not self.additions:
            return
        record = rng.choice(sorted(self.additions))
        name, value = rng.choice((("quantity", Decimal(rng.choice((8, 12, 15)))), ("cancelled", date(2026, 12, 31))))
        self.additions[record] = replace(self.additions[record], **{name: value})
        self.edits.append(Edit(now, record, name, value))
        self.keep(now)

    def added(self, now: float, values: AdditionValues) -> Addition:
        """A person adds a record."""
        addition = self._new(values)
        self.edits.append(Edit(now, addition.id, "added", identity=identity(addition)))
        self.keep(now)
        return addition

    def removed(self, now: float, record: str) -> None:
        """A person deletes a record, where it still is there."""
        if record in self.additions:
            self.edits.append(Edit(now, record, "removed", identity=identity(self.additions[record])))
            self._removed(record)
            self.keep(now)

    def by_hand(self, record: str) -> bool:
        """Whether a person has added or edited a record."""
        return any(edit.record == record for edit in self.edits)


Identity = tuple[str | None, str, date]


def identity(record: Addition | AdditionValues) -> Identity:
    """What a record is in business: subscription, product, first day. Nothing of ours."""
    return record.serial_number, record.product_id or "", record.effective
