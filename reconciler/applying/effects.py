"""What applying asks of the world, as values: the protocol yields one and is given the answer.

The protocol itself (`writing`, `audit`, `course`) reads no network, no disk and no queue of tasks: it is a tree of
generators that yield these effects. `executor` performs them on a real PSA and a real journal; a simulator performs the
same ones in virtual time, and ends the process between any two of them. Wherever an effect is yielded, a process may
die: what it has committed stands, what it has sent may be done or not.

An answer that is an exception is thrown in where the effect was yielded: TargetError for the PSA, StoreError (and
FencedOut) for the journal.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from reconciler.domain.plan import Change
from reconciler.domain.records import Addition, Agreement, Observation, Product, Wanted
from reconciler.store.journal import Journal
from reconciler.store.ops import Move, Op, Step

Answer = TypeVar("Answer")
Record = Addition | Product


@dataclass(frozen=True, slots=True)
class ReadAgreement:
    """An agreement and all of its additions, as they are now."""

    agreement_id: str


@dataclass(frozen=True, slots=True)
class ReadAdditions:
    """The additions of an agreement with a serial number; None: all of them."""

    agreement_id: str
    serial_number: str | None


@dataclass(frozen=True, slots=True)
class FindProducts:
    """The catalogue items with a Vendor SKU."""

    vendor_sku: str


@dataclass(frozen=True, slots=True)
class Observe:
    """What a plan would see of the PSA."""

    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Send:
    """One write of a change, once. Answered by the record as the PSA gave it back, None for a delete."""

    change: Change


@dataclass(frozen=True, slots=True)
class RemoveCopy:
    """Deletes a copy of an addition, once; one that is gone is done."""

    copy: Addition


@dataclass(frozen=True, slots=True)
class Commit:
    """One transition of an op, on the disk when the answer comes. Answered by the op as it is now."""

    move: Move


@dataclass(frozen=True, slots=True)
class Enter:
    """Something else for the journal, in one transaction, on the disk when the answer comes."""

    what: Callable[[Journal], Any]


@dataclass(frozen=True, slots=True)
class Stale:
    """What has changed in the PSA since the plan was made, in sentences; None when asked to stop meanwhile."""


@dataclass(frozen=True, slots=True)
class Wait:
    """So many seconds, or until asked to stop."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Ended:
    """Until another course of the same gathering has said that the op of this address has ended."""

    address: str


@dataclass(frozen=True, slots=True)
class HasEnded:
    """The op of this address goes no further: who waits for it may go on. Answered at once."""

    address: str


@dataclass(frozen=True, slots=True)
class Together:
    """Several courses side by side, until all have ended. When asked to stop, each may end its request in flight; those
    that do not within `grace` seconds are left where they are. The first exception ends all.
    """

    courses: tuple["Steps[None]", ...]
    grace: float


@dataclass(frozen=True, slots=True)
class Bounded:
    """A course that takes one of the places that the target's `concurrency` gives, until it ends."""

    course: "Steps[Any]"


PsaEffect = ReadAgreement | ReadAdditions | FindProducts | Observe | Send | RemoveCopy
JournalEffect = Commit | Enter
OrderEffect = Stale | Wait | Ended | HasEnded | Together | Bounded
Effect = PsaEffect | JournalEffect | OrderEffect

Steps = Generator[Effect, Any, Answer]
"""A course: it yields effects, is given their answers, and returns its own."""


def read_agreement(agreement_id: str) -> Steps[tuple[Agreement, tuple[Addition, ...]]]:
    """An agreement and all of its additions. Raises TargetError."""
    found: tuple[Agreement, tuple[Addition, ...]] = yield ReadAgreement(agreement_id)
    return found


def read_additions(agreement_id: str, serial_number: str | None) -> Steps[tuple[Addition, ...]]:
    """The additions of an agreement with a serial number; None: all. Raises TargetError."""
    found: tuple[Addition, ...] = yield ReadAdditions(agreement_id, serial_number)
    return found


def find_products(vendor_sku: str) -> Steps[tuple[Product, ...]]:
    """The catalogue items with a Vendor SKU. Raises TargetError."""
    found: tuple[Product, ...] = yield FindProducts(vendor_sku)
    return found


def observe(wanted: Wanted) -> Steps[Observation]:
    """What a plan would see. Raises TargetError."""
    found: Observation = yield Observe(wanted)
    return found


def send(change: Change) -> Steps[Record | None]:
    """One write, once. Raises NotSent, Refused or Ambiguous; TimeoutError where no answer came in time."""
    record: Record | None = yield Send(change)
    return record


def commit(op: Op, step: Step, at: datetime) -> Steps[Op]:
    """One transition of an op. Raises FencedOut."""
    moved: Op = yield Commit(Move(op, step, at))
    return moved


def enter(what: Callable[[Journal], Answer]) -> Steps[Answer]:
    """Something else for the journal. Raises FencedOut or StoreError."""
    answer: Answer = yield Enter(what)
    return answer


def stale() -> Steps[tuple[str, ...] | None]:
    """What moved in the PSA since the plan was made. Raises TargetError."""
    sentences: tuple[str, ...] | None = yield Stale()
    return sentences


def bounded(course: Steps[Answer]) -> Steps[Answer]:
    """A course within the target's concurrency."""
    answer: Answer = yield Bounded(course)
    return answer
