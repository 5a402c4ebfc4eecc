"""From everything gathered to the plan: pure, and the same for the same input."""

from collections.abc import Iterable
from dataclasses import replace

from reconciler.domain.bulk import without_collections
from reconciler.domain.days import Month
from reconciler.domain.finding import Finding, in_order
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Align, Customer, ProductMode, Program, Rounding, Sync
from reconciler.domain.plan import Change, DocumentUsed, Plan
from reconciler.domain.records import Addition, Agreement
from reconciler.planning.accounting import account_for
from reconciler.planning.advancing import advanced
from reconciler.planning.allocating import allocated_lines, decide_allocations, orphans
from reconciler.planning.changes import addition_changes, agreement_address, product_changes
from reconciler.planning.charged_once import decide_annual, decide_usage
from reconciler.planning.claims import Claims, claims_of
from reconciler.planning.cutting_over import cut_over
from reconciler.planning.cycles import decide_cycles, not_handed_over
from reconciler.planning.deciding import Kept, Standing, kept, unfounded
from reconciler.planning.drifting import drift, drift_findings
from reconciler.planning.folding import folded, folded_impact, folded_not_passed_on, summed_coverage
from reconciler.planning.gathered import Documents, Gathered, Scope
from reconciler.planning.guarding import guarded
from reconciler.planning.hand_overs import ending_changes, ending_months, hand_overs
from reconciler.planning.impact import Impacts, impacts
from reconciler.planning.keeping_out import cannot, errors_of_documents, no_invoice, unavailable
from reconciler.planning.ledger import Account, Ledger, newest_month
from reconciler.planning.left_open import left_open_of, unlinked
from reconciler.planning.month_by_month import (
    DecidedMonth,
    HeldBack,
    held_back,
    holding_back,
    in_month,
    refusals,
    unchanged,
)
from reconciler.planning.observing import fingerprint, seen
from reconciler.planning.old_charges import beside_old_charges
from reconciler.planning.one_customer import CustomerMonth, Situation, withheld_preview
from reconciler.planning.ownership import left_to_psa, minded
from reconciler.planning.places import found_at_home, from_home
from reconciler.planning.plan_file import sealed
from reconciler.planning.price_trial import idle_in
from reconciler.planning.program_month import ProgramMonth
from reconciler.planning.rates import Pricing
from reconciler.planning.reverting import as_applied, edits, taken_back
from reconciler.planning.reviewing import early_verdicts, reviewed, unfounded_verdicts
from reconciler.planning.seats import ALONE, Sharing, decide_seats
from reconciler.planning.shelf import Stock, fill
from reconciler.planning.telling import Doubles, double_mapping, doubles, telling
from reconciler.planning.trust import distrusted
from reconciler.rules.periods import first_open_day

_Sharers = dict[str, list[Customer]]


def assemble(gathered: Gathered) -> Plan:
    """The plan for what was gathered."""
    with without_collections():
        return guarded(_assembled(from_home(gathered)), gathered.mappings)


def program_months(gathered: Gathered) -> tuple[ProgramMonth, ...]:
    """What is decided in the one month that is asked for, by program, before it is put together as a plan."""
    return _decided_months(gathered, frozenset())[0].parts


