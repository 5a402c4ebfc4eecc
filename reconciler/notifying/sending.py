"""Sends what waits in the outbox: at least once, each message with its own id, and never at the cost of a run."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.domain.alert import Alert, Message
from reconciler.domain.secret import Secret
from reconciler.notifying.delivery import NotDelivered
from reconciler.store.database import Store
from reconciler.store.outbox import Waiting, begin, failed, sent

Deliver = Callable[[Secret, Message], None]
Addresses = Callable[[Alert], Secret | str]
"""Where an alert goes to, or the name of the environment variable that is not set."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a message; `reason` is why it was not sent."""

    message: Message
    reason: str | None


def send(
    store: Store,
    messages: Iterable[Waiting],
    alerts: Iterable[Alert],
    addresses: Addresses,
    deliver: Deliver,
    now: Callable[[], datetime],
) -> tuple[Result, ...]:
    """Tries each message once. It is marked as begun before it is sent and as sent after it: a process that dies in
    between leaves it to be sent again. Raises StoreError where the outbox cannot be written.
    """
    receivers = {(alert.program, alert.name): alert for alert in alerts}
    results = []
    for one in messages:
        if not begin(store, one, now()):
            continue
        reason = _tried(one.message, receivers, addresses, deliver)
        if reason is None:
            sent(store, one, now())
        else:
            failed(store, one, reason)
        results.append(Result(one.message, reason))
    return tuple(results)


def _tried(
    message: Message, receivers: Mapping[tuple[str, str], Alert], addresses: Addresses, deliver: Deliver
) -> str | None:
    alert = receivers.get((message.program, message.receiver))
    if alert is None:
        return f"the mapping has no receiver {message.receiver} in program {message.program} any more"
    address = addresses(alert)
    if isinstance(address, str):
        return f"the environment variable {address} is not set"
    try:
        deliver(address, message)
    except NotDelivered as error:
        return str(error)
    return None
