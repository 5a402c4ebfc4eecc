"""A PSA's own lists, as far as a mapping names records of them: companies, agreements and products."""

from dataclasses import dataclass
from decimal import Decimal

from reconciler.domain.records import Product


@dataclass(frozen=True, slots=True)
class ListedCompany:
    """A company. `identifier` is what a mapping names it by; `website` is as somebody typed it, or empty."""

    id: str
    identifier: str
    name: str
    website: str = ""


@dataclass(frozen=True, slots=True)
class ListedAgreement:
    """An agreement that is active. `one_time`: it bills once, as annual charges need it (rulebook P54)."""

    id: str
    name: str
    company_id: str
    one_time: bool = False


@dataclass(frozen=True, slots=True)
class Directory:
    """What a PSA lists: companies that are not deleted, active agreements, active products."""

    companies: tuple[ListedCompany, ...]
    agreements: tuple[ListedAgreement, ...]
    products: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class Hint:
    """Why two records may be the same: from 0 to 1, with two digits, and the reason in words."""

    score: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A record of the PSA that may be meant. `word` is how a mapping names it (`id`, where its name is not unique);
    `label` is for people; `hints` has the strongest first.
    """

    id: str
    word: str | None
    label: str
    hints: tuple[Hint, ...]
    by_serial: bool = False

    @property
    def score(self) -> Decimal:
        """The strongest hint's."""
        return self.hints[0].score
