"""A program's products: what each charged one is in the PSA, and which of the PSA's are the program's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from reconciler.domain.finding import Finding
from reconciler.domain.invoice import InvoiceLine, Motion
from reconciler.domain.mapping import ProductLink, ProductMode, Program
from reconciler.domain.money import ZERO
from reconciler.domain.price_list import PriceList
from reconciler.domain.records import Product
from reconciler.planning.ledger import Account, Entry, Ledger, key_of
from reconciler.rules.products import Catalogue, Offer, Resolved, collisions, left_to_psa, resolve

AZURE_KEY = "azure"
"""The product of usage that was charged under several SKUs: one record holds it all."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Products by key, and which of them were charged; the program's products by motion, as keys by the PSA's id."""

    resolved: Mapping[str, Resolved]
    by_motion: Mapping[Motion, Mapping[str, str]]
    charged: frozenset[str]
    findings: tuple[Finding, ...]

    def keys_by_id(self, motion: Motion) -> Mapping[str, str]:
        """The keys of the products that a motion may stand under, by the PSA's product id (decision 5)."""
        return self.by_motion.get(motion, {})

    def price_of(self, key: str) -> Decimal | None:
        """The catalogue's price of a charged product, where the PSA has it."""
        found = self.resolved.get(key)
        return found.product.price if found and found.product else None


@dataclass(frozen=True, slots=True)
class Stock:
    """What the shelf is filled from. `cannot_create` are the findings for which the PSA would refuse any product that
    had to be created (E2 to E4).
    """

    program: Program
    ledger: Ledger
    price_list: PriceList
    has_price_list: bool
    links: tuple[ProductLink, ...]
    products: tuple[Product, ...]
    cannot_create: tuple[Finding, ...] = ()


def fill(
    stock: Stock, charged: Iterable[tuple[Motion, Account]], passed_on: Mapping[str, tuple[Motion, Entry]] | None = None
) -> Shelf:
    """Looks every product up that was charged by a motion to an account, and names the program's products. `passed_on`
    are products of credits and one-off charges that a decision passes on, by key (P9).
    """
    by_sku = {link.sku: link for link in stock.links}
    catalogue = Catalogue.of(stock.products)
    resolved: dict[str, Resolved] = {}
    lines = {**(passed_on or {}), **_last_lines(charged)}
    for motion, offer in _offers(lines, stock):
        listed = stock.has_price_list and motion is not Motion.AZURE
        defaults, taxable = stock.program.defaults, stock.program.taxable
        found = resolve(
            offer, by_sku.get(offer.key), catalogue, has_price_list=listed, taxable=taxable, defaults=defaults
        )
        found = left_to_psa(found, stock.program.psa_fields)
        resolved[offer.key] = _not_created(found, stock.cannot_create) if stock.cannot_create else found
    changes = [r.change for r in resolved.values() if r.change]
    return Shelf(resolved, _by_motion(stock), frozenset(lines), collisions(changes, stock.products))


def _not_created(resolved: Resolved, findings: tuple[Finding, ...]) -> Resolved:
    creates = resolved.change is not None and resolved.change.standing is None
    return Resolved(resolved.key, None, None, findings) if creates else resolved


def _last_lines(charged: Iterable[tuple[Motion, Account]]) -> dict[str, tuple[Motion, Entry]]:
    """Each charged product with its motion and a line that charged it."""
    lines: dict[str, tuple[Motion, Entry]] = {}
    for motion, account in charged:
        for key, entry in _charged(motion, account):
            lines.setdefault(key, (motion, entry))
    return lines


def _offers(lines: Mapping[str, tuple[Motion, Entry]], stock: Stock) -> Iterable[tuple[Motion, Offer]]:
    """Each product to look up, in order of key, with what is known of it."""
    month = stock.ledger.month
    if stock.program.product_mode is ProductMode.ALL:
        yield from _listed(stock, lines)
    for key in sorted(lines):
        motion, (invoice, line) = lines[key]
        listed = stock.price_list.on(key, month.last, invoice.currency)
        if motion is Motion.AZURE:
            # The price of usage is the month's: the catalogue has none (P52).
            yield motion, Offer(key, line.description or "Azure usage", None, ZERO, ZERO)
        else:
            yield motion, Offer(key, line.description, listed, line.unit_price, line.unit_cost)


def _listed(stock: Stock, charged: Iterable[str]) -> Iterable[tuple[Motion, Offer]]:
    """P18, mode `all`: every product of the current price list that nobody was charged for, in order of key."""
    rest = {row.key for row in stock.price_list.rows} - set(charged)
    for key in sorted(rest):
        row = stock.price_list.on(key, stock.ledger.month.last)
        if row is not None:
            yield Motion.SEAT_MONTHLY, Offer(key, row.name, row, row.unit_price, row.unit_cost)


def _charged(motion: Motion, account: Account) -> Iterable[tuple[str, Entry]]:
    if motion is Motion.SEAT_MONTHLY:
        groups = (*account.seats.items(), *account.off_month.items())
        return ((key, entries[-1]) for (_, key), entries in groups)
    entries = account.once.get(motion, [])
    if motion is Motion.AZURE and entries:
        return [(usage_product(line for _, line in entries), entries[-1])]
    return [(key_of(line), (invoice, line)) for invoice, line in entries]


def usage_product(lines: Iterable[InvoiceLine]) -> str:
    """The product of a month's usage: the one SKU that was charged, or `azure` for several."""
    keys = {key_of(line) for line in lines}
    return keys.pop() if len(keys) == 1 else AZURE_KEY


def _by_motion(stock: Stock) -> dict[Motion, dict[str, str]]:
    """Decision 5: a product is the program's where a price list, a link or an invoice knows its SKU. It may stand for
    the motions that ever charged it; one that no invoice charged is a seat's.
    """
    linked = {link.product.casefold(): link.sku for link in stock.links if link.product}
    known = stock.ledger.motions
    spelt = {key.casefold(): key for key in (AZURE_KEY, *(row.key for row in stock.price_list.rows), *known)}
    keys: dict[Motion, dict[str, str]] = {motion: {} for motion in Motion}
    for product in stock.products:
        sku = product.vendor_sku or linked.get(product.identifier.casefold())
        if sku is None:
            continue
        # The PSA compares without regard to letters, and so was the product found.
        key = spelt.get(sku.casefold(), sku)
        if key == AZURE_KEY:
            keys[Motion.AZURE][product.id] = key
        elif key in known:
            for motion in known[key]:
                keys[motion][product.id] = key
        elif key in stock.price_list or key in linked.values():
            keys[Motion.SEAT_MONTHLY][product.id] = key
    return keys
