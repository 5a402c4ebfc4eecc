"""Malformed YAML, CSV and answers of a PSA: findings or a sentence, never a traceback, and no more memory than allowed.

A failure names its seed; RECONCILER_FUZZ_SEED=N tries that one alone.
"""

import contextlib
import os
import random
import resource
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from torture_figures import Tally

from reconciler.cli.init_texts import INVOICE, MAPPINGS
from reconciler.config.loading import load
from reconciler.domain.finding import Finding
from reconciler.sources.content import decode
from reconciler.sources.file_parts import read_content
from reconciler.targets.base import TargetError
from reconciler.targets.connectwise.records import Record, addition_of, product_of
from reconciler.targets.exact_json import parsed

# Small sizes, and those of a release: files of YAML, rows of CSV, bodies of answers.
YAML_FILES, CSV_ROWS, BODIES = (150, 100_000), (10_000, 1_000_000), (2_000, 50_000)
ROWS_A_FILE = 100
MEGABYTES_MORE = 200
SECONDS_AT_MOST = 20
FIGURES = {
    "YAML_files": "F8 R12 malformed YAML",
    "CSV_rows": "F9 R12 malformed CSV",
    "bodies": "F10 R12 malformed answers of a PSA",
}
NASTY = [
    "\n", "  ", ": ", "- ", "[", "]", "{", "}", "&a ", "*a", "!!str ", "!!timestamp x", "!!int ''", "|", ">", "'", '"',
    "#", "\t", "---\n", "${X}", "<<: ", "\x00", "\u2028", "\ufeff", "null", "NaN", "Infinity", "1e999", "-1e-999",
    "9" * 400, "0x" + "f" * 400, "\r", "\\", ",", ";", "=1+1", "\ud7ff", "[" * 300, "{" * 300, "\x1b[2J",
]  # fmt: skip
HEADER = (
    "invoice,issued,period.from,period.to,currency,kind,customer.tenant,line,motion,subscription,sku,description,charge,"
    "quantity,from,to,unit_cost,unit_price,amount,term,billing\n"
)
ROW = (
    "INV-1,2026-10-01,2026-09-01,2026-09-30,AUD,invoice,t-1,1,seat-monthly,s-1,CFQ7TTC0LH18:0001,Basic,cycle,"
    "13,2026-09-01,2026-09-30,16.00,20.00,208.00,P1M,monthly\n"
)
BODY = (
    '[{"id": 8801, "product": {"id": 4120, "identifier": "M365-BB"}, "quantity": 10.00, "unitPrice": 20.0001, '
    '"unitCost": 16, "effectiveDate": "2026-08-01T00:00:00Z", "cancelledDate": null, "billCustomer": "Billable", '
    '"serialNumber": "s-1", "description": "x", "identifier": "M365-BB", "price": 20, "cost": 16, "vendorSku": "S"}]'
)


def spoiled(text: str, chance: random.Random) -> str:
    """The text with a few pieces put in, cut out, doubled or exchanged."""
    for _ in range(chance.randint(1, 6)):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice((0, 1, 2, 5, 40, 300)))
        text = text[:start] + chance.choice((*NASTY, text[start:end] * 2, "")) + text[end:]
    return text


def tried(
    request: pytest.FixtureRequest,
    sizes: tuple[int, int],
    one: Callable[[random.Random], None],
    what: str,
    each: int = 1,
) -> None:
    """Tries as many seeds as the size says; a failure names its seed. The memory grows by a bounded amount, and no seed
    takes more than a bounded time of the processor's: a hang is a failure.
    """
    alone = os.environ.get("RECONCILER_FUZZ_SEED")
    count = sizes[bool(request.config.getoption("--release-size", default=False))]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in [int(alone)] if alone else range(count):
        started = time.process_time()
        try:
            one(random.Random(seed))
            assert time.process_time() - started < SECONDS_AT_MOST
        except Exception as error:
            again = f"RECONCILER_FUZZ_SEED={seed} python -m pytest {shlex.quote(request.node.nodeid)}"
            raise AssertionError(f"to run this seed again: {again}") from error
    Tally(request.node.user_properties).count(FIGURES[what], **{what: (1 if alone else count) * each})
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert more < MEGABYTES_MORE, f"{more:.0f} MB more"


@pytest.mark.security(14, 15)
def test_malformed_yaml_ends_in_findings(request: pytest.FixtureRequest, quick_folder: Path) -> None:
    file = quick_folder / "mappings.yaml"

    def one(chance: random.Random) -> None:
        file.write_bytes(spoiled(MAPPINGS, chance).encode("utf-8", "surrogatepass"))
        loaded = load(file, {"X": "x"})
        assert (loaded.mappings is None) == any(finding.blocks for finding in loaded.findings)

    tried(request, YAML_FILES, one, "YAML_files")


@pytest.mark.security(15, 36)
def test_malformed_rows_end_in_findings(request: pytest.FixtureRequest) -> None:
    def one(chance: random.Random) -> None:
        text = HEADER + "".join(spoiled(ROW, chance) for _ in range(ROWS_A_FILE))
        read(text if chance.random() < 0.9 else spoiled(INVOICE, chance))

    tried(request, (CSV_ROWS[0] // ROWS_A_FILE, CSV_ROWS[1] // ROWS_A_FILE), one, "CSV_rows", ROWS_A_FILE)


def read(text: str) -> None:
    content = decode(text.encode("utf-8", "surrogatepass"), "a.csv")
    if not isinstance(content, Finding):
        read_content(content, "distributor", "auto")


@pytest.mark.security(16, 36)
def test_malformed_answers_end_in_a_sentence(request: pytest.FixtureRequest) -> None:
    def one(chance: random.Random) -> None:
        try:
            body = parsed(spoiled(BODY, chance).encode("utf-8", "surrogatepass"))
        except ValueError:
            return
        for members in records(body):
            for made in (lambda record: addition_of(record, "55"), product_of):
                # What it says is a sentence; any other exception fails the test with its seed.
                with contextlib.suppress(TargetError):
                    made(Record("addition 1", members))

    tried(request, BODIES, one, "bodies")


def records(body: object) -> Iterator[dict[str, object]]:
    yield from (each for each in (body if isinstance(body, list) else [body]) if isinstance(each, dict))
