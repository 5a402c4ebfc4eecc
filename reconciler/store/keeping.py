"""Housekeeping of the state database: everything in it as JSON lines, and the name of a holder that is gone."""

import base64
import json
from collections.abc import Iterator

from sqlalchemy import select, update

from reconciler.store import schema
from reconciler.store.database import Store
from reconciler.store.errors import StateLocked, StoreError


def exported(store: Store) -> Iterator[str]:
    """Every row of every table as one JSON object a line, with the table's name under `table`; oldest first. What is
    kept packed is written in base64.
    """
    with store.reading() as connection:
        for table in schema.metadata.sorted_tables:
            for row in connection.execute(select(table).order_by(*table.primary_key.columns)):
                yield json.dumps(
                    {"table": table.name, **row._asdict()}, ensure_ascii=False, sort_keys=True, default=_text
                )


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"a column holds a {type(value).__name__}")


def unlock(store: Store, lock_id: str) -> str:
    """Takes the name of a holder that is gone out of the state; returns a sentence. Its lock fell when it ended.

    Raises StateLocked while the holder lives, StoreError where no holder has that lock id.
    """
    holder = store.backend.standing(store.engine).holder
    locks = schema.tenant_lock
    with store.reading() as connection:
        named = connection.execute(select(locks.c.tenant).where(locks.c.lock_id == lock_id)).first()
    if named is None and (holder is None or holder.lock_id != lock_id):
        raise StoreError(f"no run has the lock id {lock_id}", "see: reconciler status")
    try:
        store.backend.forget_holder(store.engine)
    except StateLocked as error:
        who = holder or "a process that has not said its name yet"
        first = f"end process {holder.pid} on {holder.host} first" if holder else "try again in a moment"
        raise StateLocked(f"the state is locked by {who}, which is alive", first) from error
    with store.writing() as connection:
        connection.execute(
            update(locks)
            .where(locks.c.lock_id == lock_id)
            .values(lock_id=None, holder=None, host=None, pid=None, since=None, what=None)
        )
    return f"The lock {lock_id} is taken away. What its run left open is finished with: reconciler resume"
