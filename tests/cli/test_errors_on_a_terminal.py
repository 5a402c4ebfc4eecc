"""Errors as a person sees them on a terminal of 80 columns, and as a tool reads them from a pipe."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

ARGUMENTS = ("-f", "a-folder-with-a-rather-long-name/" * 3 + "nowhere.yaml", "plan")


def test_an_error_and_its_hint_fit_a_terminal(tmp_path: Path) -> None:
    shown, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"NO_COLOR": "1"}
    ended = subprocess.run(
        _command(), cwd=tmp_path, env=environment, stdin=terminal, stdout=terminal, stderr=terminal, check=False
    )
    told = os.read(shown, 65536).decode()
    os.close(terminal)
    os.close(shown)
    assert ended.returncode == 1
    assert "hint:" in told
    assert [line for line in told.splitlines() if len(line) > 80] == []


def test_an_error_is_one_line_in_a_pipe(tmp_path: Path) -> None:
    told = subprocess.run(_command(), cwd=tmp_path, capture_output=True, text=True, check=False).stderr
    assert any(line.startswith("error: ") and len(line) > 80 for line in told.splitlines())


def _command() -> list[str]:
    return [sys.executable, "-c", "from reconciler.cli.main import main; main()", *ARGUMENTS]
