"""Writes to a real ConnectWise on loopback: one request each, and what its answer means when something goes wrong."""

import dataclasses
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sandbox_target import asked
from scripted_psa import ScriptedPsa, reply

from reconciler.domain.plan import AdditionValues, ProductValues
from reconciler.domain.records import ProductDefaults, Wanted
from reconciler.sandbox.server import RunningSandbox
from reconciler.targets.base import Ambiguous, NotSent, Refused, Target, TargetError

SKU = "CFQ7TTC0LH18:0001"
WRITES = ("POST", "PATCH", "PUT", "DELETE")
VALUES = AdditionValues(
    agreement_id="55",
    product=f"psa/product/{SKU}",
    product_id="4120",
    serial_number="sub-1",
    quantity=Decimal(3),
    unit_price=Decimal("20.123456"),
    unit_cost=Decimal("16.00"),
    effective=date(2026, 10, 12),
    cancelled=date(2026, 10, 31),
    description="3 seats from 12 October",
)
PRODUCT = ProductValues(
    vendor_sku="NEW:1",
    identifier="NEW:1",
    description="Business Premium",
    name="Microsoft 365 Business Premium (monthly term)",
    price=Decimal("26.40"),
    cost=Decimal("21.12"),
    taxable=True,
)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with RunningSandbox() as psa:
        yield psa


@pytest.fixture
def psa(server: RunningSandbox) -> RunningSandbox:
    seeded(server)
    return server


def seeded(server: RunningSandbox, **changed: Any) -> None:
    agreement = {
        "id": 55,
        "name": "Contoso CSP",
        "company": 250,
        "prorateFlag": True,
        "startDate": "2026-01-01",
        "billStartDate": "2026-01-01",
        "nextInvoiceDate": "2026-10-01",
        "invoicingCycle": "CalendarYear",
    }
    server.seed(
        {
            "psa": "connectwise",
            "today": "2026-10-03",
            "companies": [{"id": 250, "identifier": "Contoso", "name": "Contoso Ltd"}],
            "products": [
                {
                    "id": 4120,
                    "identifier": "M365-BB",
                    "description": "Business Basic",
                    "vendorSku": SKU,
                    "price": Decimal("20.00"),
                    "cost": Decimal("16.00"),
                }
            ],
            "agreements": [agreement | changed],
            "additions": [],
        }
    )


def writes(server: RunningSandbox) -> list[dict[str, Any]]:
    return [one for one in server.requests() if one["method"] in WRITES]


def stored(server: RunningSandbox) -> list[Any]:
    server.faults([])
    return list(asked(server.url, lambda target: target.read_additions("55", None)))


def fault(server: RunningSandbox, method: str, kind: str, **more: Any) -> None:
    server.faults([{"match": {"method": method, "path": "/additions|/catalog"}, "kind": kind, **more}])


def create(target: Target) -> Awaitable[Any]:
    return target.create_addition(VALUES)


# Round trips


def test_an_addition_that_is_created_comes_back_as_it_was_asked_for(psa: RunningSandbox) -> None:
    made = asked(psa.url, create)
    assert stored(psa) == [made]
    assert (made.agreement_id, made.product_id, made.serial_number) == ("55", "4120", "sub-1")
    assert (made.quantity, made.unit_price, made.unit_cost) == (3, Decimal("20.123456"), 16)
    assert (made.effective, made.cancelled) == (date(2026, 10, 12), date(2026, 10, 31))
    assert (made.description, made.bills) == ("3 seats from 12 October", True)
    assert len(writes(psa)) == 1


def test_a_negative_and_a_fractional_quantity_are_written_exactly(psa: RunningSandbox) -> None:
    odd = dataclasses.replace(VALUES, quantity=Decimal("-2.125"), unit_price=Decimal("0.000001"))
    asked(psa.url, lambda target: target.create_addition(odd))
    assert [(one.quantity, one.unit_price) for one in stored(psa)] == [(Decimal("-2.125"), Decimal("0.000001"))]


def test_additions_are_read_by_their_serial_number(psa: RunningSandbox) -> None:
    asked(psa.url, create)
    asked(psa.url, lambda target: target.create_addition(dataclasses.replace(VALUES, serial_number="sub-2")))
    found = asked(psa.url, lambda target: target.read_additions("55", "sub-2"))
    assert [one.serial_number for one in found] == ["sub-2"]


def test_a_serial_number_with_space_around_it_is_found_again(psa: RunningSandbox) -> None:
    """Else the look before the next send would miss it, and it would be billed twice."""
    spaced = dataclasses.replace(VALUES, serial_number=" sub-1 ")
    made = asked(psa.url, lambda target: target.create_addition(spaced))
    assert asked(psa.url, lambda target: target.read_additions("55", " sub-1 ")) == (made,)


