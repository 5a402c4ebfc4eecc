"""`reconciler doctor`: is everything in place for a plan? Looks at source and PSA, and writes nothing anywhere."""

import os
import sys
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from reconciler import __version__
from reconciler.cli.context import Exit, Settings
from reconciler.cli.planning import MONTH

if TYPE_CHECKING:
    from reconciler.domain.check_list import Check
    from reconciler.domain.days import Month
    from reconciler.domain.mapping import TargetSettings
    from reconciler.domain.secret import Secret
    from reconciler.planning.gathered import Gathered


@click.command(short_help="Tests credentials and every precondition of a plan.")
@click.option("--month", type=MONTH, help="The usage month, as 2026-09.  [default: the newest of the documents]")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(settings: Settings, month: "Month | None", form: str) -> None:
    """Tests the credentials and every precondition of a plan, in the source and in the PSA, and says what to do.

    Goes on after a failure with everything that can still be looked at, and says what could not be. Reads only. Exits 1
    when a check failed; warnings leave it at 0.

    \b
    Example:
      reconciler doctor --month 2026-09
    """
    from reconciler.cli.running import finished
    from reconciler.domain.check_list import any_failed

    shown, checks = finished(_examined(settings, month, datetime.now(UTC).date()))
    _show(shown, checks, form, settings)
    if any_failed(checks):
        raise SystemExit(Exit.ERROR)


def _show(month: str, checks: "list[Check]", form: str, settings: Settings) -> None:
    from reconciler.cli.show import page_width
    from reconciler.domain.canonical import readable
    from reconciler.render.doctor import check_json, check_lines, counts

    if form == "json":
        document = {"month": month, "checks": [check_json(check) for check in checks], "summary": counts(checks)}
        click.echo(readable(document), nl=False)
        return
    for line in check_lines(checks, month, width=page_width(), colour=settings.colour(sys.stdout.isatty())):
        click.echo(line)


async def _examined(settings: Settings, asked: "Month | None", today: date) -> "tuple[str, list[Check]]":
    """The month that was looked at (`an unknown month` where the mapping tells nothing), and every check."""
    from reconciler.config.loading import load
    from reconciler.domain.check_list import Check, Group, Standing
    from reconciler.planning.doctoring import availability_checks, mapping_checks, month_checked
    from reconciler.planning.doctoring_sources import source_checks
    from reconciler.planning.gathered import Request
    from reconciler.planning.making import gather, read_sources

    loaded = load(settings.file, os.environ)
    checks = mapping_checks(str(settings.file), loaded.findings, loaded.mappings)
    if loaded.mappings is None:
        why = "the mapping has errors"
        groups = [group for group in Group if group is not Group.MAPPING]
        skipped = [Check(group, "", group.value, Standing.SKIPPED, f"not looked at: {why}") for group in groups]
        return str(asked or "an unknown month"), [*checks, *skipped]
    mappings = loaded.mappings
    documents = read_sources(mappings)
    month = month_checked(documents, asked, today)
    for name in sorted({program.target for program in mappings.programs.values()}):
        gathered = gather(mappings, documents, Request(month, frozenset(), str(today), __version__), name)
        checks += [*availability_checks(gathered), *source_checks(gathered), *await _of_target(gathered)]
    return str(month), checks


async def _of_target(gathered: "Gathered") -> "list[Check]":
    from reconciler.domain.check_list import any_failed
    from reconciler.planning.doctoring import unlooked, with_menus
    from reconciler.targets.probing import menus, reach

    settings = gathered.mappings.targets[gathered.target]
    reached = list(await reach(settings))
    credentials, secrets = _credentials(settings)
    if any_failed(reached):
        checks = [*reached, *credentials, *unlooked(gathered, "the PSA's address or company is not right")]
    elif any_failed(credentials):
        checks = [*reached, *credentials, *unlooked(gathered, "the credentials are not complete")]
    else:
        checks = [*reached, *credentials, *await _of_records(gathered, settings, secrets)]
    return with_menus(checks, menus(settings))


def _credentials(settings: "TargetSettings") -> "tuple[list[Check], dict[str, Secret]]":
    """Whether each credential that the mapping names is set; and those that are."""
    from reconciler.config.credentials import credentials
    from reconciler.domain.check_list import Check, Group, Standing, check_of

    secrets, findings = credentials(settings, os.environ)
    if findings:
        return [check_of(finding, Group.PSA, settings.name, "credentials") for finding in findings], secrets
    names = ", ".join(sorted(settings.credentials.values()))
    return [Check(Group.PSA, settings.name, "credentials", Standing.OK, f"the credentials are set: {names}")], secrets


async def _of_records(gathered: "Gathered", settings: "TargetSettings", secrets: "dict[str, Secret]") -> "list[Check]":
    from reconciler.domain.check_list import Check, Group, Standing
    from reconciler.planning.doctoring import record_checks, unlooked
    from reconciler.targets.base import TargetError
    from reconciler.targets.opening import open_target

    try:
        target = await open_target(settings, secrets)
    except TargetError as error:
        failed = Check(Group.PSA, settings.name, "credentials", Standing.FAIL, str(error), hint=error.hint)
        return [failed, *unlooked(gathered, "the PSA cannot be opened")]
    try:
        return await record_checks(gathered, target)
    finally:
        await target.close()
