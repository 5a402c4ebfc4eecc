"""What an apply says while it writes and when it ends, in lines that fit a terminal.

A change is told by its address, which is often nearly as wide as a line: where address and sentence do not fit on one,
the sentence stands below. All text passes `safe` here.
"""

from collections.abc import Iterable, Iterator

from reconciler.render.safe_text import safe
from reconciler.render.terminal import broken, cells, hanging


def change_lines(sign: str, address: str, sentence: str, *, width: int) -> Iterator[str]:
    """One change: a sign, its address, and what became of it."""
    one = f"{sign} {safe(address)} {safe(sentence)}"
    if cells(one) <= width:
        yield one
        return
    yield from _address(address, f"{sign} ", width)
    yield from hanging(safe(sentence), width, "    ")


def note_lines(text: str, *, width: int) -> Iterator[str]:
    """A sentence by itself; later lines stand further in."""
    yield from hanging(safe(text), width, "", "    ")


def left_lines(advice: str, addresses: Iterable[str], *, width: int) -> Iterator[str]:
    """What to do about some changes, and which ones."""
    yield from hanging(f"what to do: {safe(advice)}", width, "", "    ")
    for address in addresses:
        yield from _address(address, "  ", width)


def stale_lines(sentences: Iterable[str], *, width: int) -> Iterator[str]:
    """Why nothing of a plan was written: which record, which field, from what to what; and what to do."""
    yield "error: the plan is stale: the PSA is not as the plan saw it; nothing was written"
    for sentence in sentences:
        yield from hanging(safe(sentence), width, "  ", "    ")
    yield "  hint: make a new plan and have it reviewed: reconciler plan --out FILE"


def _address(address: str, first: str, width: int) -> Iterator[str]:
    prefix = first
    for piece in broken(safe(address), width - cells(first)):
        yield prefix + piece
        prefix = " " * cells(first)
