"""Messages reach real receivers: at least once, with an id, never at the cost of a run, and without their address."""

import base64
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import Result
from real_world import SEED, Office, wanted
from receivers import DIES, MailServer, WebHook, free_port

from reconciler.sandbox.server import RunningSandbox

STRANGER = """\
invoice: INV-9
issued: 2026-10-01
period: {from: 2026-09-01, to: 2026-09-30}
currency: AUD
kind: invoice
customer: {tenant: aaaa0009-0000-4000-9000-000000000000, name: "Stranger <!here> @everyone\\e[2J"}
lines:
  - {line: 1, motion: seat-monthly, subscription: aaaa0009-0000-4000-8000-000000000001, sku: "CFQ7TTC0LH18:0001",
     charge: cycle, quantity: 4, from: 2026-09-01, to: 2026-09-30, unit_cost: 16, unit_price: 20, amount: 64.00,
     description: Microsoft 365 Business Basic}
"""
VARIABLE = "BILLING_ALERT_URL"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def office(sandbox: RunningSandbox, tmp_path: Path) -> Office:
    sandbox.seed(SEED)
    sandbox.faults([])
    return Office(tmp_path, sandbox)


def told_of(office: Office, *occasions: str, to: str = f"${{{VARIABLE}}}") -> None:
    """The program gets a receiver."""
    mapping = office.folder / "mappings.yaml"
    text = mapping.read_text(encoding="utf-8")
    receiver = f'    notify: [{{on: [{", ".join(occasions)}], to: "{to}"}}]\n'
    mapping.write_text(text.replace("customers:\n", f"{receiver}customers:\n", 1), encoding="utf-8")


def with_stranger(office: Office) -> None:
    (office.folder / "invoices" / "9.yaml").write_text(STRANGER, encoding="utf-8")


def without_agreement(office: Office) -> None:
    """The first customer is kept out by an error."""
    mapping = office.folder / "mappings.yaml"
    text = mapping.read_text(encoding="utf-8")
    mapping.write_text(text.replace("Microsoft CSP}", "Somewhere else}", 1), encoding="utf-8")


def ids(hook: WebHook) -> list[str]:
    return [header["x-reconciler-message"] for header in hook.headers]


def outbox(office: Office) -> list[tuple[str, bool, int, str | None]]:
    """Kind, whether it was sent, attempts and what went wrong, of each message."""
    with sqlite3.connect(office.folder / ".reconciler" / "state.db") as connection:
        rows = connection.execute("SELECT kind, sent_at, attempts, error FROM outbox WHERE body <> '' ORDER BY id")
        found = [(kind, sent is not None, attempts, error) for kind, sent, attempts, error in rows]
    connection.close()
    return found


def at_once(office: Office) -> None:
    """All that waits is due."""
    with sqlite3.connect(office.folder / ".reconciler" / "state.db") as connection:
        connection.execute("UPDATE outbox SET next_at = '2000-01-01T00:00:00.000000+00:00' WHERE sent_at IS NULL")
    connection.close()


