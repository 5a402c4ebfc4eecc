"""The log of a run: steps and requests, for its owner alone, one object a line, without secrets."""

import base64
import json
import logging
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import stamina
from real_world import SEED, Office

from reconciler.cli import logs
from reconciler.cli.context import Settings
from reconciler.cli.crash import report_bug
from reconciler.sandbox.server import RunningSandbox

HOSTILE = 'Contoso\r\n{"event": "forged"}\x1b[2J\u2028\u202e" level=error \\'


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def office(sandbox: RunningSandbox, tmp_path: Path) -> Office:
    sandbox.seed(SEED)
    sandbox.faults([])
    return Office(tmp_path, sandbox)


def settings(folder: Path, verbose: int = 0, form: str = "text") -> Settings:
    return Settings(folder / "mappings.yaml", "", True, form, verbose)


def files(folder: Path) -> list[Path]:
    return sorted((folder / ".reconciler" / "logs").glob("*.jsonl"))


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n")[:-1]]


def test_every_request_of_an_apply_is_told_with_run_operation_and_duration(office: Office) -> None:
    plan = str(office.folder / office.saved_plan())
    before = set(files(office.folder))
    assert office.invoke("apply", plan).exit_code == 0
    (file,) = set(files(office.folder)) - before
    told = lines(file)
    assert {line["run"] for line in told} == {file.stem}
    assert [told[0]["event"], told[-1]["event"], told[-1]["exit"]] == ["command begins", "command ends", 0]
    requests = [line for line in told if line["event"] == "request"]
    writes = [line for line in requests if line["method"] != "GET"]
    assert len(writes) == office.writes() == 13
    for line in requests:
        assert line["operation"]
        assert re.fullmatch(r"/[\w/.+-]+", line["path"]), "a path without a query"
        assert isinstance(line["milliseconds"], int)
        assert line["status"] in (200, 201)
    addresses = {line["operation"].partition(" ")[2] for line in writes}
    settled = {line["operation"] for line in told if line["event"] == "change settled"}
    assert addresses == settled
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_v_shows_steps_and_requests(office: Office) -> None:
    shown = office.invoke("plan", "-v").stderr
    assert "plan made  " in shown
    assert re.search(r"^[\d:.]{12} request  operation=observe method=GET path=/\S+ status=200", shown, re.MULTILINE)
    assert "command begins" not in office.invoke("plan").stderr


def test_json_on_standard_error_is_what_the_file_has(office: Office) -> None:
    shown = office.invoke("--log-format", "json", "-v", "plan").stderr
    (file,) = files(office.folder)
    assert [line for line in shown.splitlines() if line.startswith("{")] == file.read_text("utf-8").splitlines()


@pytest.mark.security(3, 4)
def test_no_credential_is_in_any_log(office: Office) -> None:
    names = dict(office.psa.credentials)
    shown = office.invoke("-v", "plan").stderr + office.invoke("-v", "--log-format", "json", "reconcile").stderr
    found = shown + "".join(file.read_text(encoding="utf-8") for file in files(office.folder))
    pair = f"training+{names['CONNECTWISE_PUBLIC_KEY']}:{names['CONNECTWISE_PRIVATE_KEY']}"
    forms = {pair, quote(pair, safe=""), base64.b64encode(pair.encode()).decode(), json.dumps(pair)[1:-1], "Basic "}
    assert len(found) > 2_000
    assert [form for form in forms if form in found] == []
    assert "authorization" not in found.lower()
    assert "clientid" not in found.lower()


@pytest.mark.security(28)
def test_a_hostile_name_stays_one_value_on_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.start(settings(tmp_path, verbose=1), "plan")
    logs.step("change settled", operation=HOSTILE, said=HOSTILE)
    logs.step("PSA opened")
    logs.close()
    (file,) = files(tmp_path)
    assert len(file.read_bytes().splitlines()) == 2
    assert len(file.read_text(encoding="utf-8").splitlines()) == 2
    first, second = lines(file)
    assert first["event"] == "change settled"
    assert first["operation"] == first["said"] == HOSTILE
    assert second["event"] == "PSA opened"
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) == 2
    assert "\x1b" not in shown
    assert not re.search(r"^\{", shown, re.MULTILINE)


@pytest.mark.security(4, 28)
def test_only_known_fields_and_headers_are_written(tmp_path: Path) -> None:
    logs.start(settings(tmp_path), "plan")
    headers = {"Retry-After": "3", "Authorization": "Basic canary", "clientId": "canary"}
    logging.getLogger("reconciler.http").debug("request", extra={"headers": headers, "body": "canary", "path": "/x"})
    logs.close()
    (file,) = files(tmp_path)
    assert "canary" not in file.read_text(encoding="utf-8")
    assert lines(file)[0]["headers"] == {"retry-after": "3", "authorization": "***", "clientid": "***"}


def test_the_newest_logs_stay_and_nothing_else_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "KEPT_RUNS", 3)
    folder = tmp_path / ".reconciler" / "logs"
    folder.mkdir(parents=True)
    for number in range(5):
        (folder / f"2026010{number + 1}T000000Z-00000000.jsonl").write_text("{}\n", encoding="utf-8")
    (folder / "mine.jsonl").write_text("{}\n", encoding="utf-8")
    logs.start(settings(tmp_path), "plan")
    logs.step("PSA opened")
    logs.close()
    names = [file.name for file in files(tmp_path)]
    assert len(names) == 4
    assert names[:2] == ["20260104T000000Z-00000000.jsonl", "20260105T000000Z-00000000.jsonl"]
    assert names[-1] == "mine.jsonl"


def test_a_log_that_cannot_be_written_is_told_once_and_fails_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".reconciler").write_text("in the way", encoding="utf-8")
    logs.start(settings(tmp_path), "plan")
    logs.step("PSA opened")
    logs.step("PSA opened")
    logs.close()
    assert capsys.readouterr().err.count("warning: the log of this run cannot be written") == 1


def test_a_bug_is_told_with_its_error_id_in_the_log_and_the_log_in_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    logs.start(settings(tmp_path), "plan")
    logs.step("PSA opened")
    said = report_bug(RuntimeError("canary"))
    (file,) = files(tmp_path)
    assert str(file) in said
    last = lines(file)[-1]
    assert (last["event"], last["level"], last["kind"]) == ("bug", "error", "RuntimeError")
    assert f"error id {last['error_id']}" in said
    assert "canary" not in file.read_text(encoding="utf-8")


def test_a_command_that_only_reads_the_state_leaves_no_log(office: Office) -> None:
    assert office.invoke("history").exit_code == 0
    assert not os.path.lexists(office.folder / ".reconciler")


READ_AGAIN = "a read of the PSA failed (the server answered 500); it is tried again\n"


@pytest.mark.parametrize(("words", "told_so"), [((), True), (("-v",), False)])
def test_who_waits_for_a_read_that_is_tried_again_is_told_once(
    office: Office, words: tuple[str, ...], told_so: bool
) -> None:
    office.psa.faults([{"match": {"method": "GET"}, "times": 3, "kind": "500-before"}])
    with stamina.set_testing(True, attempts=5):
        done = office.invoke("plan", *words)
    assert done.exit_code == 0
    assert done.stderr.count(READ_AGAIN) == told_so
    # The log has it, and with -v so has standard error, as a line of the log.
    assert done.stderr.count("read is tried again (warning)") == (0 if told_so else 1)
    said = [line["said"] for line in lines(files(office.folder)[-1]) if line["event"] == "read is tried again"]
    assert said == ["the server answered 500"]
