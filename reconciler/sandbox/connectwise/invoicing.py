"""Making invoices, and taking one back. The months move on here, and nowhere else."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from reconciler.sandbox.connectwise import additions, billing
from reconciler.sandbox.connectwise.agreement_tables import INVOICE
from reconciler.sandbox.connectwise.errors import FieldError, in_use, invalid_object
from reconciler.sandbox.connectwise.world import ACTOR, World
from reconciler.sandbox.store import Record

PAYMENT_DAYS = 30


def invoice_agreement(world: World, agreement: Record) -> int:
    """Makes the invoice for the month that is next, with the children's additions; returns the invoice's id.

    The next invoice date moves to the first of the following month. A child agreement is refused (inferred):
    its additions stand on its parent's invoice.
    """
    if agreement.get("parentAgreement"):
        raise invalid_object(
            "agreement",
            [FieldError("InvalidField", "A child agreement is invoiced with its parent.", "parentAgreement")],
        )
    if agreement.get("cancelledFlag") and not agreement.get("dateCancelled"):
        raise invalid_object("agreement", [FieldError("InvalidField", "The agreement is cancelled.", "cancelledFlag")])
    _require_monthly(world, agreement)
    with world.store.writing():
        return _make(world, agreement)


def bill_through(world: World, month: date) -> list[int]:
    """Invoices every agreement month by month up to the given month (its first day), oldest month first.

    Left out, with their dates moved on all the same: months after the agreement's last day, and one-time
    agreements with nothing to bill.
    """
    made = []
    with world.store.writing():
        for agreement in list(world.store.all("agreement")):
            if agreement.get("parentAgreement"):
                continue
            made += _bill_one(world, agreement["id"], month)
    return made


def _require_monthly(world: World, agreement: Record) -> None:
    """Other cycles are kept but not invoiced here: a wrong invoice would be worse than none."""
    cycle = world.store.get("billing_cycle", agreement.get("billingCycle")) or {}
    if cycle.get("billingOptions") not in ("Monthly", "NotRecurring"):
        text = f"Agreement {agreement['id']} bills {cycle.get('name')}; this sandbox invoices monthly and once only."
        raise invalid_object("agreement", [FieldError("InvalidField", text, "billingCycle/id")])


def _bill_one(world: World, ident: int, month: date) -> list[int]:
    made = []
    agreement = world.store.get("agreement", ident) or {}
    _require_monthly(world, agreement)
    while (now := billing.month_start(date.fromisoformat(agreement["nextInvoiceDate"]))) <= month:
        if _is_worth_an_invoice(world, agreement, now):
            made.append(_make(world, agreement))
        else:
            _move_on(world, agreement, billing.next_month(now))
        agreement = world.store.get("agreement", ident) or {}
    return made


def _is_worth_an_invoice(world: World, agreement: Record, month: date) -> bool:
    terms = additions.terms(world, agreement)
    ended = terms.last_day is not None and terms.last_day < month
    dead = bool(agreement.get("cancelledFlag")) and terms.last_day is None
    if dead:
        return False
    return bool(_lines(world, agreement, month)) if ended or terms.one_time else True


def _make(world: World, agreement: Record) -> int:
    month = billing.month_start(date.fromisoformat(agreement["nextInvoiceDate"]))
    lines = _lines(world, agreement, month)
    ident = world.store.new_id(INVOICE.kind, INVOICE.first_id)
    for line in lines:
        _enter(world, line, ident)
    world.store.put("invoice", _invoice(world, agreement, month, lines, ident))
    world.store.put("invoice_lines", {"id": ident, "month": f"{month:%Y-%m}", "lines": lines})
    _move_on(world, agreement, billing.next_month(month))
    return ident


def _invoice(world: World, agreement: Record, month: date, lines: Sequence[Record], ident: int) -> Record:
    """The invoice record. That additions count in `productTotal` is inferred; so is the number's form."""
    kind = world.store.get("agreement_type", agreement["type"]) or {}
    number = f"{kind.get('invoicePreSuffix') or ''}{ident}"
    if kind.get("prefixSuffixOption") == "Suffix":
        number = f"{ident}{kind.get('invoicePreSuffix') or ''}"
    base = billing.ZERO if additions.is_one_time(world, agreement) else agreement.get("billAmount") or billing.ZERO
    products = sum((line["amount"] for line in lines), billing.ZERO)
    total = base + products
    now = world.stamp()
    zeros = ("serviceTotal", "expenseTotal", "salesTax", "payments", "credits")
    record: dict[str, Any] = {
        "id": ident,
        "invoiceNumber": number,
        "type": "Agreement",
        "status": 1,
        "company": agreement["company"],
        "billToCompany": agreement.get("billToCompany") or agreement["company"],
        "applyToType": "Agreement",
        "applyToId": agreement["id"],
        "date": month.isoformat(),
        "dueDate": (month + timedelta(days=PAYMENT_DAYS)).isoformat(),
        "agreementAmount": base,
        "productTotal": products,
        "subtotal": total,
        "total": total,
        "balance": total,
        "taxableFlag": False,
        "agreement": agreement["id"],
        "_info": {"lastUpdated": now, "updatedBy": ACTOR, "dateEntered": now, "enteredBy": ACTOR},
    }
    if agreement.get("currency"):
        record["currency"] = agreement["currency"]
    return record | dict.fromkeys(zeros, billing.ZERO)


