"""How long octoDNS takes to find that nothing changed in a zone of ten thousand records, beside as many subscriptions.

Both have everything in memory: the desired zone is made of records, and the provider hands out others that are equal.
"""

import importlib
import logging
import sys
import time
from importlib.util import find_spec
from statistics import median
from typing import Any

from bench.alone import Failed, alone
from bench.figures import seconds
from bench.table import Row

_COUNT, _RUNS = 10_000, 3
_SMALL_COUNT, _SMALL_RUNS = 100, 1


def run(*, small: bool) -> list[Row]:
    """The row of a plan without changes; none where octoDNS is missing."""
    if not find_spec("octodns"):
        print("octoDNS is not installed here, so nothing is compared to it (make bench does)", file=sys.stderr)
        return []
    count, runs = (_SMALL_COUNT, _SMALL_RUNS) if small else (_COUNT, _RUNS)
    ours = median(alone("bench.planning:measure_unchanged", count)["seconds"] for _ in range(runs))
    theirs = median(alone("bench.octodns_plan:measure", count)["seconds"] for _ in range(runs))
    return [
        Row(
            f"planning each of {count:,} records, nothing changed, beside octoDNS",
            f"{ours / count * 1e6:.0f} µs",
            f"{theirs / count * 1e6:.0f} µs (octoDNS plan)",
            ours / theirs,
            "none",
            None,
            f"median of {runs}: {seconds(ours)} for all, and {seconds(theirs)} for octoDNS",
        )
    ]


def measure(count: int) -> dict[str, Any]:
    """The seconds of one plan of octoDNS. Raises Failed where it finds a change."""
    # An extra: `make bench` brings it, and the tests that run every benchmark do without.
    base, record, zones = map(importlib.import_module, ("octodns.provider.base", "octodns.record", "octodns.zone"))

    def add_records(zone: Any) -> None:
        for number in range(count):
            value = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            zone.add_record(record.Record.new(zone, f"host-{number}", {"type": "A", "ttl": 300, "value": value}))

    held = zones.Zone("example.com.", [])
    add_records(held)

    class Provider(base.BaseProvider):  # type: ignore[misc, name-defined]  # known only once it is imported
        """Holds the zone's records in memory."""

        SUPPORTS = frozenset({"A"})
        SUPPORTS_GEO = False
        log = logging.getLogger("bench.octodns_plan")

        def populate(self, zone: Any, target: bool = False, lenient: bool = False) -> bool:
            for each in held.records:
                zone.add_record(each, lenient=lenient)
            return True

    desired = zones.Zone("example.com.", [])
    add_records(desired)
    provider = Provider("held")
    started = time.perf_counter()
    plan = provider.plan(desired)
    took = time.perf_counter() - started
    if plan is not None:
        raise Failed(f"octoDNS found {len(plan.changes)} changes where there are none")
    return {"seconds": took}
