"""Decisions files: what is taken, what is refused and where, and what refers to nothing."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from mapping_texts import VALID, loaded

from reconciler.config.decisions import LoadedDecisions, load_decisions
from reconciler.config.json_schemas import json_schema
from reconciler.domain.days import Month
from reconciler.domain.decision import NO_DECISIONS, Decisions, RecordField
from reconciler.domain.finding import Severity
from reconciler.domain.plan import Verdict

WHOLE = """\
# yaml-language-server: $schema=../schemas/decisions.schema.json
version: 1
overrides:
  - record: 8801
    keep: {quantity: 8, unit_price: 18.50, cancelled: open}
    reason: two seats are given until the dispute is settled
    by: billing@example.com
    until: 2026-12
  - customer: Contoso
    subscription: 5F1B2C3D
    effective: 2026-08-01
    keep: {gone: true}
    reason: billed by hand
    by: billing@example.com
    until: 2026-10
credits:
  - {invoice: CN-1, line: 2, customer: Contoso, agreement: Contoso Microsoft CSP, reason: outage}
verdicts:
  - {month: 2026-09, customer: Contoso, agreement: {id: 55}, verdict: reconciled, reason: looked into, by: Jo}
"""


def read(folder: Path, *texts: str | bytes) -> LoadedDecisions:
    mappings = loaded(folder, VALID).mappings
    assert mappings
    (folder / "decisions").mkdir(exist_ok=True)
    for number, text in enumerate(texts):
        (folder / "decisions" / f"2026-{number + 9:02}.yaml").write_bytes(
            text if isinstance(text, bytes) else text.encode()
        )
    return load_decisions(folder / "mappings.yaml", mappings, {})


def accepted(result: LoadedDecisions) -> Decisions:
    assert result.decisions is not None, result.findings
    return result.decisions


def told(result: LoadedDecisions, folder: Path) -> list[str]:
    return [f"{finding.where}: {finding.message}".replace(f"{folder}/", "") for finding in result.findings]


def override(**members: str) -> str:
    fields = {"record": "8801", "keep": "{quantity: 8}", "reason": "r", "by": "b", "until": "2026-12"} | members
    body = "\n".join(f"    {name}: {value}" for name, value in fields.items() if value)
    return f"version: 1\noverrides:\n  -\n{body}\n"


def test_all_that_a_file_may_say_is_read(tmp_path: Path) -> None:
    result = read(tmp_path, WHOLE)
    first, second = accepted(result).overrides
    assert result.findings == ()
    assert (first.record, first.until, first.by) == ("8801", Month(2026, 12), "billing@example.com")
    assert first.keep == {
        RecordField.QUANTITY: Decimal(8),
        RecordField.UNIT_PRICE: Decimal("18.50"),
        RecordField.CANCELLED: None,
    }
    assert (second.subscription, second.effective, second.gone, second.keep) == (
        "5F1B2C3D",
        date(2026, 8, 1),
        True,
        {},
    )
    (credit,) = accepted(result).credits
    assert (credit.invoice, credit.line, credit.agreement.name) == ("CN-1", 2, "Contoso Microsoft CSP")
    (verdict,) = accepted(result).verdicts
    assert (verdict.month, verdict.verdict, verdict.agreement.id) == (Month(2026, 9), Verdict.RECONCILED, "55")


def test_the_example_of_the_documentation_is_right(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "decisions-files.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    result = read(tmp_path, example)
    assert result.findings == ()
    assert [len(each) for each in (accepted(result).overrides, accepted(result).credits)] == [2, 1]
    document = yaml.load(example, yaml.BaseLoader)  # noqa: S506 -- it makes texts alone
    assert [error.message for error in Draft202012Validator(json_schema("decisions")).iter_errors(document)] == []


def test_a_decision_keeps_its_place(tmp_path: Path) -> None:
    place = accepted(read(tmp_path, WHOLE)).overrides[1].place
    assert str(place) == f"{tmp_path}/decisions/2026-09.yaml:9:5"


def test_without_a_folder_there_are_no_decisions(tmp_path: Path) -> None:
    mappings = loaded(tmp_path, VALID).mappings
    assert mappings
    assert load_decisions(tmp_path / "mappings.yaml", mappings, {}).decisions == NO_DECISIONS


def test_several_files_are_one_list_in_the_order_of_their_names(tmp_path: Path) -> None:
    result = read(tmp_path, override(record="1"), override(record="2"))
    assert [each.record for each in accepted(result).overrides] == ["1", "2"]
    assert len(result.files) == 2


def test_the_hash_is_of_the_content_and_not_of_where_it_lies(tmp_path: Path) -> None:
    hashes = []
    for name, text in (("a", override()), ("b", override().replace("\n", "\r\n")), ("c", override(record="2"))):
        (tmp_path / name).mkdir()
        hashes.append(accepted(read(tmp_path / name, text)).sha256)
    assert hashes[0] == hashes[1] != hashes[2]
    assert hashes[0].startswith("sha256:")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (override(record=""), "4:5: override 1 does not say which record"),
        (override(subscription="5f1b"), "4:5: override 1 names its record twice"),
        (override(keep="{}"), "4:5: override 1 keeps nothing"),
        (override(keep="{gone: true}"), "4:5: override 1 names a record that is gone by its number"),
        (
            override(
                record="",
                customer="Contoso",
                subscription="s",
                effective="2026-08-01",
                keep="{gone: true, quantity: 8}",
            ),
            "override 1 keeps values of a record that is gone",
        ),
        (override(until=""), "override 1 has no 'until'"),
        (override(reason=""), "override 1 has no 'reason'"),
        (override(by=""), "override 1 has no 'by'"),
        (override(until="December"), "8:12: 'until' of override 1 expects a month written as 2026-09, not 'December'"),
        (override(keep="{quantity: eight}"), "'keep.quantity' of override 1 expects a number"),
        (override(keep="{quantity: none}"), "'keep.quantity' of override 1 expects a number such as 8, not 'none'"),
        (override(keep="{cancelled: }"), "'keep.cancelled' of override 1 expects a day"),
        (override(keep="{seats: 8}"), "'seats' is not a key of keep of override 1"),
        ("version: 1\noverides: []\n", "2:1: 'overides' is not a key of a decisions file"),
        ("version: 1\noverrides: {}\n", "2:12: 'overrides' expects a list"),
        ("version: 2\n", "1:10: 'version' expects 1, not '2'"),
        ("overrides: []\n", "1:1: the file has no 'version'"),
        ("- 1\n", "1:1: the file expects keys"),
        (override() + "version: 1\n", "'version' stands here a second time"),
        ("version: 1\noverrides: [*x]\n", "2:13: this alias names no anchor"),
        (b"version: 1\n# \xff\n", "byte 14 (0xFF) is not UTF-8"),
        (
            "version: 1\ncredits: [{invoice: C, line: 0, customer: Contoso, agreement: X, reason: r}]\n",
            "'line' of credit 1 expects a whole number from 1 on",
        ),
        (
            "version: 1\nverdicts: [{month: 2026-09, customer: Contoso, agreement: X, verdict: fine, reason: r}]\n",
            "'verdict' of verdict 1 expects reconciled, differs or not reconcilable, not 'fine'",
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_place_and_nothing_is_decided(
    text: str | bytes, message: str, tmp_path: Path
) -> None:
    result = read(tmp_path, text)
    assert result.decisions is None
    assert any(message in line for line in told(result, tmp_path)), told(result, tmp_path)
    assert all(str(finding.where).startswith(f"{tmp_path}/decisions/2026-09.yaml") for finding in result.findings)


def test_two_overrides_of_one_record_until_the_same_month_are_an_error(tmp_path: Path) -> None:
    result = read(tmp_path, override(), override(keep="{quantity: 9}"))
    assert result.decisions is None
    (line,) = told(result, tmp_path)
    assert line.startswith(
        "decisions/2026-10.yaml:4:5: a second override of record 8801 until 2026-12; the first is at "
    )


def test_an_override_that_is_renewed_is_none(tmp_path: Path) -> None:
    assert len(accepted(read(tmp_path, override(), override(until="2027-03"))).overrides) == 2


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            override(record="", customer="Contosso", subscription="s", effective="2026-08-01"),
            "override 1 names the customer 'Contosso', which the mapping does not have; it is left out",
            "did you mean 'Contoso'?",
        ),
        (
            "version: 1\ncredits: [{invoice: C, line: 1, customer: Contoso, agreement: Contoso CSP, reason: r}]\n",
            "credit 1 names the agreement 'Contoso CSP', on which Contoso does not bill; it is left out",
            "did you mean 'Contoso Microsoft CSP'?",
        ),
        (
            "version: 1\nverdicts: [{month: 2026-09, customer: Nobody, agreement: X, verdict: differs, reason: r}]\n",
            "verdict 1 names the customer 'Nobody', which the mapping does not have; it is left out",
            "known: Contoso, Fabrikam",
        ),
    ],
)
def test_a_decision_that_refers_to_nothing_is_named_and_left_out(
    text: str, message: str, hint: str, tmp_path: Path
) -> None:
    result = read(tmp_path, text)
    (finding,) = result.findings
    assert (finding.severity, finding.code, finding.message) == (Severity.WARNING, "dangling-reference", message)
    assert finding.hint == hint
    assert finding.excerpt
    assert accepted(result) == Decisions(sha256=accepted(result).sha256)


def test_a_file_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.yaml").write_text(override())
    folder = tmp_path / "repository"
    (folder / "decisions").mkdir(parents=True)
    (folder / "decisions" / "link.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    result = read(folder)
    assert result.decisions is None
    assert "leads out of the folder" in result.findings[0].message


@pytest.mark.parametrize("text", [WHOLE, override()])
def test_the_editor_takes_what_the_reader_takes(text: str) -> None:
    document = yaml.load(text, yaml.BaseLoader)  # noqa: S506 -- it makes texts alone
    assert [error.message for error in Draft202012Validator(json_schema("decisions")).iter_errors(document)] == []


@pytest.mark.parametrize(
    "text",
    [
        override(record=""),
        override(until=""),
        override(until="December"),
        override(keep="{seats: 8}"),
        override(record="1", customer="Contoso", subscription="s", effective="2026-08-01"),
        "version: 2\n",
    ],
)
def test_the_editor_marks_what_the_reader_refuses(text: str) -> None:
    document = yaml.load(text, yaml.BaseLoader)  # noqa: S506 -- it makes texts alone
    assert list(Draft202012Validator(json_schema("decisions")).iter_errors(document))


CREDIT = "{invoice: CN-1, line: 1, customer: Contoso, agreement: Contoso Microsoft CSP, reason: r"
VERDICT = "{month: 2026-09, customer: Contoso, agreement: {id: 55}, verdict: reconciled, reason: r}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"credits:\n  - {CREDIT}}}\n  - {CREDIT}}}\n", "line 1 of CN-1 is decided a second time; the first is at"),
        (f"verdicts:\n  - {VERDICT}\n  - {VERDICT}\n", "a second verdict on agreement 55 of Contoso in 2026-09"),
        (f"credits:\n  - {CREDIT}, amount: -1, price: cost}}\n", "credit 1 has both 'amount' and 'price'"),
        (f"credits:\n  - {CREDIT}, price: psa}}\n", "credit 1 leaves its price to the PSA"),
        (f"credits:\n  - {CREDIT}, price: cheap}}\n", "'price' of credit 1"),
    ],
    ids=["credit-twice", "verdict-twice", "amount-and-price", "price-of-the-psa", "no-price"],
)
def test_decisions_that_contradict_each_other_or_say_no_price_are_errors(text: str, says: str, tmp_path: Path) -> None:
    result = read(tmp_path, f"version: 1\n{text}")
    assert result.decisions is None
    (finding,) = result.findings
    assert says in finding.message
    assert finding.where is not None
    assert finding.where.line is not None


def test_what_a_credit_is_passed_on_at_is_read(tmp_path: Path) -> None:
    first = f"credits:\n  - {CREDIT}, amount: -18.50}}\n"
    second = (
        first.replace("line: 1", "line: 2").replace("amount: -18.50", "price: retail - 5%").removeprefix("credits:\n")
    )
    stated, ruled = accepted(read(tmp_path, f"version: 1\n{first}{second}")).credits
    assert (stated.amount, stated.price) == (Decimal("-18.50"), None)
    assert ruled.price is not None
    assert (ruled.price.basis, ruled.price.percent) == ("retail", Decimal(-5))
