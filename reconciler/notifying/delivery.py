"""Delivery by Apprise: one message to one address, and a sentence that never repeats the address.

Apprise and the HTTP library under it log addresses with their tokens and what they send, so their loggers are shut for
as long as they work, and what they raise is told by its kind alone.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reconciler.domain.alert import Kind, Message
from reconciler.domain.secret import Secret

MISSING = "Apprise is not installed, so no message can be sent"
HOW_TO_INSTALL = "pip install 'reconciler[notify]'"
ID_HEADER = "X-Reconciler-Message"

_TYPES = {Kind.ATTENTION: "warning", Kind.APPLY: "failure"}
_LOUD = ("apprise", "urllib3", "requests", "requests_oauthlib", "asyncio", "paho", "slixmpp", "charset_normalizer")


class NotDelivered(Exception):
    """A message did not reach its receiver, or that cannot be told. The text holds no address."""


def installed() -> bool:
    """Whether messages can be sent at all."""
    from importlib.util import find_spec  # noqa: PLC0415 -- asked before anything heavy is loaded

    return find_spec("apprise") is not None


def deliver(address: Secret, message: Message) -> None:
    """Sends a message to all receivers of an address, once. Raises NotDelivered where one of them did not take it."""
    with _quiet():
        reason = _sent(address, message)
    if reason:
        raise NotDelivered(reason)


def _sent(address: Secret, message: Message) -> str | None:
    import apprise  # noqa: PLC0415 -- loaded when there is something to send, and not before

    asset = apprise.AppriseAsset(app_id="reconciler", app_desc="reconciler", async_mode=False, secure_logging=True)
    try:
        receivers = apprise.Apprise(asset=asset)
        if not receivers.add(address.reveal()) or not len(receivers):
            return "its address is none that Apprise knows"
        for receiver in receivers:
            _with_id(receiver, message.id)
        taken = receivers.notify(
            title=message.subject, body=message.body, notify_type=_TYPES.get(message.kind, "info"), body_format="text"
        )
    except Exception as error:
        # What a plug-in raises may hold the address, in its text and in what hangs on it.
        return f"Apprise could not send it ({type(error).__name__})"
    if taken:
        return None
    services = sorted({str(receiver.service_name) for receiver in receivers})
    return f"it was not taken by its receiver ({', '.join(services)}): out of reach, or it refused"


def _with_id(receiver: Any, message_id: str) -> None:
    """The id as a header too, where the receiver's protocol has headers that are ours to choose (mail, JSON, XML)."""
    headers = getattr(receiver, "headers", None)
    if isinstance(headers, dict):
        headers[ID_HEADER] = message_id


@contextmanager
def _quiet() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _LOUD]
    before = [(logger, logger.disabled, logger.propagate) for logger in loggers]
    children = [
        logging.getLogger(name)
        for name in logging.root.manager.loggerDict
        if name.partition(".")[0] in _LOUD and "." in name
    ]
    before += [(logger, logger.disabled, logger.propagate) for logger in children]
    for logger, _, _ in before:
        logger.disabled, logger.propagate = True, False
    try:
        # What the libraries deprecate among each other is no failure of a message, and says nothing to a user.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, disabled, propagate in before:
            logger.disabled, logger.propagate = disabled, propagate
