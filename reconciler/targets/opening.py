"""Opens the target that a mapping declares, by its type. A new PSA is added to `_OPENERS`, and nowhere else."""

from collections.abc import Awaitable, Callable, Mapping

import httpx

from reconciler.domain.mapping import TargetSettings
from reconciler.domain.secret import Secret
from reconciler.targets.base import Target, TargetError
from reconciler.targets.budget import Clock, SystemClock
from reconciler.targets.connectwise.opening import open_connectwise

Credentials = Mapping[str, Secret | str]
_Opener = Callable[[TargetSettings, Mapping[str, str], Clock, httpx.AsyncBaseTransport | None], Awaitable[Target]]

_OPENERS: dict[str, _Opener] = {"connectwise": open_connectwise}


async def open_target(
    settings: TargetSettings,
    credentials: Credentials,
    *,
    clock: Clock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Target:
    """The target, reached and ready; `close` it after use. `credentials` are by the names that its settings use.

    `clock` and `transport` are the machine's own unless given. Raises TargetError for a type that there is none for,
    for settings or credentials that cannot be right, and where the PSA cannot be reached.
    """
    opener = _OPENERS.get(settings.type)
    if opener is None:
        known = ", ".join(sorted(_OPENERS))
        raise TargetError(
            f"{settings.place}: target {settings.name} is of type '{settings.type}'", f"known are: {known}"
        )
    values = {name: value.reveal() if isinstance(value, Secret) else value for name, value in credentials.items()}
    return await opener(settings, values, clock or SystemClock(), transport)