@pytest.mark.parametrize(
    "changed",
    [
        {"quantity": Decimal(5)},
        {"cancelled": None},
        {"cancelled": date(2026, 12, 31), "unit_price": Decimal("21.5")},
        {"serial_number": "adopted", "description": "other words"},
        {"effective": date(2026, 10, 1)},
        {"serial_number": None},
    ],
    ids="+".join,
)
def test_a_change_sends_one_patch_of_what_differs(psa: RunningSandbox, changed: dict[str, Any]) -> None:
    made = asked(psa.url, create)
    after = dataclasses.replace(VALUES, **changed)
    now = asked(psa.url, lambda target: target.update_addition(made.id, VALUES, after))
    assert stored(psa) == [now]
    for name, value in changed.items():
        assert getattr(now, name) == value
    assert [one["method"] for one in writes(psa)] == ["POST", "PATCH"]


def test_a_change_of_nothing_reads_and_writes_nothing(psa: RunningSandbox) -> None:
    made = asked(psa.url, create)
    assert asked(psa.url, lambda target: target.update_addition(made.id, VALUES, VALUES)) == made
    assert len(writes(psa)) == 1
    with pytest.raises(Refused, match="no such record any more"):
        asked(psa.url, lambda target: target.update_addition("999", VALUES, VALUES))


def test_an_addition_is_not_moved_to_another_agreement(psa: RunningSandbox) -> None:
    elsewhere = dataclasses.replace(VALUES, agreement_id="56")
    with pytest.raises(ValueError, match="cannot be moved"):
        asked(psa.url, lambda target: target.update_addition("1", VALUES, elsewhere))


def test_an_addition_is_deleted_and_one_that_is_gone_is_done(psa: RunningSandbox) -> None:
    made = asked(psa.url, create)
    asked(psa.url, lambda target: target.delete_addition("55", made.id))
    assert stored(psa) == []
    asked(psa.url, lambda target: target.delete_addition("55", made.id))


def test_an_invoiced_addition_is_not_deleted(psa: RunningSandbox) -> None:
    made = asked(psa.url, create)
    psa.bill("2026-10")
    with pytest.raises(Refused):
        asked(psa.url, lambda target: target.delete_addition("55", made.id))
    assert stored(psa) == [made]


def test_a_delete_with_wrong_keys_is_not_taken_for_gone(psa: RunningSandbox) -> None:
    made = asked(psa.url, create)
    wrong = {"client_id": "sandbox", "public_key": "wrong", "private_key": "wrong"}
    with pytest.raises(Ambiguous, match="whether it is gone cannot be read"):
        asked(psa.url, lambda target: target.delete_addition("55", made.id), keys=wrong)
    assert stored(psa) == [made]


def test_a_product_is_created_with_its_place_and_found_by_its_sku(psa: RunningSandbox) -> None:
    made = asked(psa.url, lambda target: target.create_product(PRODUCT))
    assert asked(psa.url, lambda target: target.find_products("NEW:1")) == (made,)
    assert asked(psa.url, lambda target: target.find_products("new:1")) == (made,)
    assert asked(psa.url, lambda target: target.find_products("NEW:2")) == ()
    assert (made.identifier, made.price, made.cost, made.taxable) == ("NEW:1", Decimal("26.4"), Decimal("21.12"), True)
    sent = next(one for one in psa.state()["products"] if one["identifier"] == "NEW:1")
    assert sent["productClass"] == "Agreement"
    assert sent["customerDescription"] == "Microsoft 365 Business Premium (monthly term)"


def test_the_place_of_a_product_is_looked_up_once(psa: RunningSandbox) -> None:
    async def plan_and_create_two(target: Target) -> None:
        await target.observe(Wanted(frozenset(), frozenset(), defaults=ProductDefaults()))
        await target.create_product(PRODUCT)
        await target.create_product(dataclasses.replace(PRODUCT, vendor_sku="NEW:2", identifier="NEW:2"))

    asked(psa.url, plan_and_create_two)
    lookups = [one for one in psa.requests() if "/procurement/" in one["path"] and one["method"] == "GET"]
    assert len(lookups) == 3


def test_tax_is_left_to_connectwise_where_nothing_is_said(psa: RunningSandbox) -> None:
    made = asked(psa.url, lambda target: target.create_product(dataclasses.replace(PRODUCT, taxable=None)))
    assert made.id


def test_a_product_is_changed_in_what_differs(psa: RunningSandbox) -> None:
    made = asked(psa.url, lambda target: target.create_product(PRODUCT))
    after = dataclasses.replace(PRODUCT, price=Decimal(27), vendor_sku="NEW:9")
    now = asked(psa.url, lambda target: target.update_product(made.id, PRODUCT, after))
    assert (now.id, now.price, now.cost, now.vendor_sku) == (made.id, 27, Decimal("21.12"), "NEW:9")


