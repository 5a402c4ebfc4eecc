"""A trial of price rules as people read it: each rule with what speaks against it, the winner, price and margin."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from reconciler.domain.price_trial import PriceMade, PriceTrial, RuleTried
from reconciler.render.safe_text import safe
from reconciler.render.terminal import Paint, Style, clipped, hanging, left, painter, right
from reconciler.render.wording import percent_of, price_text

_DEFAULT = "At Retail Price (no rule matches)"
_LABEL = 12


def trial_lines(trial: PriceTrial, *, width: int, colour: bool) -> Iterator[str]:
    """One customer's trial, no line wider than `width` cells (at least 60)."""
    paint, width = painter(colour=colour), max(width, 60)
    title = f"{trial.sku} for {trial.customer} (program {trial.program}) on {trial.day}"
    yield from (paint(line, Style.STRONG) for line in hanging(safe(title), width, ""))
    yield ""
    yield from _rules(trial, width, paint)
    for made in trial.prices:
        yield ""
        yield from _price(trial, made, width, paint)


def table_lines(trials: Iterable[PriceTrial], *, width: int, colour: bool) -> Iterator[str]:
    """All customers' trials of one product, a line for each customer and currency."""
    paint, width = painter(colour=colour), max(width, 60)
    rows = [(trial, made) for trial in trials for made in trial.prices]
    if not rows:
        return
    first = rows[0][0]
    yield from (paint(line, Style.STRONG) for line in hanging(safe(f"{first.sku} on {first.day}"), width, ""))
    yield ""
    table = [("customer", "rule", "cost", "retail", "price", "margin"), *(_cells(*row) for row in rows)]
    for number, cells in enumerate(_laid_out(table, width)):
        yield paint(cells, Style.QUIET) if number == 0 else cells
    reasons = dict.fromkeys(made.why_not for _, made in rows if made.why_not)
    for reason in reasons:
        yield ""
        yield from hanging(safe(reason), width, "-  ")


def _rules(trial: PriceTrial, width: int, paint: Paint) -> Iterator[str]:
    if trial.rules:
        yield "Rules, of which the first that matches wins"
    won = False
    for number, tried in enumerate(trial.rules, 1):
        sign = "*" if tried.wins else " "
        text = f"{tried.rule.name}: {tried.rule.text}"
        style = Style.GOOD if tried.wins else Style.PLAIN if not tried.against else Style.QUIET
        for line in hanging(safe(text), width, f"{sign} {number:>2}. "):
            yield paint(line, style)
        yield from hanging(safe(_said(tried, won=won)), width, " " * 6)
        won = won or tried.wins
    if not won:
        yield paint(f"*     {_DEFAULT}", Style.GOOD)


def _said(tried: RuleTried, *, won: bool) -> str:
    if tried.wins:
        return f"wins ({tried.rule.place})"
    if tried.against:
        return f"does not match: {', '.join(tried.against)}"
    return "matches, but a rule before it wins" if won else "matches"


def _price(trial: PriceTrial, made: PriceMade, width: int, paint: Paint) -> Iterator[str]:
    for label, amount in (("cost", made.cost), ("retail", made.retail)):
        origin = "as given" if label in made.given else str(made.where or "")
        text = f"{_amount(amount, made.currency)}{f' ({origin})' if origin else ''}"
        yield from _labelled(label, text, width)
    if made.price is None:
        yield from _labelled("price", made.why_not, width)
        return
    rule = trial.winner.text if trial.winner else "the retail price"
    price = f"{_amount(made.price, made.currency)}, by {rule}"
    yield from (paint(line, Style.STRONG) for line in _labelled("price", price, width))
    yield from _labelled("margin", _margin(made), width)


def _labelled(label: str, text: str, width: int) -> Iterator[str]:
    return hanging(safe(text), width, left(label, _LABEL))


def _amount(amount: Decimal | None, currency: str) -> str:
    return "not known" if amount is None else f"{price_text(amount)} {currency}".rstrip()


def _margin(made: PriceMade) -> str:
    """The margin as money and as a share of the price; below cost it is negative, and says so."""
    if made.price is None or made.cost is None:
        return "-"
    margin = made.price - made.cost
    share = percent_of(margin, made.price)
    below = ", below cost" if margin < 0 else ""
    return f"{_amount(margin, made.currency)}{f' ({share})' if share else ''}{below}"


def _cells(trial: PriceTrial, made: PriceMade) -> tuple[str, ...]:
    numbers = [_amount(one, "").removeprefix("not known") or "-" for one in (made.cost, made.retail, made.price)]
    share = percent_of(made.price - made.cost, made.price) if made.price is not None and made.cost is not None else ""
    rule = trial.winner.name if trial.winner else "At Retail Price"
    money = [*numbers[:2], f"{numbers[2]} {made.currency}".rstrip() if made.price is not None else "-"]
    return (safe(trial.customer), safe(rule), *money, share or "-")


def _laid_out(table: Sequence[tuple[str, ...]], width: int) -> Iterator[str]:
    """The rows in columns: numbers to the right and whole, the two names clipped to what is left."""
    numbers = [max(len(row[column]) for row in table) for column in range(2, len(table[0]))]
    room = width - sum(numbers) - 2 * (len(table[0]) - 1)
    names = [min(max(len(row[column]) for row in table), room // 2) for column in range(2)]
    for row in table:
        cells = [left(clipped(name, size), size) for name, size in zip(row[:2], names, strict=True)]
        cells += [right(cell, size) for cell, size in zip(row[2:], numbers, strict=True)]
        yield "  ".join(cells).rstrip()
