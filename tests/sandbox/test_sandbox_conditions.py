"""The condition grammar: what is read as what, and which records it finds."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sandbox.connectwise.conditions import Comparison, Joined, Moment, parse
from reconciler.sandbox.connectwise.errors import Refusal


def one(*path: str, op: Any = "=", value: Any = 1, negated: bool = False) -> Comparison:
    values = value if isinstance(value, tuple) else (value,)
    return Comparison(path, op, values, negated)


A, B, C = one("a", value=Decimal(1)), one("b", value=Decimal(2)), one("c", value=Decimal(3))

READ = [
    ('name="x"', one("name", value="x")),
    ("name='x'", one("name", value="x")),
    ('name = "it\'s"', one("name", value="it's")),
    (r'name = "say \"so\""', one("name", value='say "so"')),
    (r"name = 'it\'s'", one("name", value="it's")),
    (r'name = "back\slash"', one("name", value=r"back\slash")),
    (r'name = "two\\"', one("name", value="two\\")),
    ('name = "a and b or (c)"', one("name", value="a and b or (c)")),
    ('company/identifier="x"', one("company", "identifier", value="x")),
    ("id=5", one("id", value=Decimal(5))),
    ("price>=-5.25", one("price", op=">=", value=Decimal("-5.25"))),
    ("id<>5", None),
    ("a!=null", one("a", op="!=", value=None)),
    ("a=True", one("a", value=True)),
    ("a=false", one("a", value=False)),
    ("a<[2026-10-01]", one("a", op="<", value=Moment("2026-10-01T00:00:00Z"))),
    ("a<[2026-10-01T02:00:00+02:00]", one("a", op="<", value=Moment("2026-10-01T00:00:00Z"))),
    ('a contains "x"', one("a", op="contains", value="x")),
    ('a NOT Contains "x"', one("a", op="contains", value="x", negated=True)),
    ('a not like "x*"', one("a", op="like", value="x*", negated=True)),
    ('a in (1, "x",null)', one("a", op="in", value=(Decimal(1), "x", None))),
    ("a not in (1)", one("a", op="in", value=(Decimal(1),), negated=True)),
    ("a=1 and b=2", Joined("and", (A, B))),
    ("a=1 OR b=2 and c=3", Joined("or", (A, Joined("and", (B, C))))),
    ("(a=1 or b=2) and c=3", Joined("and", (Joined("or", (A, B)), C))),
    ("((a=1))", A),
    ("a=1 and", None),
    ("a=1 and and b=2", None),
    ("and a=1", None),
    ("(a=1", None),
    ("a=1)", None),
    ("a", None),
    ("a=", None),
    ("a=b", None),
    ("=1", None),
    ("a=1 b=2", None),
    ("a in 1", None),
    ("a in ()", None),
    ("a in (1", None),
    ("not a=1", None),
    ("a='x", None),
    ("a=[notadate]", None),
    ("a=1x", None),
    ("a ; b", None),
    ("", None),
    ("(" * 60 + "a=1" + ")" * 60, None),
]


@pytest.mark.parametrize(("text", "tree"), READ)
def test_a_condition_is_read_as_its_tree_or_refused(text: str, tree: object) -> None:
    if tree is None:
        with pytest.raises(Refusal) as refusal:
            parse(text)
        assert (refusal.value.status, refusal.value.code) == (400, "ApiFindCondition")
    else:
        assert parse(text) == tree


NAMES = st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True), min_size=1, max_size=2).filter(
    lambda names: names[0].lower() not in ("and", "or", "not", "in", "like", "contains")
)
TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12)
NUMBERS = st.decimals(min_value=-10_000, max_value=10_000, places=2)


def written(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return {True: "True", False: "False", None: "null"}.get(value, str(value))


LEAVES = st.tuples(
    NAMES, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.one_of(TEXTS, NUMBERS, st.booleans(), st.none())
).map(
    lambda leaf: (f"{'/'.join(leaf[0])} {leaf[1]} {written(leaf[2])}", Comparison(tuple(leaf[0]), leaf[1], (leaf[2],)))
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)).map(
        lambda made: (
            f" {made[0]} ".join(f"({text})" for text, _ in made[1]),
            Joined(made[0], tuple(tree for _, tree in made[1])),
        )
    ),
    max_leaves=8,
)


@given(TREES)
def test_a_bracketed_condition_reads_back_as_the_tree_it_was_written_from(case: tuple[str, object]) -> None:
    text, tree = case
    assert parse(text) == tree


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    codes = []
    try:
        parse(text)
    except Refusal as refusal:
        codes.append(refusal.code)
    assert codes in ([], ["ApiFindCondition"])


@pytest.fixture
def found(api: httpx.Client, reseeded: Callable[..., None]) -> Callable[..., list[int]]:
    reseeded(
        companies=[
            {"id": 1, "identifier": "ALPHA", "name": "Alpha [Group]", "city": "Bern"},
            {"id": 2, "identifier": "BETA", "name": "beta 50% off", "city": "Basel"},
            {"id": 3, "identifier": "GAMMA", "name": 'Gamma "G" Ltd', "deletedFlag": True},
        ],
        agreements=[
            {"id": 10, "company": 1, "startDate": "2026-01-01", "nextInvoiceDate": "2026-10-01"},
            {"id": 11, "company": 2, "startDate": "2026-10-03", "endDate": "2026-12-31"},
        ],
        additions=[{"id": 90, "agreement": 10, "product": 4120, "quantity": 2.5, "effectiveDate": "2026-10-01"}],
    )

    def ids(path: str, condition: str, **query: str) -> list[int]:
        answer = api.get(path, params={"conditions": condition, **query})
        assert answer.status_code == 200, answer.text
        return [row["id"] for row in answer.json()]

    return ids


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ('identifier="ALPHA"', [1]),
        ('identifier="alpha"', [1]),
        ('Identifier != "ALPHA"', [2, 3]),
        ('identifier like "*A*" and identifier not like "B*"', [1, 3]),
        ('name like "beta%off"', [2]),
        ('name contains "[[]group]"', [1]),
        (r'name contains "\"G\""', [3]),
        ("id in (1,3)", [1, 3]),
        ("id not in (1,3)", [2]),
        ("id > 1 and id < 3", [2]),
        ('identifier in ("ALPHA","BETA")', [1, 2]),
        ('city not in ("Bern")', [2]),
        ("deletedFlag=True", [3]),
        ("deletedFlag = false", [1, 2]),
        ("city = null", [3]),
        ("city != null", [1, 2]),
        ('city != "Bern"', [2]),
        ('city not contains "Ber"', [2]),
        ('(identifier="ALPHA" or identifier="BETA") and city="Basel"', [2]),
        ('identifier="ALPHA" or identifier="BETA" and city="Nowhere"', [1]),
        ('status/name="Active" and status/id=1', [1, 2, 3]),
        ("_info/lastUpdated > [2026-10-01] and lastUpdated < [2026-10-05]", [1, 2, 3]),
    ],
)
def test_companies_are_found_by_condition(found: Callable[..., list[int]], condition: str, ids: list[int]) -> None:
    assert found("/company/companies", condition) == ids


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ('company/identifier="ALPHA"', [10]),
        ("company/id=2", [11]),
        ('billingCycle/name="Monthly"', [10, 11]),
        ("startDate >= [2026-10-03]", [11]),
        ("startDate >= [2026-10-03T00:00:00Z]", [11]),
        ("startDate > [2026-10-03]", []),
        ("startDate <= [2026-01-01]", [10]),
        ("endDate = null", [10]),
        ("endDate != null", [11]),
        ("nextInvoiceDate = [2026-10-01]", [10]),
        ('invoicingCycle="CalendarYear"', [10, 11]),
        ('agreementStatus = "Active"', [10, 11]),
        ("parentAgreement = null", [10, 11]),
        ("parentAgreement/id != null", []),
    ],
)
def test_agreements_are_found_by_condition(found: Callable[..., list[int]], condition: str, ids: list[int]) -> None:
    assert found("/finance/agreements", condition) == ids


def test_additions_are_found_by_stored_and_by_computed_members(found: Callable[..., list[int]]) -> None:
    path = "/finance/agreements/10/additions"
    assert found(path, "quantity = 2.5 and product/id = 4120") == [90]
    assert found(path, 'extPrice = 50 and product/identifier = "M365-BB" and cancelledDate = null') == [90]
    assert found(path, "quantity > 2.5") == []


@pytest.mark.parametrize(
    ("path", "condition", "message"),
    [
        ("/finance/agreements", "productId = 1", "productId is not a recognized name."),
        ("/finance/agreements", "company/city = 'x'", "company/city is not a recognized name."),
        ("/finance/agreements", "name/id = 1", "name/id is not a recognized name."),
        ("/finance/agreements", 'invoicingCycle = "Sometimes"', "Enum value supplied was invalid"),
        ("/finance/agreements", 'id = "many"', "The value does not fit id."),
        ("/finance/agreements", "startDate > '2026-01-01'", "The value does not fit startDate."),
        ("/finance/agreements", 'id contains "1"', "contains does not fit id."),
        ("/company/companies", 'types/name = "Client"', "types/name is a list"),
        ("/finance/invoices", "invoiceDate > [2026-01-01]", "invoiceDate is not a recognized name."),
    ],
)
def test_a_condition_that_does_not_fit_is_refused(api: httpx.Client, path: str, condition: str, message: str) -> None:
    for address in (path, f"{path}/count"):
        answer = api.get(address, params={"conditions": condition})
        assert answer.status_code == 400
        assert answer.json()["code"] == "ApiFindCondition"
        assert answer.json()["message"].startswith(message)


def test_child_conditions_look_into_lists(api: httpx.Client) -> None:
    made = api.post("/company/companies", json={"identifier": "T", "name": "T", "types": [{"id": 2}]}).json()
    vendors = api.get("/company/companies", params={"childConditions": 'types/name = "Vendor"'}).json()
    assert [row["id"] for row in vendors] == [made["id"]]
    assert api.get("/company/companies", params={"childconditions": "types/id = 1"}).json() == []
    assert api.get("/company/companies", params={"childconditions": 'name = "x"'}).status_code == 400


def test_custom_fields_are_found_by_caption_and_value(api: httpx.Client) -> None:
    field = {"id": 1, "caption": "Tenant", "type": "Text", "value": "abc"}
    api.patch("/company/companies/250", json=[{"op": "replace", "path": "customFields", "value": [field]}])
    query = {"customFieldConditions": 'caption="Tenant" AND value != null'}
    assert [row["id"] for row in api.get("/company/companies", params=query).json()] == [250]
    query = {"customFieldConditions": 'caption="Tenant" AND value = "other"'}
    assert api.get("/company/companies", params=query).json() == []


def test_todays_date_can_be_made_to_find_nothing(api: httpx.Client, reseeded: Callable[..., None]) -> None:
    query = {"conditions": "startDate >= [2026-01-01]"}
    assert len(api.get("/finance/agreements", params=query).json()) == 1
    reseeded(today="2026-01-01", switches={"today_comparison": "exclusive"})
    assert api.get("/finance/agreements", params=query).json() == []
    assert len(api.get("/finance/agreements", params={"conditions": "startDate > [2025-12-31]"}).json()) == 1
