"""Pages: everything is read, once, whatever the Link header says; its URLs are never called."""

import json
from collections.abc import Callable

import pytest
from sandbox_target import asked
from scripted_psa import Asked, ScriptedPsa, reply

from reconciler.domain.records import Addition
from reconciler.targets.base import Target, TargetError
from reconciler.targets.connectwise.client import ACCEPT


def rows(first: int, last: int) -> list[dict[str, object]]:
    return [
        {
            "id": number,
            "product": {"id": 1},
            "quantity": 1.0,
            "unitPrice": 1.0,
            "billCustomer": "Billable",
            "effectiveDate": "2026-09-01T00:00:00Z",
        }
        for number in range(first, last + 1)
    ]


def page(records: list[dict[str, object]], **headers: str) -> bytes:
    return reply(200, json.dumps(records).encode(), **headers)


async def additions(target: Target) -> tuple[Addition, ...]:
    return await target.read_additions("55", None)


def read(script: Callable[[Asked], bytes | None]) -> tuple[list[int], list[Asked]]:
    with ScriptedPsa(script) as psa:
        found = asked(psa.url, additions)
        return [int(addition.id) for addition in found], psa.api_requests


def test_one_page_is_one_request_by_number_with_the_page_last() -> None:
    found, requests = read(lambda _: page(rows(1, 3)))
    assert found == [1, 2, 3]
    assert len(requests) == 1
    assert requests[0].target.endswith("&orderBy=id%20asc&pageSize=1000&page=1")
    assert "pagination-type" not in requests[0].headers


def test_every_request_carries_the_pinned_version_and_the_client_id() -> None:
    _, requests = read(lambda _: page([]))
    headers = requests[0].headers
    assert headers["accept"] == ACCEPT == "application/vnd.connectwise.com+json; version=2026.4, application/json"
    assert headers["clientid"] == "sandbox"
    # training+sandbox:sandbox
    assert headers["authorization"] == "Basic dHJhaW5pbmcrc2FuZGJveDpzYW5kYm94"
    assert "content-type" not in headers


def test_further_pages_go_on_after_the_last_id_in_forward_only_mode() -> None:
    def script(one: Asked) -> bytes:
        if "pageId" not in one.query:
            return page(rows(1, 1000), Link='<http://h/x?page=2>; rel="next", <http://h/x?page=3>; rel="last"')
        after = int(one.query["pageId"])
        if after == 1000:
            return page(rows(1001, 2000), Link='<http://h/x?pageId=2000>; rel="next"')
        return page(rows(2001, 2003), Link="")

    found, requests = read(script)
    assert found == list(range(1, 2004))
    assert [one.query.get("pageId") for one in requests] == [None, "1000", "2000"]
    assert all(one.headers["pagination-type"] == "forward-only" for one in requests[1:])
    assert all("orderBy" not in one.query and "page" not in one.query for one in requests[1:])


def test_a_server_that_gives_fewer_than_asked_for_is_read_to_the_end() -> None:
    """A cap below ours shows by the Link alone."""

    def script(one: Asked) -> bytes:
        after = int(one.query.get("pageId", "0"))
        more = {"Link": f'<http://h/x?pageId={after + 2}>; rel="next"'} if after < 4 else {"Link": ""}
        return page(rows(after + 1, min(after + 2, 5)), **more)

    assert read(script)[0] == [1, 2, 3, 4, 5]


def test_a_link_that_never_ends_is_left_at_the_first_empty_page() -> None:
    def script(one: Asked) -> bytes:
        after = int(one.query.get("pageId", "0"))
        return page(rows(after + 1, after + 2) if after < 4 else [], Link='<http://h/x?pageId=9>; rel="next"')

    found, requests = read(script)
    assert found == [1, 2, 3, 4]
    assert len(requests) == 3


