"""`sign` and `apply`: only what was approved is written, whatever the plan's file says of itself."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from real_world import SEED, Office, wanted

from reconciler.domain.canonical import digest, readable
from reconciler.sandbox.server import RunningSandbox

KEY = "approval-key-of-the-tests-0123456789abcdef"
APPROVAL = "approval: {signed: true, expires_hours: 72, signing_keys: {ci-2026: '${RECONCILER_PLAN_KEY}'}}"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as running:
        yield running


@pytest.fixture
def office(sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    sandbox.seed(SEED)
    sandbox.faults([])
    monkeypatch.setenv("RECONCILER_PLAN_KEY", KEY)
    return Office(tmp_path, sandbox)


def demanding(office: Office, approval: str = APPROVAL) -> None:
    """Puts an approval into the target of the mapping."""
    mapping = office.folder / "mappings.yaml"
    text = mapping.read_text(encoding="utf-8")
    mapping.write_text(text.replace("    company: training\n", f"    company: training\n    {approval}\n"))


def guarding(office: Office, guards: str) -> None:
    mapping = office.folder / "mappings.yaml"
    mapping.write_text(mapping.read_text(encoding="utf-8").replace("guards: {", f"guards: {{{guards}, "))


def edited(plan: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Changes a plan as somebody would who knows how its digest is made."""
    document = json.loads(plan.read_text(encoding="utf-8"))
    edit(document)
    outside = ("created", "reconciler", "digest", "signature")
    document["digest"] = digest({name: value for name, value in document.items() if name not in outside})
    plan.write_text(readable(document), encoding="utf-8")


def refusal(result: Result, office: Office, status: int = 1) -> str:
    assert (result.exit_code, office.writes()) == (status, 0), result.output
    assert KEY not in result.output
    return result.stderr


@pytest.mark.security(7)
def test_where_signatures_are_demanded_only_a_signed_plan_is_applied(office: Office) -> None:
    demanding(office)
    plan = office.folder / office.saved_plan()
    assert "takes signed plans alone" in refusal(office.invoke("apply", str(plan)), office)
    assert "takes signed plans alone" in refusal(office.invoke("apply", "--auto-approve"), office)
    unsigned = json.loads(plan.read_text())
    done = office.invoke("sign", str(plan), "--expect-digest", unsigned["digest"])
    assert (done.exit_code, done.stdout) == (0, f"signed with ci-2026: {unsigned['digest']}\n")
    assert office.invoke("show", str(plan)).exit_code == 0
    assert json.loads(plan.read_text()) | {"signature": None} == unsigned | {"signature": None}
    assert office.invoke("apply", str(plan)).exit_code == 0
    assert office.billed() == wanted()
    again = office.invoke("apply", str(plan))
    assert (again.exit_code, again.stdout) == (0, "This plan was applied already. Nothing was written.\n")


@pytest.mark.security(7)
def test_an_edit_of_a_signed_plan_is_refused_though_its_digest_was_made_anew(office: Office) -> None:
    demanding(office)
    plan = office.folder / office.saved_plan()
    assert office.invoke("sign", str(plan)).exit_code == 0
    edited(plan, lambda document: document["changes"][-1]["after"].update(unit_price="1.00"))
    assert "signature is not right" in refusal(office.invoke("apply", str(plan)), office)


@pytest.mark.security(7)
def test_a_plan_that_expired_is_refused(office: Office) -> None:
    demanding(office)
    plan = office.folder / office.saved_plan()
    document = json.loads(plan.read_text()) | {"created": "2020-01-01T00:00:00Z"}
    plan.write_text(readable(document))
    assert office.invoke("sign", str(plan)).exit_code == 0
    assert "has expired" in refusal(office.invoke("apply", str(plan)), office)