# Refusals


def refused(server: RunningSandbox, question: Callable[[Target], Awaitable[Any]]) -> Refused:
    with pytest.raises(Refused) as caught:
        asked(server.url, question)
    return caught.value


def test_an_invoiced_period_is_told_in_the_words_of_e7(psa: RunningSandbox) -> None:
    seeded(psa, prorateFlag=False, nextInvoiceDate="2026-11-01")
    refusal = refused(psa, create)
    assert refusal.code == "E7"
    assert str(refusal) == (
        "ConnectWise returned an error response: Since this period has already been invoiced there will not be an "
        "invoice generated for additional products for this period. Please prorate the agreement or update the start "
        "date to on or after the Next Invoice Date."
    )
    assert stored(psa) == []


def test_a_start_before_the_billing_start_is_p36(psa: RunningSandbox) -> None:
    seeded(psa, billStartDate="2026-11-01")
    refusal = refused(psa, create)
    assert refusal.code == "P36"
    assert "agreement billing start date" in str(refusal)
    assert "Billing Start Date" in (refusal.hint or "")


def test_all_failing_fields_are_told_at_once(psa: RunningSandbox) -> None:
    long = dataclasses.replace(PRODUCT, description="x" * 61, identifier="y" * 76)
    refusal = refused(psa, lambda target: target.create_product(long))
    assert refusal.code == "E6"
    assert str(refusal).startswith("Failed to get or create the product in ConnectWise: ")
    assert set(refusal.fields) == {"description", "identifier"}
    assert "maximum length of 60" in str(refusal)
    assert "maximum length of 75" in str(refusal)


def test_a_product_that_is_there_already_is_told(psa: RunningSandbox) -> None:
    asked(psa.url, lambda target: target.create_product(PRODUCT))
    assert "already exists" in str(refused(psa, lambda target: target.create_product(PRODUCT)))


def test_a_product_without_its_defaults_is_not_sent(psa: RunningSandbox) -> None:
    lost = dataclasses.replace(PRODUCT, unit_of_measure="Dozen")
    refusal = refused(psa, lambda target: target.create_product(lost))
    assert refusal.code == "E4"
    assert writes(psa) == []


def test_a_number_that_json_cannot_carry_exactly_is_not_sent(psa: RunningSandbox) -> None:
    fine = dataclasses.replace(VALUES, unit_price=Decimal("20.12345678901234567"))
    assert "more than 15 significant digits; nothing was sent" in str(
        refused(psa, lambda target: target.create_addition(fine))
    )
    assert writes(psa) == []


def test_a_role_without_permission_is_told_what_it_lacks(psa: RunningSandbox) -> None:
    keys = {"client_id": "unknown", "public_key": "sandbox", "private_key": "sandbox"}
    with pytest.raises(Refused) as caught:
        asked(psa.url, create, keys=keys)
    assert caught.value.code == "Security"
    assert "System > Members > API Members" in (caught.value.hint or "")


# Answers that go astray


@pytest.mark.parametrize(
    ("kind", "there"),
    [
        ("500-before", 0),
        ("500-after", 1),
        ("drop-request", 0),
        ("drop-answer", 1),
        ("garbage-body", 1),
        ("redirect", 0),
        ("html", 0),
    ],
)
def test_what_cannot_be_told_is_ambiguous_and_sent_once(psa: RunningSandbox, kind: str, there: int) -> None:
    fault(psa, "POST", kind, times=9)
    with pytest.raises(Ambiguous):
        asked(psa.url, create)
    assert len(writes(psa)) == 1
    assert len(stored(psa)) == there


@pytest.mark.parametrize(("kind", "seconds"), [("429", 30), ("429-no-retry-after", 30)])
def test_too_many_requests_means_not_sent(psa: RunningSandbox, kind: str, seconds: int) -> None:
    fault(psa, "POST", kind)
    with pytest.raises(NotSent) as caught:
        asked(psa.url, create)
    assert caught.value.retry_after == seconds
    assert stored(psa) == []


def test_a_gateways_refusal_is_not_taken_for_connectwises(psa: RunningSandbox) -> None:
    fault(psa, "POST", "html", status=403)
    with pytest.raises(Ambiguous, match="not ConnectWise's own"):
        asked(psa.url, create)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("quantity", 4, "quantity: sent 3, came back 4"),
        ("unitPrice", Decimal("20.12"), "unitPrice: sent 20.123456, came back 20.12"),
        ("serialNumber", None, "serialNumber: sent 'sub-1', came back nothing"),
        ("cancelledDate", None, "cancelledDate: sent '2026-10-31', came back nothing"),
        ("billCustomer", "NoCharge", "billCustomer: sent 'Billable', came back 'NoCharge'"),
    ],
)
def test_a_field_that_was_silently_changed_is_named(psa: RunningSandbox, name: str, value: Any, said: str) -> None:
    fault(psa, "POST", "alter-field", field=name, value=value)
    with pytest.raises(Ambiguous) as caught:
        asked(psa.url, create)
    assert said in str(caught.value)


