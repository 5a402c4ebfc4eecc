"""What a plan leaves to a person, as text: money that waits, credits kept back, and entries to paste.

An entry is printed as it stands, however wide the terminal is: it is there to be copied.
"""

from collections.abc import Iterable, Iterator

from reconciler.domain.money import Money, summed
from reconciler.domain.open_items import KeptBack, Stub, Unallocated
from reconciler.domain.plan import Plan
from reconciler.render.page import Page
from reconciler.render.safe_text import safe
from reconciler.render.terminal import Style, hanging
from reconciler.render.wording import counted

_SECTIONS = ("customers", "products")


def open_lines(plan: Plan, page: Page) -> Iterator[str]:
    """The sections on unallocated lines, credits kept back, and what is to be mapped; those that have something."""
    yield from _unallocated(plan, page)
    yield from _kept_back(plan.left_open.kept_back, page)
    yield from _to_map(plan.left_open.stubs, page)


def completeness_lines(plan: Plan, page: Page) -> Iterator[str]:
    """Whether the month's documents are all there, a sentence for each source."""
    for item in plan.left_open.completeness:
        # In a plan of several months, the reason begins with the month it speaks of.
        of_month = "" if plan.months else f" of {safe(plan.month)}"
        read = f"{counted(item.documents, 'invoice')}{of_month}"
        text = f"{safe(item.source)}: {read}; complete: {item.complete.value} ({safe(item.reason)})"
        yield from hanging(text, page.width, "  ", "    ")


def _unallocated(plan: Plan, page: Page) -> Iterator[str]:
    items = plan.left_open.unallocated
    if not items:
        return
    yield from page.heading("Unallocated: billed to nobody until a decision speaks of it")
    for item in items:
        yield from page.ledger([(_named(item), (safe(str(item.amount)),))])
        yield from hanging(_takes_back(item), page.width, "    ", "      ")
    yield from page.ledger([("together", (_sums(item.amount for item in items),))], Style.STRONG)
    yield ""
    yield from hanging(f"To pass them on, put into decisions/{safe(plan.month)}.yaml:", page.width, "  ")
    yield ""
    yield from ("version: 1", "credits:")
    yield from _entries(item.stub for item in items)


def _named(item: Unallocated) -> str:
    return f"{safe(item.customer)}: {item.kind}, {safe(item.invoice)} line {item.line}, {safe(item.description)}"


def _takes_back(item: Unallocated) -> str:
    if item.originals:
        return f"takes back {safe('; '.join(item.originals))}"
    if item.kind == "one-off charge":
        return f"at {safe(str(item.where))}"
    return "no charge that it takes back is in the documents read"


def _kept_back(items: tuple[KeptBack, ...], page: Page) -> Iterator[str]:
    if not items:
        return
    yield from page.heading("Credits kept back by the decrease policy")
    for customer in dict.fromkeys(item.customer for item in items):
        own = [item for item in items if item.customer == customer]
        for item in own:
            text = f"{safe(customer)}: {safe(item.product)}, {safe(item.subscription)} (decrease: {safe(item.policy)})"
            yield from page.ledger([(text, (safe(str(item.amount)),))])
            if item.window:
                yield from hanging(safe(item.window), page.width, "    ", "      ")
        if len(own) > 1:
            total = _sums(item.amount for item in own)
            yield from page.ledger([(f"{safe(customer)} together", (total,))], Style.STRONG)


def _to_map(stubs: tuple[Stub, ...], page: Page) -> Iterator[str]:
    if not stubs:
        return
    waits = _sums(money for stub in stubs for money in stub.amounts)
    yield from page.heading("To be mapped")
    text = f"{waits} of the distributor's cost waits for entries in the mapping; check the names before you use them:"
    yield from hanging(text, page.width, "  ")
    yield ""
    for section in _SECTIONS:
        chosen = [stub for stub in stubs if stub.section == section]
        if chosen:
            yield f"{section}:"
            yield from _entries(f"{stub.yaml}\n    # {_sums(stub.amounts)} wait for it" for stub in chosen)


def _entries(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from (safe(line) for line in text.split("\n"))


def _sums(amounts: Iterable[Money]) -> str:
    return ", ".join(safe(str(money)) for money in summed(amounts)) or "nothing"
