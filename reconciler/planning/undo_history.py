"""What later runs did with what a run wrote: took it back, took that back in turn, or built upon it."""

from collections.abc import Mapping

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.plan import Action
from reconciler.domain.undo_address import first_of_two, is_second, second_of_two, undone_write
from reconciler.planning.undo_subject import Undo, Write, about
from reconciler.store.written import Written, WrittenRun


def taken_back(undone: WrittenRun) -> Mapping[tuple[int, str], Written]:
    """Which writes were taken back, by run and address, and by which write: the last that did."""
    back: dict[tuple[int, str], Written] = {}
    for written in undone.writes:
        takes_back = undone_write(written.address)
        if takes_back and not is_second(written.address):
            back[takes_back] = written
    return back


def made_anew(undone: WrittenRun) -> Mapping[str, str]:
    """Records that a run deleted and an undo made anew, by their old number: the new one."""
    back = taken_back(undone)
    anew: dict[str, str] = {}
    for written in undone.writes:
        by = back.get((written.run or 0, written.address))
        if by is not None and written.kind == Action.DELETE and by.kind == Action.CREATE:
            anew[written.record] = by.record
    return anew


def left_alone(write: Write, undo: Undo, back: Mapping[tuple[int, str], Written]) -> Finding | None:
    """Why a write of the run is not looked at any further, or None."""
    return _not_ours(write, undo) or _already(write, undo, back) or _built_upon(write, undo, back)


def _not_ours(write: Write, undo: Undo) -> Finding | None:
    if write.written.sent:
        return None
    text = f"record {write.written.record} was there already when run {undo.number} came to it: it is left as it is"
    return about(write, Severity.INFO, "undo-not-ours", text)


def _already(write: Write, undo: Undo, back: Mapping[tuple[int, str], Written]) -> Finding | None:
    """Whether a later run took the write back, and whether that was taken back in turn."""
    by = back.get((undo.number, write.written.address))
    if by is None or by.run is None:
        return None
    again = back.get((by.run, by.address))
    if again is not None:
        text = f"run {by.run} took this back, and run {again.run} took that back in turn"
        return about(write, Severity.ERROR, "undo-later-run", text, f"undo run {again.run} instead")
    if second_of_two(by.address) in undo.written.not_done:
        text = f"run {by.run} took this back in part"
        return about(write, Severity.ERROR, "undo-later-run", text, f"finish it, or undo run {by.run} first")
    text = f"run {by.run} took back already what run {undo.number} wrote here"
    return about(write, Severity.INFO, "undo-already", text)


def _built_upon(write: Write, undo: Undo, back: Mapping[tuple[int, str], Written]) -> Finding | None:
    """The newest later run whose writes for the same subscription (or product) still stand."""
    mine = write.written
    later = undo.written.writes[undo.written.writes.index(mine) + 1 :]
    standing = [w for w in later if w.run not in (None, undo.number) and w.sent and _same_subject(w, mine)]
    standing = [w for w in standing if not _cancels_out(w, undo, back)]
    if not standing:
        return None
    last = standing[-1].run
    return about(
        write,
        Severity.ERROR,
        "undo-later-run",
        f"run {last} wrote for this {'subscription' if mine.agreement_id else 'product'} after run {undo.number}, and "
        "built upon what that had left",
        f"undo run {last} first: reconciler undo {last}",
    )


def _same_subject(other: Written, mine: Written) -> bool:
    if mine.agreement_id is None or other.record == mine.record:
        return other.record == mine.record
    return (other.agreement_id, other.subscription) == (mine.agreement_id, mine.subscription)


def _cancels_out(later: Written, undo: Undo, back: Mapping[tuple[int, str], Written]) -> bool:
    """Whether a later write is one that was taken back, or one that took back another later one."""
    if later.run is not None and _stands_back((later.run, first_of_two(later.address)), back):
        return True
    takes_back = undone_write(later.address)
    return takes_back is not None and takes_back[0] >= undo.number


def _stands_back(key: tuple[int, str], back: Mapping[tuple[int, str], Written]) -> bool:
    by = back.get(key)
    return by is not None and (by.run is None or not _stands_back((by.run, by.address), back))
