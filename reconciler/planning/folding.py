"""Several months' changes as one plan: each record written once, with every reason, and every month's bill.

The months were decided one on the other, each on the records that the one before it leaves. A record that September
creates and October ends is created with its end; one that is changed twice is changed once, to where it comes; what
comes and goes again is not written at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from reconciler.domain.breakdown import Part, Step
from reconciler.domain.money import ZERO, Money, summed
from reconciler.domain.plan import Action, AdditionValues, Change, Coverage, Impact, NotPassedOn, ProductValues, Values
from reconciler.planning.advancing import is_planned, record_of
from reconciler.planning.changes import addition_address, distinct


@dataclass(slots=True)
class _Story:
    """All that happens to one record, month by month."""

    first: Change
    changes: list[Change] = field(default_factory=list)


def folded(target: str, months: Mapping[str, Iterable[Change]]) -> tuple[Change, ...]:
    """The changes of months that were planned one on the other, as one plan's, products first. `months` ascend."""
    if len(months) == 1:
        return tuple(*months.values())
    stories: dict[str, _Story] = {}
    created: dict[str, str] = {}
    for month, changes in months.items():
        for change in changes:
            record = record_of(change, month)
            if isinstance(change.after, ProductValues) and change.record is None:
                created[record] = change.address
            # A PSA counts products and additions apart: the same number may stand for one of each.
            story = stories.setdefault(f"{change.resource} {record}", _Story(change))
            story.changes.append(change)
    told = [(story, one) for story in stories.values() for one in [_as_one(story)] if one]
    products = [change for _, change in told if isinstance(change.after, ProductValues)]
    additions = [(story, c) for story, c in told if not isinstance(c.after, ProductValues)]
    ordered = [_with_needs(c, created) for c in _in_writing_order(additions)]
    return (*products, *distinct([_addressed(target, c) for c in ordered]))


def _as_one(story: _Story) -> Change | None:
    first, last = story.changes[0], story.changes[-1]
    before, after = first.before, last.after
    if before == after:
        return None
    actions = {change.action for change in story.changes}
    return replace(
        first,
        action=_action(before, after, actions),
        before=before,
        after=after,
        product_name=last.product_name or first.product_name,
        because=tuple(dict.fromkeys(because for change in story.changes for because in change.because)),
        impact=_summed(story.changes),
    )


def _action(before: Values | None, after: Values | None, actions: set[Action]) -> Action:
    if before is None:
        return Action.CREATE
    if after is None:
        return Action.DELETE
    if Action.ADOPT in actions:
        return Action.ADOPT
    if isinstance(before, AdditionValues) and isinstance(after, AdditionValues):
        only_ends = replace(before, cancelled=after.cancelled) == after
        return Action.CANCEL if only_ends else Action.UPDATE
    return Action.UPDATE


def _summed(changes: Iterable[Change]) -> dict[str, Decimal]:
    """What the changes do to each month's bill together; a month that nothing comes of is left out."""
    impact: dict[str, Decimal] = {}
    for change in changes:
        for month, amount in change.impact.items():
            impact[month] = impact.get(month, ZERO) + amount
    return {month: impact[month] for month in sorted(impact) if impact[month]}


def _with_needs(change: Change, created: Mapping[str, str]) -> Change:
    """A record of a product that the plan itself creates waits for it: its id is known only then."""
    after = change.after
    if not isinstance(after, AdditionValues) or not is_planned(after.product_id):
        return change
    return replace(change, after=replace(after, product_id=None), needs=(created[after.product_id or ""],))


def _in_writing_order(additions: Iterable[tuple[_Story, Change]]) -> list[Change]:
    """Customer by customer and subscription by subscription: differences, then what ends, then what goes on, so that a
    refused difference leaves the base standing, as in the plan of one month.
    """
    places: dict[tuple[str | None, str | None], int] = {}
    for _, change in additions:
        places.setdefault((change.customer, change.motion), len(places))

    def place(item: tuple[_Story, Change]) -> tuple[int, str, str, int, date]:
        story, change = item
        values = change.after or change.before
        assert isinstance(values, AdditionValues)  # noqa: S101 -- products are taken out before
        group = places[change.customer, change.motion]
        return group, change.subscription or "", values.product, _stage(story), values.effective

    return [change for _, change in sorted(additions, key=place)]


