"""The command as a process of its own that begins at once: forked from one that has imported everything already."""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload(
    [
        "forked",
        "psycopg",
        "reconciler.applying.apply",
        "reconciler.cli.apply",
        "reconciler.cli.main",
        "reconciler.cli.resume",
        "reconciler.config.loading",
        "reconciler.planning.observing",
        "reconciler.store.postgres",
        "reconciler.targets.http",
    ]
)


class Forked:
    """A process with a folder, an environment and a command line; what it says goes to files."""

    def __init__(self, folder: Path, environment: Mapping[str, str], words: Sequence[str]) -> None:
        self._said = Path(tempfile.mkdtemp(prefix="said-", dir=folder))
        self._process = _FORKSERVER.Process(
            target=_command, args=(folder, dict(environment), list(words), self._said), daemon=True
        )
        self._process.start()

    def kill(self) -> None:
        """SIGKILL, now."""
        self._process.kill()

    def ended(self) -> int:
        """Its exit status, when it has ended; 60 seconds are enough for everything here."""
        self._process.join(60)
        assert self._process.exitcode is not None, f"it does not end: {self.told}"
        return self.status

    @property
    def status(self) -> int:
        assert self._process.exitcode is not None
        return self._process.exitcode

    @property
    def told(self) -> str:
        """What it has said, on both."""
        return "".join(file.read_text("utf-8") for file in sorted(self._said.iterdir()))


def _command(folder: Path, environment: dict[str, str], words: list[str], said: Path) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(said / name, os.O_WRONLY | os.O_CREAT, 0o600), number)
    sys.argv = ["reconciler", *words]
    from reconciler.cli.main import run  # noqa: PLC0415 -- preloaded, and not needed by who starts it

    run()
