"""ConnectWise's audit trail of an addition: who changed it, and when (`GET /system/audittrail`).

The vendor documents the members of an entry and not what is in them: `text` is prose, `enteredDate` has no stated form,
and the order of the list is not given. So an entry is taken to speak of a field where it names that field as the API
does, and where it names it otherwise, nothing is told. That is inferred.
"""

import re

from reconciler.domain.decision import RecordField
from reconciler.domain.drift import DriftKind, Trace
from reconciler.targets.base import TargetError
from reconciler.targets.connectwise.bodies import number
from reconciler.targets.connectwise.client import Client, Row

AUDIT_TRAIL = "/system/audittrail"
_LETTERS = re.compile(r"[^a-z]")
_WORDS: dict[RecordField | DriftKind, tuple[str, ...]] = {
    RecordField.QUANTITY: ("quantity",),
    RecordField.UNIT_PRICE: ("unitprice",),
    RecordField.UNIT_COST: ("unitcost",),
    RecordField.EFFECTIVE: ("effectivedate",),
    RecordField.CANCELLED: ("cancelleddate", "canceldate"),
    RecordField.SERIAL_NUMBER: ("serialnumber",),
    RecordField.PRODUCT: ("productid", "producthasbeen", "productchanged", "productfrom"),
    RecordField.DESCRIPTION: ("invoicedescription",),
    DriftKind.GONE: ("deleted",),
    DriftKind.CAME_IN: ("created",),
}


async def addition_trail(client: Client, record: str) -> tuple[Trace, ...]:
    """What the trail tells of an addition, oldest first as far as its dates can be compared. Raises TargetError."""
    rows = await client.numbered(AUDIT_TRAIL, {"type": "AgreementAddition", "id": str(number(record))})
    traces = [_trace(row) for row in rows]
    # Dates of one form sort as text; without any, the order in which ConnectWise tells them is kept.
    return tuple(sorted(traces, key=lambda trace: trace.at or ""))


def _trace(row: Row) -> Trace:
    text = _text(row, "text")
    if text is None:
        raise TargetError("an entry of ConnectWise's audit trail has no text")
    letters = _LETTERS.sub("", text.casefold())
    about = frozenset(what for what, words in _WORDS.items() if any(word in letters for word in words))
    return Trace(_text(row, "enteredBy"), _text(row, "enteredDate"), text, about)


def _text(row: Row, name: str) -> str | None:
    value = row.get(name)
    return value.strip() or None if isinstance(value, str) else None
