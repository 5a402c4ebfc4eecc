"""How one write to an agreement is taken back: the record as it was before, where the PSA allows it.

What is not invoiced is put back as it stood: a created record is deleted, old values return, a deleted record is made
anew. What is invoiced stays, and a record beside it compensates: minus the quantity over the same days, or the quantity
over the days that an end took away. The PSA bills such a record on its next invoice (C18), but only on an agreement
that prorates (E7); the quantity and price of an invoiced record it does not let change at all (T21).

In numbers (rulebook Ex 1): the run ended 10 seats on 30 September and wrote +3 from the 12th and 13 from 1 October.
Before the October invoice the 13 and the +3 are deleted and the 10 go on; after it the +3 get −3 from the 12th beside
them, the 13 get −13 for October and end with it, and 10 seats start again on 1 October in a record of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from reconciler.domain.days import Month, eve, morrow
from reconciler.domain.drift import differing, named, shown
from reconciler.domain.money import ZERO, plain
from reconciler.domain.plan import Action, AdditionValues
from reconciler.domain.records import Addition, Agreement
from reconciler.rules.annual import TAKEN_BACK


@dataclass(frozen=True, slots=True)
class Done:
    """A write as it was done: `after` None for a delete, `before` None for a create; `record` is the PSA's id.

    `next_invoice` is the agreement's next invoice day just before the write, where it is known: with the same one now,
    no invoice was made since.
    """

    action: Action
    record: str
    before: AdditionValues | None
    after: AdditionValues | None
    next_invoice: date | None


@dataclass(frozen=True, slots=True)
class Ground:
    """The agreement as it is now, and the first day that is not invoiced on it (interface §6.1)."""

    agreement: Agreement
    open_from: date

    @property
    def takes_invoiced_days(self) -> bool:
        """Whether a new record may begin on a day that is invoiced: it then bills on the next invoice."""
        return self.agreement.prorates or self.agreement.one_time


@dataclass(frozen=True, slots=True)
class Step:
    """One write that takes something back, with the sentence that says why it is this one. `record` None: a new one."""

    action: Action
    record: str | None
    before: AdditionValues | None
    after: AdditionValues | None
    why: str


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a write is not taken back, under which code, and what a person can do."""

    code: str
    text: str
    hint: str


Way = tuple[Step, ...] | Obstacle
"""How to take a write back. No steps: it is as it was before already."""


def way_back(done: Done, now: Addition | None, ground: Ground) -> Way:
    """How a write is taken back, with the record as it is now (None: not there)."""
    if done.after is None:
        return _made_anew(done, now, ground)
    if now is None:
        return () if done.before is None else _gone(done)
    if done.before is not None and not any(differing(done.before, now)):
        return ()
    if edited := _edited(done, now):
        return edited
    if done.before is None:
        return _removed(done, done.after, now, ground)
    return _put_back(done, done.before, done.after, now, ground)


# -- what a person changed since


def _edited(done: Done, now: Addition) -> Obstacle | None:
    assert done.after is not None  # noqa: S101 -- a record that stands was not deleted
    moved = [f"{named(f)} was {shown(ours, f)}, is {shown(found, f)}" for f, ours, found in differing(done.after, now)]
    if done.before is None and (not now.bills or now.included):
        moved.append("it is no longer billed in full")
    if not moved:
        return None
    return Obstacle(
        "undo-changed",
        f"record {done.record} was changed since: {'; '.join(moved)}",
        "see who with: reconciler drift; set it back in the PSA, or put the subscription right by hand",
    )


def _gone(done: Done) -> Obstacle:
    return Obstacle(
        "undo-changed",
        f"record {done.record} is no longer in the PSA",
        "it was deleted by hand: put the subscription right by hand, or plan the month again",
    )


# -- a record that the run made


def _removed(done: Done, after: AdditionValues, now: Addition, ground: Ground) -> Way:
    held = AdditionValues.of(now, after.product)
    if not _invoiced(done, after, ground):
        return (
            Step(Action.DELETE, done.record, held, None, "the run made this record, and it is not invoiced: deleted"),
        )
    if ground.agreement.one_time:
        return (_counter(after, after.effective, after.cancelled, done.record),)
    return _countered(done, after, after.effective, held, ground)


def _countered(done: Done, after: AdditionValues, first: date, held: AdditionValues, ground: Ground) -> Way:
    """Minus the quantity over the invoiced days from `first` on, and no day after them."""
    last = eve(ground.open_from)
    if after.cancelled is not None and after.cancelled < last:
        last = after.cancelled
    if obstacle := _cannot_stand(first, last, done.record, ground):
        return obstacle
    counter = _counter(after, first, last, done.record)
    if after.cancelled == last:
        return (counter,)
    why = f"the run made this record; what follows {last} is not invoiced: it ends"
    return counter, Step(Action.CANCEL, done.record, held, replace(held, cancelled=last), why)


def _counter(values: AdditionValues, first: date, last: date | None, record: str) -> Step:
    new = replace(
        values,
        quantity=-values.quantity,
        effective=first,
        cancelled=last,
        description=values.description + TAKEN_BACK if values.description else "",
    )
    return Step(Action.CREATE, None, None, new, f"record {record} is invoiced and stays: this takes it back")


# -- a record that the run changed


