"""Whatever is sent is answered as the API answers: no bare server error, no state that cannot be read back."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_api import addition, client_of

from reconciler.sandbox.connectwise.agreement_tables import ADDITION, AGREEMENT
from reconciler.sandbox.connectwise.company_tables import COMPANY, PRODUCT
from reconciler.sandbox.connectwise.tables import Entity
from reconciler.sandbox.server import RunningSandbox

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=80)
    | st.dates().map(lambda day: f"{day}T00:00:00Z")
    | st.sampled_from([{"id": 1}, {"id": 4120}, {"id": 0}, {"name": "Each"}, {}, [], [{}], ["x"]])
)
OPERATIONS = st.fixed_dictionaries({"op": st.sampled_from(["add", "replace", "remove"]), "value": SCALARS})
PLACES: list[tuple[Entity, str, int]] = [
    (ADDITION, "/finance/agreements/55/additions", 8801),
    (AGREEMENT, "/finance/agreements", 55),
    (PRODUCT, "/procurement/catalog", 4120),
    (COMPANY, "/company/companies", 250),
]
SLOW_FIXTURE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


def is_of_the_api(answer: httpx.Response) -> bool:
    return answer.status_code < 500 or answer.json()["message"].startswith("Error converting value")


@SLOW_FIXTURE
@given(data=st.data())
@pytest.mark.parametrize(("entity", "path", "ident"), PLACES, ids=[entity.kind for entity, _, _ in PLACES])
def test_any_value_in_any_member_is_taken_or_refused(
    api: httpx.Client, entity: Entity, path: str, ident: int, data: st.DataObject
) -> None:
    names = st.sampled_from(sorted(entity.fields))
    operations = [{**data.draw(OPERATIONS), "path": data.draw(names)} for _ in range(data.draw(st.integers(1, 3)))]
    assert is_of_the_api(api.patch(f"{path}/{ident}", json=operations))
    body = data.draw(st.dictionaries(names, SCALARS, max_size=6))
    assert is_of_the_api(api.post(path, json=body))
    assert is_of_the_api(api.get(path, params={"orderBy": data.draw(names), "pageSize": 1000}))
    for found in (f"{path}/{ident}", "/finance/agreements/55/additions", path):
        assert api.get(found).status_code == 200


@SLOW_FIXTURE
@given(condition=st.text(max_size=30), fields=st.text(max_size=30), order=st.text(max_size=10))
def test_any_query_is_answered(api: httpx.Client, condition: str, fields: str, order: str) -> None:
    query = {"conditions": condition, "fields": fields, "orderBy": order}
    answer = api.get("/finance/agreements", params=query)
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("month", ["2026-10", "2027-01"])
def test_extreme_but_allowed_numbers_are_billed_exactly(api: httpx.Client, psa: RunningSandbox, month: str) -> None:
    largest: dict[str, Any] = addition(effectiveDate="2026-10-01T00:00:00Z")
    text = httpx.Request("POST", "http://x", json=largest).content.decode()
    text = text.replace('"quantity":2', '"quantity":999999999999').replace("22.5", "999999999999.99")
    answer = api.post("/finance/agreements/55/additions", content=text, headers={"content-type": "application/json"})
    assert answer.status_code == 201
    amounts = {line["addition"]: line["months"][0]["amount"] for line in psa.bill(month)[-1]["lines"]}
    assert str(amounts[answer.json()["id"]]) == "999999999998990000000000.01"


def test_writes_at_the_same_time_are_all_kept(psa: RunningSandbox) -> None:
    def write(_: int) -> list[int]:
        with client_of(psa) as client:
            return [client.post("/finance/agreements/55/additions", json=addition()).status_code for _ in range(10)]

    with ThreadPoolExecutor(4) as pool:
        statuses = [status for found in pool.map(write, range(4)) for status in found]
    assert statuses == [201] * 40
    rows = psa.state()["additions"]
    assert len({row["id"] for row in rows}) == len({row["sequenceNumber"] for row in rows}) == 41
