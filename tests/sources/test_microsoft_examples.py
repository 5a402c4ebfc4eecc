"""Microsoft's own worked examples give the seats by day that Microsoft states."""

from decimal import Decimal
from pathlib import Path

import pytest
from source_files import levels

from reconciler.domain.invoice import Charge, Motion
from reconciler.sources.documents import Reading, read_files

DATA = Path(__file__).parent / "data"
SUBSCRIPTION = "284b0ff0-0e74-4f65-cb23-f8ad95867994"
STANDARD, E1 = "CFQ7TTC0LDPB:0001", "CFQ7TTC0LF8Q:0001"


def read(name: str) -> Reading:
    return read_files([DATA / name])


def test_seat_changes_within_one_cycle_give_the_documented_levels() -> None:
    reading = read("seat-changes-in-one-cycle.csv")
    assert reading.findings == ()
    assert levels(reading) == {
        (SUBSCRIPTION, STANDARD): [
            ("2022-03-05", "10"),
            ("2022-03-07", "15"),
            ("2022-03-10", "25"),
            ("2022-03-12", "23"),
            ("2022-03-14", "20"),
            ("2022-03-25", "30"),
            ("2022-04-05", "0"),
        ]
    }


def test_seats_added_and_removed_on_one_day_give_the_days_last_level() -> None:
    reading = read("add-and-remove-seats.csv")
    assert reading.findings == ()
    assert levels(reading) == {
        (SUBSCRIPTION, STANDARD): [("2021-06-18", "10"), ("2021-06-20", "8"), ("2021-07-18", "0")]
    }


def test_a_full_upgrade_moves_the_seats_to_the_new_product_under_the_same_subscription() -> None:
    assert levels(read("full-upgrade.csv")) == {
        (SUBSCRIPTION, STANDARD): [("2021-06-18", "300"), ("2021-06-25", "0")],
        (SUBSCRIPTION, E1): [("2021-06-25", "300"), ("2021-07-18", "0")],
    }


def test_the_upgrades_money_is_taken_as_it_was_charged() -> None:
    invoice = read("full-upgrade.csv").invoices[0]
    assert [line.amount for line in invoice.lines] == [Decimal(3024), Decimal(-2316), Decimal(1476)]
    assert [line.quantity for line in invoice.lines] == [300, -300, 300]
    assert [line.unit_cost for line in invoice.lines] == [Decimal("10.08"), Decimal("10.08"), Decimal("6.43")]


def test_a_year_paid_at_once_is_told_from_monthly_billing_by_its_days() -> None:
    lines = read("four-alternatives.csv").invoices[0].lines
    assert [line.charge for line in lines] == [Charge.NEW, Charge.RENEW, Charge.CYCLE, Charge.NEW]
    assert [line.motion for line in lines] == [Motion.SEAT_MONTHLY] * 3 + [Motion.SEAT_ANNUAL]


def test_two_pages_of_the_v1_interface_are_one_invoice() -> None:
    reading = read_files([DATA / f"v1-lines-onetime-billing-page{count}.json" for count in (1, 2)])
    (invoice,) = reading.invoices
    assert (invoice.number, invoice.currency, str(invoice.period)) == ("1234000000", "USD", "2018-02-01 to 2018-02-28")
    assert [line.number for line in invoice.lines] == [1, 2, 3]
    assert sum(line.amount or 0 for line in invoice.lines) == Decimal("1905.15")
    assert invoice.lines[0].customer.tenant == "9060d13d-c5ed-482e-b059-a15a38000000"
    assert not any(finding.blocks for finding in reading.findings)


def test_a_first_page_alone_is_reported_as_incomplete() -> None:
    reading = read("v1-lines-onetime-billing-page1.json")
    assert [finding.code for finding in reading.findings if finding.blocks] == ["missing-page"]


def test_daily_usage_is_not_read_beside_the_reconciliation_that_holds_its_totals() -> None:
    reading = read("v1-lines-onetime-daily-usage-billed.json")
    assert reading.invoices == ()
    assert [finding.code for finding in reading.findings] == ["unknown-format"]
    assert "daily rated usage" in reading.findings[0].message


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("legacy-monthly-seat-change.csv", [("2018-01-13", "1"), ("2018-02-01", "2"), ("2018-03-13", "0")]),
        ("legacy-annual-seat-change.csv", [("2017-02-11", "1"), ("2017-02-12", "2"), ("2018-02-11", "0")]),
    ],
)
def test_the_rule_of_signs_and_days_holds_for_charge_types_that_nobody_lists(
    name: str, expected: list[tuple[str, str]]
) -> None:
    reading = read(name)
    assert levels(reading) == {(SUBSCRIPTION, STANDARD): expected}
    assert {finding.code for finding in reading.findings} == {"unknown-charge", "unknown-columns"}


@pytest.mark.parametrize("name", ["seat-changes-in-one-cycle.csv", "add-and-remove-seats.csv", "full-upgrade.csv"])
def test_the_order_of_rows_does_not_matter(name: str, tmp_path: Path) -> None:
    header, *rows = (DATA / name).read_text().splitlines()
    shuffled = tmp_path / name
    shuffled.write_text("\n".join([header, *reversed(rows)]))
    assert levels(read_files([shuffled])) == levels(read(name))