def _put_back(done: Done, before: AdditionValues, after: AdditionValues, now: Addition, ground: Ground) -> Way:
    held = AdditionValues.of(now, after.product)
    invoiced = after.effective < ground.open_from
    fixed = [name for name in ("quantity", "unit_price", "unit_cost", "effective") if _moved(name, before, after)]
    if fixed and invoiced:
        return _fixed(done, fixed, before, after)
    rest = _ends(done, before, after, held, ground)
    if isinstance(rest, Obstacle):
        return rest
    end, beside = rest
    target = replace(before, product=held.product, product_id=held.product_id, cancelled=end)
    if not before.description:
        target = replace(target, description=held.description)
    if target == held:
        return beside
    why = f"the run changed this record: {_told(held, target)} again"
    return *beside, Step(_action(held, target), done.record, held, target, why)


def _ends(
    done: Done, before: AdditionValues, after: AdditionValues, held: AdditionValues, ground: Ground
) -> tuple[date | None, tuple[Step, ...]] | Obstacle:
    """The end that the record is to have, and what must stand beside it for the days that are invoiced."""
    if before.cancelled == after.cancelled:
        return after.cancelled, ()
    earlier = _earlier(before.cancelled, after.cancelled)
    first = morrow(earlier)
    if first >= ground.open_from:
        return before.cancelled, ()
    if earlier == after.cancelled:
        # The days that the end took away are invoiced without them: a record of their own bills them late.
        if obstacle := _cannot_stand(first, before.cancelled, done.record, ground):
            return obstacle
        why = f"record {done.record} ended on {earlier}, and days after it are invoiced: another goes on from {first}"
        goes_on = replace(before, effective=first, product=held.product, product_id=held.product_id)
        goes_on = replace(goes_on, serial_number=after.serial_number)
        return after.cancelled, (Step(Action.CREATE, None, None, goes_on, why),)
    way = _countered(done, after, first, held, ground)
    if isinstance(way, Obstacle):
        return way
    ended = eve(ground.open_from) if len(way) > 1 else after.cancelled
    return ended, way[:1]


def _fixed(done: Done, fixed: list[str], before: AdditionValues, after: AdditionValues) -> Obstacle:
    old = ", ".join(f"{name.replace('_', ' ')} {_text(getattr(before, name))}" for name in fixed)
    return Obstacle(
        "T21",
        f"record {done.record} ({plain(after.quantity)} from {after.effective}) is invoiced, and the PSA does not let "
        f"its values change any more: before the run it had {old}",
        "credit or charge the difference on the agreement by hand, or plan the month again from a corrected mapping",
    )


# -- a record that the run deleted


def _made_anew(done: Done, now: Addition | None, ground: Ground) -> Way:
    assert done.before is not None  # noqa: S101 -- a delete has values before
    if now is not None:
        return ()
    before = done.before
    if obstacle := _cannot_stand(before.effective, before.cancelled, done.record, ground):
        return obstacle
    why = f"the run deleted record {done.record}: it is made anew, under another number"
    return (Step(Action.CREATE, None, None, before, why),)


# -- what the PSA allows


def _invoiced(done: Done, values: AdditionValues, ground: Ground) -> bool:
    """Whether the PSA may have billed a record that the run made: some of its days are invoiced, and not just as they
    were when it was made.
    """
    if values.effective >= ground.open_from:
        return False
    return done.next_invoice is None or done.next_invoice != ground.agreement.next_invoice


def _cannot_stand(first: date, last: date | None, record: str, ground: Ground) -> Obstacle | None:
    """Why the PSA would not bill a new record of these days as it should (E7, P44), or None."""
    if first < ground.open_from and not ground.takes_invoiced_days:
        return Obstacle(
            "E7",
            f"record {record} cannot be taken back beside it: {first} is invoiced, and the agreement does not prorate",
            "credit or charge it on the next invoice by hand",
        )
    if last is not None and last != Month.of(last).last and not ground.agreement.one_time:
        return Obstacle(
            "P44",
            f"record {record} cannot be taken back: {last} is inside a month, and the PSA bills such a month whole",
            "put the subscription right by hand",
        )
    return None


def _moved(name: str, before: AdditionValues, after: AdditionValues) -> bool:
    return bool(getattr(before, name) != getattr(after, name))


def _earlier(one: date | None, other: date | None) -> date:
    return min(day for day in (one, other) if day is not None)


def _action(held: AdditionValues, target: AdditionValues) -> Action:
    if held.serial_number is None and target.serial_number is not None:
        return Action.ADOPT
    if target.cancelled is not None and replace(held, cancelled=target.cancelled) == target:
        return Action.CANCEL
    return Action.UPDATE


def _told(held: AdditionValues, target: AdditionValues) -> str:
    return ", ".join(_moves(held, target))


def _moves(held: AdditionValues, target: AdditionValues) -> Iterator[str]:
    for name, word in (
        ("quantity", "quantity"),
        ("unit_price", "unit price"),
        ("unit_cost", "unit cost"),
        ("effective", "first day"),
        ("serial_number", "serial number"),
        ("description", "description"),
    ):
        if _moved(name, held, target):
            yield f"{word} {_text(getattr(target, name))}"
    if held.cancelled != target.cancelled:
        yield f"last day {target.cancelled}" if target.cancelled else "no last day"


def _text(value: object) -> str:
    return plain(value) if isinstance(value, type(ZERO)) else str(value or "none")
