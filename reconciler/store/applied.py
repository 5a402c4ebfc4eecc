"""What the last apply left in the PSA, record by record: the journal's confirmed ops, newest last.

Beside what was written, it knows what an admitted plan saw on the agreements that it wrote to, for the plan left those
records as they were on purpose: the first sight counts until the record is written, so that an edit by hand does not
become the measure by being seen.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, func, select

from reconciler.domain.drift import AppliedRecord
from reconciler.domain.plan import AdditionValues, Resource
from reconciler.store import schema
from reconciler.store.database import Store
from reconciler.store.history import RunKind
from reconciler.store.schema import State

# An agreement's id and a subscription's, in lower case.
_Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Admitted:
    """A plan that was admitted: when, and its file as JSON."""

    begun: datetime
    document: Mapping[str, Any]


def applied_records(store: Store, target: str, until: datetime | None = None) -> Mapping[str, AppliedRecord]:
    """The billing records of a target as the last apply left them, by the PSA's id. Nothing was applied: empty.

    A record that was ended has its last day, one that was deleted no values. `until` asks for what the journal knew at
    that moment. Raises StoreError.
    """
    with store.reading() as connection:
        plans = [plan for plan in _plans(connection, target) if until is None or plan.begun <= until]
        confirmed = _confirmed(connection, target, until)
        runs = _runs(connection)
    customers = {name: customer for plan in plans for name, customer in _customers(plan)}
    products = {(row.plan_id, row.address): row.remote_id for row in confirmed if row.resource == Resource.PRODUCT}
    records: dict[str, AppliedRecord] = {}
    for plan in plans:
        for seen in _seen(plan, customers):
            records.setdefault(seen.record, seen)
    for row in confirmed:
        if row.resource != Resource.ADDITION or not row.remote_id:
            continue
        after, before = _values(row.after_json), _values(row.before_json)
        if after is not None and after.product_id is None:
            after = replace(after, product_id=products.get((row.plan_id, after.product)))
        known = after or before
        if known is None:
            continue
        earlier = records.get(row.remote_id)
        if after and before and earlier and earlier.values:
            after = _with_prices_of(earlier.values, before, after)
        records[row.remote_id] = AppliedRecord(
            record=row.remote_id,
            agreement_id=known.agreement_id,
            customer=customers.get(_name(known.agreement_id, known.serial_number)),
            values=after,
            written=True,
            at=datetime.fromisoformat(row.at),
            run=_run_at(runs, row.plan_id, row.at),
        )
    return records


def _with_prices_of(earlier: AdditionValues, before: AdditionValues, after: AdditionValues) -> AdditionValues:
    """What an update left, with the prices that it did not write as they were last applied.

    A quantity or a day that somebody edited is made up for by the plan that was computed upon it (C8); a price that the
    plan left alone (C11) still is as that person set it, and goes on being told.
    """
    return replace(
        after,
        unit_price=after.unit_price if after.unit_price != before.unit_price else earlier.unit_price,
        unit_cost=after.unit_cost if after.unit_cost != before.unit_cost else earlier.unit_cost,
    )


# -- the journal


def _plans(connection: Connection, target: str) -> list[_Admitted]:
    plans = schema.plan_run.c
    rows = connection.execute(
        select(plans.plan_id, plans.started, plans.plan_text).where(plans.tenant == target).order_by(plans.serial)
    )
    return [_Admitted(datetime.fromisoformat(row.started), json.loads(row.plan_text)) for row in rows]


def _confirmed(connection: Connection, target: str, until: datetime | None) -> list[Row[Any]]:
    """The confirmed ops, each with the time at which it was, in the order in which they were."""
    ops, events = schema.op.c, schema.op_event.c
    by_then = [] if until is None else [events.at <= until.astimezone(UTC).isoformat(timespec="microseconds")]
    last = (
        select(events.plan_id, events.slot, func.max(events.id).label("id"))
        .where(events.to_state == State.CONFIRMED, events.from_state != State.CONFIRMED, *by_then)
        .group_by(events.plan_id, events.slot)
        .subquery()
    )
    return list(
        connection.execute(
            select(ops.plan_id, ops.address, ops.resource, ops.remote_id, ops.before_json, ops.after_json, events.at)
            .join(last, (ops.plan_id == last.c.plan_id) & (ops.slot == last.c.slot))
            .join(schema.op_event, events.id == last.c.id)
            .where(ops.tenant == target, ops.state == State.CONFIRMED)
            .order_by(events.id)
        )
    )


def _runs(connection: Connection) -> list[Row[Any]]:
    runs = schema.run.c
    return list(
        connection.execute(
            select(runs.id, runs.plan_id, runs.started)
            .where(runs.plan_id.is_not(None), runs.kind != RunKind.PLAN)
            .order_by(runs.id.desc())
        )
    )


def _run_at(runs: Iterable[Row[Any]], plan_id: str, at: str) -> int | None:
    """The run that confirmed an op of a plan: the last one that had begun by then."""
    return next((int(run.id) for run in runs if run.plan_id == plan_id and run.started <= at), None)


# -- the plan's text, whose digest was checked before it was admitted


def _customers(plan: _Admitted) -> Iterator[tuple[_Name, str]]:
    for change in plan.document.get("changes", ()):
        values, customer = change.get("after") or change.get("before") or {}, change.get("customer")
        if customer and values.get("serial_number"):
            yield _name(_id(change["agreement"]), values["serial_number"]), customer


def _seen(plan: _Admitted, customers: Mapping[_Name, str]) -> Iterator[AppliedRecord]:
    """The records that a plan saw on its agreements, of the subscriptions that are written there."""
    for address, records in plan.document.get("observed_records", {}).items():
        agreement_id = _id(address)
        for record, fields in records.items():
            customer = customers.get(_name(agreement_id, fields.get("serial_number")))
            if customer is None:
                continue
            values = _values_of({**fields, "agreement_id": agreement_id, "product": ""})
            yield AppliedRecord(record, agreement_id, customer, values, False, plan.begun, None)


def _id(address: str) -> str:
    return address.rsplit("/", 1)[-1]


def _name(agreement_id: str, serial_number: str | None) -> _Name:
    return agreement_id, (serial_number or "").strip().lower()


def _values(text: str | None) -> AdditionValues | None:
    return _values_of(json.loads(text)) if text else None


def _values_of(members: Mapping[str, Any]) -> AdditionValues:
    cancelled = members["cancelled"]
    return AdditionValues(
        agreement_id=members["agreement_id"],
        product=members["product"],
        product_id=members["product_id"],
        serial_number=members["serial_number"],
        quantity=Decimal(members["quantity"]),
        unit_price=Decimal(members["unit_price"]),
        unit_cost=Decimal(members["unit_cost"]),
        effective=date.fromisoformat(members["effective"]),
        cancelled=date.fromisoformat(cancelled) if cancelled else None,
        description=members.get("description", ""),
    )
