"""A program's products: what each charged one is in the PSA, and which of the PSA's are the program's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from reconciler.domain.days import Month
from reconciler.domain.finding import Finding
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import ProductLink, Program
from reconciler.domain.price_list import PriceList
from reconciler.domain.records import Product
from reconciler.planning.ledger import Account, Ledger
from reconciler.rules.products import Catalogue, Offer, Resolved, collisions, resolve


@dataclass(frozen=True, slots=True)
class Shelf:
    """Charged products by key, and the program's product keys by the PSA's product id."""

    resolved: Mapping[str, Resolved]
    keys_by_id: Mapping[str, str]
    findings: tuple[Finding, ...]

    def price_of(self, key: str) -> Decimal | None:
        """The catalogue's price of a charged product, where the PSA has it."""
        found = self.resolved.get(key)
        return found.product.price if found and found.product else None


def stock(
    program: Program,
    ledger: Ledger,
    price_list: PriceList,
    links: Iterable[ProductLink],
    products: Iterable[Product],
    accounts: Iterable[Account],
    month: Month,
    *,
    has_price_list: bool,
    cannot_create: tuple[Finding, ...] = (),
) -> Shelf:
    """Looks every product up that was charged to one of the accounts, and names the program's products.

    `cannot_create` are the findings for which the PSA would refuse any product that had to be created (E2 to E4).
    """
    by_sku = {link.sku: link for link in links}
    items = tuple(products)
    catalogue = Catalogue.of(items)
    resolved = {
        offer.key: resolve(
            offer,
            by_sku.get(offer.key),
            catalogue,
            has_price_list=has_price_list,
            taxable=program.taxable,
            defaults=program.defaults,
        )
        for offer in _offers(accounts, price_list, month)
    }
    if cannot_create:
        resolved = {key: _not_created(r, cannot_create) for key, r in resolved.items()}
    changes = [r.change for r in resolved.values() if r.change]
    return Shelf(
        resolved,
        _keys_by_id(items, ledger, price_list, by_sku.values()),
        collisions(changes, items),
    )


def _not_created(resolved: Resolved, findings: tuple[Finding, ...]) -> Resolved:
    creates = resolved.change is not None and resolved.change.standing is None
    return Resolved(resolved.key, None, None, findings) if creates else resolved


def _offers(accounts: Iterable[Account], price_list: PriceList, month: Month) -> Iterable[Offer]:
    offers: dict[str, Offer] = {}
    for account in accounts:
        for (_, key), entries in account.seats.get(Motion.SEAT_MONTHLY, {}).items():
            if key not in offers:
                invoice, line = entries[-1]
                listed = price_list.on(key, month.last, invoice.currency)
                offers[key] = Offer(key, line.description, listed, line.unit_price, line.unit_cost)
    return [offers[key] for key in sorted(offers)]


def _keys_by_id(
    products: Iterable[Product], ledger: Ledger, price_list: PriceList, links: Iterable[ProductLink]
) -> dict[str, str]:
    """Decision 5: a product is the program's where a price list, a link or an invoice knows its SKU; those that are
    charged by another motion alone are that motion's.
    """
    linked = {link.product.lower(): link.sku for link in links if link.product}
    keys: dict[str, str] = {}
    for product in products:
        key = product.vendor_sku or linked.get(product.identifier.lower())
        known = key is not None and (key in ledger.keys or key in price_list or key in linked.values())
        if key is not None and known and key not in ledger.other_motions:
            keys[product.id] = key
    return keys
