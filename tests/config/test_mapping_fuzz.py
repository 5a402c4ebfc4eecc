"""Whatever a mapping file holds, loading it ends soon, with findings and never with an exception."""

import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mapping_texts import VALID, loaded, told

from reconciler.render.findings import finding_json, github_line, sarif

PIECES = [
    "\n", "  ", ": ", "- ", "[", "]", "{", "}", "&a ", "*a", "!!str ", "|", ">", "'", '"', "#", "\t", "---\n", "...\n",
    "${X}", "${", "<<: ", "? ", "%", "@", "\x00", "\u2028", "\ufeff", "null", "~", "true", "0x1f", "1e999",
    "9" * 400, "é", "𝕏", "\r", "include: ['*']\n", "customers:\n", "private_key: x\n", "\\", ",", "version: 2\n",
]  # fmt: skip
# A megabyte takes a second or two; what grows faster than its file takes minutes.
ENOUGH_SECONDS = 6.0


def mutated(seed: int) -> str:
    """The valid file with a few pieces put in, cut out, doubled or exchanged."""
    chance = random.Random(seed)  # noqa: S311 -- the same files each time
    text = VALID
    for _ in range(chance.randint(1, 6)):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice((0, 1, 2, 5, 40, 300)))
        piece = chance.choice((*PIECES, text[start:end] * 2, ""))
        text = text[:start] + piece + text[end:]
    return text


def check(folder: Path, content: str | bytes) -> None:
    began = time.process_time()
    result = loaded(folder, content, {"X": "x"})
    text = told(result, folder)
    for finding in result.findings:
        github_line(finding)
        finding_json(finding)
    sarif(result.findings, "1")
    assert time.process_time() - began < ENOUGH_SECONDS
    assert (result.mappings is None) == any(finding.blocks for finding in result.findings)
    assert text.isprintable() or all(line.isprintable() for line in text.split("\n"))


@pytest.mark.security(14)
@pytest.mark.parametrize("block", range(20))
def test_a_mutated_file_gives_findings_and_no_exception(block: int, tmp_path: Path) -> None:
    for seed in range(block * 40, block * 40 + 40):
        check(tmp_path, mutated(seed))


@pytest.mark.security(14)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_findings_and_no_exception(tmp_path: Path, content: bytes) -> None:
    check(tmp_path, content)


@pytest.mark.security(14)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(PIECES + VALID.split(" ")), max_size=30))
def test_any_pieces_of_yaml_give_findings_and_no_exception(tmp_path: Path, pieces: list[str]) -> None:
    check(tmp_path, "version: 1\n" + "".join(pieces))


def many(line: str, count: int) -> str:
    """A line many times, with its number where it says #."""
    return "".join(line.replace("#", str(number)) for number in range(count))


LARGE = {
    "one line of letters": "a" * 1_000_000,
    "one line of spaces": " " * 1_000_000,
    "one line of words": "a " * 500_000,
    "one line of keys that name secrets": "token: " * 140_000,
    "lines that name secrets": VALID.replace("programs:\n", many("    token#: x\n", 20_000) + "programs:\n"),
    "secrets within secrets": "targets: {psa: " + "{token: " * 30 + "x" + "}" * 31 + "\n",
    "a long secret, many times": "a: &a |\n"
    + many("  x#\n", 100_000)
    + "targets: {psa: {"
    + many("token#: *a, ", 5_000)
    + "}}\n",
    "tabs": "\ta\n" * 300_000,
    "tabs behind text": "a\t" * 400_000,
    "a number of a million digits": VALID.replace("max_changes: 500", "max_changes: " + "9" * 1_000_000),
    "quotes": "'" * 1_000_000,
    "colons": ":" * 1_000_000,
    "references": "version: " + "${A:-" * 200_000,
    "dollars": "version: " + "$" * 1_000_000,
    "unknown keys": "version: 1\n" + many("key#: x\n", 20_000),
    "unknown customers": VALID + many("  - {name: r, price: cost, when: {customer: Contoso#}}\n", 5_000),
    "anchors": many("k#: &a# x\n", 20_000),
    "comments": "# private_key: x\n" * 60_000,
}


@pytest.mark.security(12, 15, 36)
@pytest.mark.parametrize("name", LARGE)
def test_a_large_file_without_sense_is_refused_in_time(name: str, tmp_path: Path) -> None:
    check(tmp_path, LARGE[name])
