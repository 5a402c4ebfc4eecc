"""Makes a plan: documents from files, records from the PSA in as few requests as possible, then pure computation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.domain.days import Month
from reconciler.domain.finding import Finding
from reconciler.domain.invoice import Motion
from reconciler.domain.mapping import Mappings, ProductMode, Source, not_a_customer
from reconciler.domain.plan import Action, Plan, ProductValues
from reconciler.domain.price_list import PriceList
from reconciler.domain.records import AgreementRef, Observation, ProductDefaults, Reach, Wanted
from reconciler.planning.allocating import credited_agreements, credited_products
from reconciler.planning.assembling import assemble
from reconciler.planning.claims import claims_of
from reconciler.planning.gathered import Background, Documents, Gathered, Request, Scope
from reconciler.planning.ledger import keep_ledger, newest_month
from reconciler.planning.month_by_month import in_month
from reconciler.planning.shelf import AZURE_KEY
from reconciler.sources.documents import Reading, read_documents, read_price_lists
from reconciler.targets.base import Target


class PlanningError(Exception):
    """A plan cannot be made at all. `hint` says what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Made:
    """A plan, and everything that it was made from."""

    plan: Plan
    gathered: Gathered


def one_target(mappings: Mappings) -> str:
    """The name of the target that the programs write to. Raises PlanningError where there is not exactly one."""
    names = sorted({program.target for program in mappings.programs.values()})
    if len(names) == 1:
        return names[0]
    if not names:
        raise PlanningError("the mapping declares no program", "add one under `programs:`")
    raise PlanningError(
        f"the programs write to {len(names)} targets ({', '.join(names)}), and a plan is for one",
        "keep one mapping file per target",
    )


def read_sources(mappings: Mappings) -> dict[str, Documents]:
    """The documents of every source that a program uses, by the source's name."""
    used = sorted({program.source for program in mappings.programs.values()})
    return {name: _read_source(mappings, name) for name in used}


def _read_source(mappings: Mappings, name: str) -> Documents:
    source, folder = mappings.sources[name], Path(mappings.folder)
    reading = read_documents(name, source.invoices, source.format, folder)
    return as_read(source, reading, *read_price_lists(source.price_lists, folder))


def as_read(source: Source, reading: Reading, price_list: PriceList, findings: tuple[Finding, ...]) -> Documents:
    """A source's documents and price lists, put together."""
    return Documents(
        invoices=reading.invoices,
        price_list=price_list,
        has_price_list=bool(source.price_lists),
        findings=(*reading.findings, *findings),
        documents=reading.documents,
    )


def month_of(documents: Mapping[str, Documents], asked: Month | None) -> Month:
    """The month asked for, else the newest that the documents cover (interface §3). Raises PlanningError."""
    newest = newest_month(invoice for each in documents.values() for invoice in each.invoices)
    if asked or newest:
        return asked or newest or Month(1, 1)
    findings = [f for each in documents.values() for f in each.findings if f.blocks]
    why = f": {findings[0].where}: {findings[0].message}" if findings else ""
    hint = (
        findings[0].hint
        or "mend that file, or the pattern under `invoices:`; `reconciler read FILE` shows what it says"
        if findings
        else "put the distributor's invoices where `invoices:` of the source looks for them"
    )
    raise PlanningError(f"no invoice could be read, so there is no month to plan{why}", hint)


async def make_plan(
    mappings: Mappings,
    documents: dict[str, Documents],
    request: Request,
    target_name: str,
    target: Target,
    background: Background | None = None,
) -> Plan:
    """The plan for a month, as `make` makes it."""
    return (await make(mappings, documents, request, target_name, target, background)).plan