def test_a_plan_tells_of_unmapped_and_failed_subscriptions_with_customer_plan_id_and_status(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_of(office, "error", "warning", "unmapped", "failed")
    with_stranger(office)
    without_agreement(office)
    with WebHook() as hook:
        monkeypatch.setenv(VARIABLE, hook.address())
        assert office.invoke("plan").exit_code == 1
    assert len(hook.messages) == 1
    title, text = hook.messages[0]["title"], hook.messages[0]["message"]
    assert title == "Action needed in psa: microsoft-csp, 2026-09"
    assert "- Customer 0 | Microsoft 365 E3 | aaaa0001-0000-4000-8000-000000000002 | Failed" in text
    stranger = r"Stranger ‹!here> ＠everyone\u001b[2J"
    assert f"- {stranger} | Microsoft 365 Business Basic | aaaa0009-0000-4000-8000-000000000001 | Unmapped" in text
    assert "is mapped to no customer: 1 invoice line not billed, 64.00 AUD [unmapped-customer]" in text
    assert re.search(r"Errors: .* \(1\)\n- Customer 0: ", text)
    assert f"message {ids(hook)[0]}" in text


def test_only_what_was_asked_for_is_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    told_of(office, "error")
    with_stranger(office)
    with WebHook() as hook:
        monkeypatch.setenv(VARIABLE, hook.address())
        assert office.invoke("plan").exit_code == 0
    assert hook.messages == []


def test_nothing_new_is_told_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    told_of(office, "warning", "plan-ready")
    with_stranger(office)
    with WebHook() as hook:
        monkeypatch.setenv(VARIABLE, hook.address())
        assert office.invoke("plan").exit_code == 0
        assert office.invoke("plan", "--out", str(office.folder / "plan.json")).exit_code == 0
        assert [message["title"].partition(":")[0] for message in hook.messages] == [
            "Action needed in psa",
            "Plan to review in psa",
        ]
        assert office.invoke("apply", str(office.folder / "plan.json")).exit_code == 0
        # Another digest, for there is nothing left to write; and the same warning as before.
        assert office.invoke("plan").exit_code == 0
        assert len(hook.messages) == 2
        # It goes, and comes again: that is news.
        (office.folder / "invoices" / "9.yaml").unlink()
        assert office.invoke("plan").exit_code == 0
        with_stranger(office)
        mapping = office.folder / "mappings.yaml"
        mapping.write_text(mapping.read_text(encoding="utf-8") + "# looked at\n", encoding="utf-8")
        assert office.invoke("plan").exit_code == 0
    assert len(hook.messages) == 3
    assert len(set(ids(hook))) == 3


def test_a_plan_ready_for_review_names_its_digest_and_its_bills(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_of(office, "plan-ready")
    with WebHook() as hook:
        monkeypatch.setenv(VARIABLE, hook.address())
        plan = office.folder / office.saved_plan()
    digest = json.loads(plan.read_text(encoding="utf-8"))["digest"]
    assert hook.messages[0]["title"] == "Plan to review in psa: microsoft-csp, 2026-09, 13 changes"
    assert f"--expect-digest {digest}" in hook.messages[0]["message"]
    assert "2026-09: these customers are billed 900.00 AUD, before the plan 600.00 AUD" in hook.messages[0]["message"]


def test_a_plan_for_some_customers_tells_nobody(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    told_of(office, "warning", "plan-ready")
    with_stranger(office)
    with WebHook() as hook:
        monkeypatch.setenv(VARIABLE, hook.address())
        assert office.invoke("plan", "--customer", "Customer 1").exit_code == 0
    assert hook.messages == []


def test_an_apply_that_left_something_undone_is_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    told_of(office, "failed")
    plan = str(office.folder / office.saved_plan())
    field = {"field": "quantity", "value": 7, "times": 9}
    office.psa.faults([{"match": {"method": "POST", "path": "/401/additions$"}, "kind": "alter-field", **field}])
    with WebHook() as hook:
        monkeypatch.setenv(VARIABLE, hook.address())
        assert office.invoke("apply", plan).exit_code == 6
    text = hook.messages[0]["message"]
    assert hook.messages[0]["type"] == "failure"
    assert re.search(r"- Customer 1 \| .* \| aaaa0002-0000-4000-8000-000000000002 \| Error", text)
    assert "Customer 2" not in text


def test_the_verdicts_of_a_reconciliation_are_told_by_mail(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    told_of(office, "reconciliation")
    with MailServer() as server:
        monkeypatch.setenv(VARIABLE, server.address())
        assert office.invoke("reconcile").exit_code == 0
        assert office.invoke("reconcile").exit_code == 0
    assert len(server.mails) == 1
    mail = server.mails[0]
    assert mail["Subject"] == "Billing reconciliation in psa: microsoft-csp, 2026-09"
    assert mail["To"] == "owner@example.com"
    body = mail.get_body(("plain",)) or mail
    text = body.get_content()
    assert "aaaa0001-0000-4000-8000-000000000001 | differs | Customer 0 | charged 230.00 AUD, billed 200.00 AUD" in text
    assert f"message {mail['X-Reconciler-Message']}" in text


@pytest.mark.parametrize("answer", [500, DIES], ids=["answers 500", "dies before it answers"])
def test_what_may_have_been_taken_is_sent_again_with_the_same_id(
    answer: int, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_of(office, "warning")
    with_stranger(office)
    with WebHook(answer) as hook:
        monkeypatch.setenv(VARIABLE, hook.address())
        planned = office.invoke("plan")
        assert planned.exit_code == 0
        assert "warning: the message 'attention' to ${BILLING_ALERT_URL}" in planned.stderr
        assert [row[1:3] for row in outbox(office)] == [(False, 1)]
        # Not before its time, for a receiver that is down is not helped by being asked more often.
        assert office.invoke("plan").exit_code == 0
        assert len(hook.messages) == 1
        at_once(office)
        assert office.invoke("plan").exit_code == 0
        assert len(hook.messages) == 2
        assert len(set(ids(hook))) == 1
        assert hook.messages[0] == hook.messages[1]
    assert [row[1:] for row in outbox(office)] == [(True, 2, None)]


def test_a_mail_server_that_refuses_is_tried_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    told_of(office, "warning")
    with_stranger(office)
    with MailServer("451 not now") as server:
        monkeypatch.setenv(VARIABLE, server.address())
        assert office.invoke("plan").exit_code == 0
        assert office.invoke("notify", "send").exit_code == 0
    assert [mail["X-Reconciler-Message"] for mail in server.mails] == [server.mails[0]["X-Reconciler-Message"]] * 2


def test_a_receiver_that_is_down_fails_no_run_and_hears_of_it_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_of(office, "warning", "plan-ready")
    with_stranger(office)
    monkeypatch.setenv(VARIABLE, f"json://127.0.0.1:{free_port()}/")
    applied = office.invoke("apply", "--auto-approve")
    assert applied.exit_code == 0
    assert office.billed() == wanted()
    assert "was not taken by its receiver (JSON)" in applied.stderr
    shown = office.invoke("notify", "list").stdout
    assert "tried 1 time: it was not taken by its receiver" in shown
    with WebHook() as hook:
        monkeypatch.setenv(VARIABLE, hook.address())
        sent = office.invoke("notify", "send")
        assert sent.exit_code == 0
        assert sent.stdout.count("was sent") == 2
        assert office.invoke("notify", "send").stdout == "Nothing waits to be sent.\n"
    assert len(hook.messages) == 2


def test_a_receiver_that_is_not_in_the_environment_is_named_by_its_variable(office: Office) -> None:
    told_of(office, "warning")
    with_stranger(office)
    planned = office.invoke("plan")
    assert planned.exit_code == 0
    assert f"the environment variable {VARIABLE} is not set" in planned.stderr
    assert office.invoke("notify", "send").exit_code == 1


def test_a_receiver_that_the_mapping_no_longer_has_is_told_as_such(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_of(office, "warning")
    with_stranger(office)
    monkeypatch.setenv(VARIABLE, f"json://127.0.0.1:{free_port()}/")
    office.invoke("plan")
    mapping = office.folder / "mappings.yaml"
    mapping.write_text(mapping.read_text(encoding="utf-8").replace(VARIABLE, "ANOTHER"), encoding="utf-8")
    assert "has no receiver ${BILLING_ALERT_URL}" in office.invoke("notify", "send").stderr


def test_a_test_message_goes_to_every_receiver(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    told_of(office, "error", "failed")
    with WebHook() as hook:
        monkeypatch.setenv(VARIABLE, hook.address())
        done = office.invoke("notify", "test")
        assert (done.exit_code, done.stdout) == (0, "${BILLING_ALERT_URL} of microsoft-csp: sent\n")
    assert hook.messages[0]["title"] == "A test from reconciler: microsoft-csp"
    monkeypatch.setenv(VARIABLE, "nonsense")
    refused = office.invoke("notify", "test")
    assert refused.exit_code == 1
    assert "its address is none that Apprise knows" in refused.stderr


def test_an_own_template_is_used_and_a_broken_one_keeps_nobody_from_hearing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_of(office, "warning")
    with_stranger(office)
    folder = office.folder / "templates" / "notify"
    folder.mkdir(parents=True)
    own = folder / "attention.txt.j2"
    own.write_text(
        "Subject: Achtung {{ program }}\n{% for w in warnings %}{{ w.amount }}{% endfor %}\n", encoding="utf-8"
    )
    assert office.invoke("validate").exit_code == 0
    with WebHook() as hook:
        monkeypatch.setenv(VARIABLE, hook.address())
        office.invoke("plan")
        assert hook.messages[0]["title"] == "Achtung microsoft-csp"
        assert hook.messages[0]["message"].startswith("64.00 AUD\n")
        own.write_text("Subject: {{ nobody }}\nx\n", encoding="utf-8")
        checked = office.invoke("validate")
        assert checked.exit_code == 1
        assert (
            "attention.txt.j2: error[template]: the template cannot be filled in: 'nobody' is undefined"
            in checked.stderr
        )
        stranger = office.folder / "invoices" / "9.yaml"
        stranger.write_text(STRANGER.replace("64.00", "65.00"), encoding="utf-8")
        planned = office.invoke("plan")
        assert planned.exit_code == 0
        assert "warning[template]: the template cannot be filled in" in planned.stderr
        assert hook.messages[1]["title"] == "Action needed in psa: microsoft-csp, 2026-09"


# -- the address is a secret

USER, CANARY = "canary-user", 'canary/t0ken+&"x'
FORMS = {
    "raw": CANARY,
    "url-encoded": quote(CANARY, safe=""),
    "base64": base64.b64encode(CANARY.encode()).decode(),
    "base64 of the pair": base64.b64encode(f"{USER}:{CANARY}".encode()).decode(),
    "json-escaped": json.dumps(CANARY)[1:-1],
}


def everything(office: Office, *results: Result) -> bytes:
    """All that was said and all that was written but for the mapping itself."""
    said = "".join(f"{done.stdout}{done.stderr}{done.exception!r}" for done in results).encode()
    files = [path for path in office.folder.rglob("*") if path.is_file() and path.name != "mappings.yaml"]
    return said + b"".join(path.read_bytes() for path in files)


@pytest.mark.parametrize("down", [False, True], ids=["taken", "down"])
def test_the_address_stands_nowhere(down: bool, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    told_of(office, "warning", "plan-ready")
    with_stranger(office)
    with WebHook(500, 500) as hook:
        port = free_port() if down else hook.port
        token = quote(CANARY, safe="")
        monkeypatch.setenv(VARIABLE, f"json://{USER}:{token}@127.0.0.1:{port}/{token}")
        results = [
            office.invoke("-vv", "plan", "--out", str(office.folder / "plan.json")),
            office.invoke("notify", "send"),
            office.invoke("notify", "test"),
            office.invoke("notify", "list"),
            office.invoke("status"),
            office.invoke("state", "export"),
        ]
        if not down:
            # The canary is alive: it does go out, where it belongs.
            assert hook.headers[0]["authorization"] == f"Basic {FORMS['base64 of the pair']}"
    found = everything(office, *results)
    assert VARIABLE.encode() in found
    assert [name for name, form in FORMS.items() if form.encode() in found] == []
