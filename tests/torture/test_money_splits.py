"""F16, R14: what is split, prorated or passed on comes to the cent that fractions come to, and its parts are the whole.

The oracle is `fractions.Fraction`, which rounds nothing. While the rules run, decimals are told to refuse every float.
A failure names its seed; RECONCILER_FUZZ_SEED=N tries that one alone.
"""

import ast
import os
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal, FloatOperation, localcontext
from fractions import Fraction
from pathlib import Path

import pytest
from torture_figures import Tally

import reconciler
from reconciler.domain.days import Month, Span
from reconciler.domain.finding import Finding, Place
from reconciler.domain.invoice import Charge, CustomerRef, InvoiceLine, Motion
from reconciler.domain.mapping import PriceRule, Rounding
from reconciler.domain.money import Money, digits, rounded, summed
from reconciler.domain.plan import Action
from reconciler.domain.records import Addition
from reconciler.domain.timeline import Timeline
from reconciler.rules.allocation import Passed, allocate
from reconciler.rules.azure import usage_record
from reconciler.rules.billing import bill, billed
from reconciler.rules.bridge import Due, counted, differences
from reconciler.rules.charged import ChargedLine, Rate
from reconciler.rules.line_copies import copy_of
from reconciler.rules.prices import own_price
from reconciler.rules.true_up import Period

PLACE = Place("mappings.yaml", 1)
CURRENCIES = ("AUD", "EUR", "USD", "JPY", "KWD", None)
# What a division leaves of a decimal of 28 digits, beside amounts of at most nine digits before the point.
NEAR = Fraction(1, 10**15)


def month(chance: random.Random) -> Month:
    return Month(chance.randint(2024, 2030), chance.randint(1, 12))


def amount(chance: random.Random, most: int = 10**6) -> Decimal:
    places = chance.choice((0, 2, 2, 2, 4, 6))
    return Decimal(chance.randint(-most * 10**places, most * 10**places)).scaleb(-places)


def price(chance: random.Random) -> Decimal:
    return abs(amount(chance, chance.choice((1, 50, 5_000))))


