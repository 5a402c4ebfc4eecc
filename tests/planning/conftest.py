"""One sandbox for the tests of a worker; every test seeds it anew."""

from collections.abc import Iterator

import pytest

from reconciler.sandbox.server import RunningSandbox


@pytest.fixture(scope="session")
def psa() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running
