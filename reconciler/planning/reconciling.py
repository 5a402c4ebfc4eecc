"""A month as it stands: the distributor's invoice beside what the PSA's records bill, nothing written (T22 to T27).

It asks the same questions as a plan, of the same customers, lines and records, and leaves out what a plan would write.
What the PSA bills is reckoned from its records by its own rule; its printed invoices are not read.
"""

from collections.abc import Iterable, Mapping, Sequence

from reconciler.domain.bulk import without_collections
from reconciler.domain.finding import in_order
from reconciler.domain.money import ZERO, rounded
from reconciler.domain.plan import Verdict
from reconciler.domain.reconciliation import AgreementCompared, Compared, Reached, Reconciliation
from reconciler.domain.records import Addition
from reconciler.planning.accounting import LineKey
from reconciler.planning.assembling import program_months
from reconciler.planning.changes import agreement_address
from reconciler.planning.completeness import completeness
from reconciler.planning.gathered import Gathered
from reconciler.planning.impact import as_it_stands, held_amount
from reconciler.planning.one_customer import CustomerMonth, Decided
from reconciler.planning.propagation import coverage_of

_Rows = Mapping[tuple[int, int], Compared]
"""What was compared, by the identity of the customer's month and the number of its decision."""


def reconcile(gathered: Gathered) -> Reconciliation:
    """The reconciliation of what was gathered; agreements in the order of the mapping."""
    with without_collections():
        parts = program_months(gathered)
        months = [month for part in parts for month in part.customers]
        rows = {(id(m), n): _row(m, d, gathered) for m in months if m.agreement for n, d in enumerate(m.decided)}
        findings = [f for part in parts for f in (*part.findings, *part.documents.findings)]
        return Reconciliation(
            month=str(gathered.request.month),
            target=gathered.target,
            agreements=tuple(_agreements(months, rows, gathered)),
            not_billed=in_order(f for part in parts for f in part.accounted.findings),
            errors=in_order(f for f in findings if f.blocks),
            completeness=tuple(
                completeness(source, gathered.documents[source], gathered.request.month)
                for source in sorted({part.program.source for part in parts})
            ),
            coverage=coverage_of(parts, _by_line(months, rows)),
        )


def _by_line(months: Iterable[CustomerMonth], rows: _Rows) -> dict[LineKey, Reached]:
    """How far each line that was compared with records has reached the PSA."""
    return {
        (charged.invoice, charged.line.number, charged.line.customer.tenant): rows[id(month), number].reached
        for month in months
        if month.agreement
        for number, decided in enumerate(month.decided)
        for charged in decided.lines
    }


def _agreements(months: Iterable[CustomerMonth], all_rows: _Rows, gathered: Gathered) -> Iterable[AgreementCompared]:
    groups: dict[str, list[CustomerMonth]] = {}
    for month in months:
        if month.agreement:
            groups.setdefault(month.agreement.id, []).append(month)
    for group in groups.values():
        rows = tuple(_rows(group, all_rows, gathered))
        if rows or not all(month.writes for month in group):
            yield _agreement(group, rows, gathered)


def _agreement(group: Sequence[CustomerMonth], rows: tuple[Compared, ...], gathered: Gathered) -> AgreementCompared:
    agreement = group[0].agreement
    assert agreement  # noqa: S101 -- grouped by agreement
    verdict, reason = _verdict(group, rows, gathered)
    return AgreementCompared(
        customer=", ".join(dict.fromkeys(month.customer.name for month in group)),
        agreement=agreement_address(gathered.target, agreement.id),
        name=agreement.name,
        currency=next((month.currency for month in group if month.currency), ""),
        rows=rows,
        verdict=verdict,
        reason=reason,
        review=_review(agreement.id, gathered),
    )


