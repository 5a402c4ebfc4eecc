"""Asks a target, by its type, what can be told of it without credentials.

A new PSA is added to `_PROBES`, as to the table of `opening`; without an entry it is only told by opening it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import httpx

from reconciler.domain.check_list import Check
from reconciler.domain.mapping import TargetSettings
from reconciler.targets.budget import Clock, SystemClock
from reconciler.targets.connectwise import probing as connectwise

_Reach = Callable[[TargetSettings, Clock, httpx.AsyncBaseTransport | None], Awaitable[tuple[Check, ...]]]


@dataclass(frozen=True, slots=True)
class _Probe:
    """How a type of PSA is reached, and its menu paths by the codes of findings."""

    reach: _Reach
    menus: Mapping[str, str]


_PROBES = {"connectwise": _Probe(connectwise.reach, connectwise.MENUS)}


async def reach(settings: TargetSettings) -> tuple[Check, ...]:
    """Whether the PSA is there and knows the account. Sends no credentials, and raises nothing for what is not so."""
    probe = _PROBES.get(settings.type)
    return await probe.reach(settings, SystemClock(), None) if probe else ()


def menus(settings: TargetSettings) -> Mapping[str, str]:
    """Where in the PSA a person puts right what a finding names, by its code (inferred from public descriptions)."""
    probe = _PROBES.get(settings.type)
    return probe.menus if probe else {}
