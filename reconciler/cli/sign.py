"""`reconciler sign`: a person's or a pipeline's approval of a saved plan, written into its file."""

import os
from pathlib import Path

import click

from reconciler.cli.context import Failure, Settings


@click.command(short_help="Approves a saved plan with a signing key.")
@click.argument("plan_file", metavar="PLAN", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", metavar="NAME", help="The key's name in the mapping.  [default: the target's first]")
@click.option("--expect-digest", metavar="SHA256", help="Signs no plan but the one with this digest.")
@click.pass_obj
def command(settings: Settings, plan_file: Path, key: str | None, expect_digest: str | None) -> None:
    """Signs a plan with one of the target's keys, in place; its digest stays as it is.

    Keys stand in the mapping under the target's approval, as references to environment variables. Whoever holds one
    approves plans: keep it from whoever only makes them.

    \b
    Examples:
      reconciler sign plans/2026-09.plan.json
      reconciler sign plans/2026-09.plan.json --key ci-2026 --expect-digest sha256:5f0c...
    """
    from reconciler.cli.applying import target_of
    from reconciler.cli.files import replace_text
    from reconciler.cli.loading import load_mappings
    from reconciler.cli.show import load_plan
    from reconciler.planning.approving import NotApproved, signed, signing_keys
    from reconciler.planning.plan_file import same_digest, write_plan
    from reconciler.render.safe_text import safe

    _, plan = load_plan(plan_file)
    if expect_digest is not None and not same_digest(expect_digest, plan.digest):
        raise Failure(
            f"this is not the plan that was approved: its digest is {plan.digest}; it was not signed",
            "sign the plan that was reviewed",
        )
    target = target_of(load_mappings(settings), plan.target)
    names = list(target.approval.signing_keys)
    name = key or next(iter(names), None)
    if name is None or name not in names:
        known = (
            f"it has: {', '.join(names)}" if names else "add approval: signing_keys: {NAME: ${VARIABLE}} to the target"
        )
        raise Failure(f"target '{target.name}' has no signing key{f' {safe(key)}' if key else ''}", known)
    try:
        keys = signing_keys(target, os.environ, [name])
    except NotApproved as error:
        raise Failure(str(error), error.hint) from None
    if not keys:
        variable = target.approval.signing_keys[name]
        raise Failure(f"the signing key '{name}' is not at hand: {variable} is not set", f"set {variable}")
    try:
        replace_text(plan_file, write_plan(signed(plan, target, keys[0])))
    except OSError as error:
        raise Failure(f"{plan_file} cannot be written: {error.strerror}") from None
    click.echo(f"signed with {name}: {plan.digest}")
