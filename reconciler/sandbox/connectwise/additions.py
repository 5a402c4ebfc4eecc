"""The rules and the computed members of an addition, and its view as a charge."""

from datetime import date
from decimal import Decimal

from reconciler.sandbox.connectwise import billing
from reconciler.sandbox.connectwise.billing import Charge, Policy, Terms
from reconciler.sandbox.connectwise.errors import FieldError
from reconciler.sandbox.connectwise.world import World
from reconciler.sandbox.store import Record

PERIOD_INVOICED = (
    "Since this period has already been invoiced there will not be an invoice generated for additional products "
    "for this period. Please prorate the agreement or update the start date to on or after the Next Invoice Date."
)
BEFORE_BILLING = "effectiveDate cannot be less than the agreement billing start date"

FIXED_ONCE_INVOICED = ("quantity", "unitPrice", "unitCost", "effectiveDate")


def next_invoice_day(agreement: Record) -> date:
    """The day its next invoice is for; every day before it is invoiced. A child's is its parent's, always."""
    return date.fromisoformat(agreement["nextInvoiceDate"])


def policy(world: World) -> Policy:
    """The billing policy that the switches stand for."""
    switches = world.switches
    return Policy(switches.cancellation_credit, switches.cancelled_day == "last-billed", switches.rounding)


def is_one_time(world: World, agreement: Record) -> bool:
    """Whether it bills once: by its flag, or by a billing cycle that does not recur."""
    cycle = world.store.get("billing_cycle", agreement.get("billingCycle")) or {}
    return bool(agreement.get("billOneTimeFlag")) or cycle.get("billingOptions") == "NotRecurring"


def terms(world: World, agreement: Record) -> Terms:
    """What the agreement says about billing. The last day is its end, or the day it was cancelled."""
    ends = [agreement.get("endDate")]
    if agreement.get("cancelledFlag"):
        ends.append(agreement.get("dateCancelled"))
    days = [date.fromisoformat(end) for end in ends if end]
    return Terms(bool(agreement.get("prorateFlag")), is_one_time(world, agreement), min(days, default=None))


def charge(addition: Record) -> Charge:
    """The addition as billing sees it."""
    cancelled = addition.get("cancelledDate")
    return Charge(
        quantity=_billed_quantity(addition),
        unit_price=addition.get("unitPrice") or Decimal(0),
        effective=date.fromisoformat(addition["effectiveDate"]),
        cancelled=date.fromisoformat(cancelled) if cancelled else None,
        treatment=addition["billCustomer"],
        first_open=date.fromisoformat(addition["firstOpen"]),
    )


def ledger(world: World, addition_id: int) -> billing.Ledger:
    """What was billed for the addition by month; empty when it was never invoiced."""
    months: dict[str, Decimal] = {}
    for entry in (world.store.get("ledger", addition_id) or {}).get("entries", ()):
        months[entry["month"]] = months.get(entry["month"], billing.ZERO) + entry["amount"]
    return months


def _billed_quantity(addition: Record) -> Decimal:
    return Decimal((addition.get("quantity") or 0) - (addition.get("lessIncluded") or 0))


def computed(world: World, addition: Record) -> Record:
    """The members that the PSA works out: names, extended amounts, and the first part period's prices.

    `prorate…` are given while the agreement prorates: unit amounts for the days from the effective date to its
    month's end, the full ones when it begins on the first.
    """
    agreement = world.store.get("agreement", addition["agreementId"]) or {}
    product = world.store.get("product", addition["product"]) or {}
    unit = world.store.get("unit", product.get("unitOfMeasure")) or {}
    quantity = addition.get("quantity") or Decimal(0)
    price, cost = addition.get("unitPrice") or Decimal(0), addition.get("unitCost") or Decimal(0)
    members = {
        "agreementId": addition["agreementId"],
        "description": product.get("description"),
        "billedQuantity": _billed_quantity(addition),
        "uom": unit.get("name"),
        "extPrice": billing.cents(quantity * price),
        "extCost": billing.cents(quantity * cost),
        "margin": billing.cents(quantity * price) - billing.cents(quantity * cost),
        "agreementStatus": agreement_status(world, agreement),
    }
    if agreement.get("prorateFlag"):
        members |= _first_period(world, addition, quantity, price, cost)
    return members


def _first_period(world: World, addition: Record, quantity: Decimal, price: Decimal, cost: Decimal) -> Record:
    effective = date.fromisoformat(addition["effectiveDate"])
    end = billing.month_end(effective)
    days, rules = (end - effective).days + 1, policy(world)
    return {
        "proratePrice": billing.prorated_unit(price, effective),
        "prorateCost": billing.prorated_unit(cost, effective),
        "extendedProratePrice": billing.extended(quantity, price, days, end.day, rules),
        "extendedProrateCost": billing.extended(quantity, cost, days, end.day, rules),
    }


