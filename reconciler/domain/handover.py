"""A hand-over: what becomes of a record that another tool or a person wrote, when this one takes the billing over."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Fate(StrEnum):
    """What becomes of an old record (rulebook 1G step 2, P39, P44).

    `adopted`: it stays, and gets the subscription's id. `replaced`: it ends, and records of ours go on. `ended`: it
    ends, and nothing follows, for nothing is charged. `left`: it is not touched, and a finding says why.
    """

    ADOPTED = "adopted"
    REPLACED = "replaced"
    ENDED = "ended"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Successor:
    """A record that goes on where an old one ends: its subscription, quantity, unit price and first day. `address` is
    the plan's change that writes it, None where it stands there already.
    """

    subscription: str
    quantity: Decimal
    unit_price: Decimal
    effective: date
    address: str | None = None


@dataclass(frozen=True, slots=True)
class HandOver:
    """One old record of a customer, by the PSA's id, with the plan address of the agreement that it stands on.

    `serial_number` is what it carries now: nothing, or another tool's mark. `last` is its last billed day after the
    plan (inclusive; None: it goes on), `day` the first day that is billed by `successors`; None where nothing ends.
    """

    customer: str
    product: str
    product_name: str
    fate: Fate
    record: str
    agreement: str
    agreement_name: str
    quantity: Decimal
    unit_price: Decimal
    effective: date
    serial_number: str | None
    last: date | None
    day: date | None
    why: str
    successors: tuple[Successor, ...] = ()
