"""A command as it is typed in a folder, in this process: starting another takes longer than most commands do.

What only a process of its own can show (exit by signal, a crash, which modules are loaded) starts one in its own test.
"""

import contextlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

from click.testing import CliRunner

from reconciler.cli.main import main


def typed(folder: Path, *words: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """`reconciler WORDS` in a folder under exactly this environment: its status and what it printed.

    Raises what the command raises, where that is no exit: nothing of ours reaches a user so.
    """
    with contextlib.chdir(folder), mock.patch.dict(os.environ, environ, clear=True):
        done = CliRunner().invoke(main, list(words), prog_name="reconciler", catch_exceptions=False)
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)
