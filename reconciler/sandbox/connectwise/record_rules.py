"""What the PSA fills in and refuses for agreements, products, companies and callbacks."""

from datetime import date
from decimal import Decimal

from reconciler.sandbox.connectwise import billing
from reconciler.sandbox.connectwise.errors import FieldError
from reconciler.sandbox.connectwise.world import World
from reconciler.sandbox.store import Record


def default_id(world: World, kind: str) -> int | None:
    """The lookup record marked as default, else the first one."""
    rows = world.store.all(kind)
    marked = [row for row in rows if row.get("defaultFlag")]
    return next((int(row["id"]) for row in [*marked, *rows]), None)


def complete_agreement(world: World, agreement: Record, before: Record | None) -> None:
    """Start, billing start and cycle; the next invoice is for the month in which billing starts."""
    agreement["startDate"] = agreement.get("startDate") or world.today.isoformat()
    agreement["billStartDate"] = agreement.get("billStartDate") or agreement["startDate"]
    agreement["noEndingDateFlag"] = not agreement.get("endDate")
    if agreement.get("billingCycle") is None:
        agreement["billingCycle"] = _cycle(world, agreement)
    parent = world.store.get("agreement", agreement["parentAgreement"]) if _has_parent(agreement) else None
    if parent is not None:
        agreement["nextInvoiceDate"] = parent["nextInvoiceDate"]
    elif before is not None:
        agreement["nextInvoiceDate"] = before["nextInvoiceDate"]
    elif not agreement.get("nextInvoiceDate"):
        starts = billing.month_start(date.fromisoformat(agreement["billStartDate"]))
        agreement["nextInvoiceDate"] = starts.isoformat()


def _cycle(world: World, agreement: Record) -> int | None:
    if not agreement.get("billOneTimeFlag"):
        return default_id(world, "billing_cycle")
    cycles = world.store.all("billing_cycle")
    return next((row["id"] for row in cycles if row.get("billingOptions") == "NotRecurring"), None)


def agreement_rules(world: World, agreement: Record, before: Record | None) -> list[FieldError]:
    """A parent is another agreement without a parent of its own; an end is not before the start."""
    errors = []
    parent = world.store.get("agreement", agreement["parentAgreement"]) if _has_parent(agreement) else None
    if parent and (parent["id"] == agreement.get("id") or _has_parent(parent)):
        errors.append(FieldError("InvalidField", "A child agreement cannot be a parent.", "parentAgreement/id"))
    end = agreement.get("endDate")
    if end and end < agreement["startDate"]:
        errors.append(FieldError("InvalidField", "endDate cannot be before startDate", "endDate"))
    return errors


def _has_parent(agreement: Record) -> bool:
    return isinstance(agreement.get("parentAgreement"), int)


def complete_product(world: World, product: Record, before: Record | None) -> None:
    """The category follows from the subcategory; the unit, price and cost have defaults."""
    subcategory = product.get("subcategory")
    if isinstance(subcategory, int):
        product["category"] = (world.store.get("subcategory", subcategory) or {}).get("category")
    if product.get("unitOfMeasure") is None:
        product["unitOfMeasure"] = default_id(world, "unit")
    for name in ("price", "cost"):
        if product.get(name) is None:
            product[name] = Decimal("0.0")


def product_rules(world: World, product: Record, before: Record | None) -> list[FieldError]:
    """The identifier is its own; lookups that became inactive take no new products (inferred)."""
    errors = _duplicate(world, "product", product)
    for name, kind in (("subcategory", "subcategory"), ("type", "product_type"), ("unitOfMeasure", "unit")):
        chosen = product.get(name)
        if not isinstance(chosen, int) or (before and before.get(name) == chosen):
            continue
        if (world.store.get(kind, chosen) or {}).get("inactiveFlag"):
            errors.append(FieldError("InvalidField", f"The {name} is inactive.", f"{name}/id"))
    return errors


def complete_company(world: World, company: Record, before: Record | None) -> None:
    """A company without a status gets the default one."""
    if company.get("status") is None:
        company["status"] = default_id(world, "company_status")


def company_rules(world: World, company: Record, before: Record | None) -> list[FieldError]:
    """The identifier is its own; a year is a year, as one shop's log shows."""
    errors = _duplicate(world, "company", company)
    year = company.get("yearEstablished")
    if year is not None and not 1900 <= year <= 9999:
        text = "The field yearEstablished must be between 1900 and 9999."
        errors.append(FieldError("OutOfRange", text, "yearEstablished"))
    return errors


def callback_rules(world: World, callback: Record, before: Record | None) -> list[FieldError]:
    """Two callbacks for the same thing are one too many."""
    same = ("url", "type", "level", "objectId")
    for other in world.store.all("callback"):
        if other["id"] != callback.get("id") and all(other.get(n) == callback.get(n) for n in same):
            return [FieldError("ObjectExists", "A matching callback entry already exists", "url")]
    return []


def _duplicate(world: World, kind: str, record: Record) -> list[FieldError]:
    if world.switches.duplicate_identifier == "allow" or not record.get("identifier"):
        return []
    wanted = record["identifier"].casefold()
    for other in world.store.all(kind):
        if other["id"] != record.get("id") and str(other.get("identifier", "")).casefold() == wanted:
            text = f"A record with the identifier {record['identifier']} already exists."
            return [FieldError("ObjectExists", text, "identifier")]
    return []
