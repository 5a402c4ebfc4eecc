"""What is wrong with a document becomes a finding with its row and customer: never an exception, never silence."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nce_rows import RAISED, REFUND, TENANT, nce_csv
from normalised_story import as_csv, as_json, as_json_lines, as_yaml
from source_files import read_texts, told
from syrupy.assertion import SnapshotAssertion

from reconciler.domain.finding import Finding
from reconciler.sources.content import MEGABYTE, decode
from reconciler.sources.documents import read_documents, read_files, read_price_lists
from reconciler.sources.file_parts import read_content

OTHER = {"CustomerId": "other-tenant", "SubscriptionId": "theirs"}

NCE = {
    "a quantity in words": nce_csv({"BillableQuantity": "ten"}),
    "a thousands separator": nce_csv({"Subtotal": "1,209.60"}),
    "not a number": nce_csv({"Subtotal": "NaN"}),
    "infinity": nce_csv({"UnitPrice": "Infinity"}),
    "an exponent beyond reason": nce_csv({"Subtotal": "1e999"}),
    "a number of 30 digits": nce_csv({"BillableQuantity": "1" * 30}),
    "digits of another script": nce_csv({"BillableQuantity": "١٠"}),
    "the end before the start": nce_csv({"ChargeStartDate": "10/5/2026", "ChargeEndDate": "10/4/2026"}),
    "a day that no calendar has": nce_csv({"ChargeStartDate": "2/30/2026"}),
    "day and month exchanged": nce_csv({"ChargeStartDate": "31/10/2026"}),
    "no tenant": nce_csv({"CustomerId": ""}),
    "no subscription": nce_csv({"SubscriptionId": ""}),
    "no amount": nce_csv({"Subtotal": ""}),
    "no quantity": nce_csv({"BillableQuantity": ""}),
    "no start": nce_csv({"ChargeStartDate": ""}),
    "a licence without an end": nce_csv({"ChargeEndDate": ""}),
    "no currency": nce_csv({"Currency": ""}),
    "a currency that is none": nce_csv({"Currency": "Euro"}),
    "two currencies": nce_csv({}, REFUND, RAISED, {**OTHER, "Currency": "USD"}),
    "a column that is missing": nce_csv({}).replace("SubscriptionId", "Subscribed"),
    "no currency column": nce_csv({}).replace("Currency", "Coin"),
    "a refund of what was never charged": nce_csv(REFUND),
    "an amount that nothing explains": nce_csv({"Subtotal": "12000.00"}),
    "cut off within a row": nce_csv({}, OTHER)[:-150],
    "cut off within quotation marks": nce_csv({}, OTHER).replace('"Fabrikam, Inc."', '"Fabrikam, Inc.', 1),
    "a quotation mark in the middle": nce_csv({}).replace('"Fabrikam, Inc."', '"Fabrikam" Inc.', 1),
    "a column too many": nce_csv({}).replace("Microsoft 365,", "Microsoft 365,,", 1),
    "a value over 1 MB": nce_csv({"SkuName": "x" * (MEGABYTE + 1)}, OTHER),
    "no invoice number column": nce_csv({}).replace("InvoiceNumber", "Document"),
    "a header alone": nce_csv({}).splitlines()[0],
}
YAML = {
    "a quantity in words": as_yaml().replace("quantity: 3\n", "quantity: three\n"),
    "a misspelt member": as_yaml().replace("quantity: 3\n", "qantity: 3\n"),
    "a misspelt member of the invoice": as_yaml().replace("issued:", "isued:"),
    "an unknown charge": as_yaml().replace("add-quantity", "add-quantty"),
    "an unknown motion": as_yaml().replace("motion: azure", "motion: clouds"),
    "no tenant": as_yaml().replace("tenant: 8A7C-0001, ", ""),
    "no customer": as_yaml().replace("customer:", "custom:"),
    "no currency": as_yaml().replace("currency: AUD\n", ""),
    "no invoice number": as_yaml().replace("invoice: INV", "# INV"),
    "a period that ends before it begins": as_yaml().replace("to: 2026-09-30}", "to: 2026-08-30}"),
    "a line that ends before it begins": as_yaml().replace("from: 2026-09-20", "from: 2026-10-20"),
    "an American day": as_yaml().replace("issued: 2026-10-01", "issued: 10/1/2026"),
    "a total that the lines do not give": as_yaml().replace("total: 591.04", "total: 951.04"),
    "an amount that nothing explains": as_yaml().replace("30.40", "48.00").replace("591.04", "608.64"),
    "a removal that adds": as_yaml().replace("quantity: -2", "quantity: 2").replace("591.04", "614.50"),
    "one line number twice": as_yaml().replace("line: 3", "line: 2"),
    "a seat line without days": as_yaml().replace("    from: 2026-09-12\n", ""),
    "a line that is no mapping": as_yaml() + "  - later\n",
    "no lines": as_yaml().split("lines:", maxsplit=1)[0],
    "one name twice": as_yaml().replace("currency: AUD", "currency: AUD\ncurrency: USD"),
    "an alias": as_yaml().replace("issued: 2026-10-01", "issued: &day 2026-10-01"),
    "a tag": as_yaml().replace("total: 591.04", "total: !!float 591.04"),
    "not YAML": as_yaml().replace("period: {", "period: {{"),
    "a tab": as_yaml().replace("    charge", "\tcharge"),
    "nested without end": as_yaml() + "raw: " + "[" * 100,
    "not a number": as_yaml().replace("quantity: 3\n", "quantity: .nan\n"),
    "an empty list": "[]",
    "a scheduled level below none": as_yaml().replace("{quantity: 11", "{quantity: -11"),
}
OTHERS = {
    "another table": {"a_csv": "name,colour\nx,red\n"},
    "a mapping file": {"a_yaml": "version: 1\nsources: {}\n"},
    "plain text": {"a_txt": "Dear partner,\nplease find attached\n"},
    "an Excel workbook": {"a_xlsx": b"PK\x03\x04 and so on"},
    "a PDF": {"a_pdf": b"%PDF-1.7"},
    "an empty file": {"a_csv": ""},
    "blank lines": {"a_csv": "\n\n  \n"},
    "no UTF-8": {"a_csv": nce_csv({"CustomerName": "Müller"}).encode("latin-1")},
    "UTF-16 without a mark": {"a_csv": nce_csv({}).encode("utf-16-le")},
    "a gzip file cut off": {"a_csv_gz": gzip.compress(nce_csv({}).encode())[:-20]},
    "a gzip file damaged": {"a_csv_gz": gzip.compress(nce_csv({}).encode())[:30] + b"\x00" * 60},
    "an empty gzip file": {"a_csv_gz": gzip.compress(b"")},
    "a price list among invoices": {"a_csv": "sku,unit_price,currency\nA,1,AUD\n"},
    "JSON cut off": {"a_json": as_json()[:-30]},
    "JSON with NaN": {"a_json": as_json().replace("591.04", "NaN")},
    "JSON with one name twice": {"a_json": as_json().replace('"kind"', '"currency"')},
    "JSON Lines cut off": {"a_jsonl": as_json_lines() + as_json_lines()[:100]},
    "normalised CSV with a misspelt column": {"a_csv": as_csv().replace("unit_cost", "unit_csot")},
    "normalised CSV with two currencies": {"a_csv": as_csv().replace('"AUD"', '"NZD"', 1)},
    "normalised CSV cut off": {"a_csv": as_csv()[:-60]},
    "two files of one invoice": {"a_csv": nce_csv({}), "b_csv": nce_csv({})},
    "two files that contradict each other": {"a_csv": nce_csv({}), "b_csv": nce_csv({"Subtotal": "120.01"})},
}


@pytest.mark.parametrize("case", NCE)
def test_a_bad_reconciliation_is_told_with_its_row(tmp_path: Path, case: str, snapshot: SnapshotAssertion) -> None:
    assert told(read_texts(tmp_path, a_csv=NCE[case])) == snapshot


@pytest.mark.parametrize("case", YAML)
def test_a_bad_normalised_invoice_is_told_with_its_line(tmp_path: Path, case: str, snapshot: SnapshotAssertion) -> None:
    assert told(read_texts(tmp_path, a_yaml=YAML[case])) == snapshot


@pytest.mark.parametrize("case", OTHERS)
def test_a_file_that_cannot_be_read_is_told_by_name(tmp_path: Path, case: str, snapshot: SnapshotAssertion) -> None:
    assert told(read_texts(tmp_path, **OTHERS[case])) == snapshot


def test_a_bad_row_names_its_customer_and_leaves_the_others_alone(tmp_path: Path) -> None:
    reading = read_texts(tmp_path, a_csv=nce_csv({"BillableQuantity": "ten"}, OTHER))
    assert [finding.customer for finding in reading.findings if finding.blocks] == [TENANT]
    assert [line.customer.tenant for line in reading.invoices[0].lines] == ["other-tenant"]


def test_a_member_that_is_wrong_is_shown_with_its_line_and_column(tmp_path: Path) -> None:
    (finding,) = read_texts(tmp_path, a_yaml=YAML["a misspelt member of the invoice"]).findings
    assert (finding.excerpt, str(finding.where)) == ("isued: 2026-10-01", "a.yaml:3:1")


def test_a_pattern_without_a_match_is_an_error(tmp_path: Path) -> None:
    reading = read_documents("distributor", ["invoices/*.csv", "gone.csv"], "auto", tmp_path)
    assert [(finding.code, str(finding.where)) for finding in reading.findings] == [
        ("missing-file", "gone.csv"),
        ("missing-file", "invoices/*.csv"),
    ]


def test_a_file_named_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    reading = read_files([tmp_path / "gone.csv", tmp_path])
    assert [finding.code for finding in reading.findings] == ["unreadable-file", "missing-file"]


def test_an_invoice_among_price_lists_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(nce_csv({}))
    prices, findings = read_price_lists(["*.csv"], tmp_path)
    assert prices.rows == ()
    assert [finding.code for finding in findings] == ["misplaced-file"]


def test_a_format_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    reading = read_texts(tmp_path, "normalised", a_yaml=as_yaml())
    assert [finding.hint for finding in reading.findings] == ["one of: auto, normalized, partner-center-nce"]


def test_a_forced_format_reads_what_would_not_be_recognised(tmp_path: Path) -> None:
    reading = read_texts(tmp_path, "normalized", a_csv="charge,motion\nusage,azure\n")
    assert {finding.code for finding in reading.findings} == {"missing-member"}


@pytest.mark.security(19)
def test_a_gzip_bomb_is_stopped_at_the_limit() -> None:
    found = decode(gzip.compress(b"0" * (3 * MEGABYTE)), "bomb.csv.gz", limit=MEGABYTE)
    assert isinstance(found, Finding)
    assert found.message == "the gzip file unpacks to more than 1 MB and is not read"


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    for name in (".hidden.csv", ".git/a.csv", "2026/b.csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(nce_csv({}))
    reading = read_documents("distributor", ["**/*.csv"], "auto", tmp_path)
    assert [document.path for document in reading.documents] == ["2026/b.csv"]


def test_patterns_may_leave_the_folder_and_overlap(tmp_path: Path) -> None:
    for name in ("in/a.csv", "config/x"):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_text(nce_csv({}))
    reading = read_documents("distributor", ["../in/*.csv", "../in/a.csv"], "auto", tmp_path / "config")
    assert [document.path for document in reading.documents] == ["../in/a.csv"]


damaged = st.sampled_from([nce_csv({}, REFUND, RAISED), as_yaml(), as_json(), as_json_lines(), as_csv()])


@pytest.mark.security(36)
@given(damaged, st.integers(0, 3000), st.integers(0, 40), st.text(max_size=6))
def test_no_damage_to_a_file_ends_in_an_exception(text: str, at: int, removed: int, inserted: str) -> None:
    at %= len(text)
    content = decode((text[:at] + inserted + text[at + removed :]).encode(), "a")
    if not isinstance(content, Finding):
        read_content(content, "distributor", "auto")


@pytest.mark.security(36)
@given(st.binary(max_size=300))
def test_no_bytes_end_in_an_exception(stored: bytes) -> None:
    content = decode(stored, "a")
    if not isinstance(content, Finding):
        read_content(content, "distributor", "auto")
