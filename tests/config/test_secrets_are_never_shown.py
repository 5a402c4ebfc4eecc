"""A secret that somebody wrote into the file is an error, and stands in no message, excerpt, JSON or annotation."""

import copy
import json
import pickle
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest
from mapping_texts import VALID, loaded, told, with_line

from reconciler.config.credentials import credentials
from reconciler.config.loading import Loaded
from reconciler.config.source_text import names_a_secret
from reconciler.domain.secret import Secret
from reconciler.render.findings import finding_json, github_line, sarif

CANARY = "s3cr3t-c4n4ry"
FIELDS = ("client_id", "public_key", "private_key")
MISSPELT = (
    "clientid", "client-id", "clientId", "publik_key", "privateKey", "private_key2", "privte_kye", "password", "passwd",
    "pasword", "token", "tokn", "api_key", "apikey", "secret", "secrets", "credential", "username", "integration_code",
    "auth", "key", "authorization", "bearer", "x",
)  # fmt: skip
# Each way to write a value; some of them are no YAML.
WAYS = {
    "plain": "{}",
    "single quotes": "'{}'",
    "double quotes": '"{}"',
    "behind text": "Bearer {}",
    "with a default": "${{NAME:-{}}}",
    "beside a reference": "${{NAME}}{}",
    "folded": ">\n      {}\n      {}",
    "literal": "|\n      first\n\n      {}",
    "over two lines": "first\n      {}",
    "on the next line": "\n      {}",
    "in a list": "[{}, x]",
    "in a block list": "\n      - {}",
    "in a mapping": "{{value: {}}}",
    "as a key": "{{{}: value}}",
    "as a key twice": "{{{}: value, {}: value}}",
    "as an alias": "*{}",
    "as an anchor": "&{} value",
    "behind an anchor": "&anchor {}",
    "as a tag": "!{} value",
    "as a reserved character": "@{}",
    "as a directive": "%{}",
    "an open quote": '"{}',
    "an open list": "[{}",
    "an open mapping": "{{a: {}",
    "two colons": "a: {}",
    "a tab": "\t{}",
    "an invisible character": "{}\x07",
    "a bad escape": '"\\q{}"',
    "a slip below": "{}\n   slip: {}",
}


def everything(result: Loaded, folder: Path) -> str:
    """All that can be shown of what was loaded."""
    findings = result.findings
    shown = [
        told(result, folder),
        json.dumps([finding_json(finding) for finding in findings]),
        json.dumps(sarif(findings, "1")),
        *(github_line(finding) for finding in findings),
        repr(result),
    ]
    return "\n".join(shown)


def assert_hidden(result: Loaded, folder: Path, canary: str = CANARY) -> None:
    assert result.mappings is None, "a literal secret was taken"
    text = everything(result, folder)
    for form in (canary, quote(canary), b64encode(canary.encode()).decode(), json.dumps(canary).strip('"')):
        assert form not in text, text


@pytest.mark.security(1)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FIELDS)
def test_a_literal_in_a_secret_field_is_refused_and_not_shown(name: str, way: str, tmp_path: Path) -> None:
    value = WAYS[way].format(CANARY, CANARY)
    assert_hidden(loaded(tmp_path, with_line(f"${{CONNECTWISE_{name.upper()}}}", value)), tmp_path)


@pytest.mark.security(1)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MISSPELT)
def test_a_literal_under_a_key_that_is_none_is_not_shown(name: str, way: str, tmp_path: Path) -> None:
    if name not in ("privte_kye", "username", "x", "authorization", "bearer") or way in WAYS_OF_GOOD_YAML:
        value = WAYS[way].format(CANARY, CANARY)
        text = with_line("    company: training\n", f"    company: training\n    {name}: {value}\n")
        assert_hidden(loaded(tmp_path, text), tmp_path)


# In a file that is no YAML, what a word like 'bearer' means cannot be told from a customer's name.
WAYS_OF_GOOD_YAML = tuple(WAYS)[:15]


@pytest.mark.parametrize("later", ["autotask", "syncro"])
def test_a_literal_in_a_target_of_a_later_version_is_not_shown(later: str, tmp_path: Path) -> None:
    target = f"{{type: {later}, url: 'https://x.example', username: {CANARY}, secret: {CANARY}, code: {CANARY}}}"
    head, rest = VALID.split("targets:\n")[0], VALID.split("programs:\n")[1]
    result = loaded(tmp_path, f"{head}targets:\n  psa: {target}\nprograms:\n{rest}")
    assert_hidden(result, tmp_path)
    assert "literal-secret" in {finding.code for finding in result.findings}


@pytest.mark.security(1)
def test_a_literal_in_a_source_is_not_shown(tmp_path: Path) -> None:
    text = with_line("    format: normalized\n", f"    format: normalized\n    client_secret: {CANARY}\n")
    assert_hidden(loaded(tmp_path, text), tmp_path)


