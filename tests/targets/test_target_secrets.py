"""A canary: each credential is unique, every failure is forced, and no form of any of them is said anywhere."""

import base64
import io
import json
import logging
import traceback
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from urllib.parse import quote

import pytest
import stamina
from sandbox_target import asked
from scripted_psa import Asked, ScriptedPsa, reply

from reconciler.domain.plan import AdditionValues
from reconciler.domain.records import AgreementRef, Wanted
from reconciler.domain.secret import Secret
from reconciler.targets.base import Target, TargetError
from reconciler.targets.connectwise.client import Keys

CLIENT, PUBLIC, PRIVATE = "canary-client-4f1c", "canary/public+9b2e", "canary=private&77aa"
PAIR = base64.b64encode(f"training+{PUBLIC}:{PRIVATE}".encode()).decode()
KEYS = {"client_id": Secret(CLIENT), "public_key": Secret(PUBLIC), "private_key": Secret(PRIVATE)}
VALUES = AdditionValues("55", "p", "1", "sub", Decimal(1), Decimal(1), Decimal(1), date(2026, 10, 1), None, "one seat")


@pytest.fixture(autouse=True)
def _no_waiting_between_attempts() -> Iterator[None]:
    with stamina.set_testing(True, attempts=5):
        yield


def forms() -> set[str]:
    found = {PAIR}
    for secret in (CLIENT, PUBLIC, PRIVATE, f"{PUBLIC}:{PRIVATE}"):
        found |= {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}
        found |= {base64.b64encode(secret.encode()).decode()}
    return found


async def read(target: Target) -> object:
    return await target.observe(Wanted(frozenset({AgreementRef(id="55")}), frozenset()))


async def write(target: Target) -> object:
    return await target.create_addition(VALUES)


async def remove(target: Target) -> object:
    return await target.delete_addition("55", "9")


def echo(status: int, own: bool, one: Asked) -> bytes:
    """An answer that repeats everything it was sent, in every form."""
    told = " ".join([*one.headers.values(), *sorted(forms())])
    body = json.dumps({"code": "Odd", "message": told, "errors": [{"message": told, "field": told}]}) if own else told
    return reply(status, body.encode(), Location=f"http://127.0.0.1:9/{quote(PRIVATE)}", Retry_After="1")


@pytest.mark.security(4)
@pytest.mark.parametrize("question", [read, write])
@pytest.mark.parametrize("own", [True, False], ids=["own error", "page"])
@pytest.mark.parametrize("status", [200, 201, 302, 400, 401, 403, 404, 409, 429, 500, 502])
def test_no_failure_says_a_secret(status: int, own: bool, question: object, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with ScriptedPsa(lambda one: echo(status, own, one)) as psa, pytest.raises(TargetError) as caught:
        asked(psa.url, question, keys=KEYS)  # type: ignore[arg-type]
    _nothing_said(caught.value, caplog.text)


@pytest.mark.security(4)
@pytest.mark.parametrize("status", [201, 302, 400, 404, 429, 502])
def test_no_failed_deletion_says_a_secret(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with ScriptedPsa(lambda one: echo(status, True, one)) as psa, pytest.raises(TargetError) as caught:
        asked(psa.url, remove, keys=KEYS)
    _nothing_said(caught.value, caplog.text)


@pytest.mark.security(4)
@pytest.mark.parametrize("question", [read, write])
def test_a_broken_connection_says_no_secret(question: object, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with ScriptedPsa(lambda _: None) as psa, pytest.raises(TargetError) as caught:
        asked(psa.url, question, keys=KEYS)  # type: ignore[arg-type]
    _nothing_said(caught.value, caplog.text)


def _nothing_said(error: TargetError, log: str) -> None:
    said = io.StringIO()
    said.write(f"{error!s}|{error!r}|{error.hint}|{error.__dict__}|{log}")
    shown = traceback.TracebackException.from_exception(error, capture_locals=False)
    said.write("".join(shown.format()))
    found = sorted(form for form in forms() if form in said.getvalue())
    assert found == []


@pytest.mark.security(3, 4)
def test_nothing_that_holds_the_keys_shows_them() -> None:
    shown: list[str] = []

    async def look(target: Target) -> None:
        shown.append(repr(target))
        shown.extend(repr(value) for value in vars(target).values())
        client = vars(target)["_client"]
        shown.extend(repr(value) for name, value in vars(client).items() if name != "_headers")

    with ScriptedPsa(lambda _: reply(200, b"[]")) as psa:
        asked(psa.url, look, keys=KEYS)
        assert shown[0] == f"ConnectWise(Client({psa.url}/v2026_4/apis/3.0))"
    shown.append(repr(Keys(CLIENT, PUBLIC, PRIVATE)))
    assert not [form for form in forms() if any(form in text for text in shown)]


def test_the_canary_is_alive() -> None:
    """The keys do go out, in the header that is there for them: else the tests above would hold of anything."""
    with ScriptedPsa(lambda _: reply(200, b"[]")) as psa:
        asked(psa.url, read, keys=KEYS)
        assert psa.api_requests[0].headers["authorization"] == f"Basic {PAIR}"
        assert psa.api_requests[0].headers["clientid"] == CLIENT
