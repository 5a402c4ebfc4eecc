"""A PSA that exists in memory, answers as badly as it is told to, and counts what it was sent.

It stands for the outside world alone. Every call has two points at which the process may be killed: before the request
reaches the PSA, and after the PSA has done its work but before the answer is read.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from reconciler.domain.plan import (
    Action,
    AdditionValues,
    Change,
    Impact,
    Plan,
    ProductValues,
    Resource,
    Verdict,
)
from reconciler.domain.records import Addition, Agreement, Observation, Product, Wanted
from reconciler.planning.plan_file import sealed
from reconciler.targets.base import Ambiguous, Capabilities, NotSent, Refused, TargetError

SKU = "CFQ7TTC0LH18:0001"
NEXT_INVOICE = date(2026, 10, 1)


class Killed(BaseException):
    """The process is dead."""


class Life:
    """One process's life: it ends at the n-th point, and then nothing it does has any effect."""

    def __init__(self, ends_at: int = 0) -> None:
        self.ends_at = ends_at
        self.points = 0
        self.dead = False

    def point(self) -> None:
        if self.dead:
            raise Killed
        self.points += 1
        if self.points == self.ends_at:
            self.dead = True
            raise Killed


def mortal_connection(life: Life) -> type[sqlite3.Connection]:
    """A database connection whose commits are points of a life: killed before, nothing is kept; after, everything."""

    class MortalConnection(sqlite3.Connection):
        def commit(self) -> None:
            life.point()
            super().commit()
            life.point()

    return MortalConnection


@dataclass
class FakeClock:
    """Time passes when somebody waits."""

    at: datetime = datetime(2026, 10, 3, 8, 0, tzinfo=UTC)
    ticks: float = 0.0
    slept: float = 0.0
    on_sleep: Callable[[float], None] | None = None

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.ticks

    async def sleep(self, seconds: float) -> None:
        if self.on_sleep:
            self.on_sleep(seconds)
        self.slept += seconds
        self.ticks += seconds
        self.at += timedelta(seconds=seconds)
        await asyncio.sleep(0)


@dataclass
class World:
    """What the PSA's own database holds. It outlives every process."""

    clock: FakeClock
    additions: dict[str, Addition] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    agreements: dict[str, Agreement] = field(default_factory=dict)
    late: list[tuple[datetime, Callable[[], object]]] = field(default_factory=list)
    next_id: int = 9000
    writes: list[str] = field(default_factory=list)

    def settle(self) -> None:
        due = [entry for entry in self.late if entry[0] <= self.clock.now()]
        for entry in due:
            self.late.remove(entry)
            entry[1]()

    def all_landed(self) -> None:
        while self.late:
            self.late.pop(0)[1]()

    def new_id(self) -> str:
        self.next_id += 1
        return str(self.next_id)

    def of(self, agreement: str) -> tuple[Addition, ...]:
        self.settle()
        return tuple(a for a in self.additions.values() if a.agreement_id == agreement)

    def identities(self) -> list[tuple[str, str | None, date, Decimal]]:
        """What is billed, by business identity: never by anything of ours."""
        return sorted((a.agreement_id, a.serial_number, a.effective, a.quantity) for a in self.additions.values())


