"""The plan that the members of a plan file tell of: the way back from `plan_members`."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from reconciler.domain.breakdown import Part, Step
from reconciler.domain.finding import Finding, Place, Severity
from reconciler.domain.invoice import Motion
from reconciler.domain.money import Money
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
from reconciler.planning.cutover_file import read_hand_overs
from reconciler.planning.open_items_file import read_open_items


def plan_of(document: Mapping[str, Any]) -> Plan:
    """The plan that a document tells of.

    Raises KeyError, TypeError, ValueError, InvalidOperation or AttributeError where it is not one of this version.
    """
    return Plan(
        month=document["month"],
        mappings=document["inputs"]["mappings"],
        documents=tuple(DocumentUsed(**used) for used in document["inputs"]["documents"]),
        observed=document["observed"],
        observed_records=document["observed_records"],
        changes=tuple(_read_change(change) for change in document["changes"]),
        findings=tuple(_read_findings(document["findings"])),
        impact=tuple(impact_of(row) for row in document["impact"]),
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


def impact_of(row: Mapping[str, Any]) -> Impact:
    """The bill of an agreement and month. Raises as `plan_of` does."""
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
