"""Hostile schedules: the protocol of applying, unchanged, in virtual time, with everything going wrong that may.

A schedule is a seed. It decides who runs when, which process is killed or frozen between which two effects, what
becomes of each request, when a person edits a record and when the state is lost. The journal is a real one, on a real
file, under the real lock. The same seed gives the same schedule.
"""

import heapq
import itertools
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from simulated_life import Life, Lived
from simulated_plans import (
    NEXT_INVOICE,
    WANTED,
    agreement,
    as_wanted,
    cancel,
    create,
    delete,
    standing_record,
    update,
)
from simulated_psa import Identity, SimulatedPsa, identity
from simulated_state import SimulatedState, StateFile
from sqlalchemy import Engine, create_engine

from reconciler.applying.course import plan_id
from reconciler.applying.effects import RemoveCopy, Send
from reconciler.applying.report import Ending
from reconciler.applying.slots import Record, differences
from reconciler.domain.plan import AdditionValues, Change, Plan
from reconciler.domain.records import Addition
from reconciler.planning.plan_file import sealed
from reconciler.store import sqlite
from reconciler.store.database import Store, locked, open_store, read_store
from reconciler.store.errors import StateLocked
from reconciler.store.history import incidents
from reconciler.store.journal import Journal, take_over
from reconciler.store.lock import this_process
from reconciler.store.schema import State

