"""Applies a plan to a real PSA: takes the tenant's journal over, and drives the course (`course`) to its end."""

from reconciler.applying.course import course, journal_plan, refuse_impossible
from reconciler.applying.executor import Executor, Staleness
from reconciler.applying.report import ApplyReport
from reconciler.applying.surroundings import Surroundings
from reconciler.domain.plan import Plan
from reconciler.store.journal import give_back, take_over
from reconciler.store.ops import PlanRun


async def nothing_stale() -> tuple[str, ...]:
    """For a plan that was made a moment ago, and for one that has been written in part."""
    return ()


async def apply_plan(plan: Plan, around: Surroundings, stale: Staleness) -> ApplyReport:
    """Writes a plan to the PSA, each record once. The store's lock must be held (`store.database.locked_store`).

    `stale` reads the PSA again and says in sentences what has changed since the plan was made; with any, nothing is
    written. Raises CannotApply where the plan is impossible, TargetError where the PSA cannot be read before anything
    was written, StoreError where the journal cannot be written.
    """
    refuse_impossible(plan)
    journal = take_over(around.store, plan.target, around.clock.now())
    executor = Executor(around, journal, stale)
    try:
        return await executor.run(course(plan, around.conditions))
    finally:
        await executor.settled()
        give_back(journal)


async def resume(run: PlanRun, around: Surroundings, stale: Staleness = nothing_stale) -> ApplyReport:
    """Finishes an admitted plan, or settles what can be settled of it. The same as applying its file again."""
    return await apply_plan(journal_plan(run), around, stale)
