"""The difference of two plans."""

import unicodedata
from dataclasses import replace
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from plans_of_examples import SEPTEMBER, adoption, bill, example_1, no_changes, troubled
from random_plans import plans
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion

from reconciler.domain.plan import AdditionValues, Plan
from reconciler.render.plan_diff import SAME, diff_lines
from reconciler.render.safe_text import safe

SLOW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def text_of(old: Plan, new: Plan) -> str:
    return "\n".join(diff_lines(old, new, width=80, colour=False))


def a_later_plan() -> Plan:
    """Example 1 after the third seat was given back: the rise is of 2, the fall is gone, and the bill is another."""
    base = example_1()
    rise = base.changes[1]
    assert isinstance(rise.after, AdditionValues)
    smaller = replace(
        rise, after=replace(rise.after, quantity=Decimal(2)), impact={SEPTEMBER: Decimal("25.33")}, because=()
    )
    september = replace(base.impact[0], after=Decimal("225.33"))
    return replace(base, changes=(base.changes[0], smaller, base.changes[3]), impact=(september, base.impact[1]))


def test_two_plans_that_differ_read_as_they_did(snapshot: SnapshotAssertion) -> None:
    assert text_of(example_1(), a_later_plan()) == snapshot


def test_findings_and_guards_that_came_are_told(snapshot: SnapshotAssertion) -> None:
    assert text_of(no_changes(), troubled()) == snapshot


def test_plans_that_were_made_at_other_times_say_the_same() -> None:
    later = replace(example_1(), created="2027-01-01T00:00:00Z", version="9.9.9")
    assert text_of(example_1(), later) == SAME


def test_a_bill_that_moved_is_told_even_where_no_record_did() -> None:
    moved = replace(no_changes(), impact=(bill(SEPTEMBER, "200.00", "201.00"),))
    text = text_of(no_changes(), moved)
    assert "Contoso Microsoft CSP of Contoso, 2026-09: 200.00 → 201.00 AUD" in text
    assert "Contoso Microsoft CSP of Contoso, 2026-10: 200.00 → not in the plan AUD" in text


def test_plans_of_two_months_are_told_to_be_so() -> None:
    assert "The old plan is of 2026-09, the new one of 2026-10." in text_of(
        adoption(), replace(adoption(), month="2026-10")
    )


@SLOW
@given(plans(), plans())
def test_every_change_of_one_plan_alone_is_told_and_every_line_fits(old: Plan, new: Plan) -> None:
    text = text_of(old, new)
    for line in text.splitlines():
        assert cell_len(line) <= 80
        assert [c for c in line if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}] == []
    both = {change.address for change in old.changes} & {change.address for change in new.changes}
    for change in (*old.changes, *new.changes):
        assert change.address in both or "".join(safe(change.address).split()) in "".join(text.split())
