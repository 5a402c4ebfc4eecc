"""Renews the lock files from pyproject.toml, with hashes for every platform; installs uv for itself."""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).parent
SETS = {"run.txt": ["sandbox"], "dev.txt": ["dev"], "bench.txt": ["bench"]}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        venv.EnvBuilder(with_pip=True, symlinks=True).create(folder)
        subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "uv"], check=True)
        for name, extras in SETS.items():
            subprocess.run(
                [f"{folder}/bin/uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
                + ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-annotate"]
                + ["--custom-compile-command", "make lock", "--no-emit-package", "reconciler"]
                + [argument for extra in extras for argument in ("--extra", extra)]
                + ["pyproject.toml", str(HERE / "build.in"), "--output-file", str(HERE / name), *sys.argv[1:]],
                check=True,
            )


if __name__ == "__main__":
    main()
