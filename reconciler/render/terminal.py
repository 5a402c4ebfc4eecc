"""Text on a terminal: how wide it is, how it breaks, and how it is coloured. Nothing here knows what a plan is.

Widths are in terminal cells: a CJK character takes two, a combining one none. All text that came from elsewhere goes
through `safe_text.safe` before it gets here, so that no width is counted on a control character.
"""

from collections.abc import Callable, Iterator
from enum import Enum


class Style(Enum):
    """How a piece of text stands out: the parameters of the terminal's SGR sequence."""

    PLAIN = ""
    STRONG = "1"
    QUIET = "2"
    GOOD = "32"
    BAD = "31"
    CAREFUL = "33"
    NEW_HOLD = "36"


Paint = Callable[[str, Style], str]


def painter(*, colour: bool) -> Paint:
    """What colours a text, or leaves it as it is. Pad before painting: escape sequences have no width."""
    return _painted if colour else _unpainted


def _painted(text: str, style: Style) -> str:
    return f"\x1b[{style.value}m{text}\x1b[0m" if text.strip() and style is not Style.PLAIN else text


def _unpainted(text: str, style: Style) -> str:
    return text


def cells(text: str) -> int:
    """How many terminal cells a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 -- rich is slow to load, and plain ASCII does without

    return cell_len(text)


def left(text: str, width: int) -> str:
    """The text padded with spaces on its right to a width."""
    return text + " " * max(0, width - cells(text))


def right(text: str, width: int) -> str:
    """The text padded with spaces on its left to a width."""
    return " " * max(0, width - cells(text)) + text


def clipped(text: str, width: int) -> str:
    """The text, or as much of it as fits with an ellipsis."""
    if cells(text) <= width:
        return text
    return _head(text, width - 1) + "…"


def wrapped(text: str, width: int, later: int | None = None) -> Iterator[str]:
    """The text in lines of at most `width` cells (`later` from the second on), broken at spaces. Nothing: no lines.

    A word that is wider than a line is cut.
    """
    rest = width if later is None else later
    line, room = "", width
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if cells(joined) <= room:
            line = joined
            continue
        if line:
            yield line
            room = rest
        *full, line = broken(word, min(room, rest))
        if full:
            yield from full
            room = rest
    if line:
        yield line


def broken(text: str, width: int) -> list[str]:
    """An address or id in pieces of at most `width` cells (at least 2); joined they are the text again.

    There is at least one piece. It is cut after a slash where there is one far enough on.
    """
    pieces: list[str] = []
    width = max(width, 2)
    while cells(text) > width:
        head = _head(text, width)
        slash = head.rfind("/") + 1
        piece = head[:slash] if slash > width // 3 else head
        pieces.append(piece)
        text = text[len(piece) :]
    return [*pieces, text]


def _head(text: str, width: int) -> str:
    """As many characters as fit, and at least one, so that cutting comes to an end."""
    end = min(len(text), width)
    while end > 1 and cells(text[:end]) > width:
        end -= 1
    return text[: max(end, 1)]


def hanging(text: str, width: int, first: str, rest: str | None = None) -> Iterator[str]:
    """A text wrapped to a width behind a first prefix, and behind `rest` (by default as many spaces) on later lines."""
    prefix, later = first, " " * cells(first) if rest is None else rest
    for line in wrapped(text, width - cells(first), width - cells(later)):
        yield prefix + line
        prefix = later
