"""What a look at the PSA means for an op: pure decisions, before a send and after a doubtful one."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from reconciler.applying.slots import Record, by_id, could_be, differences, is_create, same_place, wanted
from reconciler.domain.plan import Action, Change
from reconciler.domain.records import Addition
from reconciler.store.schema import State


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state that a look decides for, the sentence for it, the record it is about, and how many copies it has."""

    state: State
    note: str
    record: str | None = None
    copies: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the look before a send found, as the journal keeps it: record ids and the next invoice's day."""

    records: frozenset[str]
    next_invoice: date | None = None

    def to_json(self) -> str:
        """As the journal keeps it."""
        day = self.next_invoice.isoformat() if self.next_invoice else None
        return json.dumps({"records": sorted(self.records), "next_invoice": day})

    @classmethod
    def from_json(cls, text: str | None) -> "Seen":
        """From the journal; nothing kept is nothing seen."""
        members: dict[str, Any] = json.loads(text) if text else {}
        day = members.get("next_invoice")
        return cls(frozenset(members.get("records", ())), date.fromisoformat(day) if day else None)


def before_send(
    change: Change, found: Iterable[Record], known: Collection[str], ours: Collection[str]
) -> Verdict | None:
    """What a look before the send decides; None: send.

    `known` are the records that the plan saw when it was made, `ours` those that this plan has written since.
    """
    found = tuple(found)
    if is_create(change):
        return _before_create(change, [record for record in found if record.id not in ours], known)
    record = by_id(found, change.record)
    if record is None:
        gone = f"record {change.record} is no longer there"
        return Verdict(State.CONFIRMED if change.action is Action.DELETE else State.DRIFT, gone, change.record)
    if change.after is not None and not differences(change.after, record):
        return Verdict(State.CONFIRMED, "it was there already", record.id)
    moved = differences(change.before, record) if change.before is not None else ()
    if moved:
        return Verdict(State.DRIFT, f"record {record.id} was changed since the plan: {', '.join(moved)}", record.id)
    return None


def after_doubt(change: Change, found: Iterable[Record], seen: Collection[str], ours: Collection[str]) -> Verdict:
    """What a read of all that stands there decides after a doubtful send.

    That a record is there counts at any time; ABSENT counts only of a read made after the settle time (I5).
    """
    if is_create(change):
        return _after_create(change, [record for record in found if record.id not in seen and record.id not in ours])
    return _after_change(change, by_id(found, change.record))


def fits(change: Change, record: Record) -> bool:
    """Whether a record is just what the change wants."""
    assert change.after is not None  # noqa: S101 -- only changes with values to write come here
    return not differences(change.after, record) and (not isinstance(record, Addition) or record.bills)


def _before_create(change: Change, found: list[Record], known: Collection[str]) -> Verdict | None:
    near = [record for record in found if same_place(wanted(change), record)]
    new = [record for record in near if record.id not in known]
    exact = [record for record in new if fits(change, record)]
    if exact:
        return Verdict(State.CONFIRMED, "it was there already", _oldest(exact).id, len(exact) - 1)
    if new:
        return Verdict(State.CONFLICT, f"in its place stands {_all_described(change, new)}", _oldest(new).id)
    # A record that the plan knew of is no obstacle: the plan wants another one beside it, as where the standing one is
    # invoiced and may not change (C18).
    return None


def _after_create(change: Change, new: list[Record]) -> Verdict:
    near = [record for record in new if could_be(wanted(change), record)]
    exact = [record for record in near if fits(change, record)]
    if exact:
        note = "it was found after a doubtful answer"
        return Verdict(State.CONFIRMED, note, _oldest(exact).id, len(exact) - 1)
    if near:
        return Verdict(State.CONFLICT, f"after a doubtful answer there is {_all_described(change, near)}")
    return Verdict(State.ABSENT, "it was not done, says the PSA after the settle time")


def _after_change(change: Change, record: Record | None) -> Verdict:
    if record is None:
        state = State.CONFIRMED if change.action is Action.DELETE else State.CONFLICT
        return Verdict(state, f"record {change.record} is no longer there", change.record)
    if change.after is not None and not differences(change.after, record):
        return Verdict(State.CONFIRMED, "it was found done after a doubtful answer", record.id)
    moved = differences(change.before, record) if change.before is not None else ()
    if moved:
        return Verdict(
            State.CONFLICT, f"record {record.id} is neither as before nor as planned: {', '.join(moved)}", record.id
        )
    return Verdict(State.ABSENT, "it was not done, says the PSA after the settle time")


def _described(change: Change, record: Record) -> str:
    assert change.after is not None  # noqa: S101 -- a create has values
    other = ", ".join(differences(change.after, record)) or "it is not billed to the customer"
    return f"record {record.id}, which is not as planned: {other}"


def _all_described(change: Change, records: Iterable[Record]) -> str:
    # Each is told: who takes one of them out must not leave another.
    return "; and ".join(_described(change, record) for record in sorted(records, key=lambda record: age(record.id)))


def _oldest(records: Iterable[Record]) -> Record:
    return min(records, key=lambda record: age(record.id))


def age(record: str) -> tuple[int, str]:
    """Sorts ids by age: a PSA counts upwards."""
    return (int(record), "") if record.isdecimal() else (0, record)