@dataclass
class FakePSA:
    """A target. `faults` are used up write by write: fine, lost request, lost answer, delayed N, duplicate, not sent,
    refused, altered. After the last one every write is fine.
    """

    world: World
    life: Life = field(default_factory=Life)
    faults: list[str] = field(default_factory=list)
    before_write: Callable[[str], None] | None = None
    unreadable: bool = False
    closed: bool = False
    capabilities: Capabilities = field(default_factory=lambda: Capabilities("fake", True, True, True, True))

    # -- reads

    async def observe(self, wanted: Wanted) -> Observation:
        self._reading()
        found = [
            p
            for p in self.world.products.values()
            if p.vendor_sku in wanted.vendor_skus or p.identifier in wanted.identifiers
        ]
        return Observation(products=tuple(found))

    async def read_agreement(self, agreement_id: str) -> tuple[Agreement, tuple[Addition, ...]]:
        self._reading()
        return self.world.agreements[agreement_id], self.world.of(agreement_id)

    async def read_additions(self, agreement_id: str, serial_number: str | None) -> tuple[Addition, ...]:
        self._reading()
        found = self.world.of(agreement_id)
        return tuple(a for a in found if serial_number is None or a.serial_number == serial_number)

    async def find_products(self, vendor_sku: str) -> tuple[Product, ...]:
        self._reading()
        self.world.settle()
        return tuple(p for p in self.world.products.values() if p.vendor_sku == vendor_sku)

    def _reading(self) -> None:
        self.life.point()
        if self.unreadable:
            raise TargetError("the PSA cannot be reached")

    # -- writes

    async def create_addition(self, values: AdditionValues) -> Addition:
        return await self._write(f"create {values.serial_number} {values.effective}", lambda: self._add(values))

    async def update_addition(self, record: str, before: AdditionValues, after: AdditionValues) -> Addition:
        return await self._write(f"update {record}", lambda: self._change(record, before, after))

    async def delete_addition(self, agreement_id: str, record: str) -> None:
        await self._write(f"delete {record}", lambda: self.world.additions.pop(record, None))

    async def create_product(self, values: ProductValues) -> Product:
        return await self._write(f"product {values.vendor_sku}", lambda: self._stock(values))

    async def update_product(self, record: str, before: ProductValues, after: ProductValues) -> Product:
        def change() -> Product:
            product = replace(self.world.products[record], vendor_sku=after.vendor_sku, price=after.price)
            self.world.products[record] = product
            return product

        return await self._write(f"product {record}", change)

    async def close(self) -> None:
        self.closed = True

    async def _write(self, what: str, work: Callable[[], object]) -> object:
        self.life.point()
        if self.before_write:
            self.before_write(what)
        fault = self.faults.pop(0) if self.faults else "fine"
        if fault == "not sent":
            raise NotSent("connection refused", retry_after=1.0)
        self.world.writes.append(what)
        if fault == "refused":
            raise Refused("The field quantity is not valid.", code="InvalidObject")
        if fault == "lost request":
            self.life.point()
            raise Ambiguous("the connection broke")
        if fault.startswith("delayed"):
            self.world.late.append((self.world.clock.now() + timedelta(seconds=float(fault.split()[1])), work))
            self.life.point()
            raise Ambiguous("the connection broke")
        answer = work()
        if fault == "duplicate":
            work()
        if fault == "altered" and isinstance(answer, Addition):
            answer = replace(answer, quantity=answer.quantity + 1)
            self.world.additions[answer.id] = answer
        if fault == "no serial" and isinstance(answer, Addition):
            answer = replace(answer, serial_number=None)
            self.world.additions[answer.id] = answer
            raise Ambiguous("the PSA answered with another record than was asked for")
        self.life.point()
        if fault == "lost answer":
            raise Ambiguous("no answer")
        await asyncio.sleep(0)
        return answer

    def _add(self, values: AdditionValues) -> Addition:
        assert values.product_id is not None
        addition = addition_of(self.world.new_id(), values)
        self.world.additions[addition.id] = addition
        return addition

    def _change(self, record: str, before: AdditionValues, after: AdditionValues) -> Addition:
        standing = self.world.additions[record]
        names = ("quantity", "unit_price", "unit_cost", "effective", "cancelled", "serial_number")
        sent = {n: getattr(after, n) for n in names if getattr(after, n) != getattr(before, n)}
        self.world.additions[record] = replace(standing, **sent)
        return self.world.additions[record]

    def _stock(self, values: ProductValues) -> Product:
        product = Product(
            self.world.new_id(), values.identifier, values.vendor_sku, values.description, values.price, values.cost
        )
        self.world.products[product.id] = product
        return product


