"""The life of an op: one write to one slot. What may follow what, as a table; nothing else moves an op.

    PLANNED ──look──▶ INTENT ──send──▶ CONFIRMED | REJECTED | ABSENT (provably not sent) | UNKNOWN
       │                                                                                    │ settle, read back
       └─look─▶ CONFIRMED (there already) | DRIFT | CONFLICT          CONFIRMED | ABSENT | CONFLICT ◀┘

ABSENT is looked at and sent again like PLANNED, until its attempts are used up: FAILED. An op found in INTENT at the
start of a run was sent by a process that is dead: it is treated as UNKNOWN.
"""

from collections.abc import Mapping

from reconciler.store.schema import State

ATTEMPTS = 3

_AFTER_LOOK = frozenset({State.CONFIRMED, State.DRIFT, State.CONFLICT, State.INTENT})

NEXT: Mapping[State, frozenset[State]] = {
    State.PLANNED: _AFTER_LOOK,
    State.ABSENT: _AFTER_LOOK | {State.FAILED},
    State.INTENT: frozenset({State.CONFIRMED, State.REJECTED, State.ABSENT, State.UNKNOWN}),
    State.UNKNOWN: frozenset({State.CONFIRMED, State.ABSENT, State.CONFLICT}),
    State.CONFIRMED: frozenset(),
    State.REJECTED: frozenset(),
    State.DRIFT: frozenset(),
    State.CONFLICT: frozenset(),
    State.FAILED: frozenset(),
}


class ImpossibleStep(Exception):
    """A transition that the protocol does not know: a bug, never a condition of the outside world."""


def checked(before: State, after: State) -> State:
    """The state after a step. Raises ImpossibleStep where the protocol has no such step."""
    if after not in NEXT[before]:
        raise ImpossibleStep(f"{before} cannot become {after}")
    return after


def may_send(state: State) -> bool:
    """Whether an op in this state may be looked at and sent (I5: after a doubt, only from ABSENT)."""
    return state in (State.PLANNED, State.ABSENT)


def is_terminal(state: State) -> bool:
    """Whether nothing follows."""
    return not NEXT[state]
