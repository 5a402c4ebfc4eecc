"""The server as a process of its own: its greeting, its files, its end; and the thread that leaves nothing behind."""

import gc
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.sandbox import control_client
from reconciler.sandbox.control_client import SandboxError
from reconciler.sandbox.server import RunningSandbox, accepted_credentials, serve

SERVE = """
import sys
from pathlib import Path
from reconciler.sandbox.server import serve
serve(0, *(Path(name) if name else None for name in sys.argv[1:]))
"""


@contextmanager
def served(data: Path, seed: Path | str = "", faults: Path | str = "") -> Iterator[tuple[str, str]]:
    """A server process; gives its greeting and its address."""
    command = [sys.executable, "-c", SERVE, str(data), str(seed), str(faults)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        greeting = ""
        while not (found := re.search(r"^serving on (\S+)$", greeting, re.MULTILINE)):
            line = process.stdout.readline()
            assert line, greeting
            greeting += line
        try:
            yield greeting, found[1]
        finally:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        assert (out, err, process.returncode) == ("", "", 0)


def test_a_server_prints_the_credentials_it_accepts(tmp_path: Path) -> None:
    with served(tmp_path / "psa.db") as (greeting, url):
        assert re.findall(r"^(\w+)=(\w+)$", greeting, re.MULTILINE) == [
            ("CONNECTWISE_COMPANY", "training"),
            ("CONNECTWISE_CLIENT_ID", "sandbox"),
            ("CONNECTWISE_PUBLIC_KEY", "sandbox"),
            ("CONNECTWISE_PRIVATE_KEY", "sandbox"),
        ]
        assert url.startswith("http://127.0.0.1:")


def test_a_seed_is_put_in_once_and_the_options_hold_afterwards(tmp_path: Path) -> None:
    seed, faults, data = tmp_path / "seed.yaml", tmp_path / "options.yaml", tmp_path / "psa.db"
    seed.write_text("companies: [{identifier: A}]\n")
    faults.write_text("switches: {rounding: unit}\nfaults: [{match: GET /catalog, kind: 429}]\n")
    with served(data, seed, faults) as (_, url):
        assert control_client.get(url, "faults")[0]["kind"] == "429"
        assert control_client.get(url, "state")["switches"]["rounding"] == "unit"
        control_client.seed_text(url, "companies: [{identifier: B}]", "other")
        assert control_client.get(url, "state")["switches"]["rounding"] == "unit"
    with served(data, seed) as (_, url):
        assert [row["identifier"] for row in control_client.get(url, "state")["companies"]] == ["B"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[{kind: nonsense}]", r"options.yaml: faults\[0\].kind: 'nonsense' is none of"),
        ("{fault: []}", "options.yaml: fault: unknown key"),
        ("{switches: {rounding: up}}", "options.yaml: switches: rounding is one of"),
        ("[}", "options.yaml:1: not valid YAML"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "options.yaml"
    file.write_text(text)
    with pytest.raises(SandboxError, match=message):
        serve(0, faults=file)


def test_a_port_in_use_and_an_unknown_psa_are_refused(tmp_path: Path) -> None:
    with RunningSandbox() as running, pytest.raises(SandboxError, match=r"cannot be used: .*; choose another one"):
        serve(int(running.url.rpartition(":")[2]))
    with pytest.raises(SandboxError, match="there is no sandbox for 'other'"):
        serve(0, psa="other")
    with pytest.raises(SandboxError, match=r"none.yaml: cannot be read"):
        serve(0, seed=tmp_path / "none.yaml")


def test_the_built_in_credentials_are_known_without_a_server() -> None:
    assert accepted_credentials()["CONNECTWISE_PRIVATE_KEY"] == "sandbox"
    with RunningSandbox() as psa:
        assert psa.credentials == accepted_credentials()


def test_a_running_sandbox_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    with RunningSandbox() as psa:
        assert threading.active_count() == before + 1
        psa.state()
    assert threading.active_count() == before


def test_a_server_that_ends_lets_go_of_a_slow_request_and_of_a_client_that_does_not_read() -> None:
    with RunningSandbox() as psa:
        psa.seed({"companies": [{"identifier": f"C{n}", "name": "x" * 40} for n in range(900)]})
        psa.faults([{"match": {"method": "GET", "path": "/system/info"}, "kind": "slow", "seconds": 600}])
        host, port = psa.url.removeprefix("http://").split(":")
        answers = [socket.create_connection((host, int(port))) for _ in range(2)]
        answers[0].sendall(b"GET /v4_6_release/apis/3.0/system/info HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(40):
            answers[1].sendall(b"GET /sandbox/state HTTP/1.1\r\nHost: x\r\n\r\n")
        while not control_client.get(psa.url, "faults")[0]["seen"]:
            pass
    with answers[0] as slow, answers[1]:
        assert slow.recv(1) == b""
    gc.collect()
