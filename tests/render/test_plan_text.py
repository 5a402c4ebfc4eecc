"""A plan as text: snapshots of the rulebook's examples, and what must hold of every plan."""

import re
import unicodedata
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from plans_of_examples import (
    EXAMPLES,
    SEPTEMBER,
    bill,
    example_1,
    many_customers,
    no_changes,
    plan,
    troubled,
)
from random_plans import plans, with_text_everywhere
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.plan import AdditionValues, Plan, Verdict
from reconciler.render.grouping import short_ids
from reconciler.render.plan_text import plan_lines
from reconciler.render.safe_text import safe
from reconciler.render.terminal import broken, wrapped
from reconciler.render.wording import NO_CHANGES

SLOW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
ESCAPE = re.compile(r"\x1b\[[0-9]+m|\x1b\[0m")


def text_of(shown: Plan, width: int = 80, *, colour: bool = False) -> str:
    return "\n".join(plan_lines(shown, width=width, colour=colour))


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_reads_as_it_did(name: str, width: int, snapshot: SnapshotAssertion) -> None:
    assert text_of(EXAMPLES[name](), width) == snapshot


@pytest.mark.parametrize("name", ["example 1", "troubled"])
def test_an_example_in_colour_reads_as_it_did(name: str, snapshot: SnapshotAssertion) -> None:
    assert text_of(EXAMPLES[name](), colour=True) == snapshot


@pytest.mark.parametrize("name", EXAMPLES)
def test_colour_adds_nothing_but_colour(name: str) -> None:
    coloured = text_of(EXAMPLES[name](), colour=True)
    assert "\x1b[" in coloured
    assert ESCAPE.sub("", coloured) == text_of(EXAMPLES[name]())


@SLOW
@given(plans())
def test_no_line_is_wider_than_the_page(shown: Plan) -> None:
    for width in (80, 120):
        assert [line for line in plan_lines(shown, width=width, colour=False) if cell_len(line) > width] == []


@SLOW
@given(plans())
def test_every_address_stands_in_the_text(shown: Plan) -> None:
    text = "".join(text_of(shown).split())
    for change in shown.changes:
        assert "".join(safe(change.address).split()) in text


@pytest.mark.security(27)
@SLOW
@given(plans())
def test_no_control_character_of_others_reaches_the_terminal(shown: Plan) -> None:
    for line in plan_lines(shown, width=80, colour=False):
        assert [c for c in line if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}] == []


@pytest.mark.security(27)
@pytest.mark.parametrize(
    "payload", ["\x1b[31mred", "[link=http://evil.example]x[/link]", "[/bold]", "a\nb", "\u202egpj"]
)
def test_markup_of_others_is_shown_as_it_is_written(payload: str) -> None:
    text = text_of(with_text_everywhere(payload), 200)
    assert safe(payload).split()[0] in text
    assert "\x1b" not in text


def test_the_records_columns_add_up_to_what_the_agreement_bills_after() -> None:
    lines = text_of(example_1()).splitlines()
    end = next(line.index("2026-09") + len("2026-09") for line in lines if line.startswith("  Contoso Microsoft CSP"))
    september = [line[end - 8 : end].strip() for line in lines if re.match(r"    [-+~>x] |  bills before", line)]
    after = next(line[end - 8 : end] for line in lines if line.startswith("  bills after"))
    assert [amount for amount in september if amount] == ["200.00", "+38.00", "-14.67"]
    assert sum(Decimal(amount) for amount in september if amount) == Decimal(after) == Decimal("223.33")


def test_the_money_stands_in_one_column_on_every_line_of_it() -> None:
    lines = text_of(troubled()).splitlines()
    ends = {len(line) for line in lines if re.search(r"(bills (before|after),|^    [-+~>x] ).*\d\.\d\d$", line)}
    assert ends == {80}


