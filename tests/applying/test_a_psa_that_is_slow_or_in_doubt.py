"""The promises about requests, over real HTTP: the brake, a 429 with and without its header, one budget for all."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from real_world import SEED, Office, wanted

from reconciler.sandbox.server import RunningSandbox

ADDITIONS = {"method": "POST", "path": "/additions$"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def office(sandbox: RunningSandbox, tmp_path: Path) -> Office:
    sandbox.seed(SEED)
    sandbox.faults([])
    return Office(tmp_path, sandbox)


def test_after_five_doubtful_sends_nothing_more_is_sent_and_resume_does_the_rest(office: Office) -> None:
    plan = str(office.folder / office.saved_plan())
    office.psa.faults([{"match": ADDITIONS, "times": 99, "kind": "drop-request"}])
    stopped = office.invoke("apply", plan)
    sent = [request for request in office.psa.requests() if request["method"] == "POST"]
    additions = [request for request in sent if request["path"].endswith("/additions")]
    assert stopped.exit_code == 6, stopped.output
    assert len(additions) <= 5 + 3, "five in a row, and what the other agreements had under way"
    said = " ".join(stopped.stderr.split())
    assert "the PSA gave no clear answer 5 times in a row" in said
    assert "run: reconciler resume" in said
    office.psa.faults([])
    office.invoke("resume")
    office.invoke("apply", "--auto-approve")
    assert office.billed() == wanted()


@pytest.mark.parametrize("kind", ["429", "429-no-retry-after"])
def test_a_write_that_came_too_early_is_sent_again_and_never_twice(office: Office, kind: str) -> None:
    plan = str(office.folder / office.saved_plan())
    office.psa.faults([{"match": ADDITIONS, "nth": 2, "kind": kind, "seconds": 1}])
    applied = office.invoke("apply", plan)
    assert applied.exit_code == 0, applied.output
    assert office.billed() == wanted()
    assert office.writes() == 13 + 1
    assert "no clear answer" not in applied.stderr


@pytest.mark.parametrize(("allowed", "seen"), [(1, 1), (4, 3)])
def test_all_agreements_together_share_the_places_of_their_target(office: Office, allowed: int, seen: int) -> None:
    mapping = office.folder / "mappings.yaml"
    text = mapping.read_text(encoding="utf-8").replace("concurrency: 4", f"concurrency: {allowed}")
    mapping.write_text(text, encoding="utf-8")
    office.psa.faults([{"match": ADDITIONS, "times": 99, "kind": "slow", "seconds": 0.2}])
    assert office.invoke("apply", "--auto-approve").exit_code == 0
    (log,) = (office.folder / ".reconciler" / "logs").glob("*.jsonl")
    told = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    sent = [line for line in told if line.get("method") == "POST" and line["path"].endswith("/additions")]
    ends = [datetime.fromisoformat(line["at"]) for line in sent]
    spans = [(end - timedelta(milliseconds=line["milliseconds"]), end) for line, end in zip(sent, ends, strict=True)]
    # A request is under way in its middle; the times are rounded to a millisecond.
    under_way = [sum(begun <= end - (end - start) / 2 <= ended for begun, ended in spans) for start, end in spans]
    assert len(sent) == 9
    assert max(under_way) == seen
