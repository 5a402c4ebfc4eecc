"""Which reviewed decisions hold in a month, and which refer to nothing (rulebook P41, C8, P9). All of it is pure.

What an override keeps rests on the decision and on the PSA alone, never on the state: without the state, the same is
planned (interface §6.16).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from reconciler.domain.days import Month
from reconciler.domain.decision import AcceptedCredit, FieldValue, Override, RecordField
from reconciler.domain.drift import Drift, DriftKind, named, shown
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.invoice import Invoice
from reconciler.domain.records import Addition
from reconciler.rules.allocation import allocatable

Standing = Mapping[str, tuple[Addition, ...]]
"""The additions that stand in the PSA, by the id of their agreement; an agreement that was not read is left out."""


def subscription_id(serial_number: str | None) -> str:
    """A serial number as subscriptions are compared: without space around it, in lower case (P42)."""
    return (serial_number or "").strip().lower()


@dataclass(frozen=True, slots=True)
class Kept:
    """What reviewed overrides keep in a month: the subscriptions of which nothing is written (ids in lower case), the
    override of each record by its id, and of records that are gone by subscription and first day.

    `findings` tell every override that holds, has run out, or does not fit what the PSA has.
    """

    subscriptions: frozenset[str]
    by_record: Mapping[str, Override]
    gone: Mapping[tuple[str, date], Override]
    findings: tuple[Finding, ...]

    def of(self, found: Drift) -> Override | None:
        """The override that keeps a drift."""
        if found.kind is DriftKind.GONE:
            return self.gone.get((subscription_id(found.subscription), found.effective))
        override = self.by_record.get(found.record)
        return override if override and (found.field or RecordField.QUANTITY) in override.keep else None


def kept(overrides: Iterable[Override], standing: Standing, month: Month) -> Kept:
    """What overrides keep in a month, judged by what the PSA has now.

    An override that names nothing of what was read keeps nothing and is not told here: see `unfounded`.
    """
    subscriptions: set[str] = set()
    by_record: dict[str, Override] = {}
    gone: dict[tuple[str, date], Override] = {}
    findings: list[Finding] = []
    for override in _newest(overrides):
        records = _meant(override, standing)
        if override.gone:
            fits = not records
        elif records:
            fits = all(_as_kept(override, record) for record in records)
        else:
            continue
        findings.append(_told(override, records, month, fits=fits))
        if not fits or override.until < month:
            continue
        if override.subscription is not None and override.effective is not None and override.gone:
            gone[subscription_id(override.subscription), override.effective] = override
            subscriptions.add(subscription_id(override.subscription))
        by_record |= dict.fromkeys((record.id for record in records), override)
        subscriptions |= {subscription_id(record.serial_number) for record in records if record.serial_number}
    return Kept(frozenset(subscriptions), by_record, gone, tuple(findings))


def _newest(overrides: Iterable[Override]) -> tuple[Override, ...]:
    """Of several overrides of one record the one that lasts longest: the others were renewed by it."""
    newest: dict[tuple[str | None, str, date | None], Override] = {}
    for override in overrides:
        name = (override.record, subscription_id(override.subscription), override.effective)
        if name not in newest or newest[name].until <= override.until:
            newest[name] = override
    return tuple(newest.values())


def unfounded(overrides: Iterable[Override], standing: Standing) -> tuple[Finding, ...]:
    """A warning for each override whose record is on none of the agreements. To be asked only where all were read."""
    return tuple(
        _finding(
            override,
            Severity.WARNING,
            "decision-unfounded",
            f"the override names {override}, and no such record is on the agreements that were read",
            "take it out, or name the record as `reconciler drift` does",
        )
        for override in overrides
        if not override.gone and not _meant(override, standing)
    )


def _meant(override: Override, standing: Standing) -> list[Addition]:
    additions = [addition for additions in standing.values() for addition in additions]
    if override.record is not None:
        return [addition for addition in additions if addition.id == override.record]
    return [
        addition
        for addition in additions
        if subscription_id(addition.serial_number) == subscription_id(override.subscription)
        and addition.effective == override.effective
    ]


def _as_kept(override: Override, record: Addition) -> bool:
    return all(_field(record, field) == value for field, value in override.keep.items())


def _field(record: Addition, field: RecordField) -> FieldValue:
    values: dict[RecordField, FieldValue] = {
        RecordField.QUANTITY: record.quantity,
        RecordField.UNIT_PRICE: record.unit_price,
        RecordField.UNIT_COST: record.unit_cost,
        RecordField.EFFECTIVE: record.effective,
        RecordField.CANCELLED: record.cancelled,
        RecordField.PRODUCT: record.product_id,
    }
    return values[field]


def _told(override: Override, records: list[Addition], month: Month, *, fits: bool) -> Finding:
    if not fits:
        found = "it is there" if override.gone else "; ".join(_described(override, record) for record in records)
        return _finding(
            override,
            Severity.WARNING,
            "override-differs",
            f"the override keeps {override} with {_keeps(override)}, but in the PSA {found}: it does not hold",
            "write what the PSA has now, or take the override out",
        )
    if override.until < month:
        return _finding(
            override,
            Severity.WARNING,
            "override-expired",
            f"the override of {override} held until {override.until}: {_keeps(override)} is no longer kept",
            "review it again and write a new `until`, or take it out",
        )
    return _finding(
        override,
        Severity.INFO,
        "override",
        f"{override} is kept with {_keeps(override)} until {override.until}, says {override.by}: {override.reason}; "
        "nothing is written for its subscription",
        None,
    )


def _keeps(override: Override) -> str:
    if override.gone:
        return "no record"
    return ", ".join(f"{named(field)} {shown(value, field)}" for field, value in override.keep.items())


def _described(override: Override, record: Addition) -> str:
    return ", ".join(f"{named(field)} is {shown(_field(record, field), field)}" for field in override.keep)


def _finding(override: Override, severity: Severity, code: str, message: str, hint: str | None) -> Finding:
    return Finding(severity, code, message, override.customer, override.subscription, override.place, hint)


def unfounded_credits(accepted: Iterable[AcceptedCredit], invoices: Iterable[Invoice]) -> tuple[Finding, ...]:
    """For each accepted credit an error where its document has no such line or charges it, and a warning where the
    document was not read.
    """
    documents: dict[str, list[Invoice]] = {}
    for invoice in invoices:
        documents.setdefault(invoice.number, []).append(invoice)
    found = []
    for credit in accepted:
        why = _credit_without(credit, documents.get(credit.invoice, []))
        if why:
            message = f"the accepted credit names line {credit.line} of {credit.invoice}, {why}"
            # Files of past months stay where they are, and so do decisions on documents that are no longer read.
            read = bool(documents.get(credit.invoice))
            severity = Severity.ERROR if read else Severity.WARNING
            found.append(Finding(severity, "decision-unfounded", message, customer=credit.customer, where=credit.place))
    return tuple(found)


def _credit_without(credit: AcceptedCredit, documents: list[Invoice]) -> str | None:
    if not documents:
        return "and no such document was read"
    lines = [(document, line) for document in documents for line in document.lines if line.number == credit.line]
    if not lines:
        return "which has no such line"
    if not any(allocatable(document, line) for document, line in lines):
        return "which is no credit: it is billed as any line of an invoice"
    return None
