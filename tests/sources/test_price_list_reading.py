"""Price lists: the normalised CSV and Microsoft's licence price sheet."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from reconciler.domain.finding import Finding
from reconciler.domain.price_list import PriceList
from reconciler.sources.documents import read_price_lists

DATA = Path(__file__).parent / "data"
LIST = """sku,name,unit_cost,unit_price,currency,term,billing,from,to
CFQ7TTC0LH18:0001,Business Basic,16.00,20.00,AUD,P1M,monthly,,
CFQ7TTC0LH18:0001,Business Basic,15.00,18.75,AUD,P1Y,monthly,,
CFQ7TTC0LH18:0001,Business Basic,170.00,212.50,AUD,P1Y,annual,2026-01-01,2026-06-30
CFQ7TTC0LH18:0001,Business Basic,180.00,225.00,AUD,P1Y,annual,2026-07-01,
"""
SHEET = (
    "ChangeIndicator,ProductTitle,ProductId,SkuId,SkuTitle,Segment,TermDuration,BillingPlan,Market,Currency,UnitPrice,"
    "PricingTierRangeMin,PricingTierRangeMax,EffectiveStartDate,EffectiveEndDate,Tags,ERP\n"
)


def read(folder: Path, text: str) -> tuple[PriceList, tuple[Finding, ...]]:
    (folder / "prices.csv").write_text(text)
    return read_price_lists(["prices.csv"], folder)


def test_a_normalised_list_is_read_by_term_billing_and_day(tmp_path: Path) -> None:
    prices, findings = read(tmp_path, LIST)
    assert findings == ()
    monthly = prices.on("CFQ7TTC0LH18:0001", date(2026, 9, 1), "AUD")
    assert monthly
    assert (monthly.unit_cost, monthly.unit_price, monthly.name) == (Decimal(16), Decimal(20), "Business Basic")
    annual = [prices.on("P1Y:A:CFQ7TTC0LH18:0001", day) for day in (date(2026, 6, 30), date(2026, 7, 1))]
    assert [price.unit_cost for price in annual if price] == [Decimal(170), Decimal(180)]
    assert prices.on("P1Y:M:CFQ7TTC0LH18:0001", date(2026, 9, 1)) is not None


def test_microsofts_licence_sheet_is_read(tmp_path: Path) -> None:
    prices, findings = read_price_lists(["licence-price-sheet.csv"], DATA)
    assert findings == ()
    (row,) = prices.rows
    assert (row.key, row.name, row.currency) == ("P1Y:A:CFQ7TTC0HDK0:0001", "Advanced Communications", "USD")
    assert (row.unit_cost, row.unit_price) == (Decimal("115.2"), Decimal(144))
    assert (row.first, row.last) == (date(2019, 2, 1), date(2021, 2, 4))


def test_only_the_segment_commercial_and_the_first_tier_are_taken_and_the_rest_is_counted(tmp_path: Path) -> None:
    row = "Unchanged,Teams,CFQ7TTC0LH18,{sku},Teams,{segment},P1M,Monthly,DE,EUR,3,{tier},,{start},{end},License,4\n"
    days = {"start": "2024-05-01T00:00:00.0000000Z", "end": "9999-12-31T00:00:00.0000000Z"}
    prices, findings = read(
        tmp_path,
        SHEET
        + row.format(sku="1", segment="Commercial", tier="1", **days)
        + row.format(sku="2", segment="Education", tier="", **days)
        + row.format(sku="3", segment="Education", tier="", **days)
        + row.format(sku="1", segment="Commercial", tier="300", **days),
    )
    (price,) = prices.rows
    assert (price.key, price.first, price.last) == ("CFQ7TTC0LH18:0001", date(2024, 5, 1), None)
    assert [finding.message for finding in findings] == [
        "1 row left out: a price for larger quantities (PricingTierRangeMin)",
        "2 rows left out: segment Education",
    ]
    assert not any(finding.blocks for finding in findings)


def messages(folder: Path, row: str) -> list[str]:
    _, findings = read(folder, LIST + row)
    return [f"{finding.severity} {finding.where} {finding.message}" for finding in findings]


def test_bad_rows_are_errors_with_their_row(tmp_path: Path) -> None:
    assert messages(tmp_path, "A,,x,1,AUD,,,,\n") == [
        "error prices.csv:6 unit_cost: 'x' is not a number such as 12 or -3.50"
    ]
    assert messages(tmp_path, "A,,,,AUD,,,,\n") == ["error prices.csv:6 the row has neither unit_cost nor unit_price"]
    assert messages(tmp_path, "A,,1,2,,,,,\n") == ["error prices.csv:6 the row has no currency"]
    assert messages(tmp_path, ",,1,2,AUD,,,,\n") == ["error prices.csv:6 the row has no sku"]
    assert messages(tmp_path, "A,,-1,2,AUD,,,,\n") == ["error prices.csv:6 a price is negative"]
    assert messages(tmp_path, "A,,1,2,AUD,P2M,,,\n") == ["error prices.csv:6 term: 'P2M' is not one of P1M, P1Y, P3Y"]
    assert messages(tmp_path, "A,,1,2,AUD,,,2026-09-01,2026-08-01\n") == [
        "error prices.csv:6 the end 2026-08-01 lies before the start 2026-09-01"
    ]


def test_two_prices_of_one_product_from_one_day_are_an_error_and_a_repeated_row_is_not(tmp_path: Path) -> None:
    repeated = "CFQ7TTC0LH18:0001,Business Basic,16.00,20.00,AUD,P1M,monthly,,\n"
    assert messages(tmp_path, repeated) == []
    assert messages(tmp_path, repeated.replace("20.00", "21.00")) == [
        "error prices.csv:6 CFQ7TTC0LH18:0001 has two prices in AUD without a first day; the other is in row 2"
    ]


def test_a_misspelt_column_is_an_error_that_says_which_was_meant(tmp_path: Path) -> None:
    _, findings = read(tmp_path, LIST.replace("unit_cost", "unit_csot"))
    assert [(finding.message, finding.hint) for finding in findings] == [
        ("there is no column 'unit_csot' in a price list", "did you mean 'unit_cost'?")
    ]