def _verdict(
    group: Iterable[CustomerMonth], rows: Sequence[Compared], gathered: Gathered
) -> tuple[Verdict, str | None]:
    for month in group:
        if month.unspoken:
            spoken = f"no document of {gathered.request.month} speaks of {month.customer.name}: nothing was compared"
            return Verdict.NOT_RECONCILABLE, spoken
        if why := _kept_out(month):
            return Verdict.NOT_RECONCILABLE, why
    for verdict in (Verdict.NOT_RECONCILABLE, Verdict.DIFFERS):
        reasons = [row.reason for row in rows if row.verdict is verdict and row.reason]
        if reasons:
            return verdict, "; ".join(reasons)
    return Verdict.RECONCILED, None


def _kept_out(month: CustomerMonth) -> str | None:
    """Why a customer's month cannot be compared whole, or None. A preview is: nothing is written here anyway."""
    error = next((f for f in month.findings if f.blocks), None)
    if error:
        return f"{error.code}: {error.message}"
    unlinked = next((f for f in month.findings if f.code in ("E10", "E1", "P27")), None)
    return f"{unlinked.code}: {unlinked.message}" if month.withheld and unlinked else None


def _review(agreement_id: str, gathered: Gathered) -> str | None:
    for verdict in gathered.background.decisions.verdicts:
        found = gathered.observation.agreements.get(verdict.agreement)
        if found and found.id == agreement_id and verdict.month == gathered.request.month:
            return f"{verdict.verdict.value} by {verdict.by or verdict.place}: {verdict.reason}"
    return None


def _rows(group: Sequence[CustomerMonth], rows: _Rows, gathered: Gathered) -> Iterable[Compared]:
    spoken_of = {a.id for month in group for decided in month.decided for a in decided.standing}
    for month in group:
        for number in range(len(month.decided)):
            row = rows[id(month), number]
            if row.charged or row.billed or row.cost or row.charged_days or row.billed_days:
                yield row
    told: set[str] = set()
    for month in group:
        for addition in month.held:
            if addition.id not in spoken_of and addition.id not in told:
                told.add(addition.id)
                yield from _held(month, addition, gathered)


def _row(month: CustomerMonth, decided: Decided, gathered: Gathered) -> Compared:
    stands = as_it_stands(decided, month, gathered.request.month)
    verdict, reason = Verdict.RECONCILED, None
    if decided.decision.assumed_from:
        verdict = Verdict.NOT_RECONCILABLE
        reason = f"no document speaks of the days before {decided.decision.assumed_from} of {decided.subscription}"
    elif stands.difference:
        verdict, reason = Verdict.DIFFERS, stands.difference
    assert month.agreement  # noqa: S101 -- decisions are made on an agreement
    return Compared(
        customer=month.customer.name,
        agreement=agreement_address(gathered.target, month.agreement.id),
        agreement_name=month.agreement.name,
        motion=month.motion,
        subscription=decided.subscription,
        product=(decided.lines[-1].line.description if decided.lines else "") or decided.product,
        currency=month.currency,
        charged_days=stands.charged_days,
        billed_days=stands.billed_days,
        charged=rounded(decided.due, month.currency),
        billed=stands.billed,
        cost=rounded(stands.cost, month.currency),
        verdict=verdict,
        reason=reason,
    )


def _held(month: CustomerMonth, addition: Addition, gathered: Gathered) -> Iterable[Compared]:
    """A record that no decision speaks of, where it bills: nothing is charged for it that could be compared."""
    billed, days = held_amount(month, addition, gathered.request.month)
    if not billed:
        return
    assert month.agreement  # noqa: S101 -- records are held on an agreement
    yield Compared(
        customer=month.customer.name,
        agreement=agreement_address(gathered.target, month.agreement.id),
        agreement_name=month.agreement.name,
        motion=month.motion,
        subscription=addition.serial_number or f"record {addition.id}",
        product=addition.description or f"product {addition.product_id}",
        currency=month.currency,
        charged_days=ZERO,
        billed_days=days,
        charged=ZERO,
        billed=billed,
        cost=ZERO,
        verdict=Verdict.NOT_RECONCILABLE,
        reason=f"record {addition.id} is compared with nothing: a finding keeps it apart",
    )
