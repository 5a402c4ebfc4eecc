"""Which of the agreements that ConnectWise holds are the mapped ones, and what to say of those that are not there.

A mapping names an agreement by id, or by its name within a company. All agreements of the mapped companies are read,
cancelled ones too: so a wrong name can be answered with the right one, and an ended agreement told from a missing one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.records import Agreement, AgreementRef
from reconciler.targets.connectwise.conditions import Field, Wish
from reconciler.targets.connectwise.records import Record

_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agreement that was read, as far as finding it goes."""

    id: str
    name: str
    company_id: str
    company: str
    active: bool
    record: Record


class Candidates:
    """The agreements that were read, found by id and by company."""

    def __init__(self, agreements: Iterable[Candidate]) -> None:
        self.by_id: dict[str, Candidate] = {}
        self.by_company_id: dict[str, list[Candidate]] = {}
        self.by_company: dict[str, list[Candidate]] = {}
        for agreement in agreements:
            self.by_id.setdefault(agreement.id, agreement)
            self.by_company_id.setdefault(agreement.company_id, []).append(agreement)
            self.by_company.setdefault(agreement.company.casefold(), []).append(agreement)

    def of_company(self, ref: AgreementRef) -> Sequence[Candidate]:
        """The agreements of the company that a ref names."""
        if ref.company_id is not None:
            return self.by_company_id.get(ref.company_id, ())
        return self.by_company.get(ref.company.casefold(), ()) if ref.company else ()


def wishes(refs: Iterable[AgreementRef]) -> list[Wish]:
    """What to ask for, so that every ref can be found: agreements by id, all agreements of the companies."""
    return [wish for ref in sorted(refs, key=str) for wish in _wishes(ref)]


def company_wishes(refs: Iterable[AgreementRef]) -> list[Wish]:
    """What to ask the list of companies for, where not one agreement of a company was found."""
    by_id = [
        Wish(Field("company", "id"), int(ref.company_id)) for ref in refs if ref.company_id and _numeric(ref.company_id)
    ]
    by_word = [
        Wish(Field("company", name), ref.company)
        for ref in refs
        if ref.company and not ref.company_id
        for name in ("identifier", "name")
    ]
    return by_id + by_word


def candidate(record: Record) -> Candidate:
    """An agreement's record as a candidate. Raises Unreadable where it has no id."""
    company = record.reference("company") or Record(record.what, {})
    return Candidate(
        id=record.required("id", record.id()),
        name=record.text("name") or "",
        company_id=company.id() or "",
        company=company.text("identifier") or "",
        active=record.text("agreementStatus") in (None, "Active") and not record.flag("cancelledFlag"),
        record=record,
    )


def matched(ref: AgreementRef, candidates: Candidates) -> Candidate | Finding:
    """The one agreement that a ref means, or the finding that says why there is not one.

    A name that several agreements of the company bear means the active one: a renewed contract often keeps its name.
    """
    if ref.id is not None:
        found = candidates.by_id.get(ref.id)
        return _of_company(ref, found) if found else _missing(ref, ())
    there = candidates.of_company(ref)
    wanted = (ref.name or "").strip()
    named = [agreement for agreement in there if agreement.name == wanted] or [
        agreement for agreement in there if agreement.name.casefold() == wanted.casefold()
    ]
    if not named:
        return _missing(ref, there)
    standing = [agreement for agreement in named if agreement.active] or named
    return standing[0] if len(standing) == 1 else _ambiguous(ref, standing)


def unknown_company(ref: AgreementRef, companies: Sequence[Record]) -> Finding | None:
    """The finding for a ref whose company ConnectWise does not know; None where it knows it.

    `companies` are those with the ref's id, identifier or name: a name in the place of the identifier is recognised.
    """
    word = (ref.company or "").casefold()
    for company in companies:
        if company.id() == ref.company_id or (
            not ref.company_id and (company.text("identifier") or "").casefold() == word
        ):
            return None
    named = [c.text("identifier") or "" for c in companies if (c.text("name") or "").casefold() == word and word]
    hint = "the company is named by its Company ID (identifier) in ConnectWise, or as {id: 250}"
    if named:
        hint = f"'{ref.company}' is a company's name; its identifier is '{named[0]}'"
    called = f"'{ref.company}'" if not ref.company_id else f"with id {ref.company_id}"
    return Finding(Severity.ERROR, "company-not-found", f"ConnectWise has no company {called}", hint=hint)


def not_active(agreement: Agreement) -> tuple[Finding, ...]:
    """The finding for an agreement that cannot be billed on (rulebook P35); none for one that can."""
    if agreement.active:
        return ()
    finding = Finding(
        Severity.ERROR,
        "P35",
        f"agreement '{agreement.name}' (id {agreement.id}) of company {agreement.company} is "
        f"{agreement.status.lower()}; an agreement must be active to be billed on",
        hint="map an active agreement, or take this one up again in ConnectWise",
    )
    return (finding,)


def _wishes(ref: AgreementRef) -> list[Wish]:
    if ref.id is not None:
        return [Wish(Field("agreement", "id"), int(ref.id))] if _numeric(ref.id) else []
    if ref.company_id is not None:
        return [Wish(Field("agreement", "company/id"), int(ref.company_id))] if _numeric(ref.company_id) else []
    return [Wish(Field("agreement", "company/identifier"), ref.company)] if ref.company else []


def _numeric(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10


def _belongs(ref: AgreementRef, agreement: Candidate) -> bool:
    if ref.company_id is not None:
        return agreement.company_id == ref.company_id
    return bool(ref.company) and agreement.company.casefold() == (ref.company or "").casefold()


def _of_company(ref: AgreementRef, agreement: Candidate) -> Candidate | Finding:
    """The agreement, where it is of the company that the mapping names beside its id: else another would be billed."""
    if (ref.company is None and ref.company_id is None) or _belongs(ref, agreement):
        return agreement
    return Finding(
        Severity.ERROR,
        "agreement-of-other-company",
        f"agreement {agreement.id} ('{agreement.name}') is of company {agreement.company or agreement.company_id}, "
        f"not of {ref.company or ref.company_id}",
        hint="correct the agreement or the company in the mapping",
    )


def _missing(ref: AgreementRef, there: Sequence[Candidate]) -> Finding:
    names = sorted({agreement.name for agreement in there if agreement.name})
    close = get_close_matches(ref.name or "", names, n=1, cutoff=0.6)
    if close:
        hint = f"did you mean '{close[0]}'?"
    elif names:
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        hint = f"that company has: {', '.join(names[:_MOST_NAMED])}{more}"
    elif ref.id is not None:
        hint = "look the agreement up in ConnectWise, or name it by its name"
    else:
        hint = "that company has no agreement; create it in ConnectWise first"
    return Finding(Severity.ERROR, "agreement-not-found", f"ConnectWise has no {ref}", hint=hint)


def _ambiguous(ref: AgreementRef, named: Sequence[Candidate]) -> Finding:
    ids = ", ".join(agreement.id for agreement in named)
    return Finding(
        Severity.ERROR,
        "agreement-ambiguous",
        f"ConnectWise has {len(named)} agreements for {ref}",
        hint=f"name the one that is meant by its id: {ids}",
    )
