"""The forms that the ends of reports are made of: headings, and ledgers with figures on the right."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.render.terminal import Paint, Style, cells, hanging, left, right


@dataclass(frozen=True, slots=True)
class Page:
    """A width and its colours, with the forms that the ends of reports are made of."""

    width: int
    paint: Paint

    def heading(self, text: str) -> Iterator[str]:
        """A heading after an empty line."""
        yield ""
        yield self.paint(text, Style.STRONG)

    def ledger(self, rows: Iterable[tuple[str, tuple[str, ...]]], style: Style = Style.PLAIN) -> Iterator[str]:
        """Texts with columns of right-aligned figures, two spaces in; a text too long for its room goes on below, and
        what stands after a line break in it has the whole width.
        """
        kept = list(rows)
        widths = [max(cells(figures[n]) for _, figures in kept) + 2 for n in range(len(kept[0][1]))] if kept else []
        room = self.width - sum(widths)
        for text, figures in kept:
            head, _, below = text.partition("\n")
            first, *more = list(hanging(head, room - 1, "  ", "    ")) or [""]
            more += hanging(below, self.width, "    ") if below else ()
            columns = "".join(right(figure, width) for figure, width in zip(figures, widths, strict=True))
            yield self.paint((left(first, room) + columns).rstrip(), style)
            yield from (self.paint(line, style) for line in more)
