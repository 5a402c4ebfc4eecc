"""One change's derivation: snapshots, the sum behind each amount, and what is said where there is none."""

import re
import unicodedata
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from plans_of_examples import (
    EXAMPLES,
    INVOICE,
    OCTOBER,
    PRODUCT,
    SEPTEMBER,
    SUBSCRIPTION,
    addition,
    change,
    example_1,
    many_customers,
    plan,
    product_creation,
    troubled,
)
from random_plans import plans
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion

from reconciler.domain.plan import Action, AdditionValues, Because, Plan
from reconciler.render.arithmetic import told
from reconciler.render.explanation import NotInPlan, explanation_lines, find_change
from reconciler.render.rules_told import RULES

SLOW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
RISE = f"psa/Contoso/seat-monthly/{SUBSCRIPTION}/2026-09-12"


def text_of(shown: Plan, address: str) -> str:
    return "\n".join(explanation_lines(shown, address))


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_change_of_an_example_is_explained_as_it_was(name: str, snapshot: SnapshotAssertion) -> None:
    shown = EXAMPLES[name]()
    assert "\n\n=====\n\n".join(text_of(shown, change.address) for change in shown.changes) == snapshot


def test_the_sum_behind_a_rise_is_told_with_its_days() -> None:
    assert "2026-09  +38.00  = 3 seats × 20.00 AUD × 19/30 days" in text_of(example_1(), RISE)


def test_the_sum_of_a_closed_record_says_what_is_no_longer_billed() -> None:
    closed = example_1().changes[0].address
    assert "2026-10  -200.00  no longer billed: 10 seats × 20.00 AUD" in text_of(example_1(), closed)
    assert "2026-09     0.00  10 seats × 20.00 AUD, as before" in text_of(example_1(), closed)


def test_an_update_tells_the_new_sum_less_the_old() -> None:
    update = troubled().changes[0]
    assert told(update, SEPTEMBER, "AUD") == "= 10 seats × 20.00 AUD, less 8 seats × 19.50 AUD before"


def test_a_start_in_mid_month_that_does_not_prorate_is_told_by_the_whole_month() -> None:
    whole = change(Action.CREATE, None, addition("5", "09-18"), {SEPTEMBER: "100.00"}, [])
    assert told(whole, SEPTEMBER, "AUD") == "= 5 seats × 20.00 AUD for the month"


def test_a_charge_that_is_billed_once_is_told_so_in_its_month_alone() -> None:
    once = change(Action.CREATE, None, addition("5", "09-01"), {SEPTEMBER: "100.00"}, [])
    assert told(once, SEPTEMBER, "AUD") == "= 5 seats × 20.00 AUD"
    assert told(once, OCTOBER, "AUD") is None


def test_no_sum_is_told_that_does_not_give_the_amount_of_the_plan() -> None:
    odd = replace(example_1().changes[1], impact={SEPTEMBER: Decimal("38.01")})
    assert told(odd, SEPTEMBER, "AUD") is None
    assert "2026-09  +38.01  as the PSA bills it" in text_of(replace(example_1(), changes=(odd,)), RISE)


def test_half_a_cent_is_rounded_as_the_bill_is() -> None:
    values = replace(addition("1", "09-21"), unit_price=Decimal("0.015"))
    assert isinstance(values, AdditionValues)
    assert values.effective == date(2026, 9, 21)
    assert told(change(Action.CREATE, None, values, {SEPTEMBER: "0.01"}, []), SEPTEMBER, "AUD") is not None


def test_what_the_partner_pays_stands_under_its_own_heading_at_the_end() -> None:
    customer, _, partner = text_of(example_1(), RISE).partition("Not for the customer")
    assert "16.00" not in customer
    assert "cost" not in customer
    assert "unit cost 16.00 AUD, margin 4.00 AUD (20.0 %)" in partner


def test_what_must_be_written_first_is_named() -> None:
    needing = product_creation().changes[2]
    assert f"What has to be written first\n  {PRODUCT}" in text_of(product_creation(), needing.address)


def test_part_of_an_address_is_enough_where_no_other_change_has_it() -> None:
    assert find_change(example_1(), "2026-09-12").address == RISE


def test_a_part_that_several_changes_have_is_answered_with_them() -> None:
    with pytest.raises(NotInPlan) as missing:
        find_change(example_1(), "2026-09")
    assert missing.value.nearest == (RISE, RISE.replace("09-12", "09-20"))


def test_a_mistyped_address_is_answered_with_those_that_are_near() -> None:
    with pytest.raises(NotInPlan) as missing:
        find_change(example_1(), RISE.replace("Contoso", "Contso"))
    assert missing.value.nearest[0] == RISE


def test_an_address_like_no_other_is_answered_with_none() -> None:
    with pytest.raises(NotInPlan) as missing:
        find_change(many_customers(2), "")
    assert missing.value.nearest == ()


def test_every_rule_that_a_plan_may_name_has_its_sentence() -> None:
    named = [f"P{n}" for n in (27, 28, 29, 30, 31, 36, 37, 39, *range(42, 51))]
    named += [f"C{n}" for n in (*range(1, 13), 18)] + [f"E{n}" for n in range(1, 11)] + ["W1", "W2"]
    assert [rule for rule in named if rule not in RULES] == []
    assert [text for text in RULES.values() if not re.fullmatch(r"[A-Z].+\.", text)] == []


def test_a_rule_without_a_sentence_is_named_all_the_same() -> None:
    reason = Because("H99", "a reason of its own", INVOICE, 1)
    odd = replace(example_1().changes[1], because=(reason,))
    assert "H99: a reason of its own." in text_of(replace(example_1(), changes=(odd,)), RISE)


@pytest.mark.security(27)
@SLOW
@given(plans())
def test_no_explanation_is_wider_than_the_page_or_holds_a_control_character(shown: Plan) -> None:
    for each in shown.changes:
        for line in explanation_lines(plan([each], shown.impact), each.address, width=80):
            assert cell_len(line) <= 80
            assert [c for c in line if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}] == []
