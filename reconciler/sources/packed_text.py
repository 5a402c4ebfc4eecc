"""A file's text, however long: kept in blocks of whole lines, packed where there are several, unpacked one at a time.

Reconciliation files repeat themselves, so a packed one takes a sixth of its size; and whoever looks at one line of it,
long after the file was read, finds it without the file.
"""

import zlib
from bisect import bisect_right
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from io import StringIO
from itertools import chain

BLOCK = 256 * 1024
"""Bytes of a block, to which the rest of its last line is added."""
_FAST = 1
# Packing lets go of the interpreter's lock: the next blocks are read meanwhile, up to so many before the first of them
# is waited for. The thread begins with the first long text.
_AHEAD = 256
_PACKING = ThreadPoolExecutor(1, thread_name_prefix="packing")

_Block = str | bytes | Future[bytes]


class PackedText:
    """Text that is added block by block, each of whole lines but for the last, and read line by line.

    Lines end at line feeds alone, for other separators may stand within a table's cell; they are counted from 1.
    """

    __slots__ = ("_blocks", "_ends_a_line", "_first_lines", "_line_feeds", "_unpacked")

    def __init__(self) -> None:
        self._blocks: list[_Block] = []
        self._first_lines: list[int] = []
        self._line_feeds = 0
        self._ends_a_line = False
        self._unpacked: tuple[int, list[str]] = (-1, [])

    @classmethod
    def of(cls, text: str) -> "PackedText":
        """A text that is at hand as one."""
        packed = cls()
        if text:
            packed.add(text)
        return packed

    def add(self, text: str) -> None:
        """Adds a block. The ones before it must have ended with a line feed."""
        if len(self._blocks) == 1 and isinstance(first := self._blocks[0], str):
            self._blocks[0] = _PACKING.submit(_packed, first)
        self._blocks.append(_PACKING.submit(_packed, text) if self._blocks else text)
        if len(self._blocks) > _AHEAD and isinstance(earlier := self._blocks[-_AHEAD], Future):
            self._blocks[-_AHEAD] = earlier.result()
        self._first_lines.append(self._line_feeds + 1)
        self._line_feeds += text.count("\n")
        self._ends_a_line = text.endswith("\n")

    @property
    def ends_a_line(self) -> bool:
        """Whether the last line ends with a line feed."""
        return self._ends_a_line

    @property
    def line_feeds(self) -> int:
        """How many line feeds there are."""
        return self._line_feeds

    def start(self) -> str:
        """The first two blocks that are not blank, with the blank ones before them: enough to tell what it is."""
        texts: list[str] = []
        filled = 0
        for text in self._texts():
            texts.append(text)
            filled += not text.isspace()
            if filled == 2:
                break
        return "".join(texts)

    def whole(self) -> str:
        """All of it as one text."""
        return "".join(self._texts())

    def lines(self) -> Iterator[str]:
        """The lines with their ends."""
        return chain.from_iterable(StringIO(text, newline="\n") for text in self._texts())

    def lines_from(self, number: int) -> Iterator[str]:
        """The lines from one on; the block last looked at stays unpacked, for lines are looked at in their order."""
        at = bisect_right(self._first_lines, number) - 1
        for block in range(at, len(self._blocks)):
            if self._unpacked[0] != block:
                self._unpacked = (block, list(StringIO(_text(self._blocks[block]), newline="\n")))
            lines = self._unpacked[1]
            yield from lines[number - self._first_lines[block] :] if block == at else lines

    def _texts(self) -> Iterator[str]:
        return map(_text, self._blocks)


def _packed(text: str) -> bytes:
    return zlib.compress(text.encode(), _FAST)


def _text(block: _Block) -> str:
    if isinstance(block, str):
        return block
    return zlib.decompress(block if isinstance(block, bytes) else block.result()).decode()
