"""`plan --as-of`: a past run's plan again, from what was kept of it, without the files, the PSA or its credentials."""

import base64
import json
import shutil
import stat
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from real_world import SEED, Office
from sqlalchemy import select

from reconciler.cli.main import main
from reconciler.sandbox.server import RunningSandbox
from reconciler.store import schema
from reconciler.store.database import read_store
from reconciler.store.packing import unpacked, unpacked_text


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def office(sandbox: RunningSandbox, tmp_path: Path) -> Office:
    sandbox.seed(SEED)
    sandbox.faults([])
    return Office(tmp_path, sandbox)


def offline(office: Office, *words: str) -> Result:
    """The command on a machine that has the state alone: no files, no PSA, no credentials."""
    elsewhere = office.folder / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    shutil.copyfile(office.folder / ".reconciler" / "state.db", elsewhere / "state.db")
    url = f"sqlite:///{elsewhere / 'state.db'}"
    return CliRunner().invoke(main, ["-f", str(elsewhere / "none.yaml"), "--state", url, *words])


def plan_of(office: Office) -> str:
    return str(office.folder / office.saved_plan())


def plan_text(office: Office) -> str:
    planned = office.invoke("plan", "--format", "json")
    return planned.stdout


def test_the_plan_of_a_past_run_comes_out_byte_for_byte(office: Office) -> None:
    (office.folder / "decisions").mkdir()
    verdict = (
        "version: 1\nverdicts:\n  - {month: 2026-09, customer: Customer 0, agreement: Microsoft CSP,\n"
        "     verdict: reconciled, reason: looked at, by: sam}\n"
    )
    (office.folder / "decisions" / "2026-09.yaml").write_text(verdict, encoding="utf-8")
    first = plan_text(office)
    applied = office.invoke("apply", plan_of(office))
    assert applied.exit_code == 0, applied.output
    after = plan_text(office)
    assert json.loads(after)["changes"] == []
    (office.folder / "invoices" / "0.yaml").write_text("not an invoice any more", encoding="utf-8")
    requests = len(office.psa.requests())

    again = offline(office, "plan", "--as-of", "1", "--format", "json")
    assert again.exit_code == 0, again.output
    assert again.stdout == first
    assert "It is the same plan" in again.stderr
    assert "apply refuses it as stale" in again.stderr
    # The third run is the apply of the second one's plan; the fourth planned upon what it left, and knew that it had.
    assert (
        offline(office, "plan", "--as-of", "3", "--format", "json").stdout
        == offline(office, "plan", "--as-of", "2", "--format", "json").stdout
    )
    assert offline(office, "plan", "--as-of", "4", "--format", "json").stdout == after
    assert len(office.psa.requests()) == requests


def test_what_was_changed_by_hand_after_an_apply_is_drift_in_the_replay_too(office: Office) -> None:
    office.invoke("apply", plan_of(office))
    record = next(row for row in office.psa.state()["additions"] if "cancelledDate" not in row)
    edit(office, record, 7)
    drifted = plan_text(office)
    assert "drift: PSA 7 ≠ last applied 13" in drifted
    # What was applied later is not what the journal knew then.
    office.invoke("apply", plan_of(office))
    assert offline(office, "plan", "--as-of", "3", "--format", "json").stdout == drifted


def edit(office: Office, record: dict[str, Any], quantity: int) -> None:
    """A person's edit in the PSA."""
    keys = base64.b64encode(b"training+sandbox:sandbox").decode()
    request = urllib.request.Request(
        f"{office.psa.url}/v4_6_release/apis/3.0/finance/agreements/{record['agreementId']}/additions/{record['id']}",
        data=json.dumps([{"op": "replace", "path": "quantity", "value": quantity}]).encode(),
        method="PATCH",
        headers={"Authorization": f"Basic {keys}", "clientId": "sandbox", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def test_another_result_of_the_same_inputs_is_said(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    plan_text(office)
    monkeypatch.setattr("reconciler.planning.seats._ADOPTED", None)
    monkeypatch.setattr("reconciler.planning.changes._description", lambda draft, name: f"{name} in other words")
    again = offline(office, "plan", "--as-of", "1")
    assert again.exit_code == 0
    assert "warning: it is not the same plan" in again.stderr


def test_a_replay_keeps_nothing_and_cannot_be_saved_as_a_plan(office: Office) -> None:
    plan_text(office)
    before = (office.folder / ".reconciler" / "state.db").read_bytes()
    assert office.invoke("plan", "--as-of", "1").exit_code == 0
    assert (office.folder / ".reconciler" / "state.db").read_bytes() == before
    refused = office.invoke("plan", "--as-of", "1", "--out", str(office.folder / "old.json"))
    assert refused.exit_code == 2
    assert "to be read, not to be applied" in refused.stderr
    assert not (office.folder / "old.json").exists()


def test_a_run_that_is_not_there_or_not_kept_is_a_sentence(office: Office) -> None:
    nothing = office.invoke("plan", "--as-of", "1")
    assert nothing.exit_code == 1
    assert "there is no state database" in nothing.stderr
    office.saved_plan()
    assert "there is no run 9" in office.invoke("plan", "--as-of", "9").stderr
    (office.folder / "mappings.yaml").write_text("", encoding="utf-8")
    store = read_store(f"sqlite:///{office.folder / '.reconciler' / 'state.db'}")
    assert store is not None
    with store.writing() as connection:
        connection.execute(schema.kept_run.delete())
    store.close()
    assert "what run 1 rested on is not kept" in office.invoke("plan", "--as-of", "1").stderr


@pytest.mark.security(3)
def test_neither_secrets_nor_what_variables_stand_for_are_kept(office: Office) -> None:
    mapping = office.folder / "mappings.yaml"
    text = mapping.read_text(encoding="utf-8").replace("company: training", "company: ${PSA_COMPANY:-training}")
    mapping.write_text(text, encoding="utf-8")
    plan_text(office)
    store = read_store(f"sqlite:///{office.folder / '.reconciler' / 'state.db'}")
    assert store is not None
    with store.reading() as connection:
        content = [unpacked(row.packed) for row in connection.execute(select(schema.kept_bundle))]
        content += [unpacked_text(row.packed).encode() for row in connection.execute(select(schema.kept_text))]
        content += [row.request_json.encode() for row in connection.execute(select(schema.kept_run))]
    store.close()
    together = b"\n".join(content)
    assert b"${PSA_COMPANY:-training}" in together
    assert b"${CONNECTWISE_PRIVATE_KEY}" in together
    secret = office.psa.credentials["CONNECTWISE_PRIVATE_KEY"]
    assert secret.encode() not in together


def test_a_state_that_cannot_be_written_warns_and_fails_no_plan(office: Office) -> None:
    office.invoke("plan")
    state = office.folder / ".reconciler" / "state.db"
    store = read_store(f"sqlite:///{state}")
    assert store is not None
    with store.writing() as connection:
        connection.exec_driver_sql("DROP TABLE kept_run")
    store.close()
    planned = office.invoke("plan", "--month", "2026-09")
    assert planned.exit_code == 0, planned.output
    assert "warning: what run 2 rested on is not kept" in planned.stderr
    assert "--as-of" in planned.stderr
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
