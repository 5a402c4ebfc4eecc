"""How long `terraform plan` takes over as many resources that do nothing, beside a plan of as many subscriptions.

Terraform's time is that of its process: it reads a state file and a configuration, a resource for each record, and
compares them, with nothing asked of any service. Ours is the pure part of a plan, the inputs in memory. Both grow with
the number of records, so the figure is the time for each.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench.alone import Failed, alone
from bench.figures import seconds
from bench.table import Row

_RUNS_OF = {1_000: 3, 10_000: 1}
_SMALL_RUNS_OF = {100: 1}
_CHANGED_ONE_IN = 20
_KINDS = {"nothing changed": "measure_unchanged", "5 % changed": "measure"}
# Nothing of the machine's own set-up, and no question about newer versions.
_ENVIRONMENT = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull, "TF_IN_AUTOMATION": "1"}


def run(*, small: bool) -> list[Row]:
    """A row for each number of records and each share of them that changed; none where terraform is missing."""
    terraform = shutil.which("terraform")
    if terraform is None:
        print("terraform is not installed here, so nothing is compared to it", file=sys.stderr)
        return []
    runs_of = _SMALL_RUNS_OF if small else _RUNS_OF
    return [_row(count, kind, runs, terraform) for count, runs in runs_of.items() for kind in _KINDS]


def _row(count: int, kind: str, runs: int, terraform: str) -> Row:
    measured = [alone(f"bench.planning:{_KINDS[kind]}", count)["seconds"] for _ in range(runs)]
    theirs = _terraform_plan(count, kind, runs, terraform)
    ours = median(measured)
    return Row(
        f"planning each of {count:,} records, {kind}",
        f"{ours / count * 1e6:.0f} µs",
        f"{median(theirs) / count * 1e6:.0f} µs (terraform plan)",
        ours / median(theirs),
        "none",
        None,
        f"median of {runs}: {seconds(ours)} for all, and {seconds(median(theirs))} for terraform's process",
    )


def _terraform_plan(count: int, kind: str, runs: int, terraform: str) -> list[float]:
    """The seconds of each run. Raises Failed where the plan is not what the state and the configuration say."""
    changed = count // _CHANGED_ONE_IN if kind != "nothing changed" else 0
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        (folder / "main.tf.json").write_text(json.dumps(_configuration(count)), encoding="utf-8")
        (folder / "terraform.tfstate").write_text(json.dumps(_state(count, changed)), encoding="utf-8")
        _run(folder, [terraform, "init", "-input=false"], 0)
        command = [terraform, "plan", "-input=false", "-detailed-exitcode", "-no-color"]
        times = []
        for _ in range(runs):
            started = time.perf_counter()
            told = _run(folder, command, 2 * bool(changed))
            times.append(time.perf_counter() - started)
            if changed and f"0 to add, {changed} to change, 0 to destroy" not in told:
                raise Failed(f"terraform's plan does not change {changed} records")
    return times


def _configuration(count: int) -> dict[str, Any]:
    """A resource for each record, as people write them: with one of so large a `count`, terraform takes far longer."""
    return {"resource": {"terraform_data": {f"record_{number}": {"input": number} for number in range(count)}}}


def _state(count: int, changed: int) -> dict[str, Any]:
    """What terraform would have written down after applying so many records, of which the first ones held another value
    then.
    """
    resources = [
        {
            "mode": "managed",
            "type": "terraform_data",
            "name": f"record_{number}",
            "provider": 'provider["terraform.io/builtin/terraform"]',
            "instances": [
                {
                    "schema_version": 0,
                    "attributes": {
                        "id": f"00000000-0000-4000-8000-{number:012}",
                        "input": {"value": -1 if number < changed else number, "type": "number"},
                        "output": {"value": -1 if number < changed else number, "type": "number"},
                        "triggers_replace": None,
                    },
                    "sensitive_attributes": [],
                }
            ],
        }
        for number in range(count)
    ]
    return {"version": 4, "serial": 1, "lineage": "bench", "outputs": {}, "resources": resources}


def _run(folder: Path, command: list[str], status: int) -> str:
    done = subprocess.run(
        command, cwd=folder, env=_ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != status:
        raise Failed(f"{' '.join(command[:2])} ended with {done.returncode}: {done.stderr.strip()[-200:]}")
    return done.stdout
