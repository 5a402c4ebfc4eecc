"""Reads a PSA's credentials from the environment, when it is about to be opened and not before."""

from collections.abc import Mapping

from reconciler.domain.finding import Finding, Severity
from reconciler.domain.mapping import TargetSettings
from reconciler.domain.secret import Secret


def credentials(settings: TargetSettings, environ: Mapping[str, str]) -> tuple[dict[str, Secret], tuple[Finding, ...]]:
    """The credentials of a target by their field (`client_id` …), and an error for each variable that is not set, or
    empty. Where there is an error, the credentials are not complete.
    """
    secrets = {field: Secret(environ[name]) for field, name in settings.credentials.items() if environ.get(name)}
    missing = {field: name for field, name in settings.credentials.items() if field not in secrets}
    findings = tuple(
        Finding(
            Severity.ERROR,
            "credential",
            f"the environment variable {name}, the {field} of target '{settings.name}', is not set",
            where=settings.place,
            hint=f"set {name}, from the secret store of your pipeline or shell; never write it into a file",
        )
        for field, name in sorted(missing.items())
    )
    return secrets, findings
