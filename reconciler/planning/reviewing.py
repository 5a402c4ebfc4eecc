"""What a person said of an agreement's month, beside what the comparison says of it: never in its place."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from reconciler.domain.days import Month
from reconciler.domain.decision import ReviewedVerdict
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.plan import Impact
from reconciler.domain.records import Observation
from reconciler.planning.changes import agreement_address
from reconciler.planning.one_customer import CustomerMonth


def reviewed(
    rows: Sequence[Impact], verdicts: Iterable[ReviewedVerdict], seen: Observation, target: str
) -> tuple[Impact, ...]:
    """The rows with the verdicts that persons gave on them."""
    by_row = {name: verdict for verdict in verdicts if (name := _row_of(verdict, seen, target))}
    return tuple(_with(row, by_row.get((row.agreement, row.month))) for row in rows)


def _row_of(verdict: ReviewedVerdict, seen: Observation, target: str) -> tuple[str, str] | None:
    agreement = seen.agreements.get(verdict.agreement)
    return (agreement_address(target, agreement.id), str(verdict.month)) if agreement else None


def _with(row: Impact, verdict: ReviewedVerdict | None) -> Impact:
    if verdict is None:
        return row
    who = verdict.by or str(verdict.place)
    return replace(row, reviewed=verdict.verdict, review=f"{who}: {verdict.reason}")


def unfounded_verdicts(
    rows: Iterable[Impact],
    verdicts: Iterable[ReviewedVerdict],
    seen: Observation,
    target: str,
    month: Month,
    customers: Iterable[CustomerMonth],
) -> tuple[Finding, ...]:
    """A warning for each verdict on the planned month of an agreement of which the plan says nothing, or of a customer
    of whom no document of the month speaks. `customers` are all that were planned in that month.
    """
    there = {(row.agreement, row.month) for row in rows}
    spoken: dict[str, list[bool]] = {}
    for customer in customers:
        spoken.setdefault(customer.customer.name, []).append(not customer.unspoken)
    found = []
    for verdict in verdicts:
        if verdict.month != month:
            continue
        if _row_of(verdict, seen, target) not in there:
            found.append(_idle(verdict, "the plan says nothing of that agreement", "see the findings on the customer"))
        elif not any(spoken.get(verdict.customer, [True])):
            why = f"no document of {month} speaks of {verdict.customer}, so nothing was compared"
            found.append(_idle(verdict, why, "add the month's invoice"))
    return tuple(found)


def early_verdicts(verdicts: Iterable[ReviewedVerdict], newest: Month) -> tuple[Finding, ...]:
    """A warning for each verdict on a month after `newest`, the newest that is planned or charged: nobody can have
    looked into it. Verdicts on months gone by stay in their files.
    """
    why = f"no document charges anything after {newest}"
    return tuple(_idle(verdict, why, "correct its month") for verdict in verdicts if verdict.month > newest)


def _idle(verdict: ReviewedVerdict, why: str, remedy: str) -> Finding:
    return Finding(
        Severity.WARNING,
        "decision-unfounded",
        f"the verdict on {verdict.agreement} in {verdict.month} has nothing to stand beside: {why}",
        customer=verdict.customer,
        where=verdict.place,
        hint=f"{remedy}, or take the verdict out",
    )
