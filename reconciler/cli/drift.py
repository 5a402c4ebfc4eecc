"""`reconciler drift`: what a person changed in the PSA since the last apply, by field; who and when; kept or not."""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from reconciler.cli.context import Exit, Failure, Settings, show_findings
from reconciler.cli.loading import load_mappings, opened_target
from reconciler.cli.planning import MONTH, plan_of
from reconciler.cli.running import finished

if TYPE_CHECKING:
    from reconciler.domain.days import Month
    from reconciler.domain.decision import Decisions
    from reconciler.domain.drift import AppliedRecord, Drift, DriftReport, Trace
    from reconciler.domain.mapping import Mappings
    from reconciler.domain.records import Addition
    from reconciler.planning.deciding import Standing
    from reconciler.targets.base import Target


@click.command(short_help="What a person changed in the PSA since the last apply.")
@click.option("--month", type=MONTH, help="The month whose plan says what is wanted.  [default: the newest]")
@click.option("--customer", "customers", multiple=True, metavar="NAME", help="Only this customer; may be repeated.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--detailed-exitcode", is_flag=True, help="Exits 2 when there is drift, 0 when there is none.")
@click.pass_obj
def command(
    settings: Settings, month: "Month | None", customers: tuple[str, ...], form: str, detailed_exitcode: bool
) -> None:
    """Compares each billing record three ways: as the last apply left it, as it is in the PSA, as a plan wants it.

    Who changed it and when is told where the PSA's audit trail tells. Drift is kept by an override in decisions/, or
    the next apply reverts it. Writes nothing.

    \b
    Example:
      reconciler drift --customer Contoso
    """
    mappings = load_mappings(settings)
    _known(mappings, customers)
    decisions = _decisions(settings, mappings)
    report = _report(settings, mappings, decisions, month, customers)
    _show(report, form, settings)
    if report.unread:
        raise SystemExit(Exit.ERROR)
    raise SystemExit(Exit.CHANGES if detailed_exitcode and report.stands else Exit.DONE)


def _known(mappings: "Mappings", customers: tuple[str, ...]) -> None:
    unknown = set(customers) - {customer.name for customer in mappings.customers}
    if unknown:
        from reconciler.domain.mapping import not_a_customer

        raise Failure(*not_a_customer(min(unknown), mappings))


def _decisions(settings: Settings, mappings: "Mappings") -> "Decisions":
    from reconciler.config.decisions import load_decisions

    loaded = load_decisions(settings.file, mappings, os.environ)
    show_findings(loaded.findings, settings)
    if loaded.decisions is None:
        raise Failure("the decisions have errors", "nothing is kept or reverted until they are mended")
    return loaded.decisions


