"""What can be told of a ConnectWise before a plan: is it there, does it know the company, does it let us in, and where.

Only reads are sent. Discovery needs no credentials, so host and company are told even where keys are missing. The menu
paths are as ConnectWise's documentation and public descriptions name them; none was tried against a live system.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import httpx

from reconciler.domain.check_list import Check, Group, Standing
from reconciler.domain.mapping import TargetSettings
from reconciler.domain.records import ProductDefaults
from reconciler.targets.base import TargetError
from reconciler.targets.budget import Clock, RequestBudget
from reconciler.targets.connectwise.client import Client, discovered
from reconciler.targets.connectwise.conditions import Field
from reconciler.targets.connectwise.records import Record
from reconciler.targets.connectwise.site import Site, codebase_of, site_of
from reconciler.targets.exact_json import parsed
from reconciler.targets.http import Answer, HttpClient, Request
from reconciler.targets.redaction import Redactor
from reconciler.targets.together import together

_AGREEMENT = "Finance > Agreements > the agreement"
_SETUP = "System > Setup Tables"
# Where a person puts right what a finding names; findings whose hint has the path already are not among them.
MENUS = {
    "company-not-found": "Companies > Companies",
    "agreement-not-found": "Finance > Agreements",
    "agreement-ambiguous": "Finance > Agreements",
    "agreement-of-other-company": _AGREEMENT,
    "unreadable-record": _AGREEMENT,
    "less-included": f"{_AGREEMENT} > Additions",
    "P35": f"{_AGREEMENT} (its status, and Cancelled)",
    "P40": f"{_AGREEMENT} (its Date End)",
    "currency": f"{_AGREEMENT} (its Currency)",
    "P27": "Procurement > Product Catalog > the product (Product ID, Vendor SKU)",
    "P34": "Procurement > Product Catalog > the product (Inactive)",
    "E1": "Procurement > Product Catalog > the product (Vendor SKU)",
    "P28": f"{_SETUP} > Category",
    "E2": f"{_SETUP} > Category, then Subcategory",
    "E3": f"{_SETUP} > Product Type",
    "E4": f"{_SETUP} > Unit of Measure",
    "credential": "System > Members > API Members > the member > API Keys",
    "keys": "System > Members > API Members > the member > API Keys",
    "permission": "System > Security Roles > the API member's role",
}


@dataclass(frozen=True, slots=True)
class _List:
    """A list that every plan reads: its path, the resource of its conditions, and what people call its records."""

    path: str
    resource: str
    called: str


_LISTS = (
    _List("/finance/agreements", "agreement", "agreements"),
    _List("/company/companies", "company", "companies"),
    _List("/procurement/catalog", "product", "the product catalogue"),
)


async def reach(
    settings: TargetSettings, clock: Clock, transport: httpx.AsyncBaseTransport | None
) -> tuple[Check, ...]:
    """Whether the address is one, the host answers and knows the company, and its version. Sends no credentials."""
    subject = settings.name
    try:
        site = site_of(settings.url, settings.company, settings.credentials)
    except TargetError as error:
        return (_failed(subject, "address", error),)
    limits = settings.limits
    budget = RequestBudget(limits.requests_per_minute, limits.concurrency, clock)
    http = HttpClient(budget, Redactor(()), transport=transport)
    try:
        return await _discovery(http, site, subject)
    finally:
        await http.close()


async def access(client: Client, subject: str, defaults: Iterable[ProductDefaults]) -> tuple[Check, ...]:
    """Whether the keys are accepted, which lists may be read, and whether the categories of new products are active.

    Where no list at all can be read, the keys are taken to be wrong; where one can, the others lack a permission.
    """
    refusals = await together(_refusal(client, one) for one in _LISTS)
    refused = [(one, refusal) for one, refusal in zip(_LISTS, refusals, strict=True) if refusal]
    if len(refused) == len(_LISTS):
        return (_failed(subject, "keys", refused[0][1]),)
    checks = [_passed(subject, "keys", "keys and client id are accepted")]
    checks += [_failed(subject, "permission", refusal, f"{one.called}: ") for one, refusal in refused]
    if not refused:
        read = ", ".join(one.called for one in _LISTS)
        checks.append(_passed(subject, "permission", f"the API member may read {read}"))
    checks.append(_unwritten(subject))
    for name in sorted({names.category for names in defaults}):
        checks += await _category(client, subject, name)
    return tuple(checks)


async def _discovery(http: HttpClient, site: Site, subject: str) -> tuple[Check, ...]:
    request = Request("GET", site.discovery_url, site.discovery_path, {"Accept": "application/json"})
    try:
        answer = await http.read(request)
    except TargetError as error:
        hint = "check the target's url, and that this machine may reach it; then try again"
        return (replace(_failed(subject, "reachable", error, f"{site.host}: "), hint=hint),)
    there = _passed(subject, "reachable", f"{site.host} answers")
    try:
        codebase = await discovered(http, site)
    except TargetError as error:
        return there, _failed(subject, "company", error)
    info = _info(answer)
    if codebase_of(info, site) is None:
        message = f"{site.host} tells nothing of companies; it is taken for a server on premise, at {codebase}"
        hint = f"whether it is one shows when the keys are accepted; else check {site.hint}"
        return there, Check(Group.PSA, subject, "company", Standing.WARN, message, hint=hint)
    version = info.get("VersionCode") or info.get("VersionNumber") or "an unnamed version"
    return (
        there,
        _passed(subject, "company", f"it knows the company '{site.company}'"),
        _passed(subject, "version", f"it runs {str(version)[:40]}, and its API is at {codebase}"),
    )


def _info(answer: Answer) -> dict[str, object]:
    """What discovery told; nothing where it told something else."""
    try:
        info = parsed(answer.body) if answer.status == 200 else None
    except ValueError:
        return {}
    return info if isinstance(info, dict) else {}


async def _refusal(client: Client, one: _List) -> TargetError | None:
    """Why a list cannot be read; None where it can. No record has the id that is asked for."""
    try:
        await client.rows(one.path, "id", Field(one.resource, "id").equals(0))
    except TargetError as error:
        return error
    return None


async def _category(client: Client, subject: str, name: str) -> list[Check]:
    """P28: the category above the sub-category, which has to be there and active as well."""
    try:
        rows = await client.rows("/procurement/categories", "id,name,inactiveFlag", Field("named", "name").equals(name))
        records = [Record(f"category {row.get('id', '?')}", row) for row in rows]
        named = [one for one in records if (one.text("name") or "").casefold() == name.casefold()]
        lacking = not any(not one.flag("inactiveFlag") for one in named)
    except TargetError as error:
        return [_failed(subject, "category", error, group=Group.PRODUCTS)]
    if not lacking:
        return []
    state = "is inactive" if named else "does not exist"
    message = f"the category '{name}', under which new products are created, {state}"
    hint = "activate it" if named else "create it, then the sub-category, or name another in products.defaults"
    return [
        Check(Group.PRODUCTS, subject, "category", Standing.FAIL, message, code="P28", hint=hint, menu=MENUS["P28"])
    ]


def _unwritten(subject: str) -> Check:
    return Check(
        Group.PSA,
        subject,
        "writing",
        Standing.SKIPPED,
        "whether additions and products may be written: only a write would tell, and none is made",
        code="P15",
        hint="the role needs Finance > Agreements (add, edit, delete) and Procurement > Product Catalog (add, edit)",
        menu=MENUS["permission"],
    )


# What a plan needs of the API member is one rule, whichever part of it a check is about.
_RULES = {"keys": "P15", "permission": "P15", "writing": "P15", "company": "P15"}


def _passed(subject: str, name: str, message: str) -> Check:
    return Check(Group.PSA, subject, name, Standing.OK, message, code=_RULES.get(name))


def _failed(subject: str, name: str, error: TargetError, before: str = "", group: Group = Group.PSA) -> Check:
    menu = MENUS.get(name)
    code = _RULES.get(name)
    return Check(group, subject, name, Standing.FAIL, f"{before}{error}", code=code, hint=error.hint, menu=menu)
