"""`python -m bench [NAME…] [--small]`: measures, prints the table, and ends with 1 where a goal is missed."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from bench import (
    applying,
    backtesting,
    journal_cost,
    noop_plan,
    octodns_plan,
    plan_documents,
    planning,
    reading,
    sandbox_requests,
    starting,
    terraform_plan,
    validating,
    whole_command,
)
from bench.alone import Failed
from bench.table import Row, heading, table


class Benchmark(Protocol):
    """A measurement: `small` runs it on so little data that only whether it works can be told."""

    def __call__(self, *, small: bool) -> list[Row]:
        """The rows of the table."""
        ...


BENCHMARKS: dict[str, Benchmark] = {
    "starting": starting.run,
    "validating": validating.run,
    "planning": planning.run,
    "reading": reading.run,
    "noop-plan": noop_plan.run,
    "command": whole_command.run,
    "backtesting": backtesting.run,
    "sandbox": sandbox_requests.run,
    "applying": applying.run,
    "journal": journal_cost.run,
    "plan-documents": plan_documents.run,
    "terraform": terraform_plan.run,
    "octodns": octodns_plan.run,
    "million": planning.run_million,
}


def main(arguments: Sequence[str] | None = None, benchmarks: Mapping[str, Benchmark] = BENCHMARKS) -> int:
    """Runs the named benchmarks (none: all) and prints the table.

    0: every goal is met; 1: one is missed; 2: something could not be measured (the rest is printed all the same).
    """
    parser = argparse.ArgumentParser("python -m bench", description="Measures on generated data, beside alternatives.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(benchmarks)} (default: all)")
    parser.add_argument("--small", action="store_true", help="a moment's run on little data; goals are not judged")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(benchmarks):
        parser.error(f"there is no benchmark {min(unknown)}; there are {', '.join(benchmarks)}")
    print(heading(datetime.now(UTC).date()))
    rows: list[Row] = []
    failed = False
    for name in dict.fromkeys(options.names) or benchmarks:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            rows += benchmarks[name](small=options.small)
        except Failed as failure:
            print(f"{name} could not be measured: {failure}", file=sys.stderr)
            failed = True
    print(f"\n{table(rows)}")
    return 2 if failed else int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
