"""Who is told of what: the receivers that a program names, and the messages that wait for them."""

from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.domain.finding import Place


class Occasion(StrEnum):
    """What a receiver may ask to be told of (rulebook P21, T28)."""

    ERROR = "error"
    WARNING = "warning"
    PRICE_CHANGE = "price-change"
    UNMAPPED = "unmapped"
    FAILED = "failed"
    RECONCILIATION = "reconciliation"
    PLAN_READY = "plan-ready"


class Kind(StrEnum):
    """The messages that there are, each with a template of its name. `attention` is what a plan found, `apply` what an
    apply left undone, `reconciliation` the verdict of each subscription, `plan-ready` a plan to be reviewed.
    """

    ATTENTION = "attention"
    APPLY = "apply"
    RECONCILIATION = "reconciliation"
    PLAN_READY = "plan-ready"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Alert:
    """A receiver of a program. `to` is the address as it is written, references not filled in, and may still be a
    secret; `name` is what messages call it: the reference, or its place in the program's list.
    """

    program: str
    name: str
    on: frozenset[Occasion]
    to: str = field(repr=False)
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Message:
    """A message to one receiver, composed. `id` is its own for ever, and the same each time it is sent.

    `about` is the digest of what it is about (of a program, kind and receiver, one message for each); `content` the
    hash of the facts that it tells: what was told last is not told again. Without a body nothing is to be told (any
    more).
    """

    id: str
    program: str
    kind: Kind
    receiver: str
    month: str
    about: str
    content: str
    subject: str
    body: str