BEGIN = datetime(2026, 10, 3, 8, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rates:
    """How hostile the world is. Chances are of one step of a process, of one request, or of one schedule."""

    kill: float = 0.03
    freeze: float = 0.004
    freeze_seconds: float = 300.0
    lock_lost_in_freeze: float = 0.1
    not_sent: float = 0.08
    lost_request: float = 0.06
    lost_answer: float = 0.10
    late_commit: float = 0.08
    late_seconds: float = 95.0
    replay: float = 0.03
    read_error: float = 0.15
    lag_seconds: float = 20.0
    edit: float = 0.3
    state_lost: float = 0.08
    stop: float = 0.05
    slow_pages: float = 0.1
    altered: float = 0.03
    added: float = 0.1
    removed: float = 0.1
    clock_step: float = 0.0
    clock_stands: float = 0.0
    lock: bool = True


CALM = Rates(*[0] * 20)


@dataclass(frozen=True, slots=True)
class Script:
    """What happens in place of chance: the steps at which the process is killed, the fate of the n-th write, the step
    at which the clock on the wall is set, by so many seconds, and the one at which a person does something (`HANDS`).
    """

    kills: tuple[int, ...] = ()
    write: int = 0
    fate: str = ""
    clock_at: int = 0
    clock_by: int = 0
    hand_at: int = 0
    hand: str = ""


@dataclass
class Outcome:
    """What a schedule came to. `bad` are sentences; without any, every promise held."""

    seed: int
    bad: list[str] = field(default_factory=list)
    kills: int = 0
    lives: int = 0
    replays: int = 0
    lost_states: int = 0
    edits: int = 0
    unseen: int = 0
    freezes: int = 0
    clock_steps: int = 0
    altered: int = 0
    steps: int = 0


HANDS = ("edits", "adds what is wanted", "adds another quantity", "adds without a serial number", "removes")
"""What a person may do to the PSA's records."""

_BUGS = (AssertionError, AttributeError, LookupError, NameError, TypeError, ValueError)
"""What no world may bring a run to: its end would pass for one in order."""

_COMPILED: dict[str, Any] = {}


def _engine_that_knows_the_sentences(*given: Any, **named: Any) -> Engine:
    """An engine that shares what others have compiled: thousands of short lives say the same sentences to SQLite."""
    engine = create_engine(*given, **named)
    first = _COMPILED.setdefault("engine", engine)
    engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
    return engine


@contextmanager
def _quick_engines() -> Iterator[None]:
    with patch.object(sqlite, "create_engine", _engine_that_knows_the_sentences):
        yield


class Simulation:
    """One schedule, from its seed to its outcome."""

    def __init__(
        self,
        seed: int,
        folder: Path,
        rates: Rates | None = None,
        script: Script | None = None,
        state: SimulatedState | None = None,
    ) -> None:
        self.rng = random.Random(seed)
        self.rates = rates or Rates()
        self.script = script
        self.steps = self.sends = 0
        self.now = 0.0
        self.skew = 0.0
        self.outcome = Outcome(seed)
        self.log: list[str] = []
        self._opened: Store | None = None
        self._lost: list[Store] = []
        self.state = state or StateFile(folder)
        self._url = self.state.url
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.psa = SimulatedPsa(agreement(), {"7001": standing_record()})
        self.psa.keep(0.0)
        self._created = 0
        self.plan = self._planned()
        self._plans = {plan_id(self.plan): self.plan}
        self._ended: list[Lived] = []
        self._alive: list[Life] = []
        self._slept: dict[str, float] = {}

    # -- time

    def at(self, seconds: float, what: Callable[[], None]) -> None:
        """Does something later, in virtual time."""
        heapq.heappush(self._events, (self.now + seconds, next(self._order), what))

    def wall(self) -> datetime:
        """The time of day that a process reads."""
        return BEGIN + timedelta(seconds=self.now + self.skew)

    def clock_set(self, seconds: int) -> None:
        """Somebody, or a time server, sets the clock on the wall."""
        self.skew += seconds
        self.outcome.clock_steps += 1
        self.say(f"the clock is set by {seconds} s")

    def say(self, what: str) -> None:
        """A line of the schedule, for the person who replays it."""
        self.log.append(f"{self.now:9.3f} {what}")

    def _until_quiet(self) -> None:
        for _ in range(200_000):
            if not self._events:
                return
            self.now, _, what = heapq.heappop(self._events)
            what()
        self.outcome.bad.append("it never came to rest")

    # -- the schedule

    def run(self) -> Outcome:
        """The whole schedule: hostile runs side by side, then one in peace, then a new plan in peace."""
        with _quick_engines():
            for runner in range(1 if self.script else self.rng.choice((1, 1, 2, 2, 3))):
                self.at(self.rng.uniform(0, 15), lambda name=f"runner {runner}": self._started(name, 12))
            if self.rng.random() < self.rates.edit:
                self.at(self.rng.uniform(0, 300), self.edit_by_hand)
            for rate, hands in ((self.rates.added, HANDS[1:4]), (self.rates.removed, HANDS[4:])):
                if rate and self.rng.random() < rate:
                    self.at(self.rng.uniform(0, 300), partial(self.by_hand, self.rng.choice(hands)))
            self._until_quiet()
            self._check_done()
        return self.end()

    def live(self, name: str) -> None:
        """One life of a process, to its end."""
        with _quick_engines():
            self._started(name, 1)
            self._until_quiet()
            self._check_done()

    def end(self) -> Outcome:
        """Peace: whoever lives still is killed, the plan is applied, and a new one after it. What it all came to."""
        self.rates = replace(CALM, lock=self.rates.lock)
        with _quick_engines():
            for life in self._alive:
                life.kill()
            self._finish()
        self.outcome.edits = len(self.psa.edits)
        self.outcome.altered = len(self.psa.altered)
        self.outcome.steps = self.steps
        self._close()
        # Who slept while the state was lost has gone to the old one again, by a new connection.
        for store in self._lost:
            store.close()
        return self.outcome

    def _close(self) -> None:
        if self._opened:
            self._opened.close()
            self._lost.append(self._opened)
        self._opened = None

    def _finish(self) -> None:
        self._started("peace", 3)
        self._until_quiet()
        self._check_done()
        # What a person does while the last plan is applied, the plan after it sees.
        for _ in range(2):
            planned = self.now
            self.plan_anew()
            self._started("new plan", 3)
            self._until_quiet()
            self._check_done()
            if not any(edit.at >= planned for edit in self.psa.edits):
                break
        if not self._ended or self._ended[-1].report is None or self._ended[-1].report.exit_status != 0:
            last = self._ended[-1].report if self._ended else None
            if not self.psa.edits:
                self.outcome.bad.append(f"in peace it did not come to an end: {last and last.ending}")
        self._check_all_there()

    def _started(self, runner: str, lives: int) -> None:
        """One life of a runner, and its next one after it, until one of them ends in order."""
        if lives == 0:
            return
        again = partial(self._again, runner, lives - 1)
        lock = ExitStack()
        self.state.set_clock(self.wall())
        try:
            store = lock.enter_context(self._locked())
        except StateLocked:
            self.say(f"{runner}: locked out")
            again()
            return
        self.outcome.lives += 1
        if not self.script and self.rng.random() < 0.3 and store.meta("serial") != "0":
            self.plan_anew()
        self.say(f"{runner}: starts with {plan_id(self.plan)[-6:]}")
        journal = take_over(store, self.plan.target, self.wall())
        ended = partial(self._over, lock=lock, runner=runner, again=again)
        life = Life(self, self.plan, journal, lock, runner, ended)
        self._alive.append(life)
        life.start()

    def _again(self, runner: str, lives: int) -> None:
        soon, later = self.rng.uniform(1, 10), self.rng.uniform(1, 400)
        self.at(self.rng.choice((soon, later)), lambda: self._started(runner, lives))

    @contextmanager
    def _locked(self) -> Iterator[Store]:
        # The lives of a schedule say the same few sentences to their database: they are compiled once.
        self._opened = self._opened or open_store(self._url, self.wall())
        if self.rates.lock:
            with locked(self._opened, "apply", self.wall()) as store:
                yield store
        else:
            yield replace(self._opened, holder=this_process("apply", self.wall()))

    def _over(self, lived: Lived, lock: ExitStack, runner: str, again: Callable[[], None]) -> None:
        if lived.killed:
            self.outcome.kills += 1
            with suppress(KeyboardInterrupt):
                lock.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
            if self.rng.random() < self.rates.state_lost:
                self.lose_state()
            again()
            return
        lock.close()
        self._ended.append(lived)
        report = lived.report
        if isinstance(lived.fault, _BUGS):
            raise lived.fault
        self.say(f"{runner}: ends {report.ending if report else lived.fault}")
        if report is None or report.ending in (Ending.INTERRUPTED, Ending.PART_WAY):
            again()

    def lose_state(self) -> None:
        """The state database is gone; the lock's file is not of it."""
        self.outcome.lost_states += 1
        self.say("the state is lost")
        self._close()
        self.state.lose()
        if self.rng.random() < 0.5:
            self.plan = self._planned()

    def edit_by_hand(self) -> None:
        """A person edits a record, now."""
        self.psa.edited(self.now, self.rng)
        self.say(f"a person edits {self.psa.edits[-1:]}")

    def by_hand(self, what: str) -> None:
        """A person does one of HANDS, now."""
        wanted = self.rng.choice(WANTED)
        if what == "edits":
            self.edit_by_hand()
            return
        if what == "removes":
            if self.psa.additions:
                self.psa.removed(self.now, self.rng.choice(sorted(self.psa.additions)))
        elif what == "adds another quantity":
            self.psa.added(self.now, replace(wanted, quantity=Decimal(7)))
        elif what == "adds without a serial number":
            self.psa.added(self.now, replace(wanted, serial_number=None))
        else:
            self.psa.added(self.now, wanted)
        self.say(f"a person {what}: {self.psa.edits[-1:]}")

    # -- plans

    def plan_anew(self) -> None:
        """From now on it is another plan that is applied: one of what the PSA holds at this moment."""
        self.plan = self._planned()

    def _planned(self) -> Plan:
        """A plan made now: what is wanted and not there. It sees what the search shows a moment later."""
        self._created += 1
        there = {identity(a) for a in self.psa.additions.values()}
        changes = [create(values) for values in WANTED if identity(values) not in there]
        base = self.psa.additions.get("7001")
        if base and base.cancelled is None:
            changes.append(cancel(base))
        changes += self._surplus()
        changes += self._corrections({change.record for change in changes})
        plan = sealed(
            Plan(
                month="2026-09",
                mappings="sha256:0",
                documents=(),
                observed={},
                observed_records={
                    "psa/agreement/55": {record: {} for record in self.psa.additions}
                    | {"agreement": {"next_invoice": NEXT_INVOICE.isoformat()}}
                },
                changes=tuple(changes),
                findings=(),
                impact=(),
                coverage=(),
                refused_by=(),
                unchanged=0,
                target="psa",
                created=f"2026-10-03T08:00:{self._created:02d}Z",
                version="0.1.0",
                digest="",
            )
        )
        if hasattr(self, "_plans"):
            self._plans[plan_id(plan)] = plan
        return plan

    def _surplus(self) -> list[Change]:
        """A copy that a plan sees is quantity that nobody was charged for: a true-up takes it out like any other, also
        where a person has edited one of the two.
        """
        surplus = []
        for values in WANTED:
            standing = [a for a in self.psa.additions.values() if identity(a) == identity(values)]
            surplus += [delete(copy) for copy in standing[1:]]
        return surplus

    def _corrections(self, planned: set[str | None]) -> list[Change]:
        """What a PSA has altered is brought right by a plan, as a true-up does. What a person has edited stays: whoever
        reviews this plan would keep it.
        """
        first: dict[Identity, Addition] = {}
        for record in self.psa.additions.values():
            first.setdefault(identity(record), record)
        pairs = [(first[identity(values)], values) for values in WANTED if identity(values) in first]
        return [
            update(record, values)
            for record, values in pairs
            if not as_wanted(record, values) and not self.psa.by_hand(record.id) and record.id not in planned
        ]

    # -- what must hold

    def _check_done(self) -> None:
        """After a run that said it is done, everything its plan wanted is there once. R1 and R2."""
        for lived in self._ended:
            report = lived.report
            if report is None or lived.checked:
                continue
            lived.checked = True
            if report.ending is not Ending.DONE:
                continue
            for change in lived.plan.changes:
                self._check_change(change, lived)

    def _check_change(self, change: Change, lived: Lived) -> None:
        if not isinstance(change.after, AdditionValues):
            return
        wanted = identity(change.after)
        # What a person has done where no read of this run could show it (in its last moment, too) is not its to tell.
        since = [edit for edit in self.psa.edits if edit.at >= lived.saw]
        unseen = {edit.record for edit in since if edit.field == "added"}
        # Nor what a machine sends that slept through that run: nobody can prevent it; the next plan takes it out.
        unseen |= {record for record, woke in self._slept.items() if woke > lived.saw}
        found = [a for a in self.psa.additions.values() if identity(a) == wanted and a.id not in unseen]
        if not found and wanted not in {edit.identity for edit in since if edit.field == "removed"}:
            self.outcome.bad.append(f"lost: {wanted} was said to be done")
        if len(found) > 1:
            self.outcome.bad.append(f"double: {wanted} stands {len(found)} times after a run that said done")
        for record in found:
            if not as_wanted(record, change.after) and not self.psa.by_hand(record.id):
                told = ", ".join(differences(change.after, record))
                self.outcome.bad.append(f"altered: {record.id} was said to be done: {told}")

    def _check_all_there(self) -> None:
        told = self.told()
        for values in WANTED:
            found = [a for a in self.psa.additions.values() if identity(a) == identity(values)]
            by_hand = {edit.record for edit in self.psa.edits}
            if len(found) > 1 and not (told and by_hand & {copy.id for copy in found}):
                self.outcome.bad.append(f"double: {identity(values)} stands {len(found)} times, told: {told}")
            if not found and not told:
                self.outcome.bad.append(f"lost: {identity(values)}, and nothing was told")
            for record in found:
                if not as_wanted(record, values) and record.id not in by_hand and not told:
                    self.outcome.bad.append(f"altered: {record.id}, and nothing was told")
        self._check_nameless(told)
        base = self.psa.additions.get("7001")
        by_hand = any(edit.record == "7001" for edit in self.psa.edits)
        if base and base.cancelled != date(2026, 9, 30) and not told and not by_hand:
            self.outcome.bad.append("lost: 7001 was not ended, and nothing was told")

    def _check_nameless(self, told: list[str]) -> None:
        """A record that lost its serial number on the way is told by its id: no later plan can know it for ours."""
        for record in self.psa.additions.values():
            nameless = record.serial_number is None and record.id in self.psa.altered
            # With the state, what was said in it is lost too.
            if nameless and not self.outcome.lost_states and not any(record.id in sentence for sentence in told):
                self.outcome.bad.append(f"double: {record} has lost its serial number, and nobody was told")

    def by_sleeper(self, record: Record | None, woke: float | None) -> None:
        """Notes a record that a machine wrote which slept between its last look and its send, and when it woke."""
        if record is not None and woke is not None:
            self._slept[record.id] = woke

    def overwriting(self, effect: Send | RemoveCopy, seen: float) -> None:
        """R7: a write may not change what a person has edited, if the last read before it could show the edit."""
        change = effect.change if isinstance(effect, Send) else None
        if change is None or change.before is None or change.after is None:
            return
        for edit in self.psa.edits:
            if edit.field in ("added", "removed"):
                continue
            changed = getattr(change.before, edit.field) != getattr(change.after, edit.field)
            if edit.record != change.record or not changed:
                continue
            if edit.at <= seen:
                self.outcome.bad.append(f"overwritten: {edit.field} of {edit.record}, edited by hand and seen")
            else:
                self.outcome.unseen += 1

    def told(self) -> list[str]:
        """What people were told was not done or could not be settled: by a run's report, or by the journal."""
        reports = [lived.report for lived in self._ended if lived.report]
        told = [sentence for report in reports for sentence in report.incidents]
        told += [
            f"{r.change.address} {r.state} {r.sentence}"
            for report in reports
            for r in report.results
            if r.state in _NOT_DONE
        ]
        return told + self._journalled()

    def _journalled(self) -> list[str]:
        store = read_store(self._url)
        if store is None:
            return []
        try:
            journal = Journal(store, "psa", 0)
            told = []
            for key in self._plans:
                told += [f"{op.address} {op.state} {op.note}" for op in journal.ops(key) if op.state in _NOT_DONE]
                told += incidents(store, key)
            return told
        finally:
            store.close()


_NOT_DONE = (State.FAILED, State.CONFLICT, State.DRIFT, State.REJECTED)


def simulated(
    seed: int,
    folder: Path,
    rates: Rates | None = None,
    script: Script | None = None,
    state: SimulatedState | None = None,
) -> Outcome:
    """One schedule in a folder, and a state, of its own; both are gone afterwards."""
    here = folder / f"{seed}-{os.getpid()}"
    here.mkdir(parents=True)
    try:
        return Simulation(seed, here, rates, script, state).run()
    finally:
        shutil.rmtree(here)
        if state:
            state.remove()
