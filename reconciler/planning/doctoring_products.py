"""What a plan needs of the PSA's catalogue: one item for each charged product, links that hold, and for those that must
be created the category, sub-category, type and unit of measure (P27, P28, E1 to E4).
"""

from collections.abc import Iterator
from dataclasses import replace

from reconciler.domain.check_list import Check, Group, Standing, check_of
from reconciler.domain.finding import Finding
from reconciler.domain.mapping import ProductLink, Program
from reconciler.domain.records import Wanted
from reconciler.planning.gathered import Gathered
from reconciler.planning.shelf import Shelf, Stock, fill
from reconciler.rules.products import Catalogue, Offer, Resolved, resolve

_LINK = frozenset({"P27", "E1"})


def links_wanted(gathered: Gathered, wanted: Wanted) -> Wanted:
    """The products that a plan would look up, and those of every declared link, whether it is charged now or not."""
    links = gathered.mappings.products
    return Wanted(
        frozenset(),
        wanted.vendor_skus | {link.sku for link in links},
        wanted.identifiers | {link.product for link in links if link.product},
    )


def products_created(program: Program, gathered: Gathered) -> tuple[str, ...]:
    """The products, by key, that a plan would create."""
    return _created(_shelf(program, gathered))


def _created(shelf: Shelf) -> tuple[str, ...]:
    return tuple(r.key for r in shelf.resolved.values() if r.change and r.change.standing is None)


def product_checks(program: Program, gathered: Gathered) -> list[Check]:
    """The checks of a program's charged products and of the declared links."""
    shelf = _shelf(program, gathered)
    findings = [finding for resolved in shelf.resolved.values() for finding in resolved.findings]
    checks = [_of_finding(finding, program) for finding in (*findings, *shelf.findings)]
    checks += [check_of(f, Group.PRODUCTS, program.name, "products") for f in gathered.observation.findings]
    checks += [_inactive(resolved.key, program) for resolved in _idle(shelf)]
    if not checks:
        checks.append(_all_found(shelf, program))
    return [*checks, *_links(program, gathered, shelf)]


def default_checks(program: Program, gathered: Gathered, lacking: tuple[Finding, ...]) -> list[Check]:
    """P28. `lacking` is what the PSA does not have of the program's defaults: it fails where a product has to be
    created, and warns while none has.
    """
    names = program.defaults
    if not lacking:
        message = (
            f"for new products, sub-category '{names.subcategory}', type '{names.type}' and unit of measure "
            f"'{names.unit_of_measure}' are active"
        )
        return [Check(Group.PRODUCTS, program.name, "defaults", Standing.OK, message, code="P28")]
    checks = [check_of(finding, Group.PRODUCTS, program.name, "defaults") for finding in lacking]
    return checks if products_created(program, gathered) else [no_product_yet(check) for check in checks]


def _shelf(program: Program, gathered: Gathered) -> Shelf:
    documents, ledger = gathered.documents[program.source], gathered.ledgers[program.source]
    stock = Stock(
        program,
        ledger,
        documents.price_list,
        documents.has_price_list,
        gathered.mappings.products,
        gathered.observation.products,
    )
    charged = [
        (motion, account)
        for customer in gathered.mappings.customers
        if customer.program == program.name and (account := ledger.account(customer.tenant))
        for motion in gathered.request.chooses(customer, program)
    ]
    return fill(stock, charged)


def _idle(shelf: Shelf) -> list[Resolved]:
    return [found for found in shelf.resolved.values() if found.product and not found.product.active]


def _inactive(key: str, program: Program) -> Check:
    """P34: records that stand are still billed, so it only stops a plan that has to add one."""
    message = f"the catalogue item of {key} is inactive: records that stand go on, and no new one can be added"
    hint = "activate it, or link the SKU to another item under `products:`"
    return Check(Group.PRODUCTS, program.name, "active", Standing.WARN, message, code="P34", hint=hint)


def _of_finding(finding: Finding, program: Program) -> Check:
    name = {"E1": "Vendor SKU", "P27": "links", "P30": "descriptions"}.get(finding.code, "products")
    return check_of(finding, Group.PRODUCTS, program.name, name)


def _all_found(shelf: Shelf, program: Program) -> Check:
    created = _created(shelf)
    if not shelf.resolved:
        return Check(
            Group.PRODUCTS,
            program.name,
            "products",
            Standing.OK,
            "no mapped customer was charged for a product, so none is looked up",
        )
    found = len(shelf.resolved) - len(created)
    message = f"{found} of {len(shelf.resolved)} products are in the catalogue, each Vendor SKU once"
    if created:
        message += f"; to be created: {', '.join(created[:5])}{' …' if len(created) > 5 else ''}"
    return Check(Group.PRODUCTS, program.name, "products", Standing.OK, message, code="P27")


def _links(program: Program, gathered: Gathered, shelf: Shelf) -> Iterator[Check]:
    """Links that no charge has called upon this month: they would fail in the month that does."""
    links = [link for link in gathered.mappings.products if link.product]
    idle = [link for link in links if link.sku not in shelf.resolved]
    catalogue = Catalogue.of(gathered.observation.products)
    findings = [f for link in idle for f in _link_findings(link, program, gathered, catalogue)]
    for finding in findings:
        yield _of_finding(finding, program)
    charged = [f for link in links if link.sku in shelf.resolved for f in shelf.resolved[link.sku].findings]
    if links and not findings and not charged:
        message = f"each declared link meets one catalogue item (links: {len(links)})"
        yield Check(Group.PRODUCTS, program.name, "links", Standing.OK, message, code="P27")


def _link_findings(
    link: ProductLink, program: Program, gathered: Gathered, catalogue: Catalogue
) -> tuple[Finding, ...]:
    documents = gathered.documents[program.source]
    listed = documents.price_list.on(link.sku, gathered.request.month.last)
    offer = Offer(link.sku, link.name or "", listed, None, None)
    resolved = resolve(
        offer,
        link,
        catalogue,
        has_price_list=documents.has_price_list,
        taxable=program.taxable,
        defaults=program.defaults,
    )
    return tuple(finding for finding in resolved.findings if finding.code in _LINK)


def no_product_yet(check: Check) -> Check:
    """A lack that stops nothing so far, for no product has to be created."""
    return replace(check, standing=Standing.WARN, message=f"{check.message} (none has to be added now)")
