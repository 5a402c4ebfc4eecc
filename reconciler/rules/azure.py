"""Azure: one record per agreement and month over all of the month's usage (rulebook P52, Ex 12, interface §6.15).

Quantity 1, from the first to the last day of the month whatever the subscription's dates, so that nothing is prorated
and nothing is left over for the next month. In numbers: usage of September at a cost of 412.37 and a price of 474.23
is one record, 1 from 1 to 30 September, at 474.23 and 412.37. A total that is issued again corrects the record while
its month is not invoiced; afterwards the difference is a record of its own beside it.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from reconciler.domain.days import Month
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.money import ZERO, plain
from reconciler.domain.plan import Action, Because
from reconciler.domain.records import Addition
from reconciler.rules.charged import Rate
from reconciler.rules.drafts import Decision, Draft
from reconciler.rules.true_up import Period

_ONE = Decimal(1)


def usage_record(
    serial: str,
    total: Rate,
    standing: Sequence[Addition],
    period: Period,
    because: tuple[Because, ...],
    text: str = "",
) -> Decision:
    """The decision for a month's usage on an agreement.

    `serial` is the Azure subscription, or the tenant where there are several; `total` the month's sums of price and
    cost; `standing` the agreement's usage records, of which those of the month's own days count. `text` is what the
    usage was made of, for the customer's invoice (empty: left as it is); where it alone differs, the record gets it
    while its month is not invoiced.
    """
    month = period.month
    rows = [a for a in standing if a.quantity and (a.effective, a.cancelled) == (month.first, month.last)]
    odd = [a for a in standing if a.quantity and a not in rows and _touches(a, month)]
    if odd:
        return Decision((), tuple(_odd(a, serial, month) for a in odd))
    price = total.unit_price - sum((a.quantity * a.unit_price for a in rows), ZERO)
    cost = total.unit_cost - sum((a.quantity * a.unit_cost for a in rows), ZERO)
    is_open = period.open_from <= month.first
    if not price and not cost:
        other = len(rows) == 1 and bool(text) and text.split() != rows[0].description.split()
        return Decision((_told_anew(rows[0], text),) if other and is_open else (), ())
    if rows and is_open:
        return Decision((_corrected(rows[0], price, cost, because, text),), ())
    rule = because if not rows else (*because, Because("P52", "the month is invoiced: the difference is a record"))
    # A difference beside an invoiced record is not the month's usage: its own text says what it is.
    text = text if not rows else ""
    new = Draft(Action.CREATE, None, _ONE, Rate(price, cost), month.first, month.last, rule, text=text)
    return Decision((new,), ())


def unmarked(records: Iterable[Addition], serial: str, month: Month) -> tuple[Finding, ...]:
    """Errors for usage records of the agreement that bill in a month and carry no id: whether they are what is charged
    cannot be told, and beside them it would be billed twice (E8). `serial` is the id that ours would carry.
    """
    return tuple(
        Finding(
            Severity.ERROR,
            "E8",
            f"usage record {record.id} ({plain(record.quantity)} at {plain(record.unit_price)} from "
            f"{record.effective}) bills in {month} and carries no id: whether it is what is charged cannot be told",
            subscription=serial,
            hint=f"if it is, write {serial} into its serial number, and give it the days of {month}; if not, end it in "
            f"the PSA on {month.preceding.last}",
        )
        for record in records
        if record.bills and record.quantity and not (record.serial_number or "").strip() and _touches(record, month)
    )


def _touches(addition: Addition, month: Month) -> bool:
    return addition.effective <= month.last and (addition.cancelled is None or addition.cancelled >= month.first)


def _told_anew(row: Addition, text: str) -> Draft:
    why = (Because("P52", "the text on the customer's invoice tells the usage otherwise"),)
    rate = Rate(row.unit_price, row.unit_cost)
    return Draft(Action.UPDATE, row, row.quantity, rate, row.effective, row.cancelled, why, text=text)


def _corrected(row: Addition, price: Decimal, cost: Decimal, because: tuple[Because, ...], text: str) -> Draft:
    """The record brought to the new total; one that comes to nothing is deleted, for it was never invoiced."""
    rate = Rate(row.unit_price + price / row.quantity, row.unit_cost + cost / row.quantity)
    action = Action.UPDATE if rate.unit_price or rate.unit_cost else Action.DELETE
    return Draft(action, row, row.quantity, rate, row.effective, row.cancelled, because, text=text)


def _odd(row: Addition, serial: str, month: Month) -> Finding:
    return Finding(
        Severity.ERROR,
        "P52",
        f"usage record {row.id} runs from {row.effective} to {row.cancelled or 'no end'}: it bills in {month} too, "
        "beside the month's own",
        subscription=serial,
        hint=f"let it end on the last day of its own month in the PSA, or on {month.preceding.last}",
    )
