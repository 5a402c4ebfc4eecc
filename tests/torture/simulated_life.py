"""One process in virtual time: it drives a course as the real executor does, until it ends, is killed, or freezes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from simulated_psa import ALTERED

from reconciler.applying.clock import Stop
from reconciler.applying.course import course
from reconciler.applying.effects import (
    Bounded,
    Commit,
    Effect,
    Ended,
    Enter,
    HasEnded,
    RemoveCopy,
    Send,
    Stale,
    Steps,
    Together,
    Wait,
)
from reconciler.applying.report import ApplyReport
from reconciler.applying.slots import is_create
from reconciler.applying.surroundings import Conditions
from reconciler.domain.plan import Plan
from reconciler.domain.records import Addition
from reconciler.store.errors import StoreError
from reconciler.store.journal import Journal, give_back
from reconciler.targets.base import Ambiguous, NotSent, Refused, TargetError

if TYPE_CHECKING:
    from simulation import Simulation

SETTLE = 120.0
CLOCK_STEPS = (-86400, -3600, -60, -1, 1, 60, 3600, 86400)
"""By how many seconds a clock on the wall is set."""


@dataclass
class Lived:
    """How a life ended: with a report, with a fault, or killed."""

    plan: Plan
    report: ApplyReport | None = None
    fault: Exception | None = None
    killed: bool = False
    checked: bool = False
    saw: float = 0.0
    """Up to when the last read of this life shows the PSA."""


@dataclass
class Task:
    """One course and those it is within; it is told to `ended` what came of it."""

    stack: list[Steps[Any]]
    ended: Callable[[Any, Exception | None], None]
    dropped: bool = False
    sees: float = 0.0
    """Up to when the last read of this course shows the PSA."""
    slept: bool = False
    """Whether the machine slept between this course's last look and its send."""


@dataclass
class Gathering:
    """Several courses side by side, and the one that waits for them."""

    life: Life
    waiting: Task
    left: int
    parts: list[Task] = field(default_factory=list)
    over: bool = False

    def one_ended(self, _: Any, fault: Exception | None) -> None:
        """One of them has ended: the last ends the gathering, and so does the first fault."""
        self.left -= 1
        if fault is not None or not self.left:
            self._end(fault)

    def given_up(self) -> None:
        """The time that a wish to stop leaves is over."""
        self._end(None)

    def _end(self, fault: Exception | None) -> None:
        if self.over or self.waiting.dropped:
            return
        self.over = True
        for part in self.parts:
            part.dropped = True
        self.life.resume_later(self.waiting, fault)


@dataclass
class VirtualClock:
    """The clocks as a process reads them: the wall's may be set; the other runs on, or stands while the machine sleeps
    (as Linux's does).
    """

    simulation: Simulation
    stood: float = 0.0

    def now(self) -> datetime:
        return self.simulation.wall()

    def monotonic(self) -> float:
        return self.simulation.now - self.stood

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("the protocol waits by an effect")


