"""To the wire: what is sent for a write, and whether what came back is what was sent.

Days are midnight UTC, money and quantities are decimals (`exact_json` writes them digit by digit), references are ids.
A PATCH is an array of operations on bare member names; a reference is replaced whole.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from reconciler.domain.money import plain
from reconciler.domain.plan import AdditionValues, ProductValues
from reconciler.targets.base import Refused

Members = dict[str, Any]

_SERIAL_NUMBER_LENGTH = 50
_VENDOR_SKU_LENGTH = 50
_TEXT_LENGTH = 6000
# Members that ConnectWise fills itself where we have nothing to say; they are never removed.
_LEFT_TO_PSA = frozenset({"invoiceDescription", "taxableFlag"})
# Stored text has no line ends and no tabs: what is sent without them comes back unchanged.
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class ProductPlace:
    """Where in the catalogue a created product belongs: ids of subcategory, type and unit of measure."""

    subcategory: int
    type: int
    unit_of_measure: int


def number(record: str | None) -> int:
    """A record's id as ConnectWise writes it. Raises Refused for what cannot be one, so that it never reaches a URL."""
    if record is None or not (record.isascii() and record.isdecimal()):
        raise Refused(f"'{record}' is not the number of a ConnectWise record", code="record-number")
    return int(record)


def addition_members(values: AdditionValues) -> Members:
    """The members of an addition that are ours. An empty description is left to ConnectWise, which has one.

    Raises Refused for a serial number that ConnectWise would not give back as it was sent: cut short or respaced, it
    would name another subscription, and the addition would not be found again.
    """
    return {
        "product": {"id": number(values.product_id)},
        "quantity": values.quantity,
        "unitPrice": values.unit_price,
        "unitCost": values.unit_cost,
        "effectiveDate": _midnight(values.effective),
        "cancelledDate": _midnight(values.cancelled) if values.cancelled else None,
        "serialNumber": _serial_number(values.serial_number),
        "invoiceDescription": _cut(values.description, _TEXT_LENGTH) or None,
    }


def product_members(values: ProductValues) -> Members:
    """The members of a catalogue item that are ours, but for its place in the catalogue.

    Raises Refused for a Vendor SKU that would not fit.
    """
    return {
        "identifier": values.identifier,
        "description": values.description,
        "customerDescription": _cut(values.name, _TEXT_LENGTH),
        "price": values.price,
        "cost": values.cost,
        "vendorSku": _fitting("vendorSku", values.vendor_sku, _VENDOR_SKU_LENGTH),
        "taxableFlag": values.taxable,
    }


def place_members(place: ProductPlace) -> Members:
    """The members of a catalogue item that say where it belongs."""
    return {
        "subcategory": {"id": place.subcategory},
        "type": {"id": place.type},
        "unitOfMeasure": {"id": place.unit_of_measure},
    }


def body(members: Members) -> Members:
    """What a POST sends: the members that have a value."""
    return {name: value for name, value in members.items() if value is not None}


def patch(before: Members, after: Members) -> list[Members]:
    """The operations that lead from one to the other; a member that loses its value is removed, but for those that are
    then ConnectWise's to fill: they stay as they are.
    """
    return [_operation(name, after[name]) for name in _changed(before, after)]


def patched(before: Members, after: Members) -> Members:
    """The members that a PATCH changes, with the value that each is to have."""
    return {name: after[name] for name in _changed(before, after)}


def differences(sent: Members, answer: Mapping[str, Any]) -> tuple[str, ...]:
    """The members of an answer that are not what was sent, as `name: sent … , came back …`.

    Differences of form alone are none: 2 and 2.0, a day with or without its midnight, space between words.
    """
    return tuple(
        f"{name}: sent {_shown(value)}, came back {_shown(answer.get(name))}"
        for name, value in sent.items()
        if _plain(value) != _plain(answer.get(name))
    )


def _changed(before: Members, after: Members) -> Iterator[str]:
    for name, value in after.items():
        if value != before[name] and not (value is None and name in _LEFT_TO_PSA):
            yield name


def _operation(name: str, value: Any) -> Members:
    if value is None:
        return {"op": "remove", "path": name}
    return {"op": "replace", "path": name, "value": value}


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _serial_number(text: str | None) -> str | None:
    stripped = (text or "").strip()
    if _CONTROL.search(stripped):
        raise Refused(
            f"{stripped!r} cannot be a serial number in ConnectWise, which stores no line ends and tabs",
            code="serial-number",
            fields=("serialNumber",),
        )
    return _fitting("serialNumber", stripped, _SERIAL_NUMBER_LENGTH) or None


def _fitting(name: str, text: str | None, most: int) -> str | None:
    if text is not None and _units(text) > most:
        raise Refused(
            f"'{text}' has {_units(text)} characters; ConnectWise's {name} takes {most}",
            code="too-long",
            fields=(name,),
        )
    return text


def _cut(text: str, most: int) -> str:
    """The text in one line, cut at a word to what ConnectWise takes; it counts as .NET does, in UTF-16 units."""
    line = _SPACE.sub(" ", text).strip()
    if _units(line) <= most:
        return line
    kept = line.encode("utf-16-le", "replace")[: 2 * most].decode("utf-16-le", "ignore")
    return kept.rpartition(" ")[0] or kept


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _plain(value: Any) -> Any:
    """A value without what is only form."""
    if isinstance(value, Mapping):
        return _plain(value.get("id"))
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | Decimal):
        return Decimal(value)
    text = _SPACE.sub(" ", str(value)).strip()
    return text.removesuffix("T00:00:00Z") or None


def _shown(value: Any) -> str:
    shown = _plain(value)
    if isinstance(shown, Decimal):
        return plain(shown)
    return "nothing" if shown is None else f"'{str(shown)[:80]}'"
