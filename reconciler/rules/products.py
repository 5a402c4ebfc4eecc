"""Which catalogue item each charged product is: found by Vendor SKU, linked, or created (rulebook P27 to P32)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.mapping import ProductLink, PsaField
from reconciler.domain.plan import ProductValues
from reconciler.domain.price_list import Price
from reconciler.domain.records import Product, ProductDefaults

# ConnectWise takes 60 characters for a description, and for a product id on older servers (P30, connectwise §4.5).
LIMIT = 60


@dataclass(frozen=True, slots=True)
class Offer:
    """What is known of a charged product without the PSA: its name, its row on the current price list, and the prices
    of the invoice line that charged it, for a source that has no price list.
    """

    key: str
    name: str
    listed: Price | None
    price: Decimal | None
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class CatalogueChange:
    """A catalogue item to create (`standing` None) or to update, with the rule and the sentence that say why."""

    standing: Product | None
    after: ProductValues
    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """A charged product in the PSA: the item, or the change that makes it, or the findings that stand in the way."""

    key: str
    product: Product | None
    change: CatalogueChange | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The PSA's catalogue items that may matter, by what they are found by, in small letters: as the PSA compares."""

    by_sku: Mapping[str, tuple[Product, ...]]
    by_identifier: Mapping[str, tuple[Product, ...]]

    @classmethod
    def of(cls, products: Iterable[Product]) -> "Catalogue":
        """The index of some catalogue items."""
        by_sku: dict[str, list[Product]] = {}
        by_identifier: dict[str, list[Product]] = {}
        for product in products:
            if product.vendor_sku:
                by_sku.setdefault(product.vendor_sku.casefold(), []).append(product)
            by_identifier.setdefault(product.identifier.casefold(), []).append(product)
        return cls(
            {sku: tuple(rows) for sku, rows in by_sku.items()},
            {identifier: tuple(rows) for identifier, rows in by_identifier.items()},
        )


def resolve(
    offer: Offer,
    link: ProductLink | None,
    catalogue: Catalogue,
    *,
    has_price_list: bool,
    taxable: bool | None,
    defaults: ProductDefaults,
) -> Resolved:
    """The catalogue item of a charged product, or what must be written so that there is one."""
    found = catalogue.by_sku.get(offer.key.casefold(), ())
    if len(found) > 1:
        return Resolved(offer.key, None, None, (_several(offer.key, found),))
    if link and link.product and not (found and found[0].identifier.casefold() == link.product.casefold()):
        return _linked(offer, link, link.product, found, catalogue)
    if found:
        return Resolved(offer.key, found[0], _priced(offer, found[0]))
    if offer.listed is None and has_price_list:
        return Resolved(offer.key, None, None, (_not_listed(offer),))
    return _new(offer, link, catalogue, taxable, defaults)


def left_to_psa(resolved: Resolved, fields: frozenset[PsaField]) -> Resolved:
    """The same without a write to what the PSA owns of an item that stands (P56); a new item is not concerned."""
    change = resolved.change
    if change is None or change.standing is None or not fields:
        return resolved
    after, standing = change.after, change.standing
    kept = replace(
        after,
        price=standing.price if PsaField.PRICE in fields else after.price,
        cost=standing.cost if PsaField.COST in fields else after.cost,
    )
    return replace(resolved, change=None if kept == values_of(standing) else replace(change, after=kept))


def values_of(product: Product) -> ProductValues:
    """A catalogue item's fields that may be ours to write, as they stand."""
    return ProductValues(
        product.vendor_sku or "",
        product.identifier,
        product.description,
        product.description,
        product.price,
        product.cost,
    )


def fitted(text: str, limit: int = LIMIT) -> str:
    """The text in at most `limit` characters, cut at the end of a word where one ends in its last third."""
    if len(text) <= limit:
        return text
    cut = text[: limit + 1].rsplit(" ", 1)[0].rstrip()
    return cut if limit * 2 // 3 <= len(cut) <= limit else text[:limit].rstrip()


def collisions(changes: Sequence[CatalogueChange], products: Iterable[Product]) -> tuple[Finding, ...]:
    """P30: created products whose cut description is that of another one: they will look like duplicates."""
    seen: dict[str, list[str]] = {}
    for product in products:
        seen.setdefault(product.description.lower(), []).append(product.identifier)
    findings = []
    for change in changes:
        if change.standing is not None:
            continue
        others = seen.setdefault(change.after.description.lower(), [])
        if others:
            findings.append(_collision(change.after, others))
        others.append(change.after.identifier)
    return tuple(findings)


