"""Where the state of a hostile schedule lies: in a file, or in a real PostgreSQL whose clock is the schedule's."""

from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import psycopg
from postgres_server import PostgresServer


class SimulatedState(Protocol):
    """A state that can be lost, on a server whose clock can be set."""

    @property
    def url(self) -> str:
        """What `--state` would be."""
        ...

    def lose(self) -> None:
        """The state is gone; its place is there."""
        ...

    def set_clock(self, now: datetime) -> None:
        """What time it is for the database's server."""
        ...

    def remove(self) -> None:
        """Nothing of it stays."""
        ...


class StateFile:
    """A SQLite file. Its lock outlives it, as it does when somebody deletes a state; its clock is the process's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"sqlite:///{folder / 'state.db'}"

    def lose(self) -> None:
        for file in self._folder.glob("state.db*"):
            if file.suffix != ".lock":
                file.unlink()

    def set_clock(self, now: datetime) -> None:
        """A file has none."""

    def remove(self) -> None:
        """It goes with its folder."""


class StateSchema:
    """A schema of a PostgreSQL server. Before the server's own clock its sessions find one of the schedule's."""

    def __init__(self, server: PostgresServer) -> None:
        self._name = f"schedule_{uuid4().hex[:12]}"
        self._admin = psycopg.connect(server.admin, autocommit=True)
        self._do("SET synchronous_commit = off")
        self._do("SET client_min_messages = warning")
        # The time is kept where the sessions find the function, but see no table.
        for schema in (self._name, f"{self._name}_clock", f"{self._name}_time"):
            self._do(f"CREATE SCHEMA {schema}")
        self._do(f"CREATE UNLOGGED TABLE {self._name}_time.at AS SELECT now() AS now")
        self._do(
            f"CREATE FUNCTION {self._name}_clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql"  # noqa: S608 -- its own name
            f" AS 'SELECT now FROM {self._name}_time.at'"
        )
        path = f"{self._name},{self._name}_clock,pg_catalog"
        self.url = f"{server.admin}&options=-csearch_path%3D{path}"

    def lose(self) -> None:
        self._do(f"DROP SCHEMA {self._name} CASCADE")
        self._do(f"CREATE SCHEMA {self._name}")

    def set_clock(self, now: datetime) -> None:
        self._do(f"UPDATE {self._name}_time.at SET now = '{now.isoformat()}'")  # noqa: S608 -- its own name

    def remove(self) -> None:
        self._do(f"DROP SCHEMA {self._name}, {self._name}_clock, {self._name}_time CASCADE")
        self._admin.close()

    def _do(self, statement: str) -> None:
        self._admin.execute(statement.encode())
