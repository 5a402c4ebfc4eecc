"""From a path to text: plain or gzip, UTF-8 or UTF-16 with a byte order mark, within a bound. Never an exception."""

import gzip
import hashlib
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

from reconciler.domain.finding import Finding, Place, Severity

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
    text: str
    sha256: str


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
        stored = path.read_bytes()
    except OSError as error:
        return _broken(name, "unreadable-file", f"the file cannot be read: {error.strerror or error}")
    return decode(stored, name, limit)


def decode(stored: bytes, name: str, limit: int = MOST_BYTES) -> Content | Finding:
    """The text of bytes as they are stored or fetched; findings as for `load`."""
    plain: bytes | Finding = unpacked(stored, name, limit) if stored.startswith(_GZIP) else stored
    if isinstance(plain, Finding):
        return plain
    for magic, (what, hint) in _OTHERS.items():
        if plain.startswith(magic):
            return _broken(name, "unknown-format", f"the file is {what}, which is not read", hint)
    try:
        text = plain.decode("utf-16" if plain.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = plain.count(b"\n", 0, error.start) + 1
        offending = plain[error.start : error.start + 1].hex()
        message = f"the file is not UTF-8: byte 0x{offending} at position {error.start}"
        return _broken(name, "encoding", message, "save it as UTF-8", line)
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        return _broken(name, "encoding", "the file holds NUL characters", "save it as UTF-8", line)
    if not text or text.isspace():
        return _broken(name, "empty-file", "the file is empty", "fetch it again, or take it out")
    return Content(name, text, hashlib.sha256(stored).hexdigest())


def unpacked(stored: bytes, name: str, limit: int = MOST_BYTES) -> bytes | Finding:
    """The bytes in a gzip file, of all its members; a finding where it is cut off, damaged or too large."""
    again = "fetch the file again"
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(stored)) as members:
            plain = members.read(limit + 1)
    except EOFError:
        return _broken(name, "truncated", "the gzip file is cut off before its end", again)
    except (OSError, zlib.error) as error:
        return _broken(name, "damaged", f"the gzip file is damaged: {error}", again)
    if len(plain) > limit:
        message = f"the gzip file unpacks to more than {limit // MEGABYTE} MB and is not read"
        return _broken(name, "too-large", message, "split it by invoice")
    return plain
