"""The one HTTP layer, the same for every PSA: the budget of requests, retry of reads, what the answer to a write means,
redaction, the request log.

Its only seam is the transport. TLS is always verified, redirects are never followed, proxies and `.netrc` files of the
machine do not apply, and no body grows beyond a cap, however well it was compressed.
"""

import asyncio
import logging
import os
import re
import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from importlib.util import find_spec

import httpx
import stamina

from reconciler.targets.base import Ambiguous, NotSent, TargetError, operation, write_status
from reconciler.targets.budget import RequestBudget
from reconciler.targets.redaction import Redactor
from reconciler.targets.trust import AUTHORITY_FILE, trusted

# httpcore imports this at each lock that it takes, to learn which kind of loop runs; where it is not installed, each
# import searches the whole path anew, a fifth of a plan's time over HTTP. That it is not there is so found out once.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]
# Without a handler of its own, stamina's warnings of retries would reach stderr where nobody set logging up.
logging.getLogger("stamina").addHandler(logging.NullHandler())
# These two log queries and the headers of answers, which may hold anything; the request log below says enough.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)
_log = logging.getLogger("reconciler.http")

BODY_CAP = 10 * 1024 * 1024
# What a PSA may say no with; any other status of a write leaves open whether it was done.
REFUSALS = frozenset({400, 401, 403, 404, 409, 415, 422})
# What the log may tell of an answer's headers; those of requests hold credentials and are never told.
_TOLD_HEADERS = ("retry-after", "date", "content-type", "content-length")
_ATTEMPTS = 5
_LONGEST_PAUSE = 300.0
# Where a 429 names no time at all.
_USUAL_PAUSE = 10.0
_SECONDS = re.compile(r"[0-9]{1,6}")
_SECONDS_IN_TEXT = re.compile(r"in (\d{1,6}) seconds?", re.IGNORECASE)

_UNREACHED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
_BROKEN = (httpx.HTTPError, httpx.StreamError, OSError)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long is waited, in seconds: for a connection, for the next bytes, and for the whole answer."""

    connect: float = 10.0
    silence: float = 60.0
    whole: float = 120.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `url` is absolute and encoded; `path` is what messages and logs call it: no host, no query."""

    method: str
    url: str = field(repr=False)
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. The body is unpacked; that of an error is free of our secrets."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)


_UNTRUSTED = f"check the url; an authority of your own is named as a PEM file in the variable {AUTHORITY_FILE}"


class _TryAgain(Exception):
    """A read that failed in a way that may pass."""


class _Unusable(Exception):
    """An answer whose body cannot be taken: too large, or not unpackable."""


