"""What a PSA must be able to do to be a target: the guide to writing another one.

A target is opened with its settings and credentials (`targets.opening.open_target`), asked once for everything a plan
needs (`observe`), and later told to write one record at a time. It translates between the PSA's wire format and the
values of `domain`, and decides nothing: which records are to be written comes from `rules`, and in which order, how
often and after which journal entry from `applying`.

Life of a target in a plan: `open` → `observe` → `close`. In an apply: `open` → `observe` (is the plan stale?) → for
each change `read_additions` or `find_products` (the look before the send) → one write → `close`.

A write is sent exactly once by each call: no retries in here, for the PSA has no idempotency keys.
What the answer means is told by exception:

- returned: done; what came back was compared field by field with what was asked.
- `NotSent`: provably no byte reached the PSA (name lookup, refused connection, TLS), or it said 429. May be sent again.
- `Refused`: the PSA said no with its own error. Will not change by repeating.
- `Ambiguous`: anything else. Only a read made after the settle time may decide.

Reads are retried inside, with backoff, honouring `Retry-After`, within the budget of requests a minute that all tasks
of a target share.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from reconciler.domain.check_list import Check
from reconciler.domain.directory import Directory
from reconciler.domain.drift import Trace
from reconciler.domain.plan import AdditionValues, ProductValues
from reconciler.domain.records import Addition, Agreement, Observation, Product, ProductDefaults, Wanted

write_status: ContextVar[int | None] = ContextVar("write_status", default=None)
"""The HTTP status that the last write of this task was answered with, for the journal; None: there was no answer. The
HTTP layer sets it, and who sends a write clears it first. Nothing is decided by it.
"""

operation: ContextVar[str] = ContextVar("operation", default="read")
"""What the requests of this task are for, in the log: a change's address, or a phrase such as `observe`. Who asks a
target says so; nothing is decided by it.
"""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the PSA's records can express: this decides how a timeline is written (`rules.representation`)."""

    name: str
    dated_additions: bool
    ends_mid_month: bool
    updates_records: bool
    deletes_records: bool


class TargetError(Exception):
    """The PSA could not be asked, or not understood. The text is for a person: what happened, where, what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Gone(TargetError):
    """What was asked for by its id is not in the PSA any more."""


class NotSent(TargetError):
    """Provably nothing was done: the request did not reach the PSA, or was turned away before any work.

    `retry_after` is in seconds, where the PSA named a time.
    """

    def __init__(self, message: str, hint: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class Refused(TargetError):
    """The PSA refused the write with its own error; `code` is the rule or the PSA's code, `fields` what it named."""

    def __init__(
        self, message: str, hint: str | None = None, code: str = "refused", fields: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, hint)
        self.code = code
        self.fields = fields


class Ambiguous(TargetError):
    """It cannot be told from the answer whether the write was done."""


class Target(Protocol):
    """A PSA account. All methods are coroutines and may run concurrently."""

    capabilities: Capabilities

    async def observe(self, wanted: Wanted) -> Observation:
        """Reads all that a plan needs, in as few requests as possible. Raises TargetError."""
        ...

    async def probe(self, subject: str, defaults: frozenset[ProductDefaults]) -> tuple[Check, ...]:
        """Whether the credentials are accepted, what they may read, and what new products lack beyond what `observe`
        tells. Checks named `keys` and `permission` are about access; `subject` is the target's name. Raises nothing
        for what is not so.
        """
        ...

    async def read_agreement(self, agreement_id: str) -> tuple[Agreement, tuple[Addition, ...]]:
        """An agreement and all of its additions, as they are now. Raises Gone where there is none any more, else
        TargetError where it cannot be read.
        """
        ...

    async def read_additions(self, agreement_id: str, serial_number: str | None) -> tuple[Addition, ...]:
        """The additions of an agreement with a serial number (None: all of them), as they are now."""
        ...

    async def create_addition(self, values: AdditionValues) -> Addition:
        """Writes a new addition, once. `values.product_id` is known. Raises NotSent, Refused or Ambiguous."""
        ...

    async def update_addition(self, record: str, before: AdditionValues, after: AdditionValues) -> Addition:
        """Sends the fields that differ, once, and compares the answer. Raises NotSent, Refused or Ambiguous."""
        ...

    async def delete_addition(self, agreement_id: str, record: str) -> None:
        """Deletes an addition, once; one that is already gone is done. Raises NotSent, Refused or Ambiguous."""
        ...

    async def find_products(self, vendor_sku: str) -> tuple[Product, ...]:
        """The catalogue items with a Vendor SKU, as they are now. Raises TargetError."""
        ...

    async def create_product(self, values: ProductValues) -> Product:
        """Writes a new catalogue item, once. Raises NotSent, Refused or Ambiguous."""
        ...

    async def update_product(self, record: str, before: ProductValues, after: ProductValues) -> Product:
        """Sends the fields of a catalogue item that differ, once. Raises NotSent, Refused or Ambiguous."""
        ...

    async def close(self) -> None:
        """Ends the connections."""
        ...


@runtime_checkable
class TellsWhoChanged(Protocol):
    """What a target may have beside `Target`: an audit trail. One that has none leaves the method out."""

    async def who_changed(self, record: str) -> tuple[Trace, ...]:
        """What is told of an addition's changes, oldest first; empty where nothing is. Raises TargetError."""
        ...


async def who_changed(target: Target, record: str) -> tuple[Trace, ...]:
    """What a target tells of an addition's changes; nothing by default. Raises TargetError."""
    return await target.who_changed(record) if isinstance(target, TellsWhoChanged) else ()


@runtime_checkable
class ListsRecords(Protocol):
    """What a target may have beside `Target`: lists to choose from. One that has none leaves the method out."""

    async def directory(self) -> Directory:
        """Companies, active agreements and active products, in as few requests as possible. Raises TargetError."""
        ...


async def directory(target: Target) -> Directory | None:
    """What a target lists; None where it cannot. Raises TargetError."""
    return await target.directory() if isinstance(target, ListsRecords) else None
