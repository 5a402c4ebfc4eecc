"""The HTTP layer against a server that misbehaves on purpose: what is retried, what an answer to a write means."""

import asyncio
import base64
import contextlib
import gzip
import logging
import socket
import ssl
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import stamina
from sandbox_target import InstantClock
from scripted_psa import Asked, ScriptedPsa, reply

from reconciler.targets.base import Ambiguous, NotSent, TargetError
from reconciler.targets.budget import RequestBudget
from reconciler.targets.http import BODY_CAP, REFUSALS, Answer, HttpClient, Request, Timeouts
from reconciler.targets.redaction import Redactor
from reconciler.targets.together import together

SECRET = "s3cr3t-pr1vate"
SHORT = Timeouts(connect=2.0, silence=0.2, whole=0.5)


@pytest.fixture(autouse=True)
def _no_waiting_between_attempts() -> Iterator[None]:
    with stamina.set_testing(True, attempts=5):
        yield


def request(url: str, method: str = "GET", body: bytes | None = None) -> Request:
    return Request(method, f"{url}/things?x=1", "/things", {"Authorization": f"Basic {SECRET}"}, body)


def spoken(
    method: str, url: str, clock: InstantClock | None = None, timeouts: Timeouts | None = None, times: int = 1
) -> Answer:
    """The last answer to a request, read for a GET, written for anything else."""

    async def speak() -> Answer:
        client = HttpClient(RequestBudget(1000, 4, clock or InstantClock()), Redactor([SECRET]), timeouts)
        try:
            for _ in range(times):
                one = request(url, method, None if method in ("GET", "DELETE") else b"{}")
                answer = await (client.read(one) if method == "GET" else client.write(one))
            return answer
        finally:
            await client.close()

    return asyncio.run(speak())


