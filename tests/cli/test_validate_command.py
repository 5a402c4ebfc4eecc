"""`validate`, as a user runs it: exit status, streams, and the four forms of its findings."""

import json
import subprocess
from pathlib import Path

import pytest
from typed_commands import typed

RIGHT = """\
version: 1
sources: {distributor: {type: files, invoices: invoices/*}}
targets:
  psa:
    {type: connectwise, url: "https://a.eu", company: me, client_id: "${A}", public_key: "${B}", private_key: "${C}"}
programs: {csp: {source: distributor, target: psa, motions: [seat-monthly]}}
customers:
  - {name: Contoso, tenant: t1, company: C, agreements: {seat-monthly: C}}
  - {name: Fabrikam, tenant: t2, company: F, agreements: {seat-monthly: F}}
"""
WRONG = RIGHT.replace("tenant: t2", "tenent: t2").replace(
    "motions: [seat-monthly]", "motions: [seat-monthly], sync: yes"
)


def run(
    folder: Path, *arguments: str, text: str | None = RIGHT, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    if text is not None:
        (folder / "mappings.yaml").write_text(text, encoding="utf-8")
    return typed(folder, *arguments, environ=environ or {})


def test_a_right_file_is_said_to_be_valid(tmp_path: Path) -> None:
    done = run(tmp_path, "validate")
    assert (done.returncode, done.stdout, done.stderr) == (0, "valid: 1 program, 2 customers, 1 file\n", "")


def test_errors_stand_on_standard_error_and_the_status_is_one(tmp_path: Path) -> None:
    done = run(tmp_path, "validate", text=WRONG)
    assert (done.returncode, done.stdout) == (1, "")
    assert "mappings.yaml:9:22: error[unknown-key]: 'tenent' is not a key of customer 'Fabrikam'\n" in done.stderr
    assert "\n    hint: did you mean 'tenant'?\n" in done.stderr
    assert done.stderr.endswith("mappings.yaml: 3 errors\n")


def test_warnings_alone_are_no_failure(tmp_path: Path) -> None:
    done = run(tmp_path, "validate", text=RIGHT.replace("agreements: {seat-monthly: F}", "sync: true"))
    assert done.returncode == 0
    assert done.stdout == "valid: 1 program, 2 customers, 1 file (1 warning)\n"
    assert "warning[no-agreements]" in done.stderr


def test_a_missing_file_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    done = run(tmp_path, "-f", "other.yaml", "validate", text=None)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "other.yaml: error[file]: there is no file other.yaml\n    hint: name it with -f FILE"
    )


def test_json_holds_what_the_text_says(tmp_path: Path) -> None:
    done = run(tmp_path, "validate", "--format", "json", text=WRONG)
    document = json.loads(done.stdout)
    assert done.returncode == 1
    assert document["valid"] is False
    assert document["files"] == ["mappings.yaml"]
    finding = next(finding for finding in document["findings"] if finding["code"] == "unknown-key")
    assert (finding["where"], finding["line"], finding["column"]) == ("mappings.yaml:9:22", 9, 22)
    assert finding["hint"] == "did you mean 'tenant'?"
    assert "tenent: t2" in finding["excerpt"]
    assert done.stderr == "mappings.yaml: 3 errors\n"


def test_json_of_a_right_file_is_valid_and_empty(tmp_path: Path) -> None:
    done = run(tmp_path, "validate", "--format", "json")
    assert json.loads(done.stdout) == {"valid": True, "files": ["mappings.yaml"], "findings": []}


def test_github_gets_one_annotation_a_line(tmp_path: Path) -> None:
    lines = run(tmp_path, "validate", "--format", "github", text=WRONG).stdout.splitlines()
    assert len(lines) == 3
    assert (
        "::error file=mappings.yaml,line=9,col=22,title=unknown-key::'tenent' is not a key of customer 'Fabrikam' "
        "(hint: did you mean 'tenant'?)"
    ) in lines


@pytest.mark.security(9, 28)
def test_an_annotation_cannot_be_broken_out_of(tmp_path: Path) -> None:
    text = RIGHT.replace("name: Fabrikam, tenant", 'name: "F%0A::warning::x", tenent')
    lines = run(tmp_path, "validate", "--format", "github", text=text).stdout.splitlines()
    assert all(line.startswith("::error file=mappings.yaml,line=9,") for line in lines)
    assert "F%250A::warning" in lines[0]


def test_sarif_has_a_result_per_finding(tmp_path: Path) -> None:
    log = json.loads(run(tmp_path, "validate", "--format", "sarif", text=WRONG).stdout)
    assert log["version"] == "2.1.0"
    results = log["runs"][0]["results"]
    assert len(results) == 3
    regions = [result["locations"][0]["physicalLocation"]["region"] for result in results]
    assert {"startLine": 9, "startColumn": 22} in regions
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in results] == [result["ruleId"] for result in results]


def test_no_secret_of_the_environment_is_needed_or_shown(tmp_path: Path) -> None:
    environ = {"A": "canary-a", "B": "canary-b", "C": "canary-c"}
    for form in ("text", "json", "github", "sarif"):
        done = run(tmp_path, "validate", "--format", form, text=WRONG, environ=environ)
        assert "canary" not in done.stdout + done.stderr


def test_an_unknown_format_is_a_usage_error(tmp_path: Path) -> None:
    assert run(tmp_path, "validate", "--format", "xml").returncode == 2


@pytest.mark.parametrize("command", ["validate", "init", "schema"])
def test_help_ends_with_an_example(command: str, tmp_path: Path) -> None:
    done = run(tmp_path, command, "--help")
    assert done.returncode == 0
    assert f"reconciler {command}" in done.stdout.split("Example")[1]
