"""What the plan saw of the PSA, as a fingerprint, and whether it is still so: a stale plan is never applied."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache

from reconciler.domain.canonical import digest
from reconciler.domain.money import plain
from reconciler.domain.plan import Plan
from reconciler.domain.records import Addition, Agreement
from reconciler.targets.base import Target

# A record as the fingerprint sees it: the fields whose change would make the plan wrong, as text.
Fields = Mapping[str, str | None]


def seen(agreement: Agreement, additions: Iterable[Addition]) -> dict[str, Fields]:
    """What is kept of an agreement: its own billing fields under `agreement`, and each addition's under its id."""
    own = {
        "active": _flag(agreement.active),
        "prorates": _flag(agreement.prorates),
        "calendar_months": _flag(agreement.calendar_months),
        "start": _day(agreement.start),
        "end": _day(agreement.end),
        "billing_start": _day(agreement.billing_start),
        "next_invoice": _day(agreement.next_invoice),
        "currency": agreement.currency,
    }
    return {"agreement": own} | {addition.id: _addition(addition) for addition in additions}


def _addition(addition: Addition) -> Fields:
    return {
        "product_id": addition.product_id,
        "quantity": plain(addition.quantity),
        "unit_price": plain(addition.unit_price),
        "unit_cost": plain(addition.unit_cost),
        "effective": _day(addition.effective),
        "cancelled": _day(addition.cancelled),
        "serial_number": addition.serial_number,
    }


# Records of all customers share their few days.
@lru_cache(maxsize=4096)
def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _flag(value: bool) -> str:
    return str(value).lower()


def fingerprint(records: Mapping[str, Fields]) -> str:
    """The hash of what was seen of an agreement."""
    return digest(records)


async def observe_again(plan: Plan, target: Target) -> tuple[str, ...]:
    """Reads the plan's touched agreements again; a sentence for each difference, none where the plan still holds.

    Raises TargetError where the PSA cannot be read.
    """
    addresses = sorted(plan.observed)
    reads = [target.read_agreement(address.rsplit("/", 1)[-1]) for address in addresses]
    now = await asyncio.gather(*reads)
    sentences: list[str] = []
    for address, (agreement, additions) in zip(addresses, now, strict=True):
        records = seen(agreement, additions)
        if fingerprint(records) != plan.observed[address]:
            sentences += _differences(address, plan.observed_records.get(address, {}), records)
    return tuple(sentences)


def _differences(address: str, before: Mapping[str, Fields], now: Mapping[str, Fields]) -> list[str]:
    from deepdiff import DeepDiff  # noqa: PLC0415 -- heavy, and loaded only when there is a difference to tell

    found = DeepDiff(
        {name: dict(fields) for name, fields in before.items()},
        {name: dict(fields) for name, fields in now.items()},
        view="tree",
    )
    sentences = []
    for items in found.values():
        for item in items:
            record, *rest = item.path(output_format="list")
            named = address if record == "agreement" else f"{address}: record {record}"
            if rest:
                sentences.append(f"{named}: {rest[0]} was {item.t1 or 'empty'}, is now {item.t2 or 'empty'}")
            else:
                # A whole record is only on one side: deepdiff has no value for the other.
                sentences.append(f"{named} {'is new' if str(item.t1) == 'not present' else 'is gone'}")
    return sorted(sentences)