def test_all_is_said_to_be_well_only_where_nothing_is_wrong() -> None:
    well = no_changes()
    error = Finding(Severity.ERROR, "E8", "cannot be matched", customer="Contoso")
    differs = bill(SEPTEMBER, "200.00", "200.00", charged="335", billed="300", verdict=Verdict.DIFFERS, reason="edited")
    unknown = bill(SEPTEMBER, "200.00", "200.00", verdict=Verdict.NOT_RECONCILABLE, reason="no price list")
    assert NO_CHANGES in text_of(well).splitlines()
    assert "No changes, but 1 error kept customers out of the plan." in text_of(replace(well, findings=(error,)))
    assert "No changes, but 1 agreement will not bill what the invoices charged." in text_of(plan((), [differs]))
    assert "No changes, but 1 agreement could not be compared with the invoices." in text_of(plan((), [unknown]))
    assert "No changes, but no agreement was compared with the invoices." in text_of(plan((), []))
    for unwell in (replace(well, findings=(error,)), plan((), [differs]), plan((), [unknown]), plan((), [])):
        assert NO_CHANGES not in text_of(unwell)


def test_an_agreement_that_differs_is_shown_even_where_nothing_is_written() -> None:
    differs = bill(SEPTEMBER, "200.00", "200.00", charged="335", billed="300", verdict=Verdict.DIFFERS, reason="edited")
    text = text_of(plan((), [differs]))
    assert "Contoso Microsoft CSP" in text
    assert "335 seat-days charged ≠ 300 billed" in text
    assert "2026-09: differs: edited" in text


def test_a_guard_that_refuses_is_named_beside_the_summary() -> None:
    lines = text_of(troubled()).splitlines()
    assert "Refused by guard max_unmapped_amount: 1250.40 AUD are unmapped, 0 are allowed." in lines[-5:]


def test_money_in_two_currencies_is_not_added() -> None:
    kiwi = bill(SEPTEMBER, "10.00", "12.00", agreement="psa/agreement/9", currency="NZD")
    text = text_of(replace(example_1(), impact=(*example_1().impact, kiwi)))
    assert re.search(r"bill after, in AUD +223.33", text)
    assert re.search(r"bill after, in NZD +12.00", text)


def test_three_hundred_customers_are_all_shown() -> None:
    text = text_of(many_customers())
    assert all(f"\nCustomer {number:03d}\n" in text for number in range(300))
    assert "Plan: 900 to create, 300 to end." in text


def test_a_subscription_id_is_shortened_only_as_far_as_it_stays_its_own() -> None:
    short = short_ids(["aaaaaaaa-1111-4000", "aaaaaaaa-2222-4000", "bbbbbbbb-2222-4000", "short"])
    assert short == {
        "aaaaaaaa-1111-4000": "aaaaaaaa-1…",
        "aaaaaaaa-2222-4000": "aaaaaaaa-2…",
        "bbbbbbbb-2222-4000": "bbbbbbbb…",
        "short": "short",
    }


def test_a_record_with_a_price_of_many_places_keeps_them_all() -> None:
    change = example_1().changes[1]
    assert isinstance(change.after, AdditionValues)
    dear = replace(change, after=replace(change.after, unit_price=Decimal("20.0375")))
    assert "at 20.0375" in text_of(replace(example_1(), changes=(dear,)))


def test_a_wrapped_word_is_cut_only_where_it_is_wider_than_the_line() -> None:
    assert list(wrapped("one two three", 7)) == ["one two", "three"]
    assert list(wrapped("a verylongword b", 6)) == ["a", "verylo", "ngword", "b"]
    assert list(wrapped("表表表表", 4)) == ["表表", "表表"]
    assert list(wrapped("  ", 4)) == []


def test_a_broken_address_is_the_address_again_when_joined() -> None:
    address = "psa/Contoso/seat-monthly/5f1b6a3e-9c1d-4f0e-8a77-0c2b1d3e4f50/2026-09-12"
    pieces = broken(address, 30)
    assert "".join(pieces) == address
    assert pieces[0] == "psa/Contoso/seat-monthly/"
    assert max(map(len, pieces)) <= 30


def test_a_finding_about_a_blank_subscription_has_no_empty_line_for_it() -> None:
    blank = Finding(Severity.ERROR, "no-id", "the row names none", subscription=" ")
    shown = text_of(replace(no_changes(), findings=(blank,)))
    assert "the row names none" in shown
    assert [line for line in shown.splitlines() if line.strip() == "subscription"] == []
