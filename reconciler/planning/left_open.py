"""What a plan leaves to a person: lines that wait for a decision, credits kept back, entries that the mapping lacks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.domain.days import Month
from reconciler.domain.invoice import Invoice, Motion
from reconciler.domain.mapping import Customer, Program
from reconciler.domain.money import ZERO, Money, rounded, summed
from reconciler.domain.open_items import KeptBack, OpenItems, Stub, Unallocated
from reconciler.domain.records import AgreementRef
from reconciler.domain.yaml_text import entry, scalar
from reconciler.planning.completeness import completeness
from reconciler.planning.gathered import PLANNED, Gathered
from reconciler.planning.ledger import Account, Entry, key_of
from reconciler.planning.one_customer import CustomerMonth
from reconciler.planning.program_month import ProgramMonth
from reconciler.planning.shelf import Shelf
from reconciler.rules.allocation import Original, originals, word_of
from reconciler.rules.returns import return_window


def left_open_of(months: Sequence[tuple[Gathered, Sequence[ProgramMonth]]]) -> OpenItems:
    """What a plan of one month or of consecutive ones leaves to a person; what is to be mapped is told once."""
    items = [left_open(gathered, parts) for gathered, parts in months]
    if len(items) == 1:
        return items[0]
    stubs: dict[tuple[str, str], Stub] = {}
    for stub in (stub for each in items for stub in each.stubs):
        # The first month's entry stands, for it begins there; its later months' money waits for it too.
        first = stubs.setdefault((stub.section, stub.yaml.split("start:")[0]), stub)
        if first is not stub:
            together = replace(first, amounts=summed((*first.amounts, *stub.amounts)))
            stubs[stub.section, stub.yaml.split("start:")[0]] = together
    named = zip((gathered.request.month for gathered, _ in months), items, strict=True)
    return OpenItems(
        unallocated=tuple(dict.fromkeys(item for each in items for item in each.unallocated)),
        kept_back=tuple(item for each in items for item in each.kept_back),
        stubs=tuple(stubs.values()),
        completeness=tuple(
            replace(item, reason=f"{month}: {item.reason}") for month, each in named for item in each.completeness
        ),
    )


def left_open(gathered: Gathered, parts: Sequence[ProgramMonth]) -> OpenItems:
    """What the plan leaves to a person to see to."""
    month, several = gathered.request.month, len(gathered.mappings.programs) > 1
    waiting = [(part, item) for part in parts for item in part.accounted.unallocated]
    return OpenItems(
        unallocated=tuple(i for p, w in waiting for i in _unallocated([w], p.documents.invoices)),
        kept_back=tuple(item for part in parts for item in _kept_back(part.customers, month)),
        stubs=(
            *(s for p in parts for s in _customer_stubs(p.accounted.unknown, p.program, month, named=several)),
            *(s for p in parts for s in _product_stubs(p.unlinked)),
        ),
        completeness=tuple(
            completeness(source, documents, month)
            for source, documents in sorted(gathered.documents.items())
            if any(part.program.source == source for part in parts)
        ),
    )


def _unallocated(waiting: Iterable[tuple[Customer, Entry]], invoices: Sequence[Invoice]) -> tuple[Unallocated, ...]:
    """The lines that wait for a decision, in the order of the documents, each with the charge that it takes back."""
    items = []
    for customer, (invoice, line) in waiting:
        back = originals(invoice, line, invoices)
        items.append(
            Unallocated(
                invoice=invoice.number,
                line=line.number,
                kind=word_of(invoice, line),
                customer=customer.name,
                subscription=line.subscription,
                description=line.description or line.sku,
                amount=Money(line.amount or ZERO, invoice.currency),
                originals=tuple(str(original) for original in back),
                stub=_decision_stub(customer, (invoice, line), back),
                where=line.place,
            )
        )
    return tuple(sorted(items, key=lambda i: (i.customer, i.invoice, i.line)))


def _decision_stub(customer: Customer, at: Entry, back: tuple[Original, ...]) -> str:
    """An entry for `credits:`; it bills as the charge that the line takes back does, on the agreement where that is."""
    invoice, line = at
    motions = (*(original.line.motion for original in back), line.motion, *PLANNED)
    ref = next((customer.agreements[m] for m in motions if m in customer.agreements), None)
    ref = ref or next(iter(customer.agreements.values()), AgreementRef(name="an agreement of the customer"))
    return entry(
        [
            f"invoice: {scalar(invoice.number)}",
            f"line: {line.number}",
            f"customer: {scalar(customer.name)}",
            f"agreement: {_reference(ref)}",
            f"reason: why this {word_of(invoice, line)} is passed on",
            "by: who decided it",
        ]
    )


def _reference(ref: AgreementRef) -> str:
    return f"{{id: {scalar(ref.id)}}}" if ref.id else scalar(ref.name or "")


# -- credits kept back


def _kept_back(months: Iterable[CustomerMonth], month: Month) -> Iterator[KeptBack]:
    """The credits that the policies keep from the customers (interface §6.13), in the order of the plan."""
    for each in months:
        for decided in each.decided:
            suppressed = decided.decision.suppressed
            if suppressed and each.writes:
                name = decided.lines[-1].line.description if decided.lines else ""
                yield KeptBack(
                    customer=each.customer.name,
                    subscription=decided.subscription,
                    product=name or decided.product,
                    policy=each.customer.changes.decrease.value,
                    amount=Money(rounded(suppressed.amount, each.currency), each.currency),
                    window=return_window([c.line for c in decided.lines], month) or "",
                )


# -- what is to be mapped


def _customer_stubs(accounts: Iterable[Account], program: Program, month: Month, *, named: bool) -> Iterator[Stub]:
    """An entry for `customers:` for each tenant that no customer is mapped to. What the documents do not know, the
    company and its agreements in the PSA, is the customer's name for now. `named`: the mapping has several programs.
    """
    for account in accounts:
        if not account.of_month:
            continue
        shown = account.name or account.domain or account.tenant
        lines = [f"name: {scalar(shown)}"]
        lines += [f"program: {scalar(program.name)}"] if named else []
        lines += [f"tenant: {scalar(account.tenant)}", f"company: {scalar(shown)}", "agreements:"]
        motions = {line.motion for _, line in account.of_month} & program.motions or {Motion.SEAT_MONTHLY}
        lines += [f"  {motion}: {scalar(f'{shown} {motion}')}" for motion in PLANNED if motion in motions]
        lines.append(f"start: {month}")
        amounts = summed(Money(line.amount or ZERO, invoice.currency) for invoice, line in account.of_month)
        yield Stub("customers", entry(lines), amounts)


def _product_stubs(skus: Mapping[str, Sequence[Money]]) -> Iterator[Stub]:
    """An entry for `products:` for each SKU that is neither in the PSA nor on the price list (E10, P32), with what was
    charged for it.
    """
    for sku, amounts in sorted(skus.items()):
        yield Stub("products", entry([f"sku: {scalar(sku)}", "product: the product id in the PSA"]), summed(amounts))


def unlinked(charged: Iterable[tuple[Motion, Account]], shelf: Shelf) -> dict[str, list[Money]]:
    """What the month's invoices charge for products that are neither in the PSA nor on the price list (E10)."""
    amounts: dict[str, list[Money]] = {}
    if not any(f.code == "E10" for found in shelf.resolved.values() for f in found.findings):
        return amounts
    for motion, account in charged:
        for invoice, line in account.of_month:
            found = shelf.resolved.get(key_of(line)) if line.motion is motion else None
            if found and any(f.code == "E10" for f in found.findings):
                amounts.setdefault(found.key, []).append(Money(line.amount or ZERO, invoice.currency))
    return amounts
