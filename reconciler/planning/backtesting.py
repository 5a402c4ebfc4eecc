"""Past months planned again from what was kept, by the rules as they were and by rules that are tried.

Of each month the newest run that was kept gives the documents, price lists, mapping and decisions; the first one gives
what the PSA held, for it was there before the month was written. Both sets of rules go through the months on a chain of
their own (`simulating`), so that what differs between them is the rules' doing alone: without a setting nothing does.
Where a month was not kept, both chains begin anew with what the PSA held.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from reconciler.config.overriding import Setting
from reconciler.domain.backtest import Backtest, BacktestMonth, Billed, Held
from reconciler.domain.days import Month
from reconciler.domain.finding import Finding, in_order
from reconciler.domain.money import ZERO
from reconciler.domain.plan import Plan
from reconciler.domain.records import Observation
from reconciler.planning.assembling import assemble
from reconciler.planning.gathered import Background, Documents, Gathered, Request, Scope
from reconciler.planning.kept_observation import read_observation
from reconciler.planning.making import PlanningError, gather
from reconciler.planning.replaying import Reader
from reconciler.planning.simulating import Chain, found_by, left_by
from reconciler.store.kept import KeptRun


@dataclass(frozen=True, slots=True)
class MonthKept:
    """The runs of a month that are taken: the newest for its documents, the first for what the PSA held."""

    month: Month
    newest: int
    first: int


@dataclass(frozen=True, slots=True)
class Trial:
    """What is asked: the settings to try, and the customers (none named: all)."""

    settings: tuple[Setting, ...]
    customers: frozenset[str]


def months_kept(requests: Mapping[int, Request], count: int) -> tuple[MonthKept, ...]:
    """The last so many months of which a run for everybody was kept, oldest first. `requests` are by run."""
    found: dict[Month, list[int]] = {}
    for run in sorted(requests):
        request = requests[run]
        if not request.customers and request.only_new is None and request.scope is Scope.ALL:
            for month in request.months:
                found.setdefault(month, []).append(run)
    return tuple(MonthKept(month, found[month][-1], found[month][0]) for month in sorted(found)[-count:])


def missing_between(months: Sequence[MonthKept]) -> tuple[str, ...]:
    """The months between the first and the last of some that are not among them."""
    there, missing = {kept.month for kept in months}, []
    month = months[0].month
    while month < months[-1].month:
        month = month.following
        if month not in there:
            missing.append(str(month))
    return tuple(missing)


def backtest(months: Sequence[MonthKept], trial: Trial, reader: Reader, load: Callable[[int], KeptRun]) -> Backtest:
    """The months by both sets of rules. `load` gives what a run rested on.

    Raises PlanningError, StoreError and UnreadableObservation.
    """
    then, tried = Chain(), Chain()
    made: list[BacktestMonth] = []
    findings: list[Finding] = []
    before: Month | None = None
    for each in months:
        begins = before is None or before.following != each.month
        if begins:
            then, tried = Chain(), Chain()
        newest = load(each.newest)
        inputs = _inputs(each.month, newest, newest if each.first == each.newest else load(each.first), trial, reader)
        findings += inputs.findings
        as_it_was, then = _planned(inputs.then, then)
        as_tried, tried = _planned(inputs.tried, tried) if trial.settings else (as_it_was, then)
        rows = _rows(as_it_was, as_tried)
        held = _held(as_it_was), _held(as_tried)
        made.append(BacktestMonth(str(each.month), each.newest, each.first, begins, rows, *held))
        before = each.month
    settings = tuple(str(setting) for setting in trial.settings)
    return Backtest(settings, tuple(made), missing_between(months), in_order(findings))


@dataclass(frozen=True, slots=True)
class _Inputs:
    """A month as both sets of rules find it, without what earlier months left."""

    then: Gathered
    tried: Gathered
    findings: tuple[Finding, ...]


def _inputs(month: Month, newest: KeptRun, first: KeptRun, trial: Trial, reader: Reader) -> _Inputs:
    rules, tried = reader.rules(newest), reader.rules(newest, trial.settings)
    documents: dict[str, Documents] = reader.documents(newest, rules.mappings)
    request = reader.request(newest.run, newest.request)
    known = {customer.name for customer in rules.mappings.customers}
    if trial.customers and not trial.customers & known:
        name = min(trial.customers)
        raise PlanningError(
            f"no customer of the mapping of run {newest.run} is called '{name}'", "names are written as in the mapping"
        )
    request = replace(request, customers=trial.customers & known, month=month, since=None)
    seen = read_observation(newest.observation)
    if first is not newest:
        seen = _as_first_seen(read_observation(first.observation), seen)
    gathered = gather(rules.mappings, documents, request, newest.request["target"])
    gathered = replace(gathered, observation=seen, background=Background(decisions=rules.decisions))
    other = replace(gathered, mappings=tried.mappings, background=Background(decisions=tried.decisions))
    return _Inputs(gathered, other, tried.findings)


def _as_first_seen(first: Observation, newest: Observation) -> Observation:
    """What the first run of a month saw, and of what it did not look at, what the newest one saw."""
    seen = {agreement.id for agreement in first.agreements.values()}
    products = {product.id: product for product in (*first.products, *newest.products)}
    return replace(
        newest,
        agreements={**newest.agreements, **first.agreements},
        additions={**{n: held for n, held in newest.additions.items() if n not in seen}, **first.additions},
        products=tuple(products.values()),
        problems={
            **{ref: found for ref, found in newest.problems.items() if ref not in first.agreements},
            **{ref: found for ref, found in first.problems.items() if ref in first.agreements},
        },
    )


def _planned(gathered: Gathered, chain: Chain) -> tuple[Plan, Chain]:
    found = replace(gathered, observation=found_by(chain, gathered.observation))
    plan = assemble(found)
    return plan, left_by(chain, found, plan)


def _rows(then: Plan, tried: Plan) -> tuple[Billed, ...]:
    before, after = _billed(then), _billed(tried)
    names = sorted({*before, *after})
    return tuple(Billed(*name, before.get(name, ZERO), after.get(name, ZERO)) for name in names)


def _billed(plan: Plan) -> dict[tuple[str, str], Decimal]:
    """What each customer is billed for the month after the plan, by currency."""
    billed: dict[tuple[str, str], Decimal] = {}
    for row in plan.impact:
        if row.month == plan.month:
            name = row.customer, row.currency
            billed[name] = billed.get(name, ZERO) + row.after
    return billed


def _held(plan: Plan) -> Held:
    return Held(tuple(sorted({f.customer for f in plan.errors if f.customer})), plan.refused_by)


def members(result: Backtest) -> dict[str, Any]:
    """The backtest as JSON output writes it: amounts are text."""
    return {
        "settings": list(result.settings),
        "missing": list(result.missing),
        "months": [_month(month) for month in result.months],
        "totals": _amounts(result.totals()),
    }


def _month(month: BacktestMonth) -> dict[str, Any]:
    return {
        "month": month.month,
        "run": month.run,
        "first_run": month.first_run,
        "begins": month.begins,
        "customers": _amounts(month.rows),
        "totals": _amounts(month.totals()),
        "not_planned": {"then": list(month.then.customers), "tried": list(month.tried.customers)},
        "guards": {"then": list(month.then.guards), "tried": list(month.tried.guards)},
    }


def _amounts(rows: Iterable[Billed]) -> list[dict[str, Any]]:
    return [
        {
            **({"customer": row.customer} if row.customer else {}),
            "currency": row.currency,
            "then": row.then,
            "tried": row.tried,
            "difference": row.difference,
        }
        for row in rows
    ]
