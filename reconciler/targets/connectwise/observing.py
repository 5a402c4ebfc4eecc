"""One look at a ConnectWise for a whole plan, in as few requests as there can be.

One sweep finds the agreements, one call each reads their additions (there is no list across agreements), one the
catalogue items; each is cut only where a URL would grow too long or a page overflow. Parents, billing cycles with names
of their own, products that only stand on additions, and companies without agreements cost a request when there are any.
What is wrong with one agreement is a finding for it and leaves the others alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.money import plain
from reconciler.domain.records import Addition, Agreement, AgreementRef, Observation, Product, Reach, Wanted
from reconciler.targets.connectwise.bodies import number
from reconciler.targets.connectwise.client import Client
from reconciler.targets.connectwise.conditions import Field, Wish, in_chunks
from reconciler.targets.connectwise.defaults import Defaults
from reconciler.targets.connectwise.lookup import (
    Candidate,
    Candidates,
    candidate,
    company_wishes,
    matched,
    not_active,
    unknown_company,
    wishes,
)
from reconciler.targets.connectwise.records import (
    ADDITION_FIELDS,
    AGREEMENT_FIELDS,
    PRODUCT_FIELDS,
    Record,
    Unreadable,
    addition_of,
    agreement_of,
    obscure_cycle,
    parent_of,
    product_of,
)
from reconciler.targets.together import side_by_side, together

AGREEMENTS = "/finance/agreements"
CATALOGUE = "/procurement/catalog"
_CYCLES = "/finance/billingCycles"
_COMPANIES = "/company/companies"


@dataclass(frozen=True, slots=True)
class Additions:
    """The additions of an agreement, and what is to be said of them."""

    records: tuple[Addition, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Background:
    """What explains agreements: parents' next invoice dates by id, billing cycles' meanings by id."""

    parents: Mapping[str, date | None] = field(default_factory=dict)
    cadences: Mapping[str, str] = field(default_factory=dict)


async def observed(client: Client, wanted: Wanted, defaults: Defaults) -> Observation:
    """All that a plan needs. Raises TargetError where ConnectWise cannot be asked."""
    candidates, products, lacking = await side_by_side(
        _candidates(client, wanted.agreements),
        _products(client, _product_wishes(wanted)),
        defaults.lacking(wanted.defaults),
    )
    held = Candidates(candidates)
    meant = {ref: matched(ref, held) for ref in sorted(wanted.agreements, key=str)}
    found = {ref: one for ref, one in meant.items() if isinstance(one, Candidate)}
    chosen = {one.id: one.record for one in found.values()}
    missing = {ref: finding for ref, finding in meant.items() if isinstance(finding, Finding)}
    further = await _further(client, found, candidates) if wanted.reach is Reach.COMPANIES else {}
    background, additions, unknown = await side_by_side(
        _background(client, [*chosen.values(), *further.values()]),
        _all_additions(client, [*chosen, *further]),
        _unknown_companies(client, missing, candidates),
    )
    problems: dict[AgreementRef, tuple[Finding, ...]] = {
        ref: (unknown.get(ref, finding),) for ref, finding in missing.items()
    }
    agreements: dict[AgreementRef, Agreement] = {}
    for ref, one in found.items():
        try:
            agreements[ref] = agreement_of(one.record, background.parents, background.cadences)
        except Unreadable as error:
            problems[ref] = (_unreadable(error),)
            continue
        problems[ref] = (*not_active(agreements[ref]), *additions[one.id].findings)
    others, spoilt_others = _others(further, background, additions)
    problems |= spoilt_others
    standing = {number: additions[number].records for number in additions}
    products += await _products(client, _further_products(standing.values(), products))
    readable, spoilt = _read_products(products)
    return Observation(
        agreements=agreements,
        additions=standing,
        products=readable,
        problems={ref: told for ref, told in problems.items() if told},
        findings=(*spoilt, *lacking),
        defaults_found=not lacking,
        others=others,
    )


async def _further(
    client: Client, found: Mapping[AgreementRef, Candidate], read: Iterable[Candidate]
) -> dict[str, Record]:
    """The other active agreements of the companies that were found, by id. Those of a company that a mapping names
    beside an agreement's name were read on the way; the rest take one sweep.
    """
    chosen, companies = {one.id for one in found.values()}, {one.company_id for one in found.values()}
    named = {one.company_id for ref, one in found.items() if ref.id is None}
    wanted = [Wish(Field("agreement", "company/id"), int(number)) for number in sorted(companies - named)]
    rows = await _sweep(client, AGREEMENTS, AGREEMENT_FIELDS, wanted)
    there = [*read, *(candidate(Record(f"agreement {row.get('id', '?')}", row)) for row in rows)]
    return {one.id: one.record for one in there if one.active and one.id not in chosen and one.company_id in companies}


def _others(
    further: Mapping[str, Record], background: _Background, additions: Mapping[str, Additions]
) -> tuple[tuple[Agreement, ...], dict[AgreementRef, tuple[Finding, ...]]]:
    """The further agreements, and what is to be said of those that cannot be read whole, by their ids."""
    others: list[Agreement] = []
    problems: dict[AgreementRef, tuple[Finding, ...]] = {}
    for agreement_id, record in further.items():
        told = additions[agreement_id].findings
        try:
            others.append(agreement_of(record, background.parents, background.cadences))
        except Unreadable as error:
            told = (*told, _unreadable(error))
        if told:
            problems[AgreementRef(id=agreement_id)] = told
    return tuple(others), problems


async def read_agreement_record(client: Client, agreement_id: str) -> Agreement | None:
    """One agreement as it is now; None where there is none with that id. Raises TargetError."""
    ref = AgreementRef(id=agreement_id)
    one = matched(ref, Candidates(await _candidates(client, [ref])))
    if isinstance(one, Finding):
        return None
    background = await _background(client, [one.record])
    return agreement_of(one.record, background.parents, background.cadences)


def additions_path(agreement_id: str) -> str:
    """The path of an agreement's additions. Raises Refused for an id that is none, so that only digits reach a URL."""
    return f"{AGREEMENTS}/{number(agreement_id)}/additions"


