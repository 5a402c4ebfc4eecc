"""Which decision speaks of which credit, adjustment or one-off charge, and what that line takes back (P9)."""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.domain.days import Month
from reconciler.domain.decision import AcceptedCredit
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Invoice, InvoiceLine
from reconciler.domain.mapping import Customer
from reconciler.planning.accounting import LineKey
from reconciler.planning.deciding import unfounded_credits
from reconciler.planning.gathered import Gathered
from reconciler.planning.ledger import Ledger, key_of
from reconciler.rules.allocation import Original, originals


@dataclass(frozen=True, slots=True)
class Claim:
    """A decision with the line that it speaks of, and the charges that the line takes back."""

    credit: AcceptedCredit
    customer: Customer
    invoice: Invoice
    line: InvoiceLine
    originals: tuple[Original, ...]

    @property
    def product(self) -> str:
        """The key of the product that the record is of: the taken back charge's, else the line's own."""
        return key_of(self.originals[0].line if self.originals else self.line)

    @property
    def key(self) -> LineKey:
        """The line that is claimed."""
        return line_key(self.invoice, self.line)


@dataclass(frozen=True, slots=True)
class Claims:
    """All decisions that speak of a line of a document read, and what is wrong with the others."""

    of_lines: tuple[Claim, ...] = ()
    findings: tuple[Finding, ...] = ()

    def of_program(self, program: str) -> tuple[Claim, ...]:
        """The claims of a program's customers."""
        return tuple(claim for claim in self.of_lines if claim.customer.program == program)


def line_key(invoice: Invoice, line: InvoiceLine) -> LineKey:
    """The name of a line among all documents."""
    return invoice.number, line.number, line.customer.tenant


def claims_of(gathered: Gathered) -> Claims:
    """Which decision speaks of which line. A decision on a line of a later month than the planned one waits for it."""
    customers = {customer.name: customer for customer in gathered.mappings.customers}
    claims: list[Claim] = []
    findings: list[Finding] = []
    for credit in gathered.background.decisions.credits:
        customer = customers.get(credit.customer)
        program = gathered.mappings.programs[customer.program] if customer else None
        if customer is None or program is None or program.target != gathered.target:
            continue
        invoices = gathered.documents[program.source].invoices
        wrong = unfounded_credits([credit], invoices)
        if wrong:
            findings += wrong
            continue
        found = _claim(credit, customer, invoices, gathered.ledgers[program.source])
        if isinstance(found, Finding):
            findings.append(found)
        elif Month.of(found.invoice.period.first) <= gathered.request.month:
            claims.append(found)
    return Claims(tuple(claims), tuple(findings))


def _claim(credit: AcceptedCredit, customer: Customer, invoices: Iterable[Invoice], ledger: Ledger) -> Claim | Finding:
    invoices = tuple(invoices)
    account = ledger.account(customer.tenant)
    tenant = account.tenant if account else customer.tenant.lower()
    lines = [(i, x) for i in invoices if i.number == credit.invoice for x in i.lines if x.number == credit.line]
    mine = [(invoice, line) for invoice, line in lines if line.customer.tenant == tenant]
    if not mine:
        owner = lines[0][1].customer
        return Finding(
            Severity.ERROR,
            "decision-other-customer",
            f"line {credit.line} of {credit.invoice} is charged to '{owner.name or owner.tenant}', and the decision "
            f"gives it to {customer.name}",
            customer=customer.name,
            where=credit.place,
            hint="name the customer whose tenant the line has",
        )
    invoice, line = mine[0]
    return Claim(credit, customer, invoice, line, originals(invoice, line, invoices))
