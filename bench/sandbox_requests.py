"""How much processor time the sandbox takes for a request: reading additions, creating one, changing one.

The server is a process of its own. What it took for many requests of a kind is what it took from its start to its end,
less what one takes that is asked nothing: so the figure holds on a busy machine too, and tells how many requests
a second one core can answer.
"""

import http.client
import json
import resource
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

from bench.alone import Failed
from bench.generate import sizes_of_customers, tenants
from bench.generate_psa import TARGET, mappings, sandbox_seed
from bench.noop_plan import NAMES, seed_text, serving
from bench.table import Row
from reconciler.targets.connectwise.client import ACCEPT, Keys

LEAST_A_SECOND = 500
_AGREEMENTS, _REQUESTS, _RUNS = 100, 2_000, 3
_SMALL_AGREEMENTS, _SMALL_REQUESTS, _SMALL_RUNS = 5, 20, 1
_FIRST_AGREEMENT = 1001
_PATH = "/v4_6_release/apis/3.0/finance/agreements"
Ask = Callable[[str, str, Any], Any]


def run(*, small: bool) -> list[Row]:
    """A row for each kind of request. The kinds take turns, each with a server of its own."""
    agreements, requests, turns = (
        (_SMALL_AGREEMENTS, _SMALL_REQUESTS, _SMALL_RUNS) if small else (_AGREEMENTS, _REQUESTS, _RUNS)
    )
    held = tuple(tenants(sizes_of_customers(agreements), changed=Decimal(0)))
    kinds = {"reading an agreement's additions": _read, "creating an addition": _create, "changing one": _change}
    used: dict[str, list[float]] = {name: [] for name in kinds}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        seed = Path(folder) / "seed.yaml"
        seed.write_text(seed_text(sandbox_seed(held)), encoding="utf-8")
        company = mappings(held).targets[TARGET].company
        for _ in range(turns):
            idle = _processor_time(seed, company, _asks_nothing, agreements, 0)
            for name, kind in kinds.items():
                busy = _processor_time(seed, company, kind, agreements, requests)
                used[name].append((busy - idle) / requests)
    return [_row(name, times, requests, small) for name, times in used.items()]


def _row(name: str, times: list[float], requests: int, small: bool) -> Row:
    ours = max(median(times), 1e-6)
    return Row(
        f"sandbox, {name}: processor time of the server",
        f"{ours * 1000:.2f} ms",
        f"{1000 / LEAST_A_SECOND:.2f} ms ({LEAST_A_SECOND} a second)",
        ours * LEAST_A_SECOND,
        f"≥ {LEAST_A_SECOND} /s",
        None if small else ours * LEAST_A_SECOND <= 1,
        f"median of {len(times)} runs of {requests:,} requests, {min(times) * 1000:.2f} to {max(times) * 1000:.2f} ms; "
        f"{1 / ours:,.0f} a second on one core",
    )


def _processor_time(
    seed: Path, company: str, kind: Callable[[Ask, int, int], None], agreements: int, requests: int
) -> float:
    """The processor time of a server from its start to its end, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with serving(seed) as (url, announced):
        credentials = {name: announced[variable] for name, variable in NAMES.items()}
        headers = {"Accept": ACCEPT, "Content-Type": "application/json", **Keys(**credentials).headers(company)}
        connection = http.client.HTTPConnection(url.removeprefix("http://"))

        def ask(method: str, path: str, body: Any) -> Any:
            connection.request(method, _PATH + path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status not in (200, 201):
                raise Failed(f"{method} {path} was answered with {answer.status}: {text[:200]!r}")
            return json.loads(text)

        kind(ask, agreements, requests)
        connection.close()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _asks_nothing(ask: Ask, agreements: int, requests: int) -> None:
    """What the other kinds are measured against."""


def _read(ask: Ask, agreements: int, requests: int) -> None:
    for number in range(requests):
        ask("GET", f"/{_FIRST_AGREEMENT + number % agreements}/additions?pageSize=1000", None)


def _create(ask: Ask, agreements: int, requests: int) -> None:
    for number in range(requests):
        body = {
            "product": {"id": 102},
            "quantity": 3,
            "unitPrice": 20,
            "unitCost": 16,
            "billCustomer": "Billable",
            "effectiveDate": "2026-09-12T00:00:00Z",
            "serialNumber": f"bench-{number}",
        }
        ask("POST", f"/{_FIRST_AGREEMENT + number % agreements}/additions", body)


def _change(ask: Ask, agreements: int, requests: int) -> None:
    of_agreement = {
        agreement: ask("GET", f"/{agreement}/additions?pageSize=1", None)[0]["id"]
        for agreement in range(_FIRST_AGREEMENT, _FIRST_AGREEMENT + agreements)
    }
    for number in range(requests):
        agreement = _FIRST_AGREEMENT + number % agreements
        body = [{"op": "replace", "path": "invoiceDescription", "value": f"{number} seats"}]
        ask("PATCH", f"/{agreement}/additions/{of_agreement[agreement]}", body)
