"""Consecutive months in one plan come to where one plan after the other comes to (rulebook 1G)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.days import Month, Months, Span
from reconciler.domain.finding import Place
from reconciler.domain.invoice import Charge, CustomerRef, Document, Invoice, InvoiceLine, Kind, Motion
from reconciler.domain.mapping import (
    Carry,
    Changes,
    Customer,
    Decrease,
    Guards,
    Mappings,
    Policy,
    PriceChange,
    ProductMode,
    Program,
    Representation,
    Source,
    Sync,
)
from reconciler.domain.plan import Action, AdditionValues, Plan, ProductValues
from reconciler.domain.price_list import PriceList
from reconciler.domain.records import (
    Addition,
    Agreement,
    AgreementRef,
    Observation,
    Product,
    ProductDefaults,
)
from reconciler.planning.assembling import assemble
from reconciler.planning.gathered import Documents, Gathered, Request
from reconciler.planning.making import gather
from reconciler.planning.plan_file import read_plan, write_plan

JUL, AUG, SEP, OCT = Month(2026, 7), Month(2026, 8), Month(2026, 9), Month(2026, 10)
MONTHS = (JUL, AUG, SEP)
HERE = Place("mappings.yaml", 1, 1)
TENANT, SKU, NEW_SKU, AZURE, YEARLY = "tenant-1", "CFQ7TTC0LH18:0001", "CFQ7TTC0LHNEW:0001", "DZH:0001", "CFQ7Y:0001"
SEATS, OTHERS, USAGE, YEAR = "sub-seats", "sub-others", "sub-azure", "sub-year"
MONTHLY, ONCE = AgreementRef(company="Contoso", id="55"), AgreementRef(company="Contoso", id="56")
WHO = CustomerRef(TENANT, "Contoso")


@dataclass(frozen=True)
class World:
    """What the distributor charged in three months, what the PSA holds, and how changes are written."""

    invoices: tuple[Invoice, ...]
    seen: Observation
    changes: Changes
    start: Month | None = None


# -- what is drawn


@st.composite
def seat_lines(draw: st.DrawFn, subscription: str, sku: str) -> dict[Month, list[InvoiceLine]]:
    """A subscription's life over three months: changes on any day, down to nothing and back, months without a line, and
    an opening that need not be what the month before closed with.
    """
    months: dict[Month, list[InvoiceLine]] = {}
    level = draw(st.integers(0, 8))
    for month in MONTHS:
        if draw(st.sampled_from([False, False, False, True])):
            continue
        if draw(st.sampled_from([False, False, True])):
            level = draw(st.integers(0, 8))
        price = Decimal(draw(st.sampled_from([20, 20, 20, 21])))
        lines = [seats(subscription, sku, month.span, level, Charge.CYCLE, price)] if level else []
        for day in draw(st.lists(st.integers(2, month.days), max_size=3, unique=True).map(sorted)):
            wanted = draw(st.integers(0, 8))
            span = Span(date(month.year, month.number, day), month.last)
            kind = Charge.NEW if not lines else Charge.ADD_QUANTITY if wanted > level else Charge.REMOVE_QUANTITY
            if wanted != level:
                lines.append(seats(subscription, sku, span, wanted - level, kind, price))
            level = wanted
        months[month] = lines
    return months


def seats(sub: str, sku: str, span: Span, quantity: int, charge: Charge, price: Decimal) -> InvoiceLine:
    amount = (Decimal(quantity) * 16 * span.days / 30).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return line(Motion.SEAT_MONTHLY, sub, sku, charge, Decimal(quantity), span, Decimal(16), price, amount)


def line(
    motion: Motion,
    subscription: str,
    sku: str,
    charge: Charge,
    quantity: Decimal,
    span: Span,
    cost: Decimal,
    price: Decimal,
    amount: Decimal,
) -> InvoiceLine:
    yearly = motion is Motion.SEAT_ANNUAL
    return InvoiceLine(
        0,
        Place("invoices/a.csv", 1),
        WHO,
        motion,
        subscription,
        sku,
        "Product",
        charge,
        quantity,
        span,
        cost,
        price,
        amount,
        "P1Y" if yearly else "P1M",
        "annual" if yearly else "monthly",
    )


@st.composite
def standing(draw: st.DrawFn) -> list[Addition]:
    """What the PSA holds before: nothing, an open record (perhaps edited), or one that has ended."""
    rows = []
    for number, (subscription, product) in enumerate([(SEATS, "1"), (OTHERS, "1")]):
        if draw(st.booleans()):
            quantity = Decimal(draw(st.integers(1, 8)))
            end = draw(st.sampled_from([None, None, None, JUL.last, JUL.preceding.last]))
            serial = draw(st.sampled_from([subscription, subscription, subscription.upper()]))
            rows.append(addition(str(100 + number), product, quantity, date(2026, 6, 1), end, serial))
    return rows


def addition(
    number: str, product: str, quantity: Decimal, first: date, last: date | None, serial: str | None
) -> Addition:
    return Addition(number, "55", product, quantity, Decimal(20), Decimal(16), first, last, serial, "Product")


@st.composite
def worlds(draw: st.DrawFn) -> World:
    lives = [draw(seat_lines(SEATS, SKU)), draw(seat_lines(OTHERS, draw(st.sampled_from([SKU, NEW_SKU]))))]
    invoices = [_of_another_tenant()]
    for month in MONTHS:
        lines = [x for life in lives for x in life.get(month, ())]
        if draw(st.booleans()):
            cost = Decimal(draw(st.integers(1, 99)))
            lines.append(line(Motion.AZURE, USAGE, AZURE, Charge.USAGE, Decimal(1), month.span, cost, cost + 1, cost))
        if draw(st.sampled_from([False, True])):
            span = Span(month.first, Month(month.year + 1, month.number).preceding.last)
            lines.append(
                line(
                    Motion.SEAT_ANNUAL,
                    YEAR,
                    YEARLY,
                    Charge.NEW,
                    Decimal(2),
                    span,
                    Decimal(160),
                    Decimal(200),
                    Decimal(320),
                )
            )
        document = Document("distributor", f"invoices/{month}.csv", "normalized", f"{month}")
        numbered = tuple(replace(x, number=n) for n, x in enumerate(lines, 1))
        invoices.append(Invoice(f"INV-{month}", None, month.span, "AUD", Kind.INVOICE, document, numbered, WHO))
    return World(
        tuple(invoices),
        observed(draw(standing()), draw(st.sampled_from([JUL, AUG, SEP, OCT])).first),
        Changes(
            representation=draw(st.sampled_from(Representation)),
            decrease=draw(st.sampled_from(Decrease)),
            price_change=draw(st.sampled_from(PriceChange)),
            carry=draw(st.sampled_from(Carry)),
        ),
        draw(st.sampled_from([None, None, JUL, AUG, SEP])),
    )


def _of_another_tenant() -> Invoice:
    """Last month's invoice of somebody else: from it, every product of seats is known as the program's."""
    lines = tuple(
        replace(seats("x", sku, JUL.preceding.span, 1, Charge.CYCLE, Decimal(20)), number=n, customer=CustomerRef("t"))
        for n, sku in enumerate((SKU, NEW_SKU), 1)
    )
    document = Document("distributor", "invoices/before.csv", "normalized", "before")
    return Invoice("INV-0", None, JUL.preceding.span, "AUD", Kind.INVOICE, document, lines, CustomerRef("t"))


def observed(rows: Iterable[Addition], next_invoice: date) -> Observation:
    """Two agreements of Contoso, and a catalogue without the new product and without the yearly one."""
    start = date(2026, 1, 1)
    monthly = Agreement(
        "55", "Contoso CSP", "250", "Contoso", True, "Active", True, True, False, start, None, start, next_invoice
    )
    once = replace(monthly, id="56", name="Contoso Annual", one_time=True, prorates=False)
    products = (
        Product("1", "M365-BB", SKU, "Business Basic", Decimal(20), Decimal(16)),
        Product("2", "AZURE", AZURE, "Azure", Decimal(0), Decimal(0)),
    )
    return Observation({MONTHLY: monthly, ONCE: once}, {"55": tuple(rows), "56": ()}, products)


# -- planning and applying, without the code that plans several months


def plan(world: World, months: Months, seen: Observation, arrived: Month | None = None) -> Plan:
    """A plan as `reconciler plan` makes it, of the invoices that have arrived."""
    invoices = tuple(i for i in world.invoices if arrived is None or i.period.first <= arrived.last)
    documents = {"distributor": Documents(invoices, PriceList(()), False, (), tuple(i.document for i in invoices))}
    request = Request(months.last, frozenset(), "2026-10-03T09:00:00Z", "test", since=months.first)
    gathered: Gathered = gather(_mappings(world), documents, request, "psa")
    return assemble(replace(gathered, observation=seen))


def _mappings(world: World) -> Mappings:
    program = Program(
        name="csp",
        source="distributor",
        target="psa",
        sync=True,
        policy=Policy.TRUE_UP,
        motions=frozenset({Motion.SEAT_MONTHLY, Motion.SEAT_ANNUAL, Motion.AZURE}),
        product_mode=ProductMode.IN_USE,
        taxable=None,
        defaults=ProductDefaults(),
        changes=world.changes,
        guards=Guards(None, None),
        place=HERE,
    )
    agreements = {Motion.SEAT_MONTHLY: MONTHLY, Motion.AZURE: MONTHLY, Motion.SEAT_ANNUAL: ONCE}
    customer = Customer(
        "Contoso", "csp", TENANT, "Contoso", None, agreements, world.start, Sync.ON, world.changes, HERE
    )
    source = Source("distributor", "files", ("invoices/*",), "auto", (), HERE)
    return Mappings(".", "sha256:0", {"distributor": source}, {}, {"csp": program}, (customer,), (), ())


def applied(seen: Observation, made: Plan) -> Observation:
    """The PSA after a plan, each change written as ConnectWise takes it: ids of new records are the next numbers."""
    products, additions = list(seen.products), {a.id: a for rows in seen.additions.values() for a in rows}
    numbers = iter(range(1 + max(int(known.id) for known in (*products, *additions.values())), 10**6))
    for change in made.changes:
        if isinstance(change.after, ProductValues):
            values = change.after
            assert change.action is Action.CREATE
            products.append(
                Product(
                    str(next(numbers)),
                    values.identifier,
                    values.vendor_sku,
                    values.description,
                    values.price,
                    values.cost,
                )
            )
    ids = {product.vendor_sku: product.id for product in products}
    for change in made.changes:
        values = change.after or change.before
        if not isinstance(values, AdditionValues):
            continue
        if change.action is Action.DELETE:
            del additions[change.record or ""]
            continue
        number = change.record or str(next(numbers))
        assert change.record is None or number in additions, "a plan names a record that the PSA does not have"
        assert bool(change.needs) == (values.product_id is None)
        additions[number] = Addition(
            number,
            values.agreement_id,
            values.product_id or ids[change.needs[0].rsplit("/", 1)[-1]],
            values.quantity,
            values.unit_price,
            values.unit_cost,
            values.effective,
            values.cancelled,
            values.serial_number,
            values.description,
        )
    rows = {
        agreement: tuple(a for a in additions.values() if a.agreement_id == agreement) for agreement in ("55", "56")
    }
    return replace(seen, products=tuple(products), additions=rows)


def one_after_the_other(world: World, arriving: bool) -> tuple[Observation, list[Plan]]:
    """Each month planned and applied by itself; with `arriving`, before the invoices of later months are there."""
    seen, plans = world.seen, []
    for month in MONTHS:
        made = plan(world, Months(month, month), seen, month if arriving else None)
        plans.append(made)
        seen = applied(seen, made)
    return seen, plans


def records(seen: Observation) -> Counter[tuple[object, ...]]:
    """The records, without their numbers."""
    skus = {product.id: product.vendor_sku for product in seen.products}
    return Counter(
        (
            a.agreement_id,
            (a.serial_number or "").lower(),
            skus[a.product_id],
            a.quantity,
            a.unit_price,
            a.unit_cost,
            a.effective,
            a.cancelled,
            a.description,
        )
        for rows in seen.additions.values()
        for a in rows
    )


def bill(seen: Observation, month: Month) -> Decimal:
    """What the monthly agreement bills for a month: days from the first billed one to the month's end (connectwise)."""
    total = Decimal(0)
    for a in seen.additions["55"]:
        if a.effective <= month.last and (a.cancelled is None or a.cancelled >= month.first):
            days = (month.last - max(a.effective, month.first)).days + 1
            amount = a.quantity * a.unit_price * days / month.days
            total += amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return total