def _assembled(gathered: Gathered) -> Plan:
    months = _decided_months(gathered, frozenset())
    while len(months) > 1 and (more := held_back(months)):
        months = _decided_months(gathered, more)
    standing = _readable(gathered)
    changes = folded(gathered.target, {str(m.month): m.changes for m in months})
    written = {change.agreement for change in changes if change.agreement}
    observed = {
        agreement_address(gathered.target, a.id): seen(a, gathered.observation.additions.get(a.id, ()))
        for a in (*gathered.observation.agreements.values(), *gathered.observation.others)
        if agreement_address(gathered.target, a.id) in written
    }
    findings = [f for m in months for part in m.parts for f in _findings_of(part, gathered)]
    findings += [*_of_background(gathered, standing, months[0].keeping), *orphans(months[-1].claims, gathered)]
    findings += [f for m in months for f in (*m.keeping.findings, *m.claims.findings)]
    findings += idle_in(gathered.mappings, gathered.documents, gathered.request.months)
    verdicts, seen_now = gathered.background.decisions.verdicts, gathered.observation
    bills = [_impacts(gathered.target, m) for m in months]
    rows = folded_impact([(bill.rows, m.changes) for bill, m in zip(bills, months, strict=True)])
    impact = reviewed(rows, verdicts, seen_now, gathered.target)
    if not gathered.request.customers:
        for each in months:
            findings += unfounded_verdicts(impact, verdicts, seen_now, gathered.target, each.month, each.customers)
        findings += early_verdicts(verdicts, _newest(gathered))
    if gathered.observation.defaults_found:
        findings += gathered.observation.findings
    asked = gathered.request.months
    return sealed(
        Plan(
            month=str(gathered.request.month),
            mappings=gathered.mappings.sha256,
            documents=_documents(months[-1].parts),
            observed={address: fingerprint(records) for address, records in observed.items()},
            observed_records=observed,
            changes=changes,
            findings=in_order(dict.fromkeys(found_at_home(findings, gathered.mappings.folder))),
            impact=impact,
            coverage=summed_coverage(row for m in months for part in m.parts for row in part.accounted.coverage),
            refused_by=refusals(months, changes),
            unchanged=unchanged(months),
            target=gathered.target,
            created=gathered.request.created,
            version=gathered.request.version,
            digest="",
            decisions=gathered.background.decisions.sha256,
            cutover=tuple(row for part in months[-1].parts for row in part.cutover),
            left_open=left_open_of([(in_month(gathered, m.month), m.parts) for m in months]),
            months=tuple(map(str, asked)) if len(asked) > 1 else (),
            rounding=_rounding(gathered),
            not_passed_on=folded_not_passed_on(
                {str(m.month): b.not_passed_on for b, m in zip(bills, months, strict=True)}
            ),
        )
    )


def _decided_months(gathered: Gathered, held: HeldBack) -> tuple[DecidedMonth, ...]:
    """Each month that is planned, decided on the records that the one before it leaves."""
    observation = gathered.observation
    decided: list[DecidedMonth] = []
    for month in gathered.request.months:
        here = in_month(gathered, month)
        if decided:
            observation = advanced(observation, decided[-1].changes, str(decided[-1].month))
            # What an earlier month of this plan writes is no edit of a person.
            background = replace(gathered.background, applied={})
            here = replace(here, observation=observation, background=background)
        keeping = kept(gathered.background.decisions.overrides, _readable(here), month)
        programs = [p for p in gathered.mappings.programs.values() if p.target == gathered.target]
        billed, claims = gathered.request.billed, claims_of(here)
        parts = tuple(_program(program, here, keeping.subscriptions, claims, billed, held) for program in programs)
        changes = _unique(change for part in parts for change in part.changes)
        decided.append(DecidedMonth(month, parts, changes, keeping, claims))
    return tuple(decided)


def _findings_of(part: ProgramMonth, gathered: Gathered) -> Iterable[Finding]:
    return (*_of_mapped(part, gathered), *part.findings, *part.accounted.findings)


def _readable(gathered: Gathered) -> Standing:
    """The additions by agreement, without agreements that were not read whole: there, a record only looks gone."""
    seen = gathered.observation
    refs = {**{ref: a.id for ref, a in seen.agreements.items()}, **{ref: ref.id for ref in seen.problems if ref.id}}
    damaged = {number for ref, number in refs.items() if any(f.blocks for f in seen.problems.get(ref, ()))}
    return {number: additions for number, additions in seen.additions.items() if number not in damaged}


