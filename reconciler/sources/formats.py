"""Which format a text has: told from its header or its members, never from its name."""

import re
from dataclasses import dataclass
from enum import StrEnum

from reconciler.domain.finding import Finding, Place, Severity
from reconciler.sources.content import Content
from reconciler.sources.normalised_table import COLUMNS
from reconciler.sources.tables import Table, table
from reconciler.sources.values import spelled

_EMPTY_PAGE = "items[]"
_PEEK = 20_000
_NAMES_SHOWN = 8

_JSON_START = re.compile(r'\s*(?:\[\s*)*(?:\{\s*["}]|\[\s*\])')
_JSON_LINE = re.compile(r"\s*\{[^\n]*\}[ \t\r]*\n\s*\{")
_JSON_NAME = re.compile(r'"([^"\\\n]{1,60})"\s*:')
_JSON_EMPTY_PAGE = re.compile(r'"items"\s*:\s*\[\s*\]')
_YAML_NAME = re.compile(r"""^[ \t]*(?:-[ \t]+)*[{"' ]*([A-Za-z_][\w.]{0,60})["']?[ \t]*:(?:\s|$)""", re.MULTILINE)


class Form(StrEnum):
    """What a document is. The first two are the values of a source's `format`, beside `auto`."""

    NORMALISED = "normalized"
    PARTNER_CENTER = "partner-center-nce"
    PRICE_LIST = "price-list"
    PRICE_SHEET = "partner-center-price-sheet"


class Spelling(StrEnum):
    """How a document is written."""

    TABLE = "csv"
    JSON = "json"
    JSON_LINES = "jsonl"
    YAML = "yaml"


AUTO = "auto"
FORMATS = (AUTO, Form.NORMALISED.value, Form.PARTNER_CENTER.value)
READ_HERE = (
    "read are: normalised invoices (YAML, JSON, JSON Lines, CSV), Partner Center's new-commerce reconciliation "
    "(CSV, JSON, JSON Lines), price lists (CSV) and Partner Center's licence price sheet (CSV), each plain or as .gz"
)
# Other documents of Partner Center that lie in the same folders, and what to do about them.
_KNOWN_OTHERS = {
    "usagedate": (
        "a daily rated usage file, which is not read",
        "the reconciliation file of the same invoice holds the month's total of each meter; take this one away",
    ),
    "syndicationpartnersubscriptionnumber": (
        "a legacy licence file, from before the new commerce, which is not read",
        "write its lines as a normalised invoice",
    ),
    "durableofferid": (
        "a legacy licence file, from before the new commerce, which is not read",
        "write its lines as a normalised invoice",
    ),
    "pretaxcharges": (
        "a legacy usage file, from before the Azure plan, which is not read",
        "write its totals as a normalised invoice",
    ),
    "meterids": (
        "a price sheet of Azure meters, which is not read",
        "take it away: Azure is billed by the amounts of the invoice",
    ),
}


@dataclass(frozen=True, slots=True)
class Detected:
    """A document's form, how it is written, and for a table its header."""

    form: Form
    spelling: Spelling
    table: Table | None = None


def detect(content: Content, forced: str = AUTO) -> Detected | Finding:
    """The format of a text, or the finding that says what was seen instead. `forced` is one of `FORMATS`."""
    if forced not in FORMATS:
        return _unknown(content, f"there is no format '{forced}'", f"one of: {', '.join(FORMATS)}")
    start = content.packed.start()
    spelling = _spelling(start)
    header = table(content.packed) if spelling is Spelling.TABLE else None
    names = set(header.names) if header else _members(start, spelling)
    form = Form(forced) if forced != AUTO else _form(names)
    if form:
        return Detected(form, spelling, header)
    for name, (what, hint) in _KNOWN_OTHERS.items():
        if name in names:
            return _unknown(content, f"this is {what}", hint)
    return _unknown(content, f"the format was not recognised: {_seen(start, spelling, header)}", READ_HERE)


def _unknown(content: Content, message: str, hint: str) -> Finding:
    return Finding(Severity.ERROR, "unknown-format", message, where=Place(content.name), hint=hint)


def _spelling(text: str) -> Spelling:
    if _JSON_START.match(text):
        whole = _JSON_LINE.match(text)
        return Spelling.JSON_LINES if whole else Spelling.JSON
    for line in text[:_PEEK].splitlines():
        bare = line.strip()
        if bare and not bare.startswith("#"):
            yaml = bare.startswith(("---", "%YAML", "- ", "{")) or _YAML_NAME.match(line)
            return Spelling.YAML if yaml else Spelling.TABLE
    return Spelling.TABLE


def _members(text: str, spelling: Spelling) -> set[str]:
    names = (_YAML_NAME if spelling is Spelling.YAML else _JSON_NAME).findall(text[:_PEEK])
    found = {spelled(name) for name in names}
    return found | {_EMPTY_PAGE} if _JSON_EMPTY_PAGE.search(text[:_PEEK]) else found


def _form(names: set[str]) -> Form | None:
    if not names.isdisjoint(_KNOWN_OTHERS):
        return None
    if {"chargetype", "unitprice"} <= names or _EMPTY_PAGE in names:
        return Form.PARTNER_CENTER
    if {"productid", "skuid", "unitprice", "effectivestartdate"} <= names:
        return Form.PRICE_SHEET
    if "invoice" in names or len(names & COLUMNS.keys()) > 8 or {"lines", "currency"} <= names:
        return Form.NORMALISED
    if "sku" in names and not names.isdisjoint(("unitprice", "unitcost")):
        return Form.PRICE_LIST
    return None


def _seen(text: str, spelling: Spelling, header: Table | None) -> str:
    if header and sum(map(bool, header.header)) > 1:
        more = ", …" if len(header.header) > _NAMES_SHOWN else ""
        return f"it is a table with the columns {', '.join(header.header[:_NAMES_SHOWN])}{more}"
    if spelling is Spelling.TABLE:
        return f"it begins with '{text.strip().splitlines()[0][:40]}'"
    pattern = _YAML_NAME if spelling is Spelling.YAML else _JSON_NAME
    names = list(dict.fromkeys(pattern.findall(text[:_PEEK])))
    more = ", …" if len(names) > _NAMES_SHOWN else ""
    what = "YAML" if spelling is Spelling.YAML else "JSON"
    return f"it is {what} with the members {', '.join(names[:_NAMES_SHOWN])}{more}" if names else f"it is empty {what}"
