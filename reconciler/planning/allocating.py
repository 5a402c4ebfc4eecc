"""The records by which credits, adjustments and one-off charges are passed on, as reviewed decisions say (P9)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from reconciler.domain.days import Month
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Customer, Program, Sync
from reconciler.domain.money import ZERO
from reconciler.domain.plan import Because
from reconciler.domain.records import Addition, Agreement, AgreementRef
from reconciler.planning.accounting import LineKey
from reconciler.planning.claims import Claim, Claims
from reconciler.planning.deciding import subscription_id
from reconciler.planning.gathered import Gathered
from reconciler.planning.ledger import Ledger, bills
from reconciler.planning.one_customer import CustomerMonth, Decided, Situation, named, withheld_preview
from reconciler.planning.passing_on import passed_on
from reconciler.planning.rates import Pricing
from reconciler.rules.allocation import (
    Passed,
    allocate,
    allocation_serial,
    is_allocation,
    month_of_record,
    note_of,
    passes_on,
    word_of,
)
from reconciler.rules.charged import ChargedLine, Rate
from reconciler.rules.drafts import Decision
from reconciler.rules.periods import first_open_day
from reconciler.rules.preflight import check_allocation


def credited_products(claims: Claims) -> frozenset[str]:
    """The keys of the products that the decided records are of: they must be seen in the PSA, or created."""
    return frozenset(claim.product for claim in claims.of_lines)


def credited_agreements(claims: Claims, gathered: Gathered) -> frozenset[AgreementRef]:
    """The agreements that decisions name, of the customers that are to be planned."""
    return frozenset(claim.credit.agreement for claim in claims.of_lines if _is_planned(claim.customer, gathered))


def _is_planned(customer: Customer, gathered: Gathered) -> bool:
    return gathered.request.plans(customer, gathered.mappings.programs[customer.program])


# -- decided


def decide_allocations(claims: Claims, program: Program, at: Situation, gathered: Gathered) -> list[CustomerMonth]:
    """The decisions for a program's customers, one month for each agreement that claims name."""
    by_agreement: dict[tuple[str, AgreementRef], list[Claim]] = {}
    for claim in claims.of_lines:
        if claim.customer.program == program.name and _is_planned(claim.customer, gathered):
            by_agreement.setdefault((claim.customer.name, claim.credit.agreement), []).append(claim)
    months = []
    for (_, ref), mine in by_agreement.items():
        month = _month(mine, ref, at, gathered)
        months.append(withheld_preview(month) if mine[0].customer.sync is Sync.PREVIEW else month)
    return months


def _month(claims: list[Claim], ref: AgreementRef, at: Situation, gathered: Gathered) -> CustomerMonth:
    customer = claims[0].customer
    account = at.ledger.account(customer.tenant)
    agreement = gathered.observation.agreements.get(ref)
    problems = [f for f in gathered.observation.problems.get(ref, ()) if agreement is None or f.code != "P35"]
    findings = [replace(f, where=f.where or claims[0].credit.place) for f in problems]
    if agreement is None or any(f.blocks for f in findings):
        return CustomerMonth(
            customer, Motion.ONE_TIME, at.program, agreement, account, "", (), named(findings, customer), withheld=True
        )
    open_from = first_open_day(agreement, customer.changes.billing)
    month = month_of_record(at.month, open_from)
    currencies = sorted({claim.invoice.currency for claim in claims})
    findings += check_allocation(agreement, month, currencies)
    decided: list[Decided] = []
    for claim in claims:
        found = _decide(claim, agreement, month, at, gathered)
        if isinstance(found, Finding):
            findings.append(found)
        elif found:
            decided.append(found)
            findings += [replace(f, where=claim.credit.place) for f in found.decision.findings]
    return CustomerMonth(
        customer,
        Motion.ONE_TIME,
        at.program,
        agreement,
        account,
        currencies[0],
        tuple(decided),
        named(findings, customer),
    )


def _decide(
    claim: Claim, agreement: Agreement, month: Month, at: Situation, gathered: Gathered
) -> Decided | Finding | None:
    """What is written for a claim; None where its record lies in an earlier month than the planned one."""
    by_agreement = gathered.observation.additions
    records = {number: _records(claim, additions, at) for number, additions in by_agreement.items()}
    elsewhere = sorted(number for number, found in records.items() if found and number != agreement.id)
    if elsewhere:
        return _stands_elsewhere(claim, elsewhere[0], agreement)
    standing = records.get(agreement.id, ())
    if standing and all(Month.of(a.effective) < at.month for a in standing):
        return None
    resolved = at.shelf.resolved.get(claim.product)
    if resolved and resolved.findings and not standing:
        return replace(resolved.findings[0], severity=Severity.ERROR, where=claim.credit.place)
    own = by_agreement.get(agreement.id, ())
    pricing = Pricing(gathered.mappings.prices, at.program.name, claim.customer.name, at.price_list)
    passed = passed_on(claim, own, pricing)
    if isinstance(passed, Finding):
        return passed
    invoice, line = claim.invoice, claim.line
    decision = allocate(
        passed,
        standing,
        note_of(invoice, line),
        _because(claim, passed),
        month,
        first_open_day(agreement, claim.customer.changes.billing),
        last=None if agreement.one_time else month.last,
    )
    bills_in = Month.of(standing[0].effective) if standing else month
    cost = Rate(passed.price, passed.cost)
    return Decided(
        allocation_serial(invoice, line),
        claim.product,
        (ChargedLine(invoice.number, line, cost),),
        standing,
        decision,
        ZERO,
        _due(passed, standing, decision) if bills_in == at.month or agreement.one_time else ZERO,
        once=agreement.one_time,
        bills_in=bills_in,
    )