def _new(
    offer: Offer, link: ProductLink | None, catalogue: Catalogue, taxable: bool | None, defaults: ProductDefaults
) -> Resolved:
    """The catalogue item that is to be created (P29), or why the PSA could not have it."""
    price = offer.listed.unit_price if offer.listed else offer.price
    cost = offer.listed.unit_cost if offer.listed else offer.cost
    if price is None or cost is None:
        return Resolved(offer.key, None, None, (_not_listed(offer),))
    taken = catalogue.by_identifier.get(fitted(offer.key).casefold())
    if taken:
        return Resolved(offer.key, None, None, (_taken(offer, taken[0]),))
    name = (link.name if link else None) or (offer.listed.name if offer.listed else "") or offer.name or offer.key
    values = ProductValues(
        offer.key,
        fitted(offer.key),
        fitted(name),
        name,
        price,
        cost,
        taxable,
        defaults.category,
        defaults.subcategory,
        defaults.type,
        defaults.unit_of_measure,
    )
    why = f"no catalogue item has the Vendor SKU {offer.key}: it is created with the program's defaults"
    return Resolved(offer.key, None, CatalogueChange(None, values, "P29", why))


def _linked(
    offer: Offer, link: ProductLink, identifier: str, found: Sequence[Product], catalogue: Catalogue
) -> Resolved:
    items = catalogue.by_identifier.get(identifier.casefold(), ())
    if len(items) != 1:
        what = "no catalogue item has" if not items else f"{len(items)} catalogue items have"
        finding = Finding(
            Severity.ERROR,
            "P27",
            f"{what} the product id '{identifier}', to which {offer.key} is linked",
            where=link.place,
            hint="write the product id as the PSA shows it, or leave the link out to have it created",
        )
        return Resolved(offer.key, None, None, (finding,))
    if found:
        finding = Finding(
            Severity.ERROR,
            "P27",
            f"{offer.key} is linked to '{identifier}', but the Vendor SKU stands on '{found[0].identifier}'",
            where=link.place,
            hint=f"take the Vendor SKU off '{found[0].identifier}', or correct the link",
        )
        return Resolved(offer.key, None, None, (finding,))
    priced = _priced(offer, items[0])
    after = priced.after if priced else values_of(items[0])
    values = ProductValues(offer.key, after.identifier, after.description, after.name, after.price, after.cost)
    why = f"{offer.key} is linked to '{items[0].identifier}' in the mapping: the Vendor SKU is set"
    return Resolved(offer.key, items[0], CatalogueChange(items[0], values, "P27", why))


def _priced(offer: Offer, product: Product) -> CatalogueChange | None:
    """P31: a linked product follows the price list, and only that (interface §6.9)."""
    listed = offer.listed
    if listed is None or listed.unit_price is None or listed.unit_cost is None:
        return None
    if (listed.unit_price, listed.unit_cost) == (product.price, product.cost):
        return None
    before = values_of(product)
    after = ProductValues(
        before.vendor_sku, before.identifier, before.description, before.name, listed.unit_price, listed.unit_cost
    )
    return CatalogueChange(product, after, "P31", "the price list has another price or cost")


def _several(key: str, found: Sequence[Product]) -> Finding:
    return Finding(
        Severity.ERROR,
        "E1",
        f"There are multiple products in the ConnectWise product catalog with the VendorSku of '{key}'",
        hint="leave the Vendor SKU on one of " + ", ".join(sorted(p.identifier for p in found)),
    )


def _taken(offer: Offer, other: Product) -> Finding:
    """E6, before the PSA says it: a product id is there once."""
    sku = f"has the Vendor SKU '{other.vendor_sku}'" if other.vendor_sku else "has no Vendor SKU"
    return Finding(
        Severity.ERROR,
        "E6",
        f"Failed to get or create the product in ConnectWise: the product id '{other.identifier}' is taken, by an item "
        f"that {sku}",
        hint=f'if it is this product, link it:  products: [{{sku: "{offer.key}", product: "{other.identifier}"}}]; '
        "else give it another product id in the PSA",
    )


def _not_listed(offer: Offer) -> Finding:
    return Finding(
        Severity.WARNING,
        "E10",
        f"Could not find source product or multiple matches: {offer.key} ({offer.name or 'no name'}) is neither in the "
        "PSA's catalogue nor on the current price list (P32)",
        hint=f'link it in the mapping:  products: [{{sku: "{offer.key}", product: <product id in the PSA>}}]',
    )


def _collision(values: ProductValues, others: Sequence[str]) -> Finding:
    return Finding(
        Severity.WARNING,
        "P30",
        f"{values.identifier} will have the same description as {', '.join(others)}: '{values.description}'",
        hint=f"give it another name under `products:` (at most {LIMIT} characters tell it apart)",
    )
