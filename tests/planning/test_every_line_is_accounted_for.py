"""Decision 6 for any documents: every line is billed, excluded or blocking, exactly once, with its money."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from world import CONTOSO, FABRIKAM, MAPPING, SEED, SKU, A, B

from reconciler.config.loading import load
from reconciler.domain.days import Month, Span
from reconciler.domain.decision import AcceptedCredit, Decisions
from reconciler.domain.finding import Place
from reconciler.domain.invoice import Charge, CustomerRef, Document, Invoice, InvoiceLine, Kind, Motion
from reconciler.domain.money import ZERO
from reconciler.domain.plan import Plan
from reconciler.domain.price_list import PriceList
from reconciler.domain.records import AgreementRef
from reconciler.planning.assembling import assemble
from reconciler.planning.gathered import Background, Documents, Gathered, Request
from reconciler.planning.ledger import bills
from reconciler.planning.making import gather, wanted
from reconciler.sandbox.server import RunningSandbox
from reconciler.targets.opening import open_target

SEPTEMBER = Month(2026, 9)
STRANGER = "9c9c0000-0000-4000-8000-000000000009"
WRITTEN = Document("distributor", "invoices/a.csv", "normalized", "0" * 64)
SECRETS = {"client_id": "sandbox", "public_key": "sandbox", "private_key": "sandbox"}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gathered]:
    """The two customers' mapping and what their PSA holds, without a document."""
    folder: Path = tmp_path_factory.mktemp("office")
    (folder / "mappings.yaml").write_text(MAPPING)
    mappings = load(folder / "mappings.yaml", {}).mappings
    assert mappings
    request = Request(SEPTEMBER, frozenset(), "2026-10-03T09:00:00Z", "0.1.0")
    nothing = {"distributor": Documents((), PriceList(), False, (), ())}
    gathered = gather(mappings, nothing, request, "psa")

    async def seen(url: str) -> Gathered:
        target = await open_target(replace(mappings.targets["psa"], url=url), SECRETS)
        try:
            asked = replace(wanted(gathered), vendor_skus=frozenset({SKU}))
            return replace(gathered, observation=await target.observe(asked))
        finally:
            await target.close()

    with RunningSandbox() as psa:
        psa.seed(SEED)
        yield asyncio.run(seen(psa.url))


AMOUNTS = st.decimals(min_value=-500, max_value=500, places=2)
DAYS = st.integers(1, 30).map(lambda day: date(2026, 9, day))


@st.composite
def lines(draw: st.DrawFn, number: int) -> InvoiceLine:
    """A line of any motion, charge and customer, of a subscription that the PSA knows or not."""
    first, last = sorted((draw(DAYS), draw(DAYS)))
    return InvoiceLine(
        number=number,
        place=Place("invoices/a.csv", number + 1),
        customer=CustomerRef(draw(st.sampled_from([CONTOSO, FABRIKAM, STRANGER]))),
        motion=draw(st.sampled_from(list(Motion))),
        subscription=draw(st.sampled_from([A, B, "cccc"])),
        sku=draw(st.sampled_from([SKU, "UNKNOWN:1"])),
        description="",
        charge=draw(st.sampled_from(list(Charge))),
        quantity=Decimal(draw(st.integers(-5, 20))),
        span=draw(st.none() | st.just(Span(first, last))),
        unit_cost=Decimal(16),
        unit_price=Decimal(20),
        amount=draw(st.none() | AMOUNTS),
    )


@st.composite
def documents(draw: st.DrawFn) -> tuple[Invoice, ...]:
    """Up to four documents of any kind, for August, September or October."""
    made = []
    for count in range(draw(st.integers(0, 4))):
        month = draw(st.sampled_from([SEPTEMBER.preceding, SEPTEMBER, SEPTEMBER, SEPTEMBER.following]))
        rows = tuple(draw(lines(number)) for number in range(1, draw(st.integers(1, 6)) + 1))
        kind = draw(st.sampled_from(list(Kind)))
        made.append(Invoice(f"DOC-{count}", None, month.span, "AUD", kind, WRITTEN, rows))
    return tuple(made)


CREDITS = st.lists(
    st.builds(
        AcceptedCredit,
        invoice=st.sampled_from(["DOC-0", "DOC-1", "DOC-2"]),
        line=st.integers(1, 4),
        customer=st.just("Contoso"),
        agreement=st.just(AgreementRef(company="Contoso", name="Contoso CSP")),
        reason=st.just("agreed"),
        by=st.none(),
        place=st.just(Place("decisions/2026-09.yaml", 3, 5)),
    ),
    max_size=3,
    unique_by=lambda credit: (credit.invoice, credit.line),
).map(lambda accepted: Decisions(credits=tuple(accepted)))


def planned(office: Gathered, read: tuple[Invoice, ...], decisions: Decisions) -> Plan:
    source = Documents(read, PriceList(), False, (), ())
    fresh = gather(office.mappings, {"distributor": source}, office.request, "psa")
    return assemble(replace(fresh, observation=office.observation, background=Background(decisions=decisions)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(read=documents(), decisions=CREDITS)
def test_lines_and_money_add_up_to_the_documents(
    office: Gathered, read: tuple[Invoice, ...], decisions: Decisions
) -> None:
    plan = planned(office, read, decisions)
    rows = [line for invoice in read if bills(invoice, SEPTEMBER) for line in invoice.lines]
    assert sum(row.lines for row in plan.coverage) == len(rows)
    money = sum((m.amount for row in plan.coverage for m in row.amounts), ZERO)
    assert money == sum((line.amount or ZERO for line in rows), ZERO)
    assert {row.outcome for row in plan.coverage} <= {"billed", "excluded", "blocking"}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(read=documents(), decisions=CREDITS)
def test_what_waits_for_a_decision_is_listed_with_its_money(
    office: Gathered, read: tuple[Invoice, ...], decisions: Decisions
) -> None:
    plan = planned(office, read, decisions)
    waiting = [row for row in plan.coverage if row.rule.startswith("P9 unallocated")]
    assert sum(row.lines for row in waiting) == len(plan.left_open.unallocated)
    listed = sum((item.amount.amount for item in plan.left_open.unallocated), ZERO)
    assert listed == sum((m.amount for row in waiting for m in row.amounts), ZERO)
