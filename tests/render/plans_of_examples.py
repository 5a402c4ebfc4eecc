"""Plans built by hand after the rulebook's worked examples: unit price 20.00, cost 16.00, September has 30 days."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

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

SUBSCRIPTION = "5f1b6a3e-9c1d-4f0e-8a77-0c2b1d3e4f50"
NEIGHBOUR = "5f1b6a3e-0000-4f0e-8a77-0c2b1d3e4f51"
SKU = "CFQ7TTC0LH18:0001"
PRODUCT = f"psa/product/{SKU}"
AGREEMENT = "psa/agreement/55"
INVOICE = "INV-2026-10-0001"
SEPTEMBER, OCTOBER = "2026-09", "2026-10"
RETAIL = "At Retail Price"
OFF = "5f1b6a3e bills -5.33 AUD off the invoice's prices (see W1, W2)"


def day(text: str) -> date:
    """A day of 2026, written `09-12`."""
    return date.fromisoformat(f"2026-{text}")


def addition(
    quantity: str,
    effective: str,
    cancelled: str | None = None,
    *,
    serial: str | None = SUBSCRIPTION,
    price: str = "20.00",
    description: str = "",
) -> AdditionValues:
    return AdditionValues(
        agreement_id="55",
        product=PRODUCT,
        product_id="4120",
        serial_number=serial,
        quantity=Decimal(quantity),
        unit_price=Decimal(price),
        unit_cost=Decimal("16.00"),
        effective=day(effective),
        cancelled=day(cancelled) if cancelled else None,
        description=description,
    )


def change(
    action: Action,
    before: AdditionValues | None,
    after: AdditionValues | None,
    impact: Mapping[str, str],
    because: Iterable[Because],
    *,
    customer: str = "Contoso",
    agreement: str = AGREEMENT,
    subscription: str | None = SUBSCRIPTION,
    needs: tuple[str, ...] = (),
    record: str | None = None,
) -> Change:
    values = after or before
    assert values is not None
    return Change(
        address=f"psa/{customer}/seat-monthly/{subscription}/{values.effective}",
        resource=Resource.ADDITION,
        action=action,
        before=before,
        after=after,
        record=record if before is None else record or "8801",
        customer=customer,
        motion=Motion.SEAT_MONTHLY,
        subscription=subscription,
        agreement=agreement,
        product_name="Microsoft 365 Business Basic",
        needs=needs,
        because=tuple(because),
        impact={month: Decimal(amount) for month, amount in impact.items()},
    )


def bill(
    month: str,
    before: str,
    after: str,
    *,
    cost: str = "0",
    charged: str = "0",
    billed: str | None = None,
    verdict: Verdict = Verdict.RECONCILED,
    reason: str | None = None,
    agreement: str = AGREEMENT,
    name: str = "Contoso Microsoft CSP",
    customer: str = "Contoso",
    currency: str = "AUD",
    steps: Iterable[tuple[Part, str, str]] = (),
) -> Impact:
    return Impact(
        agreement=agreement,
        agreement_name=name,
        customer=customer,
        month=month,
        currency=currency,
        before=Decimal(before),
        after=Decimal(after),
        invoiced_cost=Decimal(cost),
        charged_seat_days=Decimal(charged),
        seat_days=Decimal(charged if billed is None else billed),
        verdict=verdict,
        reason=reason,
        breakdown=tuple(Step(part, rule, Decimal(amount)) for part, rule, amount in steps),
    )


def next_bill(before: str, after: str, **others: Any) -> Impact:
    """October, which no invoice speaks of yet."""
    return bill(
        OCTOBER, before, after, verdict=Verdict.NOT_RECONCILABLE, reason="no invoice covers the month yet", **others
    )


def plan(changes: Iterable[Change] = (), impact: Iterable[Impact] = (), **members: object) -> Plan:
    empty = Plan(
        month=SEPTEMBER,
        mappings="sha256:" + "1a" * 32,
        documents=(DocumentUsed("distributor", "invoices/2026-10.csv", INVOICE, "c0ffee" + "0" * 58, 4),),
        observed={AGREEMENT: "sha256:" + "2b" * 32},
        observed_records={},
        changes=tuple(changes),
        findings=(),
        impact=tuple(impact),
        coverage=(Coverage("billed", "by named records", 4, (Money(Decimal("178.67"), "AUD"),)),),
        refused_by=(),
        unchanged=118,
        target="psa",
        created="2026-11-22T10:00:00Z",
        version="0.1.0",
        digest="sha256:" + "4f" * 32,
    )
    return replace(empty, **members)  # type: ignore[arg-type]


def example_1() -> Plan:
    """10 from the 1st, +3 on the 12th, −2 on the 20th."""
    return plan(
        (
            change(
                Action.CANCEL,
                addition("10", "08-01"),
                addition("10", "08-01", "09-30"),
                {OCTOBER: "-200.00"},
                [
                    Because("P45", "the quantity changes: 2026-09-30 is the last day of the old one", INVOICE, line)
                    for line in (1, 2, 3)
                ],
            ),
            change(
                Action.CREATE,
                None,
                addition("3", "09-12", "09-30"),
                {SEPTEMBER: "38.00"},
                [Because("P46", "the quantity rises by 3 to 13 on 2026-09-12", INVOICE, 2)],
            ),
            change(
                Action.CREATE,
                None,
                addition("-2", "09-20", "09-30"),
                {SEPTEMBER: "-14.67"},
                [Because("P46", "the quantity falls by 2 to 11 on 2026-09-20", INVOICE, 3)],
            ),
            change(
                Action.CREATE,
                None,
                addition("11", "10-01"),
                {OCTOBER: "220.00"},
                [Because("P47", "11 go on from 2026-10-01", INVOICE, line) for line in (1, 2, 3)],
            ),
        ),
        (
            bill(
                SEPTEMBER,
                "200.00",
                "223.33",
                cost="178.67",
                charged="335",
                steps=((Part.CHARGED, "", "178.67"), (Part.MARGIN, RETAIL, "44.67"), (Part.ROUNDING, "", "-0.01")),
            ),
            next_bill("200.00", "220.00", steps=((Part.EXPECTED, "", "176.00"), (Part.MARGIN, RETAIL, "44.00"))),
        ),
    )


def example_10() -> Plan:
    """Cost and retail price rise on 15 September, and the record keeps its price."""
    now = (
        (Part.CHARGED, "", "165.33"),
        (Part.MARGIN, RETAIL, "40.00"),
        (Part.INCREASE, "price_change: warn", "-5.33"),
    )
    later = (
        (Part.EXPECTED, "", "170.00"),
        (Part.MARGIN, RETAIL, "40.00"),
        (Part.INCREASE, "price_change: warn", "-10.00"),
    )
    differs = bill(
        SEPTEMBER, "200.00", "200.00", cost="165.33", charged="300", verdict=Verdict.DIFFERS, reason=OFF, steps=now
    )
    words = "Subscription retail unit price changed from 20.00 to 21.00 on 15 Sep 2026"
    return plan(
        (),
        (differs, next_bill("200.00", "200.00", steps=later)),
        findings=(Finding(Severity.WARNING, "W2", words, "Contoso", SUBSCRIPTION),),
        not_passed_on=(
            NotPassedOn("Contoso", "AUD", "warn", {SEPTEMBER: Decimal("5.33"), OCTOBER: Decimal("10.00")}, {}),
        ),
    )


def example_2() -> Plan:
    """A new subscription: 5 seats on the 18th."""
    bought = change(
        Action.CREATE,
        None,
        addition("5", "09-18"),
        {SEPTEMBER: "43.33", OCTOBER: "100.00"},
        [Because("P43", "bought on 2026-09-18: 5", INVOICE, 4)],
    )
    return plan((bought,), (bill(SEPTEMBER, "0.00", "43.33", cost="34.67", charged="65"), next_bill("0.00", "100.00")))


def example_4() -> Plan:
    """All 10 cancelled on the 20th, with credit."""
    return plan(
        (
            change(
                Action.CANCEL,
                addition("10", "08-01"),
                addition("10", "08-01", "09-30"),
                {OCTOBER: "-200.00"},
                [Because("P45", "the quantity changes: 2026-09-30 is the last day of the old one", INVOICE, 1)],
            ),
            change(
                Action.CREATE,
                None,
                addition("-10", "09-20", "09-30"),
                {SEPTEMBER: "-73.33"},
                [Because("C7", "cancelled: nothing is charged from 2026-09-20 on", INVOICE, 2)],
            ),
        ),
        (bill(SEPTEMBER, "200.00", "126.67", cost="101.33", charged="190"), next_bill("200.00", "0.00")),
    )


def adoption() -> Plan:
    """A record that stood there without a serial number is taken over."""
    return plan(
        (
            change(
                Action.ADOPT,
                addition("10", "08-01", serial=None),
                addition("10", "08-01"),
                {},
                [Because("P39", "the only open record of the product on the agreement is taken over", INVOICE, 1)],
            ),
        ),
        (bill(SEPTEMBER, "200.00", "200.00", cost="160.00", charged="300"), next_bill("200.00", "200.00")),
    )


def product_creation() -> Plan:
    """A product that the catalogue lacks, one whose price is updated, and a record that needs the first."""
    created = ProductValues(
        vendor_sku=SKU,
        identifier=SKU,
        description="Microsoft 365 Business Basic",
        name="Microsoft 365 Business Basic",
        price=Decimal("20.00"),
        cost=Decimal("16.00"),
        taxable=True,
    )
    standing = replace(created, vendor_sku="CFQ7TTC0LF8R:0001", identifier="M365-E3", name="Microsoft 365 E3")
    standing = replace(standing, description="Microsoft 365 E3", price=Decimal("54.10"), cost=Decimal("43.28"))
    return plan(
        (
            Change(
                address=PRODUCT,
                resource=Resource.PRODUCT,
                action=Action.CREATE,
                before=None,
                after=created,
                because=(Because("P29", "no catalogue item has this Vendor SKU"),),
            ),
            Change(
                address="psa/product/CFQ7TTC0LF8R:0001",
                resource=Resource.PRODUCT,
                action=Action.UPDATE,
                before=standing,
                after=replace(standing, price=Decimal("56.80"), cost=Decimal("45.44")),
                record="4121",
                because=(Because("P31", "the price list has another price and cost from 2026-09-01"),),
            ),
            change(
                Action.CREATE,
                None,
                replace(addition("5", "09-18"), product_id=None),
                {SEPTEMBER: "43.33", OCTOBER: "100.00"},
                [Because("P43", "bought on 2026-09-18: 5", INVOICE, 4)],
                needs=(PRODUCT,),
            ),
        ),
        (bill(SEPTEMBER, "0.00", "43.33", cost="34.67", charged="65"), next_bill("0.00", "100.00")),
    )


def troubled() -> Plan:
    """Errors, unmapped money, an agreement that differs, a guard, and an update and a delete."""
    fabrikam = {"agreement": "psa/agreement/61", "name": "Fabrikam Cloud", "customer": "Fabrikam"}
    changes = (
        change(
            Action.UPDATE,
            addition("8", "08-01", price="19.50"),
            addition("10", "08-01"),
            {SEPTEMBER: "44.00", OCTOBER: "44.00"},
            [Because("C8", "the invoice has 10 on 2026-09-01, the PSA 8: the difference is made up", INVOICE, 1)],
            customer="Fabrikam",
            agreement="psa/agreement/61",
        ),
        change(
            Action.DELETE,
            addition("2", "10-01"),
            None,
            {OCTOBER: "-40.00"},
            [Because("C6", "the invoices charge nothing for this subscription in 2026-09")],
            customer="Fabrikam",
            agreement="psa/agreement/61",
            subscription=NEIGHBOUR,
        ),
    )
    differs = bill(
        SEPTEMBER,
        "156.00",
        "200.00",
        cost="165.33",
        charged="310",
        billed="300",
        verdict=Verdict.DIFFERS,
        reason="the decrease on 2026-09-21 is not credited (changes.decrease is none)",
        **fabrikam,
    )
    findings = (
        Finding(
            Severity.ERROR,
            "E8",
            f"There is an existing addition for product sku '{SKU}' that needs to be cancelled as it is not in the "
            "PRISM invoice and ConnectWise has no subscription id (serial number) for accurate match",
            customer="Contoso",
            subscription=SUBSCRIPTION,
            where=Place("mappings.yaml", 31, 5),
            hint="cancel record 8801 in the PSA by hand, or give it the serial number, and plan again",
            amount=Money(Decimal("160.00"), "AUD"),
        ),
        Finding(
            Severity.WARNING,
            "unmapped-customer",
            "Tailspin Toys (tenant 1f2e3d4c-0000-4000-8000-000000000001) is on the invoice and in no mapping",
            hint="add it under customers, or list it with sync: false",
            amount=Money(Decimal("1250.40"), "AUD"),
        ),
        Finding(
            Severity.WARNING,
            "W2",
            "Subscription retail unit price changed from 19.50 to 20.00 on 15 Sep 2026",
            customer="Fabrikam",
            subscription=SUBSCRIPTION,
        ),
    )
    return plan(
        changes,
        (differs, next_bill("196.00", "200.00", **fabrikam)),
        findings=findings,
        coverage=(
            Coverage("billed", "by named records", 12, (Money(Decimal("165.33"), "AUD"),)),
            Coverage("excluded", "unmapped customer", 7, (Money(Decimal("1250.40"), "AUD"),)),
            Coverage("excluded", "credit note without a decision (P9)", 1, (Money(Decimal("-31.20"), "AUD"),)),
            Coverage("blocking", "E8", 2, (Money(Decimal("160.00"), "AUD"), Money(Decimal("12.00"), "NZD"))),
        ),
        refused_by=("max_unmapped_amount: 1250.40 AUD are unmapped, 0 are allowed",),
    )


def no_changes() -> Plan:
    """The PSA says what the invoices charged."""
    return plan((), (bill(SEPTEMBER, "200.00", "200.00", cost="160.00", charged="300"), next_bill("200.00", "200.00")))


def many_customers(number: int = 300) -> Plan:
    """Example 1 for each of many customers."""
    changes: list[Change] = []
    rows: list[Impact] = []
    for position in range(number):
        customer = f"Customer {position:03d}"
        agreement = f"psa/agreement/{1000 + position}"
        subscription = f"{position:08x}-9c1d-4f0e-8a77-0c2b1d3e4f50"
        for one in example_1().changes:
            values = one.after or one.before
            assert isinstance(values, AdditionValues)
            address = f"psa/{customer}/seat-monthly/{subscription}/{values.effective}"
            changes.append(
                replace(one, address=address, customer=customer, agreement=agreement, subscription=subscription)
            )
        rows += [
            replace(row, agreement=agreement, agreement_name=f"{customer} CSP", customer=customer)
            for row in example_1().impact
        ]
    return plan(changes, rows)


EXAMPLES: dict[str, Callable[[], Plan]] = {
    "example 1": example_1,
    "example 2": example_2,
    "example 4": example_4,
    "adoption": adoption,
    "product creation": product_creation,
    "example 10": example_10,
    "troubled": troubled,
    "no changes": no_changes,
}