def _stage(story: _Story) -> int:
    first = story.first.after
    if story.first.record is not None:
        return 1
    return 2 if isinstance(first, AdditionValues) and first.cancelled is None else 0


def _addressed(target: str, change: Change) -> Change:
    values = change.after or change.before
    assert isinstance(values, AdditionValues)  # noqa: S101 -- products are taken out before
    address = addition_address(
        target, change.customer or "", change.motion or "", change.subscription or "", values.effective
    )
    return replace(change, address=address)


# -- bills


def folded_impact(months: Sequence[tuple[Sequence[Impact], Sequence[Change]]]) -> tuple[Impact, ...]:
    """The bills of months that were planned one on the other: each month's row from its own plan, before as the PSA
    stands and after as all of them leave it; and the month after the last.

    `months` are the rows and the changes of each month's plan, ascending.
    """
    if len(months) == 1:
        return tuple(months[0][0])
    rows: dict[tuple[str, str], tuple[int, Impact]] = {}
    for number, (stated, _) in enumerate(months):
        # A later plan knows more of a month than the one before it, which had no invoice of it.
        rows |= {(row.agreement, row.month): (number, row) for row in stated}
    moved = [_moved_by_agreement(changes) for _, changes in months]
    order = {agreement: number for number, agreement in enumerate(dict.fromkeys(agreement for agreement, _ in rows))}
    ordered = sorted(rows.items(), key=lambda item: (order[item[0][0]], item[0][1]))
    return tuple(_over_all(row, number, moved) for _, (number, row) in ordered)


def folded_not_passed_on(months: Mapping[str, Sequence[NotPassedOn]]) -> tuple[NotPassedOn, ...]:
    """What price changes that are not passed on come to, each month by its own plan, the month after the last by the
    last one's. `months` are the amounts of each month's plan, ascending.
    """
    if len(months) == 1:
        return tuple(next(iter(months.values())))
    last = max(months)
    found: dict[tuple[str, str, str], tuple[dict[str, Decimal], dict[str, Decimal]]] = {}
    for planned, stated in months.items():
        for each in stated:
            sides = found.setdefault((each.customer, each.currency, each.policy), ({}, {}))
            for side, amounts in zip(sides, (each.increases, each.decreases), strict=True):
                side |= {month: amount for month, amount in amounts.items() if planned in (month, last)}
    return tuple(NotPassedOn(*who, *sides) for who, sides in sorted(found.items()) if any(sides))


def _moved_by_agreement(changes: Iterable[Change]) -> dict[tuple[str, str], Decimal]:
    moved: dict[tuple[str, str], Decimal] = {}
    for change in changes:
        for month, amount in change.impact.items():
            key = change.agreement or "", month
            moved[key] = moved.get(key, ZERO) + amount
    return moved


def _over_all(row: Impact, number: int, moved: Sequence[Mapping[tuple[str, str], Decimal]]) -> Impact:
    key = row.agreement, row.month
    after = row.after + sum((each.get(key, ZERO) for each in moved[number + 1 :]), ZERO)
    breakdown = row.breakdown
    if breakdown and after != row.after:
        breakdown = (*breakdown, Step(Part.OTHERWISE, "written with a later month", after - row.after))
    return replace(
        row, breakdown=breakdown, after=after, before=after - sum((each.get(key, ZERO) for each in moved), ZERO)
    )


# -- lines


def summed_coverage(rows: Iterable[Coverage]) -> tuple[Coverage, ...]:
    """Where the lines went, by outcome and rule."""
    sums: dict[tuple[str, str], tuple[int, list[Money]]] = {}
    for row in rows:
        lines, amounts = sums.get((row.outcome, row.rule), (0, []))
        sums[row.outcome, row.rule] = (lines + row.lines, [*amounts, *row.amounts])
    return tuple(Coverage(o, r, lines, summed(amounts)) for (o, r), (lines, amounts) in sorted(sums.items()))
