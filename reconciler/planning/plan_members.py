"""What a plan file says of each part of a plan: the names of its members, decimals and days as text (interface §3)."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from reconciler.domain.breakdown import Step
from reconciler.domain.finding import Finding
from reconciler.domain.money import Money, plain, printed
from reconciler.domain.plan import (
    Action,
    Change,
    Coverage,
    DocumentUsed,
    Impact,
    NotPassedOn,
    Plan,
    ProductValues,
    Signature,
    Values,
)
from reconciler.planning.cutover_file import hand_over_members
from reconciler.planning.open_items_file import open_members

FORMAT = "reconciler-plan/1"


def members_of(plan: Plan) -> dict[str, Any]:
    """The plan as a document, without a digest over it."""
    return {name: list(it) if isinstance(it, Iterator) else it for name, it in members_in_turn(plan).items()}


def members_in_turn(plan: Plan) -> dict[str, Any]:
    """As `members_of`, but the long lists are iterators, to be gone through once: so they need not all be there."""
    return (
        {
            "format": FORMAT,
            "reconciler": plan.version,
            "created": plan.created,
            "month": plan.month,
            "target": plan.target,
            **_present(undoes=plan.undoes),
            "inputs": _inputs(plan),
            "observed": dict(plan.observed),
            "observed_records": dict(plan.observed_records),
            "changes": map(_change, plan.changes),
            "findings": map(finding_members, plan.findings),
            "impact": map(_impact, plan.impact),
            "coverage": [_coverage(row) for row in plan.coverage],
            "not_passed_on": [_not_passed_on(each) for each in plan.not_passed_on],
            "rounding": plan.rounding,
            "refused_by": list(plan.refused_by),
            "summary": summary(plan),
        }
        | _present(months=list(plan.months) or None)
        | _present(cutover=[hand_over_members(row) for row in plan.cutover] or None)
        | open_members(plan.left_open)
        | _present(signature=_signature(plan.signature))
    )


def _present(**members: Any) -> dict[str, Any]:
    """The members that hold something: an optional one that is empty is left out."""
    return {name: value for name, value in members.items() if value is not None}


def _signature(signature: Signature | None) -> dict[str, str] | None:
    return {"key": signature.key, "hmac_sha256": signature.hmac_sha256} if signature else None


def _inputs(plan: Plan) -> dict[str, Any]:
    documents = [_document_used(d) for d in plan.documents]
    return {"mappings": plan.mappings, "documents": documents} | _present(decisions=plan.decisions or None)


def summary(plan: Plan) -> dict[str, int]:
    """The counts that stand in the plan's summary."""
    counts = {action.value: plan.count(action) for action in Action}
    return counts | {"unchanged": plan.unchanged, "warnings": len(plan.warnings), "errors": len(plan.errors)}


def _document_used(used: DocumentUsed) -> dict[str, Any]:
    return {
        "source": used.source,
        "path": used.path,
        "invoice": used.invoice,
        "sha256": used.sha256,
        "lines": used.lines,
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "address": change.address,
        "resource": change.resource.value,
        "action": change.action.value,
        "before": _values(change.before),
        "after": _values(change.after),
        "needs": list(change.needs),
        "because": [_present(rule=b.rule, text=b.text, invoice=b.invoice, line=b.line) for b in change.because],
        "impact": {month: printed(amount) for month, amount in change.impact.items()},
    } | _present(
        record=change.record,
        customer=change.customer,
        motion=change.motion.value if change.motion else None,
        subscription=change.subscription,
        agreement=change.agreement,
        product_name=change.product_name,
    )


def _values(values: Values | None) -> dict[str, Any] | None:
    if values is None:
        return None
    if isinstance(values, ProductValues):
        return _present(
            vendor_sku=values.vendor_sku,
            identifier=values.identifier,
            description=values.description,
            name=values.name,
            price=price_text(values.price),
            cost=price_text(values.cost),
            taxable=values.taxable,
            category=values.category,
            subcategory=values.subcategory,
            type=values.type,
            unit_of_measure=values.unit_of_measure,
        )
    return {
        "agreement": values.agreement_id,
        "product": values.product,
        "product_id": values.product_id,
        "serial_number": values.serial_number,
        "quantity": plain(values.quantity),
        "unit_price": price_text(values.unit_price),
        "unit_cost": price_text(values.unit_cost),
        "effective": values.effective.isoformat(),
        "cancelled": values.cancelled.isoformat() if values.cancelled else None,
        "description": values.description,
    }


def price_text(price: Decimal) -> str:
    """A unit price as text: two places at least, all that it has otherwise."""
    text = plain(price)
    whole, _, places = text.partition(".")
    return f"{whole}.{places.ljust(2, '0')}"


def finding_members(finding: Finding) -> dict[str, Any]:
    """A finding as the plan file and JSON output write it."""
    return _present(
        severity=finding.severity.value,
        code=finding.code,
        message=finding.message,
        customer=finding.customer,
        subscription=finding.subscription,
        where=str(finding.where) if finding.where else None,
        hint=finding.hint,
        amount=_money(finding.amount) if finding.amount else None,
    )


def _money(money: Money) -> dict[str, str]:
    return {"amount": printed(money.amount, money.currency), "currency": money.currency}


def _impact(row: Impact) -> dict[str, Any]:
    cost = row.cost
    return _present(
        agreement=row.agreement,
        agreement_name=row.agreement_name,
        customer=row.customer,
        month=row.month,
        currency=row.currency,
        before=printed(row.before, row.currency),
        after=printed(row.after, row.currency),
        invoiced_cost=printed(row.invoiced_cost, row.currency),
        charged_seat_days=plain(row.charged_seat_days),
        seat_days=plain(row.seat_days),
        verdict=row.verdict.value,
        reason=row.reason,
        reviewed=row.reviewed.value if row.reviewed else None,
        review=row.review,
        cost=printed(cost, row.currency),
        margin=_margin(row, cost),
        breakdown=[_step(step, row.currency) for step in row.breakdown],
    )


def _step(step: Step, currency: str) -> dict[str, Any]:
    return _present(part=step.part.value, rule=step.rule or None, amount=printed(step.amount, currency))


def _margin(row: Impact, cost: Decimal) -> dict[str, Any]:
    """The margin is derived from the bill and the cost: it is written for readers, and not read back."""
    before, after = row.before - cost, row.after - cost
    return _present(
        before=printed(before, row.currency),
        after=printed(after, row.currency),
        before_percent=_percent(before, row.before),
        after_percent=_percent(after, row.after),
    )


def _percent(part: Decimal, whole: Decimal) -> str | None:
    return format(part * 100 / whole, ".1f") if whole else None


def _not_passed_on(each: NotPassedOn) -> dict[str, Any]:
    return {
        "customer": each.customer,
        "currency": each.currency,
        "policy": each.policy,
        "increases": {month: printed(amount, each.currency) for month, amount in each.increases.items()},
        "decreases": {month: printed(amount, each.currency) for month, amount in each.decreases.items()},
    }


def _coverage(row: Coverage) -> dict[str, Any]:
    return {
        "outcome": row.outcome,
        "rule": row.rule,
        "lines": row.lines,
        "amounts": [_money(money) for money in row.amounts],
    }
