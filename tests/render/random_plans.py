"""Plans with hostile text and odd numbers, for properties that must hold of every plan."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import strategies as st
from plans_of_examples import OCTOBER, SEPTEMBER, example_1, plan

from reconciler.domain.breakdown import Part, Step
from reconciler.domain.finding import Finding, Place, Severity
from reconciler.domain.invoice import Motion
from reconciler.domain.money import Money
from reconciler.domain.plan import (
    Action,
    AdditionValues,
    Because,
    Change,
    Coverage,
    DocumentUsed,
    Impact,
    NotPassedOn,
    Plan,
    ProductValues,
    Resource,
    Verdict,
)

# Any character, and more of those that mean something to a terminal or to Markdown.
HOSTILE = st.one_of(
    st.sampled_from("\x1b\x07\r\n\t\u202e\u200b\u2028|`*_[]<>@#!&\\~$"), st.characters(), st.sampled_from("表ä́ 🏢")
)
TEXTS = st.text(HOSTILE, min_size=1, max_size=60)
AMOUNTS = st.decimals(min_value=-10_000_000, max_value=10_000_000, places=2)
MONTHS = st.sampled_from([SEPTEMBER, OCTOBER])
CURRENCIES = st.sampled_from(["AUD", "JPY", "KWD"])
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))

ADDITIONS = st.builds(
    AdditionValues,
    agreement_id=TEXTS,
    product=TEXTS,
    product_id=st.none() | TEXTS,
    serial_number=st.none() | TEXTS,
    quantity=st.decimals(min_value=-100_000, max_value=100_000, places=2),
    unit_price=st.decimals(min_value=0, max_value=100_000, places=4),
    unit_cost=st.decimals(min_value=0, max_value=100_000, places=4),
    effective=DAYS,
    cancelled=st.none() | DAYS,
    description=st.just("") | TEXTS,
)
PRODUCTS = st.builds(
    ProductValues,
    vendor_sku=TEXTS,
    identifier=TEXTS,
    description=TEXTS,
    name=TEXTS,
    price=AMOUNTS,
    cost=AMOUNTS,
    taxable=st.none() | st.booleans(),
)
REASONS = st.lists(st.builds(Because, TEXTS, TEXTS, st.none() | TEXTS, st.none() | st.integers(1, 99)), max_size=3)


@st.composite
def changes(draw: st.DrawFn, agreements: list[str]) -> Change:
    action = draw(st.sampled_from(Action))
    resource = draw(st.sampled_from(Resource))
    values = ADDITIONS if resource is Resource.ADDITION else PRODUCTS
    return Change(
        address=draw(TEXTS),
        resource=resource,
        action=action,
        before=None if action is Action.CREATE else draw(values),
        after=None if action is Action.DELETE else draw(values),
        record=draw(st.none() | TEXTS),
        customer=draw(st.none() | TEXTS),
        motion=draw(st.none() | st.sampled_from(Motion)),
        subscription=draw(st.none() | TEXTS),
        agreement=draw(st.none() | st.sampled_from(agreements)),
        product_name=draw(st.none() | TEXTS),
        needs=tuple(draw(st.lists(TEXTS, max_size=2))),
        because=tuple(draw(REASONS)),
        impact=draw(st.dictionaries(MONTHS | st.just("2026-08"), AMOUNTS, max_size=3)),
    )


@st.composite
def breakdowns(draw: st.DrawFn, after: Decimal) -> tuple[Step, ...]:
    """None, or steps that sum to the bill."""
    if draw(st.booleans()):
        return ()
    others = st.sampled_from([part for part in Part if part not in (Part.CHARGED, Part.EXPECTED)])
    steps = draw(st.lists(st.builds(Step, others, TEXTS, AMOUNTS), max_size=4, unique_by=lambda s: (s.part, s.rule)))
    rest = after - sum((step.amount for step in steps), Decimal(0))
    return (Step(draw(st.sampled_from([Part.CHARGED, Part.EXPECTED])), "", rest), *steps)


MONTHLY = st.dictionaries(MONTHS, AMOUNTS.map(abs), max_size=2)
NOT_PASSED_ON = st.builds(NotPassedOn, TEXTS, CURRENCIES, TEXTS, MONTHLY, MONTHLY)


@st.composite
def impacts(draw: st.DrawFn, agreements: list[str]) -> Impact:
    after = draw(AMOUNTS)
    return Impact(
        agreement=draw(st.sampled_from(agreements)),
        agreement_name=draw(TEXTS),
        customer=draw(TEXTS),
        month=draw(MONTHS),
        currency=draw(CURRENCIES),
        before=draw(AMOUNTS),
        after=after,
        invoiced_cost=draw(AMOUNTS),
        charged_seat_days=draw(AMOUNTS),
        seat_days=draw(AMOUNTS),
        verdict=draw(st.sampled_from(Verdict)),
        reason=draw(st.none() | TEXTS),
        breakdown=draw(breakdowns(after)),
    )


MONEY = st.builds(Money, AMOUNTS, CURRENCIES)
FINDINGS = st.builds(
    Finding,
    severity=st.sampled_from(Severity),
    code=TEXTS,
    message=TEXTS,
    customer=st.none() | TEXTS,
    subscription=st.none() | TEXTS,
    where=st.none() | st.builds(Place, TEXTS, st.none() | st.integers(1, 9999)),
    hint=st.none() | TEXTS,
    amount=st.none() | MONEY,
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    agreements = draw(st.lists(TEXTS, min_size=1, max_size=3, unique=True))
    chosen = draw(st.lists(changes(agreements), max_size=6, unique_by=lambda change: change.address))
    return replace(
        plan(chosen, draw(st.lists(impacts(agreements), max_size=4))),
        findings=tuple(draw(st.lists(FINDINGS, max_size=4))),
        coverage=tuple(
            draw(st.lists(st.builds(Coverage, TEXTS, TEXTS, st.integers(0, 99), st.tuples(MONEY)), max_size=3))
        ),
        documents=tuple(
            draw(st.lists(st.builds(DocumentUsed, TEXTS, TEXTS, TEXTS, TEXTS, st.integers(0, 9)), max_size=3))
        ),
        refused_by=tuple(draw(st.lists(TEXTS, max_size=2))),
        target=draw(TEXTS),
        not_passed_on=tuple(draw(st.lists(NOT_PASSED_ON, max_size=2))),
    )


def with_text_everywhere(text: str) -> Plan:
    """Example 1 with one text in every field that others can fill."""
    base = example_1()
    changed = []
    for number, change in enumerate(base.changes):
        values = change.after or change.before
        assert isinstance(values, AdditionValues)
        after = replace(values, description=text, serial_number=text, product=f"psa/product/{text}")
        changed.append(
            replace(
                change,
                address=f"psa/{text}/{number}",
                after=after,
                customer=text,
                subscription=text,
                agreement=text,
                product_name=text,
                needs=(text,),
                because=(Because(text, text, text, 1),),
            )
        )
    product = ProductValues(text, text, text, text, Decimal(20), Decimal(16))
    changed.append(
        Change(f"psa/product/{text}", Resource.PRODUCT, Action.UPDATE, replace(product, name="old"), product)
    )
    rows = [
        replace(
            row,
            agreement=text,
            agreement_name=text,
            customer=text,
            reason=text,
            breakdown=(Step(Part.CHARGED, "", Decimal(1)), Step(Part.MARGIN, text, row.after - 1)),
        )
        for row in base.impact
    ]
    kept = {row.month: Decimal(1) for row in rows}
    return replace(
        base,
        changes=tuple(changed),
        impact=tuple(rows),
        findings=tuple(
            Finding(severity, text, text, text, text, Place(text, 1, 1), text, Money(Decimal(1), "AUD"))
            for severity in Severity
        ),
        coverage=(Coverage(text, text, 1, (Money(Decimal(1), "AUD"),)),),
        documents=(DocumentUsed(text, text, text, text, 1),),
        refused_by=(text,),
        target=text,
        not_passed_on=(NotPassedOn(text, "AUD", text, kept, kept),),
    )
