"""A wire between a client and a server that counts what the client says, and is cut, or does harm, at the n-th word.

What a client sends in one go is a word: a statement to a database, the head or the body of a request.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

Address = str | tuple[str, int]


@dataclass
class Strike:
    """What happens at the n-th word: before it has reached the server, or when its answer is on the way back. The word,
    or the answer, goes no further, and its connection ends.
    """

    at: int
    answered: bool = False
    harm: Callable[[], object] = lambda: None
    struck: bool = False


@dataclass
class _Line:
    client: socket.socket
    server: socket.socket
    doomed: bool = False

    def end(self) -> None:
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@dataclass
class Wire:
    """Listens at an address while its block lasts, and passes on to the server's. A path is a socket's."""

    server: Address
    listens: Address = ("127.0.0.1", 0)
    words: int = 0
    strike: Strike | None = None
    _door: socket.socket = field(init=False)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lines: list[_Line] = field(default_factory=list)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> "Wire":
        self._door = _socket(self.listens)
        self._door.bind(self.listens)
        self._door.listen()
        self._begin(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        for line in self._lines:
            line.end()
        for thread in self._threads:
            thread.join()
        self._door.close()

    @property
    def port(self) -> int:
        """Where it listens, if not at a path."""
        return int(self._door.getsockname()[1])

    def strikes(self, strike: Strike | None) -> None:
        """Counts anew; at its word the strike falls, once."""
        with self._counting:
            self.words, self.strike = 0, strike

    def _begin(self, work: Callable[..., None], *given: object) -> None:
        thread = threading.Thread(target=work, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            line = _Line(client, _socket(self.server))
            self._lines.append(line)
            try:
                line.server.connect(self.server)
            except OSError:
                # The server is gone: so is whoever comes for it.
                client.close()
                line.server.close()
                continue
            back = threading.Thread(target=self._back, args=(line,), daemon=True)
            back.start()
            self._begin(self._forth, line, back)

    def _forth(self, line: _Line, back: threading.Thread) -> None:
        with suppress(OSError):
            while data := line.client.recv(1 << 16):
                strike = self._counted(line)
                if strike and not strike.answered:
                    self._fall(strike)
                    break
                line.server.sendall(data)
        # A client that has said its last word still hears the answer; one that is cut off does not.
        if line.doomed:
            line.end()
        else:
            with suppress(OSError):
                line.server.shutdown(socket.SHUT_WR)
        back.join()
        line.client.close()
        line.server.close()

    def _back(self, line: _Line) -> None:
        with suppress(OSError):
            while data := line.server.recv(1 << 16):
                if line.doomed:
                    if self.strike and self.strike.answered:
                        self._fall(self.strike)
                    break
                line.client.sendall(data)
        line.end()

    def _counted(self, line: _Line) -> Strike | None:
        with self._counting:
            self.words += 1
            if self.strike is None or self.words != self.strike.at:
                return None
            line.doomed = True
            return self.strike

    def _fall(self, strike: Strike) -> None:
        strike.struck = True
        strike.harm()


def _socket(address: Address) -> socket.socket:
    return socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
