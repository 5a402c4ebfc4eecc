"""The entries of a declaration, each as its model beside the node it was read from.

Entries are validated one by one: a mistake in one customer keeps none of the others from being checked.
"""

from collections.abc import Mapping as Environment
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import ValidationError

from reconciler.config.catalogue_model import PriceRule, Product
from reconciler.config.customer_model import Customer
from reconciler.config.environment import Plain
from reconciler.config.files import Repository
from reconciler.config.model_findings import model_findings, shown
from reconciler.config.part import Part
from reconciler.config.program_model import Program
from reconciler.config.source_model import Source
from reconciler.config.target_model import Target
from reconciler.config.yaml_nodes import Mapping, Node, Scalar
from reconciler.domain.finding import Finding

M = TypeVar("M", bound=Part)


@dataclass(frozen=True, slots=True, eq=False)
class Entry(Generic[M]):
    """One entry: its name (a section's key, or the `name` or `sku` that it gives), its node and what it says."""

    name: str
    key: Scalar
    node: Mapping
    value: M

    def at(self, field_name: str) -> Node:
        """The node of a field, or the entry's own where the field is left out."""
        return self.node.get(field_name) or self.node


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """All entries that their models take. `names` holds each section's names, also those of refused entries."""

    sources: dict[str, Entry[Source]]
    targets: dict[str, Entry[Target]]
    programs: dict[str, Entry[Program]]
    customers: list[Entry[Customer]]
    products: list[Entry[Product]]
    prices: list[Entry[PriceRule]]
    names: dict[str, dict[str, Scalar]]


@dataclass(eq=False)
class _Reading:
    plain: Plain
    findings: list[Finding] = field(default_factory=list)

    def entry(self, node: Node, model: type[M], noun: str, name: str, key: Scalar | None) -> Entry[M] | None:
        value = self.plain.value(node)
        try:
            made = model.model_validate(value)
        except ValidationError as error:
            self.findings.extend(model_findings(error, model, node, f"{noun} {shown(key) if key else name}"))
            return None
        if not isinstance(node, Mapping):
            raise TypeError("a model took what is no mapping")
        return Entry(name, key or next(iter(node.members.values()))[0], node, made)

    def named(self, section: dict[str, tuple[Scalar, Node]], model: type[M], noun: str) -> dict[str, Entry[M]]:
        made = {name: self.entry(node, model, noun, name, key) for name, (key, node) in section.items()}
        return {name: entry for name, entry in made.items() if entry is not None}

    def listed(self, section: list[Node], model: type[M], noun: str, named_by: str) -> list[Entry[M]]:
        made = []
        for number, node in enumerate(section, 1):
            label = node.get(named_by) if isinstance(node, Mapping) else None
            if isinstance(label, Scalar) and label.text:
                made.append(self.entry(node, model, noun, label.text, label))
            else:
                made.append(self.entry(node, model, noun, str(number), None))
        return [entry for entry in made if entry is not None]


def read_entries(repository: Repository, environ: Environment[str, str]) -> tuple[Entries, list[Finding]]:
    """The entries of a repository, and a finding for everything that a model refuses."""
    reading = _Reading(Plain(environ))
    entries = Entries(
        sources=reading.named(repository.named["sources"], Source, "source"),
        targets=reading.named(repository.named["targets"], Target, "target"),
        programs=reading.named(repository.named["programs"], Program, "program"),
        customers=reading.listed(repository.listed["customers"], Customer, "customer", "name"),
        products=reading.listed(repository.listed["products"], Product, "product", "sku"),
        prices=reading.listed(repository.listed["prices"], PriceRule, "price rule", "name"),
        names=_names(repository),
    )
    unset = {finding.where for finding in reading.plain.findings}
    return entries, [*reading.plain.findings, *(f for f in reading.findings if f.where not in unset)]


def _names(repository: Repository) -> dict[str, dict[str, Scalar]]:
    names = {section: {name: key for name, (key, _) in parts.items()} for section, parts in repository.named.items()}
    names["customers"] = {}
    for node in repository.listed["customers"]:
        label = node.get("name") if isinstance(node, Mapping) else None
        if isinstance(label, Scalar) and label.text:
            names["customers"].setdefault(label.text, label)
    return names
