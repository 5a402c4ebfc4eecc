"""Every way to get a mapping file wrong that we could think of, with the whole text that a person then reads.

The texts are snapshots under review: a message that changes is seen. Beside the text, each case must be refused.
"""

from pathlib import Path

import pytest
from mapping_texts import VALID, loaded, told, with_line
from syrupy.assertion import SnapshotAssertion

CUSTOMER = "  - name: Fabrikam\n    tenant: fabrikam.onmicrosoft.com\n"

BAD: dict[str, str | bytes] = {
    # -- the file
    "an empty file": "",
    "only comments": "# nothing yet\n",
    "a list instead of keys": "- version: 1\n",
    "a text instead of keys": "hello\n",
    "not UTF-8": VALID.encode().replace(b"Contoso E3", b"Contos\xf3 E3"),
    "UTF-16": VALID.encode("utf-16"),
    "a second document": VALID + "---\nversion: 1\n",
    "text after the end": VALID + "...\nversion: 1\n",
    "no version": with_line("version: 1\n", ""),
    "a later version": with_line("version: 1", "version: 2"),
    "a version that is no number": with_line("version: 1", "version: one"),
    # -- YAML
    "a tab that indents": with_line("    company: training", "\tcompany: training"),
    "a tab behind a colon": with_line("company: training", "company:\ttraining"),
    "two colons on a line": with_line("company: training", "company: training: two"),
    "a missing colon": with_line("    company: training\n", "    company\n"),
    "a quote that never ends": with_line('"CFQ7TTC0LF8R:0001"}', '"CFQ7TTC0LF8R:0001}'),
    "text behind a quote": with_line("company: training", 'company: "training" two'),
    "a list that is not closed": with_line("[seat-monthly, seat-annual, azure]", "[seat-monthly, seat-annual, azure"),
    "a mapping that is not closed": with_line("{decrease: none}", "{decrease: none"),
    "an at sign": with_line("company: training", "company: @training"),
    "a backtick": with_line("company: training", "company: `training`"),
    "a percent sign": with_line("company: training", "company: %training"),
    "an unknown escape": with_line("company: training", 'company: "C:\\training"'),
    "a wrong indentation": with_line("    company: training", "   company: training"),
    "an indentation too deep": with_line("    company: training", "      company: training"),
    "a list item on the key's line": with_line("motions: [seat-monthly, seat-annual, azure]", "motions: - azure"),
    "a duplicate key": with_line("    sync: true\n", "    sync: true\n    sync: false\n"),
    "a duplicate name of a section": with_line(
        "targets:\n", "  distributor: {type: files, invoices: other/*}\ntargets:\n"
    ),
    "a duplicate section": VALID + "customers: []\n",
    "an explicit tag": with_line("company: training", "company: !!str training"),
    "a dangerous tag": with_line("company: training", "company: !!python/object/apply:os.system [id]"),
    "a tag without a handle": with_line("company: training", "company: !x!y training"),
    "a merge key": with_line("changes: {decrease: none}", "changes: {<<: {decrease: none}}"),
    "an alias without an anchor": with_line("company: training", "company: *training"),
    "an alias inside its own anchor": with_line("changes: {decrease: none}", "changes: &a {decrease: *a}"),
    "an anchor without a name": with_line("company: training", "company: & training"),
    "a key that is a list": with_line("company: training", "[company]: training"),
    "a key that is empty": with_line("    company: training", "    : training"),
    "levels without end": "version: 1\ncustomers: " + "[" * 100,
    "an invisible control": with_line("company: training", "company: train\x00ing"),
    "an escape sequence": with_line("company: training", "company: \x1b[2Jtraining"),
    "text that runs backwards": with_line("company: training", "company: train\u202eing"),
    "a line separator": with_line("company: training", "company: train\u2028ing"),
    # -- keys
    "an unknown section": with_line("customers:", "custmers:"),
    "an unknown key of a source": with_line("price_list:", "pricelist:"),
    "an unknown key of a target": with_line("    company: training", "    companny: training"),
    "an unknown key of limits": with_line("concurrency: 8", "conurrency: 8"),
    "an unknown key of a program": with_line("    policy: true-up", "    polcy: true-up"),
    "an unknown key of defaults": with_line("unit_of_measure: Each", "uom: Each"),
    "an unknown key of a customer": with_line("    start: 2026-09", "    begin: 2026-09"),
    "an unknown key of a reference": with_line("{id: 55}", "{ID: 55}"),
    "an unknown key of a price rule": with_line("    from: 2026-09-01", "    form: 2026-09-01"),
    "a missing key of a target": with_line("    company: training\n", ""),
    "a missing secret": with_line("    private_key: ${CONNECTWISE_PRIVATE_KEY}\n", ""),
    "a customer without a tenant": with_line("    tenant: fabrikam.onmicrosoft.com\n", ""),
    "a customer without a name": with_line("  - name: Fabrikam\n    tenant", "  - tenant"),
    "an unknown motion": with_line("azure: {id: 55}", "azur: {id: 55}"),
    # -- values
    "yes for true": with_line("    sync: true", "    sync: yes"),
    "a switch with a capital": with_line("    sync: true", "    sync: True"),
    "preview for a program": with_line("    sync: true", "    sync: preview"),
    "an empty value": with_line("    company: training", "    company:"),
    "an empty text": with_line("    company: training", '    company: "  "'),
    "a list for a text": with_line("    company: training", "    company: [training]"),
    "a text for a list": with_line("motions: [seat-monthly, seat-annual, azure]", "motions: azure"),
    "no motions": with_line("motions: [seat-monthly, seat-annual, azure]", "motions: []"),
    "a text for a mapping": with_line("changes: {decrease: none}", "changes: none"),
    "a text for customers": "version: 1\ncustomers: Contoso\n",
    "a list for sources": "version: 1\nsources: [distributor]\n",
    "a text for a customer": with_line(
        CUSTOMER + "    company: {id: 251}\n", "  - Fabrikam\n  - name: F\n    tenant: f\n"
    ),
    "a word that is not a choice": with_line("decrease: none", "decrease: never"),
    "an unknown policy": with_line("policy: true-up", "policy: trueup"),
    "a policy of a later version": with_line("policy: true-up", "policy: lifecycle"),
    "an unknown type of source": with_line("type: files", "type: file"),
    "a source of a later version": with_line(
        "type: files\n    invoices: invoices/*", "type: cloud-iq\n    tenant_name: x"
    ),
    "a target of a later version": with_line("type: connectwise", "type: autotask"),
    "a format of a later version": with_line("format: normalized", "format: rhipe"),
    "an unknown format": with_line("format: normalized", "format: normalised"),
    "a number with an exponent": with_line("max_changes: 500", "max_changes: 5e2"),
    "a number in hexadecimal": with_line("max_changes: 500", "max_changes: 0x1f4"),
    "a number with separators": with_line("max_decrease_percent: 30", "max_decrease_percent: 1_000"),
    "a number with a percent sign": with_line("max_decrease_percent: 30", "max_decrease_percent: 30%"),
    "a number that is huge": with_line("max_decrease_percent: 30", f"max_decrease_percent: {'9' * 40}"),
    "a number that is not one": with_line("max_decrease_percent: 30", "max_decrease_percent: .nan"),
    "a count of nothing": with_line("concurrency: 8", "concurrency: 0"),
    "a negative time": with_line("settle_seconds: 120", "settle_seconds: -1"),
    "a month that is a day": with_line("start: 2026-09", "start: 2026-09-01"),
    "a month that is not one": with_line("start: 2026-09", "start: 2026-13"),
    "a month in other digits": with_line("start: 2026-09", "start: ２０２６-09"),
    "a day that is not one": with_line("from: 2026-09-01", "from: 2026-09-31"),
    "a day written otherwise": with_line("from: 2026-09-01", "from: 01.09.2026"),
    "an id that is a name": with_line("{id: 55}", "{id: Contoso}"),
    "a reference with two answers": with_line("{id: 55}", "{id: 55, name: Contoso}"),
    "a reference with none": with_line("{id: 55}", "{}"),
    "a text of many lines": with_line("company: training", "company: |\n      training\n      two"),
    "a text that is long": with_line("company: training", f"company: {'x' * 600}"),
    "an unset variable": with_line("company: training", "company: ${PSA_COMPANY}"),
    "a reference that is none": with_line("company: training", "company: ${PSA COMPANY}"),
    # -- addresses, secrets, prices
    "http to elsewhere": with_line("http://127.0.0.1:8765", "http://psa.example.com"),
    "http to a name that looks local": with_line("http://127.0.0.1:8765", "http://127.0.0.1.example.com"),
    "another protocol": with_line("http://127.0.0.1:8765", "ftp://psa.example.com"),
    "an address without protocol": with_line("http://127.0.0.1:8765", "psa.example.com"),
    "an address with a password": with_line("http://127.0.0.1:8765", "https://me:hush-hush@psa.example.com"),
    "an address with a token": with_line("http://127.0.0.1:8765", "https://psa.example.com/?key=hush-hush"),
    "an address with a wrong port": with_line("http://127.0.0.1:8765", "https://psa.example.com:99999"),
    "a literal secret": with_line("${CONNECTWISE_PRIVATE_KEY}", "hush-hush"),
    "a secret with a default": with_line("${CONNECTWISE_PRIVATE_KEY}", "${KEY:-hush-hush}"),
    "a secret with text around it": with_line("${CONNECTWISE_PRIVATE_KEY}", "Bearer ${KEY} hush-hush"),
    "an empty secret": with_line("${CONNECTWISE_PRIVATE_KEY}", ""),
    "a secret in a mapping": with_line("${CONNECTWISE_PRIVATE_KEY}", "{hush-hush: 1, hush-hush: 2}"),
    "a secret of many lines": with_line("${CONNECTWISE_PRIVATE_KEY}", "|\n      hush-hush\n      hush-hush"),
    "a secret under a misspelt key": with_line("private_key: ${CONNECTWISE_PRIVATE_KEY}", "privatekay: hush-hush"),
    "a secret that breaks the YAML": with_line("${CONNECTWISE_PRIVATE_KEY}", "%hush-hush"),
    "a secret that looks like an alias": with_line("${CONNECTWISE_PRIVATE_KEY}", "*hush-hush"),
    "a secret that looks like a tag": with_line("${CONNECTWISE_PRIVATE_KEY}", "!hush-hush hush-hush"),
    "a slip below a literal secret": with_line("${CONNECTWISE_PRIVATE_KEY}", "|\n      hush-hush\n   hush-hush"),
    "a secret in a flow that is not YAML": with_line(
        "limits: {", "extra: {type: x, private_key: hush-hush @}\n    limits: {"
    ),
    "a misspelt secret that is not YAML": with_line(
        "private_key: ${CONNECTWISE_PRIVATE_KEY}", 'privat-key: "hush-hush'
    ),
    "a price that is none": with_line("price: cost + 1.20", "price: cheap"),
    "a price with a comma": with_line("price: cost + 1.20", "price: cost + 1,20"),
    "a price below nothing": with_line("price: cost + 1.20", "price: cost - 120%"),
    "a fixed price without a number": with_line("price: cost + 1.20", "price: fixed"),
    # -- what no single value tells
    "a source that is not declared": with_line("source: distributor", "source: distributer"),
    "a target that is not declared": with_line("target: psa", "target: connectwise"),
    "a program that is not declared": with_line("    program: microsoft-csp", "    program: microsoft-cps"),
    "no program to take": "version: 1\ncustomers:\n  - {name: A, tenant: a, company: A, agreements: {azure: A}}\n",
    "a rule for an unknown customer": with_line("customer: Contoso,", "customer: Contosso,"),
    "a rule for an unknown program": with_line("{program: microsoft-csp, c", "{program: azure, c"),
    "a rule that ends before it begins": with_line("to: 2027-08-31", "to: 2025-08-31"),
    "a customer twice": with_line("  - name: Fabrikam", "  - name: contoso"),
    "a tenant and motion twice": with_line("fabrikam.onmicrosoft.com", "8a7c0f3e-1111-4222-8333-944455566677"),
    "a tenant and motion under two programs": with_line(
        "customers:\n",
        "  second: {source: distributor, target: psa, motions: [seat-monthly]}\ncustomers:\n"
        "  - {name: Contoso again, program: second, tenant: 8a7c0f3e-1111-4222-8333-944455566677, company: Contoso,"
        " agreements: {seat-monthly: Contoso CSP}}\n",
    ).replace("  - name: Fabrikam\n", "  - name: Fabrikam\n    program: second\n"),
    "a SKU twice": with_line("P1Y:M:CFQ7TTC0LH18:0001", "cfq7ttc0lh18:0001"),
    "an agreement by name without a company": with_line("    company: {id: 251}\n", ""),
    "an include that leads out": with_line("version: 1\n", "version: 1\ninclude: ../*.yaml\n"),
    "an include of an absolute path": with_line("version: 1\n", "version: 1\ninclude: [/etc/passwd]\n"),
    "an include that is not there": with_line("version: 1\n", "version: 1\ninclude: [customers.yaml]\n"),
    "an include of a mapping": with_line("version: 1\n", "version: 1\ninclude: {a: b}\n"),
}

