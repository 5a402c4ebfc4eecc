"""What a scenario expects against what is: everything compared as lines of text, so that a difference can be read."""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from scenario_files import Row
from scenario_world import SUBSCRIPTION

from reconciler.domain.breakdown import Part
from reconciler.domain.days import Month
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.handover import HandOver
from reconciler.domain.money import plain, printed
from reconciler.domain.open_items import OpenItems
from reconciler.domain.plan import AdditionValues, Change, Impact, Plan, ProductValues, Verdict

_ACTIONS = ("create", "update", "cancel", "adopt", "delete")


# -- records


def record_lines(expected: Iterable[Row], state: Mapping[str, Any], month: str) -> tuple[list[str], list[str]]:
    """The PSA's additions as lines: those that are expected, and those that are there, told as fully."""
    wanted = sorted(({**_RECORD, **row} for row in expected), key=_line)
    there = sorted(_records(state, month), key=_line)
    optional = [sorted(set(row) - {*_RECORD, "quantity", "from"}) for row in wanted]
    extra: list[list[str]] = [*optional, *([] for _ in there[len(wanted) :])]
    return (
        [_line(row, names) for row, names in zip(wanted, optional, strict=True)],
        [_line(row, names) for row, names in zip(there, extra[: len(there)], strict=True)],
    )


_RECORD: Row = {"to": None, "price": 20, "serial": SUBSCRIPTION, "product": "M365-BB", "agreement": 55}


def _records(state: Mapping[str, Any], month: str) -> Iterable[Row]:
    products = {row["id"]: row["identifier"] for row in state["products"]}
    ledgers = {row["id"]: row["entries"] for row in state["ledgers"]}
    for row in state["additions"]:
        billed = sum((e["amount"] for e in ledgers.get(row["id"], ()) if e["month"] == month), Decimal(0))
        yield {
            "quantity": row["quantity"],
            "from": row["effectiveDate"],
            "to": row.get("cancelledDate"),
            "price": row["unitPrice"],
            "cost": row["unitCost"],
            "serial": row.get("serialNumber"),
            "product": products[row["product"]],
            "agreement": row["agreementId"],
            "bills": billed,
            "id": row["id"],
            "text": row.get("invoiceDescription"),
        }


def _line(row: Row, optional: Iterable[str] = ()) -> str:
    subject = "" if row["serial"] == SUBSCRIPTION else f" of {row['serial'] or 'no subscription'}"
    product = f"{row['product']} on {row['agreement']}"
    text = f"{product}{subject}: {_number(row['quantity'])} from {row['from']} to {row['to'] or 'open'}"
    return f"{text} at {_money(row['price'])}" + "".join(f", {name} {_told(name, row[name])}" for name in optional)


def _told(name: str, value: Any) -> str:
    return _money(value) if name in ("cost", "bills") else str(value)


def _number(value: Any) -> str:
    return plain(Decimal(value))


def _money(value: Any) -> str:
    """Money with all of its digits, at least two: a price of six places is not another one."""
    text = plain(Decimal(value))
    whole, _, places = text.partition(".")
    return f"{whole}.{places.ljust(2, '0')}"


# -- catalogue


