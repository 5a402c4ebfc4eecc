"""Making a plan from the command line: what `plan` and a fresh `apply` share."""

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from reconciler import __version__
from reconciler.cli.context import Failure, Settings, show_findings
from reconciler.cli.loading import load_mappings, opened_target
from reconciler.cli.logs import step
from reconciler.cli.running import finished

if TYPE_CHECKING:
    from reconciler.domain.days import Month, Months
    from reconciler.domain.mapping import Mappings
    from reconciler.domain.plan import Plan
    from reconciler.planning.gathered import Background, Scope
    from reconciler.planning.making import Made


class MonthType(click.ParamType["Month"]):
    """A month on the command line: `2026-09`."""

    name = "month"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> "Month":
        """The month; a usage error for anything else."""
        from reconciler.domain.days import Month

        if isinstance(value, Month):
            return value
        try:
            return Month.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


MONTH = MonthType()


class MonthsType(click.ParamType["Months"]):
    """A month, or consecutive ones, on the command line: `2026-09`, `2026-07..2026-09`."""

    name = "month"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> "Months":
        """The months; a usage error for anything else."""
        from reconciler.domain.days import Months

        if isinstance(value, Months):
            return value
        try:
            return Months.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


MONTHS = MonthsType()


def fresh_plan(
    settings: Settings,
    month: "Month | Months | None",
    customers: tuple[str, ...],
    *,
    scope: "Scope | None" = None,
    only_new: int | None = None,
) -> tuple["Plan", "Mappings"]:
    """Reads everything and makes the plan. Raises Failure with a sentence where that cannot be done."""
    made = fresh(settings, month, customers, scope=scope, only_new=only_new)
    return made.plan, made.gathered.mappings


def fresh(
    settings: Settings,
    month: "Month | Months | None",
    customers: tuple[str, ...],
    *,
    scope: "Scope | None" = None,
    only_new: int | None = None,
) -> "Made":
    """As `fresh_plan`, with everything that the plan was made from."""
    return _made(load_mappings(settings), settings, month, customers, scope=scope, only_new=only_new)


def plan_of(
    mappings: "Mappings",
    settings: Settings,
    month: "Month | Months | None",
    customers: tuple[str, ...],
    *,
    scope: "Scope | None" = None,
    only_new: int | None = None,
) -> "Plan":
    """The plan of a mapping that is loaded. Raises Failure where it cannot be made."""
    return _made(mappings, settings, month, customers, scope=scope, only_new=only_new).plan


def _made(
    mappings: "Mappings",
    settings: Settings,
    month: "Month | Months | None",
    customers: tuple[str, ...],
    *,
    scope: "Scope | None" = None,
    only_new: int | None = None,
) -> "Made":
    from reconciler.domain.days import Months
    from reconciler.planning.gathered import Request, Scope
    from reconciler.planning.making import PlanningError, make, month_of, one_target, read_sources
    from reconciler.targets.base import TargetError, operation

    async def made() -> "Made":
        name = one_target(mappings)
        documents = read_sources(mappings)
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        chosen = frozenset(customers)
        newest = month_of(documents, month.last if isinstance(month, Months) else month)
        since = month.first if isinstance(month, Months) and month.first < newest else None
        if since is not None and scope is Scope.CUTOVER:
            raise PlanningError("a cut-over is planned for one month", "say which: --month 2026-09")
        request = Request(newest, chosen, created, __version__, scope or Scope.ALL, only_new, since)
        background = background_of(mappings, settings, name)
        step("documents read", documents=sum(len(each.documents) for each in documents.values()), month=str(newest))
        async with opened_target(mappings.targets[name], settings) as target:
            operation.set("observe")
            found = await make(mappings, documents, request, name, target, background)
        plan = found.plan
        counts = {"changes": len(plan.changes), "errors": len(plan.errors), "warnings": len(plan.warnings)}
        step("plan made", digest=plan.digest, **counts)
        return found

    try:
        return finished(made())
    except (PlanningError, TargetError) as error:
        raise Failure(str(error), error.hint) from None


def background_of(mappings: "Mappings", settings: Settings, target: str) -> "Background":
    """What earlier applies and reviews left. Raises Failure where a decisions file has mistakes, or the state cannot be
    read; a state that is not there is no mistake.
    """
    from reconciler.config.decisions import load_decisions
    from reconciler.planning.gathered import Background
    from reconciler.store.applied import applied_records
    from reconciler.store.database import read_journal
    from reconciler.store.errors import StoreError

    loaded = load_decisions(settings.file, mappings, os.environ)
    show_findings(loaded.findings, settings)
    if loaded.decisions is None:
        raise Failure("the decisions have errors", "nothing is kept or reverted until they are mended")
    try:
        store = read_journal(settings.state_url)
        if store is None:
            return Background(decisions=loaded.decisions)
        try:
            return Background(applied_records(store, target), loaded.decisions)
        finally:
            store.close()
    except StoreError as error:
        raise Failure(str(error), error.hint) from None
