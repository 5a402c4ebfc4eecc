"""Drift as pure values: what differs, what is wanted, what an override keeps, and in which words it is told."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from reconciler.domain.days import Month, Span
from reconciler.domain.decision import AcceptedCredit, FieldValue, Override, RecordField
from reconciler.domain.drift import AppliedRecord, Drift, DriftKind, Trace
from reconciler.domain.finding import Place, Severity
from reconciler.domain.invoice import Charge, CustomerRef, Document, Invoice, InvoiceLine, Kind, Motion
from reconciler.domain.plan import Action, AdditionValues, Change, Plan, Resource
from reconciler.domain.records import Addition, AgreementRef
from reconciler.planning.deciding import kept, unfounded, unfounded_credits
from reconciler.planning.drifting import drift, drift_findings, trace_of, wanted

PLACE = Place("decisions/2026-09.yaml", 3, 5)
SEPTEMBER = Month(2026, 9)
VALUES = AdditionValues(
    agreement_id="55",
    product="psa/product/CFQ7",
    product_id="4120",
    serial_number="sub-1",
    quantity=Decimal(10),
    unit_price=Decimal(20),
    unit_cost=Decimal(16),
    effective=date(2026, 8, 1),
    cancelled=None,
)
NOW = Addition("8801", "55", "4120", Decimal(10), Decimal(20), Decimal(16), date(2026, 8, 1), None, "sub-1")
APPLIED = AppliedRecord("8801", "55", "Contoso", VALUES, True, datetime(2026, 10, 3, 9, 0, tzinfo=UTC), 4)


def found(*additions: Addition, applied: AppliedRecord = APPLIED) -> tuple[Drift, ...]:
    return drift({applied.record: applied}, {"55": additions})


def override(**members: object) -> Override:
    plain = Override({RecordField.QUANTITY: Decimal(8)}, False, "a gift", "Jo", Month(2026, 12), PLACE, "8801")
    return replace(plain, **members)  # type: ignore[arg-type]


def plan_of(*changes: Change) -> Plan:
    return Plan("2026-09", "", (), {}, {}, changes, (), (), (), (), 0, "psa", "", "", "")


def change(action: Action, before: AdditionValues | None, after: AdditionValues | None, record: str | None) -> Change:
    return Change(
        address=f"psa/Contoso/{action}/{record}",
        resource=Resource.ADDITION,
        action=action,
        before=before,
        after=after,
        record=record,
        customer="Contoso",
        subscription="SUB-1",
        agreement="psa/agreement/55",
    )


# -- what differs


def test_what_is_as_it_was_applied_is_no_drift() -> None:
    assert found(NOW) == ()


def test_nothing_applied_says_nothing() -> None:
    assert drift({}, {"55": (NOW,)}) == ()


def test_an_agreement_that_was_not_read_says_nothing() -> None:
    assert drift({"8801": APPLIED}, {}) == ()
    assert drift({"8801": APPLIED}, {"56": ()}) == ()


@pytest.mark.parametrize(
    ("edit", "field", "applied", "now"),
    [
        ({"quantity": Decimal(8)}, RecordField.QUANTITY, Decimal(10), Decimal(8)),
        ({"unit_price": Decimal("20.01")}, RecordField.UNIT_PRICE, Decimal(20), Decimal("20.01")),
        ({"unit_cost": Decimal(15)}, RecordField.UNIT_COST, Decimal(16), Decimal(15)),
        ({"effective": date(2026, 8, 2)}, RecordField.EFFECTIVE, date(2026, 8, 1), date(2026, 8, 2)),
        ({"cancelled": date(2026, 9, 30)}, RecordField.CANCELLED, None, date(2026, 9, 30)),
        ({"serial_number": None}, RecordField.SERIAL_NUMBER, "sub-1", None),
        ({"product_id": "4121"}, RecordField.PRODUCT, "4120", "4121"),
    ],
)
def test_each_field_is_compared(
    edit: dict[str, object], field: RecordField, applied: FieldValue, now: FieldValue
) -> None:
    (one,) = found(replace(NOW, **edit))  # type: ignore[arg-type]
    assert (one.kind, one.field, one.applied, one.now) == (DriftKind.CHANGED, field, applied, now)
    assert (one.customer, one.subscription, one.run, one.informs) == ("Contoso", "sub-1", 4, False)


def test_the_same_number_written_otherwise_and_letters_of_another_case_are_no_drift() -> None:
    assert found(replace(NOW, quantity=Decimal("10.00"), serial_number="SUB-1 ")) == ()


def test_a_description_informs_and_an_empty_one_is_the_psas_own() -> None:
    described = replace(APPLIED, values=replace(VALUES, description="Seats\nin use"))
    assert found(replace(NOW, description="Seats in use"), applied=described) == ()
    (one,) = found(replace(NOW, description="other"), applied=described)
    assert (one.field, one.informs) == (RecordField.DESCRIPTION, True)
    assert found(replace(NOW, description="other")) == ()


def test_a_record_that_is_gone_is_told_with_its_quantity() -> None:
    (one,) = found()
    assert (one.kind, one.field, one.applied, one.now) == (DriftKind.GONE, None, Decimal(10), None)


def test_a_record_of_our_subscription_that_came_in_informs_and_others_do_not_concern_us() -> None:
    ours, other = replace(NOW, id="9000", serial_number="SUB-1"), replace(NOW, id="9001", serial_number="sub-2")
    (one,) = found(NOW, ours, other)
    assert (one.kind, one.record, one.now, one.informs) == (DriftKind.CAME_IN, "9000", Decimal(10), True)


def test_a_record_that_we_deleted_is_no_drift_until_it_is_there_again() -> None:
    deleted = replace(APPLIED, record="8802", values=None)
    applied = {"8801": APPLIED, "8802": deleted}
    assert drift(applied, {"55": (NOW,)}) == ()
    (one,) = drift(applied, {"55": (NOW, replace(NOW, id="8802"))})
    assert (one.kind, one.record) == (DriftKind.CAME_IN, "8802")


# -- what is wanted


def test_eight_in_the_psa_and_two_made_up_beside_make_ten_wanted() -> None:
    edited = replace(NOW, quantity=Decimal(8))
    (one,) = found(edited)
    eight = replace(VALUES, quantity=Decimal(8))
    last = date(2026, 9, 30)
    plan = plan_of(
        change(Action.CANCEL, eight, replace(eight, cancelled=last), "8801"),
        change(
            Action.CREATE,
            None,
            replace(VALUES, quantity=Decimal(2), effective=date(2026, 9, 1), cancelled=last),
            None,
        ),
        change(Action.CREATE, None, replace(VALUES, effective=date(2026, 10, 1)), None),
    )
    assert wanted(one, plan, [edited]) == Decimal(10)


def test_a_record_that_is_over_before_the_month_is_wanted_as_it_is() -> None:
    past = replace(VALUES, cancelled=date(2026, 8, 31))
    edited = replace(NOW, quantity=Decimal(8), cancelled=date(2026, 8, 31))
    (one,) = found(edited, applied=replace(APPLIED, values=past))
    plan = plan_of(change(Action.CREATE, None, replace(VALUES, effective=date(2026, 9, 1)), None))
    assert wanted(one, plan, [edited]) == Decimal(8)


def test_any_other_field_is_wanted_as_the_plan_writes_it_or_else_as_it_is() -> None:
    edited = replace(NOW, unit_price=Decimal(22))
    (one,) = found(edited)
    before = replace(VALUES, unit_price=Decimal(22))
    assert wanted(one, plan_of(change(Action.UPDATE, before, VALUES, "8801")), [edited]) == Decimal(20)
    assert wanted(one, plan_of(), [edited]) == Decimal(22)
    assert wanted(one, plan_of(change(Action.DELETE, before, None, "8801")), [edited]) is None


def test_who_is_told_by_the_last_entry_that_names_the_field() -> None:
    (one,) = found(replace(NOW, quantity=Decimal(8)))
    quantity, price = frozenset({RecordField.QUANTITY}), frozenset({RecordField.UNIT_PRICE})
    traces = (Trace("us", "1", "", quantity), Trace("Jo", "2", "", quantity), Trace("Al", "3", "", price))
    who = trace_of(one, traces)
    assert who is not None
    assert who.who == "Jo"
    assert trace_of(one, traces[2:]) is None


# -- what is kept


def test_an_override_holds_while_the_psa_has_what_it_keeps() -> None:
    edited = replace(NOW, quantity=Decimal(8))
    keeping = kept([override()], {"55": (edited,)}, SEPTEMBER)
    assert keeping.subscriptions == {"sub-1"}
    assert [finding.severity for finding in keeping.findings] == [Severity.INFO]
    (one,) = found(edited)
    assert keeping.of(one) == override()
    assert drift_findings([one], keeping) == ()


def test_it_holds_without_any_knowledge_of_what_was_applied() -> None:
    named = override(record=None, customer="Contoso", subscription="SUB-1", effective=date(2026, 8, 1))
    assert kept([named], {"55": (replace(NOW, quantity=Decimal(8)),)}, SEPTEMBER).subscriptions == {"sub-1"}


@pytest.mark.parametrize(("until", "holds"), [(Month(2026, 9), True), (Month(2026, 8), False)])
def test_its_last_month_is_the_last_in_which_it_holds(until: Month, holds: bool) -> None:
    keeping = kept([override(until=until)], {"55": (replace(NOW, quantity=Decimal(8)),)}, SEPTEMBER)
    assert bool(keeping.subscriptions) is holds
    assert [finding.code for finding in keeping.findings] == ["override" if holds else "override-expired"]


def test_of_another_value_it_does_not_hold() -> None:
    keeping = kept([override()], {"55": (replace(NOW, quantity=Decimal(7)),)}, SEPTEMBER)
    assert keeping.subscriptions == frozenset()
    (finding,) = keeping.findings
    assert (finding.code, finding.severity, finding.where) == ("override-differs", Severity.WARNING, PLACE)
    assert "but in the PSA quantity is 7" in finding.message


def test_an_open_end_is_kept_as_a_value() -> None:
    opened = override(keep={RecordField.CANCELLED: None})
    assert kept([opened], {"55": (NOW,)}, SEPTEMBER).subscriptions == {"sub-1"}
    ended = replace(NOW, cancelled=date(2026, 9, 30))
    (finding,) = kept([opened], {"55": (ended,)}, SEPTEMBER).findings
    assert "with last day open, but in the PSA last day is 2026-09-30" in finding.message


def test_a_renewed_override_is_not_told_to_have_run_out() -> None:
    edited = {"55": (replace(NOW, quantity=Decimal(8)),)}
    keeping = kept([override(), override(until=Month(2026, 8))], edited, SEPTEMBER)
    assert keeping.subscriptions == {"sub-1"}
    assert [finding.code for finding in keeping.findings] == ["override"]


def test_a_record_that_is_gone_is_kept_away() -> None:
    away = override(
        record=None, keep={}, gone=True, customer="Contoso", subscription="SUB-1", effective=date(2026, 8, 1)
    )
    keeping = kept([away], {"55": ()}, SEPTEMBER)
    assert keeping.subscriptions == {"sub-1"}
    (one,) = found()
    assert keeping.of(one) == away
    assert kept([away], {"55": (NOW,)}, SEPTEMBER).subscriptions == frozenset()


def test_an_override_of_no_record_is_named() -> None:
    assert unfounded([override()], {"55": (NOW,)}) == ()
    (finding,) = unfounded([override(record="1")], {"55": (NOW,)})
    assert (finding.code, finding.where) == ("decision-unfounded", PLACE)
    assert kept([override(record="1")], {"55": (NOW,)}, SEPTEMBER).findings == ()


def credit_note(kind: Kind, charge: Charge) -> Invoice:
    line = InvoiceLine(
        2, PLACE, CustomerRef("t"), Motion.SEAT_MONTHLY, "s", "k", "", charge, Decimal(0), None, None, None, Decimal(-5)
    )
    return Invoice(
        "CN-1", None, Span(date(2026, 9, 1), date(2026, 9, 30)), "AUD", kind, Document("", "", "", ""), (line,)
    )


@pytest.mark.parametrize(
    ("invoice", "number", "line", "why"),
    [
        (credit_note(Kind.CREDIT_NOTE, Charge.CYCLE), "CN-1", 2, None),
        (credit_note(Kind.INVOICE, Charge.CREDIT), "CN-1", 2, None),
        (credit_note(Kind.INVOICE, Charge.CYCLE), "CN-1", 2, "which is no credit"),
        (credit_note(Kind.CREDIT_NOTE, Charge.CYCLE), "CN-1", 3, "which has no such line"),
        (credit_note(Kind.CREDIT_NOTE, Charge.CYCLE), "CN-2", 2, "and no such document was read"),
    ],
)
def test_a_credit_of_nothing_is_named(invoice: Invoice, number: str, line: int, why: str | None) -> None:
    credit = AcceptedCredit(number, line, "Contoso", AgreementRef(name="CSP"), "r", None, PLACE)
    messages = [finding.message for finding in unfounded_credits([credit], [invoice])]
    assert bool(messages) is (why is not None)
    assert all(str(why) in message for message in messages)


# -- how it is told


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"quantity": Decimal(8)}, "drift: PSA 8 ≠ last applied 10 (record 8801 from 2026-08-01, applied 2026-10-03)"),
        ({"unit_price": Decimal("20.50")}, "drift: PSA unit price 20.5 ≠ last applied 20 ("),
        ({"cancelled": date(2026, 9, 30)}, "drift: PSA last day 2026-09-30 ≠ last applied open ("),
        ({"serial_number": None}, "drift: PSA serial number none ≠ last applied sub-1 ("),
    ],
)
def test_drift_is_a_warning_in_the_words_of_the_rule(edit: dict[str, object], words: str) -> None:
    nothing = kept([], {}, SEPTEMBER)
    (finding,) = drift_findings(found(replace(NOW, **edit)), nothing)  # type: ignore[arg-type]
    assert (finding.severity, finding.code, finding.customer) == (Severity.WARNING, "C8", "Contoso")
    assert finding.message.startswith(words)


def test_a_description_is_a_note() -> None:
    nothing = kept([], {}, SEPTEMBER)
    assert APPLIED.values
    ours = replace(APPLIED, values=replace(APPLIED.values, description="ours"))
    (finding,) = drift_findings(found(replace(NOW, description="theirs"), applied=ours), nothing)
    assert finding.severity is Severity.INFO


def test_a_record_that_came_in_is_a_warning_for_it_bills() -> None:
    nothing = kept([], {}, SEPTEMBER)
    (finding,) = drift_findings(found(NOW, replace(NOW, id="9000")), nothing)
    assert (finding.severity, finding.message) == (
        Severity.WARNING,
        "record 9000 from 2026-08-01 with 10 came in without us; it counts as billing the subscription",
    )
