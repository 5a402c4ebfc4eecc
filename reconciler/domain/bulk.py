"""Making very many values without the garbage collector walking over all of them again and again.

Invoice lines, mapping nodes and plan entries are values without cycles: the collector finds nothing among them, and yet
takes up to half the time of a large file. It is on again afterwards, if it was before.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collections() -> Iterator[None]:
    """Puts the cyclic garbage collector to rest while a block runs."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