class HttpClient:
    """Sends requests to one PSA, within its budget. Reads may be retried, writes are sent exactly once."""

    def __init__(
        self,
        budget: RequestBudget,
        redact: Redactor,
        timeouts: Timeouts | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._budget = budget
        self._redact = redact
        self._timeouts = timeouts or Timeouts()
        # No httpx.AsyncClient around the transports: authentication, redirects, cookies and hooks are nothing that a
        # PSA's API is asked with, and each would cost every request.
        self._new: Callable[[], httpx.AsyncBaseTransport] = (lambda: transport) if transport else _lanes()
        self._transports = [self._new() for _ in range(budget.at_once)]
        # The one that was used last is used next.
        self._free = [*self._transports]
        waits = httpx.Timeout(self._timeouts.silence, connect=self._timeouts.connect)
        self._extensions = {"timeout": waits.as_dict()}

    def __repr__(self) -> str:
        return "HttpClient()"

    async def close(self) -> None:
        """Ends the connections."""
        for transport in {id(each): each for each in self._transports}.values():
            await transport.aclose()

    async def read(self, request: Request) -> Answer:
        """The answer to a GET: 2xx or 4xx. Retried with backoff and jitter where the failure may pass.

        Raises TargetError where no answer came in all attempts, for a redirect, and for a body beyond the cap.
        """
        try:
            return await self._read_once(request)
        except _TryAgain as once:
            first = once
        # Nearly every read is answered at once, and pays for no plan of further attempts.
        fields = {"operation": operation.get(), "method": request.method, "path": request.path, "said": str(first)}
        _log.warning("read is tried again", extra=fields)
        try:
            async for attempt in stamina.retry_context(
                on=_TryAgain, attempts=_ATTEMPTS, timeout=None, wait_initial=0.5, wait_max=8.0, wait_jitter=0.5
            ):
                with attempt:
                    if attempt.num == 1:
                        raise first
                    return await self._read_once(request)
        except _TryAgain as tired:
            hint = "check the target's `url` and that the PSA is up, then run the command again"
            failure = TargetError(f"{request} failed {_ATTEMPTS} times; the last time: {tired}", hint)
        # Outside the handler: an error that hangs on this one would carry the request with its headers.
        raise failure

    async def write(self, request: Request) -> Answer:
        """The answer to a write that was sent exactly once: 2xx, or a status with which a PSA may say no (REFUSALS).

        Raises NotSent where provably nothing was done, Ambiguous where that cannot be told.
        """
        failure: TargetError
        try:
            answer = await self._send(request)
        except _UNREACHED as error:
            failure = NotSent(f"{request} was not sent: {self._told(error)}")
        except _BROKEN as error:
            failure = Ambiguous(f"{request} was sent, and its answer was lost: {self._told(error)}")
        except _Unusable as error:
            failure = Ambiguous(f"{request} was sent, and its answer cannot be read: {error}")
        else:
            write_status.set(answer.status)
            return self._judged(request, answer)
        raise failure

    async def _read_once(self, request: Request) -> Answer:
        failure: Exception
        try:
            answer = await self._send(request)
        except _Unusable as error:
            failure = TargetError(f"the answer to {request} cannot be read: {error}")
        except _BROKEN as error:
            told = self._told(error)
            failure = _TryAgain(told)
            if "CERTIFICATE_VERIFY_FAILED" in told:
                failure = TargetError(f"the server's certificate is not to be trusted: {told}", _UNTRUSTED)
        except httpx.InvalidURL as error:
            failure = TargetError(f"{request} has no valid url: {self._told(error)}")
        else:
            return self._taken(request, answer)
        raise failure

    def _taken(self, request: Request, answer: Answer) -> Answer:
        status = answer.status
        if status == 429:
            self._rest(request, answer)
            raise _TryAgain("it was asked too often (429)")
        if status >= 500 or status == 408:
            raise _TryAgain(f"the server answered {status}")
        if 300 <= status < 400:
            raise TargetError(
                f"{request} was answered with a redirect ({status}), which is never followed",
                "check the target's url: it must be the API's own address",
            )
        return answer

    def _judged(self, request: Request, answer: Answer) -> Answer:
        status = answer.status
        if status == 429:
            seconds = _retry_after(answer)
            self._budget.pause(min(seconds, _LONGEST_PAUSE))
            raise NotSent(f"{request} was turned away: asked too often (429)", retry_after=seconds)
        if 200 <= status < 300 or status in REFUSALS:
            return answer
        raise Ambiguous(f"{request} was answered with {status}: it cannot be told whether it was done")

    def _rest(self, request: Request, answer: Answer) -> None:
        seconds = _retry_after(answer)
        if seconds > _LONGEST_PAUSE:
            raise TargetError(
                f"{request} was turned away: the PSA was asked too often and wants {seconds:.0f} seconds of rest",
                "try again after that; lower limits.requests_per_minute if it happens often",
            )
        self._budget.pause(seconds)

    async def _send(self, request: Request) -> Answer:
        clock = self._budget.clock
        async with self._budget.place():
            started = clock.monotonic()
            response: httpx.Response | None = None
            transport = self._free.pop()
            try:
                async with asyncio.timeout(self._timeouts.whole):
                    response = await transport.handle_async_request(self._on_the_wire(request))
                    try:
                        body = await _unpacked(response)
                    finally:
                        await response.aclose()
            except (asyncio.CancelledError, TimeoutError):
                transport = self._instead()
                raise
            finally:
                self._free.append(transport)
                if _log.isEnabledFor(logging.DEBUG):
                    self._tell(request, response, clock.monotonic() - started)
        status = response.status_code
        if status >= 400:
            body = self._redact(body.decode(errors="replace")).encode()
        return Answer(status, response.headers, body)

    def _instead(self) -> httpx.AsyncBaseTransport:
        """A transport in the place of one whose request was broken off: httpcore may then hold its connection as one
        that is in use, and nothing would ever get through it again. The old one is closed with all the others.
        """
        self._transports.append(self._new())
        return self._transports[-1]

    def _on_the_wire(self, request: Request) -> httpx.Request:
        return httpx.Request(
            request.method,
            request.url,
            headers={**request.headers, "Accept-Encoding": "gzip"},
            content=request.body,
            extensions=self._extensions,
        )

    def _tell(self, request: Request, response: httpx.Response | None, seconds: float) -> None:
        # What comes from elsewhere is in the fields, never in the message.
        _log.debug(
            "request",
            extra={
                "operation": operation.get(),
                "method": request.method,
                "path": request.path,
                "status": response.status_code if response else 0,
                "milliseconds": round(seconds * 1000),
                "headers": self._told_headers(response.headers) if response else {},
            },
        )

    def _told_headers(self, headers: httpx.Headers) -> dict[str, str]:
        return {name: self._redact(headers[name]) for name in _TOLD_HEADERS if name in headers}

    def _told(self, error: Exception) -> str:
        if isinstance(error, TimeoutError | httpx.TimeoutException):
            return f"no answer in time ({type(error).__name__})"
        return self._redact(str(error)) or type(error).__name__


def _lanes() -> Callable[[], httpx.AsyncBaseTransport]:
    """Makes transports with one connection each, for one request at a time. In a pool of several connections, every
    request begins and ends with a look at all idle ones: a sixth of the time of a plan over HTTP.
    """
    certificates = trusted(os.environ)
    # Idle connections are dropped before servers usually do: a write on a stale one would be ambiguous.
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=3)
    return lambda: httpx.AsyncHTTPTransport(verify=certificates, trust_env=False, limits=limits)


