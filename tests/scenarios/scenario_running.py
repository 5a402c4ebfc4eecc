"""Plans and applies as the product does: by its own functions, or by its commands."""

import asyncio
import os
import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import httpx
from click.testing import CliRunner

from reconciler.applying.apply import apply_plan
from reconciler.applying.clock import SystemClock
from reconciler.applying.report import ApplyReport, Ending
from reconciler.applying.run_record import finished_record, started_record
from reconciler.applying.surroundings import Surroundings
from reconciler.cli.main import main
from reconciler.config.credentials import credentials
from reconciler.config.decisions import load_decisions
from reconciler.config.loading import load
from reconciler.domain.days import Months
from reconciler.domain.decision import Decisions
from reconciler.domain.mapping import Mappings
from reconciler.domain.plan import Plan
from reconciler.planning.gathered import Background, Request, Scope
from reconciler.planning.making import make_plan, month_of, one_target, read_sources
from reconciler.planning.observing import observe_again
from reconciler.planning.plan_file import read_plan
from reconciler.planning.undoing import undo_plan
from reconciler.store.database import locked_store, read_store
from reconciler.store.history import RunKind, finish_run, record_run
from reconciler.store.written import written_run
from reconciler.targets.base import Target
from reconciler.targets.opening import open_target

# Reading the machine's certificate authorities takes longer than a whole plan, and loopback needs none.
_NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Runner(Protocol):
    """Plans a month and applies a plan."""

    file: Path

    def plan(self, months: Months, scope: Scope = Scope.ALL) -> Plan:
        """The plan for a month or for consecutive ones, made now."""
        ...

    def apply(self, plan: Plan) -> str:
        """Writes the plan; what is left undone, as sentences: none where all is done."""
        ...

    def step_ends(self, number: int) -> None:
        """Hears that a step is over."""
        ...


@dataclass
class ByFunctions:
    """The product's own functions, composed as its commands compose them."""

    file: Path
    environ: dict[str, str]
    plans: int = 0
    applied: int | None = None
    run_of: dict[int, int] = field(default_factory=dict)

    def step_ends(self, number: int) -> None:
        """Keeps which run a step's apply was, for a later step that takes it back."""
        if self.applied is not None:
            self.run_of[number] = self.applied
        self.applied = None

    def plan(self, months: Months, scope: Scope = Scope.ALL) -> Plan:
        """The plan for a month or for consecutive ones, made now."""
        mappings = self._mappings()
        documents = read_sources(mappings)
        self.plans += 1
        created = datetime(2026, 11, 22, 10, 0, self.plans, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        newest = month_of(documents, months.last)
        request = Request(newest, frozenset(), created, "test", scope, since=months.first)
        background = Background(decisions=self._decisions(mappings))
        return self._on_target(
            mappings, lambda target: make_plan(mappings, documents, request, one_target(mappings), target, background)
        )

    def apply(self, plan: Plan) -> str:
        """Writes the plan; what is left undone, as sentences: none where all is done."""
        mappings, clock = self._mappings(), SystemClock()
        limits = mappings.targets[plan.target].limits
        url = f"sqlite:///{self.file.parent / 'state.db'}"
        started = started_record(RunKind.APPLY, plan, clock.now(), "scenario")
        with locked_store(url, "scenario", clock.now()) as store:
            self.applied = record_run(store, started)
            report: ApplyReport = self._on_target(
                mappings,
                lambda target: apply_plan(
                    plan, Surroundings(target, store, clock, limits), lambda: observe_again(plan, target)
                ),
            )
            finish_run(store, self.applied, finished_record(started, report, clock.now()))
        return "" if report.ending is Ending.DONE else _told(report)

    def undo(self, run: int) -> Plan:
        """The plan that takes back what the apply of a run wrote."""
        mappings = self._mappings()
        store = read_store(f"sqlite:///{self.file.parent / 'state.db'}")
        assert store, "nothing was applied yet"
        written = written_run(store, run)
        store.close()
        self.plans += 1
        created = f"2026-11-22T10:00:{self.plans:02}Z"
        return self._on_target(mappings, lambda target: undo_plan(written, mappings, target, created, "test"))

    def _mappings(self) -> Mappings:
        loaded = load(self.file, self.environ)
        assert loaded.mappings, "\n".join(f"{f.where}: {f.message}" for f in loaded.findings)
        return loaded.mappings

    def _decisions(self, mappings: Mappings) -> Decisions:
        loaded = load_decisions(self.file, mappings, self.environ)
        assert loaded.decisions, "\n".join(f"{f.where}: {f.message}" for f in loaded.findings)
        return loaded.decisions

    def _on_target(self, mappings: Mappings, work: Callable[[Target], Any]) -> Any:
        async def run() -> Any:
            async with self._opened(mappings) as target:
                return await work(target)

        return asyncio.run(run())

    def _opened(self, mappings: Mappings) -> AbstractAsyncContextManager[Target]:
        @asynccontextmanager
        async def opened() -> Any:
            settings = mappings.targets[one_target(mappings)]
            secrets, findings = credentials(settings, self.environ)
            assert not findings
            target = await open_target(settings, secrets, transport=httpx.AsyncHTTPTransport(verify=_NO_AUTHORITIES))
            try:
                yield target
            finally:
                await target.close()

        return opened()


def _told(report: ApplyReport) -> str:
    left = [f"{r.change.address}: {r.state.value}: {r.sentence}" for r in report.results if not r.done]
    return "\n".join([f"the apply ended as: {report.ending.value}", *report.stale, *report.incidents, *left])


@dataclass
class ByCommands:
    """`reconciler plan --out` and `reconciler apply PLAN`, as a person types them."""

    file: Path
    environ: dict[str, str]
    plans: int = 0

    def plan(self, months: Months, scope: Scope = Scope.ALL) -> Plan:
        """The plan for a month or for consecutive ones, made now."""
        self.plans += 1
        out = self._out()
        asked = ("--cutover",) if scope is Scope.CUTOVER else ()
        self._reconciler("plan", "--month", str(months), "--out", str(out), "--keep-going", *asked, allowed=(0, 5))
        return read_plan(out.read_text(encoding="utf-8"), str(out))

    def step_ends(self, number: int) -> None:
        """Hears that a step is over."""

    def apply(self, plan: Plan) -> str:
        """Writes the plan that was saved last; what is left undone."""
        return self._reconciler("apply", str(self._out()), "--expect-digest", plan.digest, allowed=(0,))

    def _out(self) -> Path:
        return self.file.parent / f"{self.plans}.plan.json"

    def _reconciler(self, *words: str, allowed: tuple[int, ...]) -> str:
        result = CliRunner().invoke(main, ["-f", str(self.file), *words], env={**os.environ, **self.environ})
        if result.exit_code in allowed:
            return ""
        return f"reconciler {words[0]} exited {result.exit_code}: {result.output}"