@pytest.mark.parametrize("key", ["to", "too", "url"])
def test_the_address_of_an_alert_is_not_shown(key: str, tmp_path: Path) -> None:
    text = with_line('to: "${BILLING_ALERT_URL}"', f"{key}: 'slack://{CANARY}/x', onn: y")
    assert_hidden(loaded(tmp_path, text), tmp_path)


def test_the_address_of_an_alert_is_not_shown_where_it_is_wrong(tmp_path: Path) -> None:
    text = with_line('to: "${BILLING_ALERT_URL}"', f"to: slack://{CANARY}/{'x' * 600}")
    assert_hidden(loaded(tmp_path, text), tmp_path)


def test_a_secret_in_the_wrong_part_is_not_shown_beside_another_mistake(tmp_path: Path) -> None:
    text = with_line("changes: {decrease: none}", f"changes: {{token: first\n      {CANARY}, decrease: never}}")
    result = loaded(tmp_path, text)
    assert_hidden(result, tmp_path)
    assert "never" not in {finding.excerpt for finding in result.findings}
    assert "choice" in {finding.code for finding in result.findings}


def test_the_address_of_an_alert_needs_no_variable(tmp_path: Path) -> None:
    assert loaded(tmp_path, VALID, {}).mappings is not None


@pytest.mark.security(1)
def test_a_password_in_an_address_is_not_shown(tmp_path: Path) -> None:
    text = with_line("http://127.0.0.1:8765", f"https://me:{CANARY}@psa.example.com")
    assert_hidden(loaded(tmp_path, text), tmp_path)


@pytest.mark.security(3)
def test_what_a_variable_holds_is_not_shown(tmp_path: Path) -> None:
    text = with_line("    sync: true", "    sync: ${SWITCH}").replace("company: training", "company: ${LONG}")
    result = loaded(tmp_path, text, {"SWITCH": CANARY, "LONG": CANARY * 50})
    assert_hidden(result, tmp_path)
    assert "not '${SWITCH}'" in told(result, tmp_path)


@pytest.mark.parametrize("name", [name for name in MISSPELT if name not in ("x", "username", "bearer", "privte_kye")])
def test_names_that_say_secret_are_known(name: str) -> None:
    assert names_a_secret(name) or name in ("publik_key", "pasword", "tokn", "private_key2", "authorization")


@pytest.mark.parametrize("name", ["name", "tenant", "company", "sku", "monkey_name", "keys_of", "type", "authority"])
def test_other_names_are_not(name: str) -> None:
    assert not names_a_secret(name)


def test_credentials_are_read_by_name_and_cannot_be_printed(tmp_path: Path) -> None:
    mappings = loaded(tmp_path, VALID).mappings
    assert mappings is not None
    names = {"CONNECTWISE_CLIENT_ID": CANARY, "CONNECTWISE_PUBLIC_KEY": CANARY, "CONNECTWISE_PRIVATE_KEY": CANARY}
    secrets, findings = credentials(mappings.targets["psa"], names)
    assert not findings
    assert {name: secret.reveal() for name, secret in secrets.items()} == dict.fromkeys(FIELDS, CANARY)
    assert CANARY not in repr(secrets) + str(mappings)


@pytest.mark.security(2)
def test_a_missing_credential_is_an_error_that_names_its_variable(tmp_path: Path) -> None:
    mappings = loaded(tmp_path, VALID).mappings
    assert mappings is not None
    secrets, findings = credentials(
        mappings.targets["psa"], {"CONNECTWISE_CLIENT_ID": CANARY, "CONNECTWISE_PUBLIC_KEY": ""}
    )
    assert set(secrets) == {"client_id"}
    assert [finding.message for finding in findings] == [
        "the environment variable CONNECTWISE_PRIVATE_KEY, the private_key of target 'psa', is not set",
        "the environment variable CONNECTWISE_PUBLIC_KEY, the public_key of target 'psa', is not set",
    ]


@pytest.mark.security(3)
def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret(CANARY)
    shown = f"{secret} {secret!r} {secret!s} {secret:>20} {secret} {[secret]} {{'a': {secret!r}}}"
    assert CANARY not in shown
    assert secret.reveal() == CANARY
    assert not hasattr(secret, "__dict__")


@pytest.mark.security(3)
@pytest.mark.parametrize("write", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_a_secret_is_not_copied_or_written(write: object) -> None:
    assert callable(write)
    with pytest.raises(TypeError) as error:
        write(Secret(CANARY))
    assert CANARY not in str(error.value)


@pytest.mark.security(3)
def test_two_secrets_are_not_compared_by_value() -> None:
    assert Secret(CANARY) != Secret(CANARY)
