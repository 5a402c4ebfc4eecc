"""What speaks for a record of the PSA being the one that is meant: hints with scores, strongest first."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from reconciler.domain.directory import Hint, ListedAgreement, ListedCompany, Proposal
from reconciler.domain.invoice import Motion
from reconciler.domain.records import Product
from reconciler.rules.likeness import CERTAIN, host_of, is_tenant_domain, label, likeness, squashed, words

LEAST = Decimal("0.60")
_SAME_NAMES = Decimal("0.99")
_WORDS_OF_ALL = frozenset(
    {"365", "cloud", "csp", "licences", "licenses", "licensing", "m365", "microsoft", "nce", "o365", "office", "saas"}
)
_WORDS: Mapping[Motion, frozenset[str]] = {
    Motion.SEAT_MONTHLY: frozenset({"monthly"}),
    Motion.SEAT_ANNUAL: frozenset({"annual", "annually", "yearly", "annuity"}),
    Motion.AZURE: frozenset({"azure"}),
}
_OTHERS = {motion: frozenset().union(*(w for m, w in _WORDS.items() if m is not motion)) for motion in _WORDS}


def only_certain(proposals: Sequence[Proposal]) -> Proposal | None:
    """The proposal that may be written down: certain, and no other is, but by a weaker kind of hint."""
    certain = [one for one in proposals if one.score >= CERTAIN]
    serial = [one for one in certain if one.by_serial]
    chosen = serial or certain
    return chosen[0] if len(chosen) == 1 else None


def alike_hints(what: str, alike: Decimal) -> list[Hint]:
    """What two names tell; however alike they are, a subscription id tells more."""
    if alike < LEAST:
        return []
    told = f"the {what} are the same" if alike == 1 else f"the {what} are {alike:.0%} alike"
    return [Hint(min(alike, _SAME_NAMES), told)]


def domain_hints(domain: str, company: ListedCompany) -> list[Hint]:
    """What a customer's domain tells of a company: its website is there, or the domain reads as its name."""
    if not domain:
        return []
    if not is_tenant_domain(domain) and company.website and host_of(company.website) == host_of(domain):
        return [Hint(Decimal("0.98"), f"its website is at {host_of(domain)}")]
    own = label(domain).replace("-", "")
    named = [
        what for what, name in (("identifier", company.identifier), ("name", company.name)) if squashed(name) == own
    ]
    if label(company.website) == label(domain):
        named.append("website")
    return [Hint(Decimal("0.92"), f"the domain {domain} reads as its {named[0]}")] if named else []


def name_hints(agreement: ListedAgreement, motion: Motion, *, only: bool) -> list[Hint]:
    """What an agreement's name tells. P54: annual seats need one that bills one time, others one that recurs."""
    if agreement.one_time != (motion is Motion.SEAT_ANNUAL):
        told = "it bills one time" if agreement.one_time else "it does not bill one time (P54)"
        return [Hint(LEAST, told)]
    said = frozenset(words(agreement.name))
    if said & _WORDS[motion]:
        return [Hint(Decimal("0.95"), f"its name says '{min(said & _WORDS[motion])}'")]
    if said & _OTHERS[motion]:
        return [Hint(LEAST, f"its name says '{min(said & _OTHERS[motion])}'")]
    if said & _WORDS_OF_ALL:
        return [Hint(CERTAIN, f"its name says '{min(said & _WORDS_OF_ALL)}'")]
    return (
        [Hint(Decimal("0.80"), "it is the company's only active agreement")] if only else [Hint(LEAST, "it is active")]
    )


def product_proposal(product: Product, sku: str, name: str, *, serial: bool) -> Proposal | None:
    """A catalogue item as a proposal for a SKU. `serial`: it stands on additions with the SKU's subscription ids."""
    hints = []
    if product.vendor_sku and squashed(product.vendor_sku) != squashed(sku):
        # P27: another Vendor SKU makes it another product's; to write over it would unlink that one.
        return None
    if serial:
        hints.append(Hint(Decimal(1), "it stands on additions with these subscription ids"))
    if product.vendor_sku:
        hints.append(Hint(Decimal("0.98"), f"its Vendor SKU is {product.vendor_sku}"))
    if squashed(product.identifier) == squashed(sku):
        hints.append(Hint(Decimal("0.97"), "its product id is the SKU"))
    alike = likeness(name, product.description)
    hints += alike_hints("descriptions", alike)
    shown = f"{product.identifier} ({product.description})"
    return proposal_of(product.id, product.identifier, shown, hints, by_serial=serial)


def proposal_of(
    number: str, word: str | None, shown: str, hints: Iterable[Hint], *, by_serial: bool
) -> Proposal | None:
    ordered = tuple(sorted(hints, key=lambda hint: -hint.score))
    return Proposal(number, word, shown, ordered, by_serial) if ordered else None


def ranked(proposals: Iterable[Proposal]) -> tuple[Proposal, ...]:
    """Proposals, the best first: by serial number, then by score; the same order whatever order they came in."""
    return tuple(sorted(proposals, key=lambda one: (not one.by_serial, -one.score, -len(one.hints), one.label)))
