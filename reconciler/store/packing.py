"""How kept content is made small: files together, texts of many lines as what differs from the text before.

Nothing of it is guessed on the way back: whoever unpacks compares the hash of the whole.
"""

import bz2
import json
import re
import zlib
from collections.abc import Sequence

_BZIP2, _ZLIB = b"b", b"z"
# Below this, bzip2's own tables weigh more than what it saves.
_SMALL = 16 * 1024
# Ids of subscriptions are most of what is kept of a PSA, and no compressor gets them below their sixteen bytes.
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NEW, _AGAIN = "\x01", "\x02"
_MARKS = re.compile("\x01|\x02([0-9]+);")


def packed(data: bytes) -> bytes:
    """Bytes, compressed."""
    if len(data) < _SMALL:
        return _ZLIB + zlib.compress(data, 9)
    return _BZIP2 + bz2.compress(data)


def unpacked(data: bytes) -> bytes:
    """The bytes that were packed. Raises ValueError, OSError or zlib.error where they were damaged."""
    if data[:1] == _BZIP2:
        return bz2.decompress(data[1:])
    if data[:1] == _ZLIB:
        return zlib.decompress(data[1:])
    raise ValueError("it is packed in a way that this version does not know")


def packed_text(text: str) -> bytes:
    """A text, compressed; the ids in it (GUIDs in lower case) as sixteen bytes each, once. It holds no controls but
    line ends.
    """
    found: dict[str, int] = {}

    def mark(match: re.Match[str]) -> str:
        number = found.setdefault(match[0], len(found))
        if number < counted[0]:
            return f"{_AGAIN}{number};"
        counted[0] += 1
        return _NEW

    counted = [0]
    body = packed(_GUID.sub(mark, text).encode())
    return len(body).to_bytes(8, "big") + body + b"".join(bytes.fromhex(guid.replace("-", "")) for guid in found)


def unpacked_text(data: bytes) -> str:
    """The text that was packed; raises as `unpacked`."""
    size = int.from_bytes(data[:8], "big")
    rest = data[8 + size :].hex()
    guids = [_guid(rest[at : at + 32]) for at in range(0, len(rest), 32)]
    coming = iter(guids)
    return _MARKS.sub(lambda m: guids[int(m[1])] if m[1] else next(coming), unpacked(data[8 : 8 + size]).decode())


def _guid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def difference(base: Sequence[str], lines: Sequence[str]) -> str:
    """What to do with the lines of a base to get other lines: `=4,9` takes a run of it (from, to, the latter not
    included), and `+` stands before a line of its own.
    """
    places = {line: number for number, line in enumerate(base)}
    told: list[str] = []
    first = last = -1
    for line in lines:
        at = places.get(line)
        if at is not None and at == last:
            last += 1
            continue
        if first >= 0:
            told.append(f"={first},{last}")
            first = last = -1
        if at is None:
            told.append(f"+{line}")
        else:
            first, last = at, at + 1
    if first >= 0:
        told.append(f"={first},{last}")
    return "\n".join(told)


def applied(base: Sequence[str], difference_text: str) -> list[str]:
    """The lines that a difference was made from. Raises ValueError where it is none."""
    lines: list[str] = []
    for told in difference_text.split("\n") if difference_text else ():
        if told.startswith("+"):
            lines.append(told[1:])
        elif told.startswith("="):
            first, _, last = told[1:].partition(",")
            lines += base[int(first) : int(last)]
        else:
            raise ValueError("it is no difference of two texts")
    return lines


def one_line(value: object) -> str:
    """A value of texts, numbers and lists as one line of JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
