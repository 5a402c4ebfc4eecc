"""Makes the virtual environment from the lock: setup_venv.py FOLDER REQUIREMENTS. Needs the standard library alone."""

import subprocess
import sys
import venv
from pathlib import Path

OLDEST = (3, 11)


def main(folder: str, requirements: str) -> None:
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(
            f"reconciler needs Python 3.11 or newer; {sys.executable} is {found}. Say which: make PYTHON=python3.12 …"
        )
    target = Path(folder)
    if not (target / "bin" / "python").exists():
        venv.EnvBuilder(with_pip=True, symlinks=True, clear=target.exists()).create(target)
    pip = [str(target / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    # The lock names every package with its hashes; the project itself is then laid over it without resolving anything.
    for step in (
        [*pip, "install", "--require-hashes", "--no-deps", "-r", requirements],
        [*pip, "install", "--no-deps", "--no-build-isolation", "--editable", "."],
    ):
        done = subprocess.run(step, check=False)
        if done.returncode:
            sys.exit(f"setting up {folder} failed at: {' '.join(step[5:])}")


if __name__ == "__main__":
    main(*sys.argv[1:])