def test_a_patch_that_changed_nothing_is_noticed(psa: RunningSandbox) -> None:
    made = asked(psa.url, create)
    fault(psa, "PATCH", "alter-field", field="quantity", value=3)
    more = dataclasses.replace(VALUES, quantity=Decimal(5))
    with pytest.raises(Ambiguous, match="quantity: sent 5, came back 3"):
        asked(psa.url, lambda target: target.update_addition(made.id, VALUES, more))


ROW = {
    "id": 9001,
    "product": {"id": 4120},
    "quantity": 3,
    "unitPrice": 20.123456,
    "unitCost": 16,
    "billCustomer": "Billable",
    "effectiveDate": "2026-10-12T00:00:00Z",
    "cancelledDate": "2026-10-31T00:00:00Z",
    "serialNumber": "sub-1",
    "invoiceDescription": "3 seats from 12 October",
}


def answered(status: int, body: bytes, question: Callable[[Target], Awaitable[Any]] = create) -> Any:
    with ScriptedPsa(lambda _: reply(status, body)) as psa:
        return asked(psa.url, question)


def test_the_scripted_answer_is_a_good_one() -> None:
    assert answered(201, json.dumps(ROW).encode()).id == "9001"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b"9001",
        json.dumps(ROW | {"id": None}).encode(),
        json.dumps(ROW | {"id": "9001"}).encode(),
        json.dumps(ROW | {"id": 0}).encode(),
        json.dumps(ROW).encode()[:-1],
        json.dumps(ROW).encode().replace(b"20.123456", b"NaN"),
        json.dumps([ROW]).encode(),
    ],
    ids=repr,
)
def test_a_2xx_without_the_record_is_ambiguous(body: bytes) -> None:
    with pytest.raises(Ambiguous):
        answered(201, body)


def test_a_2xx_about_another_record_is_ambiguous() -> None:
    more = dataclasses.replace(VALUES, quantity=Decimal(5))
    other = json.dumps(ROW | {"id": 7, "quantity": 5}).encode()
    with pytest.raises(Ambiguous, match="id: sent 9001, came back 7"):
        answered(200, other, lambda target: target.update_addition("9001", VALUES, more))


@pytest.mark.parametrize("status", [201, 202, 206])
def test_a_delete_that_is_only_accepted_is_ambiguous(status: int) -> None:
    with pytest.raises(Ambiguous, match=str(status)):
        answered(status, b"", lambda target: target.delete_addition("55", "9001"))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 415, 422])
@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b'"no"', b"{}", b'{"message":"no"}', b'{"code":5}'])
def test_a_refusal_without_connectwises_own_error_is_ambiguous(status: int, body: bytes) -> None:
    with pytest.raises(Ambiguous, match="not ConnectWise's own"):
        answered(status, body)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 415, 422])
@pytest.mark.parametrize("errors", [b"", b',"errors":null', b',"errors":[]', b',"errors":"x"', b',"errors":[1,{}]'])
def test_a_refusal_with_connectwises_own_error_is_refused(status: int, errors: bytes) -> None:
    with pytest.raises(Refused, match=r"ConnectWise returned an error response: .*no.*HTTP") as caught:
        answered(status, b'{"code":"Odd","message":"no, not so"' + errors + b"}")
    assert caught.value.code == "Odd"


def test_a_product_whose_place_cannot_be_read_was_not_sent() -> None:
    with pytest.raises(NotSent, match="creating product NEW:1"):
        answered(400, b'{"code":"Odd","message":"no"}', lambda target: target.create_product(PRODUCT))


@pytest.mark.parametrize("record", ["../55", "1?x", "new", ""])
def test_a_record_that_is_no_number_never_reaches_a_url(psa: RunningSandbox, record: str) -> None:
    more = dataclasses.replace(VALUES, quantity=Decimal(5))
    for question in (
        lambda target: target.delete_addition("55", record),
        lambda target: target.update_addition(record, VALUES, more),
        lambda target: target.update_product(record, PRODUCT, dataclasses.replace(PRODUCT, price=Decimal(1))),
    ):
        assert refused(psa, question).code == "record-number"
    assert writes(psa) == []


def test_an_agreement_is_read_with_all_its_additions(psa: RunningSandbox) -> None:
    made = asked(psa.url, create)
    agreement, additions = asked(psa.url, lambda target: target.read_agreement("55"))
    assert (agreement.name, additions) == ("Contoso CSP", (made,))
    with pytest.raises(TargetError, match="no agreement 99 any more"):
        asked(psa.url, lambda target: target.read_agreement("99"))