def catalogue_lines(expected: Iterable[Row], state: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The catalogue items that are named, with the members that are named, as expected and as they are."""
    items = {row["identifier"]: row for row in state["products"]}
    wanted, there = [], []
    for row in expected:
        found = items.get(row["identifier"])
        wanted.append(_members(row, row))
        there.append(_members(row, found) if found else f"there is no {row['identifier']}, but {sorted(items)}")
    return wanted, there


def _members(names: Iterable[str], row: Row) -> str:
    return ", ".join(f"{name} {_member(row.get(name))}" for name in sorted(names))


def _member(value: Any) -> str:
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return _money(value) if number else str(value)


# -- changes


def change_counts(changes: Iterable[Change]) -> Row:
    """How many changes are of each action; actions without any are left out."""
    counts = Counter(change.action.value for change in changes)
    return {action: counts[action] for action in _ACTIONS if counts[action]}


def change_lines(expected: Iterable[Row], changes: Iterable[Change]) -> tuple[list[str], list[str]]:
    """The changes as lines, as expected and as planned, in no order; with the last reason's rule where one is given."""
    wanted = sorted((dict(row) for row in expected), key=_change_line)
    there = sorted(map(_change_row, changes), key=_change_line)
    ruled = ["rule" in row for row in wanted] + [False] * len(there)
    return _ruled(wanted, ruled), _ruled(there, ruled)


def _ruled(rows: Iterable[Row], ruled: Iterable[bool]) -> list[str]:
    pairs = zip(rows, ruled, strict=False)
    return [_change_line(row) + (f" by {row.get('rule')}" if told else "") for row, told in pairs]


def _change_row(change: Change) -> Row:
    values = change.after or change.before
    rule = change.because[-1].rule if change.because else None
    row: Row = {"action": change.action.value, "rule": rule}
    if isinstance(values, AdditionValues):
        row |= {"quantity": values.quantity, "from": values.effective, "to": values.cancelled}
        row |= {"price": values.unit_price, "serial": values.serial_number}
    elif isinstance(values, ProductValues):
        row |= {"catalogue": values.vendor_sku, "price": values.price}
    return row


def _change_line(row: Row) -> str:
    if "catalogue" in row:
        return f"{row['action']} catalogue item {row['catalogue']} at {_money(row.get('price', 20))}"
    serial = row.get("serial", SUBSCRIPTION)
    subject = "" if serial == SUBSCRIPTION else f" of {serial or 'no subscription'}"
    end = row.get("to") or "open"
    text = f"{row['action']} {_number(row['quantity'])} from {row['from']} to {end}{subject}"
    return f"{text} at {_money(row.get('price', 20))}"


# -- findings


def finding_lines(expected: Iterable[str | Row], findings: Iterable[Finding]) -> tuple[list[str], list[str]]:
    """Errors and warnings, all of them, as expected and as told; notes count only where they are expected."""
    rows = [{"code": row} if isinstance(row, str) else row for row in expected]
    notes = {row["code"] for row in rows}
    told = [f for f in findings if f.severity is not Severity.INFO or f.code in notes]
    wanted, there = [], []
    left = list(told)
    for row in sorted(rows, key=lambda r: -len(r)):
        found = next((f for f in left if _is(f, row)), None) or next((f for f in left if f.code == row["code"]), None)
        if found:
            left.remove(found)
        wanted.append(_expected(row))
        there.append(_found(found, row) if found else f"no {row['code']}")
    return wanted, [*there, *(f"{f.severity} {f.code}: {f.message}" for f in left)]


def _is(finding: Finding, row: Row) -> bool:
    return _found(finding, row) == _expected(row)


def _expected(row: Row) -> str:
    return ", ".join(f"{name} {row[name]}" for name in sorted(row))


def _found(finding: Finding, row: Row) -> str:
    amount = printed(finding.amount.amount, finding.amount.currency) if finding.amount else None
    parts = {
        "code": finding.code,
        "severity": finding.severity.value,
        "customer": finding.customer,
        "subscription": finding.subscription,
        "amount": amount,
        "says": row.get("says") if str(row.get("says")) in finding.message else finding.message,
    }
    return ", ".join(f"{name} {parts[name]}" for name in sorted(row))


# -- cut-over


def cutover_lines(expected: Iterable[Row], rows: Iterable[HandOver]) -> tuple[list[str], list[str]]:
    """What becomes of each old record, as expected and as planned, in no order; the agreement is the parent's unless
    another is named.
    """
    wanted = sorted(_hand_over({"on": 54, **row}) for row in expected)
    there = sorted(
        _hand_over(
            {
                "fate": row.fate.value,
                "quantity": row.quantity,
                "on": row.agreement.rsplit("/", 1)[-1],
                "last": row.last,
                "day": row.day,
                "new": [successor.quantity for successor in row.successors],
            }
        )
        for row in rows
    )
    return wanted, there


def _hand_over(row: Row) -> str:
    new = ", ".join(_number(quantity) for quantity in row.get("new", ())) or "nothing"
    last, day = row.get("last") or "open", row.get("day") or "no day"
    return f"{row['fate']} {_number(row['quantity'])} on {row['on']}: to {last}, then on {day} {new}"


# -- what is left open


def left_open_lines(step: Row, rows: Iterable[Impact], left: OpenItems) -> tuple[list[str], list[str]]:
    """What a step says of verdicts by customer, reviews and open items, as expected and as the plan has it."""
    rows = list(rows)
    there: dict[str, str] = {
        "verdicts": _sorted({row.customer: row.verdict.value for row in rows}),
        "reviewed": "; ".join(f"{row.reviewed.value}, {row.review}" for row in rows if row.reviewed),
        "completeness": "; ".join(item.complete.value for item in left.completeness),
        "kept_back": _money(sum((item.amount.amount for item in left.kept_back), Decimal(0))),
        "unallocated": "; ".join(f"{_money(i.amount.amount)} {list(i.originals)}" for i in left.unallocated),
    }
    wanted = {name: step[name] for name in there if name in step}
    if "verdicts" in wanted:
        wanted["verdicts"] = _sorted(wanted["verdicts"])
    if "kept_back" in wanted:
        wanted["kept_back"] = _money(wanted["kept_back"])
    if "unallocated" in wanted:
        wanted["unallocated"] = "; ".join(f"{_money(i['amount'])} {i['takes_back']}" for i in wanted["unallocated"])
    return [f"{k}: {v}" for k, v in wanted.items()], [f"{k}: {there[k]}" for k in wanted]


def _sorted(verdicts: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {verdicts[name]}" for name in sorted(verdicts))


# -- money


def impact_lines(expected: Mapping[str, list[Any]], impact: Iterable[Impact]) -> tuple[list[str], list[str]]:
    """What each month bills before and after, over all agreements, as expected and as planned."""
    rows = list(impact)
    wanted = [f"{month}: {_money(before)} to {_money(after)}" for month, (before, after) in expected.items()]
    there = []
    for month in expected:
        before = sum((row.before for row in rows if row.month == month), Decimal(0))
        after = sum((row.after for row in rows if row.month == month), Decimal(0))
        there.append(f"{month}: {_money(before)} to {_money(after)}")
    return wanted, there


def breakdown_line(expected: Iterable[str], month: str, impact: Iterable[Impact]) -> dict[str, Decimal]:
    """The month's steps from the charge to the bill, over all agreements, by what they stand for."""
    sums = dict.fromkeys(expected, Decimal(0))
    for row in impact:
        for step in row.breakdown if row.month == month else ():
            sums[step.part.value] = sums.get(step.part.value, Decimal(0)) + step.amount
    return sums


def untold(row: Impact) -> str | None:
    """What a breakdown fails to say: its steps make the bill, rounding explains little, and a verdict has its step."""
    if sum((step.amount for step in row.breakdown), Decimal(0)) != row.after:
        return f"{row.agreement} {row.month}: the steps do not sum to {row.after}: {row.breakdown}"
    amounts = {step.part: step.amount for step in row.breakdown}
    # Half a cent for each record and step of a story, of which no scenario has more than ten.
    if abs(amounts.pop(Part.ROUNDING, Decimal(0))) > Decimal("0.10"):
        return f"{row.agreement} {row.month}: rounding hides a difference: {row.breakdown}"
    odd = {part: amount for part, amount in amounts.items() if part not in _ORDINARY}
    if row.verdict is Verdict.RECONCILED and any(abs(amount) > Decimal("0.10") for amount in odd.values()):
        return f"{row.agreement} {row.month}: reconciled, and yet {odd}"
    if row.verdict is Verdict.DIFFERS and not odd and Part.EXCLUDED not in amounts:
        return f"{row.agreement} {row.month}: differs ({row.reason}), and no step says by what"
    return None


_ORDINARY = (Part.CHARGED, Part.EXPECTED, Part.MARGIN, Part.EXCLUDED, Part.NOT_COMPARED, Part.HANDED_OVER)


def not_passed_on(expected: Iterable[str], plan: Plan) -> dict[str, Decimal]:
    """The increases that records do not follow, by month, over all customers."""
    sums = dict.fromkeys(expected, Decimal(0))
    for each in plan.not_passed_on:
        for month, amount in each.increases.items():
            sums[month] = sums.get(month, Decimal(0)) + amount
    return sums


def billed_lines(month: str, expected: Any, invoices: Iterable[Row]) -> tuple[str, str]:
    """The invoices of a month, as expected and as the PSA made them: their sum, or the sum for each company."""
    made = [invoice for invoice in invoices if invoice["month"] == month]
    if not isinstance(expected, Mapping):
        total = sum((invoice["total"] for invoice in made), Decimal(0))
        return f"{month}: {_money(expected)}", f"{month}: {_money(total)}"
    totals: dict[str, Decimal] = {}
    for invoice in made:
        totals[invoice["company"]] = totals.get(invoice["company"], Decimal(0)) + invoice["total"]
    companies = sorted({*expected, *totals})
    return (
        f"{month}: " + ", ".join(f"{name} {_money(expected.get(name, 0))}" for name in companies),
        f"{month}: " + ", ".join(f"{name} {_money(totals.get(name, 0))}" for name in companies),
    )


def predicted(plan: Plan, month: Month) -> dict[str, Decimal]:
    """What a plan says that each agreement's month bills after it, by the agreement's id."""
    return {row.agreement.rsplit("/", 1)[-1]: row.after for row in plan.impact if row.month == str(month)}


def billed_for(state: Mapping[str, Any], month: Month) -> dict[str, Decimal]:
    """What the PSA billed for a month's days by agreement, on whichever invoice; only for the program's products."""
    ours = {row["id"] for row in state["products"] if row.get("vendorSku")}
    ledgers = {row["id"]: row["entries"] for row in state["ledgers"]}
    sums: dict[str, Decimal] = {}
    for row in state["additions"]:
        if row["product"] in ours:
            # A one-time agreement bills a record once, for the month in which it begins.
            names = (str(month), "once") if row["effectiveDate"].startswith(str(month)) else (str(month),)
            entries = ledgers.get(row["id"], ())
            amount = sum((e["amount"] for e in entries if e["month"] in names), Decimal(0))
            agreement = str(row["agreementId"])
            sums[agreement] = sums.get(agreement, Decimal(0)) + amount
    return sums


def tolerance(state: Mapping[str, Any]) -> Decimal:
    """What rounding by unit may make of the records' amounts: half a cent for each unit and for the line."""
    half_cent = Decimal("0.005")
    return sum((half_cent * abs(Decimal(row["quantity"])) + half_cent for row in state["additions"]), Decimal(0))
