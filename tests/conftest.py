"""The databases that a state can lie in, for every test that says it in its parameters."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for each test process."""
    server = PostgresServer()
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A state file that is not there yet."""
    return f"sqlite:///{tmp_path / '.reconciler' / 'state.db'}"


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """A new, empty database."""
    return postgres.database()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """A state that is not there yet, on each database."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.schema()
