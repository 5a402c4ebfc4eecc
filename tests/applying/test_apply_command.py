"""What `apply`, `resume`, `history`, `status` and `state` say and with which status they end."""

import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_world import SEED, Office, wanted

from reconciler.sandbox.server import RunningSandbox
from reconciler.store.schema import VERSION


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def office(sandbox: RunningSandbox, tmp_path: Path) -> Office:
    sandbox.seed(SEED)
    sandbox.faults([])
    return Office(tmp_path, sandbox)


def plan_of(office: Office) -> str:
    return str(office.folder / office.saved_plan())


def joined(told: str) -> str:
    """A text as it was before it was wrapped."""
    return " ".join(told.split())


def digest_of(plan: str) -> str:
    return str(json.loads(Path(plan).read_text(encoding="utf-8"))["digest"])


def test_a_saved_plan_is_applied_told_and_kept(office: Office) -> None:
    plan = plan_of(office)
    applied = office.invoke("apply", plan)
    assert applied.exit_code == 0, applied.output
    assert office.billed() == wanted()
    assert len(re.findall(r"^[+-] psa/.*\s+\S+ \(id \d+\)$", applied.stderr, re.MULTILINE)) == 13
    assert applied.stdout.startswith("Applied: 10 created, 3 ended, 0 failed.\n")
    assert "2026-09: +300.00 AUD" in applied.stdout

    again = office.invoke("apply", plan)
    assert (again.exit_code, again.stdout) == (0, "This plan was applied already. Nothing was written.\n")
    assert office.writes() == 13

    table = office.invoke("history").stdout.splitlines()
    assert [line.split()[0] for line in table] == ["run", "3", "2", "1"]
    assert "No Change" in table[1]
    assert re.search(r"Success +10 created, 3 ended", table[2])
    run = joined(office.invoke("history", "2").stdout)
    assert "Customer 1: Success" in run
    assert re.search(r"PLANNED -> INTENT: create agreement_id 400, .*quantity 3", run)
    assert re.search(r"INTENT -> CONFIRMED: the PSA answered with record \d+", run)
    status = office.invoke("status").stdout
    assert "Last good run: apply 2026-09, No Change" in status
    assert "billed (true-up): 9 lines, 720.00 AUD" in status
    assert "Nothing is left open." in status


