"""A long file is read block by block and packed: nothing about it may depend on where a block ends."""

import csv
import gzip
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nce_rows import nce_csv

from reconciler.domain.finding import Finding
from reconciler.sources.content import Content, decode
from reconciler.sources.documents import read_files
from reconciler.sources.packed_text import BLOCK, PackedText

LONG = BLOCK + 10


@given(st.lists(st.text(alphabet="ab\r\n\x0b\u2028é", max_size=12)))
def test_lines_are_the_same_however_the_text_is_divided(pieces: list[str]) -> None:
    packed = PackedText()
    for piece in pieces:
        packed.add(f"{piece}\n")
    whole = "".join(f"{piece}\n" for piece in pieces)
    lines = [f"{line}\n" for line in whole.split("\n")[:-1]]
    assert packed.whole() == whole
    assert list(packed.lines()) == lines
    assert [list(packed.lines_from(number)) for number in range(1, len(lines) + 1)] == [
        lines[number:] for number in range(len(lines))
    ]


def long_csv(rows: int) -> str:
    header, row = nce_csv({}).splitlines()
    return "\n".join([header, *(row.replace("120.96", f"{120 + count}.96") for count in range(rows))]) + "\n"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_record_is_found_again_in_a_file_of_many_blocks(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    text = long_csv(4_000)
    assert len(text) > 5 * BLOCK
    file = tmp_path / "a.csv"
    stored = pack(text.encode())
    file.write_bytes(stored)
    (invoice,) = read_files([file]).invoices
    table = list(csv.DictReader(text.splitlines()))
    file.unlink()
    for at in (0, 17, 1_999, 3_999):
        assert dict(invoice.lines[at].raw) == table[at]
        assert invoice.lines[at].place.line == at + 2
    assert invoice.document.sha256 == sha256(stored).hexdigest()


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_bytes_that_are_no_text_are_named_by_line_and_position_in_the_file(mark: bytes) -> None:
    good = mark + b"name,colour\n" * LONG
    found = decode(good + b"x,gr\xfcn\n" + b"y,red\n", "a.csv")
    assert isinstance(found, Finding)
    assert found.where is not None
    assert (found.where.line, found.message) == (
        LONG + 1,
        f"the file is not UTF-8: byte 0xfc at position {len(good) + 4}",
    )


def test_a_nul_is_named_by_its_line_unless_something_is_no_text_at_all() -> None:
    nul = b"a\n" * LONG + b"\x00\n" + b"a\n" * LONG
    found, worse = decode(nul, "a.csv"), decode(nul + b"\xff", "a.csv")
    assert isinstance(found, Finding)
    assert isinstance(worse, Finding)
    assert (found.message, found.where and found.where.line) == ("the file holds NUL characters", LONG + 1)
    assert "byte 0xff" in worse.message


def test_a_damaged_gzip_file_is_told_before_what_is_wrong_with_its_text() -> None:
    cut = gzip.compress(b"\xff" + b"a,b\n" * LONG)[:-8]
    found = decode(cut, "a.csv.gz")
    assert isinstance(found, Finding)
    assert found.code == "truncated"


def test_a_text_of_blank_blocks_is_empty() -> None:
    found = decode(b"\n" * (3 * BLOCK), "a.csv")
    assert isinstance(found, Finding)
    assert found.code == "empty-file"


def test_what_follows_blank_blocks_is_still_recognised() -> None:
    found = decode(b"\n" * (3 * BLOCK) + b'{"a": 1}', "a.json")
    assert isinstance(found, Content)
    assert found.packed.start().strip() == '{"a": 1}'