def in_turn(*answers: bytes | None) -> Callable[[Asked], bytes | None]:
    """A script of answers; the last one stays."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


# Reads


@pytest.mark.parametrize("bad", [reply(500), reply(502, b"<html>"), reply(503), reply(504), reply(408), None])
def test_a_read_is_asked_again_when_the_failure_may_pass(bad: bytes | None) -> None:
    with ScriptedPsa(in_turn(bad, bad, reply(200, b"[]"))) as psa:
        assert spoken("GET", psa.url).body == b"[]"
        assert len(psa.requests) == 3


def test_a_read_that_fails_five_times_says_so_without_a_secret() -> None:
    with ScriptedPsa(in_turn(reply(500, SECRET.encode()))) as psa:
        with pytest.raises(
            TargetError, match=r"GET /things failed 5 times; the last time: the server answered 500"
        ) as caught:
            spoken("GET", psa.url)
        assert len(psa.requests) == 5
    assert SECRET not in repr(caught.value.__dict__)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
def test_a_read_that_is_refused_is_not_asked_again(status: int) -> None:
    with ScriptedPsa(in_turn(reply(status, b"no"))) as psa:
        assert spoken("GET", psa.url).status == status
        assert len(psa.requests) == 1


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (reply(429, b"", Retry_After="30"), 30),
        (reply(429, b"", Retry_After="Wed, 21 Oct 2026 07:28:45 GMT", Date="Wed, 21 Oct 2026 07:28:00 GMT"), 45),
        (reply(429, b'{"error":"ConnectWiseAPI","message":"Too many requests. Please try again in 12 seconds."}'), 12),
        (reply(429, b"<html>slow down</html>"), 10),
        (reply(429, b"", Retry_After="soon"), 10),
    ],
    ids=["seconds", "date", "text", "nothing", "nonsense"],
)
def test_a_429_rests_for_as_long_as_it_asks_on_the_given_clock(answer: bytes, seconds: int) -> None:
    clock = InstantClock()
    with ScriptedPsa(in_turn(answer, reply(200, b"[]"))) as psa:
        assert spoken("GET", psa.url, clock).status == 200
    assert clock.slept == [pytest.approx(seconds)]


def test_a_429_that_asks_for_an_hour_ends_the_run_with_a_sentence() -> None:
    with (
        ScriptedPsa(in_turn(reply(429, b"", Retry_After="3600"))) as psa,
        pytest.raises(TargetError, match="wants 3600 seconds of rest"),
    ):
        spoken("GET", psa.url)


@pytest.mark.security(24)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_redirect_is_never_followed(method: str, status: int) -> None:
    with (
        ScriptedPsa(in_turn(reply(200, b"[]"))) as elsewhere,
        ScriptedPsa(in_turn(reply(status, b"", Location=f"{elsewhere.url}/things"))) as psa,
    ):
        with pytest.raises(TargetError, match=str(status)) as caught:
            spoken(method, psa.url)
        assert isinstance(caught.value, Ambiguous) == (method != "GET")
        assert len(psa.requests) == 1
        assert elsewhere.requests == []


def test_a_compressed_answer_is_unpacked() -> None:
    with ScriptedPsa(in_turn(reply(200, gzip.compress(b"[1]"), Content_Encoding="gzip"))) as psa:
        assert spoken("GET", psa.url).body == b"[1]"
        assert psa.requests[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("body", "coding", "said"),
    [
        (gzip.compress(b"0" * (BODY_CAP * 20)), "gzip", "larger than 10 MB"),
        (b"0" * (BODY_CAP + 1), "identity", "larger than 10 MB"),
        (b"0" * 100, "br", "not asked for"),
        (b"0" * 100, "gzip", "not what it says"),
        (gzip.compress(b"[1]")[:-9], "gzip", "cut short"),
        (gzip.compress(b"[1]") + b"more", "gzip", "follows its end"),
    ],
    ids=["bomb", "too large", "unknown coding", "no gzip", "cut gzip", "tail"],
)
def test_a_body_that_cannot_be_taken_ends_a_read_and_leaves_a_write_open(body: bytes, coding: str, said: str) -> None:
    with ScriptedPsa(in_turn(reply(200, body, Content_Encoding=coding))) as psa:
        with pytest.raises(TargetError, match=said):
            spoken("GET", psa.url)
        assert len(psa.requests) == 1
        with pytest.raises(Ambiguous, match=said):
            spoken("POST", psa.url)


@pytest.mark.security(20)
def test_a_bomb_is_not_unpacked_beyond_the_cap() -> None:
    bomb = reply(200, gzip.compress(b"0" * (BODY_CAP * 20)), Content_Encoding="gzip")
    with ScriptedPsa(in_turn(bomb)) as psa:
        tracemalloc.start()
        with pytest.raises(TargetError, match="larger than 10 MB"):
            spoken("GET", psa.url)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 4 * BODY_CAP


@pytest.mark.security(20)
def test_a_body_of_exactly_the_cap_is_taken() -> None:
    with ScriptedPsa(in_turn(reply(200, gzip.compress(b"0" * BODY_CAP), Content_Encoding="gzip"))) as psa:
        assert len(spoken("GET", psa.url).body) == BODY_CAP


# Writes


def test_a_write_is_sent_once_whatever_the_answer() -> None:
    for answer in (reply(500), reply(503), reply(429), reply(400, b"{}"), reply(302), None):
        with ScriptedPsa(in_turn(answer)) as psa:
            with contextlib.suppress(TargetError):
                spoken("POST", psa.url)
            assert len(psa.requests) == 1


@pytest.mark.parametrize("status", [*sorted(REFUSALS), 200, 201, 204])
def test_a_done_write_and_one_that_the_psa_may_refuse_come_back_with_their_answer(status: int) -> None:
    with ScriptedPsa(in_turn(reply(status))) as psa:
        assert spoken("PATCH", psa.url).status == status


@pytest.mark.parametrize("status", [302, 402, 405, 408, 410, 418, 451, 500, 501, 502, 503, 504, 520])
def test_any_other_status_leaves_open_whether_a_write_was_done(status: int) -> None:
    with ScriptedPsa(in_turn(reply(status))) as psa, pytest.raises(Ambiguous, match=str(status)):
        spoken("POST", psa.url)


def test_a_429_to_a_write_means_that_nothing_was_done_and_when_to_come_back() -> None:
    with ScriptedPsa(in_turn(reply(429, b"", Retry_After="7"))) as psa, pytest.raises(NotSent) as caught:
        spoken("POST", psa.url)
    assert caught.value.retry_after == 7


def test_a_429_to_a_write_rests_everybody() -> None:
    clock = InstantClock()

    async def write_then_read(url: str) -> None:
        client = HttpClient(RequestBudget(1000, 4, clock), Redactor([]))
        with pytest.raises(NotSent):
            await client.write(request(url, "POST", b"{}"))
        await client.read(request(url))
        await client.close()

    with ScriptedPsa(in_turn(reply(429, b"", Retry_After="7"), reply(200, b"[]"))) as psa:
        asyncio.run(write_then_read(psa.url))
    assert clock.slept == [pytest.approx(7)]


def test_a_refused_connection_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotSent, match="POST /things was not sent"):
        spoken("POST", f"http://127.0.0.1:{port}")


def test_a_handshake_that_fails_means_that_nothing_was_sent() -> None:
    with ScriptedPsa(in_turn(reply(200))) as psa:
        with pytest.raises(NotSent):
            spoken("POST", psa.url.replace("http://", "https://"))
        assert all(asked.method != "POST" for asked in psa.requests)


def test_a_connection_that_ends_without_an_answer_leaves_a_write_open() -> None:
    with ScriptedPsa(in_turn(None)) as psa, pytest.raises(Ambiguous, match="its answer was lost"):
        spoken("POST", psa.url)


def test_a_write_does_not_go_out_on_a_connection_that_the_server_has_closed() -> None:
    """On a stale connection a harmless reset would look like a write whose answer was lost."""

    async def read_then_write(psa: ScriptedPsa) -> int:
        client = HttpClient(RequestBudget(1000, 4, InstantClock()), Redactor([]))
        await client.read(request(psa.url))
        psa.hang_up()
        answer = await client.write(request(psa.url, "POST", b"{}"))
        await client.close()
        return answer.status

    with ScriptedPsa(in_turn(reply(200, b"[]"))) as psa:
        assert asyncio.run(read_then_write(psa)) == 200
        assert [one.method for one in psa.requests] == ["GET", "POST"]


def test_an_answer_that_is_cut_leaves_a_write_open() -> None:
    cut = b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{"
    with ScriptedPsa(in_turn(cut)) as psa, pytest.raises(Ambiguous, match="its answer was lost"):
        spoken("POST", psa.url)


def test_an_answer_that_is_not_http_leaves_a_write_open() -> None:
    with ScriptedPsa(in_turn(b"220 mail.example ESMTP\r\n\r\n")) as psa, pytest.raises(Ambiguous):
        spoken("POST", psa.url)


@pytest.mark.security(36)
def test_a_server_that_never_ends_its_answer_is_left_after_a_while() -> None:
    started = b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"
    with ScriptedPsa(in_turn(started)) as psa, pytest.raises(Ambiguous, match="no answer in time"):
        spoken("POST", psa.url, timeouts=SHORT)


@pytest.mark.security(36)
def test_bytes_that_drip_do_not_outlast_the_whole_time() -> None:
    async def drip() -> None:
        async def endless() -> object:
            while True:
                await asyncio.sleep(0.01)
                yield b" "

        def answer(_: httpx.Request) -> httpx.Response:
            return httpx.Response(200, content=endless())  # type: ignore[arg-type]

        transport = httpx.MockTransport(answer)
        client = HttpClient(RequestBudget(1000, 4, InstantClock()), Redactor([]), SHORT, transport)
        with pytest.raises(Ambiguous, match="no answer in time"):
            await client.write(request("http://127.0.0.1", "POST", b"{}"))
        await client.close()

    asyncio.run(drip())


async def _pages(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers until nobody asks any more: `/bad` with 404, every third path late."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            path = head.split()[1]
            await asyncio.sleep(0.02 if path.endswith(b"late") else 0.001)
            writer.write(b"HTTP/1.1 %s\r\nContent-Length: 1\r\n\r\nx" % (b"404 No" if path == b"/bad" else b"200 OK"))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    finally:
        writer.close()


def test_reads_that_are_broken_off_by_a_failure_leave_every_place_free() -> None:
    async def broken_off_again_and_again() -> None:
        server = await asyncio.start_server(_pages, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        client = HttpClient(RequestBudget(100_000, 8, InstantClock()), Redactor([]))

        async def read(number: int, bad: int | None) -> None:
            path = "/bad" if number == bad else f"/{number}late" if number % 3 else f"/{number}"
            if (await client.read(Request("GET", url + path, path, {}))).status == 404:
                raise LookupError(path)

        for bad in range(20, 40):
            with pytest.raises(LookupError):
                await together(read(number, bad) for number in range(100))
        # A place that was never given back would let one of these wait for ever.
        await asyncio.wait_for(together(read(number, None) for number in range(100)), 30)
        await client.close()
        server.close()
        await server.wait_closed()
        # The handlers hear of their closed connections in the next turns of the loop.
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)

    asyncio.run(broken_off_again_and_again())


# What is said


@pytest.mark.security(4)
def test_an_error_body_that_repeats_the_secret_is_blotted() -> None:
    forms = (SECRET, base64.b64encode(SECRET.encode()).decode(), "x")
    with ScriptedPsa(in_turn(reply(400, " ".join(forms).encode()))) as psa:
        assert spoken("GET", psa.url).body == b"*** *** x"


@pytest.mark.security(4)
def test_the_log_tells_method_path_status_and_time_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with ScriptedPsa(in_turn(reply(200, b"[]", X_Body="b0dy"))) as psa:
        spoken("GET", psa.url)
    lines = [record for record in caplog.records if record.name == "reconciler.http"]
    assert [line.getMessage() for line in lines] == ["request"]
    assert lines[0].levelno == logging.DEBUG
    assert (lines[0].method, lines[0].path, lines[0].status) == ("GET", "/things", 200)  # type: ignore[attr-defined]
    assert lines[0].headers == {"content-length": "2"}  # type: ignore[attr-defined]
    assert SECRET not in caplog.text


@pytest.mark.security(4)
def test_a_request_shows_neither_headers_nor_query_nor_body() -> None:
    shown = repr(request("http://127.0.0.1", "POST", SECRET.encode()))
    assert shown == "Request(method='POST', path='/things')"


@pytest.mark.security(23)
def test_proxies_and_netrc_of_the_machine_do_not_apply(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    with ScriptedPsa(in_turn(reply(200, b"proxied"))) as proxy, ScriptedPsa(in_turn(reply(200, b"direct"))) as psa:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert spoken("GET", psa.url).body == b"direct"
        assert proxy.requests == []


@pytest.mark.security(23)
def test_a_certificate_that_nobody_vouches_for_is_refused_at_once() -> None:
    """`self-signed.pem` is a key and certificate for 127.0.0.1 made for this test, and good for nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("self-signed.pem"))
    with ScriptedPsa(in_turn(reply(200, b"[]")), tls=context) as psa:
        assert psa.url.startswith("https://127.0.0.1:")
        with pytest.raises(TargetError, match="certificate is not to be trusted"):
            spoken("GET", psa.url)
        with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
            spoken("POST", psa.url)
        assert psa.requests == []
