"""Why a program or a customer is not planned, as findings."""

from collections.abc import Iterable
from dataclasses import replace

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.mapping import Customer, Policy, Program
from reconciler.planning.gathered import Documents
from reconciler.planning.ledger import Account
from reconciler.planning.one_customer import Situation


def unavailable(program: Program) -> Iterable[Finding]:
    """That a program asks for what this version does not have."""
    if program.policy is Policy.LIFECYCLE:
        yield Finding(
            Severity.ERROR,
            "policy",
            f"policy 'lifecycle' of program {program.name} is not available in this version; nothing is planned for it",
            where=program.place,
            hint="use policy 'true-up': issued invoices decide",
        )


def errors_of_documents(customer: Customer, account: Account | None, documents: Documents) -> list[Finding]:
    """Errors of the documents that concern a customer: they name it by its tenant."""
    tenants = {customer.tenant.lower()} | ({account.tenant} if account else set())
    return [replace(f, customer=customer.name) for f in documents.findings if f.blocks and f.customer in tenants]


def cannot(customer: Customer, program: Program) -> Iterable[Finding]:
    """What keeps a customer out for its program's sake."""
    if program.policy is Policy.LIFECYCLE:
        yield Finding(Severity.ERROR, "policy", "the program's policy is not available", customer=customer.name)


def no_invoice(customer: Customer, at: Situation) -> Finding:
    """That no document of the month speaks of a customer: silence is no zero."""
    return Finding(
        Severity.WARNING,
        "no-invoice",
        f"no document of {at.month} speaks of tenant {customer.tenant}: nothing was compared and nothing is planned",
        customer=customer.name,
        where=customer.place,
        hint="add the month's invoice, or set `sync: false` for a customer that has left",
    )
