"""The new-commerce reconciliation in every dialect that was seen: header spellings, dates, signs, files."""

import gzip
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nce_rows import ADDED, CYCLE, RAISED, REFUND, SUBSCRIPTION, TENANT, full_rows, nce_csv
from source_files import levels, read_texts, told

from reconciler.domain.invoice import Charge, InvoiceLine, Motion
from reconciler.sources.content import decode
from reconciler.sources.documents import Reading
from reconciler.sources.file_parts import FilePart, read_content

SKU = "CFQ7TTC0LDPB:0001"
STORY = [CYCLE, REFUND, RAISED]
STORY_LEVELS = {(SUBSCRIPTION, SKU): [("2026-10-05", "10"), ("2026-10-12", "15"), ("2026-11-05", "0")]}


def line_of(folder: Path, **row: str) -> InvoiceLine:
    reading = read_texts(folder, a_csv=nce_csv(row))
    (line,) = reading.invoices[0].lines
    return line


def part_of(text: str) -> FilePart:
    content = decode(text.encode(), "a.csv")
    assert not hasattr(content, "severity"), content
    return read_content(content, "distributor", "auto")  # type: ignore[arg-type]


def test_a_row_becomes_a_line_with_its_money_days_and_term(tmp_path: Path) -> None:
    line = line_of(tmp_path)
    assert (line.customer.tenant, line.customer.name) == (TENANT, "Fabrikam, Inc.")
    assert (line.subscription, line.sku, line.description) == (SUBSCRIPTION, SKU, "Microsoft 365 Business Standard")
    assert (line.charge, line.quantity, line.motion) == (Charge.CYCLE, Decimal(10), Motion.SEAT_MONTHLY)
    assert str(line.span) == "2026-10-05 to 2026-11-04"
    assert (line.unit_cost, line.unit_price, line.amount) == (Decimal(12), None, Decimal("120.00"))
    assert (line.term, line.billing, line.term_end) == ("P1Y", "monthly", date(2027, 7, 4))
    assert (line.number, str(line.place)) == (2, "a.csv:2")
    assert line.raw["PricingCurrency"] == "EUR"


def test_the_period_is_the_month_in_which_most_rows_were_ordered(tmp_path: Path) -> None:
    early = {"OrderDate": "9/30/2026", "SubscriptionId": "other"}
    (invoice,) = read_texts(tmp_path, a_csv=nce_csv(early, CYCLE, REFUND, RAISED)).invoices
    assert str(invoice.period) == "2026-10-01 to 2026-10-31"


def test_the_composed_story_gives_its_seats(tmp_path: Path) -> None:
    reading = read_texts(tmp_path, a_csv=nce_csv(*STORY))
    assert levels(reading) == STORY_LEVELS
    assert told(reading) == []


def test_delta_lines_with_negative_quantities_read_the_same(tmp_path: Path) -> None:
    added = {**ADDED, "BillableQuantity": "5", "EffectiveUnitPrice": "9.29", "Subtotal": "46.45"}
    removed = {
        **ADDED,
        "ChargeType": "removeQuantity",
        "ChargeStartDate": "10/20/2026",
        "BillableQuantity": "-3",
        "EffectiveUnitPrice": "6.19",
        "Subtotal": "-18.57",
        "ReferenceId": "third",
    }
    assert levels(read_texts(tmp_path, a_csv=nce_csv(CYCLE, added, removed))) == {
        (SUBSCRIPTION, SKU): [("2026-10-05", "10"), ("2026-10-12", "15"), ("2026-10-20", "12"), ("2026-11-05", "0")]
    }


def respelled(name: str, style: int) -> str:
    spaced = "".join(f" {sign}" if sign.isupper() and count else sign for count, sign in enumerate(name))
    return [name, name[0].lower() + name[1:], name.upper(), spaced, spaced.replace(" ", "_"), f" {name} "][style]


