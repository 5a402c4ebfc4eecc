"""The catalogue by commands: previewed alone, written, and made anew where somebody deleted an item."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from real_world import SEED, Office

from reconciler.sandbox.server import RunningSandbox

PRICES = (
    "sku,name,unit_cost,unit_price,currency,term,billing,from,to\n"
    "CFQ7TTC0LH18:0001,Business Basic,16.00,20.00,AUD,P1M,monthly,,\n"
    "CFQ7TTC0LF8R:0001,Microsoft 365 E3,40.00,50.00,AUD,P1M,monthly,,\n"
    "CFQ7TTC0LCHC:0002,Business Premium,26.40,33.00,AUD,P1M,monthly,,\n"
)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with RunningSandbox() as psa:
        psa.seed(SEED)
        made = Office(tmp_path, psa)
        mapping = tmp_path / "mappings.yaml"
        text = mapping.read_text(encoding="utf-8")
        text = text.replace("format: normalized}", "format: normalized, price_list: prices.csv}")
        mapping.write_text(text.replace("motions: [", "products: {mode: all}\n    motions: ["), encoding="utf-8")
        (tmp_path / "prices.csv").write_text(PRICES, encoding="utf-8")
        yield made


def catalogue(office: Office) -> dict[str, int]:
    return {row["vendorSku"]: row["id"] for row in office.psa.state()["products"]}


def applied(office: Office) -> None:
    plan = str(office.folder / "products.json")
    made = office.invoke("plan", "--products-only", "--out", plan)
    assert made.exit_code == 0, made.output
    done = office.invoke("apply", plan)
    assert done.exit_code == 0, done.output


def test_the_products_preview_writes_products_alone_and_then_nothing(office: Office) -> None:
    before = office.billed()
    applied(office)
    assert set(catalogue(office)) == {"CFQ7TTC0LH18:0001", "CFQ7TTC0LF8R:0001", "CFQ7TTC0LCHC:0002"}
    assert office.billed() == before
    assert office.invoke("plan", "--products-only", "--detailed-exitcode").exit_code == 0


def test_a_product_that_somebody_deleted_is_created_again(office: Office) -> None:
    applied(office)
    first = catalogue(office)["CFQ7TTC0LCHC:0002"]
    keys = office.psa.credentials
    answer = httpx.delete(
        f"{office.psa.url}/v4_6_release/apis/3.0/procurement/catalog/{first}",
        auth=(f"training+{keys['CONNECTWISE_PUBLIC_KEY']}", keys["CONNECTWISE_PRIVATE_KEY"]),
        headers={"clientId": keys["CONNECTWISE_CLIENT_ID"]},
    )
    assert answer.status_code in (200, 204), answer.text
    assert "CFQ7TTC0LCHC:0002" not in catalogue(office)
    applied(office)
    assert catalogue(office)["CFQ7TTC0LCHC:0002"] != first
