"""Pages, the Link header, order and chosen fields."""

import re
from collections.abc import Callable

import httpx
import pytest

from reconciler.sandbox.server import RunningSandbox

PATH = "/company/companies"


def links(answer: httpx.Response) -> dict[str, str]:
    pairs = re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers.get("link", ""))
    return {rel: url for url, rel in pairs}


@pytest.fixture
def seven(api: httpx.Client, reseeded: Callable[..., None]) -> httpx.Client:
    names = ["delta", "Alpha", "charlie", "Bravo", "echo", "golf", "foxtrot"]
    reseeded(
        companies=[{"id": n, "identifier": name, "name": name} for n, name in enumerate(names, 1)],
        agreements=[],
        additions=[],
    )
    return api


def test_a_first_page_names_next_and_last(seven: httpx.Client, psa: RunningSandbox) -> None:
    answer = seven.get(f"{PATH}?pageSize=3&orderBy=id%20asc")
    assert [row["id"] for row in answer.json()] == [1, 2, 3]
    address = f"{psa.url}/v4_6_release/apis/3.0{PATH}?pageSize=3&orderBy=id%20asc"
    assert links(answer) == {"next": f"{address}&page=2", "last": f"{address}&page=3"}


def test_a_middle_page_names_all_four_and_ends_with_last(seven: httpx.Client) -> None:
    answer = seven.get(PATH, params={"pageSize": 3, "page": 2})
    assert set(links(answer)) == {"prev", "next", "first", "last"}
    assert answer.headers["link"].endswith('rel="last"')


def test_the_last_page_ends_with_first(seven: httpx.Client) -> None:
    answer = seven.get(PATH, params={"page": 3, "pageSize": 3})
    assert [row["id"] for row in answer.json()] == [7]
    assert set(links(answer)) == {"prev", "first"}
    assert answer.headers["link"].endswith('rel="first"')


def test_page_is_the_last_member_wherever_it_stood(seven: httpx.Client) -> None:
    answer = seven.get(f"{PATH}?PAGE=1&pageSize=3&conditions=id>0")
    assert all(re.search(r"[?&]page=\d+$", url) for url in links(answer).values())
    assert "PAGE" not in answer.headers["link"]


def test_following_next_gives_every_record_once(seven: httpx.Client) -> None:
    answer = seven.get(PATH, params={"pageSize": 2})
    ids = [row["id"] for row in answer.json()]
    while "next" in links(answer):
        answer = seven.get(links(answer)["next"])
        ids += [row["id"] for row in answer.json()]
    assert ids == [1, 2, 3, 4, 5, 6, 7]


def test_no_link_when_one_page_holds_everything(seven: httpx.Client) -> None:
    assert "link" not in seven.get(PATH, params={"pageSize": 7}).headers


def test_beyond_the_end_is_an_empty_list(seven: httpx.Client) -> None:
    answer = seven.get(PATH, params={"pageSize": 3, "page": 99})
    assert (answer.status_code, answer.json()) == (200, [])


def test_links_carry_the_host_that_was_asked(seven: httpx.Client, psa: RunningSandbox) -> None:
    answer = seven.get(PATH, params={"pageSize": 3}, headers={"host": "psa.example:81"})
    assert links(answer)["next"].startswith("http://psa.example:81/v4_6_release/")


def test_twenty_five_records_make_a_page(api: httpx.Client, reseeded: Callable[..., None]) -> None:
    reseeded(companies=[{"identifier": f"C{n}"} for n in range(30)], agreements=[], additions=[])
    assert len(api.get(PATH).json()) == 25
    assert api.get(f"{PATH}/count").json() == {"count": 30}


def test_forward_only_pages_go_by_id_until_the_link_is_empty(seven: httpx.Client) -> None:
    forward = {"pagination-type": "forward-only"}
    answer = seven.get(PATH, params={"pageSize": 3, "page": 2}, headers=forward)
    assert [row["id"] for row in answer.json()] == [1, 2, 3]
    assert links(answer)["next"].endswith("pageId=3")
    answer = seven.get(PATH, params={"pageSize": 3, "pageId": 3}, headers=forward)
    assert [row["id"] for row in answer.json()] == [4, 5, 6]
    answer = seven.get(links(answer)["next"], headers=forward)
    assert [row["id"] for row in answer.json()] == [7]
    assert answer.headers["link"] == ""


def test_forward_only_refuses_an_order(seven: httpx.Client) -> None:
    answer = seven.get(PATH, params={"orderBy": "id asc"}, headers={"pagination-type": "forward-only"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("order", "first"), [("name asc", "Alpha"), ("name desc", "golf"), ("status/name, id desc", "foxtrot")]
)
def test_lists_are_ordered(seven: httpx.Client, order: str, first: str) -> None:
    assert seven.get(PATH, params={"orderBy": order}).json()[0]["name"] == first


@pytest.mark.parametrize(
    "query",
    [{"orderBy": "noSuchField"}, {"orderBy": "id sideways"}, {"pageSize": "many"}, {"page": "0"}, {"page": "-1"}],
)
def test_a_page_or_order_that_makes_no_sense_is_refused(seven: httpx.Client, query: dict[str, str]) -> None:
    assert seven.get(PATH, params=query).status_code == 400


def test_a_page_is_capped_at_a_thousand_or_refused(api: httpx.Client, reseeded: Callable[..., None]) -> None:
    companies = [{"identifier": f"C{n}"} for n in range(1001)]
    reseeded(companies=companies, agreements=[], additions=[])
    assert len(api.get(PATH, params={"pageSize": 5000, "fields": "id"}).json()) == 1000
    reseeded(switches={"page_size_over": "refuse"})
    assert api.get(PATH, params={"pageSize": 5000}).status_code == 400


def test_chosen_fields_alone_are_sent(api: httpx.Client) -> None:
    row = api.get("/finance/agreements", params={"fields": "id,company/identifier,noSuchField"}).json()[0]
    assert row == {"id": 55, "company": {"identifier": "Contoso"}}
    row = api.get("/finance/agreements/55", params={"FIELDS": "name,_info"}).json()
    assert set(row) == {"name", "_info"}


def test_unknown_fields_can_be_refused(api: httpx.Client, reseeded: Callable[..., None]) -> None:
    reseeded(switches={"unknown_fields": "refuse"})
    assert api.get("/finance/agreements", params={"fields": "id,noSuchField"}).status_code == 400


def test_unknown_query_members_are_ignored(api: httpx.Client) -> None:
    assert api.get("/finance/agreements", params={"recordId": "5", "recordType": "x"}).status_code == 200