@given(st.lists(st.integers(0, 5), min_size=40, max_size=40), st.randoms(use_true_random=False), st.booleans())
def test_the_spelling_and_order_of_the_header_do_not_matter(styles: list[int], shuffler: object, bom: bool) -> None:
    rows = full_rows(*STORY)
    names = list(rows[0])
    order = list(range(len(names)))
    shuffler.shuffle(order)  # type: ignore[attr-defined]
    shuffled = [{names[at]: row[names[at]] for at in order} for row in rows]
    header = [respelled(names[at], styles[at % 40]) for at in order]
    lines = [",".join(f'"{cell}"' for cell in row.values()) for row in shuffled]
    text = ("\ufeff" if bom else "") + "\n".join([",".join(header), *lines])
    part = part_of(text)
    assert part.findings == ()
    assert [line.quantity for line in part.pages[0].invoice.lines] == [10, -10, 15]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("10/5/2026", "11/4/2026"),
        ("2026-10-05", "2026-11-04"),
        ("2026-10-05T00:00:00Z", "2026-11-04T00:00:00Z"),
        ("2026-10-05T08:15:42.1234567Z", "2026-11-04T23:59:59.9999999Z"),
        ("2026-10-04T22:00:00-08:00", "2026-11-03T22:00:00-08:00"),
        ("5.10.2026", "4.11.2026"),
        ("10/5/2026 12:00:00 AM", "11/4/2026 11:59:59 PM"),
    ],
)
def test_every_way_to_write_a_day_is_read(tmp_path: Path, start: str, end: str) -> None:
    line = line_of(tmp_path, ChargeStartDate=start, ChargeEndDate=end)
    assert str(line.span) == "2026-10-05 to 2026-11-04"


def test_an_end_at_the_first_instant_after_a_whole_cycle_is_exclusive(tmp_path: Path) -> None:
    end = {"ChargeEndDate": "2026-11-05T00:00:00Z"}
    cycle = {"ChargeStartDate": "2026-10-05T00:00:00Z", **end}
    reading = read_texts(tmp_path, a_csv=nce_csv(cycle, {**REFUND, **end}, {**RAISED, **end}))
    assert levels(reading) == STORY_LEVELS


@pytest.mark.parametrize(
    ("column", "written", "read"),
    [
        ("SkuId", "2", "CFQ7TTC0LDPB:0002"),
        ("SkuId", "000D", "CFQ7TTC0LDPB:000D"),
        ("SkuId", "'0001", SKU),
        ("SkuId", "", "CFQ7TTC0LDPB"),
    ],
)
def test_a_sku_gets_its_lost_zeros_back(tmp_path: Path, column: str, written: str, read: str) -> None:
    assert line_of(tmp_path, **{column: written}).sku == read


def test_a_tenant_loses_the_prefix_of_v1_and_its_capitals(tmp_path: Path) -> None:
    assert line_of(tmp_path, CustomerId=f"org:{TENANT.upper()}").customer.tenant == TENANT


def test_numbers_guarded_by_an_apostrophe_and_zeros_with_an_exponent_are_read(tmp_path: Path) -> None:
    line = line_of(tmp_path, Subtotal="'120.00", TaxTotal="0E-20", BillableQuantity="'10")
    assert (line.amount, line.quantity) == (Decimal("120.00"), Decimal(10))


def test_the_json_form_of_a_reference_is_its_id(tmp_path: Path) -> None:
    written = json.dumps({"osId": "OS-77341", "id": "8a7b", "v": 2})
    assert line_of(tmp_path, ReferenceId=written).reference == "8a7b"


def test_a_credit_changes_no_seats(tmp_path: Path) -> None:
    credit = {"ChargeType": "customerCredit", "Subtotal": "-10.00", "EffectiveUnitPrice": "-1", "ReferenceId": "c"}
    reading = read_texts(tmp_path, a_csv=nce_csv(*STORY, credit))
    assert levels(reading) == STORY_LEVELS
    assert reading.invoices[0].lines[3].charge is Charge.CREDIT


def test_a_meter_is_azure_usage_whatever_its_charge_type(tmp_path: Path) -> None:
    line = line_of(
        tmp_path,
        ChargeType="New",
        MeterDescription="Tables - LRS Data Stored",
        BillableQuantity="29",
        EffectiveUnitPrice="0.737586",
        Subtotal="21.39",
        TermAndBillingCycle="Data Stored (GB/Month)",
    )
    assert (line.charge, line.motion, line.unit_cost) == (Charge.USAGE, Motion.AZURE, Decimal("0.737586"))


def test_the_unit_cost_is_the_list_price_in_the_billing_currency(tmp_path: Path) -> None:
    line = line_of(tmp_path, PCToBCExchangeRate="0.846202666", EffectiveUnitPrice="12", Subtotal="101.54")
    assert line.unit_cost == Decimal(12) * Decimal("0.846202666")


def test_a_discount_on_a_full_cycle_lowers_the_unit_cost_of_the_cycles_prorated_rows_too(tmp_path: Path) -> None:
    cycle = {"EffectiveUnitPrice": "10.20", "Subtotal": "102.00"}
    refund = {**REFUND, "EffectiveUnitPrice": "-7.8967", "Subtotal": "-78.96"}
    raised = {**RAISED, "EffectiveUnitPrice": "7.8967", "Subtotal": "118.45"}
    reading = read_texts(tmp_path, a_csv=nce_csv(cycle, refund, raised))
    assert {line.unit_cost for line in reading.invoices[0].lines} == {Decimal("10.20")}


