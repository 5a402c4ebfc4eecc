"""A command's asynchronous work: it ends with its result, and nothing makes a text of it on the way."""

import asyncio
import threading

import pytest

from reconciler.cli.running import finished


class Large:
    """A result whose text nobody wants; `texts` counts how often it was made."""

    texts = 0

    def __repr__(self) -> str:
        Large.texts += 1
        return "Large()"


async def made() -> Large:
    await asyncio.sleep(0)
    return Large()


def test_the_result_is_handed_over_and_never_made_a_text() -> None:
    assert threading.current_thread() is threading.main_thread()  # elsewhere asyncio looks at no handler
    before = Large.texts
    assert isinstance(finished(made()), Large)
    assert Large.texts == before


def test_what_the_work_raises_is_raised() -> None:
    async def failing() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        finished(failing())
