"""`reconciler diff`: what changed between two saved plans, the reviewed one and the one made later."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from reconciler.cli.context import Exit, Settings
from reconciler.cli.show import load_plan, page_width

_PLAN = click.Path(exists=True, dir_okay=False, path_type=Path)
_Members = Mapping[str, Any]


@click.command(name="diff", short_help="What changed between two saved plans.")
@click.argument("old_file", metavar="OLD", type=_PLAN)
@click.argument("new_file", metavar="NEW", type=_PLAN)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--detailed-exitcode", is_flag=True, help="Exits 2 when the plans differ, 0 when they say the same.")
@click.pass_obj
def command(settings: Settings, old_file: Path, new_file: Path, form: str, detailed_exitcode: bool) -> None:
    """Compares two saved plans: the writes by address, what each agreement is billed, and the findings.

    When a plan was made, and what it saw of the PSA, is no difference.

    \b
    Example:
      reconciler diff reviewed.plan.json plans/2026-09.plan.json
    """
    from reconciler.render.plan_diff import SAME, diff_lines

    (old_text, old), (new_text, new) = load_plan(old_file), load_plan(new_file)
    lines = list(diff_lines(old, new, width=page_width(), colour=settings.colour(sys.stdout.isatty())))
    same = lines == [SAME]
    if form == "json":
        from reconciler.domain.canonical import readable

        click.echo(readable(difference(json.loads(old_text), json.loads(new_text), same=same)), nl=False)
    else:
        click.echo("\n".join(lines))
    if detailed_exitcode and not same:
        raise SystemExit(Exit.CHANGES)


def difference(old: _Members, new: _Members, *, same: bool) -> dict[str, Any]:
    """The difference of two plan files' members: `added` and `removed` changes as the plan file writes them, and for
    each `changed` address the members that differ, by path, old and new; the bills and findings likewise.

    A member that is on one side only is null on the other.
    """
    changes = _sides(old["changes"], new["changes"], ("address",))
    bills = _sides(old["impact"], new["impact"], ("agreement", "month"))
    return {
        "same": same,
        "old": _identity(old),
        "new": _identity(new),
        **changes,
        "impact": bills,
        "findings": {
            "added": [finding for finding in new["findings"] if finding not in old["findings"]],
            "removed": [finding for finding in old["findings"] if finding not in new["findings"]],
        },
        "refused_by": {"old": old["refused_by"], "new": new["refused_by"]},
    }


def _identity(plan: _Members) -> dict[str, Any]:
    return {name: plan[name] for name in ("month", "target", "created", "digest")}


def _sides(old: Iterable[_Members], new: Iterable[_Members], key: tuple[str, ...]) -> dict[str, list[Any]]:
    before, after = ({tuple(one[name] for name in key): one for one in side} for side in (old, new))
    return {
        "added": [after[one] for one in after if one not in before],
        "removed": [before[one] for one in before if one not in after],
        "changed": [
            {**dict(zip(key, one, strict=True)), "fields": dict(_fields(before[one], after[one]))}
            for one in before
            if one in after and before[one] != after[one]
        ],
    }


def _fields(old: object, new: object, path: str = "") -> Iterator[tuple[str, dict[str, object]]]:
    """The members that differ, down to single values; lists are compared whole."""
    if old == new:
        return
    if not isinstance(old, dict) or not isinstance(new, dict):
        yield path, {"old": old, "new": new}
        return
    for name in dict.fromkeys([*old, *new]):
        yield from _fields(old.get(name), new.get(name), f"{path}.{name}" if path else name)