def _of_background(gathered: Gathered, standing: Standing, keeping: Kept) -> Iterable[Finding]:
    """What is to be said of drift since the last apply (C8), and of decisions that hold, have run out or miss."""
    decisions = gathered.background.decisions
    yield from keeping.findings
    yield from drift_findings(
        minded(drift(gathered.background.applied, standing), gathered.mappings.customers), keeping
    )
    if not gathered.request.customers:
        yield from unfounded(decisions.overrides, standing)


def _program(
    program: Program,
    gathered: Gathered,
    keeping: frozenset[str],
    claims: Claims,
    billed: tuple[Month, ...],
    held: HeldBack,
) -> ProgramMonth:
    month = gathered.request.month
    documents = gathered.documents[program.source]
    ledger = gathered.ledgers[program.source]
    mapped = [c for c in gathered.mappings.customers if c.program == program.name]
    chosen = [(c, motion) for c in mapped for motion in gathered.request.chooses(c, program)]
    charged = [(motion, account) for c, motion in chosen for account in [ledger.account(c.tenant)] if account]
    stock = Stock(
        program,
        ledger,
        documents.price_list,
        documents.has_price_list,
        gathered.mappings.products,
        gathered.observation.products,
        gathered.observation.findings if not gathered.observation.defaults_found else (),
    )
    passed_on = {c.product: (c.line.motion, (c.invoice, c.line)) for c in claims.of_program(program.name)}
    shelf = fill(stock, charged, passed_on)
    at = Situation(program, ledger, documents.price_list, shelf, month, keeping)
    sharers = _sharers(gathered)
    readers = [p for p in gathered.mappings.programs.values() if p.source == program.source]
    twice = doubles(readers, gathered.mappings.customers, ledger)
    findings: list[Finding] = [*shelf.findings, *unavailable(program)]
    months: list[CustomerMonth] = []
    for customer, motion in chosen:
        decided, notes = _customer(customer, motion, at, gathered, sharers, twice)
        findings += notes
        if decided:
            months.append(decided)
    months += decide_allocations(claims, program, at, gathered)
    months = [holding_back(m, month, held) for m in _canary(months, gathered.request.only_new)]
    findings += [f for m in months for f in m.findings]
    writing = [m for m in months if m.writes]
    additions = [change for m in writing for change in addition_changes(gathered.target, m, shelf, month, billed)]
    used = [d.product for m in writing for d in m.decided if d.lines]
    if program.product_mode is ProductMode.ALL:
        used = [*shelf.resolved]
        findings += [f for r in shelf.resolved.values() for f in r.findings if r.key not in shelf.charged]
    products = product_changes(gathered.target, shelf, used, program.psa_fields)
    ending = ending_months(months)
    additions += ending_changes(gathered.target, ending, shelf, month, billed)
    changes = tuple(products) if gathered.request.scope is Scope.PRODUCTS else (*products, *additions)
    told = telling(program, readers, gathered.mappings.customers, ledger)
    accounted = account_for(ledger, program, mapped, months, keeping, allocated_lines(claims, months, ledger), told)
    return ProgramMonth(
        program,
        tuple(mapped),
        (*months, *ending),
        changes,
        tuple(findings),
        accounted,
        ledger,
        documents,
        unlinked(charged, shelf),
        tuple(hand_overs(gathered.target, months, additions, shelf)),
    )


def _canary(months: list[CustomerMonth], only_new: int | None) -> list[CustomerMonth]:
    """P62: the months of the first so many customers of whom no record stands yet; all where no number is given."""
    if only_new is None:
        return months
    old = {m.customer.name for m in months for d in m.decided if any(a.serial_number for a in d.standing)}
    new = list(dict.fromkeys(m.customer.name for m in months if m.customer.name not in old))[:only_new]
    return [m for m in months if m.customer.name in new]