async def _unpacked(response: httpx.Response) -> bytes:
    """The body, unpacked piece by piece and never beyond the cap: httpx itself would unpack a bomb."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", ""):
        raise _Unusable(f"it is packed in a way that was not asked for ({coding!r})")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if coding == "gzip" else None
    body = bytearray()
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 -- it came from an asynchronous transport
    async for piece in response.stream:
        try:
            body += unpack.decompress(piece, BODY_CAP + 1 - len(body)) if unpack else piece
        except zlib.error as error:
            raise _Unusable(f"it is not what it says, gzip: {error}") from None
        if len(body) > BODY_CAP:
            raise _Unusable(f"it is larger than {BODY_CAP // (1024 * 1024)} MB")
    if unpack and body and not unpack.eof:
        raise _Unusable("it is cut short")
    if unpack and unpack.unused_data:
        raise _Unusable("something follows its end")
    return bytes(body)


def _retry_after(answer: Answer) -> float:
    """The seconds that a 429 asks to wait: by its header (seconds, or a date beside the server's own), or its text."""
    header = answer.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(header):
        return float(header)
    until, now = _date(header), _date(answer.headers.get("date", ""))
    if until and now:
        return max((until - now).total_seconds(), 1.0)
    found = _SECONDS_IN_TEXT.search(answer.body[:2000].decode(errors="replace"))
    return float(found[1]) if found else _USUAL_PAUSE


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone()
    except (ValueError, OverflowError):
        return None