def _due(passed: Passed, standing: Iterable[Addition], decision: Decision) -> Decimal:
    """What is to be billed: by the decision, or what was billed where that cannot be changed any more."""
    if decision.findings:
        return sum((a.quantity * a.unit_price for a in standing), ZERO)
    return passed.price


def _records(claim: Claim, additions: Iterable[Addition], at: Situation) -> tuple[Addition, ...]:
    """The records that pass a line on, by serial number or description; those of a subscription are none."""
    owners = at.ledger.owners
    return tuple(
        a
        for a in additions
        if a.quantity
        and passes_on(a, claim.invoice, claim.line)
        and (not a.serial_number or subscription_id(a.serial_number) not in owners)
    )


def _stands_elsewhere(claim: Claim, number: str, agreement: Agreement) -> Finding:
    return Finding(
        Severity.ERROR,
        "P9",
        f"line {claim.credit.line} of {claim.credit.invoice} is billed on agreement {number} already, and the decision "
        f"names agreement '{agreement.name}' ({agreement.id}): it would be billed twice",
        where=claim.credit.place,
        hint="end or delete the record in the PSA first, or name the agreement on which it stands",
    )


def _because(claim: Claim, passed: Passed) -> tuple[Because, ...]:
    credit = claim.credit
    says = f", says {credit.by}" if credit.by else ""
    reasons = [
        Because("P9", f"decided at {credit.place}{says}: {credit.reason}", claim.invoice.number, claim.line.number),
        Because("P9", f"passed on {passed.how}"),
    ]
    for original in claim.originals:
        text = f"takes back {original}, by {original.by}"
        reasons.append(Because("P9", text, original.invoice.number, original.line.number))
    if not claim.originals and word_of(claim.invoice, claim.line) != "one-off charge":
        reasons.append(Because("P9", "no charge that it takes back is in the documents read"))
    return tuple(reasons)


# -- what is left over


def orphans(claims: Claims, gathered: Gathered) -> tuple[Finding, ...]:
    """A note for each record that passes a line on of which no decision speaks any more: it stays as it is."""
    decided = {f"{c.invoice}#{c.line}".lower() for c in gathered.background.decisions.credits}
    owners = {owner for ledger in gathered.ledgers.values() for owner in ledger.owners}
    found = []
    for additions in gathered.observation.additions.values():
        for a in additions:
            bills_on = a.cancelled is None or a.cancelled >= gathered.request.month.first
            if bills_on and is_allocation(a.serial_number, owners) and subscription_id(a.serial_number) not in decided:
                message = f"record {a.id} passes on {a.serial_number}, and no decision speaks of that line any more"
                hint = "write the decision again, or delete the record in the PSA; nothing is changed about it"
                found.append(Finding(Severity.INFO, "decision-gone", message, subscription=a.serial_number, hint=hint))
    return tuple(found)


def allocated_lines(claims: Claims, months: Iterable[CustomerMonth], ledger: Ledger) -> Mapping[LineKey, str]:
    """What became of the month's claimed lines: `billed`, or why not."""
    by_serial = {
        (month.customer.name, decided.subscription): (month, decided)
        for month in months
        if month.motion is Motion.ONE_TIME
        for decided in month.decided
    }
    blocked = {month.customer.name for month in months if month.motion is Motion.ONE_TIME and month.blocked}
    outcomes: dict[LineKey, str] = {}
    for claim in claims.of_lines:
        if not bills(claim.invoice, ledger.month):
            continue
        found = by_serial.get((claim.customer.name, allocation_serial(claim.invoice, claim.line)))
        if found is None:
            outcomes[claim.key] = "blocked" if claim.customer.name in blocked else "left out"
        elif found[0].blocked:
            outcomes[claim.key] = "blocked"
        elif not found[0].writes:
            outcomes[claim.key] = "left out"
        else:
            kept_back = not found[1].standing and not found[1].decision.drafts
            outcomes[claim.key] = "kept back" if kept_back else "billed"
    return outcomes