@dataclass
class Life:
    """One run of a plan by one process."""

    simulation: Simulation
    plan: Plan
    journal: Journal
    lock: ExitStack
    name: str
    over: Callable[[Lived], None]
    dead: bool = False
    frozen_until: float = 0.0
    tasks: list[Task] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    waiting: dict[str, list[Callable[[], None]]] = field(default_factory=dict)
    stop: Stop = field(default_factory=Stop)
    saw: float = 0.0
    clock: VirtualClock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = VirtualClock(self.simulation)

    def start(self) -> None:
        """Begins the course; a wish to stop may come at any time."""
        conditions = Conditions(self.clock, SETTLE, self.stop)
        task = Task([course(self.plan, conditions)], self._ended)
        self.tasks.append(task)
        if self.simulation.rng.random() < self.simulation.rates.stop:
            self.simulation.at(self.simulation.rng.uniform(0, 60), lambda: self.stop.ask(15))
        self._later(0.0, task)

    def kill(self) -> None:
        """Ends the process here: nothing it holds in memory has any effect from now on."""
        if self.dead:
            return
        self.dead = True
        self.over(Lived(self.plan, killed=True))

    def _ended(self, report: ApplyReport | None, fault: Exception | None) -> None:
        if self.dead:
            return
        self.dead = True
        try:
            give_back(self.journal)
        except StoreError as lost:
            # Its lock was lost while it was frozen, and the state after that.
            report, fault = None, lost
        self.over(Lived(self.plan, report, fault, saw=self.saw))

    # -- steps

    def _later(self, seconds: float, task: Task, answer: Any = None, fault: Exception | None = None) -> None:
        self.simulation.at(seconds, lambda: self._resume(task, answer, fault))

    def _resume(self, task: Task, answer: Any, fault: Exception | None) -> None:
        if self.dead or task.dropped or self._struck(task, answer, fault):
            return
        while task.stack:
            try:
                effect = task.stack[-1].send(answer) if fault is None else task.stack[-1].throw(fault)
            except StopIteration as end:
                task.stack.pop()
                answer, fault = end.value, None
                continue
            except Exception as failure:
                task.stack.pop()
                answer, fault = None, failure
                continue
            if isinstance(effect, Bounded):
                task.stack.append(effect.course)
                answer, fault = None, None
                continue
            self._perform(effect, task)
            return
        task.ended(answer, fault)

    def _struck(self, task: Task, answer: Any, fault: Exception | None) -> bool:
        """Whether the process is killed or frozen just here, between the answer to one effect and the next effect."""
        sim = self.simulation
        if sim.now < self.frozen_until:
            self._later(self.frozen_until - sim.now, task, answer, fault)
            return True
        sim.steps += 1
        if sim.rng.random() < sim.rates.kill or (sim.script and sim.steps in sim.script.kills):
            sim.say(f"{self.name}: killed")
            self.kill()
            return True
        if sim.rng.random() < sim.rates.freeze:
            self._freeze()
            self._later(self.frozen_until - sim.now, task, answer, fault)
            return True
        if sim.rng.random() < sim.rates.clock_step:
            sim.clock_set(sim.rng.choice(CLOCK_STEPS))
        if sim.script and sim.steps == sim.script.clock_at:
            sim.clock_set(sim.script.clock_by)
        if sim.script and sim.steps == sim.script.hand_at:
            sim.by_hand(sim.script.hand)
        return False

    def _freeze(self) -> None:
        sim = self.simulation
        seconds = sim.rng.uniform(1, sim.rates.freeze_seconds)
        self.frozen_until = sim.now + seconds
        sim.outcome.freezes += 1
        if sim.rates.clock_stands and sim.rng.random() < sim.rates.clock_stands:
            sim.say(f"{self.name}: the clock that cannot be set stands meanwhile")
            sim.at(seconds, lambda: self._stood(seconds))
        sim.say(f"{self.name}: frozen for {self.frozen_until - sim.now:.0f} s")
        if sim.rng.random() < sim.rates.lock_lost_in_freeze:
            sim.say(f"{self.name}: its lock is lost")
            with suppress(KeyboardInterrupt):
                self.lock.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
            self.lock = ExitStack()

    def _stood(self, seconds: float) -> None:
        self.clock.stood += seconds

    # -- effects

    def _perform(self, effect: Effect, task: Task) -> None:
        sim = self.simulation
        if isinstance(effect, Commit | Enter):
            self._journalled(effect, task)
        elif isinstance(effect, Wait):
            self._later(0.0 if self.stop.asked else max(0.0, effect.seconds), task)
        elif isinstance(effect, Stale):
            self._later(sim.rng.uniform(0.1, 2), task, ())
        elif isinstance(effect, Ended):
            if effect.address in self.done:
                self._later(0.0, task)
            else:
                self.waiting.setdefault(effect.address, []).append(lambda: self._later(0.0, task))
        elif isinstance(effect, HasEnded):
            self.done.add(effect.address)
            for go_on in self.waiting.pop(effect.address, []):
                go_on()
            self._later(0.0, task)
        elif isinstance(effect, Together):
            self._gather(effect, task)
        elif isinstance(effect, Send | RemoveCopy):
            self._send(effect, task)
        else:
            self._read(effect, task)

    def _journalled(self, effect: Commit | Enter, task: Task) -> None:
        # Killed before it or after it: both are steps. A transaction is all or nothing, and is SQLite's to keep so.
        try:
            if isinstance(effect, Commit):
                op, step = effect.move.op, effect.move.step
                answer: Any = self.journal.move(op, step, effect.move.at)
                self.simulation.say(f"{self.name}: {op.address[-22:]} {op.state} -> {step.state}")
            else:
                self.simulation.state.set_clock(self.simulation.wall())
                answer = effect.what(self.journal)
        except Exception as failure:
            self._later(0.001, task, None, failure)
            return
        self._later(0.001, task, answer)

    def _gather(self, effect: Together, task: Task) -> None:
        gathering = Gathering(self, task, len(effect.courses))
        gathering.parts += [Task([each], gathering.one_ended) for each in effect.courses]
        for part in gathering.parts:
            self._later(0.0, part)
        if not gathering.parts:
            self.resume_later(task)
        if self.stop.asked:
            self.simulation.at(effect.grace, gathering.given_up)

    def resume_later(self, task: Task, fault: Exception | None = None) -> None:
        """Goes on with a course whose gathering is over."""
        self._later(0.0, task, None, fault)

    def _read(self, effect: Any, task: Task) -> None:
        sim = self.simulation

        def answered() -> None:
            if sim.rng.random() < sim.rates.read_error:
                self._resume(task, None, TargetError("the PSA could not be read"))
                return
            lag = sim.rng.uniform(0, sim.rates.lag_seconds) if sim.rng.random() < 0.3 else 0.0
            # What shows each page as it was at a time shows everything as it was at the first of them.
            task.sees = self.saw = first - lag
            pages = (first, (first + sim.now) / 2, sim.now) if sim.now > first else (sim.now,)
            self._resume(task, sim.psa.read(effect, tuple(at - lag for at in pages)), None)

        first = sim.now + sim.rng.uniform(0.02, 0.5)
        slow = sim.rates.slow_pages and sim.rng.random() < sim.rates.slow_pages
        sim.at(first - sim.now + (sim.rng.uniform(0.5, 20) if slow else 0.0), answered)

    def _send(self, effect: Send | RemoveCopy, task: Task) -> None:
        """A request on its way: it leaves now, or when the process thaws; what becomes of it is decided once."""
        sim = self.simulation
        if sim.rng.random() < sim.rates.freeze:
            self._freeze()
        leaves = max(0.0, self.frozen_until - sim.now)
        task.slept = leaves > 0
        sim.at(leaves, lambda: self._left(effect, task))

    def _left(self, effect: Send | RemoveCopy, task: Task) -> None:
        sim, rates = self.simulation, self.simulation.rates
        if self.dead or task.dropped:
            return
        travel = sim.rng.uniform(0.05, 2.0)
        fates: dict[str, tuple[float, Callable[[], None]]] = {
            "not sent": (rates.not_sent, lambda: self._later(0.1, task, None, NotSent("connection refused"))),
            "lost request": (rates.lost_request, lambda: self._later(travel, task, None, Ambiguous("reset"))),
            "lost answer": (rates.lost_answer, lambda: self._done(effect, task, travel, 0, Ambiguous("no answer"))),
            "late": (rates.late_commit, lambda: self._late(effect, task)),
            "replay": (rates.replay, lambda: self._done(effect, task, travel, 1, None)),
            # These come by a script alone.
            "replay, answer lost": (0.0, lambda: self._done(effect, task, travel, 1, Ambiguous("no answer"))),
            "asked too often": (0.0, lambda: self._later(0.1, task, None, NotSent("429", retry_after=7.0))),
            "asked too often, no time told": (0.0, lambda: self._later(0.1, task, None, NotSent("429"))),
            "another's record": (0.0, lambda: self._done(effect, task, travel, 0, None, sim.psa.additions.get("7001"))),
            "altered, then done twice": (
                0.0,
                partial(self._done, effect, task, travel, 1, None, alters="serial_number"),
            ),
            **{
                f"{name} altered": (0.0, partial(self._done, effect, task, travel, 0, None, alters=name))
                for name in ALTERED
            },
            **{
                f"{name} altered, answer lost": (
                    0.0,
                    partial(self._done, effect, task, travel, 0, Ambiguous("no answer"), alters=name),
                )
                for name in ALTERED
            },
        }
        sim.sends += 1
        if sim.script:
            chosen = sim.script.fate if sim.sends == sim.script.write else ""
        else:
            names = [*fates, ""]
            weights = [rate for rate, _ in fates.values()]
            chosen = sim.rng.choices(names, [*weights, 1 - sum(weights)])[0]
        if chosen:
            fates[chosen][1]()
        else:
            self._done(effect, task, travel, 0, None)

    def _late(self, effect: Send | RemoveCopy, task: Task) -> None:
        sim = self.simulation
        self._done(effect, task, sim.rng.uniform(2, sim.rates.late_seconds or 95), 0, Ambiguous("timeout"))

    def _done(
        self,
        effect: Send | RemoveCopy,
        task: Task,
        travel: float,
        replays: int,
        fault: Exception | None,
        instead: Addition | None = None,
        alters: str = "",
    ) -> None:
        """The PSA does the work after `travel` seconds, whatever becomes of the process that asked for it. `instead` is
        the record that a PSA's answer holds by mistake; the field `alters` is not written as it was sent.
        """
        sim, seen = self.simulation, task.sees
        woke = sim.now if task.slept and isinstance(effect, Send) and is_create(effect.change) else None
        if sim.rates.altered and sim.rng.random() < sim.rates.altered:
            alters = sim.rng.choice(ALTERED)

        def work() -> None:
            sim.overwriting(effect, seen)
            try:
                answer = sim.psa.work(effect, sim.now, alters)
            except Refused as refused:
                sim.say(f"the PSA refuses {_told(effect)}: {refused}")
                if fault is None:
                    self._later(0.1, task, None, refused)
                return
            sim.say(f"the PSA does {_told(effect)}: {answer.id if answer else ''} {alters and f'({alters} altered)'}")
            sim.by_sleeper(answer, woke)
            for _ in range(replays):
                sim.outcome.replays += 1
                sim.by_sleeper(sim.psa.work(effect, sim.now), woke)
                sim.say("a proxy had it done twice")
            if fault is None:
                self._later(sim.rng.uniform(0.02, 1.0), task, instead or answer)

        sim.at(travel, work)
        if fault is not None:
            self._later(min(travel, sim.rng.uniform(1, 30)), task, None, fault)


def _told(effect: Send | RemoveCopy) -> str:
    if isinstance(effect, RemoveCopy):
        return f"remove {effect.copy.id}"
    return f"{effect.change.action.value} {effect.change.address[-22:]}"