def at_a_terminal(office: Office, typed: str) -> tuple[int, str]:
    """The exit status and the question of an apply that is typed to."""
    ours, its = pty.openpty()
    try:
        process = subprocess.Popen(
            office.command("apply"),
            cwd=office.folder,
            env=office.environment,
            stdin=its,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.write(ours, typed.encode())
        _, told = process.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(its)
    return process.returncode, told


def test_without_a_plan_it_plans_asks_and_takes_only_yes(office: Office) -> None:
    status, told = at_a_terminal(office, "y\n")
    assert status == 1
    assert "Apply these 13 changes? Only 'yes' is accepted" in told
    assert office.writes() == 0
    assert at_a_terminal(office, "yes\n")[0] == 0
    assert office.billed() == wanted()


def test_without_a_terminal_it_does_not_ask_but_says_how(office: Office) -> None:
    refused = office.invoke("apply")
    assert refused.exit_code == 1
    assert "--auto-approve" in refused.stderr
    assert office.writes() == 0
    assert office.invoke("apply", "--auto-approve").exit_code == 0
    nothing = office.invoke("apply", "--auto-approve")
    assert nothing.exit_code == 0
    assert "No changes" in nothing.stdout
    assert office.writes() == 13


@pytest.mark.security(7)
def test_only_the_approved_digest_is_applied(office: Office) -> None:
    plan = plan_of(office)
    digest = digest_of(plan)
    for other in ("sha256:" + "0" * 64, "0" * 64, digest[:-1], ""):
        assert office.invoke("apply", plan, "--expect-digest", other).exit_code == 1
    assert office.writes() == 0
    assert office.invoke("apply", plan, "--expect-digest", digest.removeprefix("sha256:")).exit_code == 0
    assert office.invoke("apply", plan, "--expect-digest", digest).exit_code == 0


@pytest.mark.security(7)
def test_a_plan_that_was_edited_is_refused(office: Office) -> None:
    plan = Path(plan_of(office))
    plan.write_text(plan.read_text(encoding="utf-8").replace('"quantity": "3"', '"quantity": "30"'), encoding="utf-8")
    refused = office.invoke("apply", str(plan))
    assert refused.exit_code == 1
    assert "does not match its digest" in refused.stderr
    assert office.writes() == 0


@pytest.mark.security(7, 36)
def test_a_plan_beyond_a_guard_is_refused_unless_allowed(office: Office) -> None:
    text = (office.folder / "mappings.yaml").read_text(encoding="utf-8")
    guarded = text.replace("guards: {max_decrease_percent: 100}", "guards: {max_changes: 2}")
    (office.folder / "mappings.yaml").write_text(guarded, encoding="utf-8")
    office.invoke("plan", "--out", str(office.folder / "plan.json"))
    refused = office.invoke("apply", str(office.folder / "plan.json"))
    assert refused.exit_code == 5, refused.output
    assert "max_changes" in refused.stderr
    assert office.writes() == 0
    assert office.invoke("apply", str(office.folder / "plan.json"), "--allow-beyond-guards").exit_code == 0


@pytest.mark.security(7)
def test_a_stale_plan_names_record_and_field_and_writes_nothing(office: Office) -> None:
    plan = plan_of(office)
    seed = {**SEED, "additions": [{**row, "quantity": 11} for row in SEED["additions"]]}
    office.psa.seed(seed)
    stale = office.invoke("apply", plan)
    assert stale.exit_code == 3
    assert "quantity was 10, is now 11" in stale.stderr
    assert "8000" in stale.stderr
    assert office.writes() == 0
    assert "Error" in office.invoke("history").stdout.splitlines()[1]


def test_what_never_appears_ends_part_way_and_a_new_plan_does_the_rest(office: Office) -> None:
    plan = plan_of(office)
    lost = {"match": {"method": "POST", "path": "/agreements/400/additions$"}, "times": 99, "kind": "drop-request"}
    office.psa.faults([lost])
    stopped = office.invoke("apply", plan)
    assert stopped.exit_code == 6, stopped.output
    assert "failed: it was sent 3 times and never appeared" in stopped.stderr
    assert "of the same subscription was not done" in joined(stopped.stderr)
    assert "what to do: it will be in the next plan, once that is mended\n  psa/Customer 0/" in stopped.stderr
    assert "2 failed, 2 left" in stopped.stdout
    office.psa.faults([])
    status = office.invoke("status").stdout
    assert "open; finish them with" in status
    resumed = office.invoke("resume")
    told = (stopped.output, status, resumed.output, office.invoke("history", "2").stdout)
    assert [line for text in told for line in text.splitlines() if len(line) > 80] == []
    assert resumed.exit_code == 6
    assert "make a new plan" in resumed.stderr
    assert office.invoke("apply", "--auto-approve").exit_code == 0
    assert office.billed() == wanted()
    assert "Nothing to resume" in office.invoke("resume").stdout


def test_a_psa_out_of_reach_is_one_sentence_and_no_write(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    mapping = office.folder / "mappings.yaml"
    mapping.write_text(mapping.read_text(encoding="utf-8").replace(office.psa.url, "${PSA_URL}"), "utf-8")
    monkeypatch.setenv("PSA_URL", office.psa.url)
    plan = plan_of(office)
    monkeypatch.setenv("PSA_URL", "http://127.0.0.1:9")
    failed = office.invoke("apply", plan)
    assert failed.exit_code == 1
    assert "error:" in failed.stderr
    assert "Traceback" not in failed.output
    assert "Error" in office.invoke("history").stdout.splitlines()[1]


def test_a_saved_plan_has_its_own_month_and_customers(office: Office) -> None:
    plan = plan_of(office)
    assert office.invoke("apply", plan, "--month", "2026-09").exit_code == 2
    assert office.invoke("apply", plan, "--customer", "Customer 1").exit_code == 2


def test_one_customer_can_be_planned_and_applied(office: Office) -> None:
    applied = office.invoke("apply", "--auto-approve", "--month", "2026-09", "--customer", "Customer 1")
    assert applied.exit_code == 0, applied.output
    assert {row[0][:8] for row in office.billed() if row[1] != "2026-08-01"} == {"aaaa0002"}


def test_everything_in_the_state_comes_out_as_json_lines(office: Office) -> None:
    assert office.invoke("state", "export").stdout == ""
    office.invoke("apply", plan_of(office))
    rows = [json.loads(line) for line in office.invoke("state", "export").stdout.splitlines()]
    counts = {name: sum(row["table"] == name for row in rows) for name in {row["table"] for row in rows}}
    assert counts["op"] == 13
    assert counts["plan_run"] == 1
    assert counts["run"] == 2
    assert f"schema {VERSION}" in office.invoke("state", "migrate").stdout


def test_before_the_first_run_there_is_nothing_to_tell_and_no_state_is_made(office: Office) -> None:
    assert office.invoke("history").stdout == "No runs yet.\n"
    assert office.invoke("status").stdout == "No runs yet.\n"
    assert office.invoke("resume").exit_code == 0
    assert office.invoke("state", "unlock", "x").exit_code == 1
    # The log of what `resume` did is no state.
    assert [path.name for path in (office.folder / ".reconciler").iterdir()] == ["logs"]


@pytest.mark.security(3)
def test_no_credential_reaches_state_or_output(office: Office) -> None:
    applied = office.invoke("apply", plan_of(office))
    secret = office.psa.credentials["CONNECTWISE_PRIVATE_KEY"]
    kept = b"".join(file.read_bytes() for file in (office.folder / ".reconciler").rglob("*") if file.is_file())
    # The sandbox's key is an ordinary word, so it is looked for as a value of its own.
    assert f'"{secret}"'.encode() not in kept
    assert "Authorization" not in applied.output
    assert b"Basic " not in kept
