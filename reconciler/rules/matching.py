"""Which of an agreement's additions belong to which subscription (rulebook 1G step 2, P39, P42, P49).

The serial number is the subscription id: that is the exact match. A record without one is adopted only where there can
be no doubt: it is the single open record of its product, and a single subscription of that product has none.
Anything less certain stops the customer (E8). A record of a product that no price list or mapping of the program knows
is somebody else's and is never touched.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.domain.days import Month
from reconciler.domain.finding import Finding, Severity
from reconciler.domain.money import plain
from reconciler.domain.records import Addition

# A subscription and the product that is charged for it; the product by its key (`domain.price_list.product_key`).
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Matched:
    """The additions of an agreement, by whose they are. `adopted` are ids of records that get their serial number."""

    standing: Mapping[Key, tuple[Addition, ...]]
    adopted: frozenset[str]
    findings: tuple[Finding, ...]


def match(
    charged: Iterable[Key], additions: Sequence[Addition], product_keys: Mapping[str, str], month: Month
) -> Matched:
    """Matches additions to what was charged.

    `charged` are the subscriptions on the month's invoices with their products; `product_keys` names the products of
    the program among those on the agreement, by the PSA's product id. Serial numbers match without regard to case.
    """
    standing: dict[Key, list[Addition]] = {}
    unclaimed: dict[str, list[Addition]] = {}
    findings: list[Finding] = []
    keys = list(charged)
    subscriptions = {subscription.lower(): subscription for subscription, _ in keys}
    for addition in additions:
        key = product_keys.get(addition.product_id)
        serial = (addition.serial_number or "").strip().lower()
        if serial and key:
            standing.setdefault((subscriptions.get(serial, addition.serial_number or ""), key), []).append(addition)
        elif serial in subscriptions and _in_force_from(addition, month):
            findings.append(_foreign_product(addition, subscriptions[serial]))
        elif not serial and key and _in_force_from(addition, month):
            unclaimed.setdefault(key, []).append(addition)
    adopted = _adopt(keys, unclaimed, standing, findings, month)
    return Matched({key: tuple(rows) for key, rows in standing.items()}, frozenset(adopted), tuple(findings))


def _in_force_from(addition: Addition, month: Month) -> bool:
    return bool(addition.quantity) and (addition.cancelled is None or addition.cancelled >= month.first)


def _adopt(
    keys: Sequence[Key],
    unclaimed: Mapping[str, Sequence[Addition]],
    standing: dict[Key, list[Addition]],
    findings: list[Finding],
    month: Month,
) -> list[str]:
    adopted = []
    for product, records in unclaimed.items():
        without = [key for key in keys if key[1] == product and not _any_in_force(standing.get(key, ()), month)]
        if len(records) == 1 and len(without) == 1 and records[0].cancelled is None:
            standing.setdefault(without[0], []).append(records[0])
            adopted.append(records[0].id)
        else:
            findings += [_cannot_match(record, product, without) for record in records]
    return adopted


def _any_in_force(records: Iterable[Addition], month: Month) -> bool:
    return any(_in_force_from(record, month) for record in records)


def _cannot_match(record: Addition, product: str, without: Sequence[Key]) -> Finding:
    named = f"Record {record.id}: {plain(record.quantity)} from {record.effective}."
    if without:
        hint = "write the right subscription id into the record's serial number: " + ", ".join(
            subscription for subscription, _ in without
        )
    else:
        hint = "end the record in the PSA, or write its subscription id into its serial number"
    return Finding(
        Severity.ERROR,
        "E8",
        f"There is an existing addition for product sku '{product}' that needs to be cancelled as it is not in the "
        f"PRISM invoice and ConnectWise has no subscription id (serial number) for accurate match. {named}",
        hint=hint,
    )


def _foreign_product(record: Addition, subscription: str) -> Finding:
    return Finding(
        Severity.ERROR,
        "E10",
        f"Could not find source product or multiple matches: record {record.id} carries this subscription's id, but "
        "its product is not linked to a product of the program",
        subscription=subscription,
        hint="link the product under `products:` (its SKU and the product id in the PSA), or correct the record",
    )