def half_up(exact: Fraction, places: int) -> Fraction:
    """An exact amount as a document prints it: half away from zero."""
    scaled = abs(exact) * 10**places
    units = scaled.numerator * 2 // scaled.denominator
    return Fraction((units + 1) // 2, 10**places) * (-1 if exact < 0 else 1)


def record(chance: random.Random, of: Month, number: int = 1) -> Addition:
    first = of.first + timedelta(days=chance.randint(-40, of.days - 1))
    last = first + timedelta(days=chance.randint(0, 70)) if chance.random() < 0.5 else None
    quantity = Decimal(chance.randint(-50, 5_000)).scaleb(chance.choice((0, 0, 0, -2)))
    included = Decimal(chance.choice((0, 0, 0, 2)))
    bills = chance.random() < 0.95
    return Addition(
        str(number), "55", "4120", quantity, price(chance), price(chance), first, last, "s", "", bills, included
    )


def days_billed(one: Addition, of: Month, prorates: bool) -> int:
    """On how many days of the month, by the PSA's rule, said in another way: count them."""
    days = [of.first + timedelta(days=n) for n in range(of.days)]
    if not any(one.effective <= day and (one.cancelled is None or day <= one.cancelled) for day in days):
        return 0
    return sum(day >= one.effective for day in days) if prorates else len(days)


def prorated_records(chance: random.Random) -> None:
    of, currency, prorates = month(chance), chance.choice(CURRENCIES), chance.random() < 0.7
    rounding = chance.choice(list(Rounding))
    records = [record(chance, of, n) for n in range(chance.randint(1, 4))]
    amounts = []
    for one in records:
        share = Fraction(days_billed(one, of, prorates), of.days)
        quantity = Fraction(one.quantity) - Fraction(one.included) if one.bills else Fraction(0)
        unit = Fraction(one.unit_price) * share
        if rounding is Rounding.UNIT and share != 1:
            unit = half_up(unit, digits(currency))
        amounts.append(half_up(quantity * unit, digits(currency)))
        result = billed(one, of, prorates=prorates, currency=currency, rounding=rounding)
        assert type(result) is Decimal
        assert Fraction(result) == amounts[-1], (one, of, prorates, rounding)
    whole = bill(records, of, prorates=prorates, currency=currency, rounding=rounding)
    assert Fraction(whole) == sum(amounts)


def steps_of_a_bill(chance: random.Random) -> None:
    """From due to billed: the named parts sum to the difference, and each counts what it says."""
    of, prorates = month(chance), chance.random() < 0.7
    records = [record(chance, of, n) for n in range(chance.randint(0, 4))]
    bills = counted(records, of, prorates=prorates)
    exact = sum(
        (
            (Fraction(one.quantity) - Fraction(one.included))
            * Fraction(one.unit_price)
            * Fraction(days_billed(one, of, prorates), of.days)
            for one in records
            if one.bills
        ),
        Fraction(0),
    )
    assert abs(Fraction(bills.exact) - exact) < NEAR
    level = Timeline.of_intervals([(of.first, of.last, Decimal(chance.randint(0, 50)))])
    rates = ((of.first, Rate(price(chance), price(chance))),) if chance.random() < 0.8 else ()
    due = Due(level, rates, amount(chance), amount(chance, 100), amount(chance, 100))
    parts = differences(due, records, of, prorates=prorates)
    assert all(type(part) is Decimal for part in parts.values())
    assert abs(sum(map(Fraction, parts.values())) - (exact - Fraction(due.worth))) < NEAR * 10


def line_of(chance: random.Random, of: Month) -> ChargedLine:
    quantity = Decimal(chance.choice((1, -1)) * chance.randint(1, chance.choice((5, 300, 20_000))))
    cost = price(chance)
    first = of.first + timedelta(days=chance.randint(-25, of.days - 1))
    span = Span(first, first + timedelta(days=chance.randint(0, 40)))
    charge = chance.choice((Charge.NEW, Charge.CYCLE, Charge.ADD_QUANTITY, Charge.REMOVE_QUANTITY))
    share = Fraction(chance.randint(0, 31), 31)
    charged = Decimal(int(Fraction(quantity) * Fraction(cost) * share * 100)).scaleb(-2)
    line = InvoiceLine(
        1, PLACE, CustomerRef("t"), Motion.SEAT_MONTHLY, "s", "P", "", charge, quantity, span, cost, None, charged
    )
    return ChargedLine("INV", line, Rate(price(chance), cost))


def copies_of_lines(chance: random.Random) -> None:
    """A line's part of a full cycle, at the partner's own price: the record's quantity × price is that, to the cent."""
    of, currency = month(chance), chance.choice(CURRENCIES[:-1])
    charged = line_of(chance, of)
    copy = copy_of([charged], of.span, of, currency or "")
    if isinstance(copy, Finding):
        return
    line, rate = charged.line, charged.rate
    full = Fraction(line.quantity) * Fraction(rate.unit_cost)
    stated = Fraction(line.amount or 0)
    exact = Fraction(line.quantity) * Fraction(rate.unit_price) * (stated / full if full else 1)
    whole = (
        line.charge in (Charge.NEW, Charge.CYCLE) and abs(stated - full) <= max(1, abs(Fraction(line.quantity))) / 100
    )
    if whole or not full:
        exact = Fraction(line.quantity) * Fraction(rate.unit_price)
    places = digits(currency)
    # A share is a decimal of 28 digits: an amount that lies on the very half of a cent may fall to either side.
    on_the_half = abs((abs(exact) * 10**places) % 1 - Fraction(1, 2)) < NEAR
    if not (not stated and full and line.charge not in (Charge.NEW, Charge.CYCLE)):
        assert on_the_half or Fraction(copy.amount) == half_up(exact, places), charged
    assert half_up(Fraction(copy.quantity) * Fraction(copy.rate.unit_price), places) == Fraction(copy.amount), charged
    assert -copy.rate.unit_price.as_tuple().exponent <= 6  # type: ignore[operator]  # a number's exponent is one
    assert type(copy.rate.unit_price) is Decimal


def passed_on(chance: random.Random) -> None:
    """A credit, an adjustment or a one-off charge: the one record bills the whole amount, nothing more or less."""
    of = month(chance)
    passed = Passed(amount(chance), amount(chance), "fixed")
    made = allocate(passed, [], "note", (), of, of.first, last=of.last)
    assert sum((Fraction(d.quantity) * Fraction(d.rate.unit_price) for d in made.drafts), Fraction(0)) == Fraction(
        passed.price
    )
    if not made.drafts:
        return
    draft = made.drafts[0]
    standing = Addition(
        "1", "55", "4120", draft.quantity, draft.rate.unit_price, draft.rate.unit_cost, draft.effective, draft.cancelled
    )
    other = replace(passed, price=amount(chance))
    for corrected in allocate(other, [standing], "note", (), of, of.first, last=of.last).drafts:
        kept = Fraction(0) if corrected.action is Action.DELETE else Fraction(corrected.quantity)
        assert kept * Fraction(corrected.rate.unit_price) == Fraction(other.price)


def usage_of_a_month(chance: random.Random) -> None:
    """Usage: one record of the month's sum; issued again, the record or its difference brings it to the new sum."""
    of = month(chance)
    total, again = Rate(price(chance), price(chance)), Rate(price(chance), price(chance))
    open_from = chance.choice((of.first, of.following.first))
    standing: list[Addition] = []
    for wanted in (total, again):
        for draft in usage_record("s", wanted, standing, Period(of, open_from), ()).drafts:
            old = draft.standing.id if draft.standing else ""
            standing = [each for each in standing if each.id != old]
            if draft.action is Action.DELETE:
                continue
            rate = draft.rate
            name = old or str(len(standing))
            made = (draft.quantity, rate.unit_price, rate.unit_cost, draft.effective, draft.cancelled, "s")
            standing.append(Addition(name, "55", "4120", *made))
        assert sum(Fraction(a.quantity) * Fraction(a.unit_price) for a in standing) == Fraction(wanted.unit_price)
        assert sum(Fraction(a.quantity) * Fraction(a.unit_cost) for a in standing) == Fraction(wanted.unit_cost)


def split_in_time(chance: random.Random) -> None:
    """Seats by day, cut anywhere: the seat-days of the pieces are those of the whole."""
    of = month(chance)
    intervals = []
    for _ in range(chance.randint(1, 6)):
        first = of.first + timedelta(days=chance.randint(-20, of.days))
        last = first + timedelta(days=chance.randint(0, 60)) if chance.random() < 0.7 else None
        intervals.append((first, last, Decimal(chance.randint(-20, 400))))
    level = Timeline.of_intervals(intervals)
    cut = of.first + timedelta(days=chance.randint(0, of.days - 2))
    parts = (Span(of.first, cut), Span(cut + timedelta(days=1), of.last))
    days = [of.first + timedelta(days=n) for n in range(of.days)]
    counted_one_by_one = sum(
        (Fraction(q) for day in days for first, last, q in intervals if first <= day and (last is None or day <= last)),
        Fraction(0),
    )
    assert sum(Fraction(level.seat_days(part)) for part in parts) == counted_one_by_one
    assert Fraction(level.seat_days(of.span)) == counted_one_by_one


def own_prices(chance: random.Random) -> None:
    """The partner's own price by its rule, and sums of money by currency in any order."""
    retail, cost = price(chance), price(chance)
    basis = chance.choice(("retail", "cost"))
    added, percent = amount(chance, 100), amount(chance, 40)
    rule = PriceRule("r", basis, added, percent, None, None, None, None, None, "", PLACE)
    made = own_price(rule, retail, cost)
    assert made is not None
    assert made.price is not None
    whole = Fraction(retail if basis == "retail" else cost)
    assert abs(Fraction(made.price) - (whole + Fraction(added) + whole * Fraction(percent) / 100)) < NEAR
    money = [Money(amount(chance), chance.choice(("AUD", "EUR", "JPY"))) for _ in range(chance.randint(0, 9))]
    for total in summed(chance.sample(money, len(money))):
        assert Fraction(total.amount) == sum(Fraction(m.amount) for m in money if m.currency == total.currency)
    for each in money:
        assert Fraction(rounded(each.amount, each.currency)) == half_up(Fraction(each.amount), digits(each.currency))


SPLITS: tuple[Callable[[random.Random], None], ...] = (
    prorated_records,
    steps_of_a_bill,
    copies_of_lines,
    passed_on,
    usage_of_a_month,
    split_in_time,
    own_prices,
)


def test_parts_are_the_whole_and_every_cent_is_that_of_fractions(split_batch: tuple[int, int], tally: Tally) -> None:
    batch, each = split_batch
    alone = os.environ.get("RECONCILER_FUZZ_SEED")
    seeds = [int(alone)] if alone else range(batch * each, (batch + 1) * each)
    with localcontext() as context:
        context.traps[FloatOperation] = True
        for seed in seeds:
            split = SPLITS[seed % len(SPLITS)]
            try:
                split(random.Random(seed))
            except Exception as error:
                raise AssertionError(f"RECONCILER_FUZZ_SEED={seed} {split.__name__}: {error}") from error
    tally.count("F16 R14 splits and prorations", splits=len(seeds), kinds=len(SPLITS) if batch == 0 else 0)


HEART = ("domain", "rules", "planning")
# Where the word stands for another reason.
NO_MONEY = {"domain/canonical.py": "it knows floats by their type, to refuse them"}


def floats(source: str) -> list[str]:
    """Where a module of the heart could make a float: a literal, the type itself, or what `math` and `time` give."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            found.append(f"line {node.lineno}: {node.value}")
        elif isinstance(node, ast.Name) and node.id == "float":
            found.append(f"line {node.lineno}: float")
        elif isinstance(node, ast.Attribute) and node.attr in ("total_seconds", "timestamp", "from_float"):
            found.append(f"line {node.lineno}: {node.attr}")
        elif isinstance(node, ast.Import) and any(name.name in ("math", "statistics", "time") for name in node.names):
            found.append(f"line {node.lineno}: import")
    return found


def test_the_heart_can_make_no_float(tally: Tally) -> None:
    root = Path(reconciler.__file__).parent
    modules = [module for room in HEART for module in sorted((root / room).rglob("*.py"))]
    found = {str(module.relative_to(root)): floats(module.read_text(encoding="utf-8")) for module in modules}
    tally.count("R14 modules of the heart read for floats", modules=len(modules))
    assert {name: where for name, where in found.items() if where and name not in NO_MONEY} == {}


@pytest.mark.parametrize("source", ["x = 0.1", "float(y)", "Decimal.from_float(z)", "import math", "d.total_seconds()"])
def test_a_float_in_the_heart_would_be_seen(source: str) -> None:
    assert floats(source)


def test_a_float_among_decimals_is_refused_while_the_splits_run() -> None:
    addition = Addition("1", "55", "4120", 1.5, Decimal(3), Decimal(2), date(2026, 9, 1), None)  # type: ignore[arg-type]
    with localcontext() as context:
        context.traps[FloatOperation] = True
        with pytest.raises((FloatOperation, TypeError)):
            billed(addition, Month(2026, 9), prorates=True)
