"""What a mapping lacks and what may be meant, as text for a terminal and as JSON. Takes plain values alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.domain.directory import Proposal
from reconciler.domain.money import Money
from reconciler.render.safe_text import safe
from reconciler.render.terminal import Style, clipped, left, painter, right, wrapped


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that has no counterpart: what it is, its money, what may be meant (best first), and which of these is
    certain enough to be written down. `within` are the parts of it that miss one of their own.
    """

    kind: str
    name: str
    detail: str
    amounts: tuple[Money, ...]
    proposals: tuple[Proposal, ...]
    certain: Proposal | None
    within: tuple["Missing", ...] = ()


def suggestion_lines(missing: Sequence[Missing], *, width: int, colour: bool) -> Iterator[str]:
    """Each missing thing with its money, and the candidates with scores and reasons; `*` marks the certain one."""
    paint = painter(colour=colour)
    for one in missing:
        money = ", ".join(map(str, one.amounts)) or "no amount"
        name = clipped(safe(one.name), max(10, width - len(money) - 2))
        yield paint(left(name, width - len(money)), Style.STRONG) + money
        if one.detail:
            yield paint(f"  {clipped(safe(one.detail), width - 2)}", Style.QUIET)
        if one.kind != "motions":
            yield from _proposals(one, 2, width)
        for part in one.within:
            money = ", ".join(map(str, part.amounts)) or "no amount"
            yield left(f"  {safe(part.name)}", width - len(money)) + money
            yield from _proposals(part, 4, width)
        yield ""


def _proposals(one: Missing, indent: int, width: int) -> Iterator[str]:
    margin = " " * indent
    if not one.proposals:
        yield f"{margin}no {one.kind} of the PSA is like it"
    for proposal in one.proposals:
        mark = "*" if proposal is one.certain else " "
        head = f"{margin}{mark}{right(format(proposal.score, '.2f'), 5)}  "
        reasons = "; ".join(hint.reason for hint in proposal.hints)
        text = f"{one.kind} {safe(proposal.label)}: {safe(reasons)}"
        for number, line in enumerate(wrapped(text, width - len(head))):
            yield (head if number == 0 else " " * len(head)) + line


def suggestion_json(missing: Sequence[Missing]) -> list[dict[str, Any]]:
    """The same for tools: scores as text, `certain` the candidate that `--write` writes, or null."""
    return [
        {
            "kind": one.kind,
            "name": one.name,
            "detail": one.detail,
            "amounts": [{"amount": money.amount, "currency": money.currency} for money in one.amounts],
            "candidates": [_proposal_json(proposal) for proposal in one.proposals],
            "certain": one.certain.id if one.certain else None,
            "within": suggestion_json(one.within),
        }
        for one in missing
    ]


def _proposal_json(proposal: Proposal) -> dict[str, Any]:
    return {
        "id": proposal.id,
        "name": proposal.word,
        "label": proposal.label,
        "score": format(proposal.score, ".2f"),
        "reasons": [{"score": format(hint.score, ".2f"), "reason": hint.reason} for hint in proposal.hints],
    }
