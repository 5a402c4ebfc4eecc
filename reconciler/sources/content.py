"""From a path to text: plain or gzip, UTF-8 or UTF-16 with a byte order mark, within a bound. Never an exception.

A file is read as a stream and never lies in memory as a whole: its text is packed as it is read.
"""

import codecs
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from reconciler.domain.finding import Finding, Place, Severity
from reconciler.sources.packed_text import BLOCK, PackedText

MEGABYTE = 1024 * 1024
MOST_BYTES = 512 * MEGABYTE

_GZIP = b"\x1f\x8b"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_OTHERS = {
    b"PK\x03\x04": ("an Excel workbook or a zip archive", "save it as CSV, or unpack it"),
    b"%PDF": ("a PDF", "ask the distributor for the reconciliation file as CSV"),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", "save it as CSV"),
}


@dataclass(frozen=True, slots=True)
class Content:
    """A file's text. `name` is its path as the user named it, `sha256` of its bytes as they lie on the disk."""

    name: str
    packed: PackedText
    sha256: str

    @property
    def text(self) -> str:
        """The whole text as one; for forms that cannot be read line by line."""
        return self.packed.whole()


def _broken(name: str, code: str, message: str, hint: str | None = None, line: int | None = None) -> Finding:
    return Finding(Severity.ERROR, code, message, where=Place(name, line), hint=hint)


def load(path: Path, name: str, limit: int = MOST_BYTES) -> Content | Finding:
    """The text of a file, or the finding that says why there is none. `limit` bounds the bytes, unpacked ones too."""
    if not path.exists():
        return _broken(name, "missing-file", "there is no such file", "check the path, or take it out")
    if not path.is_file():
        return _broken(
            name, "unreadable-file", "this is not a file", "name a file, or a pattern such as invoices/*.csv"
        )
    try:
        if path.stat().st_size > limit:
            return _broken(name, "too-large", f"the file is larger than {limit // MEGABYTE} MB", "split it by invoice")
        with path.open("rb") as file:
            return _decoded(file, name, limit)
    except OSError as error:
        return _broken(name, "unreadable-file", f"the file cannot be read: {error.strerror or error}")


def decode(stored: bytes, name: str, limit: int = MOST_BYTES) -> Content | Finding:
    """The text of bytes as they are stored or fetched; findings as for `load`."""
    return _decoded(io.BytesIO(stored), name, limit)


class _Hashed(io.RawIOBase):
    """A stream that also reckons the sha256 of all that is read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # a memoryview is what is handed over
        data = self._stream.read(len(buffer))
        self.sha256.update(data)
        buffer[: len(data)] = data
        return len(data)


class _TooLarge(Exception):
    """A stream goes on beyond the bound."""


def _decoded(stream: BinaryIO, name: str, limit: int) -> Content | Finding:
    hashed = _Hashed(stream)
    stored = io.BufferedReader(hashed, BLOCK)
    packed = stored.peek(len(_GZIP)).startswith(_GZIP)
    text = _unpacked(stored, name, limit) if packed else _text(_blocks(stored), name)
    return text if isinstance(text, Finding) else Content(name, text, hashed.sha256.hexdigest())


def _unpacked(stored: BinaryIO, name: str, limit: int) -> PackedText | Finding:
    """The text in a gzip file, of all its members; a finding where it is cut off, damaged or too large."""
    again = "fetch the file again"
    try:
        with gzip.GzipFile(fileobj=stored) as members:
            return _text(_blocks(members, limit), name)
    except EOFError:
        return _broken(name, "truncated", "the gzip file is cut off before its end", again)
    except (gzip.BadGzipFile, zlib.error) as error:
        return _broken(name, "damaged", f"the gzip file is damaged: {error}", again)
    except _TooLarge:
        message = f"the gzip file unpacks to more than {limit // MEGABYTE} MB and is not read"
        return _broken(name, "too-large", message, "split it by invoice")


def _blocks(stream: io.BufferedIOBase, limit: int | None = None) -> Iterator[bytes]:
    """The bytes in blocks that end with a line feed, but for the last. Raises _TooLarge beyond the limit."""
    rest: list[bytes] = []
    read = 0
    while data := stream.read(BLOCK):
        read += len(data)
        if limit is not None and read > limit:
            raise _TooLarge
        end = data.rfind(b"\n") + 1
        if end:
            yield b"".join((*rest, data[:end]))
            rest.clear()
        rest.append(data[end:])
    if last := b"".join(rest):
        yield last


class _Decoder:
    """Bytes of a file as text, block by block, and the first thing about them that no text has."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._text = PackedText()
        self._undecodable: Finding | None = None
        self._nul: Finding | None = None
        self._blank = True
        self._bytes = 0

    def take(self, block: bytes, encoding: str = "utf-8") -> None:
        """Decodes the next block. Nothing is decoded after bytes that cannot be."""
        if self._undecodable:
            return
        try:
            text = block.decode(encoding)
        except UnicodeDecodeError as error:
            self._undecodable = self._no_text(block, error.start)
            return
        if self._nul is None and "\x00" in text:
            line = self._text.line_feeds + text.count("\n", 0, text.index("\x00")) + 1
            self._nul = _broken(self._name, "encoding", "the file holds NUL characters", "save it as UTF-8", line)
        self._blank = self._blank and (not text or text.isspace())
        self._bytes += len(block)
        if text:
            self._text.add(text)

    def skip(self, mark: bytes) -> None:
        """Leaves out a byte order mark."""
        self._bytes += len(mark)

    def _no_text(self, block: bytes, at: int) -> Finding:
        line = self._text.line_feeds + block.count(b"\n", 0, at) + 1
        message = f"the file is not UTF-8: byte 0x{block[at : at + 1].hex()} at position {self._bytes + at}"
        return _broken(self._name, "encoding", message, "save it as UTF-8", line)

    def result(self) -> PackedText | Finding:
        """The text, or what is wrong with it."""
        empty = _broken(self._name, "empty-file", "the file is empty", "fetch it again, or take it out")
        return self._undecodable or self._nul or (empty if self._blank else self._text)


def _text(blocks: Iterator[bytes], name: str) -> PackedText | Finding:
    """The text in blocks of bytes. They are read to their end even where they are no text: a gzip file that is damaged
    says so at its end, and that explains more.
    """
    first = next(blocks, b"")
    foreign = next((said for magic, said in _OTHERS.items() if first.startswith(magic)), None)
    decoder = _Decoder(name)
    if first.startswith(_UTF16):
        decoder.take(b"".join((first, *blocks)), "utf-16")
        first = b""
    elif first.startswith(codecs.BOM_UTF8):
        decoder.skip(codecs.BOM_UTF8)
        first = first.removeprefix(codecs.BOM_UTF8)
    for block in chain((first,), blocks):
        if not foreign:
            decoder.take(block)
    if foreign:
        what, hint = foreign
        return _broken(name, "unknown-format", f"the file is {what}, which is not read", hint)
    return decoder.result()
