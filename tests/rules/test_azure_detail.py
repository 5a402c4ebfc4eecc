"""What a month's usage was made of, as text for the customer's invoice."""

from decimal import Decimal

import pytest

from reconciler.domain.days import Month
from reconciler.domain.finding import Place
from reconciler.domain.invoice import Charge, CustomerRef, InvoiceLine, Motion
from reconciler.domain.mapping import AzureDetail
from reconciler.rules.azure_detail import LONGEST, MOST_GROUPS, usage_text
from reconciler.rules.charged import ChargedLine, Rate

MONTH = Month(2026, 9)


def usage(price: str, meter: str | None = None, group: str | None = None, subscription: str = "s") -> ChargedLine:
    amount = Decimal(price)
    line = InvoiceLine(
        1, Place("a.yaml", 1), CustomerRef("t"), Motion.AZURE, subscription, "AZ", "Azure usage", Charge.USAGE,
        Decimal(1), None, None, amount, None, resource_group=group, meter=meter,
    )  # fmt: skip
    return ChargedLine("INV", line, Rate(amount, amount / 2))


def test_without_detail_there_is_no_text() -> None:
    assert usage_text([usage("5")], AzureDetail.NONE, MONTH, "AUD") == ""


def test_groups_are_told_dearest_first_at_the_customers_price() -> None:
    lines = [usage("5", "b"), usage("7", "a"), usage("3", "b")]
    assert usage_text(lines, AzureDetail.METER, MONTH, "AUD") == "Azure usage 2026-09: b 8.00; a 7.00"
    by_subscription = [usage("5", subscription="one"), usage("7", subscription="two")]
    told = usage_text(by_subscription, AzureDetail.SUBSCRIPTION, MONTH, "AUD")
    assert told == "Azure usage 2026-09: two 7.00; one 5.00"


def test_what_is_beyond_the_most_groups_is_one_sum() -> None:
    lines = [usage("1", f"meter {n:03}") for n in range(MOST_GROUPS + 5)]
    told = usage_text(lines, AzureDetail.METER, MONTH, "AUD")
    assert told.endswith("meter 029 1.00; 5 others 5.00")


@pytest.mark.parametrize("longest", [200, 60, LONGEST])
def test_the_text_fits_and_its_amounts_still_add_up(longest: int) -> None:
    lines = [usage("10", "x" * 500 + str(n), f"group {n}") for n in range(200)]
    for detail in (AzureDetail.METER, AzureDetail.RESOURCE_GROUP):
        told = usage_text(lines, detail, MONTH, "AUD", longest)
        assert len(told) <= longest
        amounts = [Decimal(part.rsplit(" ", 1)[1]) for part in told.partition(": ")[2].split("; ")]
        assert sum(amounts) == 2000


def test_a_name_cannot_break_the_line_or_pass_for_another_group() -> None:
    told = usage_text([usage("5", "evil\n; free 0.00\u202e")], AzureDetail.METER, MONTH, "AUD")
    assert told == "Azure usage 2026-09: evil , free 0.00 5.00"