def addition_record(row: Mapping[str, Any], agreement_id: str) -> Record:
    """An addition of the wire under the name by which messages call it."""
    return Record(f"addition {row.get('id', '?')} of agreement {agreement_id}", row)


def product_record(row: Mapping[str, Any]) -> Record:
    """A catalogue item of the wire under the name by which messages call it."""
    return Record(f"product {row.get('identifier') or row.get('id', '?')}", row)


async def product_rows(client: Client, wanted: Iterable[Wish]) -> list[dict[str, Any]]:
    """The catalogue items that have any of the values."""
    return await _sweep(client, CATALOGUE, PRODUCT_FIELDS, wanted)


async def _products(client: Client, wanted: Iterable[Wish]) -> list[Record]:
    return [product_record(row) for row in await product_rows(client, wanted)]


async def _sweep(client: Client, path: str, fields: str, wanted: Iterable[Wish]) -> list[dict[str, Any]]:
    """The records that have any of the values, each once."""
    chunks = in_chunks(wanted, client.room(path, fields))
    pages = await together(client.rows(path, fields, chunk) for chunk in chunks)
    return list({row.get("id"): row for page in pages for row in page}.values())


async def _candidates(client: Client, refs: Iterable[AgreementRef]) -> list[Candidate]:
    rows = await _sweep(client, AGREEMENTS, AGREEMENT_FIELDS, wishes(refs))
    return [candidate(Record(f"agreement {row.get('id', '?')}", row)) for row in rows]


def _product_wishes(wanted: Wanted) -> list[Wish]:
    return [Wish(Field("product", "vendorSku"), sku) for sku in sorted(wanted.vendor_skus)] + [
        Wish(Field("product", "identifier"), identifier) for identifier in sorted(wanted.identifiers)
    ]


