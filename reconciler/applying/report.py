"""What an apply did, change by change, and what is left to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from reconciler.domain.money import Money, summed
from reconciler.domain.plan import Action, Change, Plan
from reconciler.store.schema import State


class Ending(StrEnum):
    """How an apply ended."""

    DONE = "done"
    ALREADY_DONE = "already done"
    STALE = "stale"
    PART_WAY = "part-way"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """A change's final state, what happened in a sentence, what to do about it, and the PSA's id of the record.

    `earlier`: it stood in the PSA by an earlier run's write before this run could send anything.
    """

    change: Change
    state: State
    sentence: str
    hint: str | None
    record: str | None
    earlier: bool = False

    @property
    def done(self) -> bool:
        """Whether the record is as the plan wants it."""
        return self.state is State.CONFIRMED


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """The whole: `stale` are the sentences for which nothing was written; `incidents` what the audit could not settle;
    `signal` the one that interrupted it; `impact` what the changes done add to each month's bill, per currency,
    those of earlier runs of this plan with them.
    """

    plan_id: str
    ending: Ending
    results: tuple[ChangeResult, ...] = ()
    stale: tuple[str, ...] = ()
    incidents: tuple[str, ...] = ()
    signal: int | None = None
    impact: tuple[tuple[str, Money], ...] = ()

    @property
    def exit_status(self) -> int:
        """The exit status of the interface contract: 0 done, 3 stale, 6 part-way, 128 + signal when interrupted."""
        if self.ending is Ending.INTERRUPTED:
            return 128 + (self.signal or 2)
        return {Ending.DONE: 0, Ending.ALREADY_DONE: 0, Ending.STALE: 3}.get(self.ending, 6)

    def counts(self) -> dict[str, int]:
        """How many changes this run did, by what was done; how many failed, how many are still to come, and how many
        an earlier run of the plan had written.
        """
        counts = {word: 0 for _, word in DONE_WORDS.values()}
        counts |= {"failed": 0, "left": 0, EARLIER: 0}
        for result in self.results:
            counts[_counted(result)] += 1
        return counts


# The sign and the word of each action, once it is done.
DONE_WORDS = {
    Action.CREATE: ("+", "created"),
    Action.UPDATE: ("~", "updated"),
    Action.CANCEL: ("-", "ended"),
    Action.ADOPT: (">", "adopted"),
    Action.DELETE: ("x", "deleted"),
}

# What was written before this run began.
EARLIER = "written before"

_HINTS = {
    State.PLANNED: "run: reconciler resume",
    State.ABSENT: "run: reconciler resume",
    State.INTENT: "run: reconciler resume",
    State.UNKNOWN: "run: reconciler resume; it looks again and writes it only if it is not there",
    State.REJECTED: "mend what the PSA names, then make a new plan",
    State.DRIFT: "make a new plan: it will start from what is there now",
    State.CONFLICT: "look at that record in the PSA; keep or remove it, then make a new plan",
    State.FAILED: "find out in the PSA why it does not appear, then make a new plan",
}


def hint(state: State) -> str | None:
    """What to do about a change in this state; None where nothing is to be done."""
    return _HINTS.get(state)


def _counted(result: ChangeResult) -> str:
    if result.done and result.earlier:
        return EARLIER
    if result.done:
        return DONE_WORDS[result.change.action][1]
    return "left" if result.state in (State.PLANNED, State.ABSENT, State.INTENT, State.UNKNOWN) else "failed"


def impact_of(plan: Plan, changes: Iterable[Change]) -> tuple[tuple[str, Money], ...]:
    """What changes add to each month's bill, by month and currency. The currency is that of the agreement's impact."""
    currencies = {row.agreement: row.currency for row in plan.impact}
    only = next(iter(set(currencies.values())), "") if len(set(currencies.values())) == 1 else ""
    by_month: dict[str, list[Money]] = {}
    for change in changes:
        currency = currencies.get(change.agreement or "", only)
        for month, amount in change.impact.items():
            by_month.setdefault(month, []).append(Money(Decimal(amount), currency))
    return tuple((month, money) for month in sorted(by_month) for money in summed(by_month[month]))
