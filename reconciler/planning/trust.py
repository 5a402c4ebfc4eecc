"""How far the documents can be trusted: absence from a damaged document proves nothing.

A subscription that no line names is ended (C6). That is only right while every line could be read: where a file is cut
short, or a row does not say whose it is, what is missing may have been there.
"""

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.mapping import Align
from reconciler.domain.plan import Action
from reconciler.planning.gathered import Documents
from reconciler.planning.ledger import Ledger
from reconciler.planning.one_customer import CustomerMonth, Decided


def distrusted(month: CustomerMonth, documents: Documents, ledger: Ledger) -> tuple[Finding, ...]:
    """Errors where a customer's month rests on what damaged documents do not say.

    An error without a customer concerns an unknown one: it forbids ending anything. Where it is about a whole file, the
    customers with lines in that file are left out too, for some of theirs may be missing.
    """
    damaged = [f for f in documents.findings if f.blocks and f.customer is None]
    if not damaged:
        return ()
    whole_files = {f.where.file for f in damaged if f.where and (f.where.line is None or f.code == "truncated")}
    account = ledger.account(month.customer.tenant)
    mine = {line.place.file for _, line in account.of_month} if account else set()
    first = damaged[0]
    if whole_files & mine:
        what = "a document with this customer's lines could not be read whole"
        return (_finding(month, f"{what}: {first.message}", first),)
    ending = [d.subscription for d in month.decided if _rests_on_absence(d)]
    if ending:
        what = ", ".join(ending[:3]) + (" …" if len(ending) > 3 else "")
        return (
            _finding(
                month, f"{what} would end for want of a charge, but a document is damaged: {first.message}", first
            ),
        )
    return ()


def _rests_on_absence(decided: Decided) -> bool:
    drafts = decided.decision.drafts
    if decided.align is Align.CHARGE_CYCLE:
        return any(draft.action is Action.DELETE for draft in drafts)
    return bool(drafts) and not decided.lines


def _finding(month: CustomerMonth, message: str, cause: Finding) -> Finding:
    return Finding(
        Severity.ERROR,
        "incomplete-documents",
        message,
        customer=month.customer.name,
        where=cause.where,
        hint="repair or replace the document, and plan again",
    )