def _further_products(standing: Iterable[tuple[Addition, ...]], known: Iterable[Record]) -> list[Wish]:
    """The products that stand on additions and were not among those asked for."""
    ids = {int(number) for record in known if (number := record.id())}
    further = {int(addition.product_id) for additions in standing for addition in additions} - ids
    return [Wish(Field("product", "id"), number) for number in sorted(further)]


async def _background(client: Client, records: Iterable[Record]) -> _Background:
    rows = list(records)
    parents, cycles = await side_by_side(
        _named(client, AGREEMENTS, "id,nextInvoiceDate", {parent_of(row) for row in rows}),
        _named(client, _CYCLES, "id,billingOptions", {obscure_cycle(row) for row in rows}),
    )
    return _Background(
        {parent: record.day("nextInvoiceDate") for parent, record in parents.items()},
        {cycle: record.text("billingOptions") or "" for cycle, record in cycles.items()},
    )


async def _named(client: Client, path: str, fields: str, numbers: set[str | None]) -> dict[str, Record]:
    """Records of a list by id; no request where none is asked for."""
    wanted = [Wish(Field("named", "id"), number) for number in sorted(int(number) for number in numbers if number)]
    rows = await _sweep(client, path, fields, wanted)
    records = (Record(f"{path.rpartition('/')[2]} {row.get('id', '?')}", row) for row in rows)
    return {record.required("id", record.id()): record for record in records}


async def _all_additions(client: Client, chosen: Iterable[str]) -> dict[str, Additions]:
    numbers = list(chosen)
    return dict(zip(numbers, await together(_additions(client, number) for number in numbers), strict=True))


async def _additions(client: Client, agreement_id: str) -> Additions:
    rows = await client.rows(additions_path(agreement_id), ADDITION_FIELDS)
    records = [addition_record(row, agreement_id) for row in rows]
    additions: list[Addition] = []
    findings: list[Finding] = []
    for record in records:
        try:
            additions.append(addition_of(record, agreement_id))
            findings += _less_included(record)
        except Unreadable as error:
            findings.append(_unreadable(error))
    return Additions(tuple(additions), tuple(findings))


def _less_included(record: Record) -> list[Finding]:
    """An addition that bills less than its quantity, because the agreement's fee covers some of it."""
    included = record.number("lessIncluded")
    if not included:
        return []
    return [
        Finding(
            Severity.WARNING,
            "less-included",
            f"{record.what} bills {plain(included)} units less than its quantity: the agreement's fee includes them",
            hint="set Less Included to 0 in ConnectWise if all units are to be billed",
        )
    ]


async def _unknown_companies(
    client: Client, missing: Mapping[AgreementRef, Finding], candidates: Iterable[Candidate]
) -> dict[AgreementRef, Finding]:
    """For refs whose company has no agreement at all: the finding that there is no such company, where that is why."""
    ids, words = {one.company_id for one in candidates}, {one.company.casefold() for one in candidates}
    unseen = [
        ref
        for ref in missing
        if ref.id is None and ref.company_id not in ids and (ref.company or "").casefold() not in words
    ]
    rows = await _sweep(client, _COMPANIES, "id,identifier,name", company_wishes(unseen))
    companies = [Record(f"company {row.get('id', '?')}", row) for row in rows]
    told = {ref: unknown_company(ref, companies) for ref in unseen}
    return {ref: finding for ref, finding in told.items() if finding}


def _read_products(records: Iterable[Record]) -> tuple[tuple[Product, ...], list[Finding]]:
    products: dict[str, Product] = {}
    findings: list[Finding] = []
    for record in records:
        try:
            product = product_of(record)
            products[product.id] = product
        except Unreadable as error:
            findings.append(_unreadable(error))
    return tuple(products.values()), findings


def _unreadable(error: Unreadable) -> Finding:
    return Finding(Severity.ERROR, "unreadable-record", str(error), hint="correct the record in ConnectWise")
