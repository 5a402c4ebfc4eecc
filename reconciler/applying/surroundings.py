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
    def settle_seconds(self) -> float:
        """How long an unanswered write may still appear."""
        return float(self.limits.settle_seconds)
