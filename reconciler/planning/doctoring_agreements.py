"""What a plan needs of each customer's agreement, rule by rule, as `rules.preflight` judges it (P35 to P40, P54)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from reconciler.domain.check_list import Check, Group, Standing, check_of
from reconciler.domain.finding import Finding
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Align, Customer, Program
from reconciler.domain.records import Agreement
from reconciler.planning.gathered import PLANNED, Gathered, left_out
from reconciler.planning.ledger import Account, Entry, Ledger
from reconciler.planning.one_customer import currency_of
from reconciler.rules.periods import first_open_day
from reconciler.rules.preflight import check_agreement, check_facsimile, check_once, check_usage


@dataclass(frozen=True, slots=True)
class _Condition:
    """One thing that an agreement must be: the codes of findings that say it is not, how it reads when it is, and the
    rule that asks for it.
    """

    name: str
    codes: frozenset[str]
    told: Callable[[Agreement], str]
    rule: str


def _of(name: str, codes: str, told: Callable[[Agreement], str]) -> _Condition:
    return _Condition(name, frozenset(codes.split()), told, codes.split(maxsplit=1)[0])


_ACTIVE = _of("active", "P35 P40", lambda agreement: "active")
_PRORATES = _of("prorates", "P37 E7", lambda agreement: "prorates")
_FINAL = _of("does not prorate", "C27", lambda agreement: "does not prorate: charge cycles bill final amounts")
_OPEN = _of("prorates", "E7", lambda agreement: "prorates" if agreement.prorates else "not invoiced for the month")
_CYCLE = _of("calendar cycle", "P38", lambda agreement: "by calendar months")
_RECURS = _of("recurring", "P54", lambda agreement: "recurring")
_ONCE = _of("one-time", "P54", lambda agreement: "billed one time")
_DATES = _of("dates", "P36", lambda agreement: f"billing since {_since(agreement)}")
_CURRENCY = _of(
    "currency",
    "currency",
    lambda agreement: f"in {agreement.currency}" if agreement.currency else "no currency of its own",
)
_CONDITIONS = {
    Motion.SEAT_MONTHLY: (_ACTIVE, _PRORATES, _CYCLE, _RECURS, _DATES, _CURRENCY),
    Motion.AZURE: (_ACTIVE, _OPEN, _CYCLE, _RECURS, _DATES, _CURRENCY),
    Motion.SEAT_ANNUAL: (_ACTIVE, _ONCE, _CURRENCY),
}
_CYCLES = (_ACTIVE, _FINAL, _CYCLE, _RECURS, _DATES, _CURRENCY)


def agreement_checks(gathered: Gathered) -> list[Check]:
    """The checks of every mapped customer of the target, per motion, in the order of the mapping."""
    checks: list[Check] = []
    for customer in gathered.mappings.customers:
        program = gathered.mappings.programs[customer.program]
        if program.target != gathered.target:
            continue
        why = left_out(customer, program, gathered.request.month)
        if why:
            checks.append(_skipped(customer, None, f"is left out of {gathered.request.month}: {why}"))
            continue
        for motion in customer.agreements:
            checks += _of_motion(customer, program, motion, gathered)
    return checks


def _of_motion(customer: Customer, program: Program, motion: Motion, gathered: Gathered) -> Iterator[Check]:
    if motion not in program.motions or motion not in PLANNED:
        yield _skipped(customer, motion, f"program {program.name} does not sync {motion}")
        return
    ref = customer.agreements[motion]
    agreement = gathered.observation.agreements.get(ref)
    problems = gathered.observation.problems.get(ref, ())
    if agreement is None:
        yield from (_failed(finding, customer, motion, "found") for finding in problems)
        yield _skipped(customer, motion, "what the agreement is set to: there is none to look at")
        return
    message = f"agreement '{agreement.name}' ({agreement.id}) of company {agreement.company}"
    yield _ok(customer, motion, "found", message)
    findings = _preflight(customer, motion, agreement, gathered)
    conditions = _CYCLES if _copies_lines(customer, motion) else _CONDITIONS[motion]
    for condition in conditions:
        against = [finding for finding in findings if finding.code in condition.codes]
        if not against:
            yield _ok(customer, motion, condition.name, condition.told(agreement), condition.rule)
        yield from (_failed(finding, customer, motion, condition.name) for finding in against)
    judged = {code for condition in conditions for code in condition.codes}
    # The target's own word on a status (P35) is the rules' word on it once more.
    for finding in (*findings, *problems):
        if finding.code not in judged:
            yield _failed(finding, customer, motion, finding.code)


def _preflight(customer: Customer, motion: Motion, agreement: Agreement, gathered: Gathered) -> tuple[Finding, ...]:
    """What the rules say of the agreement, for what the documents charge on it."""
    ledger: Ledger = gathered.ledgers[gathered.mappings.programs[customer.program].source]
    account, month = ledger.account(customer.tenant), gathered.request.month
    entries = list(_entries(account, motion)) if account else []
    _, currencies = currency_of(entries, agreement)
    if motion is Motion.SEAT_ANNUAL:
        return check_once(agreement, currencies)
    open_from = first_open_day(agreement, customer.changes.billing)
    if motion is Motion.AZURE:
        return check_usage(agreement, month, open_from, currencies)
    firsts = [line.span.first for _, line in entries if line.span]
    first_day = max(month.first, min(firsts, default=month.first))
    if _copies_lines(customer, motion):
        return check_facsimile(agreement, month, first_day, currencies)
    return check_agreement(agreement, month, first_day, open_from, currencies)


def _copies_lines(customer: Customer, motion: Motion) -> bool:
    return motion is Motion.SEAT_MONTHLY and customer.changes.align is Align.CHARGE_CYCLE


def _entries(account: Account, motion: Motion) -> Iterable[Entry]:
    if motion is Motion.SEAT_MONTHLY:
        return (entry for group in account.seats.values() for entry in group)
    return account.once.get(motion, ())


def _since(agreement: Agreement) -> str:
    days = [day for day in (agreement.start, agreement.billing_start) if day]
    return str(max(days)) if days else "ever"


def _ok(customer: Customer, motion: Motion, name: str, message: str, rule: str | None = None) -> Check:
    return Check(Group.CUSTOMER, customer.name, name, Standing.OK, message, code=rule, motion=motion)


def _failed(finding: Finding, customer: Customer, motion: Motion, name: str) -> Check:
    check = check_of(finding, Group.CUSTOMER, customer.name, name, motion)
    return replace(check, where=check.where or customer.agreement_places.get(motion, customer.place))


def _skipped(customer: Customer, motion: Motion | None, why: str) -> Check:
    return Check(Group.CUSTOMER, customer.name, "agreement", Standing.SKIPPED, why, motion=motion)