def test_a_first_cycle_cut_short_is_not_taken_for_a_discount(tmp_path: Path) -> None:
    line = line_of(
        tmp_path,
        ChargeType="new",
        ChargeStartDate="10/5/2026",
        ChargeEndDate="10/31/2026",
        EffectiveUnitPrice="10.45",
        Subtotal="104.50",
    )
    assert line.unit_cost == Decimal(12)


ANNUAL = {"BillingFrequency": "Annual", "ChargeStartDate": "7/5/2026", "ChargeEndDate": "7/4/2027"}


@pytest.mark.parametrize(
    ("row", "motion", "term", "charge"),
    [
        (ANNUAL, Motion.SEAT_ANNUAL, "P1Y", Charge.CYCLE),
        ({**ANNUAL, "BillingFrequency": "", "TermAndBillingCycle": "One-Year commitment for yearly billing"},
         Motion.SEAT_ANNUAL, "P1Y", Charge.CYCLE),
        ({"BillingFrequency": ""}, Motion.SEAT_MONTHLY, "P1Y", Charge.CYCLE),
        ({"SubscriptionStartDate": "10/5/2026", "SubscriptionEndDate": "11/4/2026"},
         Motion.SEAT_MONTHLY, "P1M", Charge.CYCLE),
        ({"BillingFrequency": "OneTime", "ChargeEndDate": "10/4/2029", "SubscriptionStartDate": "10/5/2026",
          "SubscriptionEndDate": "10/4/2029"}, Motion.ONE_TIME, "P3Y", Charge.CYCLE),
        ({"ChargeType": "new", "ChargeEndDate": "", "TermAndBillingCycle": "", "BillingFrequency": "",
          "SubscriptionStartDate": "", "SubscriptionEndDate": ""}, Motion.ONE_TIME, None, Charge.ONE_TIME),
        ({"TermAndBillingCycle": "Reservation, 1 year"}, Motion.ONE_TIME, "P1Y", Charge.ONE_TIME),
    ],
)  # fmt: skip
def test_motion_and_term_follow_from_dates_and_frequency(
    tmp_path: Path, row: dict[str, str], motion: Motion, term: str | None, charge: Charge
) -> None:
    line = line_of(tmp_path, **row)
    assert (line.motion, line.term, line.charge) == (motion, term, charge)


def test_a_prorated_row_without_a_frequency_is_billed_as_the_row_that_opened_its_cycle(tmp_path: Path) -> None:
    blank = {"BillingFrequency": "", "ChargeEndDate": "7/4/2027"}
    opened = {**blank, "ChargeStartDate": "7/5/2026", "TermAndBillingCycle": "One-Year commitment for yearly billing"}
    added = {**RAISED, **blank, "ChargeStartDate": "6/20/2027"}
    reading = read_texts(tmp_path, a_csv=nce_csv(opened, added))
    assert [line.motion for line in reading.invoices[0].lines] == [Motion.SEAT_ANNUAL] * 2


def test_a_first_term_cut_short_is_billed_as_its_text_says(tmp_path: Path) -> None:
    short = {"ChargeType": "new", "BillingFrequency": "", "ChargeEndDate": "10/24/2026"}
    yearly = line_of(tmp_path, **short, TermAndBillingCycle="One-Year commitment for yearly billing")
    assert yearly.motion is Motion.SEAT_ANNUAL


FREE = {"UnitPrice": "0", "EffectiveUnitPrice": "0", "Subtotal": "0"}
PAIR = {**ADDED, **FREE}


def test_of_two_rows_without_a_price_an_addition_refunds_the_smaller_count(tmp_path: Path) -> None:
    rows = [{**FREE}, {**PAIR, "BillableQuantity": "15"}, {**PAIR, "BillableQuantity": "10"}]
    assert levels(read_texts(tmp_path, a_csv=nce_csv(*rows))) == STORY_LEVELS


def test_of_two_rows_without_a_price_a_removal_refunds_the_larger_count(tmp_path: Path) -> None:
    removal = {**PAIR, "ChargeType": "removeQuantity"}
    rows = [{**FREE}, {**removal, "BillableQuantity": "8"}, {**removal, "BillableQuantity": "10"}]
    assert levels(read_texts(tmp_path, a_csv=nce_csv(*rows))) == {
        (SUBSCRIPTION, SKU): [("2026-10-05", "10"), ("2026-10-12", "8"), ("2026-11-05", "0")]
    }


