"""The plan as a file: canonical JSON with a digest over everything that would be applied (interface §3).

Decimals are strings, keys are sorted, one newline ends it; the same inputs give the same bytes, but for `created`.
"""

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from reconciler.domain.breakdown import Part, Step
from reconciler.domain.canonical import digest, readable
from reconciler.domain.finding import Finding, Place, Severity
from reconciler.domain.invoice import Motion
from reconciler.domain.money import Money, plain, printed
from reconciler.domain.plan import (
    Action,
    AdditionValues,
    Because,
    Change,
    Coverage,
    DocumentUsed,
    Impact,
    NotPassedOn,
    Plan,
    ProductValues,
    Resource,
    Signature,
    Values,
    Verdict,
)
from reconciler.planning.cutover_file import hand_over_members, read_hand_overs
from reconciler.planning.open_items_file import open_members, read_open_items

FORMAT = "reconciler-plan/1"
# What the digest leaves out: it must not change with the day or the version that made the plan, or with an approval.
_OUTSIDE_DIGEST = ("created", "reconciler", "digest", "signature")


class PlanFileError(Exception):
    """The file cannot be taken as a plan. `hint` says what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def sealed(plan: Plan) -> Plan:
    """The plan with its digest."""
    return replace(plan, digest=_digest(_document(plan)))


def write_plan(plan: Plan) -> str:
    """The text of the plan file, digest included."""
    document = _document(plan)
    document["digest"] = _digest(document)
    return readable(document)


def read_plan(text: str, name: str) -> Plan:
    """The plan in a file's text. `name` is the file's name for messages.

    Raises PlanFileError where the text is not a plan, or where its content does not match its digest (interface §6.7).
    """
    document = _parsed(text, name)
    if document.get("format") != FORMAT:
        stated = document.get("format")
        what = f"its format is '{stated}', not '{FORMAT}'" if stated else "it does not say that it is one"
        raise PlanFileError(
            f"{name} is not a plan: {what}",
            "make one with: reconciler plan --out FILE",
        )
    stated = document.get("digest")
    if not isinstance(stated, str) or not hmac.compare_digest(stated, _digest(document)):
        raise PlanFileError(
            f"the content of {name} does not match its digest: it was changed after it was made",
            "make the plan again and have it reviewed",
        )
    try:
        return _plan(document)
    except (KeyError, TypeError, ValueError, InvalidOperation, AttributeError) as error:
        raise PlanFileError(
            f"{name} is a plan that this version cannot read ({type(error).__name__}: {error})",
            "make the plan again with this version",
        ) from None


def same_digest(one: str, other: str) -> bool:
    """Whether two digests are equal, each with or without its `sha256:`; takes the same time for any."""
    return hmac.compare_digest(_bare(one).encode(), _bare(other).encode())


def _bare(text: str) -> str:
    return text.strip().lower().removeprefix("sha256:")


def _digest(document: Mapping[str, Any]) -> str:
    return digest({name: value for name, value in document.items() if name not in _OUTSIDE_DIGEST})


def _parsed(text: str, name: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise PlanFileError(f"{name} names a member twice")
        return members

    def no_float(text: str) -> Any:
        raise PlanFileError(f"{name} holds the bare number {text[:30]}; a plan writes amounts as text")

    try:
        document = json.loads(text, object_pairs_hook=once, parse_float=no_float, parse_constant=no_float)
    except (ValueError, RecursionError):
        raise PlanFileError(f"{name} is not JSON", "a plan is made with: reconciler plan --out FILE") from None
    if not isinstance(document, dict):
        raise PlanFileError(f"{name} is not a plan: it holds no object")
    return document


# -- writing


def _present(**members: Any) -> dict[str, Any]:
    """The members that hold something: an optional one that is empty is left out."""
    return {name: value for name, value in members.items() if value is not None}


def _document(plan: Plan) -> dict[str, Any]:
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
            "observed_records": {name: dict(records) for name, records in plan.observed_records.items()},
            "changes": [_change(change) for change in plan.changes],
            "findings": [finding_members(finding) for finding in plan.findings],
            "impact": [_impact(row) for row in plan.impact],
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
        cost=printed(row.cost, row.currency),
        margin=_margin(row),
        breakdown=[_step(step, row.currency) for step in row.breakdown],
    )


def _step(step: Step, currency: str) -> dict[str, Any]:
    return _present(part=step.part.value, rule=step.rule or None, amount=printed(step.amount, currency))


def _margin(row: Impact) -> dict[str, Any]:
    """The margin is derived from the bill and the cost: it is written for readers, and not read back."""
    before, after = row.before - row.cost, row.after - row.cost
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


# -- reading


def _plan(document: Mapping[str, Any]) -> Plan:
    return Plan(
        month=document["month"],
        mappings=document["inputs"]["mappings"],
        documents=tuple(DocumentUsed(**used) for used in document["inputs"]["documents"]),
        observed=document["observed"],
        observed_records=document["observed_records"],
        changes=tuple(_read_change(change) for change in document["changes"]),
        findings=tuple(_read_findings(document["findings"])),
        impact=tuple(_read_impact(row) for row in document["impact"]),
        coverage=tuple(
            Coverage(row["outcome"], row["rule"], row["lines"], tuple(map(_read_money, row["amounts"])))
            for row in document["coverage"]
        ),
        refused_by=tuple(document["refused_by"]),
        unchanged=document["summary"]["unchanged"],
        target=document["target"],
        created=document["created"],
        version=document["reconciler"],
        digest=document["digest"],
        decisions=document["inputs"].get("decisions", ""),
        undoes=document.get("undoes"),
        cutover=read_hand_overs(document.get("cutover", ())),
        left_open=read_open_items(document),
        months=tuple(document.get("months", ())),
        rounding=document.get("rounding", "line"),
        not_passed_on=tuple(_read_not_passed_on(each) for each in document.get("not_passed_on", ())),
        signature=Signature(**document["signature"]) if "signature" in document else None,
    )


def _read_change(change: Mapping[str, Any]) -> Change:
    resource = Resource(change["resource"])
    return Change(
        address=change["address"],
        resource=resource,
        action=Action(change["action"]),
        before=_read_values(resource, change["before"]),
        after=_read_values(resource, change["after"]),
        record=change.get("record"),
        customer=change.get("customer"),
        motion=Motion(change["motion"]) if "motion" in change else None,
        subscription=change.get("subscription"),
        agreement=change.get("agreement"),
        product_name=change.get("product_name"),
        needs=tuple(change["needs"]),
        because=tuple(Because(**because) for because in change["because"]),
        impact={month: Decimal(amount) for month, amount in change["impact"].items()},
    )


def _read_values(resource: Resource, values: Mapping[str, Any] | None) -> Values | None:
    if values is None:
        return None
    if resource is Resource.PRODUCT:
        return ProductValues(**{**values, "price": Decimal(values["price"]), "cost": Decimal(values["cost"])})
    return AdditionValues(
        agreement_id=values["agreement"],
        product=values["product"],
        product_id=values["product_id"],
        serial_number=values["serial_number"],
        quantity=Decimal(values["quantity"]),
        unit_price=Decimal(values["unit_price"]),
        unit_cost=Decimal(values["unit_cost"]),
        effective=date.fromisoformat(values["effective"]),
        cancelled=date.fromisoformat(values["cancelled"]) if values["cancelled"] else None,
        description=values["description"],
    )


def _read_findings(findings: Iterable[Mapping[str, Any]]) -> Iterable[Finding]:
    for members in findings:
        yield Finding(
            severity=Severity(members["severity"]),
            code=members["code"],
            message=members["message"],
            customer=members.get("customer"),
            subscription=members.get("subscription"),
            where=_read_place(members["where"]) if "where" in members else None,
            hint=members.get("hint"),
            amount=_read_money(members["amount"]) if "amount" in members else None,
        )


def _read_place(text: str) -> Place:
    parts = text.rsplit(":", 2)
    numbers = [int(part) for part in parts[1:] if part.isdigit()]
    if len(numbers) != len(parts) - 1:
        file, _, line = text.rpartition(":")
        return Place(file, int(line)) if line.isdigit() and file else Place(text)
    return Place(parts[0], *numbers)


def _read_money(members: Mapping[str, str]) -> Money:
    return Money(Decimal(members["amount"]), members["currency"])


def _read_impact(row: Mapping[str, Any]) -> Impact:
    verdicts = {name: Verdict(row[name]) for name in ("verdict", "reviewed") if name in row}
    numbers = ("before", "after", "invoiced_cost", "charged_seat_days", "seat_days")
    read = {name: Decimal(row[name]) for name in numbers}
    kept = {name: value for name, value in row.items() if name not in ("cost", "margin")}
    breakdown = tuple(
        Step(Part(step["part"]), step.get("rule", ""), Decimal(step["amount"])) for step in row.get("breakdown", ())
    )
    return Impact(**{**kept, **read, **verdicts, "breakdown": breakdown})


def _read_not_passed_on(each: Mapping[str, Any]) -> NotPassedOn:
    amounts = ({month: Decimal(amount) for month, amount in each[side].items()} for side in ("increases", "decreases"))
    return NotPassedOn(each["customer"], each["currency"], each["policy"], *amounts)
