"""`reconciler prices`: tries the price rules on a product before anything is billed by them."""

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import click

from reconciler.cli.context import Failure, Settings, show_findings
from reconciler.cli.loading import load_mappings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.domain.invoice import Motion
    from reconciler.domain.mapping import Customer, Mappings
    from reconciler.planning.gathered import Documents
    from reconciler.planning.price_trial import Asked


class _Price(click.ParamType[Decimal]):
    """A unit price on the command line: a decimal of zero or more, never a binary float."""

    name = "price"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """The price; a usage error for anything else."""
        try:
            price = Decimal(str(value))
        except InvalidOperation:
            price = Decimal("NaN")
        if not price.is_finite() or price < 0:
            self.fail(f"'{value}' is not a price; write it as 16.00", param, ctx)
        return price


class _Day(click.ParamType[date]):
    """A day on the command line: `2026-09-15`."""

    name = "day"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day; a usage error for anything else."""
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"'{value}' is not a day; write it as 2026-09-15", param, ctx)


class _Motion(click.ParamType["Motion"]):
    """A motion on the command line, of those whose charges are billed."""

    name = "motion"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> "Motion":
        """The motion; a usage error for anything else."""
        from reconciler.planning.gathered import PLANNED

        found = [motion for motion in PLANNED if motion.value == value]
        if not found:
            self.fail(f"'{value}' is not one of {', '.join(PLANNED)}", param, ctx)
        return found[0]


@click.command(short_help="Which price rule wins for a product, and why.")
@click.option("--sku", required=True, help="The product as the mapping names it; P1Y:M:SKU for an annual term.")
@click.option("--customer", metavar="NAME", help="One customer, with every rule.  [default: a table of all]")
@click.option("--on", "day", type=_Day(), metavar="DATE", help="The day of the charge.  [default: today]")
@click.option(
    "--motion",
    type=_Motion(),
    default="seat-monthly",
    show_default=True,
    help="How it is charged: seat-monthly, seat-annual or azure.",
)
@click.option("--cost", type=_Price(), help="What a unit costs.  [default: the price list's]")
@click.option("--retail", type=_Price(), help="What a unit retails at.  [default: the price list's]")
@click.pass_obj
def command(
    settings: Settings,
    sku: str,
    customer: str | None,
    day: date | None,
    motion: "Motion",
    cost: Decimal | None,
    retail: Decimal | None,
) -> None:
    """Tries the price rules on a product: which one wins and why, the price that it makes, and the margin.

    Reads the mapping, the price lists and the invoices, and no PSA. Rules that decide nothing in the invoices that were
    read are pointed out.

    \b
    Example:
      reconciler prices --sku CFQ7TTC0LF8R:0001 --customer Contoso --on 2026-09-15
      reconciler prices --sku CFQ7TTC0LF8R:0001 --cost 40.00 --retail 50.00
    """
    from reconciler.planning.making import read_sources
    from reconciler.planning.price_trial import Asked, idle_rules

    mappings = load_mappings(settings)
    customers = _chosen(mappings, customer, motion)
    documents = read_sources(mappings)
    show_findings([f for each in documents.values() for f in each.findings if f.blocks], settings)
    asked = Asked(sku, day or datetime.now(UTC).date(), motion, cost, retail)
    for line in _lines(asked, customers, mappings, documents, settings, whole=customer is not None):
        click.echo(line)
    _unlisted(asked, documents)
    show_findings(idle_rules(mappings, documents), settings)


def _chosen(mappings: "Mappings", name: str | None, motion: "Motion") -> "tuple[Customer, ...]":
    """The customer of that name, or all that are mapped for the motion. Raises Failure where there is none."""
    if name is None:
        mapped = tuple(customer for customer in mappings.customers if motion in customer.agreements)
        if mapped:
            return mapped
        raise Failure(f"no customer is mapped for {motion}", "name one with --customer, or another --motion")
    found = tuple(customer for customer in mappings.customers if customer.name == name)
    if found:
        return found
    from reconciler.domain.mapping import not_a_customer

    raise Failure(*not_a_customer(name, mappings))


def _lines(
    asked: "Asked",
    customers: "tuple[Customer, ...]",
    mappings: "Mappings",
    documents: "Mapping[str, Documents]",
    settings: Settings,
    *,
    whole: bool,
) -> Iterator[str]:
    from reconciler.cli.show import page_width
    from reconciler.planning.price_trial import try_rules
    from reconciler.render.prices import table_lines, trial_lines

    colour = settings.colour(sys.stdout.isatty())
    trials = [
        try_rules(asked, customer, mappings, documents[mappings.programs[customer.program].source].price_list)
        for customer in customers
    ]
    if not whole:
        yield from table_lines(trials, width=page_width(), colour=colour)
        return
    for trial in trials:
        yield from trial_lines(trial, width=page_width(), colour=colour)


def _unlisted(asked: "Asked", documents: "Mapping[str, Documents]") -> None:
    """Says on standard error that the price lists do not have the product, and which of theirs may be meant."""
    if asked.cost is not None and asked.retail is not None:
        return
    from difflib import get_close_matches

    from reconciler.render.safe_text import safe

    keys = sorted({row.key for each in documents.values() for row in each.price_list.rows})
    if any(each.price_list.on(asked.sku, asked.day) for each in documents.values()):
        return
    meant = [key for key in keys if key.endswith(f":{asked.sku}")] or get_close_matches(
        asked.sku, keys, n=1, cutoff=0.7
    )
    what = f"no price list has a price of {safe(asked.sku)}"
    click.echo(f"warning: {what}{f' on {asked.day}' if asked.sku in keys else ''}", err=True)
    hint = f"did you mean {safe(', '.join(meant))}?" if meant and asked.sku not in keys else "give --cost and --retail"
    click.echo(f"  hint: {hint}", err=True)
