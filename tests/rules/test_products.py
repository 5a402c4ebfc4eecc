"""Catalogue items: found, linked, created, priced."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.finding import Place, Severity
from reconciler.domain.mapping import ProductLink
from reconciler.domain.price_list import Price
from reconciler.domain.records import Product, ProductDefaults
from reconciler.rules.products import Catalogue, Offer, Resolved, collisions, fitted, resolve

KEY = "CFQ7TTC0LH18:0001"
HERE = Place("mappings.yaml", 30, 5)


def product(identifier: str, vendor_sku: str | None, price: str = "20", cost: str = "16") -> Product:
    return Product(identifier, identifier, vendor_sku, identifier, Decimal(price), Decimal(cost))


def listed(price: str = "20", cost: str = "16", name: str = "Business Basic") -> Price:
    return Price(KEY, name, Decimal(cost), Decimal(price), "AUD", "P1M", "monthly", None, None, Place("p.csv", 2))


def resolved(
    products: list[Product], *, row: Price | None = None, link: ProductLink | None = None, has_list: bool = True
) -> Resolved:
    offer = Offer(KEY, "Business Basic", row, Decimal(20), Decimal(16))
    return resolve(
        offer, link, Catalogue.of(products), has_price_list=has_list, taxable=True, defaults=ProductDefaults()
    )


def test_an_item_with_the_vendor_sku_is_the_product() -> None:
    found = resolved([product("M365-BB", KEY)], row=listed())
    assert found.product
    assert found.product.identifier == "M365-BB"
    assert found.change is None


def test_a_linked_items_price_and_cost_follow_the_price_list() -> None:
    change = resolved([product("M365-BB", KEY, "19", "15")], row=listed()).change
    assert change
    assert (change.rule, change.after.price, change.after.cost) == ("P31", Decimal(20), Decimal(16))


def test_without_a_price_list_no_catalogue_price_is_touched() -> None:
    assert resolved([product("M365-BB", KEY, "19", "15")], has_list=False).change is None


def test_two_items_with_one_vendor_sku_are_e1_word_for_word() -> None:
    (finding,) = resolved([product("A", KEY), product("B", KEY)], row=listed()).findings
    assert (
        finding.message
        == f"There are multiple products in the ConnectWise product catalog with the VendorSku of '{KEY}'"
    )
    assert "A, B" in (finding.hint or "")


def test_a_declared_link_sets_the_vendor_sku_and_nothing_else_of_an_item_that_is_priced_right() -> None:
    found = resolved([product("m365-bb", None)], row=listed(), link=ProductLink(KEY, "M365-BB", None, HERE))
    assert found.product
    assert found.change
    assert found.change.after.vendor_sku == KEY
    assert (found.change.after.price, found.change.after.cost) == (Decimal(20), Decimal(16))


def test_a_link_to_an_item_that_is_not_there_is_told_at_its_place_in_the_mapping() -> None:
    (finding,) = resolved([], row=listed(), link=ProductLink(KEY, "NOPE", None, HERE)).findings
    assert (finding.code, finding.where, finding.severity) == ("P27", HERE, Severity.ERROR)


def test_a_link_to_one_item_while_another_one_has_the_sku_is_an_error() -> None:
    found = resolved([product("A", KEY), product("B", None)], row=listed(), link=ProductLink(KEY, "B", None, HERE))
    assert [f.code for f in found.findings] == ["P27"]


def test_a_missing_product_on_the_price_list_is_created_with_the_sku_as_its_id() -> None:
    change = resolved([], row=listed()).change
    assert change
    assert change.standing is None
    after = change.after
    assert (after.identifier, after.vendor_sku, after.category, after.unit_of_measure, after.taxable) == (
        KEY,
        KEY,
        "Miscellaneous",
        "Each",
        True,
    )


def test_a_missing_product_that_is_not_on_the_price_list_is_e10() -> None:
    assert [f.code for f in resolved([]).findings] == ["E10"]


def test_a_source_without_a_price_list_has_products_created_from_the_invoice() -> None:
    change = resolved([], has_list=False).change
    assert change
    assert (change.after.price, change.after.cost) == (Decimal(20), Decimal(16))


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("short", "short"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 60),
        ("Microsoft Power BI Pro with the capacity reports for whole departments",
         "Microsoft Power BI Pro with the capacity reports for whole"),
        ("one " + "y" * 70, ("one " + "y" * 70)[:60]),
    ],
)  # fmt: skip
def test_a_description_is_cut_to_sixty_characters_at_a_word_where_one_ends_late_enough(text: str, cut: str) -> None:
    assert fitted(text) == cut


@given(st.text(max_size=200))
def test_a_fitted_text_fits_and_begins_as_the_text_does(text: str) -> None:
    cut = fitted(text)
    assert len(cut) <= 60
    assert text.startswith(cut)


def test_created_products_that_would_look_the_same_are_told() -> None:
    long = "Microsoft Power BI Pro with the capacity reports for whole "
    one, two = (
        resolved([], row=listed(name=long + "departments")).change,
        resolved([], row=listed(name=long + "days")).change,
    )
    assert one
    assert two
    assert [f.code for f in collisions([one, two], [])] == ["P30"]
    assert collisions([one], []) == ()
