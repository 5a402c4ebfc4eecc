"""Running a sandbox: in the foreground for people, in a thread for tests and the demo. Loopback only."""

import asyncio
import contextlib
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.sandbox import control_client, exact_json
from reconciler.sandbox.connectwise.sandbox import ConnectWiseSandbox
from reconciler.sandbox.control import Control
from reconciler.sandbox.control_client import SandboxError
from reconciler.sandbox.faults import FaultError, FaultScript, read_faults
from reconciler.sandbox.seed_text import SeedError, read_seed
from reconciler.sandbox.store import StoreError

LOOPBACK = "127.0.0.1"
PSAS = {"connectwise": ConnectWiseSandbox}
"""The simulated PSAs by the name they are asked for with."""


def accepted_credentials(psa: str = "connectwise") -> Mapping[str, str]:
    """The built-in credentials of a sandbox, by the names of the environment variables that clients read.

    Raises SandboxError for a PSA that has no sandbox.
    """
    return _kind(psa).credentials


def serve(
    port: int,
    data: Path | None = None,
    seed: Path | None = None,
    faults: Path | None = None,
    psa: str = "connectwise",
    out: TextIO | None = None,
) -> None:
    """Serves on 127.0.0.1:`port` until interrupted; prints its address and the credentials it accepts to `out`.

    `data` keeps the state between runs; without it the state ends with the server. `seed` is put in when the
    data file holds no company yet. `faults` is a fault script, or a mapping of `faults` and `switches`. Raises
    SandboxError for a file or port that cannot be used.
    """
    sandbox = _opened(psa, data)
    try:
        script = _options(sandbox, faults)
        if seed is not None and sandbox.is_empty:
            sandbox.seed(read_seed(_read(seed), str(seed)))
        with _listening(port) as listener, contextlib.suppress(KeyboardInterrupt):
            # Said once signals are caught: who reads the address may interrupt at once, and that ends it cleanly.
            announce = partial(_announce, listener, sandbox.credentials, out or sys.stdout)
            _Server(sandbox, script, announce).run(listener)
    except SeedError as error:
        raise SandboxError(str(error)) from None
    finally:
        sandbox.close()