DOUBTFUL = {
    "a source and a target that nobody uses": with_line(
        "targets:\n", "  spare: {type: files, invoices: spare/*}\ntargets:\n"
    ),
    "a motion that the program does not sync": with_line("[seat-monthly, seat-annual, azure]", "[seat-monthly]"),
    "a customer without agreements": with_line("    agreements: {seat-monthly: Fabrikam CSP}\n", ""),
    "one product for two SKUs": with_line("name: Microsoft 365 Business Basic, one year", "product: M365-BB"),
    "an include that matches nothing": with_line("version: 1\n", "version: 1\ninclude: [mappings/*.yaml]\n"),
}


@pytest.mark.parametrize("case", BAD)
def test_it_is_refused_with_words_that_help(case: str, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    result = loaded(tmp_path, BAD[case])
    assert result.mappings is None
    assert any(finding.blocks for finding in result.findings)
    text = told(result, tmp_path)
    assert "hush-hush" not in text
    assert text == snapshot


@pytest.mark.parametrize("case", DOUBTFUL)
def test_it_is_taken_with_a_warning(case: str, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    result = loaded(tmp_path, DOUBTFUL[case])
    assert result.mappings is not None
    assert result.findings
    assert told(result, tmp_path) == snapshot


def test_the_valid_file_has_no_findings(tmp_path: Path) -> None:
    assert told(loaded(tmp_path, VALID), tmp_path) == "0 errors"


def test_a_tenant_may_stand_under_two_programs_that_bill_different_motions(tmp_path: Path) -> None:
    text = with_line(
        "customers:\n",
        "  usage: {source: distributor, target: psa, motions: [seat-annual]}\ncustomers:\n"
        "  - {name: Contoso annual, program: usage, tenant: 8a7c0f3e-1111-4222-8333-944455566677, company: Contoso,"
        " agreements: {seat-annual: Contoso Annual}}\n",
    ).replace("  - name: Fabrikam\n", "  - name: Fabrikam\n    program: usage\n")
    findings = loaded(tmp_path, text).findings
    assert [finding.code for finding in findings if finding.blocks] == []


def test_every_finding_has_a_place(tmp_path: Path) -> None:
    for text in BAD.values():
        for finding in loaded(tmp_path, text).findings:
            assert finding.where is not None
            assert finding.where.file.endswith(".yaml")


def test_every_error_of_the_text_points_into_the_file(tmp_path: Path) -> None:
    for case, text in BAD.items():
        lines = text.splitlines() if isinstance(text, str) else []
        for finding in loaded(tmp_path, text).findings:
            if lines and finding.where and finding.where.line:
                assert finding.where.line <= len(lines) + 1, case
                assert finding.where.column is not None
                assert finding.where.column <= len(lines[finding.where.line - 1]) + 1, case
