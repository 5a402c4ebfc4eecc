"""The normalised invoice says the same in YAML, JSON, JSON Lines and CSV."""

import gzip
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from normalised_story import as_csv, as_json, as_json_lines, as_yaml
from source_files import levels, read_texts, told

from reconciler.domain.finding import Place
from reconciler.domain.invoice import Charge, CustomerRef, Document, Invoice, Motion, Scheduled

SPELLINGS = {
    "yaml": as_yaml().encode(),
    "json": as_json().encode(),
    "jsonl": as_json_lines().encode(),
    "csv": as_csv().encode(),
    "csv with underscores": as_csv("_").encode(),
    "csv with semicolons": as_csv(delimiter=";").encode(),
    "csv with a byte order mark": b"\xef\xbb\xbf" + as_csv().encode(),
    "yaml in UTF-16": as_yaml().encode("utf-16"),
    "yaml in gzip": gzip.compress(as_yaml().encode()),
}
SUBSCRIPTION = ("5f1b", "CFQ7TTC0LH18:0001")


def bare(invoice: Invoice) -> Invoice:
    """The invoice without where it stands."""
    document = Document("", "", "", "")
    return replace(invoice, document=document, lines=tuple(replace(line, place=Place("")) for line in invoice.lines))


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_gives_the_same_invoice(tmp_path: Path, spelling: str) -> None:
    (tmp_path / "yaml").mkdir()
    expected = read_texts(tmp_path / "yaml", a=as_yaml())
    (tmp_path / "other").mkdir()
    reading = read_texts(tmp_path / "other", a=SPELLINGS[spelling])
    assert told(reading) == []
    assert [bare(invoice) for invoice in reading.invoices] == [bare(invoice) for invoice in expected.invoices]


def test_the_story_is_read_exactly(tmp_path: Path) -> None:
    (invoice,) = read_texts(tmp_path, a_yaml=as_yaml()).invoices
    assert (invoice.number, invoice.issued, invoice.currency) == ("INV-2026-10-0001", date(2026, 10, 1), "AUD")
    assert (str(invoice.period), invoice.total) == ("2026-09-01 to 2026-09-30", Decimal("591.04"))
    assert invoice.customer == CustomerRef("8a7c-0001", "Contoso", "contoso.onmicrosoft.com")
    first, _, removed, azure = invoice.lines
    assert (first.charge, first.motion, first.quantity) == (Charge.CYCLE, Motion.SEAT_MONTHLY, 10)
    assert (first.unit_cost, first.unit_price, first.amount) == (Decimal(16), Decimal(20), Decimal(160))
    assert (first.term, first.billing) == ("P1M", "monthly")
    assert first.scheduled == Scheduled(Decimal(11), date(2026, 10, 12))
    assert str(removed.span) == "2026-09-20 to 2026-09-30"
    assert (azure.charge, azure.span, azure.quantity, azure.subscription) == (Charge.USAGE, None, 0, "")


def test_deltas_give_the_seats_by_day(tmp_path: Path) -> None:
    assert levels(read_texts(tmp_path, a_yaml=as_yaml())) == {
        SUBSCRIPTION: [("2026-09-01", "10"), ("2026-09-12", "13"), ("2026-09-20", "11"), ("2026-10-01", "0")]
    }


def test_each_line_knows_its_row(tmp_path: Path) -> None:
    rows = {
        name: [line.place.line for line in read_texts(tmp_path, **{f"a_{name}": text}).invoices[0].lines]
        for name, text in {"csv": as_csv()}.items()
    }
    (tmp_path / "a.csv").unlink()
    yaml = read_texts(tmp_path, a_yaml=as_yaml())
    assert rows == {"csv": [2, 3, 4, 5]}
    written = as_yaml().splitlines()
    assert [written[(line.place.line or 0) - 1].strip() for line in yaml.invoices[0].lines] == [
        f"- line: {count}" for count in (1, 2, 3, 4)
    ]


def test_a_refund_of_the_old_count_and_a_charge_of_the_new_reads_as_a_delta_does(tmp_path: Path) -> None:
    line = "{motion: seat-monthly, subscription: s, sku: A, charge: %s, quantity: %s, from: %s, to: 2026-09-30}"
    text = (
        "{invoice: I, period: {from: 2026-09-01, to: 2026-09-30}, currency: AUD, customer: {tenant: t}, lines: ["
        + ", ".join(
            line % row
            for row in (
                ("cycle", 10, "2026-09-01"),
                ("remove-quantity", -10, "2026-09-20"),
                ("remove-quantity", 8, "2026-09-20"),
            )
        )
        + "]}"
    )
    reading = read_texts(tmp_path, a_yaml=text)
    assert told(reading) == []
    assert levels(reading) == {("s", "A"): [("2026-09-01", "10"), ("2026-09-20", "8"), ("2026-10-01", "0")]}


