"""One sandbox for the whole run; every test puts its own seed in the place of everything."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from sandbox_api import SEED, client_of

from reconciler.sandbox.server import RunningSandbox


@pytest.fixture(scope="session")
def server() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def seed() -> dict[str, Any]:
    """A copy of the standing seed, to be changed at will."""
    return {name: [dict(row) for row in value] if isinstance(value, list) else value for name, value in SEED.items()}


@pytest.fixture
def psa(server: RunningSandbox, seed: dict[str, Any]) -> RunningSandbox:
    """The sandbox with the standing seed in it."""
    server.seed(seed)
    return server


@pytest.fixture
def api(psa: RunningSandbox) -> Iterator[httpx.Client]:
    """A client with good keys, at the API's address."""
    with client_of(psa) as client:
        yield client


@pytest.fixture
def reseeded(psa: RunningSandbox, seed: dict[str, Any]) -> Callable[..., None]:
    """Seeds again with other switches or lists."""

    def again(**changes: Any) -> None:
        psa.seed({**seed, **changes})

    return again
