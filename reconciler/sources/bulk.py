"""Reading many rows without the garbage collector walking over all of them again and again.

Rows are values without cycles: the collector finds nothing among them, and yet takes half the time of a file of 100,000
rows. It is on again afterwards, if it was before.
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