def _customer(
    customer: Customer, motion: Motion, at: Situation, gathered: Gathered, sharers: _Sharers, twice: Doubles
) -> tuple[CustomerMonth | None, list[Finding]]:
    """A customer's month by one motion, or the findings that tell why there is none."""
    account, documents = at.ledger.account(customer.tenant), gathered.documents[at.program.source]
    wrong = [*errors_of_documents(customer, account, documents), *cannot(customer, at.program)]
    wrong += double_mapping(customer, motion, twice)
    ref = customer.agreements[motion]
    agreement = gathered.observation.agreements.get(ref)
    place = customer.agreement_places.get(motion, customer.place)
    # Whether an agreement that was found may be used, and why not, is the rules' to say.
    problems = [f for f in gathered.observation.problems.get(ref, ()) if agreement is None or f.code != "P35"]
    told = [replace(f, customer=customer.name, where=f.where or place) for f in problems]
    wrong += [f for f in told if f.blocks]
    if agreement is None or wrong:
        findings = (*wrong, *told)
        currency = _currency(agreement, documents, account) if agreement else ""
        held = _held(motion, agreement, at, gathered)
        blocked = CustomerMonth(customer, motion, at.program, agreement, account, currency, (), findings, held=held)
        return (blocked, []) if wrong else (None, told)
    if not at.ledger.speaks_of(customer.tenant):
        return _unspoken(customer, motion, agreement, at, gathered), told
    decided = _decided(customer, motion, agreement, at, gathered, sharers)
    # A motion that charges nothing has no currency of its own: what the customer is charged otherwise tells it.
    currency = decided.currency or _currency(agreement, documents, account)
    decided = replace(decided, rounding=_rounding(gathered), currency=currency)
    doubt = distrusted(decided, documents, at.ledger)
    if doubt:
        decided = replace(decided, findings=(*decided.findings, *doubt))
    return (withheld_preview(decided) if customer.sync is Sync.PREVIEW else decided), told


def _unspoken(
    customer: Customer, motion: Motion, agreement: Agreement, at: Situation, gathered: Gathered
) -> CustomerMonth:
    """The month of a customer of whom no document speaks: what stands bills on, and is compared with nothing."""
    held, findings = _held(motion, agreement, at, gathered), (no_invoice(customer, at),)
    currency = _currency(agreement, gathered.documents[at.program.source])
    return CustomerMonth(
        customer, motion, at.program, agreement, None, currency, (), findings, withheld=True, held=held, unspoken=True
    )


def _held(motion: Motion, agreement: Agreement | None, at: Situation, gathered: Gathered) -> tuple[Addition, ...]:
    """The records that bill on, whatever is planned. What bills one time is on no month's bill by itself."""
    if agreement is None or agreement.one_time:
        return ()
    ours = at.shelf.keys_by_id(motion)
    return tuple(a for a in gathered.observation.additions.get(agreement.id, ()) if a.product_id in ours)


def _currency(agreement: Agreement, documents: Documents, account: Account | None = None) -> str:
    """The agreement's currency, or that of the month's invoices for the customer, or of all the source's; empty where
    they have several, or are none.
    """
    charged = account.of_month if account else []
    found = {invoice.currency for invoice, _ in charged} or {invoice.currency for invoice in documents.invoices}
    return agreement.currency or (found.pop() if len(found) == 1 else "")


def _decided(
    customer: Customer,
    motion: Motion,
    agreement: Agreement,
    at: Situation,
    gathered: Gathered,
    sharers: _Sharers,
) -> CustomerMonth:
    additions = gathered.observation.additions.get(agreement.id, ())
    pricing = Pricing(gathered.mappings.prices, at.program.name, customer.name, at.price_list)
    if motion is not Motion.SEAT_MONTHLY:
        decide = decide_usage if motion is Motion.AZURE else decide_annual
        charges = decide(customer, agreement, additions, pricing, at)
        return beside_old_charges(charges, at, gathered) if gathered.request.scope is Scope.CUTOVER else charges
    sharing = _sharing(customer, sharers[agreement.id], gathered)
    if customer.changes.align is Align.CHARGE_CYCLE:
        found = decide_cycles(customer, agreement, additions, pricing, at, sharing)
        return not_handed_over(found) if gathered.request.scope is Scope.CUTOVER else found
    if gathered.request.scope is Scope.CUTOVER:
        return cut_over(customer, agreement, additions, pricing, at, sharing, gathered)
    open_from, owned = first_open_day(agreement, customer.changes.billing), left_to_psa(customer, motion)
    edited = edits(additions, gathered.background.applied, at.kept, open_from, owned)
    taken = as_applied(additions, edited)
    return taken_back(decide_seats(customer, agreement, taken, pricing, at, sharing), edited)


