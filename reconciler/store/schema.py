"""The tables of the state database, and the promises that the database itself keeps.

One metadata for every database. Amounts are TEXT, for SQLite's numbers pass through a binary float; times are TEXT in
UTC with microseconds, so that they sort. Rows of `op_event` and `incident` are only ever added.
"""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

VERSION = 3
# The oldest version whose runs, plans and journal have the columns of today's: a step that changes them raises it.
JOURNAL_SINCE = 1


class State(StrEnum):
    """The states of an op: one write to one slot. What may follow what is `applying.states`."""

    PLANNED = "PLANNED"
    INTENT = "INTENT"
    UNKNOWN = "UNKNOWN"
    ABSENT = "ABSENT"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    DRIFT = "DRIFT"
    CONFLICT = "CONFLICT"
    FAILED = "FAILED"


OPEN = (State.INTENT, State.UNKNOWN)


class RunState(StrEnum):
    """The states of an admitted plan. OPEN until every op is confirmed and the audit found nothing (I8)."""

    OPEN = "OPEN"
    DONE = "DONE"
    SUPERSEDED = "SUPERSEDED"


def _one_of(column: str, words: type[StrEnum] | tuple[StrEnum, ...]) -> str:
    return f"{column} IN ({', '.join(repr(word.value) for word in words)})"


class Prose(TypeDecorator[str]):
    """Text that comes from elsewhere, such as what a PSA answered. What no database would take is replaced: a journal
    must not fail to note what was answered.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Without NUL, which PostgreSQL refuses, and without halves of characters, which are no UTF-8."""
        if value is None:
            return None
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


metadata = MetaData()

# lineage, serial, schema version, created, and when the state of a killed run was found lost (I9).
meta = Table("meta", metadata, Column("k", Text, primary_key=True), Column("v", Text, nullable=False))

tenant_lock = Table(
    "tenant_lock",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("fence", BigInteger, nullable=False),
    Column("lock_id", Text),
    Column("holder", Text),
    Column("host", Text),
    Column("pid", Integer),
    Column("since", Text),
    Column("what", Text),
)

plan_run = Table(
    "plan_run",
    metadata,
    Column("plan_id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("lineage", Text, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("started", Text, nullable=False),
    Column("finished", Text),
    # The plan file's text, so that an interrupted apply can be finished without the file.
    Column("plan_text", Text, nullable=False),
    CheckConstraint(_one_of("status", RunState), name="plan_run_status_known"),
)

op = Table(
    "op",
    metadata,
    Column("plan_id", Text, ForeignKey("plan_run.plan_id"), nullable=False),
    Column("tenant", Text, nullable=False),
    Column("slot", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("address", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # What the PSA can be searched by for this record: its serial number, or a product's vendor SKU.
    Column("token", Text),
    Column("before_json", Text),
    Column("after_json", Text),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("deadline", Text),
    Column("request_sha256", Text),
    Column("remote_id", Text),
    Column("remote_seen_json", Text),
    Column("note", Prose),
    PrimaryKeyConstraint("plan_id", "slot"),
    UniqueConstraint("plan_id", "address", name="one_op_an_address"),
    CheckConstraint(_one_of("state", State), name="op_state_known"),
    CheckConstraint("attempt >= 0", name="op_attempt_counts"),
    # I4: an open op without a deadline could never be settled.
    CheckConstraint(f"NOT ({_one_of('state', OPEN)}) OR deadline IS NOT NULL", name="open_op_has_deadline"),
)

# I1: at most one open op per slot, over all plans.
Index(
    "one_open_op",
    op.c.tenant,
    op.c.slot,
    unique=True,
    sqlite_where=text(_one_of("state", OPEN)),
    postgresql_where=text(_one_of("state", OPEN)),
)

op_event = Table(
    "op_event",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("plan_id", Text, nullable=False, index=True),
    Column("slot", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("from_state", Text),
    Column("to_state", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("http_status", Integer),
    Column("detail", Prose),
)

incident = Table(
    "incident",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("plan_id", Text),
    Column("slot", Text),
    Column("at", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("detail", Prose),
)

# Messages to receivers, put in with the run that they tell of and sent later. Without a body: nothing was to be told.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("sent_at", Text),
    # The others since version 3. The id under which the receiver knows it: the same each time it is sent.
    Column("message", Text, nullable=False, server_default=""),
    Column("program", Text, nullable=False, server_default=""),
    # What the mapping calls the receiver; never its address.
    Column("receiver", Text, nullable=False, server_default=""),
    Column("month", Text, nullable=False, server_default=""),
    Column("about", Text, nullable=False, server_default=""),
    Column("content", Text, nullable=False, server_default=""),
    Column("subject", Text, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", Text),
    Column("error", Text),
)

# At most one message of a program, kind and receiver about the same thing.
one_message = Index(
    "one_message",
    outbox.c.program,
    outbox.c.kind,
    outbox.c.receiver,
    outbox.c.about,
    unique=True,
    sqlite_where=text("message <> ''"),
    postgresql_where=text("message <> ''"),
)

# One row for each command that planned or wrote. `finished` and `status` stay empty where it was killed.
run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("target", Text),
    Column("started", Text, nullable=False),
    Column("finished", Text),
    Column("status", Text),
    Column("month", Text),
    Column("digest", Text),
    Column("plan_id", Text),
    Column("who", Text, nullable=False),
    Column("counts_json", Text, nullable=False),
    Column("coverage_json", Text, nullable=False),
    Column("findings_json", Text, nullable=False),
    Column("customers_json", Text, nullable=False),
    # Since version 2. The status of each program that the run was about as a whole (P59).
    Column("programs_json", Text, nullable=False, server_default="{}"),
    # Since version 2. Which rows of `kept_text` say how each subscription ended (P61); empty where nothing was to say.
    Column("subscriptions", Text),
    CheckConstraint("kind IN ('plan', 'apply', 'resume')", name="run_kind_known"),
    CheckConstraint(
        "status IS NULL OR status IN ('No Change', 'Success', 'Warning', 'Error')", name="run_status_known"
    ),
)

# What runs rested on (version 2): files in bundles, each file once; texts of many lines, most as what differs from the
# text before; and per run, which of them. `store.kept` writes and reads them.
kept_bundle = Table(
    "kept_bundle",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("packed", LargeBinary, nullable=False),
)

kept_file = Table(
    "kept_file",
    metadata,
    # Of the file's bytes as they lay on the disk, in hexadecimal.
    Column("sha256", Text, primary_key=True),
    Column("bundle", Integer, ForeignKey("kept_bundle.id"), nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
)

kept_text = Table(
    "kept_text",
    metadata,
    # Of the whole text, so that one that comes again is not kept again.
    Column("sha256", Text, primary_key=True),
    # The text that this one is written as a difference from; empty where it is whole.
    Column("base", Text, ForeignKey("kept_text.sha256")),
    Column("depth", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("packed", LargeBinary, nullable=False),
)

kept_run = Table(
    "kept_run",
    metadata,
    Column("run", Integer, ForeignKey("run.id"), primary_key=True, autoincrement=False),
    Column("files", Text, ForeignKey("kept_text.sha256"), nullable=False),
    Column("observation", Text, ForeignKey("kept_text.sha256"), nullable=False),
    Column("request_json", Text, nullable=False),
    # When the state was read for what had been applied by then.
    Column("read_at", Text, nullable=False),
)

# The large ones: a copy of the database before each apply leaves them out.
KEPT_CONTENT = (kept_bundle, kept_file, kept_text, kept_run)