def test_level_semantics_state_the_count_and_the_row_that_begins_last_holds(tmp_path: Path) -> None:
    text = """
invoice: R-1
period: {from: 2026-09-01, to: 2026-09-30}
currency: AUD
semantics: level
customer: {tenant: t}
lines:
  - {motion: seat-monthly, subscription: s, sku: A, charge: cycle, quantity: 10, from: 2026-09-01, to: 2026-09-30}
  - {motion: seat-monthly, subscription: s, sku: A, charge: cycle, quantity: 13, from: 2026-09-12, to: 2026-09-19}
"""
    assert levels(read_texts(tmp_path, a_yaml=text)) == {
        ("s", "A"): [("2026-09-01", "10"), ("2026-09-12", "13"), ("2026-09-20", "10"), ("2026-10-01", "0")]
    }


def test_an_amount_is_checked_against_the_days_of_the_cycle_that_ends_with_the_line(tmp_path: Path) -> None:
    text = """
invoice: I
period: {from: 2026-10-01, to: 2026-10-31}
currency: EUR
customer: {tenant: t}
lines:
  - {motion: seat-monthly, subscription: s, sku: A, charge: add-quantity, quantity: 1000, from: 2026-10-01,
     to: 2026-10-14, unit_cost: 12, amount: 5600.00, billing: monthly}
"""
    assert told(read_texts(tmp_path, a_yaml=text)) == []
    other = read_texts(tmp_path, a_yaml=text.replace("5600", "5700"))
    assert [str(finding.amount) for finding in other.findings] == ["100.00 EUR"]


def test_a_document_may_hold_several_invoices(tmp_path: Path) -> None:
    second = as_yaml().replace("0001\n", "0002\n", 1)
    reading = read_texts(tmp_path, a_yaml=f"---\n{as_yaml()}---\n{second}")
    assert [invoice.number for invoice in reading.invoices] == ["INV-2026-10-0001", "INV-2026-10-0002"]


def test_one_invoice_in_csv_may_hold_many_customers(tmp_path: Path) -> None:
    rows = as_csv().splitlines()
    rows[4] = rows[4].replace("8A7C-0001", "9b00").replace("Contoso", "Fabrikam")
    (invoice,) = read_texts(tmp_path, a_csv="\n".join(rows)).invoices
    assert invoice.customer is None
    assert [line.customer.tenant for line in invoice.lines] == ["8a7c-0001"] * 3 + ["9b00"]


def test_a_credit_note_is_read_and_counts_no_seats(tmp_path: Path) -> None:
    reading = read_texts(tmp_path, a_yaml=as_yaml().replace("kind: invoice", "kind: credit-note"))
    assert reading.invoices[0].kind == "credit-note"
    assert levels(reading) == {}


def test_scalars_stay_what_was_written(tmp_path: Path) -> None:
    text = as_yaml().replace("subscription: 5f1b", "subscription: 0123").replace("Contoso,", "NO,")
    (invoice,) = read_texts(tmp_path, a_yaml=text).invoices
    assert (invoice.lines[0].subscription, invoice.lines[0].customer.name) == ("0123", "NO")


def test_two_documents_of_one_number_for_two_customers_are_two_parts_of_an_invoice(tmp_path: Path) -> None:
    other = as_yaml().replace("8A7C-0001", "9b00")
    reading = read_texts(tmp_path, a_yaml=as_yaml(), b_yaml=other)
    assert [invoice.customer.tenant for invoice in reading.invoices if invoice.customer] == ["8a7c-0001", "9b00"]
    assert told(reading) == []


def test_the_same_invoice_in_two_files_is_counted_once(tmp_path: Path) -> None:
    reading = read_texts(tmp_path, a_yaml=as_yaml(), b_csv=as_csv())
    assert len(reading.invoices) == 1
    (finding,) = reading.findings
    assert (finding.code, finding.blocks, finding.customer) == ("duplicate-document", False, "8a7c-0001")
    assert finding.message == (
        "invoice INV-2026-10-0001 stands in a.yaml too, with the same content; it is counted once"
    )


def test_one_number_with_two_contents_is_an_error_of_the_customer_concerned(tmp_path: Path) -> None:
    other = as_yaml().replace("quantity: 3\n", "quantity: 4\n")
    reading = read_texts(tmp_path, a_yaml=as_yaml(), b_yaml=other)
    assert [(finding.code, finding.customer) for finding in reading.findings if finding.blocks] == [
        ("conflicting-document", "8a7c-0001")
    ]