@pytest.mark.security(8)
def test_signing_needs_a_key_that_the_mapping_names_and_the_environment_holds(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = str(office.folder / office.saved_plan())
    assert "has no signing key" in office.invoke("sign", plan).stderr
    demanding(office)
    assert "it has: ci-2026" in office.invoke("sign", plan, "--key", "other").stderr
    assert "was not signed" in office.invoke("sign", plan, "--expect-digest", "0" * 64).stderr
    monkeypatch.setenv("RECONCILER_PLAN_KEY", "short")
    assert "shorter than 32 bytes" in office.invoke("sign", plan).stderr
    monkeypatch.delenv("RECONCILER_PLAN_KEY")
    assert "RECONCILER_PLAN_KEY is not set" in office.invoke("sign", plan).stderr
    assert "signature" not in json.loads(Path(plan).read_text())


@pytest.mark.security(8)
@pytest.mark.parametrize(
    ("approval", "says"),
    [
        ("approval: {signed: true}", "names no key"),
        ("approval: {signing_keys: {a: '${CONNECTWISE_PRIVATE_KEY}'}}", "is a credential of the PSA"),
        ("approval: {signing_keys: {a: a-key-written-into-the-file-0123456789}}", "a reference such as ${NAME}"),
        ("approval: {expires_hours: 0}", "expires_hours"),
    ],
)
def test_an_approval_that_protects_nothing_is_an_error_of_the_mapping(approval: str, says: str, office: Office) -> None:
    demanding(office, approval)
    told = office.invoke("validate")
    assert told.exit_code == 1
    assert says in told.stderr
    assert "a-key-written" not in told.output


@pytest.mark.security(7, 36)
@pytest.mark.parametrize(
    ("guard", "named"), [("max_changes: 5", "max_changes"), ("min_margin_percent: 90", "min_margin_percent")]
)
def test_a_guard_is_counted_again_at_apply_whatever_the_plan_says(guard: str, named: str, office: Office) -> None:
    guarding(office, guard)
    plan = office.folder / "plan.json"
    assert office.invoke("plan", "--out", str(plan)).exit_code == 5
    edited(plan, lambda document: document.update(refused_by=[]))
    assert named in refusal(office.invoke("apply", str(plan)), office, status=5)
    assert office.invoke("apply", str(plan), "--allow-beyond-guards").exit_code == 0


@pytest.mark.security(7)
def test_a_fall_of_the_bill_is_counted_again_at_apply(office: Office) -> None:
    mapping = office.folder / "mappings.yaml"
    mapping.write_text(mapping.read_text().replace("max_decrease_percent: 100", "max_decrease_percent: 30"))
    plan = office.folder / office.saved_plan()

    def smaller(document: dict[str, Any]) -> None:
        for change in document["changes"]:
            if change.get("agreement") and change["action"] == "create" and change["after"]["cancelled"] is None:
                change["after"]["quantity"] = "1"

    edited(plan, smaller)
    assert "max_decrease_percent" in refusal(office.invoke("apply", str(plan)), office, status=5)


@pytest.mark.security(7)
def test_a_plan_whose_own_members_contradict_each_other_is_refused(office: Office) -> None:
    def dearer_before(document: dict[str, Any]) -> None:
        for records in document["observed_records"].values():
            for name in records.keys() - {"agreement"}:
                records[name]["quantity"] = "100000"

    def elsewhere(document: dict[str, Any]) -> None:
        create = next(c for c in document["changes"] if c["action"] == "create" and c.get("agreement"))
        create["after"]["agreement"] = "999"

    for edit in (dearer_before, elsewhere):
        plan = office.folder / office.saved_plan()
        edited(plan, edit)
        assert "contradicts itself" in refusal(office.invoke("apply", str(plan)), office)


@pytest.mark.security(6, 26)
def test_what_holds_customers_and_prices_is_written_whole_and_for_its_owner_alone(office: Office) -> None:
    outside = office.folder / "outside.txt"
    outside.write_text("mine")
    plan = office.folder / "plan.json"
    plan.symlink_to(outside)
    office.saved_plan()
    assert outside.read_text() == "mine", "a link was written through"
    assert not plan.is_symlink()
    table = office.folder / "table.csv"
    assert office.invoke("reconcile", "--csv", str(table)).exit_code == 0
    assert {path.stat().st_mode & 0o777 for path in (plan, table)} == {0o600}
    assert [path.name for path in office.folder.iterdir() if path.name.startswith((".plan", ".table"))] == []


def _a_word_more_in_the_mapping(office: Office) -> None:
    mapping = office.folder / "mappings.yaml"
    mapping.write_text(mapping.read_text(encoding="utf-8") + "# reviewed\n", encoding="utf-8")


def _another_quantity_on_an_invoice(office: Office) -> None:
    invoice = office.folder / "invoices" / "1.yaml"
    invoice.write_text(invoice.read_text(encoding="utf-8").replace("quantity: 10", "quantity: 11"), encoding="utf-8")


@pytest.mark.security(7)
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_a_word_more_in_the_mapping, "error: the mapping has changed since this plan was made; nothing was written"),
        (
            _another_quantity_on_an_invoice,
            "error: invoices/1.yaml (invoice INV-1) has changed since this plan was made",
        ),
    ],
)
def test_a_plan_whose_mapping_or_invoice_changed_since_is_stale(
    change: Callable[[Office], None], says: str, office: Office
) -> None:
    plan = office.folder / office.saved_plan()
    before = {path: path.read_bytes() for path in office.folder.rglob("*.yaml")}
    change(office)
    told = refusal(office.invoke("apply", str(plan)), office, status=3)
    assert says in told
    assert "make a new plan" in told
    for path, content in before.items():
        path.write_bytes(content)
    assert office.invoke("apply", str(plan)).exit_code == 0


def test_who_applies_need_not_have_the_invoices(office: Office) -> None:
    plan = office.folder / office.saved_plan()
    for invoice in (office.folder / "invoices").iterdir():
        invoice.unlink()
    assert office.invoke("apply", str(plan)).exit_code == 0
    assert office.billed() == wanted()
