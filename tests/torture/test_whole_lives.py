"""F7: Hypothesis puts whole lives together. One rule is one life of a process, with a fate for one of its writes and a
step at which it is killed; others lose the state, edit a record by hand, set the clock or make a new plan.

Where a seeded schedule finds a fault, this finds the shortest story that shows it: a failure prints that story.
"""

import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from simulated_life import CLOCK_STEPS
from simulation import CALM, HANDS, Script, Simulation
from torture_figures import Tally

FATES = (
    "", "not sent", "lost request", "lost answer", "late", "replay", "replay, answer lost", "asked too often",
    "asked too often, no time told", "another's record", "quantity altered", "serial_number altered",
    "cancelled altered, answer lost",
)  # fmt: skip
LIVES = st.tuples(st.integers(0, 40), st.integers(1, 4), st.sampled_from(FATES))
"""Killed at the n-th step (0: not at all), the write that meets a fate, and the fate."""
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 -- a folder of its own is made in it
COUNTED: Counter[str] = Counter()


class Lives(RuleBasedStateMachine):
    """A partner's month: as many lives as it takes, then one in peace, after which everything is there once."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY))
        self.world = Simulation(0, self.folder, CALM, Script())

    @initialize(chance=st.integers(0, 2**16))
    def drawn(self, chance: int) -> None:
        self.world.rng = random.Random(chance)

    @rule(lives=st.lists(LIVES, min_size=1, max_size=4))
    def lives_follow_each_other(self, lives: list[tuple[int, int, str]]) -> None:
        for killed_after, write, fate in lives:
            kills = (self.world.steps + killed_after,) if killed_after else ()
            self.world.script = Script(kills, self.world.sends + write, fate)
            self.world.live("a life")

    @rule()
    def the_state_is_lost(self) -> None:
        self.world.lose_state()
        COUNTED["lost_states"] += 1

    @rule(what=st.sampled_from(HANDS))
    def a_person_acts(self, what: str) -> None:
        self.world.by_hand(what)
        COUNTED["edits"] += 1

    @rule(seconds=st.sampled_from(CLOCK_STEPS))
    def the_clock_is_set(self, seconds: int) -> None:
        self.world.clock_set(seconds)

    @rule()
    def planned_anew(self) -> None:
        self.world.plan_anew()

    def teardown(self) -> None:
        COUNTED["examples"] += 1
        try:
            self.world.script = Script()
            outcome = self.world.end()
            assert not outcome.bad, "\n".join([*self.world.log, *outcome.bad])
            COUNTED["kills"] += outcome.kills
            COUNTED["lives"] += outcome.lives
        finally:
            shutil.rmtree(self.folder)


def test_no_story_of_whole_lives_ends_with_a_double_or_a_loss(example_batch: tuple[int, int], tally: Tally) -> None:
    number, examples = example_batch
    COUNTED.clear()
    sizes = settings(
        max_examples=examples,
        stateful_step_count=16,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        print_blob=True,
    )
    try:
        run_state_machine_as_test(seed(number)(Lives), settings=sizes)
    finally:
        tally.count("F7 stories of whole lives", **COUNTED)
