"""Making a plan from the command line: what `plan` and a fresh `apply` share."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from reconciler import __version__
from reconciler.cli.context import Failure, Settings
from reconciler.cli.loading import load_mappings, opened_target

if TYPE_CHECKING:
    from reconciler.domain.days import Month
    from reconciler.domain.mapping import Mappings
    from reconciler.domain.plan import Plan
    from reconciler.planning.gathered import Scope


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


def fresh_plan(
    settings: Settings,
    month: "Month | None",
    customers: tuple[str, ...],
    *,
    scope: "Scope | None" = None,
    only_new: int | None = None,
) -> tuple["Plan", "Mappings"]:
    """Reads everything and makes the plan. Raises Failure with a sentence where that cannot be done."""
    mappings = load_mappings(settings)
    return plan_of(mappings, settings, month, customers, scope=scope, only_new=only_new), mappings


def plan_of(
    mappings: "Mappings",
    settings: Settings,
    month: "Month | None",
    customers: tuple[str, ...],
    *,
    scope: "Scope | None" = None,
    only_new: int | None = None,
) -> "Plan":
    """The plan of a mapping that is loaded. Raises Failure where it cannot be made."""
    from reconciler.planning.gathered import Request, Scope
    from reconciler.planning.making import PlanningError, make_plan, month_of, one_target, read_sources
    from reconciler.targets.base import TargetError

    async def made() -> "Plan":
        name = one_target(mappings)
        documents = read_sources(mappings)
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        chosen = frozenset(customers)
        month_planned = month_of(documents, month)
        request = Request(month_planned, chosen, created, __version__, scope or Scope.ALL, only_new)
        async with opened_target(mappings.targets[name], settings) as target:
            return await make_plan(mappings, documents, request, name, target)

    try:
        return asyncio.run(made())
    except (PlanningError, TargetError) as error:
        raise Failure(str(error), error.hint) from None
