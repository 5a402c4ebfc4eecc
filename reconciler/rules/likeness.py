"""How alike two names are, for proposing what belongs together (rulebook T17, H9). A person decides.

Names are compared without case, accents, punctuation and legal forms: `Contoso Pty. Ltd.` and `CONTOSO` are one name.
"""

import re
import unicodedata
from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal
from difflib import SequenceMatcher

CERTAIN = Decimal("0.90")
"""From this likeness on a match may be written down without asking (H9)."""

_LEGAL_FORMS = frozenset({
    "ab", "ag", "as", "bv", "co", "company", "corp", "corporation", "gmbh", "group", "holdings", "inc", "incorporated",
    "limited", "llc", "llp", "ltd", "nv", "oy", "plc", "pty", "sa", "sarl", "spa", "srl", "the", "trust",
})  # fmt: skip
_WORD = re.compile(r"[^\W_]+")
_HUNDREDTH = Decimal("0.01")
_TENANT_DOMAINS = (".onmicrosoft.com", ".onmicrosoft.us", ".partner.onmschina.cn")


def words(name: str) -> tuple[str, ...]:
    """The words of a name that tell it from others; all of them where nothing else would be left."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    found = tuple(_WORD.findall(plain))
    telling = tuple(word for word in found if word not in _LEGAL_FORMS)
    return telling or found


def squashed(name: str) -> str:
    """The telling words without anything between them."""
    return "".join(words(name))


def likeness(one: str, other: str) -> Decimal:
    """From 0 to 1, rounded down to two digits: twice the common letters, in order, by all (Ratcliff-Obershelp)."""
    first, second = " ".join(words(one)), " ".join(words(other))
    if not first or not second:
        return Decimal(0)
    if first == second:
        return Decimal(1)
    # The measure depends on which of the two comes first; the order of the alphabet decides.
    first, second = sorted((first, second))
    common = sum(block.size for block in SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks())
    return (Decimal(2 * common) / (len(first) + len(second))).quantize(_HUNDREDTH, ROUND_DOWN)


def label(domain: str) -> str:
    """The part of a domain that names its owner: `contoso` of `contoso.onmicrosoft.com` and of `www.contoso.com.au`."""
    host = host_of(domain)
    return host.partition(".")[0]


def host_of(address: str) -> str:
    """The host of a web or mail address, without `www`."""
    text = address.strip().lower().rpartition("@")[2]
    text = text.partition("://")[2] or text
    return re.split(r"[/:?#]", text, maxsplit=1)[0].removeprefix("www.")


def is_tenant_domain(domain: str) -> bool:
    """Whether Microsoft gave the domain with the tenant: nobody's website is there."""
    return domain.lower().endswith(_TENANT_DOMAINS)


def beginnings(names: Iterable[str]) -> frozenset[str]:
    """What names that may be alike share: the first three letters of a word. Spares comparing each with each."""
    return frozenset(word[:3] for name in names for word in words(name))
