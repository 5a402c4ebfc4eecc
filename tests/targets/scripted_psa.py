"""A server on loopback that answers what a test scripts, down to the bytes, and remembers what it was asked."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

DISCOVERY = b'{"CompanyName":"training","Codebase":"v2026_4/","IsCloud":false}'


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str] = field(repr=False)
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}


def reply(status: int, body: bytes = b"", **headers: str) -> bytes:
    """The bytes of a whole answer; header names are written with _ for -."""
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


Script = Callable[[Asked], bytes | None]


class ScriptedPsa:
    """Answers each request with what the script makes of it; None closes the connection without an answer.

    Discovery is answered by itself, unless the script is asked about it too (`discovery=False`).
    """

    def __init__(self, script: Script, discovery: bool = True, tls: ssl.SSLContext | None = None) -> None:
        self._script, self._discovery, self._tls = script, discovery, tls
        self.requests: list[Asked] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._ending = threading.Event()

    @property
    def api_requests(self) -> list[Asked]:
        """The requests but for discovery."""
        return [one for one in self.requests if not one.path.startswith("/login/")]

    def __enter__(self) -> "ScriptedPsa":
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ending.set()
        # A thread that waits in accept is woken by a connection; closing the listener alone would leave it there.
        socket.create_connection(("127.0.0.1", self.port)).close()
        self.hang_up()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def hang_up(self) -> None:
        """Ends all connections from the server's side."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ending.is_set():
            connection, _ = self._listener.accept()
            self._open.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as stream:
                while asked := _read(stream):
                    self.requests.append(asked)
                    answer = self._answer(asked)
                    if answer is None:
                        return
                    connection.sendall(answer)
                    if b"\r\nConnection: close" in answer[:400]:
                        return
        except (OSError, ValueError):
            # The client went away, or does not speak HTTP.
            return

    def _answer(self, asked: Asked) -> bytes | None:
        if self._discovery and asked.path.startswith("/login/companyinfo/"):
            return reply(200, DISCOVERY)
        return self._script(asked)


def _read(stream: object) -> Asked | None:
    line = stream.readline()  # type: ignore[attr-defined]
    if not line.strip():
        return None
    method, target, _ = line.decode().split(" ", 2)
    headers = {}
    while line := stream.readline().decode().strip():  # type: ignore[attr-defined]
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))  # type: ignore[attr-defined]
    return Asked(method, target, headers, body)
