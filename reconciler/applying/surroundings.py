"""What every part of an apply needs beside the plan."""

from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.applying.clock import Clock, Stop
from reconciler.applying.report import ChangeResult
from reconciler.domain.mapping import Limits
from reconciler.store.database import Store
from reconciler.targets.base import Target


def _silent(_: object) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the protocol itself knows of the world: the time, how long an unanswered write may still appear, the wish to
    stop; and who is told.
    """

    clock: Clock
    settle_seconds: float
    stop: Stop = field(default_factory=Stop)
    progress: Callable[[ChangeResult], None] = _silent
    notice: Callable[[str], None] = _silent


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where an apply writes to and keeps its journal, its time and limits, and who is told.

    `progress` hears each change as it ends, `notice` what takes long. The store's lock must be held.
    """

    target: Target
    store: Store
    clock: Clock
    limits: Limits
    stop: Stop = field(default_factory=Stop)
    progress: Callable[[ChangeResult], None] = _silent
    notice: Callable[[str], None] = _silent

    @property
    def conditions(self) -> Conditions:
        """What of these the protocol may see."""
        return Conditions(self.clock, float(self.limits.settle_seconds), self.stop, self.progress, self.notice)
