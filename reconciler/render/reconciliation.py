"""A reconciliation as text, as JSON and as rows of a table."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from reconciler.domain.finding import Finding
from reconciler.domain.money import ZERO, plain, printed
from reconciler.domain.plan import Verdict
from reconciler.domain.reconciliation import AgreementCompared, Compared, Reconciliation
from reconciler.render.page import Page
from reconciler.render.safe_csv import Cell
from reconciler.render.safe_text import safe
from reconciler.render.terminal import Style, hanging, painter, wrapped
from reconciler.render.wording import counted, signed

_STYLES = {
    Verdict.RECONCILED: Style.GOOD,
    Verdict.DIFFERS: Style.BAD,
    Verdict.NOT_RECONCILABLE: Style.CAREFUL,
}
COLUMNS = (
    "kind",
    "month",
    "customer",
    "agreement",
    "agreement_name",
    "motion",
    "subscription",
    "product",
    "currency",
    "charged_seat_days",
    "billed_seat_days",
    "charged",
    "billed",
    "difference",
    "cost",
    "margin",
    "class",
    "audit",
    "verdict",
    "reason",
    "reviewed",
)


# -- text


def reconciliation_lines(found: Reconciliation, *, width: int, colour: bool) -> Iterator[str]:
    """The whole reconciliation, no line wider than `width` cells (at least 60)."""
    page = Page(max(width, 60), painter(colour=colour))
    title = f"{safe(found.month)} as it stands in {safe(found.target)}: what was charged, and what is billed"
    yield from (page.paint(line, Style.STRONG) for line in wrapped(title, page.width))
    for agreement in found.agreements:
        yield from _agreement(agreement, found, page)
    yield from _not_billed(found.not_billed, page)
    yield from _coverage(found, page)
    yield from _closing(found, page)


def _agreement(agreement: AgreementCompared, found: Reconciliation, page: Page) -> Iterator[str]:
    yield from page.heading(f"{safe(agreement.customer)}: {safe(agreement.name)} ({safe(agreement.agreement)})")
    currency = f", in {safe(agreement.currency)}" if agreement.currency else ""
    rows: list[tuple[str, tuple[str, ...]]] = [
        (f"at the customer's prices{currency}", ("seat-days", "charged", "billed", "difference"))
    ]
    rows += [(f"{safe(row.product)}\n{safe(row.subscription)}, {_class(row)}", _figures(row)) for row in agreement.rows]
    amounts = (agreement.charged, agreement.billed)
    total = (*(printed(a, agreement.currency) for a in amounts), signed(amounts[1] - amounts[0], agreement.currency))
    rows.append(("together", ("", *total)))
    yield from page.ledger(rows)
    margin = printed(agreement.billed - agreement.cost, agreement.currency)
    cost = printed(agreement.cost, agreement.currency)
    yield from hanging(f"the distributor's cost {cost}, margin {margin}", page.width, "  ")
    verdict = agreement.verdict.value + (f": {safe(agreement.reason)}" if agreement.reason else "")
    for line in hanging(f"{safe(found.month)}: {verdict}", page.width, "  "):
        yield page.paint(line, _STYLES[agreement.verdict])
    if agreement.review:
        yield from hanging(f"accepted as {safe(agreement.review)}", page.width, "  ")


def _class(row: Compared) -> str:
    return f"{row.reached}, {row.audit}" if row.audit else str(row.reached)


def _figures(row: Compared) -> tuple[str, ...]:
    days = f"{plain(row.billed_days)} of {plain(row.charged_days)}" if row.charged_days or row.billed_days else ""
    amounts = (printed(row.charged, row.currency), printed(row.billed, row.currency))
    return (days, *amounts, signed(row.difference, row.currency))


def _not_billed(findings: tuple[Finding, ...], page: Page) -> Iterator[str]:
    if not findings:
        return
    yield from page.heading("Billed to nobody, at the distributor's cost")
    for finding in findings:
        subject = f"{safe(finding.customer)}: " if finding.customer else ""
        amount = safe(str(finding.amount)) if finding.amount else ""
        yield from page.ledger([(f"{subject}{safe(finding.message)}", (amount,))])


def _coverage(found: Reconciliation, page: Page) -> Iterator[str]:
    """How much of the charge has reached the PSA."""
    for currency in dict.fromkeys(share.currency for share in found.coverage):
        yield from page.heading("How far the charge has reached the PSA")
        rows = [(f"at the distributor's cost, in {safe(currency)}", ("lines", "cost", "share"))]
        rows += [
            (str(share.reached), (str(share.lines), printed(share.cost, currency), f"{share.percent:.1f} %"))
            for share in found.coverage
            if share.currency == currency
        ]
        yield from page.ledger(rows)


def _closing(found: Reconciliation, page: Page) -> Iterator[str]:
    yield ""
    for item in found.completeness:
        read = f"{counted(item.documents, 'invoice')} of {safe(found.month)}"
        text = f"{safe(item.source)}: {read}; complete: {item.complete.value} ({safe(item.reason)})"
        yield from hanging(text, page.width, "")
    counts = ", ".join(f"{found.count(verdict)} {verdict.value}" for verdict in Verdict if found.count(verdict))
    sentence = f"{counted(len(found.agreements), 'agreement')}: {counts}." if counts else "Nothing was compared."
    yield from (page.paint(line, Style.STRONG) for line in wrapped(sentence, page.width))


# -- JSON


def reconciliation_json(found: Reconciliation) -> dict[str, Any]:
    """The reconciliation as members; amounts are text."""
    return {
        "month": found.month,
        "target": found.target,
        "agreements": [_agreement_json(agreement) for agreement in found.agreements],
        "not_billed": [
            {
                "code": f.code,
                "customer": f.customer,
                "message": f.message,
                "amount": printed(f.amount.amount, f.amount.currency) if f.amount else None,
                "currency": f.amount.currency if f.amount else None,
            }
            for f in found.not_billed
        ],
        "errors": [{"code": f.code, "customer": f.customer, "message": f.message} for f in found.errors],
        "completeness": [
            {
                "source": item.source,
                "complete": item.complete.value,
                "documents": item.documents,
                "reason": item.reason,
            }
            for item in found.completeness
        ],
        "coverage": [
            {
                "class": share.reached.value,
                "currency": share.currency,
                "lines": share.lines,
                "cost": printed(share.cost, share.currency),
                "percent": f"{share.percent:.1f}",
            }
            for share in found.coverage
        ],
        "summary": {verdict.value: found.count(verdict) for verdict in Verdict},
    }


def _agreement_json(agreement: AgreementCompared) -> dict[str, Any]:
    return {
        "customer": agreement.customer,
        "agreement": agreement.agreement,
        "agreement_name": agreement.name,
        "currency": agreement.currency,
        **_money(agreement.charged, agreement.billed, agreement.cost, agreement.currency),
        "verdict": agreement.verdict.value,
        "reason": agreement.reason,
        "reviewed": agreement.review,
        "subscriptions": [
            {
                "customer": row.customer,
                "motion": row.motion.value,
                "subscription": row.subscription,
                "product": row.product,
                "charged_seat_days": plain(row.charged_days),
                "billed_seat_days": plain(row.billed_days),
                **_money(row.charged, row.billed, row.cost, row.currency),
                "class": row.reached.value,
                "audit": row.audit.value if row.audit else None,
                "verdict": row.verdict.value,
                "reason": row.reason,
            }
            for row in agreement.rows
        ],
    }


def _money(charged: Decimal, billed: Decimal, cost: Decimal, currency: str) -> dict[str, str]:
    return {
        "charged": printed(charged, currency),
        "billed": printed(billed, currency),
        "difference": printed(billed - charged, currency),
        "cost": printed(cost, currency),
        "margin": printed(billed - cost, currency),
    }


# -- rows of a table


def reconciliation_rows(found: Reconciliation) -> Iterator[dict[str, Cell]]:
    """A row for each subscription and agreement, and each finding on lines that nobody is billed for."""
    for agreement in found.agreements:
        for row in agreement.rows:
            yield {"month": found.month, **_row(row)}
        yield {"month": found.month, **_agreement_row(agreement)}
    for finding in found.not_billed:
        yield {
            "kind": "not billed",
            "month": found.month,
            "customer": finding.customer,
            "currency": finding.amount.currency if finding.amount else None,
            "cost": finding.amount.amount if finding.amount else None,
            "reason": finding.message,
        }


def _row(row: Compared) -> dict[str, Cell]:
    return {
        "kind": "subscription",
        "customer": row.customer,
        "agreement": row.agreement,
        "agreement_name": row.agreement_name,
        "motion": row.motion.value,
        "subscription": row.subscription,
        "product": row.product,
        "currency": row.currency,
        "charged_seat_days": row.charged_days,
        "billed_seat_days": row.billed_days,
        **_cells(row.charged, row.billed, row.cost),
        "class": row.reached.value,
        "audit": row.audit.value if row.audit else None,
        "verdict": row.verdict.value,
        "reason": row.reason,
    }


def _agreement_row(agreement: AgreementCompared) -> dict[str, Cell]:
    return {
        "kind": "agreement",
        "customer": agreement.customer,
        "agreement": agreement.agreement,
        "agreement_name": agreement.name,
        "currency": agreement.currency,
        "charged_seat_days": sum((row.charged_days for row in agreement.rows), ZERO),
        "billed_seat_days": sum((row.billed_days for row in agreement.rows), ZERO),
        **_cells(agreement.charged, agreement.billed, agreement.cost),
        "verdict": agreement.verdict.value,
        "reason": agreement.reason,
        "reviewed": agreement.review,
    }


def _cells(charged: Decimal, billed: Decimal, cost: Decimal) -> dict[str, Cell]:
    return {
        "charged": charged,
        "billed": billed,
        "difference": billed - charged,
        "cost": cost,
        "margin": billed - cost,
    }