def test_a_free_trial_that_converts_to_a_paid_product_counts_against_its_paid_partner(tmp_path: Path) -> None:
    convert = {**PAIR, "ChargeType": "convert"}
    paid = {**convert, "ProductId": "PAID", "UnitPrice": "12", "EffectiveUnitPrice": "9.29", "Subtotal": "92.90"}
    assert levels(read_texts(tmp_path, a_csv=nce_csv({**FREE}, paid, convert))) == {
        (SUBSCRIPTION, SKU): [("2026-10-05", "10"), ("2026-10-12", "0")],
        (SUBSCRIPTION, "PAID:0001"): [("2026-10-12", "10"), ("2026-11-05", "0")],
    }


def test_of_two_free_products_the_one_that_was_held_is_refunded_whatever_the_order(tmp_path: Path) -> None:
    convert = {**PAIR, "ChargeType": "convert"}
    reading = read_texts(tmp_path, a_csv=nce_csv({**convert, "ProductId": "NEXT"}, convert, {**FREE}))
    assert levels(reading)[SUBSCRIPTION, "NEXT:0001"] == [("2026-10-12", "10"), ("2026-11-05", "0")]


def test_a_free_conversion_without_a_partner_is_an_error_of_its_customer(tmp_path: Path) -> None:
    reading = read_texts(tmp_path, a_csv=nce_csv(CYCLE, {**PAIR, "ChargeType": "convert"}))
    assert [(finding.code, finding.customer, finding.blocks) for finding in reading.findings] == [
        ("sign", TENANT, True)
    ]
    assert levels(reading) == {(SUBSCRIPTION, SKU): [("2026-10-05", "10"), ("2026-11-05", "0")]}


def test_a_product_with_calling_in_two_rows_counts_its_seats_once_and_its_money_twice(tmp_path: Path) -> None:
    calling = {"UnitPrice": "3", "EffectiveUnitPrice": "3", "Subtotal": "30.00"}
    reading = read_texts(tmp_path, a_csv=nce_csv(CYCLE, calling))
    first, second = reading.invoices[0].lines
    assert levels(reading) == {(SUBSCRIPTION, SKU): [("2026-10-05", "10"), ("2026-11-05", "0")]}
    assert (first.quantity, first.unit_cost, first.amount) == (10, Decimal(15), Decimal("120.00"))
    assert (second.quantity, second.unit_cost, second.amount) == (0, None, Decimal("30.00"))
    assert "same seats" in second.description
    assert told(reading) == []


def test_two_equal_rows_at_one_price_are_two_charges(tmp_path: Path) -> None:
    reading = read_texts(tmp_path, a_csv=nce_csv(CYCLE, CYCLE))
    assert levels(reading)[SUBSCRIPTION, SKU][0] == ("2026-10-05", "20")


def test_an_unknown_charge_type_counts_by_its_sign_and_is_reported_once(tmp_path: Path) -> None:
    odd = {"ChargeType": "Cycle instance prorate"}
    reading = read_texts(tmp_path, a_csv=nce_csv(odd, {**odd, "SubscriptionId": "other"}))
    assert [line.quantity for line in reading.invoices[0].lines] == [10, 10]
    assert [finding.code for finding in reading.findings] == ["unknown-charge"]


def test_unknown_columns_are_kept_and_reported_once(tmp_path: Path) -> None:
    reading = read_texts(tmp_path, a_csv=nce_csv({"Rebate": "7", "Tier": "A"}, {"Rebate": "8", "Tier": "B"}))
    assert reading.unknown_columns == {"a.csv": ("Rebate", "Tier")}
    assert [line.raw["Rebate"] for line in reading.invoices[0].lines] == ["7", "8"]
    assert told(reading) == [
        "info unknown-columns a.csv [-] unknown columns, kept aside in each line's record: Rebate, Tier"
    ]


def test_gzip_members_with_repeated_headers_are_one_file(tmp_path: Path) -> None:
    members = gzip.compress(nce_csv(CYCLE).encode()) + gzip.compress(("\ufeff" + nce_csv(REFUND, RAISED)).encode())
    reading = read_texts(tmp_path, a_csv_gz=members)
    assert levels(reading) == STORY_LEVELS
    assert told(reading) == []


