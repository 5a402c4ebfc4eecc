"""What an apply says fits the terminal and loses nothing, whatever the names are."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.apply_text import change_lines, left_lines, note_lines, stale_lines
from reconciler.render.safe_text import safe
from reconciler.render.terminal import cells

NAMES = st.text(min_size=1, max_size=120)


@given(name=NAMES, said=NAMES)
def test_no_line_is_wider_than_the_page_or_steers_the_terminal(name: str, said: str) -> None:
    address = f"psa/{name}/seat-monthly/5f1b0000-0000-4000-8000-000000000001/2026-09-16"
    lines = [
        *change_lines("!", address, said, width=80),
        *note_lines(f"{address}: {said}", width=80),
        *left_lines(said, [address, address], width=80),
        *stale_lines([said, address], width=80),
    ]
    assert [line for line in lines if cells(line) > 80 or any(map(_steers, line))] == []


def _steers(character: str) -> bool:
    """Whether a character is more than a sign or a blank: spaces of other widths move nothing."""
    return not character.isprintable() and unicodedata.category(character) != "Zs"


@given(name=NAMES)
def test_an_address_that_is_broken_is_the_address_when_joined(name: str) -> None:
    address = f"psa/{name}/seat-monthly/{'5f1b' * 12}/2026-09-16"
    first, *rest = left_lines("x", [address], width=80)
    assert first == "what to do: x"
    assert "".join(line[2:] for line in rest) == safe(address)


def test_a_change_that_fits_stays_on_one_line() -> None:
    assert list(change_lines("+", "psa/A/azure/1/2026-09", "created (id 7)", width=80)) == [
        "+ psa/A/azure/1/2026-09 created (id 7)"
    ]
