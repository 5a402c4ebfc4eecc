"""`reconciler backtest`: what other rules would have billed, over the months that were kept."""

import os
import sys
from typing import TYPE_CHECKING

import click

from reconciler.cli.as_of import kept_state, replay_told
from reconciler.cli.context import Failure, Settings, show_findings

if TYPE_CHECKING:
    from reconciler.config.overriding import Setting
    from reconciler.domain.backtest import Backtest
    from reconciler.planning.gathered import Request
    from reconciler.planning.replaying import Reader
    from reconciler.store.database import Store
    from reconciler.store.kept import KeptRun

_NOTHING = "no run for all customers was kept, so there is no month to compute"


@click.command(short_help="What other rules would have billed in past months.")
@click.option("--months", type=click.IntRange(min=1), default=6, show_default=True, help="So many of the last months.")
@click.option("--set", "texts", multiple=True, metavar="KEY=VALUE", help="A rule to try; may be repeated.")
@click.option("--customer", "customers", multiple=True, metavar="NAME", help="Only this customer; may be repeated.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(settings: Settings, months: int, texts: tuple[str, ...], customers: tuple[str, ...], form: str) -> None:
    """Plans past months again from what their runs kept, by the rules as they were and by rules that are tried.

    What is set goes before what the mapping said: changes.KEY or guards.KEY for all programs,
    programs.NAME.changes.KEY, customers.NAME.changes.KEY, prices.NAME.price. Reads the state alone; the PSA is neither
    read nor written.

    \b
    Examples:
      reconciler backtest --months 6 --set changes.decrease=none
      reconciler backtest --set "prices.Contoso E3 promo.price=retail - 10%" --customer Contoso
    """
    result = _computed(settings, months, _settings(texts), frozenset(customers))
    show_findings(result.findings, settings)
    if form == "json":
        from reconciler.domain.canonical import readable
        from reconciler.planning.backtesting import members

        click.echo(readable(members(result)), nl=False)
        return
    from reconciler.cli.show import page_width
    from reconciler.render.backtest import backtest_lines

    for line in backtest_lines(result, width=page_width(), colour=settings.colour(sys.stdout.isatty())):
        click.echo(line)


def _settings(texts: tuple[str, ...]) -> "tuple[Setting, ...]":
    from reconciler.config.overriding import Setting

    try:
        return tuple(Setting.parse(text) for text in texts)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _computed(settings: Settings, months: int, tried: "tuple[Setting, ...]", customers: frozenset[str]) -> "Backtest":
    from reconciler.planning.backtesting import Trial, backtest, months_kept
    from reconciler.planning.replaying import Reader
    from reconciler.store.kept import Contents

    with kept_state(settings) as store, replay_told(settings):
        reader = Reader(Contents(store), os.environ)
        chosen = months_kept(_requests(store, reader), months)
        if not chosen:
            raise Failure(_NOTHING, "runs are kept by `reconciler plan` for a whole month, without --customer")
        return backtest(chosen, Trial(tried, customers), reader, lambda run: _kept(store, run))


def _requests(store: "Store", reader: "Reader") -> "dict[int, Request]":
    from reconciler.store.kept import kept_requests

    kept = kept_requests(store)
    target = kept[max(kept)]["target"] if kept else ""
    return {run: reader.request(run, members) for run, members in kept.items() if members["target"] == target}


def _kept(store: "Store", run: int) -> "KeptRun":
    from reconciler.store.kept import kept_run

    kept = kept_run(store, run)
    if kept is None:
        raise Failure(f"what run {run} rested on was taken away meanwhile", "run the command again")
    return kept