def test_each_invoice_number_of_a_file_is_an_invoice(tmp_path: Path) -> None:
    other = {"InvoiceNumber": "G016907412", "SubscriptionId": "other"}
    reading = read_texts(tmp_path, a_csv=nce_csv(CYCLE, other, REFUND, RAISED))
    assert [(invoice.number, len(invoice.lines)) for invoice in reading.invoices] == [
        ("G016907411", 3),
        ("G016907412", 1),
    ]


def as_json(row: dict[str, str]) -> dict[str, object]:
    numbers = {"UnitPrice", "Subtotal", "EffectiveUnitPrice", "BillableQuantity"}
    return {name: json.loads(cell) if name in numbers else cell or None for name, cell in row.items()}


def camel(row: dict[str, object]) -> dict[str, object]:
    return {name[0].lower() + name[1:]: value for name, value in row.items()}


def graph(rows: list[dict[str, str]]) -> str:
    return "".join(json.dumps(as_json(row)) + "\n" for row in rows)


def content(reading: Reading) -> list[tuple[object, ...]]:
    return [
        (line.customer, line.subscription, line.sku, line.charge, line.quantity, line.span, line.amount, line.unit_cost)
        for line in reading.invoices[0].lines
    ]


def test_csv_v1_json_and_graph_json_lines_say_the_same(tmp_path: Path) -> None:
    rows = full_rows(*STORY)
    page = json.dumps({"totalCount": 3, "items": [camel(as_json(row)) for row in rows], "links": {}})
    readings = []
    for name, files in {"csv": nce_csv(*STORY), "json": page, "jsonl": graph(rows)}.items():
        folder = tmp_path / name
        folder.mkdir()
        readings.append(read_texts(folder, **{f"a_{name}": files}))
        assert told(readings[-1]) == []
    assert content(readings[0]) == content(readings[1]) == content(readings[2])


def test_the_blobs_of_a_graph_export_are_one_invoice(tmp_path: Path) -> None:
    rows = full_rows(*STORY)
    files = {
        "part-00000_json_gz": gzip.compress(graph(rows[:1]).encode()),
        "part-00001_json_gz": gzip.compress(graph(rows[1:]).encode()),
    }
    reading = read_texts(tmp_path, **files)
    assert levels(reading) == STORY_LEVELS
    assert [line.number for line in reading.invoices[0].lines] == [1, 2, 3]
    assert told(reading) == []


def test_a_blob_fetched_twice_is_counted_once(tmp_path: Path) -> None:
    rows = full_rows(*STORY)
    files = {f"part-0000{count}_json": graph(part) for count, part in enumerate((rows[:1], rows[1:], rows[1:]))}
    reading = read_texts(tmp_path, **files)
    assert levels(reading) == STORY_LEVELS
    assert [finding.code for finding in reading.findings] == ["duplicate-document"]


def test_rows_without_an_invoice_number_are_an_error_for_they_are_not_billed_yet(tmp_path: Path) -> None:
    reading = read_texts(tmp_path, a_csv=nce_csv({"InvoiceNumber": ""}))
    assert [(finding.code, finding.blocks) for finding in reading.findings] == [("unbilled", True)]


def test_rows_in_a_second_currency_are_left_out_as_errors_of_their_customer(tmp_path: Path) -> None:
    other = {"Currency": "USD", "CustomerId": "other", "SubscriptionId": "theirs"}
    reading = read_texts(tmp_path, a_csv=nce_csv(CYCLE, REFUND, RAISED, other))
    assert levels(reading) == STORY_LEVELS
    assert [(finding.code, finding.customer) for finding in reading.findings] == [("two-currencies", "other")]


def test_an_amount_that_no_rounding_explains_is_a_warning_and_still_counts(tmp_path: Path) -> None:
    reading = read_texts(tmp_path, a_csv=nce_csv({"Subtotal": "150.00"}))
    assert reading.invoices[0].lines[0].amount == Decimal("150.00")
    assert [(finding.code, str(finding.amount)) for finding in reading.findings] == [("amount", "30.00 EUR")]


def test_a_refund_without_the_charge_it_takes_back_is_an_error_with_its_rows(tmp_path: Path) -> None:
    reading = read_texts(tmp_path, a_csv=nce_csv(REFUND, {**RAISED, "BillableQuantity": "8", "Subtotal": "74.32"}))
    (finding,) = reading.findings
    assert (finding.code, finding.customer, finding.subscription) == ("negative-seats", TENANT, SUBSCRIPTION)
    assert finding.blocks
    assert finding.message == (f"{SKU} would have -2 seats from 2026-10-12 to 2026-11-04, by the rows a.csv:2, a.csv:3")
