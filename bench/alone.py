"""Measuring in a process of its own: nothing else is in its memory, and its peak is that of the work.

    python -m bench.alone bench.planning:measure 100000

prints what the function returned for the numbers and texts given, as JSON.
"""

import importlib
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Failed(Exception):
    """A measurement did not come about; the message is for the person who started it."""


def alone(function: str, *arguments: str | float) -> dict[str, Any]:
    """What `module:function` returns in a new interpreter. Raises Failed with its last words where it breaks."""
    command = [sys.executable, "-m", "bench.alone", function, *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise Failed(f"{function}: {(run.stderr.strip() or 'no word').splitlines()[-1]}")
    measured: dict[str, Any] = json.loads(run.stdout)
    return measured


def peak_memory() -> int:
    """The largest memory that this process held at a time, in bytes.

    On Linux it is read from `/proc`: `ru_maxrss` there begins with the peak of the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _main() -> None:
    module, _, name = sys.argv[1].partition(":")
    function: Callable[..., dict[str, Any]] = getattr(importlib.import_module(module), name)
    print(json.dumps(function(*(int(a) if a.isdecimal() else a for a in sys.argv[2:]))))


if __name__ == "__main__":
    _main()
