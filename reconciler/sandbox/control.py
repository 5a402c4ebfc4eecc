"""The server's own routes under `/sandbox/`, and the way of every other request to the PSA and back."""

import asyncio
import json
import re
from collections import Counter, deque
from collections.abc import Callable
from datetime import date
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from reconciler.sandbox import exact_json, faults
from reconciler.sandbox.faults import Fault, FaultError, FaultScript
from reconciler.sandbox.seed_text import SeedError, SeedText, read_seed
from reconciler.sandbox.store import Record
from reconciler.sandbox.web import Answer, Call, ControlError, Psa

REMEMBERED = 100_000
"""Requests that the log keeps; older ones are counted only."""


class ControlledPsa(Psa, Protocol):
    """A simulated PSA with the handles that the control routes turn."""

    def seed(self, seed: SeedText) -> dict[str, int]: ...
    def reset(self) -> dict[str, int]: ...
    def bill(self, month: date) -> list[Record]: ...
    def set_today(self, today: date) -> None: ...
    def invoices(self) -> list[Record]: ...
    def state(self) -> dict[str, Any]: ...


class Control:
    """One server's PSA, faults and request log, as an ASGI application."""

    def __init__(self, psa: ControlledPsa, script: FaultScript, drop: Callable[[Any], None]) -> None:
        self._psa, self._script, self._drop = psa, script, drop
        self._log: deque[Record] = deque(maxlen=REMEMBERED)
        self._counts: Counter[str] = Counter()
        self._later: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Lets go of every request that a fault keeps waiting: it is dropped, and its work is not done."""
        self._ending.set()

    def application(self) -> ASGIApp:
        """The application that a server runs."""
        handlers = {
            "seed": self._seed,
            "reset": self._reset,
            "bill": self._bill,
            "clock": self._clock,
            "faults": self._set_faults,
        }
        readers = {
            "state": self._psa.state,
            "invoices": self._psa.invoices,
            "requests": self._requests,
            "faults": lambda: faults.describe(self._script.faults),
        }
        routes = [Route(f"/sandbox/{name}", _poster(work), methods=["POST"]) for name, work in handlers.items()]
        routes += [Route(f"/sandbox/{name}", _reader(read), methods=["GET"]) for name, read in readers.items()]
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        return Starlette(routes=[*routes, Route("/{path:path}", self._pass_on, methods=methods)])

    # The PSA

    async def _pass_on(self, request: Request) -> Response:
        call = await _call(request)
        fault = self._script.strike(call)
        ended = fault is not None and fault.kind == "slow" and await self._ended_within(fault.wait(1))
        answer = faults.timeout_answer() if ended else self._served(call, fault)
        dropped = ended or (fault is not None and fault.kind in ("drop-answer", "drop-request"))
        self._note(call, None if dropped else answer.status, fault)
        if dropped:
            self._drop(request.scope.get("client"))
        return _response(answer)

    async def _ended_within(self, seconds: float) -> bool:
        """Waits so long; whether the server's end came before."""
        try:
            await asyncio.wait_for(self._ending.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _served(self, call: Call, fault: Fault | None) -> Answer:
        if fault is None:
            return self._psa.answer(call)
        if fault.kind in faults.BEFORE_WORK:
            if fault.kind == "delay-commit":
                self._do_later(call, fault.wait(1))
            return faults.answer_without_work(fault)
        if fault.kind == "alter-field":
            call = faults.altered(call, fault)
        answer = self._psa.answer(call)
        if fault.kind == "duplicate":
            self._psa.answer(call)
        if fault.kind == "500-after":
            return faults.timeout_answer()
        return faults.cut(answer) if fault.kind == "garbage-body" else answer

    def _do_later(self, call: Call, seconds: float) -> None:
        async def work() -> None:
            if not await self._ended_within(seconds):
                self._psa.answer(call)

        task = asyncio.get_running_loop().create_task(work())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _note(self, call: Call, status: int | None, fault: Fault | None) -> None:
        entry: Record = {"method": call.method, "path": call.path, "query": call.query, "status": status}
        if fault:
            entry["fault"] = fault.kind
        self._log.append(entry)
        self._counts["total"] += 1
        self._counts[call.method] += 1

    # The handles

    def _seed(self, body: bytes, query: dict[str, str]) -> Any:
        seed = read_seed(_text(body), query.get("name") or "seed")
        made = self._psa.seed(seed)
        self._forget()
        return {"seeded": made}

    def _reset(self, body: bytes, query: dict[str, str]) -> Any:
        made = self._psa.reset()
        self._forget()
        return {"seeded": made}

    def _forget(self) -> None:
        self._script = FaultScript()
        self._log.clear()
        self._counts.clear()

    def _bill(self, body: bytes, query: dict[str, str]) -> Any:
        wanted = _member(body, "month")
        if not isinstance(wanted, str) or not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", wanted):
            raise ControlError('a month is written as {"month": "2026-09"}.')
        return {"invoices": self._psa.bill(date.fromisoformat(f"{wanted}-01"))}

    def _clock(self, body: bytes, query: dict[str, str]) -> Any:
        wanted = _member(body, "today")
        try:
            self._psa.set_today(date.fromisoformat(str(wanted)))
        except ValueError:
            raise ControlError('a day is written as {"today": "2026-10-03"}.') from None
        return {"today": wanted}

    def _set_faults(self, body: bytes, query: dict[str, str]) -> Any:
        self._script = faults.read_faults(_json(body))
        return faults.describe(self._script.faults)

    def _requests(self) -> Any:
        return {"counts": dict(self._counts), "requests": list(self._log)}


def _poster(work: Callable[[bytes, dict[str, str]], Any]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            return _answered(200, work(await request.body(), dict(request.query_params)))
        except (SeedError, FaultError, ControlError) as error:
            return _answered(400, {"error": str(error)})

    return endpoint


def _reader(read: Callable[[], Any]) -> Callable[[Request], Any]:
    async def endpoint(_: Request) -> Response:
        return _answered(200, read())

    return endpoint


def _answered(status: int, value: Any) -> Response:
    body = exact_json.dumps(value).encode("utf-8", "replace")
    return Response(body, status, media_type="application/json")


async def _call(request: Request) -> Call:
    scope = request.scope
    host = request.headers.get("host", "127.0.0.1")
    return Call(
        method=request.method,
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=dict(request.headers),
        body=await request.body(),
        origin=f"{scope['scheme']}://{host}",
    )


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, dict(answer.headers))


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise ControlError("the body is not UTF-8 text.") from None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise ControlError("the body is not JSON.") from None


def _member(body: bytes, name: str) -> Any:
    value = _json(body)
    return value.get(name) if isinstance(value, dict) else None
