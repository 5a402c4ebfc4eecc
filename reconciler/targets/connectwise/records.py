"""From the wire: ConnectWise's records as the domain's values.

Unknown members are ignored, and a member whose value is null may be missing (2025 servers leave it out, older ones
write it). A member that is there and cannot be what it says is an error that names record and member: nothing is
guessed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from reconciler.domain.records import Addition, Agreement, Product
from reconciler.targets.base import TargetError

# What is asked for with `fields`: what the domain needs, and nothing more.
AGREEMENT_FIELDS = (
    "id,name,company/id,company/identifier,company/name,parentAgreement/id,startDate,endDate,noEndingDateFlag,"
    "cancelledFlag,agreementStatus,prorateFlag,invoicingCycle,billingCycle/id,billingCycle/name,billOneTimeFlag,"
    "billStartDate,nextInvoiceDate,currency/currencyCode"
)
ADDITION_FIELDS = (
    "id,agreementId,product/id,quantity,lessIncluded,unitPrice,unitCost,billCustomer,effectiveDate,cancelledDate,"
    "serialNumber,invoiceDescription"
)
PRODUCT_FIELDS = "id,identifier,description,vendorSku,price,cost,inactiveFlag,taxableFlag"

# A calendar day comes as midnight UTC and means that day, in no time zone.
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|\+00:00)?)?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LARGEST = Decimal(10) ** 15
_LETTERS = re.compile(r"[^a-z]")
# The words of a billing cycle's billingOptions; its name is free text, but mostly one of these.
_NOT_RECURRING = frozenset({"notrecurring", "nonrecurring", "onetime"})
_CADENCES = (
    frozenset({"bimonthly", "biweekly", "monthly", "quarterly", "semiannual", "weekly", "yearly"}) | _NOT_RECURRING
)

_Read = TypeVar("_Read")


class Unreadable(TargetError):
    """A record holds something that cannot be what its member says."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the wire, and what messages call it. Every reader returns None for a member that is not there."""

    what: str
    members: Mapping[str, Any]

    def text(self, name: str) -> str | None:
        """A text without space around it; an empty one is None."""
        value = self._get(name, str, "a text")
        return (_SURROGATE.sub("\ufffd", value).strip() or None) if value is not None else None

    def flag(self, name: str) -> bool | None:
        """True or False."""
        value = self._get(name, bool, "True or False")
        return bool(value) if value is not None else None

    def id(self, name: str = "id") -> str | None:
        """A record's number, as text."""
        value = self._get(name, int, "a record's number")
        if value is None:
            return None
        if isinstance(value, bool) or value <= 0:
            raise self._unreadable(name, "a record's number")
        return str(value)

    def number(self, name: str) -> Decimal | None:
        """A decimal, with all the digits that it was sent with."""
        value = self._get(name, (int, Decimal), "a number")
        if value is None:
            return None
        if isinstance(value, bool) or abs(value) >= _LARGEST:
            raise self._unreadable(name, "a number of use")
        return Decimal(value)

    def day(self, name: str) -> date | None:
        """A calendar day."""
        value = self.text(name)
        if value is None:
            return None
        found = _DAY.fullmatch(value)
        try:
            return date.fromisoformat(found[1] if found else "")
        except ValueError:
            raise self._unreadable(name, "a day") from None

    def reference(self, name: str) -> "Record | None":
        """A reference to another record."""
        value = self._get(name, dict, "a reference")
        return Record(f"{self.what}: {name}", value) if value is not None else None

    def required(self, name: str, value: _Read | None) -> _Read:
        """What was read of a member that must be there."""
        if value is None:
            raise Unreadable(f"ConnectWise's {self.what} has no {name}")
        return value

    def _get(self, name: str, kinds: type | tuple[type, ...], wanted: str) -> Any:
        value = self.members.get(name)
        if value is not None and not isinstance(value, kinds):
            raise self._unreadable(name, wanted)
        return value

    def _unreadable(self, name: str, wanted: str) -> Unreadable:
        return Unreadable(
            f"ConnectWise's {self.what}: {name} is {str(self.members[name])[:60]!r}, which is not {wanted}"
        )


