"""The worlds that hostile schedules are played in, and how many of each are tried: on every push, and at a release."""

from dataclasses import dataclass, replace

from simulation import Rates


@dataclass(frozen=True, slots=True)
class Family:
    """Schedules of one world. `schedules`: how many on a push, and at a release, in tens; `figure` in the summary."""

    name: str
    figure: str
    rates: Rates
    schedules: tuple[int, int]


_FAMILIES = (
    Family("hostile", "F2 R1 R2 R7 R8 hostile schedules", Rates(), (60, 10_000)),
    # Nobody can prevent what a machine does that sleeps between its last look and its send, and wakes up without its
    # lock; by the next day's plan nothing of it may be left, and all of it must have been told.
    Family(
        "frozen",
        "F4 long freezes",
        Rates(freeze=0.03, freeze_seconds=3000, lock_lost_in_freeze=0.5, clock_stands=0.5),
        (30, 4_000),
    ),
    Family("clocks", "F13 clocks set", replace(Rates(), clock_step=0.25, clock_stands=0.3), (30, 1_000)),
)
FAMILIES = {family.name: family for family in _FAMILIES}
