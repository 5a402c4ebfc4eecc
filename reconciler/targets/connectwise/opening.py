"""Reaching a ConnectWise: settings and credentials are checked, and the address of its API is asked for."""

import re
from collections.abc import Mapping

import httpx

from reconciler.domain.mapping import TargetSettings
from reconciler.targets.base import TargetError
from reconciler.targets.budget import Clock, RequestBudget
from reconciler.targets.connectwise.client import Client, Keys, basic_pair, discovered
from reconciler.targets.connectwise.site import site_of
from reconciler.targets.connectwise.target import ConnectWise
from reconciler.targets.http import HttpClient
from reconciler.targets.redaction import Redactor

_NAMES = ("client_id", "public_key", "private_key")
# What a header can carry unchanged.
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


async def open_connectwise(
    settings: TargetSettings,
    credentials: Mapping[str, str],
    clock: Clock,
    transport: httpx.AsyncBaseTransport | None,
) -> ConnectWise:
    """A ConnectWise whose API was found. Raises TargetError."""
    keys = _keys(settings, credentials)
    site = site_of(settings.url, settings.company, settings.credentials)
    limits = settings.limits
    http = HttpClient(
        RequestBudget(limits.requests_per_minute, limits.concurrency, clock),
        Redactor((keys.public_key, keys.private_key, keys.client_id, basic_pair(keys, site.company))),
        transport=transport,
    )
    try:
        return ConnectWise(Client(http, site, keys, await discovered(http, site)))
    except BaseException:
        await http.close()
        raise


def _keys(settings: TargetSettings, credentials: Mapping[str, str]) -> Keys:
    values = [_usable(settings, name, credentials.get(name, "")) for name in _NAMES]
    return Keys(*values)


def _usable(settings: TargetSettings, name: str, value: str) -> str:
    """The value of a credential, where a header can carry it; messages name where it comes from, never the value."""
    source = settings.credentials.get(name)
    named = f"{name} of target {settings.name}" + (f" (from {source})" if source else "")
    if not value:
        raise TargetError(
            f"{settings.place}: {named} is not set", "set the environment variable that the mapping names"
        )
    if not _PRINTABLE.fullmatch(value):
        raise TargetError(f"{settings.place}: {named} holds spaces or other characters that no header can carry")
    return value
