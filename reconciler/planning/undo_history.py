"""What later runs did with what a run wrote: took it back, took that back in turn, or built upon it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.plan import Action
from reconciler.domain.undo_address import first_of_two, is_second, second_of_two, undone_write
from reconciler.planning.undo_subject import Undo, Write, about
from reconciler.store.written import Written


@dataclass(frozen=True, slots=True)
class Later:
    """What the writes of all runs do to each other. `back`: which were taken back, by run and address, and by which
    write; `anew`: records that a run deleted and an undo made anew, by their old number; `of_subject`: all writes of a
    record, and of a subscription on an agreement, in order; `place`: where each stands in that order.
    """

    back: Mapping[tuple[int, str], Written]
    anew: Mapping[str, str]
    of_subject: Mapping[tuple[str, ...], Sequence[Written]]
    place: Mapping[tuple[str, str], int]

    def newest(self, record: str) -> str:
        """The number that a record has now."""
        while record in self.anew:
            record = self.anew[record]
        return record

    def is_back(self, key: tuple[int, str]) -> bool:
        """Whether a write was taken back, and that was not taken back in turn."""
        by = self.back.get(key)
        return by is not None and (by.run is None or not self.is_back((by.run, by.address)))

    def last_in_turn(self, written: Written) -> Written:
        """The last write of those that took one back, each the one before it."""
        while written.run is not None and (written.run, written.address) in self.back:
            written = self.back[written.run, written.address]
        return written


def later_of(writes: Iterable[Written]) -> Later:
    """What the writes of all runs, in the order in which they were confirmed, do to each other."""
    writes = list(writes)
    back: dict[tuple[int, str], Written] = {}
    of_subject: dict[tuple[str, ...], list[Written]] = {}
    for written in writes:
        takes_back = undone_write(written.address)
        if takes_back and not is_second(written.address):
            back[takes_back] = written
        for subject in _subjects(written):
            of_subject.setdefault(subject, []).append(written)
    anew: dict[str, str] = {}
    for written in writes:
        by = back.get((written.run or 0, written.address))
        if by is not None and written.kind == Action.DELETE and by.kind == Action.CREATE:
            anew[written.record] = by.record
    place = {(written.plan_id, written.address): number for number, written in enumerate(writes)}
    return Later(back, anew, of_subject, place)


def _subjects(written: Written) -> Iterator[tuple[str, ...]]:
    """What a write is about: its record, and for an addition its subscription on its agreement."""
    yield written.resource, written.record
    if written.agreement_id is not None:
        yield "subscription", written.agreement_id, written.subscription


def left_alone(write: Write, undo: Undo, later: Later) -> Finding | None:
    """Why a write of the run is not looked at any further, or None."""
    return _not_ours(write, undo) or _already(write, undo, later) or _built_upon(write, undo, later)


def _not_ours(write: Write, undo: Undo) -> Finding | None:
    if write.written.sent:
        return None
    text = f"record {write.written.record} was there already when run {undo.number} came to it: it is left as it is"
    return about(write, Severity.INFO, "undo-not-ours", text)


def _already(write: Write, undo: Undo, later: Later) -> Finding | None:
    """Whether a later run took the write back, and whether that was taken back in turn."""
    by = later.back.get((undo.number, write.written.address))
    if by is None or by.run is None:
        return None
    if later.is_back((by.run, by.address)):
        last = later.last_in_turn(by).run
        text = f"run {by.run} took this back, and run {last} took that back in turn"
        return about(write, Severity.ERROR, "undo-later-run", text, f"undo run {last} instead")
    if second_of_two(by.address) in undo.written.not_done:
        text = f"run {by.run} took this back in part"
        return about(write, Severity.ERROR, "undo-later-run", text, f"finish it, or undo run {by.run} first")
    text = f"run {by.run} took back already what run {undo.number} wrote here"
    return about(write, Severity.INFO, "undo-already", text)


def _built_upon(write: Write, undo: Undo, later: Later) -> Finding | None:
    """The newest later run whose writes for the same subscription (or product) still stand."""
    mine = write.written
    since = later.place[mine.plan_id, mine.address]
    others = {w for subject in _subjects(mine) for w in later.of_subject[subject]}
    standing = [
        w for w in others if w.run not in (None, undo.number) and w.sent and later.place[w.plan_id, w.address] > since
    ]
    runs = [w.run for w in standing if w.run is not None and not _cancels_out(w, undo, later)]
    if not runs:
        return None
    last = max(runs)
    return about(
        write,
        Severity.ERROR,
        "undo-later-run",
        f"run {last} wrote for this {'subscription' if mine.agreement_id else 'product'} after run {undo.number}, and "
        "built upon what that had left",
        f"undo run {last} first: reconciler undo {last}",
    )


def _cancels_out(written: Written, undo: Undo, later: Later) -> bool:
    """Whether a later write is one that was taken back, or one that took back another later one."""
    if written.run is not None and later.is_back((written.run, first_of_two(written.address))):
        return True
    takes_back = undone_write(written.address)
    return takes_back is not None and takes_back[0] >= undo.number
