"""`reconciler apply`: writes a plan to the PSA, each record once."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.context import Exit, Failure, Settings
from reconciler.cli.locking import lock_timeout_option
from reconciler.cli.planning import MONTHS
from reconciler.cli.telling import sends_messages

if TYPE_CHECKING:
    from reconciler.domain.days import Months
    from reconciler.domain.mapping import Mappings
    from reconciler.domain.plan import Plan


@click.command(short_help="Writes what a plan says to the PSA, once.")
@click.argument("plan_file", metavar="[PLAN]", required=False, type=click.Path(path_type=Path))
@click.option("--auto-approve", is_flag=True, help="Does not ask. A saved plan is applied without asking.")
@click.option("--expect-digest", metavar="SHA256", help="Refuses any plan but the one with this digest.")
@click.option("--month", type=MONTHS, help="Without PLAN: the usage month, or several: 2026-07..2026-09.")
@click.option("--customer", "customers", multiple=True, metavar="NAME", help="Without PLAN: only this customer.")
@click.option("--allow-beyond-guards", is_flag=True, help="Applies a plan that a guard refuses.")
@lock_timeout_option
@click.pass_obj
@sends_messages
def command(
    settings: Settings,
    plan_file: Path | None,
    auto_approve: bool,
    expect_digest: str | None,
    month: "Months | None",
    customers: tuple[str, ...],
    allow_beyond_guards: bool,
    lock_timeout: float,
) -> None:
    """Applies a saved plan, or plans, shows the plan, asks and applies.

    The PSA is read again first: where it is not as the plan saw it, nothing is written (exit 3), and neither where the
    mapping or an invoice that lies here has changed since. What a person changed meanwhile is left alone and told. An
    apply that was interrupted is finished by `resume`, or by the same command.

    \b
    Examples:
      reconciler apply plans/2026-09.plan.json
      reconciler apply plans/2026-09.plan.json --expect-digest sha256:5f0c...
      reconciler apply --month 2026-09 --customer Contoso
    """
    if plan_file and (month or customers):
        raise click.UsageError("--month and --customer belong to a plan made now; a saved PLAN has its own.")
    if plan_file is None and not auto_approve and not sys.stdin.isatty():
        raise Failure(
            "there is no terminal to ask on, and --auto-approve was not given; nothing was written",
            "save a plan, have it reviewed, and apply it: reconciler apply PLAN",
        )
    plan, mappings = _saved_plan(settings, plan_file) if plan_file else _fresh_plan(settings, month, customers)
    _check_digest(plan, expect_digest)
    _check_guards(plan, mappings, allow_beyond_guards)
    if not plan.changes:
        click.echo(_nothing_to_do(plan))
        return
    if plan_file is None and not auto_approve:
        _ask(plan)
    sys.exit(apply_plan_now(settings, mappings, plan, lock_timeout))


def _saved_plan(settings: Settings, file: Path) -> "tuple[Plan, Mappings]":
    """The plan in a file, and the mapping for its target's settings alone."""
    from reconciler.cli.loading import load_mappings
    from reconciler.cli.reviewed import refuse_moved_inputs
    from reconciler.cli.show import load_plan

    _, plan = load_plan(file)
    mappings = load_mappings(settings)
    _check_approved(plan, mappings)
    refuse_moved_inputs(plan, mappings, settings.folder)
    return plan, mappings


def _fresh_plan(settings: Settings, month: "Months | None", customers: tuple[str, ...]) -> "tuple[Plan, Mappings]":
    """A plan made now, kept in the history, and shown."""
    from reconciler.applying.clock import SystemClock
    from reconciler.cli.keeping import keep_made
    from reconciler.cli.loading import load_mappings
    from reconciler.cli.plan import show_plan
    from reconciler.cli.planning import fresh

    _refuse_unsigned(load_mappings(settings))
    started = SystemClock().now()
    made = fresh(settings, month, customers)
    keep_made(made, settings, started)
    show_plan(made.plan, "text", settings)
    return made.plan, made.gathered.mappings


def _refuse_unsigned(mappings: "Mappings") -> None:
    demanding = [target.name for target in mappings.targets.values() if target.approval.signed]
    if demanding:
        raise Failure(
            f"target '{demanding[0]}' takes signed plans alone, and a plan made now is not signed; nothing was written",
            "reconciler plan --out PLAN, reconciler sign PLAN, reconciler apply PLAN",
        )


def _check_approved(plan: "Plan", mappings: "Mappings") -> None:
    from reconciler.applying.clock import SystemClock
    from reconciler.cli.applying import target_of
    from reconciler.planning.approving import NotApproved, check_approval

    try:
        check_approval(plan, target_of(mappings, plan.target), os.environ, SystemClock().now())
    except NotApproved as error:
        raise Failure(f"{error}; nothing was written", error.hint) from None


def _check_digest(plan: "Plan", expected: str | None) -> None:
    from reconciler.planning.plan_file import same_digest

    if expected is not None and not same_digest(expected, plan.digest):
        raise Failure(
            f"this is not the plan that was approved: its digest is {plan.digest}; nothing was written",
            "apply the plan that was reviewed, or have this one reviewed",
        )


def _check_guards(plan: "Plan", mappings: "Mappings", allowed: bool) -> None:
    from reconciler.planning.guarding import inconsistent, refused_now

    contradiction = inconsistent(plan)
    if contradiction:
        raise Failure(f"the plan contradicts itself: {contradiction}; nothing was written", "make a new plan")
    refusals = plan.refused_by or refused_now(plan, mappings)
    if refusals and not allowed:
        raise Failure(
            f"the plan is beyond a guard, so nothing was written: {'; '.join(refusals)}",
            "look at the plan with: reconciler show PLAN; if it is right, apply it with --allow-beyond-guards",
            Exit.GUARD,
        )


def _nothing_to_do(plan: "Plan") -> str:
    from reconciler.render.wording import counted

    if plan.errors:
        return f"No changes to apply, but {counted(len(plan.errors), 'error')} kept customers out. Nothing was written."
    return "No changes: the PSA bills what the plan wants. Nothing was written."


def _ask(plan: "Plan") -> None:
    count = len(plan.changes)
    question = f"\nApply {'this change' if count == 1 else f'these {count} changes'}? Only 'yes' is accepted"
    if click.prompt(question, default="", show_default=False, err=True) != "yes":
        raise Failure("not approved; nothing was written")


def apply_plan_now(settings: Settings, mappings: "Mappings", plan: "Plan", lock_timeout: float = 0) -> int:
    from reconciler.applying.apply import apply_plan
    from reconciler.applying.report import ApplyReport
    from reconciler.applying.surroundings import Surroundings
    from reconciler.cli.applying import Writing, target_of, written
    from reconciler.cli.locking import locked
    from reconciler.planning.observing import observe_again
    from reconciler.store.history import RunKind

    async def work(around: Surroundings) -> ApplyReport:
        return await apply_plan(plan, around, lambda: observe_again(plan, around.target))

    with locked(settings, "reconciler apply", lock_timeout) as store:
        return written(Writing(settings, store, RunKind.APPLY, plan, target_of(mappings, plan.target), mappings), work)
