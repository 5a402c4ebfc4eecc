"""`reconciler demo`: the whole tour, on a PSA that lives on this machine for as long as the tour lasts."""

import os
import sys
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.context import Exit, Failure, Settings

if TYPE_CHECKING:
    from reconciler.domain.mapping import Mappings
    from reconciler.domain.plan import Plan
    from reconciler.domain.tie import Billed, TiedSubscription
    from reconciler.sandbox.server import RunningSandbox

SEED = Path("examples") / "sandbox.yaml"


@click.command(short_help="The whole tour on the embedded sandbox.")
@click.pass_obj
def command(settings: Settings) -> None:
    """Seeds a ConnectWise sandbox, validates, plans, applies, plans again, invoices, and ties the invoices.

    Works on the mapping file and the folder examples/ beside it; leaves nothing behind.

    \b
    Example:
      reconciler demo
    """
    seed = settings.folder / SEED
    if not settings.file.exists() or not seed.exists():
        raise Failure(
            f"the demo needs {settings.file} and {seed}",
            "run it in the project's own folder; for a repository of your own: reconciler init",
        )
    try:
        from reconciler.sandbox.server import RunningSandbox
    except ImportError:
        raise Failure("the sandbox is not installed", "pip install 'reconciler[sandbox]'") from None
    with tempfile.TemporaryDirectory(prefix="reconciler-demo-") as folder, RunningSandbox() as psa:
        os.environ.update(psa.credentials)
        sys.exit(_tour(replace(settings, state=f"sqlite:///{folder}/state.db"), psa, seed))


def _tour(settings: Settings, psa: "RunningSandbox", seed: Path) -> Exit:
    from reconciler.cli.apply import apply_plan_now
    from reconciler.cli.loading import load_mappings
    from reconciler.cli.plan import show_plan
    from reconciler.cli.planning import plan_of

    _step(1, "A ConnectWise sandbox on this machine, seeded", f"sandbox serve; sandbox seed {SEED}")
    counts = psa.seed(seed)
    click.echo(", ".join(f"{number} {name}" for name, number in counts.items() if number) + f" at {psa.url}")

    _step(2, "The mapping is checked", "validate")
    mappings = _towards(load_mappings(settings), psa.url)
    click.echo(f"{settings.file} is valid: {len(mappings.customers)} customers")

    _step(3, "The plan: what would be written, why, and what it bills", "plan --out plan.json")
    plan = plan_of(mappings, settings, None, ())
    show_plan(plan, "text", settings)

    _step(4, "It is applied, each record once", "apply plan.json")
    status = apply_plan_now(settings, mappings, plan)
    if status:
        raise Failure("the demo's plan could not be applied whole", status=Exit(status))

    _step(5, "The same plan again finds nothing to do", "plan --detailed-exitcode")
    again = plan_of(mappings, settings, None, ())
    show_plan(again, "text", settings)
    if again.changes:
        raise Failure("planning again still finds changes: this is a bug")

    _step(6, "The PSA runs its invoices for the month", f"sandbox bill --month {plan.month}")
    invoices = psa.bill(plan.month)
    _show_invoices(invoices)

    _step(7, "They are tied to the distributor's, line by line", None)
    tied = _tied(mappings, plan, invoices)
    _show_tie(tied)
    if not all(subscription.ties for subscription in tied):
        raise Failure("the PSA's invoices do not tie to the distributor's: this is a bug")
    return Exit.DONE


def _step(number: int, what: str, like: str | None) -> None:
    click.echo(f"\n{'─' * 80}\n{number}. {what}")
    if like:
        click.echo(f"   $ reconciler {like}")
    click.echo()


def _towards(mappings: "Mappings", url: str) -> "Mappings":
    """The mapping with its target on the sandbox's own port."""
    targets = {name: replace(target, url=url) for name, target in mappings.targets.items()}
    return replace(mappings, targets=targets)


def _show_invoices(invoices: list[dict[str, Any]]) -> None:
    from reconciler.render.psa_invoices import invoice_lines

    for line in invoice_lines(invoices):
        click.echo(line)


def _tied(mappings: "Mappings", plan: "Plan", invoices: list[dict[str, Any]]) -> "tuple[TiedSubscription, ...]":
    from reconciler.domain.days import Month
    from reconciler.planning.gathered import Request
    from reconciler.planning.making import gather, read_sources
    from reconciler.planning.tying import tie

    request = Request(Month.parse(plan.month), frozenset(), plan.created, plan.version)
    gathered = gather(mappings, read_sources(mappings), request, plan.target)
    return tie(gathered, [_billed(line, plan.month) for invoice in invoices for line in invoice["lines"]])


def _billed(line: dict[str, Any], month: str) -> "Billed":
    from reconciler.domain.tie import Billed

    amount = sum((Decimal(part["amount"]) for part in line["months"] if part["month"] == month), Decimal(0))
    return Billed(line["serialNumber"] or "", line["product"], Decimal(line["quantity"]), amount)


def _show_tie(tied: "tuple[TiedSubscription, ...]") -> None:
    from reconciler.render.tie import tie_lines

    for line in tie_lines(tied):
        click.echo(line)
