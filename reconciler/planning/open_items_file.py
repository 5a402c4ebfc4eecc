"""What a plan leaves to a person, as members of the plan file. A list that is empty is left out."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from reconciler.domain.finding import Place
from reconciler.domain.money import Money, printed
from reconciler.domain.open_items import Complete, Completeness, KeptBack, OpenItems, Stub, Unallocated


def open_members(items: OpenItems) -> dict[str, Any]:
    """The members `unallocated`, `kept_back`, `to_map` and `completeness`."""
    members = {
        "unallocated": [_unallocated(item) for item in items.unallocated],
        "kept_back": [_kept_back(item) for item in items.kept_back],
        "to_map": [_stub(stub) for stub in items.stubs],
        "completeness": [_completeness(item) for item in items.completeness],
    }
    return {name: rows for name, rows in members.items() if rows}


def read_open_items(document: Mapping[str, Any]) -> OpenItems:
    """The items of a plan file. Raises KeyError, TypeError or ValueError for what is none."""
    return OpenItems(
        unallocated=tuple(
            Unallocated(
                **{
                    **row,
                    "amount": _read_money(row["amount"]),
                    "originals": tuple(row["originals"]),
                    "where": _read_place(row["where"]),
                }
            )
            for row in document.get("unallocated", ())
        ),
        kept_back=tuple(
            KeptBack(**{**row, "amount": _read_money(row["amount"])}) for row in document.get("kept_back", ())
        ),
        stubs=tuple(
            Stub(row["section"], row["yaml"], tuple(map(_read_money, row["amounts"])))
            for row in document.get("to_map", ())
        ),
        completeness=tuple(
            Completeness(**{**row, "complete": Complete(row["complete"])}) for row in document.get("completeness", ())
        ),
    )


def _unallocated(item: Unallocated) -> dict[str, Any]:
    return {
        "invoice": item.invoice,
        "line": item.line,
        "kind": item.kind,
        "customer": item.customer,
        "subscription": item.subscription,
        "description": item.description,
        "amount": _money(item.amount),
        "originals": list(item.originals),
        "stub": item.stub,
        "where": {"file": item.where.file, "line": item.where.line, "column": item.where.column},
    }


def _kept_back(item: KeptBack) -> dict[str, Any]:
    return {
        "customer": item.customer,
        "subscription": item.subscription,
        "product": item.product,
        "policy": item.policy,
        "amount": _money(item.amount),
        "window": item.window,
    }


def _stub(stub: Stub) -> dict[str, Any]:
    return {"section": stub.section, "yaml": stub.yaml, "amounts": _amounts(stub.amounts)}


def _completeness(item: Completeness) -> dict[str, Any]:
    return {
        "source": item.source,
        "complete": item.complete.value,
        "documents": item.documents,
        "reason": item.reason,
    }


def _amounts(amounts: Iterable[Money]) -> list[dict[str, str]]:
    return [_money(money) for money in amounts]


def _money(money: Money) -> dict[str, str]:
    return {"amount": printed(money.amount, money.currency), "currency": money.currency}


def _read_money(members: Mapping[str, str]) -> Money:
    return Money(Decimal(members["amount"]), members["currency"])


def _read_place(members: Mapping[str, Any]) -> Place:
    return Place(members["file"], members["line"], members["column"])
