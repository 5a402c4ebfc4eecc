"""What a plan leaves to a person: money that no decision has spoken of yet, credits kept back, what is to be mapped."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.domain.finding import Place
from reconciler.domain.money import Money


@dataclass(frozen=True, slots=True)
class Unallocated:
    """A credit, adjustment or one-off charge of which no decision speaks. `kind` is one of these words; `amount` what
    the distributor charged, signed; `originals` name the charges that it takes back, as text; `stub` is an entry for
    `credits:` in a decisions file, as YAML.
    """

    invoice: str
    line: int
    kind: str
    customer: str
    subscription: str
    description: str
    amount: Money
    originals: tuple[str, ...]
    stub: str
    where: Place


@dataclass(frozen=True, slots=True)
class KeptBack:
    """A credit that the policy keeps from the customer (interface §6.13): what the invoice credits, at the customer's
    price, of one subscription in the plan's month. `window` is what the source says of the return window, or nothing.
    """

    customer: str
    subscription: str
    product: str
    policy: str
    amount: Money
    window: str = ""


@dataclass(frozen=True, slots=True)
class Stub:
    """An entry that the mapping lacks: the section it belongs in (`customers`, `products`), its YAML, and the
    distributor's cost of what waits for it, by currency.
    """

    section: str
    yaml: str
    amounts: tuple[Money, ...]


class Complete(StrEnum):
    """What can be said of a month's documents. Nothing a distributor sends says that it is all: so there is no yes."""

    NO = "no"
    UNKNOWN = "unknown"
    AS_BEFORE = "as before"


@dataclass(frozen=True, slots=True)
class Completeness:
    """Whether a source's documents of the plan's month are all there, as far as it can be told, and why."""

    source: str
    complete: Complete
    documents: int
    reason: str


@dataclass(frozen=True, slots=True)
class OpenItems:
    """All that a plan leaves to a person, each in a fixed order."""

    unallocated: tuple[Unallocated, ...] = ()
    kept_back: tuple[KeptBack, ...] = ()
    stubs: tuple[Stub, ...] = ()
    completeness: tuple[Completeness, ...] = ()


NOTHING_OPEN = OpenItems()
