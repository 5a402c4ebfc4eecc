from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.days import Span
from reconciler.domain.line_mark import LineMark, mark_in

CYCLE = Span(date(2026, 2, 15), date(2026, 3, 14))


def test_a_mark_tells_invoice_line_and_days_as_a_customer_reads_them() -> None:
    assert str(LineMark.of("INV-9", 3, CYCLE)) == "INV-9 line 3, 15 Feb 2026 to 14 Mar 2026"


@given(
    invoice=st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=30),
    line=st.integers(1, 10**6),
    first=st.dates(date(2000, 1, 1), date(2090, 1, 1)),
    days=st.integers(0, 400),
    name=st.sampled_from(["Basic", "E5 (no Teams)", "", "Basic (+3, 12 Sep 2026 to 30 Sep 2026)"]),
)
def test_every_mark_is_read_back_from_a_description(invoice: str, line: int, first: date, days: int, name: str) -> None:
    mark = LineMark.of(invoice, line, Span(first, first + timedelta(days=days)))
    assert mark_in(f"{name} ({mark})") == mark


def test_white_space_and_brackets_in_an_invoice_number_do_not_hide_the_line() -> None:
    mark = LineMark.of("INV (9)\t a", 3, CYCLE)
    assert mark.invoice == "INV [9] a"
    assert mark_in(f"Basic  ({mark}) ") == mark


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Microsoft 365 Business Basic",
        "Basic (+3, 12 Sep 2026 to 30 Sep 2026)",
        "Basic (INV-9)",
        "Basic (INV-9 line 3, 31 Feb 2026 to 14 Mar 2026)",
        "Basic (INV-9 line 3, 15 Mar 2026 to 14 Mar 2026)",
        "Basic (INV-9 line 3, 15 Feb 2026 to 14 Mar 2026) and more",
    ],
)
def test_other_texts_hold_no_mark(text: str) -> None:
    assert mark_in(text) is None


def test_a_number_that_another_begins_with_is_another_invoice() -> None:
    assert mark_in(f"Basic ({LineMark.of('INV-10', 1, CYCLE)})") != LineMark.of("INV-1", 1, CYCLE)
