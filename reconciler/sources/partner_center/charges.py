"""What kind of charge a row is, for which term, and how it is billed.

Microsoft states that the texts have no standard wording, so dates decide and texts only help where dates cannot
(sources §1.3, §1.4). What is inferred here and not documented: the day counts that stand for a term, and that a
blank BillingFrequency over more than a month means a single payment.
"""

from calendar import monthrange
from datetime import date

from reconciler.domain.days import Span, morrow
from reconciler.domain.invoice import Charge, Motion
from reconciler.sources.values import spelled

MONTHLY, ANNUAL, ONCE = "monthly", "annual", "one-time"

_CHARGES = {
    "new": Charge.NEW,
    "purchase": Charge.NEW,
    "renew": Charge.RENEW,
    "renewal": Charge.RENEW,
    "cyclecharge": Charge.CYCLE,
    "cycle": Charge.CYCLE,
    "addquantity": Charge.ADD_QUANTITY,
    "removequantity": Charge.REMOVE_QUANTITY,
    "cancelimmediate": Charge.CANCEL,
    "cancel": Charge.CANCEL,
    "refund": Charge.CANCEL,
    "convert": Charge.CONVERT,
    "movequantity": Charge.MOVE_QUANTITY,
    "changebillingplan": Charge.CHANGE_PLAN,
    "extendterm": Charge.EXTEND_TERM,
    "customercredit": Charge.CREDIT,
    "credit": Charge.CREDIT,
}
# Charges that open a cycle: their interval is the whole cycle, unless the first term was shortened.
OPENS_CYCLE = frozenset({Charge.NEW, Charge.RENEW, Charge.CYCLE, Charge.CHANGE_PLAN, Charge.EXTEND_TERM})

_FREQUENCIES = {
    "monthly": MONTHLY,
    "annual": ANNUAL,
    "annually": ANNUAL,
    "yearly": ANNUAL,
    "onetime": ONCE,
    "triennial": ONCE,
    "none": ONCE,
}
_TERM_WORDS = (
    (("one-month", "1 month", "monthly term"), "P1M"),
    (("one-year", "1 year", "annual term"), "P1Y"),
    (("three-year", "three-3 year", "3 year", "triennial term"), "P3Y"),
)


def charge_of(text: str, meter: str, offer: str) -> Charge:
    """The kind of charge: usage where MeterDescription is filled or the offer is `Azure plan`, unless a credit."""
    charge = _CHARGES.get(spelled(text), Charge.UNKNOWN)
    if charge is not Charge.CREDIT and (meter or spelled(offer) == "azureplan"):
        return Charge.USAGE
    return charge


def term_of(first: date | None, last: date | None, text: str) -> str | None:
    """The commitment, by the subscription's days (both inclusive), else by the first words of the text."""
    days = (last - first).days + 1 if first and last else 0
    if 28 <= days <= 31:
        return "P1M"
    if days in (365, 366):
        return "P1Y"
    if days in (1095, 1096):
        return "P3Y"
    lowered = text.casefold()
    return next((term for words, term in _TERM_WORDS if lowered.startswith(words)), None)


def stated_billing(frequency: str) -> str | None:
    """How the row says it is billed, by BillingFrequency; None where it does not."""
    return _FREQUENCIES.get(spelled(frequency))


def billing_by_text(text: str) -> str | None:
    """How TermAndBillingCycle says it is billed; None for texts that name both ways, as most do."""
    lowered = text.casefold()
    monthly = "monthly billing" in lowered or lowered.startswith(("one-month", "1 month"))
    annual = "yearly billing" in lowered or "annual billing" in lowered
    if monthly == annual or "/yearly" in lowered:
        return None
    return MONTHLY if monthly else ANNUAL


def billing_by_days(span: Span, term: Span | None) -> str:
    """How a row that opens a cycle is billed, by the days it covers: a month, a year, or the whole term at once."""
    if span.days <= 31:
        return MONTHLY
    if span.days in (365, 366) and (term is None or term != span):
        return ANNUAL
    return ONCE


def is_full_cycle(span: Span, billing: str | None) -> bool:
    """Whether a row that opens a cycle covers all of it (sources §1.4).

    A monthly cycle has the days of the month it begins in; one that begins on a month's last day ends the day before
    the next month's last day.
    """
    if billing == MONTHLY:
        after = morrow(span.last)
        return span.days == _days_of_month(span.first) or (_is_last_day(span.first) and _is_last_day(after))
    if billing == ANNUAL:
        return span.days >= 365
    return True


def _days_of_month(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def _is_last_day(day: date) -> bool:
    return day.day == _days_of_month(day)


def is_prepaid_resource(term_text: str) -> bool:
    """Whether the row is for a reservation or a savings plan, which are not seats."""
    lowered = term_text.casefold()
    return "reservation" in lowered or "savings plan" in lowered


def motion_of(charge: Charge, billing: str | None, azure: bool) -> Motion:
    """How it is sold: usage and Azure credits, licences by their billing, everything else once."""
    if charge is Charge.USAGE or azure:
        return Motion.AZURE
    if billing == MONTHLY:
        return Motion.SEAT_MONTHLY
    if billing == ANNUAL:
        return Motion.SEAT_ANNUAL
    return Motion.ONE_TIME
