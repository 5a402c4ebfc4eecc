"""The outbox: messages are put in with the run that they tell of, and sent when the command's work is done.

Nothing is lost when a process dies in between: what is in the outbox and not marked as sent is sent by a later command.
It may thus arrive twice, with the same id, and never not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from reconciler.domain.alert import Kind, Message
from reconciler.store import schema
from reconciler.store.database import Store

MOST_ATTEMPTS = 12
"""After so many a message is only sent when somebody asks for it."""

_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=12)
_AT_ONCE = 20
_outbox = schema.outbox.c
_WAITING = (_outbox.sent_at.is_(None), _outbox.message != "")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message in the outbox: when it was put in, how often its sending was begun, when it is to be tried again, what
    went wrong last, and when it was sent.
    """

    row: int
    message: Message
    at: datetime
    attempts: int
    next_at: datetime | None
    error: str | None
    sent_at: datetime | None

    @property
    def given_up(self) -> bool:
        """Whether it is tried no more by itself."""
        return self.sent_at is None and self.attempts >= MOST_ATTEMPTS


def put(connection: Connection, messages: Sequence[Message], at: datetime) -> int:
    """Puts messages in, within the transaction of what they tell of; returns how many. One that says what its receiver
    was told last is left out, and so is a second one about the same thing.
    """
    return sum(_put(connection, message, at) for message in messages)


def put_alone(store: Store, messages: Sequence[Message], at: datetime) -> int:
    """Puts messages in that tell of no run; returns how many."""
    with store.writing() as connection:
        return put(connection, messages, at)


def _put(connection: Connection, message: Message, at: datetime) -> bool:
    same = (
        _outbox.program == message.program,
        _outbox.kind == message.kind.value,
        _outbox.receiver == message.receiver,
        _outbox.message != "",
    )
    last = connection.execute(
        select(_outbox.content, _outbox.body)
        .where(*same, _outbox.month == message.month)
        .order_by(_outbox.id.desc())
        .limit(1)
    ).first()
    if last is None and not message.body:
        return False
    if last is not None and (last.content == message.content or not (last.body or message.body)):
        return False
    values = {
        "at": _text(at),
        "kind": message.kind.value,
        "body": message.body,
        "sent_at": None if message.body else _text(at),
        "message": message.id,
        "program": message.program,
        "receiver": message.receiver,
        "month": message.month,
        "about": message.about,
        "content": message.content,
        "subject": message.subject,
        "next_at": _text(at),
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(schema.outbox).values(values))
    except IntegrityError:
        return False
    return bool(message.body)


def due(store: Store, now: datetime) -> tuple[Waiting, ...]:
    """The messages to be tried now, oldest first, and no more than a command may be held up by."""
    with store.reading() as connection:
        rows = connection.execute(
            select(schema.outbox)
            .where(*_WAITING, _outbox.next_at <= _text(now), _outbox.attempts < MOST_ATTEMPTS)
            .order_by(_outbox.id)
            .limit(_AT_ONCE)
        ).all()
    return tuple(_waiting(row) for row in rows)


def waiting(store: Store) -> tuple[Waiting, ...]:
    """All messages that were not sent yet, oldest first."""
    with store.reading() as connection:
        rows = connection.execute(select(schema.outbox).where(*_WAITING).order_by(_outbox.id)).all()
    return tuple(_waiting(row) for row in rows)


def newest(store: Store, count: int) -> tuple[Waiting, ...]:
    """The newest messages, sent or not, newest first."""
    with store.reading() as connection:
        rows = connection.execute(
            select(schema.outbox)
            .where(_outbox.message != "", _outbox.body != "")
            .order_by(_outbox.id.desc())
            .limit(count)
        ).all()
    return tuple(_waiting(row) for row in rows)


def begin(store: Store, one: Waiting, now: datetime) -> bool:
    """Notes that a message is about to be sent, and when it is tried again should this process die. False where another
    process was faster.
    """
    with store.writing() as connection:
        begun = connection.execute(
            update(schema.outbox)
            .where(_outbox.id == one.row, _outbox.sent_at.is_(None), _outbox.attempts == one.attempts)
            .values(attempts=one.attempts + 1, next_at=_text(now + pause(one.attempts)))
        )
        return bool(begun.rowcount)


def sent(store: Store, one: Waiting, now: datetime) -> None:
    """Notes that its receiver took a message."""
    with store.writing() as connection:
        connection.execute(update(schema.outbox).where(_outbox.id == one.row).values(sent_at=_text(now), error=None))


def failed(store: Store, one: Waiting, reason: str) -> None:
    """Notes why a message could not be sent; it stays in the outbox."""
    with store.writing() as connection:
        connection.execute(update(schema.outbox).where(_outbox.id == one.row).values(error=reason))


def pause(attempts: int) -> timedelta:
    """How long after the attempt that follows so many others the next one is made: a minute, then twice as long each
    time, half a day at most.
    """
    doubled: int = 2 ** min(attempts, 16)
    return min(_FIRST_WAIT * doubled, _LONGEST_WAIT)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _waiting(row: Row[Any]) -> Waiting:
    message = Message(
        row.message,
        row.program,
        Kind(row.kind),
        row.receiver,
        row.month,
        row.about,
        row.content,
        row.subject,
        row.body,
    )
    at = datetime.fromisoformat(row.at)
    return Waiting(row.id, message, at, row.attempts, _time(row.next_at), row.error, _time(row.sent_at))