def _sharers(gathered: Gathered) -> _Sharers:
    """The customers whose monthly seats bill on each agreement that was read, whether or not they are planned now."""
    sharers: dict[str, list[Customer]] = {}
    for customer in gathered.mappings.customers:
        ref = customer.agreements.get(Motion.SEAT_MONTHLY)
        agreement = gathered.observation.agreements.get(ref) if ref else None
        if agreement:
            sharers.setdefault(agreement.id, []).append(customer)
    return sharers


def _sharing(customer: Customer, sharers: list[Customer], gathered: Gathered) -> Sharing:
    if len(sharers) == 1:
        return ALONE
    charged = [(other, _ledger_of(other, gathered)) for other in sharers]
    accounts = [ledger.account(other.tenant) for other, ledger in charged if other.name != customer.name]
    return Sharing(
        keys=frozenset(key for account in accounts if account for key in (*account.seats, *account.off_month)),
        first=sharers[0].name == customer.name,
        all_spoken_of=all(ledger.speaks_of(other.tenant) for other, ledger in charged),
    )


def _ledger_of(customer: Customer, gathered: Gathered) -> Ledger:
    """The ledger that charges a customer: those who share an agreement may be of several programs."""
    return gathered.ledgers[gathered.mappings.programs[customer.program].source]


def _of_mapped(part: ProgramMonth, gathered: Gathered) -> Iterable[Finding]:
    """The documents' findings, with tenants by their mapped names. Another program may map them, of the same source."""
    names: dict[str, str] = {}
    sources = {name: program.source for name, program in gathered.mappings.programs.items()}
    for customer in (c for c in gathered.mappings.customers if sources[c.program] == part.program.source):
        account = part.ledger.account(customer.tenant)
        names.setdefault(account.tenant if account else customer.tenant.lower(), customer.name)
    for finding in part.documents.findings:
        yield replace(finding, customer=names.get(finding.customer or "", finding.customer))


def _unique(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Changes by address, products first: two programs may need one product."""
    by_address = {change.address: change for change in changes}
    products = [c for c in by_address.values() if c.agreement is None]
    return (*products, *(c for c in by_address.values() if c.agreement is not None))


def _documents(parts: Iterable[ProgramMonth]) -> tuple[DocumentUsed, ...]:
    used = {
        DocumentUsed(i.document.source, i.document.path, i.number, i.document.sha256, len(i.lines))
        for part in parts
        for i in part.documents.invoices
    }
    return tuple(sorted(used, key=lambda d: (d.source, d.path, d.invoice, d.sha256)))


def _newest(gathered: Gathered) -> Month:
    """The newest month that is planned or that a document charges."""
    charged = newest_month(invoice for each in gathered.documents.values() for invoice in each.invoices)
    return max(gathered.request.month, charged or gathered.request.month)


def _rounding(gathered: Gathered) -> Rounding:
    """How the target rounds, as the mapping says."""
    target = gathered.mappings.targets.get(gathered.target)
    return target.rounding if target else Rounding.LINE


def _impacts(target: str, decided: DecidedMonth) -> Impacts:
    left_out = {key: lines for part in decided.parts for key, lines in part.accounted.left_out.items()}
    return impacts(target, decided.customers, decided.month, left_out)
