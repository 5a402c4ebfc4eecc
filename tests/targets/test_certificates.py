"""Servers with real certificates on loopback: who is let in, and who is not, whatever the machine is told.

`tls/` holds an authority's certificate, whose key is thrown away, and keys with certificates that it signed for
127.0.0.1 until 2126: one that is `right`, one for another name, and one that expired in 2021. They are good for nothing
else.
"""

import asyncio
import ssl
from pathlib import Path

import pytest
from sandbox_target import InstantClock
from scripted_psa import ScriptedPsa, reply

from reconciler.targets.base import NotSent, TargetError
from reconciler.targets.budget import RequestBudget
from reconciler.targets.http import Answer, HttpClient, Request
from reconciler.targets.redaction import Redactor
from reconciler.targets.trust import AUTHORITY_FILE, trusted

FILES = Path(__file__).with_name("tls")
AUTHORITY = FILES / "authority.pem"


def server(certificate: str, newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED) -> ScriptedPsa:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FILES / certificate)
    context.maximum_version = newest
    return ScriptedPsa(lambda _: reply(200, b"[]"), tls=context)


def spoken(method: str, url: str) -> Answer:
    async def speak() -> Answer:
        client = HttpClient(RequestBudget(1000, 4, InstantClock()), Redactor([]))
        request = Request(method, f"{url}/things", "/things", {}, None if method == "GET" else b"{}")
        try:
            return await (client.read(request) if method == "GET" else client.write(request))
        finally:
            await client.close()

    return asyncio.run(speak())


@pytest.mark.security(23)
def test_an_authority_that_the_environment_names_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(AUTHORITY_FILE, str(AUTHORITY))
    with server("right.pem") as psa:
        assert spoken("GET", psa.url).body == b"[]"
        assert spoken("POST", psa.url).status == 200


@pytest.mark.security(23)
@pytest.mark.parametrize(
    ("certificate", "known", "said"),
    [
        ("right.pem", False, "unable to get local issuer certificate"),
        ("expired.pem", True, "certificate has expired"),
        ("other-host.pem", True, "IP address mismatch"),
    ],
    ids=["unknown authority", "expired", "another host's"],
)
def test_a_certificate_that_is_not_good_is_refused_before_anything_is_sent(
    certificate: str, known: bool, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if known:
        monkeypatch.setenv(AUTHORITY_FILE, str(AUTHORITY))
    with server(certificate) as psa:
        with pytest.raises(TargetError, match=said) as read:
            spoken("GET", psa.url)
        assert "certificate is not to be trusted" in str(read.value)
        assert AUTHORITY_FILE in str(read.value.hint)
        with pytest.raises(NotSent, match=said):
            spoken("POST", psa.url)
        assert psa.requests == []


@pytest.mark.security(23)
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_no_variable_of_other_programs_lets_a_server_in(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, str(AUTHORITY))
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    with server("right.pem") as psa, pytest.raises(TargetError, match="unable to get local issuer certificate"):
        spoken("GET", psa.url)


@pytest.mark.security(23)
def test_every_way_to_a_server_checks_its_certificate_and_its_name() -> None:
    for environment in ({}, {AUTHORITY_FILE: str(AUTHORITY)}):
        context = trusted(environment)
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    # One's own authority is added; the known ones stay.
    assert len(trusted({AUTHORITY_FILE: str(AUTHORITY)}).get_ca_certs()) == len(trusted({}).get_ca_certs()) + 1


@pytest.mark.parametrize("content", [None, "", "no certificate"], ids=["missing", "empty", "something else"])
def test_an_authority_file_without_one_is_a_sentence(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(TargetError, match="in which no authority can be read") as caught:
        trusted({AUTHORITY_FILE: str(file)})
    assert str(file) in str(caught.value)
    assert "PEM" in str(caught.value.hint)
