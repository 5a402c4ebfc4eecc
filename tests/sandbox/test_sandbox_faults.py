"""Faults on demand: what the client sees, and whether the work was done."""

import time
from typing import Any

import httpx
import pytest
from sandbox_api import addition

from reconciler.sandbox.control_client import SandboxError
from reconciler.sandbox.server import RunningSandbox

ADDITIONS = "/finance/agreements/55/additions"
ON_POST = {"match": {"method": "POST", "path": "/additions$"}}


def rows(psa: RunningSandbox) -> list[dict[str, Any]]:
    """The additions that were made since the seed."""
    return [row for row in psa.state()["additions"] if row["id"] != 8801]


@pytest.mark.parametrize(
    ("kind", "status", "made"),
    [("500-before", 500, 0), ("500-after", 500, 1), ("429", 429, 0), ("duplicate", 201, 2), ("html", 502, 0)],
)
def test_a_fault_strikes_once_and_does_the_work_or_not(
    psa: RunningSandbox, api: httpx.Client, kind: str, status: int, made: int
) -> None:
    psa.faults([{**ON_POST, "kind": kind}])
    assert api.get(ADDITIONS).status_code == 200
    assert api.post(ADDITIONS, json=addition()).status_code == status
    assert len(rows(psa)) == made
    assert api.post(ADDITIONS, json=addition()).status_code == 201
    assert [entry.get("fault") for entry in psa.requests()] == [None, kind, None]


def test_a_timeout_says_what_the_psa_says(psa: RunningSandbox, api: httpx.Client) -> None:
    psa.faults([{**ON_POST, "kind": "500-after"}])
    answer = api.post(ADDITIONS, json=addition())
    assert answer.json() == {"code": "ConnectWiseApi", "message": "A timeout has occured. Please try again."}


def test_too_many_requests_come_with_the_odd_body(psa: RunningSandbox, api: httpx.Client) -> None:
    psa.faults(
        [{"match": "GET /additions", "kind": "429", "seconds": 7, "times": 2}, {"kind": "429-no-retry-after", "nth": 3}]
    )
    for _ in range(2):
        answer = api.get(ADDITIONS)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
        assert answer.json() == {
            "error": "ConnectWiseAPI",
            "message": "Too many requests. Please try again in 7 seconds.",
        }
    answer = api.get(ADDITIONS)
    assert answer.status_code == 429
    assert "retry-after" not in answer.headers
    assert api.get(ADDITIONS).status_code == 200


@pytest.mark.parametrize(("kind", "made"), [("drop-request", 0), ("drop-answer", 1)])
def test_a_dropped_connection_gives_no_answer(psa: RunningSandbox, api: httpx.Client, kind: str, made: int) -> None:
    psa.faults([{**ON_POST, "kind": kind}])
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        api.post(ADDITIONS, json=addition())
    assert len(rows(psa)) == made
    assert psa.requests()[-1]["status"] is None
    assert api.get(ADDITIONS).status_code == 200


def test_a_late_commit_is_not_there_and_then_is(psa: RunningSandbox, api: httpx.Client) -> None:
    psa.faults([{**ON_POST, "kind": "delay-commit", "seconds": 0.2}])
    assert api.post(ADDITIONS, json=addition()).status_code == 500
    assert rows(psa) == []
    deadline = time.monotonic() + 10
    while not rows(psa):
        assert time.monotonic() < deadline
    assert len(rows(psa)) == 1


def test_a_cut_answer_is_no_json_and_the_work_is_done(psa: RunningSandbox, api: httpx.Client) -> None:
    psa.faults([{**ON_POST, "kind": "garbage-body"}])
    answer = api.post(ADDITIONS, json=addition())
    assert answer.status_code == 201
    with pytest.raises(ValueError, match=r"."):
        answer.json()
    assert len(rows(psa)) == 1


def test_a_redirect_leads_away(psa: RunningSandbox, api: httpx.Client) -> None:
    psa.faults([{"kind": "redirect", "to": "https://elsewhere.invalid/"}])
    answer = api.get(ADDITIONS)
    assert (answer.status_code, answer.headers["location"]) == (302, "https://elsewhere.invalid/")


def test_an_altered_field_is_stored_and_answered_so(psa: RunningSandbox, api: httpx.Client) -> None:
    psa.faults([{"match": {"path": "/additions"}, "kind": "alter-field", "field": "quantity", "value": 99, "times": 2}])
    made = api.post(ADDITIONS, json=addition(quantity=2)).json()
    assert made["quantity"] == 99
    body = [{"op": "replace", "path": "quantity", "value": 3}]
    assert api.patch(f"{ADDITIONS}/{made['id']}", json=body).json()["quantity"] == 99


def test_a_slow_answer_holds_up_nobody_else(psa: RunningSandbox, api: httpx.Client) -> None:
    psa.faults([{"match": "GET /catalog", "kind": "slow", "seconds": 1}])
    with pytest.raises(httpx.ReadTimeout):
        api.get("/procurement/catalog", timeout=0.2)
    assert api.get(ADDITIONS).status_code == 200


def test_a_reset_ends_all_faults(psa: RunningSandbox, api: httpx.Client) -> None:
    psa.faults([{"kind": "500-before", "times": 1000}])
    psa.reset()
    assert api.get(ADDITIONS).status_code == 200
    assert len(psa.requests()) == 1


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ([{"kind": "earthquake"}], r"faults\[0\].kind: 'earthquake' is none of"),
        ([{"kind": "429", "when": 2}], r"faults\[0\].when: unknown key"),
        ([{"kind": "429", "nth": 0}], r"faults\[0\].nth: write a whole number"),
        ([{"kind": "429", "match": {"url": "x"}}], r"faults\[0\].match: write"),
        ([{"kind": "429", "match": {"path": "("}}], r"faults\[0\].match.path: no regular expression"),
        (["429"], r"faults\[0\]: write a mapping"),
        ({"kind": "429"}, r"a fault script is a list"),
        ([{"kind": "slow", "seconds": "long"}], r"faults\[0\].seconds: write a number"),
        ([{"kind": "alter-field", "value": 1}], r"faults\[0\].field: name the field"),
    ],
)
def test_a_script_that_makes_no_sense_is_refused(psa: RunningSandbox, script: Any, message: str) -> None:
    with pytest.raises(SandboxError, match=message):
        psa.faults(script)