# -- a world and a plan to try things on


def addition_of(record: str, values: AdditionValues) -> Addition:
    return Addition(
        id=record,
        agreement_id=values.agreement_id,
        product_id=values.product_id or "",
        quantity=values.quantity,
        unit_price=values.unit_price,
        unit_cost=values.unit_cost,
        effective=values.effective,
        cancelled=values.cancelled,
        serial_number=values.serial_number,
        description=values.description or "Microsoft 365",
    )


def values(serial: str, quantity: int = 3, **other: object) -> AdditionValues:
    given = {
        "agreement_id": "55",
        "product": f"psa/product/{SKU}",
        "product_id": "4120",
        "serial_number": serial,
        "quantity": Decimal(quantity),
        "unit_price": Decimal("20.00"),
        "unit_cost": Decimal("16.00"),
        "effective": date(2026, 9, 12),
        "cancelled": None,
    }
    return AdditionValues(**(given | other))  # type: ignore[arg-type]


def create(serial: str, quantity: int = 3, needs: tuple[str, ...] = (), **other: object) -> Change:
    after = values(serial, quantity, **other)
    return Change(
        address=f"psa/Contoso/seat-monthly/{serial}/{after.effective}",
        resource=Resource.ADDITION,
        action=Action.CREATE,
        before=None,
        after=after,
        customer="Contoso",
        subscription=serial,
        agreement=f"psa/agreement/{after.agreement_id}",
        needs=needs,
        impact={"2026-09": Decimal("38.00")},
    )


def cancel(serial: str, record: str, quantity: int = 10, **other: object) -> Change:
    before = values(serial, quantity, **({"effective": date(2026, 8, 1)} | other))
    return Change(
        address=f"psa/Contoso/seat-monthly/{serial}/{record}",
        resource=Resource.ADDITION,
        action=Action.CANCEL,
        before=before,
        after=replace(before, cancelled=date(2026, 9, 30)),
        record=record,
        customer="Contoso",
        subscription=serial,
        agreement=f"psa/agreement/{before.agreement_id}",
        impact={"2026-10": Decimal("-200.00")},
    )


def product(sku: str = SKU) -> Change:
    after = ProductValues(sku, "M365-BB", "Microsoft 365 Business Basic", "Business Basic", Decimal(20), Decimal(16))
    return Change(f"psa/product/{sku}", Resource.PRODUCT, Action.CREATE, None, after)


def plan_of(changes: Iterable[Change], created: str = "2026-10-03T08:00:00Z", **other: object) -> Plan:
    changes = tuple(changes)
    names = sorted({c.agreement for c in changes if c.agreement})
    zero = Decimal(0)
    given: dict[str, object] = {
        "month": "2026-09",
        "mappings": "sha256:0",
        "documents": (),
        "observed": {},
        "observed_records": {name: {"7001": {}} for name in names},
        "changes": changes,
        "findings": (),
        "impact": tuple(
            Impact(n, n, "Contoso", "2026-09", "AUD", zero, zero, zero, zero, zero, Verdict.RECONCILED) for n in names
        ),
        "coverage": (),
        "refused_by": (),
        "unchanged": 0,
        "target": "psa",
        "created": created,
        "version": "0.1.0",
        "digest": "",
    }
    return sealed(Plan(**(given | other)))  # type: ignore[arg-type]


def world_with(clock: FakeClock, agreements: Iterable[str] = ("55",)) -> World:
    """Agreement 55 with one standing record: 7001, ten of subscription `base`, open since August."""
    world = World(clock)
    for name in agreements:
        world.agreements[name] = Agreement(
            name,
            "Contoso Microsoft CSP",
            "250",
            "Contoso",
            True,
            "Active",
            True,
            True,
            False,
            None,
            None,
            None,
            NEXT_INVOICE,
            "AUD",
        )
    base = values("base", 10, effective=date(2026, 8, 1))
    world.additions["7001"] = addition_of("7001", base)
    return world
