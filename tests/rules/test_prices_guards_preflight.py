"""Own prices, guards, and what must be true of an agreement."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from reconciler.domain.days import Month
from reconciler.domain.finding import Place
from reconciler.domain.mapping import BillingTime, Guards, PriceRule
from reconciler.domain.money import Money
from reconciler.domain.records import Addition, Agreement
from reconciler.rules.billing import billed
from reconciler.rules.guards import Written, beyond_changes, beyond_decrease, beyond_margin, beyond_unmapped, open_value
from reconciler.rules.periods import first_open_day
from reconciler.rules.preflight import E7, check_agreement
from reconciler.rules.prices import own_price, winning_rule

SEP = Month(2026, 9)
ZERO = Decimal(0)
AGREEMENT = Agreement(
    "55", "Contoso CSP", "250", "Contoso", active=True, status="Active", prorates=True, calendar_months=True,
    one_time=False, start=date(2026, 1, 1), end=None, billing_start=date(2026, 1, 1), next_invoice=date(2026, 9, 1),
)  # fmt: skip


def rule(basis: str, amount: str = "0", percent: str = "0", **conditions: object) -> PriceRule:
    fields: dict[str, object] = {"program": None, "customer": None, "sku": None, "first": None, "last": None}
    values = fields | conditions
    return PriceRule("r", basis, Decimal(amount), Decimal(percent), text="", place=Place("m.yaml"), **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("priced", "price"),
    [
        (rule("retail"), "20"),
        (rule("retail", percent="-5"), "19"),
        (rule("cost", percent="10"), "17.6"),
        (rule("cost", amount="1.20"), "17.2"),
        (rule("fixed", amount="12.50"), "12.5"),
    ],
)
def test_a_rule_makes_its_price_from_its_basis(priced: PriceRule, price: str) -> None:
    own = own_price(priced, Decimal(20), Decimal(16))
    assert own
    assert own.price == Decimal(price)


def test_without_a_rule_the_retail_price_is_billed_and_without_one_of_those_there_is_no_price() -> None:
    own = own_price(None, Decimal(20), Decimal(16))
    assert own
    assert own.price == 20
    assert own_price(None, None, Decimal(16)) is None
    assert own_price(rule("retail"), None, Decimal(16)) is None


def test_a_price_left_to_the_psa_has_no_price_of_ours() -> None:
    own = own_price(rule("psa"), Decimal(20), Decimal(16))
    assert own
    assert own.price is None


def test_the_first_rule_that_holds_wins_by_customer_sku_and_days_inclusive() -> None:
    contoso = rule("fixed", amount="1", customer="Contoso", first=date(2026, 9, 1), last=date(2026, 9, 30))
    rules = [contoso, rule("cost")]
    assert winning_rule(rules, "csp", "Contoso", "x", date(2026, 9, 30)) is contoso
    assert winning_rule(rules, "csp", "Contoso", "x", date(2026, 10, 1)) is rules[1]
    assert winning_rule(rules, "csp", "Fabrikam", "x", date(2026, 9, 30)) is rules[1]


def test_guards_say_what_is_beyond_them_and_are_quiet_at_their_limit() -> None:
    guards = Guards(max_changes=2, max_decrease_percent=Decimal(30), min_margin_percent=ZERO, max_unmapped_amount=ZERO)
    assert beyond_changes(guards, 2, "csp") is None
    assert "3 changes" in (beyond_changes(guards, 3, "csp") or "")
    assert beyond_decrease(guards, Decimal(100), Decimal(70), "csp") is None
    assert "30.01 %" in (beyond_decrease(guards, Decimal(100), Decimal("69.99"), "csp") or "")
    assert beyond_margin(guards, [Written("Contoso", "sub", Decimal(16), Decimal(16))], "csp") is None
    below = Written("Contoso", "sub", Decimal("15.99"), Decimal(16))
    refusal = beyond_margin(guards, [below, below], "csp") or ""
    assert beyond_unmapped(guards, [Money(ZERO, "AUD")], "csp") is None
    assert "0.01 AUD" in (beyond_unmapped(guards, [Money(Decimal("0.01"), "AUD")], "csp") or "")
    assert refusal.endswith(
        "1 record is below the floor of 0 %: Contoso, sub at 15.99 for a cost of 16.00 (margin -0.1 %)"
    )


def test_the_margin_guard_names_the_first_few_and_counts_all() -> None:
    below = [Written("Contoso", f"sub-{number}", Decimal(number), Decimal(16)) for number in range(5)]
    refusal = beyond_margin(Guards(min_margin_percent=Decimal(10)), below, "csp") or ""
    assert "5 records are below the floor of 10 %: Contoso, sub-0 at 0.00 for a cost of 16.00 (margin none)" in refusal
    assert refusal.endswith("; and 2 more")
    assert "sub-3" not in refusal


def test_an_unset_guard_never_refuses() -> None:
    none = Guards(None, None, None, None)
    assert beyond_changes(none, 10**6, "csp") is None
    assert beyond_decrease(none, Decimal(100), ZERO, "csp") is None
    assert beyond_margin(none, [Written("Contoso", "sub", ZERO, Decimal(16))], "csp") is None
    assert beyond_unmapped(none, [Money(Decimal(10**6), "AUD")], "csp") is None


def test_the_open_value_counts_records_without_an_end() -> None:
    row = Addition("1", "55", "4120", Decimal(10), Decimal(20), Decimal(16), date(2026, 8, 1), None)
    assert open_value([row, replace(row, cancelled=date(2026, 9, 30))]) == 200


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"active": False, "status": "Cancelled"}, "P35"),
        ({"billing_start": date(2026, 9, 2)}, "P36"),
        ({"start": date(2026, 9, 2)}, "P36"),
        ({"prorates": False}, "P37"),
        ({"prorates": False, "next_invoice": date(2026, 10, 1)}, "E7"),
        ({"calendar_months": False}, "P38"),
        ({"end": date(2026, 8, 31)}, "P40"),
        ({"one_time": True}, "P54"),
        ({"currency": "NZD"}, "currency"),
    ],
)
def test_an_agreement_that_cannot_carry_the_month_is_told_with_what_to_do(
    changed: dict[str, object], code: str
) -> None:
    agreement = replace(AGREEMENT, **changed)  # type: ignore[arg-type]
    open_from = first_open_day(agreement, BillingTime.ADVANCE)
    (finding,) = check_agreement(agreement, SEP, SEP.first, open_from, ["AUD"])
    assert finding.code == code
    assert finding.hint
    if code == "E7":
        assert finding.message == E7


def test_a_sound_agreement_has_no_finding() -> None:
    assert check_agreement(replace(AGREEMENT, currency="AUD"), SEP, SEP.first, SEP.first, ["AUD"]) == ()


def test_in_arrears_the_period_before_the_next_invoice_is_still_open() -> None:
    agreement = replace(AGREEMENT, next_invoice=date(2026, 10, 1))
    assert first_open_day(agreement, BillingTime.ADVANCE) == date(2026, 10, 1)
    assert first_open_day(agreement, BillingTime.ARREARS) == date(2026, 9, 1)
    assert first_open_day(replace(agreement, next_invoice=None), BillingTime.ADVANCE) == date.min


@pytest.mark.parametrize(
    ("quantity", "effective", "cancelled", "amount"),
    [
        ("10", date(2026, 8, 1), None, "200.00"),
        ("3", date(2026, 9, 12), date(2026, 9, 30), "38.00"),
        ("-2", date(2026, 9, 20), date(2026, 9, 30), "-14.67"),
        ("5", date(2026, 9, 18), None, "43.33"),
        ("11", date(2026, 10, 1), None, "0"),
        ("11", date(2026, 1, 1), date(2026, 8, 31), "0"),
        ("4", date(2026, 8, 1), date(2026, 9, 12), "80.00"),
    ],
)
def test_an_addition_bills_its_days_of_the_month(
    quantity: str, effective: date, cancelled: date | None, amount: str
) -> None:
    row = Addition("1", "55", "4120", Decimal(quantity), Decimal(20), Decimal(16), effective, cancelled)
    assert billed(row, SEP, prorates=True, currency="AUD") == Decimal(amount)


def test_without_proration_a_part_of_the_month_bills_in_full() -> None:
    row = Addition("1", "55", "4120", Decimal(3), Decimal(20), Decimal(16), date(2026, 9, 12), None)
    assert billed(row, SEP, prorates=False) == 60
    assert billed(replace(row, bills=False), SEP, prorates=True) == 0
