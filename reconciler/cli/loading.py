"""What commands that work on a mapping share: loading it, and opening its target."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from reconciler.cli.context import Failure, Settings, show_findings
from reconciler.cli.logs import step

if TYPE_CHECKING:
    from reconciler.domain.mapping import Mappings, TargetSettings
    from reconciler.targets.base import Target


def load_mappings(settings: Settings) -> "Mappings":
    """The mapping, with its warnings shown. Raises Failure, its findings shown, where it has errors."""
    from reconciler.config.loading import load

    loaded = load(settings.file, os.environ)
    show_findings(loaded.findings, settings)
    if loaded.mappings is None:
        errors = sum(finding.blocks for finding in loaded.findings)
        raise Failure(
            f"{settings.file} has {errors} error{'s' if errors != 1 else ''}", "check it with: reconciler validate"
        )
    step(
        "mapping loaded",
        programs=len(loaded.mappings.programs),
        customers=len(loaded.mappings.customers),
        digest=loaded.mappings.sha256,
    )
    return loaded.mappings


@asynccontextmanager
async def opened_target(target: "TargetSettings", settings: Settings) -> AsyncIterator["Target"]:
    """The target, open; closed at the end. Raises Failure without credentials, TargetError where it is out of reach."""
    from reconciler.config.credentials import credentials
    from reconciler.targets.opening import open_target

    secrets, findings = credentials(target, os.environ)
    if findings:
        show_findings(findings, settings)
        raise Failure(
            f"the credentials of target '{target.name}' are not complete: {len(findings)} of "
            f"{len(target.credentials)} variables are not set",
            "set every variable named above, then run this command again; `reconciler doctor` tests them",
        )
    opened = await open_target(target, secrets)
    step("PSA opened")
    try:
        yield opened
    finally:
        await opened.close()