def agreement_status(world: World, agreement: Record) -> str:
    """Cancelled by its flag, Expired after its end, else Active."""
    if agreement.get("cancelledFlag"):
        return "Cancelled"
    end = agreement.get("endDate")
    return "Expired" if end and end < world.today.isoformat() else "Active"


def agreement_computed(world: World, agreement: Record) -> Record:
    """The members of an agreement that the PSA works out."""
    return {
        "nextInvoiceDate": agreement.get("nextInvoiceDate"),
        "agreementStatus": agreement_status(world, agreement),
    }


def complete(world: World, addition: Record, before: Record | None) -> None:
    """Fills what a client may leave out: prices from the catalogue, today as the first day (both inferred)."""
    product = world.store.get("product", addition.get("product")) if _is_id(addition.get("product")) else None
    for name, source in (("unitPrice", "price"), ("unitCost", "cost")):
        if addition.get(name) is None:
            addition[name] = (product or {}).get(source) or Decimal("0.0")
    if not addition.get("effectiveDate"):
        addition["effectiveDate"] = before["effectiveDate"] if before else world.today.isoformat()
    if addition.get("sequenceNumber") is None:
        siblings = world.store.under("addition", addition["agreementId"])
        highest = max((row.get("sequenceNumber") or Decimal(0) for row in siblings), default=Decimal(0))
        addition["sequenceNumber"] = (before or {}).get("sequenceNumber") or highest + Decimal("1.0")
    if before is None:
        agreement = world.store.get("agreement", addition["agreementId"]) or {}
        addition["firstOpen"] = next_invoice_day(agreement).isoformat()


def rules(world: World, addition: Record, before: Record | None) -> list[FieldError]:
    """What is wrong with an addition that is to be stored; `before` is the stored one, None for a new one."""
    agreement = world.store.get("agreement", addition["agreementId"]) or {}
    return [
        *_product_errors(world, addition, before),
        *_date_errors(world, agreement, addition, before),
        *_quantity_errors(world, addition),
        *_invoiced_errors(world, addition, before),
    ]


def _is_id(value: object) -> bool:
    return isinstance(value, int)


def _product_errors(world: World, addition: Record, before: Record | None) -> list[FieldError]:
    if not _is_id(addition.get("product")) or (before and before["product"] == addition["product"]):
        return []
    product = world.store.get("product", addition["product"]) or {}
    errors = []
    if product.get("productClass") == "Bundle":
        errors.append(FieldError("InvalidField", "A bundle cannot be added to an agreement.", "product/id"))
    if product.get("inactiveFlag"):
        # Inferred: that inactive products are refused for new rows stands in no document.
        errors.append(FieldError("InvalidField", "The product is inactive.", "product/id"))
    return errors


def _date_errors(world: World, agreement: Record, addition: Record, before: Record | None) -> list[FieldError]:
    effective, cancelled = addition["effectiveDate"], addition.get("cancelledDate")
    errors = []
    starts = agreement.get("billStartDate")
    if starts and effective < starts:
        errors.append(FieldError("InvalidField", BEFORE_BILLING, "effectiveDate"))
    moved = before is None or before["effectiveDate"] != effective
    if moved and _is_invoiced_period(world, agreement, effective):
        errors.append(FieldError("InvalidField", PERIOD_INVOICED, "effectiveDate"))
    if cancelled and cancelled < effective:
        # Inferred: no document says what an end before the beginning does.
        errors.append(FieldError("InvalidField", "cancelledDate cannot be before effectiveDate", "cancelledDate"))
    return errors


def _is_invoiced_period(world: World, agreement: Record, effective: str) -> bool:
    """Without proration a period that was invoiced takes no more rows. One-time billing has no periods (inferred)."""
    if agreement.get("prorateFlag") or is_one_time(world, agreement):
        return False
    return date.fromisoformat(effective) < next_invoice_day(agreement)


def _quantity_errors(world: World, addition: Record) -> list[FieldError]:
    if world.switches.negative_quantity or (addition.get("quantity") or 0) >= 0:
        return []
    return [FieldError("OutOfRange", "The field quantity must be 0 or more.", "quantity")]


def _invoiced_errors(world: World, addition: Record, before: Record | None) -> list[FieldError]:
    if before is None or world.switches.update_invoiced == "allow" or not ledger(world, addition["id"]):
        return []
    return [
        FieldError("InvalidField", f"{name} cannot be changed once the addition has been invoiced.", name)
        for name in FIXED_ONCE_INVOICED
        if (addition.get(name) or 0) != (before.get(name) or 0)
    ]
