"""What a plan leaves to a person, as Markdown: tables, and entries to paste in blocks of code."""

from collections.abc import Iterable, Iterator

from reconciler.domain.open_items import OpenItems
from reconciler.render.markdown_folds import row, table
from reconciler.render.markdown_text import code, prose
from reconciler.render.safe_text import safe
from reconciler.render.wording import amounts_text, counted


def open_markdown(items: OpenItems) -> Iterator[str]:
    """The sections on unallocated lines, credits kept back, what is to be mapped, and whether documents are missing."""
    if items.unallocated:
        yield from table(("Unallocated", "Customer", "Takes back", "Amount"), money_from=3)
        for waiting in items.unallocated:
            what = f"{waiting.kind}, {code(f'{waiting.invoice} line {waiting.line}')} {prose(waiting.description)}"
            back = "<br>".join(map(code, waiting.originals)) or "—"
            yield row((what, code(waiting.customer), back, prose(str(waiting.amount))))
        yield from _block("credits", (waiting.stub for waiting in items.unallocated))
    if items.kept_back:
        yield from table(("Credit kept back", "Customer", "Policy", "Amount"), money_from=3)
        for kept in items.kept_back:
            window = f"<br>{prose(kept.window)}" if kept.window else ""
            what = f"{code(kept.product)} {code(kept.subscription)}{window}"
            yield row((what, code(kept.customer), code(f"decrease: {kept.policy}"), prose(str(kept.amount))))
    for section in ("customers", "products"):
        stubs = [stub for stub in items.stubs if stub.section == section]
        if stubs:
            yield ""
            waits = amounts_text(tuple(money for stub in stubs for money in stub.amounts))
            yield f"To be mapped, for {prose(waits)} of cost:"
            yield from _block(section, (stub.yaml for stub in stubs))
    if items.completeness:
        yield ""
    for item in items.completeness:
        read = counted(item.documents, "invoice")
        yield f"- {code(item.source)}: {read} of the month, complete: **{item.complete.value}** ({prose(item.reason)})"


def _block(section: str, entries: Iterable[str]) -> Iterator[str]:
    """A block of code. No line of an entry can close it: each begins with a key of ours."""
    lines = [safe(line) for entry in entries for line in entry.split("\n")]
    # One piece: where it does not fit it is left out whole, for half a block would swallow what follows.
    yield "\n".join(["", "```yaml", f"{section}:", *lines, "```"])