def _report(
    settings: Settings,
    mappings: "Mappings",
    decisions: "Decisions",
    month: "Month | None",
    customers: tuple[str, ...],
) -> "DriftReport":
    from reconciler.domain.days import Month
    from reconciler.domain.drift import DriftReport
    from reconciler.planning.deciding import kept, unfounded
    from reconciler.planning.drifting import three_way
    from reconciler.planning.making import PlanningError, one_target

    try:
        name = one_target(mappings)
    except PlanningError as error:
        raise Failure(str(error), error.hint) from None
    applied = _applied(settings, name)
    chosen = {key: each for key, each in applied.items() if not customers or each.customer in customers}
    if not chosen:
        return DriftReport(name, None, known=bool(applied))
    plan = plan_of(mappings, settings, month, customers)
    seen = _seen(mappings, name, settings, customers, chosen)
    keeping = kept(decisions.overrides, seen.standing, Month.parse(plan.month))
    findings = (
        keeping.findings
        if customers or seen.unread
        else (
            *keeping.findings,
            *unfounded(decisions.overrides, seen.standing),
        )
    )
    show_findings(findings, settings)
    rows = three_way(seen.found, plan, seen.standing, keeping, seen.traces)
    return DriftReport(name, plan.month, known=True, rows=rows, unread=seen.unread)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the PSA has now: additions by agreement, the drift in them, and the audit trail of each drifted record."""

    standing: "Standing"
    found: "tuple[Drift, ...]"
    traces: "Mapping[str, tuple[Trace, ...]]"
    unread: tuple[str, ...]


def _applied(settings: Settings, target: str) -> "Mapping[str, AppliedRecord]":
    """What the last apply left; nothing without a state. Tells what an interrupted apply has left open."""
    from reconciler.cli.locking import state_told
    from reconciler.store.applied import applied_records
    from reconciler.store.database import read_store
    from reconciler.store.history import open_ops

    with state_told():
        store = read_store(settings.state_url)
        if store is None:
            return {}
        try:
            left = len(open_ops(store))
            if left:
                click.echo(
                    f"warning: an interrupted apply has left {left} open, which may look like drift; "
                    "finish it with: reconciler resume",
                    err=True,
                )
            return applied_records(store, target)
        finally:
            store.close()


def _seen(
    mappings: "Mappings",
    target_name: str,
    settings: Settings,
    customers: tuple[str, ...],
    applied: "Mapping[str, AppliedRecord]",
) -> _Seen:
    from reconciler.domain.records import Wanted
    from reconciler.planning.drifting import drift
    from reconciler.planning.ownership import minded
    from reconciler.targets.base import TargetError

    refs = frozenset(
        ref
        for customer in mappings.customers
        if not customers or customer.name in customers
        for ref in customer.agreements.values()
    )

    async def read() -> _Seen:
        async with opened_target(mappings.targets[target_name], settings) as target:
            seen = await target.observe(Wanted(refs, frozenset()))
            # One with an error may hold records that could not be read: it is read by itself, and that tells.
            doubtful = {a.id for ref, a in seen.agreements.items() if any(f.blocks for f in seen.problems.get(ref, ()))}
            standing = {key: additions for key, additions in seen.additions.items() if key not in doubtful}
            elsewhere = {record.agreement_id for record in applied.values()} - set(standing)
            unread = await _read_others(target, sorted(elsewhere), standing)
            found = minded(drift(applied, standing), mappings.customers)
            return _Seen(standing, found, await _traces(target, found), unread)

    try:
        return finished(read())
    except TargetError as error:
        raise Failure(str(error), error.hint) from None


async def _read_others(
    target: "Target", agreements: Iterable[str], standing: "dict[str, tuple[Addition, ...]]"
) -> tuple[str, ...]:
    """Reads agreements that were written to and are not mapped any more; returns a sentence for each that fails."""
    from reconciler.targets.base import TargetError

    unread = []
    for agreement in agreements:
        try:
            _, standing[agreement] = await target.read_agreement(agreement)
        except TargetError as error:
            unread.append(f"agreement {agreement}: {error}")
    return tuple(unread)


async def _traces(target: "Target", found: "Iterable[Drift]") -> "dict[str, tuple[Trace, ...]]":
    """The audit trail of each drifted record; where it cannot be read, that is said once and nobody is named."""
    from reconciler.targets.base import TargetError, who_changed
    from reconciler.targets.together import together

    records = sorted({each.record for each in found})
    try:
        told = await together(who_changed(target, record) for record in records)
    except TargetError as error:
        click.echo(f"warning: the audit trail cannot be read, so nobody is named: {error}", err=True)
        return {}
    return dict(zip(records, told, strict=True))


def _show(report: "DriftReport", form: str, settings: Settings) -> None:
    from reconciler.render.drift import drift_json, drift_lines

    if form == "json":
        from reconciler.domain.canonical import readable

        click.echo(readable(drift_json(report)), nl=False)
        return
    from reconciler.cli.show import page_width

    for line in drift_lines(report, width=page_width(), colour=settings.colour(sys.stdout.isatty())):
        click.echo(line)
