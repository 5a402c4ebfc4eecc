"""Every precondition of a plan, each told by itself: what is well, what is not, and what could not be looked at.

Nothing is checked here a second time: agreements are judged by `rules.preflight`, products by `rules.products`, prices
by `rates`, and what the target says of itself by its own probe. Here they are asked one by one, also where a plan would
stop at the first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from reconciler.domain.check_list import Check, Group, Standing, any_failed, check_of
from reconciler.domain.days import Month
from reconciler.domain.finding import Finding
from reconciler.domain.mapping import Mappings, Program
from reconciler.domain.records import Observation, ProductDefaults, Wanted
from reconciler.planning.assembling import assemble
from reconciler.planning.doctoring_agreements import agreement_checks
from reconciler.planning.doctoring_products import (
    default_checks,
    links_wanted,
    no_product_yet,
    product_checks,
    products_created,
)
from reconciler.planning.gathered import Documents, Gathered
from reconciler.planning.making import PlanningError, month_of, one_target, wanted
from reconciler.targets.base import Target, TargetError

# Findings of a plan that are about what this version can do, by the check that tells them.
_UNAVAILABLE = {"policy": "policy"}


def mapping_checks(name: str, findings: Sequence[Finding], mappings: Mappings | None) -> list[Check]:
    """What `validate` found in the mapping file `name`, and whether it is for one target."""
    checks = [check_of(finding, Group.MAPPING, name, "valid") for finding in findings]
    if mappings is None:
        return checks
    counts = f"programs: {len(mappings.programs)}, customers: {len(mappings.customers)}"
    checks.insert(0, Check(Group.MAPPING, name, "valid", Standing.OK, f"{name} is valid ({counts})"))
    try:
        one_target(mappings)
    except PlanningError as error:
        checks.append(Check(Group.MAPPING, name, "one target", Standing.FAIL, str(error), hint=error.hint))
    return checks


def month_checked(documents: Mapping[str, Documents], asked: Month | None, today: date) -> Month:
    """The month that a plan would be of; where no document tells one, the one before `today`, which is billed next."""
    try:
        return month_of(documents, asked)
    except PlanningError:
        return Month.of(today).preceding


def availability_checks(gathered: Gathered) -> list[Check]:
    """What the mapping asks for that this version refuses by name: a program's policy."""
    findings = assemble(gathered).findings
    found = dict.fromkeys(f for f in findings if f.code in _UNAVAILABLE and (f.code != "policy" or not f.customer))
    return [check_of(f, Group.MAPPING, f.customer or gathered.target, _UNAVAILABLE[f.code]) for f in found]


async def record_checks(gathered: Gathered, target: Target) -> list[Check]:
    """What can be told of the PSA's records once it is open: access, products, and each customer's agreements."""
    programs = _programs(gathered)
    defaults = frozenset(program.defaults for program in programs)
    probed = await target.probe(gathered.target, defaults)
    checks = [check for check in probed if check.group is Group.PSA]
    if any(check.failed and check.name == "keys" for check in checks):
        return [*checks, *unlooked(gathered, f"{target.capabilities.name} lets nobody in with these credentials")]
    lacking = {names: await _lacking(target, names) for names in defaults}
    everything = wanted(gathered)
    agreements = await _seen(target, Wanted(everything.agreements, frozenset()))
    products = await _seen(target, links_wanted(gathered, everything))
    told = any_failed(checks)
    for program in programs:
        checks += _of_products(program, gathered, products, lacking[program.defaults], told=told)
    checks += _of_new_products(probed, programs, gathered, products)
    return [*checks, *_of_agreements(gathered, agreements, told=told)]


def unlooked(gathered: Gathered, why: str) -> list[Check]:
    """The checks of the PSA's records that could not be made, for one reason."""
    products = [
        Check(Group.PRODUCTS, program.name, "products", Standing.SKIPPED, f"products are not looked at: {why}")
        for program in _programs(gathered)
    ]
    agreements = f"agreements are not looked at: {why}"
    return [*products, Check(Group.CUSTOMER, "", "agreement", Standing.SKIPPED, agreements)]


def with_menus(checks: Iterable[Check], menus: Mapping[str, str]) -> list[Check]:
    """The checks that are not well, each with where in the PSA a person puts it right."""
    return [
        check if check.menu or check.standing is Standing.OK else replace(check, menu=menus.get(check.code or ""))
        for check in checks
    ]


def _programs(gathered: Gathered) -> list[Program]:
    return [p for p in gathered.mappings.programs.values() if p.target == gathered.target]


_Failure = TargetError


async def _seen(target: Target, look: Wanted) -> Observation | _Failure:
    try:
        return await target.observe(look)
    except TargetError as error:
        return error


async def _lacking(target: Target, names: ProductDefaults) -> tuple[Finding, ...] | _Failure:
    found = await _seen(target, Wanted(frozenset(), frozenset(), defaults=names))
    return found.findings if isinstance(found, Observation) else found


def _of_products(
    program: Program,
    gathered: Gathered,
    seen: Observation | _Failure,
    lacking: tuple[Finding, ...] | _Failure,
    *,
    told: bool,
) -> list[Check]:
    if isinstance(seen, TargetError):
        return [_unseen(Group.PRODUCTS, program.name, "products", seen, told=told)]
    looked = replace(gathered, observation=seen)
    if isinstance(lacking, TargetError):
        unseen = _unseen(Group.PRODUCTS, program.name, "defaults", lacking, told=told)
        return [*product_checks(program, looked), unseen]
    return [*product_checks(program, looked), *default_checks(program, looked, lacking)]


def _of_new_products(
    probed: Iterable[Check], programs: Iterable[Program], gathered: Gathered, seen: Observation | _Failure
) -> list[Check]:
    """What the probe found lacking for new products: a warning while none has to be created."""
    lacks = [check for check in probed if check.group is Group.PRODUCTS]
    if isinstance(seen, TargetError):
        return lacks
    looked = replace(gathered, observation=seen)
    needed = any(products_created(program, looked) for program in programs)
    return lacks if needed else [no_product_yet(check) for check in lacks]


def _of_agreements(gathered: Gathered, seen: Observation | _Failure, *, told: bool) -> list[Check]:
    if isinstance(seen, TargetError):
        return [_unseen(Group.CUSTOMER, "", "agreements", seen, told=told)]
    return agreement_checks(replace(gathered, observation=seen))


def _unseen(group: Group, subject: str, what: str, error: TargetError, *, told: bool) -> Check:
    """Records that could not be read: a failure of its own, unless a check of the access has failed already."""
    standing = Standing.SKIPPED if told else Standing.FAIL
    return Check(group, subject, what, standing, f"{what} cannot be read: {error}", hint=None if told else error.hint)