def _family(world: World, agreement: Record) -> list[Record]:
    return [agreement, *world.store.under("agreement", agreement["id"])]


def _lines(world: World, agreement: Record, month: date) -> list[Record]:
    found = []
    for member in _family(world, agreement):
        rows = world.store.under("addition", member["id"])
        for addition in sorted(rows, key=lambda row: (row.get("sequenceNumber") or 0, row["id"])):
            line = _line(world, member, addition, month)
            if line is not None:
                found.append(line)
    return found


def _line(world: World, agreement: Record, addition: Record, month: date) -> Record | None:
    portions = billing.portions(
        additions.charge(addition),
        additions.ledger(world, addition["id"]),
        month,
        additions.terms(world, agreement),
        additions.policy(world),
    )
    if not portions:
        return None
    product = world.store.get("product", addition["product"]) or {}
    company = world.store.get("company", agreement["company"]) or {}
    return {
        "agreement": agreement["id"],
        "agreementName": agreement["name"],
        "company": company.get("identifier"),
        "addition": addition["id"],
        "serialNumber": addition.get("serialNumber"),
        "product": product.get("identifier"),
        "description": addition.get("invoiceDescription") or product.get("description"),
        "quantity": addition.get("quantity"),
        "unitPrice": addition.get("unitPrice"),
        "amount": sum((portion.amount for portion in portions), billing.ZERO),
        "months": [
            {
                "month": f"{portion.month:%Y-%m}" if portion.month else billing.ONCE,
                "days": portion.days,
                "monthDays": portion.month_days,
                "amount": portion.amount,
            }
            for portion in portions
        ],
    }


def _enter(world: World, line: Record, invoice: int) -> None:
    """Adds a line to its addition's ledger."""
    kept = (world.store.get("ledger", line["addition"]) or {}).get("entries", [])
    entries = [
        {"month": portion["month"], "amount": portion["amount"], "invoice": invoice} for portion in line["months"]
    ]
    world.store.put("ledger", {"id": line["addition"], "entries": [*kept, *entries]})


def _take_back(world: World, addition_id: int, invoice: int) -> None:
    """Takes an invoice's entries out of an addition's ledger."""
    kept = (world.store.get("ledger", addition_id) or {}).get("entries", [])
    left = [entry for entry in kept if entry["invoice"] != invoice]
    world.store.put("ledger", {"id": addition_id, "entries": left})


def _move_on(world: World, agreement: Record, day: date) -> None:
    for member in _family(world, agreement):
        stored = world.store.get("agreement", member["id"]) or member
        world.store.put("agreement", stored | {"nextInvoiceDate": day.isoformat()})


def withdraw(world: World, invoice: Record) -> None:
    """Deletes an invoice: its period returns to the queue. Only the agreement's latest can go (inferred)."""
    agreement = world.store.get("agreement", invoice["applyToId"])
    kept = world.store.get("invoice_lines", invoice["id"])
    month = date.fromisoformat(invoice["date"])
    if agreement is None or kept is None:
        raise in_use("The invoice cannot be deleted: its agreement is gone.")
    if agreement["nextInvoiceDate"] != billing.next_month(month).isoformat():
        raise in_use("A later invoice of the agreement exists; delete that one first.")
    with world.store.writing():
        for line in kept["lines"]:
            _take_back(world, line["addition"], invoice["id"])
        _move_on(world, agreement, month)
        world.store.delete("invoice_lines", invoice["id"])
        world.store.delete("invoice", invoice["id"])
