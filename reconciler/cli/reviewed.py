"""Whether what a saved plan rests on is still as it was when it was made and reviewed."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.context import Exit, Failure

if TYPE_CHECKING:
    from reconciler.domain.mapping import Mappings
    from reconciler.domain.plan import DocumentUsed, Plan

_HINT = "make a new plan and have it reviewed; an apply that was interrupted is finished by: reconciler resume"


def refuse_moved_inputs(plan: "Plan", mappings: "Mappings", folder: Path) -> None:
    """Raises Failure (stale) where the mapping, or a document that lies here, is not the one that the plan was made of.

    Whoever reviewed the plan has not seen what they say now, and the next plan would take back what this one does. A
    document that does not lie here is not asked for: the one who applies need not have the invoices. `folder` is the
    mapping's, which the documents' paths start from.
    """
    if _bare(mappings.sha256) != _bare(plan.mappings):
        raise _stale("the mapping has changed")
    for document in plan.documents:
        if _differs(folder / document.path, document):
            raise _stale(f"{document.path} (invoice {document.invoice}) has changed")


def _differs(path: Path, document: "DocumentUsed") -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() != _bare(document.sha256)
    except (OSError, ValueError):
        return False


def _stale(what: str) -> Failure:
    return Failure(f"{what} since this plan was made; nothing was written", _HINT, Exit.STALE)


def _bare(digest: str) -> str:
    return digest.removeprefix("sha256:")
