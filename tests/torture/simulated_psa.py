"""A PSA in virtual time: what it holds, what its search shows, and what becomes of a request on the way.

It stands for the outside world alone. A write can be done late, twice, or not at all; a search can show the table as it
was up to `lag` seconds ago; a person may edit a record at any moment.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from reconciler.applying.effects import FindProducts, Observe, PsaEffect, ReadAdditions, ReadAgreement, RemoveCopy, Send
from reconciler.domain.plan import Action, AdditionValues, Change, ProductValues
from reconciler.domain.records import Addition, Agreement, Observation, Product


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person did to a record, and when."""

    at: float
    record: str
    field: str
    value: Decimal | date


@dataclass
class SimulatedPsa:
    """The PSA's own tables, with the past that a lagging search may still show."""

    agreement: Agreement
    additions: dict[str, Addition] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    edits: list[Edit] = field(default_factory=list)
    past: list[tuple[float, dict[str, Addition]]] = field(default_factory=list)
    writes: int = 0
    next_id: int = 9000

    def read(self, effect: PsaEffect, now: float, lag: float) -> object:
        """What a read answers when the search lags so many seconds behind."""
        match effect:
            case ReadAgreement():
                return self.agreement, tuple(self._shown(now - lag).values())
            case ReadAdditions(_, serial):
                shown = self._shown(now - lag).values()
                return tuple(a for a in shown if serial is None or a.serial_number == serial)
            case FindProducts(sku):
                return tuple(p for p in self.products.values() if p.vendor_sku == sku)
            case Observe(wanted):
                found = [p for p in self.products.values() if p.vendor_sku in wanted.vendor_skus]
                return Observation(products=tuple(found))
        raise AssertionError(f"{effect} is no read")

    def _shown(self, at: float) -> dict[str, Addition]:
        """The table as it was at a time; what has stood from the beginning is always shown."""
        for since, table in reversed(self.past):
            if since <= at:
                return table
        return self.past[0][1] if self.past else self.additions

    def work(self, effect: PsaEffect, now: float) -> Addition | Product | None:
        """Does what a write asks for, at this moment."""
        self.writes += 1
        record = self._removed(effect.copy.id) if isinstance(effect, RemoveCopy) else self._written(effect)
        self.keep(now)
        return record

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
        names = ("quantity", "unit_price", "unit_cost", "effective", "cancelled", "serial_number")
        sent = {n: getattr(after, n) for n in names if getattr(after, n) != getattr(before, n)}
        self.additions[change.record] = replace(self.additions[change.record], **sent)
        return self.additions[change.record]

    def _created(self, change: Change) -> Addition | Product:
        self.next_id += 1
        values = change.after
        if isinstance(values, ProductValues):
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
        record = rng.choice(sorted(self.additions))
        name, value = rng.choice((("quantity", Decimal(rng.choice((8, 12, 15)))), ("cancelled", date(2026, 12, 31))))
        self.additions[record] = replace(self.additions[record], **{name: value})
        self.edits.append(Edit(now, record, name, value))
        self.keep(now)


Identity = tuple[str | None, str, date]


def identity(record: Addition | AdditionValues) -> Identity:
    """What a record is in business: subscription, product, first day. Nothing of ours."""
    return record.serial_number, record.product_id or "", record.effective
