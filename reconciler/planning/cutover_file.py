"""The cut-over's report as members of the plan file, and back."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from reconciler.domain.handover import Fate, HandOver, Successor
from reconciler.domain.money import plain


def hand_over_members(row: HandOver) -> dict[str, Any]:
    """One old record, as the plan file writes it."""
    return {
        "customer": row.customer,
        "product": row.product,
        "product_name": row.product_name,
        "fate": row.fate.value,
        "record": row.record,
        "agreement": row.agreement,
        "agreement_name": row.agreement_name,
        "quantity": plain(row.quantity),
        "unit_price": plain(row.unit_price),
        "effective": row.effective.isoformat(),
        "serial_number": row.serial_number,
        "last": row.last.isoformat() if row.last else None,
        "day": row.day.isoformat() if row.day else None,
        "why": row.why,
        "successors": [_successor(each) for each in row.successors],
    }


def _successor(successor: Successor) -> dict[str, Any]:
    return {
        "subscription": successor.subscription,
        "quantity": plain(successor.quantity),
        "unit_price": plain(successor.unit_price),
        "effective": successor.effective.isoformat(),
        "address": successor.address,
    }


def read_hand_overs(rows: Iterable[Mapping[str, Any]]) -> tuple[HandOver, ...]:
    """The old records of a plan file."""
    return tuple(HandOver(**{**row, **_read(row)}) for row in rows)


def _read(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fate": Fate(row["fate"]),
        "quantity": Decimal(row["quantity"]),
        "unit_price": Decimal(row["unit_price"]),
        "effective": date.fromisoformat(row["effective"]),
        "last": _day(row["last"]),
        "day": _day(row["day"]),
        "successors": tuple(
            Successor(
                subscription=each["subscription"],
                quantity=Decimal(each["quantity"]),
                unit_price=Decimal(each["unit_price"]),
                effective=date.fromisoformat(each["effective"]),
                address=each["address"],
            )
            for each in row["successors"]
        ),
    }


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