class RunningSandbox:
    """A sandbox on a free port of 127.0.0.1, with a data file of its own, for the length of a `with` block.

    >>> with RunningSandbox() as psa:
    ...     psa.seed({"companies": [{"identifier": "Contoso"}]})
    {'companies': 1}

    `data` keeps the state in a file that outlives the block, to be opened again by another one. `environment`
    may name further credentials that are accepted.
    """

    def __init__(
        self,
        psa: str = "connectwise",
        data: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._psa, self._data, self._environment = psa, data, environment or {}
        self._stack = contextlib.ExitStack()
        self._url = ""
        self._credentials: Mapping[str, str] = {}

    def __enter__(self) -> "RunningSandbox":
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sandbox-"))
            sandbox = _opened(self._psa, self._data or Path(folder) / "sandbox.db", self._environment)
            stack.callback(sandbox.close)
            listener = stack.enter_context(_listening(0))
            self._url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
            self._credentials = sandbox.credentials
            server = _Server(sandbox, FaultScript())
            thread = threading.Thread(target=server.run, args=(listener,), name="sandbox", daemon=True)
            stack.callback(thread.join)
            stack.callback(server.stop)
            thread.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """The server's address, without a slash at the end."""
        return self._url

    @property
    def credentials(self) -> Mapping[str, str]:
        """The credentials it accepts, by the names of the environment variables that clients read."""
        return self._credentials

    def seed(self, source: Mapping[str, Any] | Path | str) -> dict[str, int]:
        """Puts a seed (a mapping, or a file's path) in the place of everything; returns the counts by list."""
        if isinstance(source, Mapping):
            return control_client.seed_text(self._url, exact_json.dumps(source), "seed")
        return control_client.seed_running(self._url, Path(source))

    def bill(self, month: str) -> list[dict[str, Any]]:
        """Invoices everything up to the month (`2026-09`); returns the invoices made, with their lines."""
        return control_client.bill_running(self._url, month)

    def reset(self) -> None:
        """Goes back to the last seed, without faults, with an empty request log."""
        control_client.reset_running(self._url)

    def state(self) -> dict[str, Any]:
        """Everything the sandbox keeps; numbers with a fraction are decimals."""
        found: dict[str, Any] = control_client.get(self._url, "state")
        return found

    def invoices(self) -> list[dict[str, Any]]:
        """Every invoice, with its lines."""
        found: list[dict[str, Any]] = control_client.get(self._url, "invoices")
        return found

    def requests(self) -> list[dict[str, Any]]:
        """The PSA requests since the last seed or reset: method, path, query, status (None: dropped), fault."""
        found: list[dict[str, Any]] = control_client.get(self._url, "requests")["requests"]
        return found

    def faults(self, script: list[dict[str, Any]]) -> None:
        """Sets the fault script; an empty one ends all faults."""
        control_client.post(self._url, "faults", exact_json.dumps(script))

    def today(self, day: str) -> None:
        """Moves the sandbox's clock to a day (`2026-10-03`)."""
        control_client.post(self._url, "clock", exact_json.dumps({"today": day}))


class _Loopback(uvicorn.Server):
    """A uvicorn server that says so when it has started, and leaves no connection behind when it ends."""

    def __init__(
        self,
        config: uvicorn.Config,
        announce: Callable[[], None],
        control: Control,
        connections: set[asyncio.Transport],
    ) -> None:
        super().__init__(config)
        self._announce, self._control, self._connections = announce, control, connections

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._control.end()
        await super().shutdown(sockets)
        # A client that stopped reading would keep its connection open past the end of the loop. One that was taken at
        # the last moment is told of some turns of the loop later.
        for _ in range(5):
            for transport in [*self._connections]:
                transport.abort()
            await asyncio.sleep(0)


class _Server:
    """One uvicorn server, and the connections it holds, so that faults can close them."""

    def __init__(
        self, sandbox: ConnectWiseSandbox, script: FaultScript, announce: Callable[[], None] = lambda: None
    ) -> None:
        connections: set[asyncio.Transport] = set()

        class Protocol(H11Protocol):
            """Remembers its connection, also one whose client is gone already and has no address any more."""

            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                connections.add(transport)
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                connections.discard(self.transport)
                super().connection_lost(exc)

        def drop(client: Any) -> None:
            for connection in [*connections]:
                if (connection.get_extra_info("peername") or ())[:2] == tuple(client):
                    connection.close()

        control = Control(sandbox, script, drop)
        config = uvicorn.Config(
            control.application(),
            http=Protocol,
            loop="asyncio",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="warning",
            timeout_graceful_shutdown=1,
        )
        self._uvicorn = _Loopback(config, announce, control, connections)

    def run(self, listener: socket.socket) -> None:
        """Serves on a listening socket until stopped."""
        self._uvicorn.run(sockets=[listener])

    def stop(self) -> None:
        """Asks the server to end."""
        self._uvicorn.should_exit = True


def _kind(psa: str) -> type[ConnectWiseSandbox]:
    if psa not in PSAS:
        raise SandboxError(f"there is no sandbox for {psa!r}; there is one for: {', '.join(PSAS)}")
    return PSAS[psa]


def _opened(psa: str, data: Path | None, environment: Mapping[str, str] | None = None) -> ConnectWiseSandbox:
    kind = _kind(psa)
    try:
        return kind(data, os.environ if environment is None else environment)
    except StoreError as error:
        raise SandboxError(str(error)) from None


def _listening(port: int) -> socket.socket:
    """A listening socket on the loopback address; connections wait in it until the server takes them."""
    # With the protocol named, asyncio switches Nagle's delay off for the connections; without, each waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise SandboxError(f"port {port} of {LOOPBACK} cannot be used: {error.strerror}; choose another one") from None
    return listener


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SandboxError(f"{path}: cannot be read: {error}") from None


def _options(sandbox: ConnectWiseSandbox, path: Path | None) -> FaultScript:
    """The fault script of an options file; its switches are set on the way."""
    if path is None:
        return FaultScript()
    options = read_seed(_read(path), str(path)).value
    try:
        if isinstance(options, dict):
            if unknown := set(options) - {"switches", "faults"}:
                raise FaultError(f"{min(unknown)}: unknown key; known are: faults, switches.")
            sandbox.set_switches(options.get("switches") or {})
            options = options.get("faults") or []
        return read_faults(options)
    except (FaultError, SeedError) as error:
        raise SandboxError(f"{path}: {error}") from None


def _announce(listener: socket.socket, credentials: Mapping[str, str], out: TextIO) -> None:
    for name, value in credentials.items():
        print(f"{name}={value}", file=out)
    print(f"serving on http://{LOOPBACK}:{listener.getsockname()[1]}", file=out, flush=True)
