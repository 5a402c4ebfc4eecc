"""Which days the PSA has already invoiced (interface §6.1, rulebook C18)."""

from datetime import date

from reconciler.domain.days import Month
from reconciler.domain.mapping import BillingTime
from reconciler.domain.records import Agreement


def first_open_day(agreement: Agreement, billing: BillingTime) -> date:
    """The first day that is not invoiced yet: every day before it is.

    In advance it is the agreement's next invoice date; in arrears the invoice of that date still covers the period
    before it, so it is that period's first day. An agreement that was never invoiced has none: all days are open.
    """
    if agreement.next_invoice is None:
        return date.min
    if billing is BillingTime.ADVANCE:
        return agreement.next_invoice
    return Month.of(agreement.next_invoice).preceding.first


def takes_records_from(agreement: Agreement) -> date:
    """The first day on which an agreement that does not prorate takes a new record: its next invoice date, whichever
    period that invoice covers, for so ConnectWise words its refusal (E7, connectwise §5.4).
    """
    return agreement.next_invoice or date.min