async def make(
    mappings: Mappings,
    documents: dict[str, Documents],
    request: Request,
    target_name: str,
    target: Target,
    background: Background | None = None,
) -> Made:
    """The plan for a month. Reads the PSA once, and once more for the defaults of products that must be created.

    Raises TargetError where the PSA cannot be read.
    """
    gathered = gather(mappings, documents, request, target_name)
    gathered = replace(gathered, background=background or Background())
    observation = await target.observe(wanted(gathered))
    gathered = replace(gathered, observation=observation)
    plan = assemble(gathered)
    created = _created(plan)
    if not created:
        return Made(plan, gathered)
    names = frozenset(values.identifier for values in created)
    found = await target.observe(Wanted(frozenset(), frozenset(), names, _defaults_of(created[0])))
    if found.defaults_found and not found.products:
        return Made(plan, gathered)
    gathered = replace(gathered, observation=_with_what_hinders(observation, found))
    return Made(assemble(gathered), gathered)


def gather(mappings: Mappings, documents: dict[str, Documents], request: Request, target_name: str) -> Gathered:
    """The documents as ledgers for the month, with nothing of the PSA yet. Raises PlanningError for an unknown name."""
    unknown = request.customers - {customer.name for customer in mappings.customers}
    if unknown:
        raise PlanningError(*not_a_customer(min(unknown), mappings))
    if request.only_new is not None and len(request.months) > 1:
        raise PlanningError(
            "new customers are counted month by month, so only one month can be planned with --only-new-customers",
            "plan the first month so, or name the customers: --customer NAME --month 2026-07..2026-09",
        )
    if request.scope is Scope.CUTOVER and len(request.months) > 1:
        raise PlanningError(
            "a cut-over hands records over on one day, so only one month can be planned with --cutover",
            "plan the month of the cut-over so, and the months after it together",
        )
    ledgers = {name: keep_ledger(each.invoices, request.month) for name, each in documents.items()}
    return Gathered(request, mappings, documents, ledgers, target_name)


def wanted(gathered: Gathered) -> Wanted:
    """What must be seen of the PSA: the agreements of the customers to plan, and the products they were charged."""
    agreements: set[AgreementRef] = set()
    skus: set[str] = set()
    for month in gathered.request.months:
        here = in_month(gathered, month)
        for customer in gathered.mappings.customers:
            program = gathered.mappings.programs[customer.program]
            if program.target != gathered.target:
                continue
            account = here.ledgers[program.source].account(customer.tenant)
            for motion in here.request.chooses(customer, program):
                agreements.add(customer.agreements[motion])
                skus |= account.keys(motion) if account else set()
                skus |= {AZURE_KEY} if motion is Motion.AZURE and account and motion in account.once else set()
    for program in gathered.mappings.programs.values():
        if program.target == gathered.target and program.product_mode is ProductMode.ALL:
            skus |= {row.key for row in gathered.documents[program.source].price_list.rows}
    claims = claims_of(gathered)
    agreements |= credited_agreements(claims, gathered)
    skus |= credited_products(claims)
    linked = {link.sku: link.product for link in gathered.mappings.products if link.product}
    links = frozenset(linked[sku] for sku in skus if sku in linked)
    reach = Reach.COMPANIES if gathered.request.scope is Scope.CUTOVER else Reach.AGREEMENTS
    return Wanted(frozenset(agreements), frozenset(skus), links, reach=reach)


def _created(plan: Plan) -> list[ProductValues]:
    """The catalogue items that a plan creates."""
    creates = (change.after for change in plan.changes if change.action is Action.CREATE)
    return [values for values in creates if isinstance(values, ProductValues)]


def _defaults_of(values: ProductValues) -> ProductDefaults:
    return ProductDefaults(values.category, values.subcategory, values.type, values.unit_of_measure)


def _with_what_hinders(seen: Observation, found: Observation) -> Observation:
    """The observation with the knowledge that products cannot be created (E2 to E4), or their ids are taken (E6)."""
    known = {product.id for product in seen.products}
    taken = tuple(product for product in found.products if product.id not in known)
    findings = (*seen.findings, *found.findings)
    return replace(seen, products=(*seen.products, *taken), findings=findings, defaults_found=found.defaults_found)
