"""Where a ConnectWise is: what is taken for an address, and what discovery may make of it."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sandbox_target import asked, settings
from scripted_psa import Asked, ScriptedPsa, reply

from reconciler.domain.records import AgreementRef, Wanted
from reconciler.targets.base import TargetError
from reconciler.targets.connectwise.site import codebase_of, site_of
from reconciler.targets.opening import open_target

NOTHING = Wanted(frozenset(), frozenset())
SOMETHING = Wanted(frozenset({AgreementRef(id="55")}), frozenset())


@pytest.mark.security(23, 25)
@pytest.mark.parametrize(
    "url",
    [
        "http://api-na.myconnectwise.net",
        "http://192.168.1.9",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://[2001:db8::1]",
        "https://user:password@api-na.myconnectwise.net",
        "https://api-na.myconnectwise.net@evil.example",
        "https://api-na.myconnectwise.net/v4_6_release/apis/3.0",
        "https://api-na.myconnectwise.net?x=1",
        "https://api-na.myconnectwise.net#x",
        "https://аpi-na.myconnectwise.net",
        "https://",
        "ftp://api-na.myconnectwise.net",
        "api-na.myconnectwise.net",
        "https://[::1",
        "https://host:99999",
        "https://ho st",
        "",
    ],
)
def test_what_is_no_https_address_of_a_host_is_refused_with_the_right_form(url: str) -> None:
    with pytest.raises(TargetError) as caught:
        site_of(url, "training", {})
    assert "https://api-na.myconnectwise.net" in (caught.value.hint or "")
    assert "password" not in str(caught.value).replace("a name or a password", "")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api-na.myconnectwise.net", "https://api-na.myconnectwise.net"),
        ("https://psa.example.com:8443/", "https://psa.example.com:8443"),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("http://localhost:8765", "http://localhost:8765"),
        ("http://[::1]:8765", "http://[::1]:8765"),
    ],
)
def test_an_address_is_taken_and_plain_http_on_loopback_alone(url: str, origin: str) -> None:
    assert site_of(url, "training", {}).origin == origin


@pytest.mark.parametrize("company", ["", "a b", "a:b", "a+b", "a\nb", "\x00"])
def test_a_company_id_that_would_change_the_credentials_is_refused(company: str) -> None:
    with pytest.raises(TargetError, match="not a ConnectWise company id"):
        site_of("https://psa.example.com", company, {})


def test_a_company_id_is_one_segment_of_the_discovery_path() -> None:
    assert (
        site_of("https://psa.example.com", "a/../b?c#d", {}).discovery_path == "/login/companyinfo/a%2F..%2Fb%3Fc%23d"
    )


@pytest.mark.parametrize("host", ["na", "eu", "au", "aus", "za"])
def test_the_cloud_host_for_people_is_answered_with_the_one_for_programs(host: str) -> None:
    site = site_of(f"https://{host}.myconnectwise.net", "training", {"public_key": "CW_PUBLIC"})
    assert f"https://api-{host}.myconnectwise.net" in site.hint
    assert "CW_PUBLIC" in site.hint
    assert "host is" not in site_of(f"https://api-{host}.myconnectwise.net", "training", {}).hint


SITE = site_of("https://api-na.myconnectwise.net", "training", {})


@pytest.mark.security(25)
@pytest.mark.parametrize(
    "codebase",
    [
        "http://169.254.169.254/",
        "//evil.example/",
        "@evil.example/",
        ":80@evil.example/",
        "../../",
        "..",
        "v1/../x/",
        "v1/x/",
        "v1//",
        "v1?x=/",
        "v1#/",
        "v1\\",
        "v1%2f",
        "\u200bv1/",
        "v1\n/",
        "ｖ1/",
        "",
        "/",
        "x" * 60,
        5,
        ["v1/"],
    ],
)
def test_discovery_may_name_one_plain_path_segment_and_nothing_else(codebase: Any) -> None:
    with pytest.raises(TargetError, match="no path segment"):
        codebase_of({"Codebase": codebase, "SiteUrl": "evil.example"}, SITE)


@pytest.mark.parametrize("codebase", ["v2026_4/", "v4_6_release/", "v2026.4"])
def test_a_codebase_ends_with_a_slash_and_a_site_address_is_ignored(codebase: str) -> None:
    assert codebase_of({"Codebase": codebase, "SiteUrl": "evil.example"}, SITE) == codebase.rstrip("/") + "/"


@pytest.mark.security(25)
def test_a_poisoned_discovery_sends_nothing_anywhere() -> None:
    with ScriptedPsa(lambda _: reply(200, b"[]")) as elsewhere:
        poison = f'{{"Codebase":"//127.0.0.1:{elsewhere.port}/","SiteUrl":"127.0.0.1:{elsewhere.port}"}}'.encode()
        with ScriptedPsa(lambda _: reply(200, poison), discovery=False) as psa:
            with pytest.raises(TargetError, match="no path segment"):
                asked(psa.url, lambda target: target.observe(NOTHING))
            assert len(psa.requests) == 1
        assert elsewhere.requests == []


@pytest.mark.security(25)
def test_discovery_is_asked_without_credentials() -> None:
    with ScriptedPsa(lambda _: reply(200, b"[]")) as psa:
        asked(psa.url, lambda target: target.observe(NOTHING))
        assert [one.path for one in psa.requests] == ["/login/companyinfo/training"]
        assert not {"authorization", "clientid"} & set(psa.requests[0].headers)


def test_an_unknown_company_is_said_in_so_many_words() -> None:
    with (
        ScriptedPsa(lambda _: reply(200, b"null"), discovery=False) as psa,
        pytest.raises(TargetError, match="knows no company 'training'"),
    ):
        asked(psa.url, lambda target: target.observe(NOTHING))


@pytest.mark.parametrize("answer", [reply(404, b"<html>"), reply(200, b"<html>"), reply(200, b"{}"), reply(403)])
def test_a_server_on_premise_without_discovery_is_reached_at_its_usual_path(answer: bytes) -> None:
    def script(one: Asked) -> bytes:
        return answer if "/login/" in one.path else reply(200, b"[]")

    with ScriptedPsa(script, discovery=False) as psa:
        asked(psa.url, lambda target: target.observe(SOMETHING))
        assert psa.api_requests[0].path == "/v4_6_release/apis/3.0/finance/agreements"


@pytest.mark.parametrize(
    "lost",
    [
        reply(404, b"<html>not here</html>"),
        reply(404, b'{"code":"ConnectWiseApi","message":"The endpoint does not exist."}'),
        reply(400, b'{"code":"ConnectWiseApi","message":"Cannot route. Codebase/company is invalid"}'),
    ],
)
def test_after_an_upgrade_the_new_path_is_asked_for_once(lost: bytes) -> None:
    codebases = [b'{"Codebase":"v2026_3/"}', b'{"Codebase":"v2026_4/"}']

    def script(one: Asked) -> bytes:
        if "/login/" in one.path:
            return reply(200, codebases.pop(0))
        return lost if "v2026_3" in one.path else reply(200, b"[]")

    with ScriptedPsa(script, discovery=False) as psa:
        asked(psa.url, lambda target: target.observe(SOMETHING))
        paths = [one.path.partition("/apis")[0] for one in psa.requests]
    assert paths == ["/login/companyinfo/training", "/v2026_3", "/login/companyinfo/training", "/v2026_4"]


def test_a_path_that_stays_wrong_is_asked_for_once_more_and_then_told() -> None:
    with ScriptedPsa(lambda _: reply(404, b"<html>")) as psa:
        with pytest.raises(TargetError, match="HTTP 404: an answer that is not ConnectWise's own"):
            asked(psa.url, lambda target: target.observe(SOMETHING))
        assert len(psa.requests) == 3


def test_a_missing_record_does_not_ask_for_the_path_again() -> None:
    body = b'{"code":"NotFound","message":"Agreement 55 not found"}'
    with ScriptedPsa(lambda _: reply(404, body)) as psa:
        with pytest.raises(TargetError, match="Agreement 55 not found"):
            asked(psa.url, lambda target: target.observe(SOMETHING))
        assert len(psa.requests) == 2


@pytest.mark.security(4)
@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            {"client_id": "x", "public_key": "y"},
            r"private_key of target psa \(from CONNECTWISE_PRIVATE_KEY\) is not set",
        ),
        ({"client_id": "x", "public_key": "se cret", "private_key": "z"}, "public_key .* no header can carry"),
        ({"client_id": "x\r\nEvil: 1", "public_key": "y", "private_key": "z"}, "client_id .* no header can carry"),
    ],
)
def test_credentials_that_cannot_be_right_are_named_and_not_shown(keys: dict[str, str], said: str) -> None:
    with pytest.raises(TargetError, match=said) as caught:
        asked("http://127.0.0.1:9", lambda target: target.observe(NOTHING), keys=keys)
    assert "se cret" not in str(caught.value)
    assert "Evil" not in str(caught.value)
    assert str(caught.value).startswith("mappings.yaml:7:3: ")


def test_a_type_that_there_is_none_for_is_told_with_those_that_there_are() -> None:
    with pytest.raises(TargetError, match="type 'halo'") as caught:
        asyncio.run(open_target(replace(settings("http://127.0.0.1:9"), type="halo"), {}))
    assert caught.value.hint == "known are: connectwise"
