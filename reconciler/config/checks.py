"""What no single entry can tell: references, doubles and contradictions between the parts of a declaration."""

from collections.abc import Iterator
from typing import TypeVar

from reconciler.config.alerts import written_addresses
from reconciler.config.customer_model import Customer
from reconciler.config.entries import Entries, Entry
from reconciler.config.model_findings import did_you_mean, shown
from reconciler.config.part import Part
from reconciler.config.yaml_nodes import Node, Scalar
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.mapping import Sync


def check(entries: Entries) -> list[Finding]:
    """Everything that is wrong between the entries."""
    return [
        *_program_references(entries),
        *_unused(entries),
        *_approvals(entries),
        *_customer_programs(entries),
        *_customer_agreements(entries),
        *_one_tenant(entries),
        *_customer_names(entries),
        *_products(entries),
        *_prices(entries),
        *written_addresses(entries),
    ]


def _problem(
    node: Node, code: str, message: str, hint: str | None = None, severity: Severity = Severity.ERROR
) -> Finding:
    return node.source.problem(code, message, node.line, node.column, hint, severity)


def _there(node: Node) -> str:
    return f"{node.source.name}:{node.line}:{node.column}"


def _dangling(node: Node, value: str, section: str, subject: str, names: dict[str, Scalar]) -> Iterator[Finding]:
    """A finding where a value names nothing of a section."""
    if value in names:
        return
    noun = section.removesuffix("s")
    hint = did_you_mean(value, tuple(names)) if names else f"declare it under {section}"
    yield _problem(node, "dangling-reference", f"{subject} names the {noun} {shown(node)}, which is not declared", hint)


def _program_references(entries: Entries) -> Iterator[Finding]:
    for entry in entries.programs.values():
        subject = f"program '{entry.name}'"
        yield from _dangling(entry.at("source"), entry.value.source, "sources", subject, entries.names["sources"])
        yield from _dangling(entry.at("target"), entry.value.target, "targets", subject, entries.names["targets"])


def _unused(entries: Entries) -> Iterator[Finding]:
    used = {
        "sources": {program.value.source for program in entries.programs.values()},
        "targets": {program.value.target for program in entries.programs.values()},
    }
    if len(entries.programs) < len(entries.names["programs"]):
        return
    for section, names in used.items():
        # A program that names none of them means one of them: which, its own error asks.
        if not names <= set(entries.names[section]):
            continue
        for name, key in entries.names[section].items():
            if name not in names:
                message = f"no program uses the {section.removesuffix('s')} '{name}'"
                yield _problem(key, "unused", message, "name it in a program, or take it out", Severity.WARNING)


def _approvals(entries: Entries) -> Iterator[Finding]:
    for entry in entries.targets.values():
        approval, node = entry.value.approval, entry.at("approval")
        if approval.signed and not approval.signing_keys:
            message = f"target '{entry.name}' takes signed plans alone, and names no key that they are signed with"
            yield _problem(node, "approval", message, "add approval: signing_keys: {NAME: ${VARIABLE}}")
        credentials = {entry.value.client_id, entry.value.public_key, entry.value.private_key}
        for name, variable in approval.signing_keys.items():
            if variable in credentials:
                message = f"the signing key '{name}' is a credential of the PSA (${{{variable}}})"
                hint = "make a key of its own: who may read the PSA would else approve plans"
                yield _problem(node, "approval", message, hint)


def _customer_programs(entries: Entries) -> Iterator[Finding]:
    names = entries.names["programs"]
    for entry in entries.customers:
        program = entry.value.program
        if program is not None:
            subject = f"customer '{entry.name}'"
            yield from _dangling(entry.at("program"), program, "programs", subject, names)
        elif len(names) != 1:
            yield _problem(
                entry.node,
                "missing-key",
                f"customer '{entry.name}' has no 'program', and there is not just one to take",
                f"programs: {', '.join(sorted(names))}" if names else "declare one under programs",
            )


def _program_of(entry: Entry[Customer], entries: Entries) -> str:
    return entry.value.program or next(iter(entries.names["programs"]), "")


def _customer_agreements(entries: Entries) -> Iterator[Finding]:
    for entry in entries.customers:
        customer = entry.value
        if not customer.agreements:
            if customer.sync is not Sync.OFF:
                yield _problem(
                    entry.node,
                    "no-agreements",
                    f"customer '{entry.name}' has no agreements: none of its charges are billed",
                    "name an agreement per motion, or write sync: false",
                    Severity.WARNING,
                )
            continue
        if customer.company is None and any(ref.id is None for ref in customer.agreements.values()):
            yield _problem(
                entry.node,
                "missing-key",
                f"customer '{entry.name}' names an agreement but no 'company' to find it in",
                "give the company's identifier in the PSA, or the agreement as {id: 55}",
            )
        yield from _idle_motions(entry, entries)


