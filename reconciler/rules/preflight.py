"""What must be true of an agreement before anything is planned on it (rulebook P35 to P40, P54, 1G step 9).

Each failure says where in ConnectWise a person puts it right; the menu paths are as its documentation names them, and
were not tried against a live system.
"""

from collections.abc import Iterable
from datetime import date

from reconciler.domain.days import Month
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.records import Agreement

E7 = (
    "ConnectWise returned an error response: Since this period has already been invoiced there will not be an invoice "
    "generated for additional products for this period. Please prorate the agreement or update the start date to on or "
    "after the Next Invoice Date."
)
_INVOICING = "Finance > Agreements > the agreement > Recurring Invoicing Parameters"


def check_agreement(
    agreement: Agreement, month: Month, first_day: date, open_from: date, currencies: Iterable[str]
) -> tuple[Finding, ...]:
    """Findings that keep an agreement out of the plan.

    `first_day` is the first day that is billed in the month, `open_from` the first that is not invoiced, `currencies`
    those of the invoices that go on the agreement.
    """
    named = f"agreement '{agreement.name}' ({agreement.id})"
    findings = [*_standing(agreement, named, month), *_dates(agreement, named, first_day), *_mode(agreement, named)]
    if not agreement.prorates:
        if open_from > month.first:
            findings.append(_error("E7", E7, f"tick Prorate under {_INVOICING} of {named}"))
        else:
            findings.append(
                _error(
                    "P37",
                    f"{named} does not prorate: part months would bill in full",
                    f"tick Prorate under {_INVOICING}",
                )
            )
    findings += _currencies(agreement, named, sorted(set(currencies)))
    return tuple(findings)


def check_facsimile(
    agreement: Agreement, month: Month, first_day: date, currencies: Iterable[str]
) -> tuple[Finding, ...]:
    """Findings that keep records with final amounts off an agreement: one that prorates would bill a part of them (C17,
    C27). `first_day` is the first day of a record in the month. Whether the month still takes records is judged where
    there are some to write (`rules.facsimile`).
    """
    named = f"agreement '{agreement.name}' ({agreement.id})"
    findings = [*_standing(agreement, named, month), *_dates(agreement, named, first_day), *_mode(agreement, named)]
    if agreement.prorates:
        findings.append(
            _error(
                "C27",
                f"{named} prorates: the final amounts of charge cycles would bill in part. What P37 asks for under "
                "`align: calendar` must be off here",
                f"clear Prorate under {_INVOICING}, or use `align: calendar` for the customer",
            )
        )
    findings += _currencies(agreement, named, sorted(set(currencies)))
    return tuple(findings)


def check_usage(agreement: Agreement, month: Month, open_from: date, currencies: Iterable[str]) -> tuple[Finding, ...]:
    """Findings that keep a month's usage off an agreement: its record is a whole month, so nothing needs proration but
    a month that is invoiced already (E7).
    """
    named = f"agreement '{agreement.name}' ({agreement.id})"
    findings = [*_standing(agreement, named, month), *_dates(agreement, named, month.first), *_mode(agreement, named)]
    if not agreement.prorates and open_from > month.first:
        findings.append(_error("E7", E7, f"tick Prorate under {_INVOICING} of {named}"))
    findings += _currencies(agreement, named, sorted(set(currencies)))
    return tuple(findings)


def check_once(agreement: Agreement, currencies: Iterable[str]) -> tuple[Finding, ...]:
    """Findings that keep annual charges off an agreement: it must bill one time (P54)."""
    named = f"agreement '{agreement.name}' ({agreement.id})"
    findings: list[Finding] = []
    if not agreement.active:
        hint = "make it active, or map the customer to another one"
        findings.append(_error("P35", f"{named} is not active: its status is {agreement.status}", hint))
    if not agreement.one_time:
        hint = f"set the billing cycle to One-Time under {_INVOICING}, or map seat-annual to such an agreement"
        findings.append(
            _error("P54", f"{named} bills again every period; annual charges need one that bills once", hint)
        )
    findings += _currencies(agreement, named, sorted(set(currencies)))
    return tuple(findings)


def check_allocation(agreement: Agreement, month: Month, currencies: Iterable[str]) -> tuple[Finding, ...]:
    """Findings that keep a credit, an adjustment or a one-off charge off an agreement: its record bills a whole month
    or one time, so that nothing needs proration (P9).
    """
    named = f"agreement '{agreement.name}' ({agreement.id})"
    findings = [*_standing(agreement, named, month), *_dates(agreement, named, month.first)]
    if not agreement.one_time:
        findings += _mode(agreement, named)
    findings += _currencies(agreement, named, sorted(set(currencies)))
    return tuple(findings)


def _error(code: str, message: str, hint: str) -> Finding:
    return Finding(Severity.ERROR, code, message, hint=hint)


def _standing(agreement: Agreement, named: str, month: Month) -> Iterable[Finding]:
    expired = agreement.status == "Expired" and not agreement.active
    if agreement.end and (agreement.end < month.first or expired):
        hint = "map the customer to an agreement that is in force, or set a later Date End on it"
        yield _error("P40", f"{named} ended on {agreement.end}", hint)
    elif not agreement.active:
        yield _error(
            "P35",
            f"{named} is not active: its status is {agreement.status}",
            "make it active, or map the customer to another one",
        )


def _dates(agreement: Agreement, named: str, first_day: date) -> Iterable[Finding]:
    starts = max(agreement.start or date.min, agreement.billing_start or date.min)
    if starts > first_day:
        late = [
            ("Date Start under Finance > Agreements > the agreement", agreement.start),
            (f"Billing Start Date under {_INVOICING}", agreement.billing_start),
        ]
        fields = ", and the ".join(name for name, day in late if day and day > first_day)
        yield _error(
            "P36",
            f"{named} starts to bill on {starts}, after the first charged day {first_day}",
            f"set to {first_day} or earlier the {fields}; or let `start:` be later",
        )


def _mode(agreement: Agreement, named: str) -> Iterable[Finding]:
    if not agreement.calendar_months:
        by_year = agreement.cycle in ("", "contract year")
        remedy = "invoicing cycle to Calendar Year" if by_year else "billing cycle to Monthly"
        yield _error(
            "P38",
            f"{named} invoices by {agreement.cycle or 'contract year'}; only calendar months are supported",
            f"set the {remedy} under {_INVOICING}",
        )
    if agreement.one_time:
        yield _error(
            "P54",
            f"{named} bills one time only and cannot carry monthly seats",
            "map motion seat-monthly to a recurring agreement",
        )


def _currencies(agreement: Agreement, named: str, currencies: list[str]) -> Iterable[Finding]:
    if len(currencies) > 1:
        yield _error(
            "currency",
            f"invoices in {' and '.join(currencies)} go on {named}; an agreement bills in one currency",
            "map them to an agreement each",
        )
    elif currencies and agreement.currency and agreement.currency != currencies[0]:
        yield _error(
            "currency",
            f"the invoices are in {currencies[0]}, {named} bills in {agreement.currency}",
            "map the customer to an agreement in the invoices' currency",
        )