def test_a_full_page_without_any_link_is_not_taken_for_the_end() -> None:
    found, requests = read(lambda one: page(rows(1, 1000) if "pageId" not in one.query else rows(1001, 1001)))
    assert found[-1] == 1001
    assert len(requests) == 2


@pytest.mark.security(25)
@pytest.mark.parametrize(
    "link",
    [
        '<http://127.0.0.1:{port}/elsewhere?page=2>; rel="next"',
        '<//evil.example/finance?page=2>; rel="next"',
        '<https://evil.example/v2026_4/apis/3.0/finance?pageId=2>; rel="next"',
        "<http://[bad?page=2>; rel=next",
    ],
)
def test_only_that_there_is_more_is_taken_from_a_link(link: str) -> None:
    with ScriptedPsa(lambda _: page([])) as elsewhere:

        def script(one: Asked) -> bytes:
            assert one.path == "/v2026_4/apis/3.0/finance/agreements/55/additions"
            more = {} if "pageId" in one.query else {"Link": link.format(port=elsewhere.port)}
            return page(rows(3, 4) if "pageId" in one.query else rows(1, 2), **more)

        found, requests = read(script)
        assert found == [1, 2, 3, 4]
        assert len(requests) == 2
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    "link",
    [
        '<http://h/x?page=1>; rel="prev"',
        "",
        "<>; rel=next",
        '<http://h/x>; rel="next"',
        '<http://h?pageId=>; rel="next"',
        ";;;",
    ],
)
def test_a_link_that_leads_nowhere_is_the_end(link: str) -> None:
    found, requests = read(lambda _: page(rows(1, 2), Link=link))
    assert found == [1, 2]
    assert len(requests) == 1


@pytest.mark.security(36)
@pytest.mark.parametrize("second", [rows(1, 2), rows(2, 3), [{"name": "no id"}], [{"id": "7"}]])
def test_pages_that_repeat_or_have_no_ids_are_an_error_and_not_a_loop(second: list[dict[str, object]]) -> None:
    more = '<http://h/x?pageId=2>; rel="next"'
    with pytest.raises(TargetError, match="not in the order of its ids"):
        read(lambda one: page(second if "pageId" in one.query else rows(1, 2), Link=more))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>", "is not JSON"),
        (b"", "is not JSON"),
        (b'[{"id":1,', "is not JSON"),
        (b'[{"id":NaN}]', "is not JSON"),
        (b'{"id":1}', "is not a list of records"),
        (b"[1]", "is not a list of records"),
        (b"null", "is not a list of records"),
    ],
)
def test_an_answer_that_is_no_list_is_told_and_nothing_is_guessed(body: bytes, said: str) -> None:
    with pytest.raises(TargetError, match=f"GET /finance/agreements/55/additions {said}"):
        read(lambda _: reply(200, body))


@pytest.mark.security(29)
@pytest.mark.parametrize("agreement", ["", "5/5", "../55", "55?x", "٥", "-1"])
def test_an_agreement_that_is_no_number_never_reaches_a_url(agreement: str) -> None:
    with ScriptedPsa(lambda _: page([])) as psa:
        with pytest.raises(TargetError, match="is not the number of a ConnectWise record"):
            asked(psa.url, lambda target: target.read_additions(agreement, None))
        assert psa.api_requests == []


def test_a_server_that_does_not_filter_by_serial_number_is_read_whole() -> None:
    refusal = b'{"code":"ApiFindCondition","message":"serialNumber is not a recognized name."}'
    own = [{**rows(1, 1)[0], "serialNumber": "mine"}, {**rows(2, 2)[0], "serialNumber": "theirs"}]

    def script(one: Asked) -> bytes:
        return reply(400, refusal) if "conditions" in one.query else page(own)

    with ScriptedPsa(script) as psa:
        found = asked(psa.url, lambda target: target.read_additions("55", "mine"))
        assert [addition.id for addition in found] == ["1"]
        assert len(psa.api_requests) == 2