def _idle_motions(entry: Entry[Customer], entries: Entries) -> Iterator[Finding]:
    program = entries.programs.get(_program_of(entry, entries))
    if program is None:
        return
    for motion in entry.value.agreements:
        if motion not in program.value.motions:
            node = _inner(entry, "agreements", motion.value)
            yield _problem(
                node,
                "motion-off",
                f"customer '{entry.name}' has an agreement for {motion.value}, "
                f"which program '{program.name}' does not sync",
                f"add {motion.value} to the program's motions, or take the agreement out",
                Severity.WARNING,
            )


P = TypeVar("P", bound=Part)


def _inner(entry: Entry[P], *path: str) -> Node:
    node: Node = entry.node
    for name in path:
        inner = node.get(name) if not isinstance(node, Scalar) and hasattr(node, "get") else None
        if inner is None:
            return node
        node = inner
    return node


def _one_tenant(entries: Entries) -> Iterator[Finding]:
    # A tenant's charges stand in its source's invoices: two customers on them would bill each charge twice. From two
    # sources, each program would take the records of the other for records that are charged no more.
    first: dict[tuple[str, str], Entry[Customer]] = {}
    for entry in entries.customers:
        for motion in entry.value.agreements:
            other = first.setdefault((entry.value.tenant.lower(), motion.value), entry)
            if other is not entry:
                yield _twice(entry, other, motion.value, entries)


def _twice(entry: Entry[Customer], other: Entry[Customer], motion: str, entries: Entries) -> Finding:
    ours, theirs = _program_of(entry, entries), _program_of(other, entries)
    both, hint = f"both bill {motion}: it would be billed twice", "keep the motion at one of the two"
    if ours != theirs:
        both = f"program '{ours}' bills its {motion} as well as program '{theirs}': it would be billed twice"
        hint += "; where two distributors charge it, let one source read the invoices of both"
    return _problem(
        entry.at("tenant"),
        "duplicate-tenant",
        f"customer '{entry.name}' has the tenant of customer '{other.name}' ({_there(other.at('tenant'))}), and {both}",
        hint,
    )


def _customer_names(entries: Entries) -> Iterator[Finding]:
    first: dict[str, Entry[Customer]] = {}
    for entry in entries.customers:
        other = first.setdefault(entry.value.name.strip().casefold(), entry)
        if other is not entry:
            node, first_at = entry.at("name"), _there(other.at("name"))
            message = f"the customer {shown(node)} stands here a second time; the first is at {first_at}"
            yield _problem(node, "duplicate-customer", message, "give each customer a name of its own")


def _products(entries: Entries) -> Iterator[Finding]:
    by_sku: dict[str, Node] = {}
    by_product: dict[str, tuple[Node, str]] = {}
    for entry in entries.products:
        node = entry.at("sku")
        first = by_sku.setdefault(entry.value.sku.upper(), node)
        if first is not node:
            message = f"the SKU {shown(node)} stands here a second time; the first is at {_there(first)}"
            yield _problem(node, "duplicate-sku", message, "keep one of the two")
        elif entry.value.product is not None:
            node = entry.at("product")
            linked, sku = by_product.setdefault(entry.value.product, (node, entry.name))
            if linked is not node:
                yield _problem(
                    node,
                    "shared-product",
                    f"product {shown(node)} is linked to the SKU '{entry.name}' and to '{sku}' ({_there(linked)}): "
                    "a catalogue item has one Vendor SKU",
                    "link each SKU to a product of its own",
                    Severity.WARNING,
                )


def _prices(entries: Entries) -> Iterator[Finding]:
    for entry in entries.prices:
        rule, subject = entry.value, f"price rule '{entry.name}'"
        if rule.first and rule.last and rule.last < rule.first:
            message = f"{subject} ends on {rule.last}, before it begins on {rule.first}"
            yield _problem(entry.at("to"), "dates", message, "exchange the two, or mend the year")
        for section, value in (("programs", rule.when.program), ("customers", rule.when.customer)):
            if value is not None:
                node = _inner(entry, "when", section.removesuffix("s"))
                yield from _dangling(node, value, section, subject, entries.names[section])