def blocked(plans: Iterable[Plan]) -> bool:
    return any(made.errors for made in plans)


# -- what holds


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_three_months_in_one_plan_leave_the_records_that_three_plans_leave(world: World) -> None:
    together = plan(world, Months(JUL, SEP), world.seen)
    then, plans = one_after_the_other(world, arriving=False)
    if blocked(plans):
        assert together.errors
        return
    now = applied(world.seen, together)
    assert records(now) == records(then)
    assert [bill(now, month) for month in (*MONTHS, OCT)] == [bill(then, month) for month in (*MONTHS, OCT)]
    touched = [change.record for change in together.changes if change.record]
    assert len(touched) == len(set(touched)), "a record is written twice"
    assert len({change.address for change in together.changes}) == len(together.changes)
    assert {b for made in plans for c in made.changes for b in c.because} >= {
        b for c in together.changes for b in c.because
    }


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_without_policies_that_look_back_it_bills_what_plans_made_as_invoices_arrive_bill(world: World) -> None:
    plain = replace(
        world,
        invoices=tuple(
            replace(i, lines=tuple(replace(x, unit_price=Decimal(20)) for x in i.lines)) for i in world.invoices
        ),
        changes=replace(world.changes, decrease=Decrease.CREDIT),
        start=None,
    )
    then, plans = one_after_the_other(plain, arriving=True)
    together = plan(plain, Months(JUL, SEP), plain.seen)
    if blocked([*plans, together]):
        return
    now = applied(plain.seen, together)
    for month in (*MONTHS, OCT):
        assert abs(bill(now, month) - bill(then, month)) <= Decimal("0.05")


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_the_plan_says_what_every_month_bills_before_and_after_it(world: World) -> None:
    together = plan(world, Months(JUL, SEP), world.seen)
    now = applied(world.seen, together)
    for row in together.impact:
        if row.agreement.endswith("/55"):
            month = Month.parse(row.month)
            assert (row.before, row.after) == (bill(world.seen, month), bill(now, month))
            moved = sum(c.impact.get(row.month, Decimal(0)) for c in together.changes if c.agreement == row.agreement)
            assert row.after - row.before == moved


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_planned_again_nothing_is_left_and_the_file_says_the_same(world: World) -> None:
    together = plan(world, Months(JUL, SEP), world.seen)
    assert read_plan(write_plan(together), "plan").changes == together.changes
    assert read_plan(write_plan(together), "plan").planned_months == ("2026-07", "2026-08", "2026-09")
    if not together.errors:
        assert plan(world, Months(JUL, SEP), applied(world.seen, together)).changes == ()
