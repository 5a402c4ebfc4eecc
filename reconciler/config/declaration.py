"""From what the file says to what it means: the domain's values, with the program's defaults merged in."""

from dataclasses import replace
from typing import Any

from reconciler.config import catalogue_model, changes_model, customer_model, program_model, source_model, target_model
from reconciler.config.alerts import alerts
from reconciler.config.entries import Entries, Entry
from reconciler.config.part import Part
from reconciler.config.yaml_nodes import Mapping, Node
from reconciler.domain.finding import Place
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import (
    Approval,
    Changes,
    Customer,
    Guards,
    Limits,
    Mappings,
    Owner,
    PriceRule,
    ProductLink,
    Program,
    PsaField,
    Source,
    TargetSettings,
)
from reconciler.domain.records import AgreementRef, ProductDefaults


def place_of(node: Node) -> Place:
    """Where a node stands."""
    return Place(node.source.name, node.line, node.column)


def mappings(entries: Entries, folder: str, sha256: str, files: tuple[str, ...] = ()) -> Mappings:
    """The declaration as the engine reads it. The entries are all valid, and their references hold."""
    programs = {name: _program(entry) for name, entry in entries.programs.items()}
    return Mappings(
        folder=folder,
        sha256=sha256,
        sources={name: _source(entry) for name, entry in entries.sources.items()},
        targets={name: _target(entry) for name, entry in entries.targets.items()},
        programs=programs,
        customers=tuple(_customer(entry, programs) for entry in entries.customers),
        products=tuple(_product(entry) for entry in entries.products),
        prices=tuple(_price(entry) for entry in entries.prices),
        files=files,
    )


def _source(entry: Entry[source_model.Source]) -> Source:
    value = entry.value
    return Source(entry.name, value.type, value.invoices, value.format, value.price_list, place_of(entry.key))


def _target(entry: Entry[target_model.Target]) -> TargetSettings:
    value = entry.value
    return TargetSettings(
        name=entry.name,
        type=value.type,
        url=value.url,
        company=value.company,
        credentials={
            "client_id": value.client_id,
            "public_key": value.public_key,
            "private_key": value.private_key,
        },
        limits=Limits(**_members(value.limits)),
        place=place_of(entry.key),
        rounding=value.rounding,
        approval=Approval(**_members(value.approval)),
    )


def _program(entry: Entry[program_model.Program]) -> Program:
    value = entry.value
    return Program(
        name=entry.name,
        source=value.source,
        target=value.target,
        sync=value.sync,
        policy=value.policy,
        motions=frozenset(value.motions),
        product_mode=value.products.mode,
        taxable=value.products.taxable,
        defaults=ProductDefaults(**_members(value.products.defaults)),
        changes=_changed(Changes(), value.changes),
        guards=Guards(**_members(value.guards)),
        place=place_of(entry.key),
        notify=alerts(entry),
        psa_fields=_psa_fields(frozenset(), value.fields),
    )


def _customer(entry: Entry[customer_model.Customer], programs: dict[str, Program]) -> Customer:
    value = entry.value
    program = programs[value.program or next(iter(programs))]
    company, company_id = (value.company.name, value.company.id) if value.company else (None, None)
    return Customer(
        name=value.name,
        program=program.name,
        # Tenant ids and domains know no case; sources give them in lower case too.
        tenant=value.tenant.lower(),
        company=company,
        company_id=company_id,
        agreements={
            motion: AgreementRef(id=ref.id) if ref.id else AgreementRef(company_id, company, name=ref.name)
            for motion, ref in value.agreements.items()
        },
        start=value.start,
        sync=value.sync,
        changes=_changed(program.changes, value.changes),
        place=place_of(entry.node),
        agreement_places=_agreement_places(entry),
        psa_fields=_psa_fields(program.psa_fields, value.fields),
    )


def _agreement_places(entry: Entry[customer_model.Customer]) -> dict[Motion, Place]:
    agreements = entry.node.get("agreements")
    if not isinstance(agreements, Mapping):
        return {}
    return {Motion(motion): place_of(value) for motion, (_, value) in agreements.members.items()}


def _product(entry: Entry[catalogue_model.Product]) -> ProductLink:
    value = entry.value
    return ProductLink(value.sku, value.product, value.name, place_of(entry.node))


def _price(entry: Entry[catalogue_model.PriceRule]) -> PriceRule:
    value, price = entry.value, entry.value.price
    return PriceRule(
        name=value.name,
        basis=price.basis,
        amount=price.amount,
        percent=price.percent,
        program=value.when.program,
        customer=value.when.customer,
        sku=value.when.sku,
        first=value.first,
        last=value.last,
        text=price.text,
        place=place_of(entry.node),
    )


def _changed(changes: Changes, own: changes_model.Changes) -> Changes:
    stated = {name: value for name, value in _members(own).items() if value is not None}
    # Of the motions, monthly seats alone have a choice.
    align = stated.pop("align", None)
    seats = {"align": align.seat_monthly} if align and align.seat_monthly else {}
    return replace(changes, **stated, **seats)


def _psa_fields(inherited: frozenset[PsaField], own: changes_model.Fields) -> frozenset[PsaField]:
    """The fields that the PSA owns: those stated, and of the others those that it owns already."""
    stated = {PsaField(name): owner for name, owner in _members(own).items() if owner is not None}
    kept = inherited - frozenset(stated)
    return kept | {field for field, owner in stated.items() if owner is Owner.PSA}


def _members(part: Part) -> dict[str, Any]:
    return dict(part)
