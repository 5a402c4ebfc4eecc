"""ConnectWise's records as the domain's: what is missing, what is null, and what cannot be what it says."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from reconciler.targets.connectwise.records import (
    Record,
    Unreadable,
    addition_of,
    agreement_of,
    obscure_cycle,
    product_of,
)
from reconciler.targets.exact_json import parsed

AGREEMENT: dict[str, Any] = {
    "id": 55,
    "name": "Contoso Microsoft CSP",
    "company": {"id": 250, "identifier": "Contoso", "name": "Contoso Ltd", "_info": {"company_href": "x"}},
    "startDate": "2026-01-01T00:00:00Z",
    "noEndingDateFlag": True,
    "cancelledFlag": False,
    "agreementStatus": "Active",
    "prorateFlag": True,
    "invoicingCycle": "CalendarYear",
    "billingCycle": {"id": 2, "name": "Monthly"},
    "billStartDate": "2026-01-01T00:00:00Z",
    "nextInvoiceDate": "2026-10-01T00:00:00Z",
    "currency": {"id": 1, "currencyCode": "USD"},
    "brandNewMember": {"of": ["a", "later", "version"]},
}
ADDITION: dict[str, Any] = {
    "id": 8801,
    "product": {"id": 4120, "identifier": "M365-BB"},
    "quantity": Decimal("2.0"),
    "unitPrice": Decimal("22.00"),
    "unitCost": Decimal("17.60"),
    "billCustomer": "Billable",
    "effectiveDate": "2026-03-15T00:00:00Z",
    "serialNumber": "5f1b",
}


def agreement(**members: Any) -> Any:
    return agreement_of(Record("agreement 55", AGREEMENT | members), {"9": date(2026, 11, 1)}, {"7": "NotRecurring"})


def addition(**members: Any) -> Any:
    return addition_of(Record("addition 8801 of agreement 55", ADDITION | members), "55")


def test_an_agreement_is_read() -> None:
    found = agreement()
    assert (found.id, found.company_id, found.company) == ("55", "250", "Contoso")
    assert (found.active, found.status, found.prorates, found.calendar_months) == (True, "Active", True, True)
    assert (found.start, found.end, found.next_invoice) == (date(2026, 1, 1), None, date(2026, 10, 1))
    assert (found.currency, found.parent, found.one_time) == ("USD", None, False)


@pytest.mark.parametrize(
    ("members", "active", "status"),
    [
        ({"agreementStatus": "Active"}, True, "Active"),
        ({"agreementStatus": "Expired"}, False, "Expired"),
        ({"agreementStatus": "Inactive"}, False, "Inactive"),
        ({"agreementStatus": "Active", "cancelledFlag": True}, False, "Cancelled"),
        ({"agreementStatus": None, "cancelledFlag": True}, False, "Cancelled"),
        ({"agreementStatus": None, "cancelledFlag": None}, True, "Active"),
    ],
)
def test_an_agreement_is_active_when_nothing_says_otherwise(members: Any, active: bool, status: str) -> None:
    found = agreement(**members)
    assert (found.active, found.status) == (active, status)


def test_an_end_counts_only_where_the_agreement_has_one() -> None:
    end = "2026-12-31T00:00:00Z"
    assert agreement(endDate=end, noEndingDateFlag=True).end is None
    assert agreement(endDate=end, noEndingDateFlag=False).end == date(2026, 12, 31)
    assert agreement(endDate=end, noEndingDateFlag=None).end == date(2026, 12, 31)


def test_a_child_is_invoiced_when_its_parent_is() -> None:
    found = agreement(parentAgreement={"id": 9, "name": "Master"})
    assert (found.parent, found.next_invoice) == ("9", date(2026, 11, 1))


def test_a_child_whose_parent_cannot_be_read_is_not_guessed() -> None:
    with pytest.raises(Unreadable, match="parent agreement 10, which is not there"):
        agreement(parentAgreement={"id": 10})


@pytest.mark.parametrize(
    ("members", "one_time", "calendar_months"),
    [
        ({"billingCycle": {"id": 2, "name": "Monthly"}}, False, True),
        ({"billingCycle": None}, False, True),
        ({"billingCycle": {"id": 2, "name": "One-Time"}}, True, True),
        ({"billingCycle": {"id": 2, "name": "Not Recurring"}}, True, True),
        ({"billingCycle": {"id": 7, "name": "Wenn es passt"}}, True, True),
        ({"billingCycle": {"id": 2, "name": "Quarterly"}}, False, False),
        ({"billingCycle": {"id": 2, "name": "Yearly"}, "billOneTimeFlag": True}, True, True),
        ({"invoicingCycle": "ContractYear"}, False, False),
        ({"invoicingCycle": None}, False, False),
    ],
)
def test_how_often_an_agreement_bills(members: Any, one_time: bool, calendar_months: bool) -> None:
    found = agreement(**members)
    assert (found.one_time, found.calendar_months) == (one_time, calendar_months)


def test_only_a_cycle_with_a_name_of_its_own_has_to_be_looked_up() -> None:
    def looked_up(**members: Any) -> str | None:
        return obscure_cycle(Record("agreement 55", AGREEMENT | members))

    assert looked_up() is None
    assert looked_up(billingCycle=None) is None
    assert looked_up(billingCycle={"id": 4, "name": "Semi-Annual"}) is None
    assert looked_up(billingCycle={"id": 7, "name": "Am Ersten"}) == "7"
    assert looked_up(billingCycle={"id": 7, "name": "Am Ersten"}, billOneTimeFlag=True) is None


@pytest.mark.parametrize("code", [None, "", "usd", "US dollars", "€"])
def test_a_currency_without_an_iso_code_is_unknown(code: str | None) -> None:
    assert agreement(currency={"id": 1, "currencyCode": code}).currency is None


def test_an_addition_is_read() -> None:
    found = addition()
    assert (found.id, found.agreement_id, found.product_id) == ("8801", "55", "4120")
    assert (found.quantity, found.unit_price, found.unit_cost) == (Decimal(2), Decimal("22.00"), Decimal("17.60"))
    assert (found.effective, found.cancelled, found.serial_number) == (date(2026, 3, 15), None, "5f1b")
    assert found.bills


@pytest.mark.parametrize("how", ["NoCharge", "DoNotBill", None])
def test_an_addition_that_charges_nothing_does_not_bill(how: str | None) -> None:
    assert not addition(billCustomer=how).bills


def test_explicit_nulls_and_empty_texts_are_what_missing_members_are() -> None:
    found = addition(cancelledDate=None, serialNumber="", invoiceDescription=None, unitCost=None, lessIncluded=None)
    assert (found.cancelled, found.serial_number, found.description, found.unit_cost) == (None, None, "", Decimal(0))


@pytest.mark.parametrize(
    ("member", "value", "said"),
    [
        ("id", "8801", "id is '8801', which is not a record's number"),
        ("id", 0, "not a record's number"),
        ("id", True, "not a record's number"),
        ("id", Decimal("8801.0"), "not a record's number"),
        ("quantity", "2", "quantity is '2', which is not a number"),
        ("quantity", True, "not a number of use"),
        ("quantity", Decimal("1E+30"), "not a number of use"),
        ("quantity", None, "has no quantity"),
        ("unitPrice", None, "has no unitPrice"),
        ("effectiveDate", None, "has no effectiveDate"),
        ("effectiveDate", "2026-02-30T00:00:00Z", "not a day"),
        ("effectiveDate", "2026-03-15T00:00:00+05:00", "not a day"),
        ("effectiveDate", "March", "not a day"),
        ("effectiveDate", 20260315, "not a text"),
        ("product", "4120", "not a reference"),
        ("product", None, "has no product"),
        ("product", {"identifier": "x"}, "product has no id"),
        ("serialNumber", 5, "not a text"),
    ],
)
def test_an_impossible_member_is_named_with_its_record(member: str, value: Any, said: str) -> None:
    with pytest.raises(Unreadable, match="addition 8801 of agreement 55") as caught:
        addition(**{member: value})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "text", ["2026-03-15T00:00:00Z", "2026-03-15", "2026-03-15T23:59:59Z", "2026-03-15T00:00:00.000Z"]
)
def test_a_day_is_the_day_that_is_written_in_no_time_zone(text: str) -> None:
    assert addition(effectiveDate=text).effective == date(2026, 3, 15)


def test_half_of_a_character_does_not_get_through() -> None:
    body = parsed(b'{"serialNumber": "a\\ud83d"}')
    assert Record("addition 1", body).text("serialNumber") == "a\ufffd"


def test_a_product_is_read_and_money_keeps_its_digits() -> None:
    row = parsed(
        b'{"id":4120,"identifier":"M365-BB","vendorSku":" CFQ7TTC0LH18:0001 ","price":20.10,"inactiveFlag":true}'
    )
    found = product_of(Record("product M365-BB", row))
    assert (found.vendor_sku, str(found.price), found.cost) == ("CFQ7TTC0LH18:0001", "20.10", Decimal(0))
    assert (found.active, found.taxable) == (False, None)