def agreement_of(record: Record, parents: Mapping[str, date | None], cadences: Mapping[str, str]) -> Agreement:
    """An agreement. `parents`: the next invoice date of each parent agreement by id, for a child is billed on its
    parent's invoice; `cadences`: what billing cycles mean, by id, where their names do not tell (`obscure_cycle`).

    Raises Unreadable, also for a child whose parent is not among `parents`.
    """
    number = record.required("id", record.id())
    company = record.required("company", record.reference("company"))
    parent = parent_of(record)
    if parent is not None and parent not in parents:
        raise Unreadable(
            f"ConnectWise's {record.what} is billed with its parent agreement {parent}, which is not there"
        )
    cancelled = bool(record.flag("cancelledFlag"))
    status = record.text("agreementStatus") or ("Cancelled" if cancelled else "Active")
    cadence = _cadence(record, cadences)
    one_time = bool(record.flag("billOneTimeFlag")) or cadence in _NOT_RECURRING
    calendar_year, monthly = record.text("invoicingCycle") == "CalendarYear", one_time or cadence in ("monthly", "")
    return Agreement(
        id=number,
        name=record.required("name", record.text("name")),
        company_id=company.required("id", company.id()),
        company=company.text("identifier") or company.text("name") or "",
        active=status == "Active" and not cancelled,
        status="Cancelled" if cancelled else status,
        prorates=bool(record.flag("prorateFlag")),
        calendar_months=calendar_year and monthly,
        one_time=one_time,
        start=record.day("startDate"),
        end=None if record.flag("noEndingDateFlag") else record.day("endDate"),
        billing_start=record.day("billStartDate"),
        next_invoice=record.day("nextInvoiceDate") if parent is None else parents[parent],
        currency=_currency(record),
        parent=parent,
        cycle=_cycle_name(record) if calendar_year and not monthly else "" if calendar_year else "contract year",
    )


def parent_of(record: Record) -> str | None:
    """The id of an agreement's parent."""
    parent = record.reference("parentAgreement")
    return parent.id() if parent else None


def obscure_cycle(record: Record) -> str | None:
    """The id of an agreement's billing cycle where its name is none of the words that ConnectWise itself uses."""
    cycle = record.reference("billingCycle")
    if cycle is None or record.flag("billOneTimeFlag"):
        return None
    return None if _word(cycle.text("name")) in _CADENCES else cycle.id()


def addition_of(record: Record, agreement_id: str) -> Addition:
    """An addition of an agreement. Raises Unreadable."""
    product = record.required("product", record.reference("product"))
    return Addition(
        id=record.required("id", record.id()),
        agreement_id=agreement_id,
        product_id=product.required("id", product.id()),
        quantity=record.required("quantity", record.number("quantity")),
        unit_price=record.required("unitPrice", record.number("unitPrice")),
        unit_cost=record.number("unitCost") or Decimal(0),
        effective=record.required("effectiveDate", record.day("effectiveDate")),
        cancelled=record.day("cancelledDate"),
        serial_number=record.text("serialNumber"),
        description=record.text("invoiceDescription") or "",
        bills=record.text("billCustomer") == "Billable",
        included=record.number("lessIncluded") or Decimal(0),
    )


def product_of(record: Record) -> Product:
    """A catalogue item. Raises Unreadable."""
    return Product(
        id=record.required("id", record.id()),
        identifier=record.required("identifier", record.text("identifier")),
        vendor_sku=record.text("vendorSku"),
        description=record.text("description") or "",
        price=record.number("price") or Decimal(0),
        cost=record.number("cost") or Decimal(0),
        active=not record.flag("inactiveFlag"),
        taxable=record.flag("taxableFlag"),
    )


def _cadence(record: Record, cadences: Mapping[str, str]) -> str:
    cycle = record.reference("billingCycle")
    if cycle is None:
        return ""
    told = cadences.get(cycle.id() or "")
    return _word(told if told is not None else cycle.text("name"))


def _cycle_name(record: Record) -> str:
    cycle = record.reference("billingCycle")
    return f"billing cycle '{(cycle.text('name') if cycle else None) or 'without a name'}'"


def _word(text: str | None) -> str:
    return _LETTERS.sub("", (text or "").casefold())


def _currency(record: Record) -> str | None:
    currency = record.reference("currency")
    code = currency.text("currencyCode") if currency else None
    return code if code and _CURRENCY.fullmatch(code) else None
