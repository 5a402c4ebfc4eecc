"""Places in a plan, named from the repository's folder on: the same inputs give the same bytes, wherever they lie."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.domain.finding import Finding
from reconciler.planning.gathered import Gathered


def from_home(gathered: Gathered) -> Gathered:
    """The same with the places of customers and decisions named from the folder of the mapping file on: their words
    stand in messages and reasons.
    """
    folder, decisions = gathered.mappings.folder, gathered.background.decisions
    customers = tuple(replace(c, place=c.place.within(folder)) for c in gathered.mappings.customers)
    decisions = replace(
        decisions,
        overrides=tuple(replace(one, place=one.place.within(folder)) for one in decisions.overrides),
        credits=tuple(replace(one, place=one.place.within(folder)) for one in decisions.credits),
        verdicts=tuple(replace(one, place=one.place.within(folder)) for one in decisions.verdicts),
    )
    return replace(
        gathered,
        mappings=replace(gathered.mappings, customers=customers),
        background=replace(gathered.background, decisions=decisions),
    )


def found_at_home(findings: Iterable[Finding], folder: str) -> Iterator[Finding]:
    """Findings with their files named from the folder on."""
    for finding in findings:
        where = finding.where.within(folder) if finding.where else None
        yield finding if where == finding.where else replace(finding, where=where)
